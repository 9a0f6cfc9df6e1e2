"""Several alike, those who come towards the ego, and those who share a lane with others: what they do happens."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from datagen.scene import Category, Place, Scene
from datagen.scene.mirror import keeps_left
from datagen.scene.plan import Manoeuvre, Plan, PlanActor, PlanAmbience
from datagen.traffic.events import happens
from datagen.traffic.tracks import Tracks

Simulate = Callable[..., Scene]


def actor(do: str, *more: str, category: Category = Category.CAR, **said: object) -> PlanActor:
    side = said.pop("side", None)
    acts = tuple(Manoeuvre.model_validate({"do": one, "side": side}) for one in (do, *more))
    return PlanActor.model_validate({"category": category, "manoeuvres": acts, **said})


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(
    "who",
    [
        actor("tailgate", category=Category.CAR, count=2),
        actor("follow", category=Category.MOTORCYCLE, count=3),
        actor("follow", where="ahead"),
        actor("oncoming", "turn", side="left", category=Category.BUS),
        actor("oncoming", "turn", side="right"),
        actor("yield", where="opposite", category=Category.MOTORCYCLE),
        actor("pull_over", where="opposite", category=Category.BUS),
        actor("pull_over", category=Category.TRUCK, count=3),
        actor("accelerate", where="behind"),
        actor("run_out", category=Category.CHILD, count=3),
        actor("walk_in_group", category=Category.ANIMAL),
        actor("cross", category=Category.BICYCLE, count=3, side="left"),
    ],
    ids=lambda who: f"{who.count}-{who.category}-{who.where}-{'-'.join(act.do for act in who.manoeuvres)}",
)
def test_it_happens(simulated: Simulate, who: PlanActor, seed: int) -> None:
    scene = simulated(Plan(actors=(who,)), seed=seed, duration_s=8.0, density=0.5)
    assert all(happens(Tracks.of(scene), "actor-0-0", act=act) for act in who.manoeuvres)


@pytest.mark.parametrize("category", [Category.TRUCK, Category.CAR])
def test_on_a_motorway_one_stops_at_the_edge_within_the_clip(simulated: Simulate, category: Category) -> None:
    plan = Plan(ambience=PlanAmbience(place=Place.HIGHWAY), actors=(actor("pull_over", category=category),))
    scene = simulated(plan, duration_s=8.0)
    assert happens(Tracks.of(scene), "actor-0-0", act=Manoeuvre(do="pull_over"))


def test_whoever_stops_at_the_left_kerb_does_so_where_one_drives_on_the_left(simulated: Simulate) -> None:
    scene = simulated(Plan(actors=(actor("pull_over", side="left"),)), duration_s=8.0)
    assert keeps_left(scene.hdmap)
    assert happens(Tracks.of(scene), "actor-0-0", act=Manoeuvre(do="pull_over", side="left"))


@pytest.mark.parametrize("ahead", ["brake", "keep_lane"])
def test_there_is_room_for_all_who_come_in_between(simulated: Simulate, ahead: str) -> None:
    quiet = actor(ahead, where="ahead", category=Category.BUS)
    plan = Plan(actors=(quiet, actor("cut_in", side="left"), actor("merge", side="right", category=Category.TRUCK)))
    tracks = Tracks.of(simulated(plan, duration_s=8.0, density=0.5))
    assert happens(tracks, "actor-1-0", act=Manoeuvre(do="cut_in", side="left"))
    assert happens(tracks, "actor-2-0", act=Manoeuvre(do="merge", side="right"))


def test_the_ego_is_as_close_as_tailgating_is(simulated: Simulate) -> None:
    plan = Plan(ambience=PlanAmbience(place=Place.PARK), ego=(Manoeuvre(do="tailgate"),))
    for seed in range(3):
        assert happens(Tracks.of(simulated(plan, seed=seed)), "ego", act=plan.ego[0])


def test_cycles_set_off_no_faster_than_anything_can(simulated: Simulate) -> None:
    plan = Plan(actors=(actor("jaywalk", category=Category.MOTORCYCLE),))
    for seed in range(3):
        simulated(plan, seed=seed, duration_s=8.0)


def test_somebody_swerves_and_then_cuts_in(simulated: Simulate) -> None:
    who = PlanActor(
        category=Category.MOTORCYCLE, manoeuvres=(Manoeuvre(do="swerve"), Manoeuvre(do="cut_in", side="left"))
    )
    tracks = Tracks.of(simulated(Plan(actors=(who,)), duration_s=8.0, density=0.5))
    assert all(happens(tracks, "actor-0-0", act=act) for act in who.manoeuvres)
    assert not happens(tracks, "ego", act=Manoeuvre(do="swerve"))


def test_a_change_of_lanes_is_no_swerve(simulated: Simulate) -> None:
    tracks = Tracks.of(simulated(Plan(actors=(actor("lane_change", side="left"),)), duration_s=8.0))
    assert not happens(tracks, "actor-0-0", act=Manoeuvre(do="swerve"))


def test_fast_oncoming_traffic_comes_towards_an_ego_that_turns(simulated: Simulate) -> None:
    who = PlanActor(category=Category.CAR, manoeuvres=(Manoeuvre(do="oncoming", speed_mps=12.5),))
    for seed in range(3):
        tracks = Tracks.of(
            simulated(Plan(ego=(Manoeuvre(do="turn", side="left"),), actors=(who,)), seed=seed, duration_s=8.0)
        )
        assert happens(tracks, "actor-0-0", act=who.manoeuvres[0])
