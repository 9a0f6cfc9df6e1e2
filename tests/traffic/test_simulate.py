"""Plans become scenes in which they happen: every manoeuvre, every length, every prompt of the list."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from adapters.planner.rules import read
from datagen.ports import Dropped
from datagen.roads.reference import reference_road
from datagen.scene import Category, Posture, Prompt, Scene
from datagen.scene.plan import Manoeuvre, Plan, PlanActor, PlanRoad, Side
from datagen.traffic import rules
from datagen.traffic.events import happens
from datagen.traffic.route import Network
from datagen.traffic.setting import needs_parking, road_length_m, road_wish
from datagen.traffic.simulate import simulate
from datagen.traffic.tracks import Tracks

PROMPTS = [
    line
    for line in (Path(__file__).parent / "prompts.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
ACTS = [
    (Category.CAR, Manoeuvre(do="keep_lane")),
    (Category.CAR, Manoeuvre(do="accelerate")),
    (Category.BUS, Manoeuvre(do="brake")),
    (Category.CAR, Manoeuvre(do="brake", hard=True)),
    (Category.CAR, Manoeuvre(do="wait")),
    (Category.CAR, Manoeuvre(do="cut_in", side="left")),
    (Category.TRUCK, Manoeuvre(do="cut_in", side="right", hard=True)),
    (Category.CAR, Manoeuvre(do="lane_change", side="left")),
    (Category.MOTORCYCLE, Manoeuvre(do="overtake")),
    (Category.CAR, Manoeuvre(do="turn", side="left")),
    (Category.BUS, Manoeuvre(do="turn", side="right")),
    (Category.TRUCK, Manoeuvre(do="oncoming")),
    (Category.CAR, Manoeuvre(do="parked", side="right")),
    (Category.CAR, Manoeuvre(do="cross", side="left")),
    (Category.ADULT, Manoeuvre(do="cross", side="right")),
    (Category.BICYCLE, Manoeuvre(do="cross")),
    (Category.CHILD, Manoeuvre(do="jaywalk", side="left", hard=True)),
    (Category.ADULT, Manoeuvre(do="walk")),
]

LONGER_ACTS = [
    (Category.CAR, Manoeuvre(do="constant_speed")),
    (Category.TRUCK, Manoeuvre(do="emergency_stop")),
    (Category.CAR, Manoeuvre(do="stop_and_go")),
    (Category.BUS, Manoeuvre(do="cut_out")),
    (Category.TRUCK, Manoeuvre(do="merge", side="right")),
    (Category.CAR, Manoeuvre(do="u_turn")),
    (Category.MOTORCYCLE, Manoeuvre(do="swerve")),
    (Category.CAR, Manoeuvre(do="pull_over")),
    (Category.CAR, Manoeuvre(do="pull_out")),
    (Category.CAR, Manoeuvre(do="park")),
    (Category.CAR, Manoeuvre(do="reverse")),
    (Category.AMBULANCE, Manoeuvre(do="follow")),
    (Category.TRUCK, Manoeuvre(do="tailgate")),
    (Category.BUS, Manoeuvre(do="yield")),
    (Category.MOTORCYCLE, Manoeuvre(do="filter")),
    (Category.CHILD, Manoeuvre(do="run_out", side="right")),
    (Category.ADULT, Manoeuvre(do="walk_in_group")),
    (Category.CAR, Manoeuvre(do="brake", when_gap_below_m=12.0)),
    (Category.CAR, Manoeuvre(do="cut_in", when_ego_at_m=15.0)),
]


@pytest.mark.parametrize("duration_s", [3.0, 8.0])
@pytest.mark.parametrize(("category", "act"), ACTS, ids=lambda value: getattr(value, "do", str(value)))
def test_every_manoeuvre_happens_in_sight(
    simulated: Callable[..., Scene], category: Category, act: Manoeuvre, duration_s: float
) -> None:
    scene = simulated(Plan(actors=(PlanActor(category=category, manoeuvres=(act,)),)), duration_s=duration_s)
    tracks = Tracks.of(scene, duration_s=duration_s)
    (actor,) = (actor for actor in scene.actors if actor.event)
    assert actor.category is category
    assert happens(tracks, actor.id, act=act)


@pytest.mark.parametrize(("category", "act"), LONGER_ACTS, ids=lambda value: getattr(value, "do", str(value)))
def test_what_takes_longer_happens_in_eight_seconds(
    simulated: Callable[..., Scene], category: Category, act: Manoeuvre
) -> None:
    scene = simulated(Plan(actors=(PlanActor(category=category, manoeuvres=(act,)),)), duration_s=8.0, density=0.5)
    tracks = Tracks.of(scene, duration_s=8.0)
    assert happens(tracks, "actor-0-0", act=act)
    assert tracks.categories[tracks.column("actor-0-0")] is category


@pytest.mark.parametrize("do", ["brake", "accelerate", "lane_change", "turn", "wait", "pull_over", "u_turn", "follow"])
def test_the_ego_does_what_it_is_told(simulated: Callable[..., Scene], do: str) -> None:
    act = Manoeuvre(do=do, side="left" if do in ("lane_change", "turn") else None)  # type: ignore[arg-type]
    scene = simulated(Plan(ego=(act,)), seed=1, duration_s=8.0)
    assert happens(Tracks.of(scene), "ego", act=act)


@pytest.mark.parametrize("curve", ["left", "right"])
def test_the_same_plan_runs_round_a_bend(simulated: Callable[..., Scene], curve: Side) -> None:
    act = Manoeuvre(do="cut_in")
    plan = Plan(road=PlanRoad(curve=curve), actors=(PlanActor(category=Category.CAR, manoeuvres=(act,)),))
    scene = simulated(plan, duration_s=8.0, density=0.5)
    yaw = np.unwrap(scene.ego.yaw_rad)
    assert (yaw[-1] - yaw[0] > 0.15) if curve == "left" else (yaw[-1] - yaw[0] < -0.15)
    assert happens(Tracks.of(scene, duration_s=8.0), "actor-0-0", act=act)


def test_a_clip_that_is_too_short_for_a_manoeuvre_says_so() -> None:
    plan = Plan(ego=(Manoeuvre(do="u_turn"),))
    rng = np.random.default_rng(0)
    road = reference_road(road_wish(plan), place=plan.ambience.place, length_m=260.0, rng=rng)
    prompt = Prompt(id="p", index=0, text="", seed=0, duration_s=3.0)
    dropped = simulate(plan, prompt=prompt, road=road, density=0.0, redraws=0, rng=rng)
    assert isinstance(dropped, Dropped)
    assert dropped.reason == "a clip of 3 s is too short for u_turn; it needs 5 s"


def test_whoever_runs_out_is_hidden_by_somebody_the_plan_did_not_name(simulated: Callable[..., Scene]) -> None:
    plan = Plan(actors=(PlanActor(category=Category.CHILD, manoeuvres=(Manoeuvre(do="run_out"),)),))
    scene = simulated(plan, duration_s=8.0, density=0.0)
    assert [actor.id for actor in scene.actors if actor.event] == ["implied-0-0", "actor-0-0"]
    assert scene.actors[0].posture is Posture.PARKED


def test_a_scene_keeps_the_rules_of_the_road(simulated: Callable[..., Scene]) -> None:
    for seed in range(2):
        scene = simulated(Plan(ego=(Manoeuvre(do="turn", side="left"),)), seed=seed)
        tracks = Tracks.of(scene)
        assert not rules.overlaps(tracks)
        assert not rules.infeasible(tracks)
        assert not rules.off_road(tracks, Network(scene.hdmap).surface)
        assert not rules.wrong_way(tracks, scene.hdmap)


def test_trajectories_cover_the_clip_at_ten_a_second(simulated: Callable[..., Scene]) -> None:
    scene = simulated(Plan(), seed=3, duration_s=4.0)
    start = Prompt(id="p", index=3, text="", seed=3, duration_s=4.0).start_us
    assert scene.ego.start_us == start
    assert scene.ego.end_us >= start + 4_100_000
    assert (np.diff(scene.ego.timestamp_us) == 100_000).all()
    assert all(actor.trajectory.start_us == start for actor in scene.actors)


def test_an_ordinary_street_is_alive(simulated: Callable[..., Scene]) -> None:
    scene = simulated(Plan(), seed=0)
    moving = [a for a in scene.actors if a.posture is Posture.ACTIVE and a.category is Category.CAR]
    assert len(scene.actors) >= 20
    assert len(moving) >= 4
    assert any(actor.posture is Posture.PARKED for actor in scene.actors)
    assert any(actor.category.group == "person" for actor in scene.actors)
    assert not any(actor.event for actor in scene.actors)


def test_no_density_leaves_the_event_alone(simulated: Callable[..., Scene]) -> None:
    plan = Plan(
        actors=(PlanActor(category=Category.CAR, kind="van", color="red", manoeuvres=(Manoeuvre(do="brake"),)),)
    )
    (van,) = simulated(plan, density=0.0).actors
    assert van.event
    assert van.look.kind == "van"
    red, green, blue = van.look.color_rgb
    assert red > 3 * max(green, blue)


def test_the_same_seed_gives_the_same_scene(simulated: Callable[..., Scene]) -> None:
    plan = Plan(actors=(PlanActor(category=Category.CAR, manoeuvres=(Manoeuvre(do="cut_in"),)),))
    first, second, other = simulated(plan, seed=5), simulated(plan, seed=5), simulated(plan, seed=6)
    assert [actor.id for actor in first.actors] == [actor.id for actor in second.actors]
    for one, two in zip(first.actors, second.actors):
        assert np.array_equal(one.trajectory.translation_m, two.trajectory.translation_m)
    assert not np.array_equal(first.ego.translation_m[0], other.ego.translation_m[0])


def test_a_plan_the_road_has_no_place_for_is_dropped_with_the_reason() -> None:
    plan = Plan(ego=(Manoeuvre(do="turn", side="left"),))
    straight = Plan()
    rng = np.random.default_rng(0)
    road = reference_road(road_wish(straight), place=plan.ambience.place, length_m=260.0, rng=rng)
    prompt = Prompt(id="p", index=0, text="", seed=0, duration_s=4.0)
    dropped = simulate(plan, prompt=prompt, road=road, density=1.0, redraws=2, rng=rng)
    assert isinstance(dropped, Dropped)
    assert "no place" in dropped.reason


def test_most_prompts_of_the_list_end_in_a_scene() -> None:
    assert len(PROMPTS) >= 60
    dropped = []
    for index, text in enumerate(PROMPTS[::5]):
        plan = read(text)
        rng = np.random.default_rng(index)
        road = reference_road(
            road_wish(plan),
            place=plan.ambience.place,
            length_m=road_length_m(plan, 6.0),
            parking=needs_parking(plan),
            rng=rng,
        )
        prompt = Prompt(id=str(index), index=index, text=text, seed=index, duration_s=6.0)
        result = simulate(plan, prompt=prompt, road=road, density=1.0, redraws=8, rng=rng)
        if isinstance(result, Dropped):
            dropped.append(f"{text}: {result.reason}")
    assert len(dropped) <= 1, "\n".join(dropped)
