"""Slip roads, left-hand traffic, people who wait for a gap, and what somebody does after something else."""

from __future__ import annotations

import numpy as np
import pytest

from datagen.roads.reference import reference_road
from datagen.scene import Category, HDMap, Place, Prompt, Scene
from datagen.scene.mirror import keeps_left, mirrored_map, mirrored_plan, mirrored_scene
from datagen.scene.plan import Manoeuvre, Plan, PlanActor, PlanAmbience, PlanRoad
from datagen.traffic.events import happens
from datagen.traffic.setting import needs_parking, road_length_m, road_wish
from datagen.traffic.simulate import simulate
from datagen.traffic.tracks import Tracks

DURATION_S = 8.0


def road_of(plan: Plan, seed: int = 0) -> HDMap:
    return reference_road(
        road_wish(plan), place=plan.ambience.place, length_m=road_length_m(plan, DURATION_S),
        parking=needs_parking(plan), rng=np.random.default_rng(seed),
    )  # fmt: skip


def driven(plan: Plan, seed: int = 0) -> Scene:
    prompt = Prompt(id="x", index=0, text="x", seed=seed, duration_s=DURATION_S)
    rng = np.random.default_rng(seed)
    scene = simulate(plan, prompt=prompt, road=road_of(plan, seed), density=0.5, redraws=8, rng=rng)
    assert isinstance(scene, Scene), scene
    return scene


def plan_of(*acts: Manoeuvre, category: Category = Category.CAR, **road: object) -> Plan:
    actor = PlanActor(category=category, manoeuvres=acts)
    return Plan(road=PlanRoad.model_validate(road), actors=(actor,))


def test_a_slip_road_joins_and_ends_before_the_street_does() -> None:
    road = road_of(Plan(road=PlanRoad(ramp=True), ambience=PlanAmbience(place=Place.HIGHWAY)))
    ramp = next(lane for lane in road.lanes if lane.id.endswith("ramp"))
    outer = next(lane for lane in road.lanes if lane.id == ramp.left_neighbor)
    assert outer.right_neighbor == ramp.id
    apart = np.linalg.norm(ramp.center_m[:, None] - outer.center_m[None], axis=-1).min(axis=1)
    assert apart[0] == pytest.approx(3.5 + 11.0, abs=0.8)  # the slip road begins 11 m further aside
    assert np.linalg.norm(ramp.center_m[-1] - outer.center_m[-1]) > 40.0


def test_whoever_merges_where_a_slip_road_joins_comes_from_it() -> None:
    scene = driven(plan_of(Manoeuvre(do="merge"), category=Category.TRUCK, ramp=True))
    tracks = Tracks.of(scene)
    assert happens(tracks, "actor-0-0", act=Manoeuvre(do="merge", side="right"))
    assert not happens(tracks, "actor-0-0", act=Manoeuvre(do="merge", side="left"))


def test_left_hand_traffic_keeps_left_and_overtakes_on_the_right() -> None:
    plan = plan_of(Manoeuvre(do="overtake"), drive_on="left")
    scene = driven(plan)
    assert keeps_left(scene.hdmap)
    assert not keeps_left(road_of(plan_of(Manoeuvre(do="overtake"))))
    ego_way = Tracks.of(scene).ego_way
    overtaker = next(actor for actor in scene.actors if actor.id == "actor-0-0")
    assert ego_way.project(overtaker.trajectory.translation_m[:, :2])[1].min() < -2.0  # to the right of the ego's way


def test_a_side_that_is_named_is_that_side_in_left_hand_traffic_too() -> None:
    scene = driven(plan_of(Manoeuvre(do="cut_in", side="left"), drive_on="left"))
    assert happens(Tracks.of(scene), "actor-0-0", act=Manoeuvre(do="cut_in", side="left"))


def test_the_mirror_image_of_a_mirror_image_is_the_thing_itself() -> None:
    plan = plan_of(Manoeuvre(do="cut_in", side="left"), curve="left")
    scene = driven(plan)
    again = mirrored_scene(mirrored_scene(scene))
    assert mirrored_plan(mirrored_plan(plan)) == plan
    np.testing.assert_allclose(again.ego.translation_m, scene.ego.translation_m, atol=1e-9)
    np.testing.assert_allclose(again.ego.quat_wxyz, scene.ego.quat_wxyz)
    twice = mirrored_map(mirrored_map(scene.hdmap))
    for lane, same in zip(scene.hdmap.lanes, twice.lanes, strict=True):
        np.testing.assert_allclose(lane.left_m, same.left_m, atol=1e-9)
        assert lane.left_neighbor == same.left_neighbor


def test_people_who_wait_for_a_gap_stand_first_and_then_cross() -> None:
    act = Manoeuvre(do="cross", when_clear=True, side="right")
    scene = driven(plan_of(act, category=Category.ADULT))
    xy = next(actor for actor in scene.actors if actor.id == "actor-0-0").trajectory.translation_m[:, :2]
    assert np.linalg.norm(xy[5] - xy[0]) < 0.2
    assert np.linalg.norm(xy[-1] - xy[0]) > 4.0
    assert happens(Tracks.of(scene), "actor-0-0", act=act)


@pytest.mark.parametrize("first", ["overtake", "swerve", "brake"])
def test_somebody_does_one_thing_and_then_turns(first: str) -> None:
    plan = plan_of(Manoeuvre.model_validate({"do": first}), Manoeuvre(do="turn", side="right"))
    tracks = Tracks.of(driven(plan))
    assert happens(tracks, "actor-0-0", act=plan.actors[0].manoeuvres[1])
    assert happens(tracks.until_turned("actor-0-0"), "actor-0-0", act=plan.actors[0].manoeuvres[0])


def test_somebody_tailgates_and_then_overtakes() -> None:
    tracks = Tracks.of(driven(plan_of(Manoeuvre(do="tailgate"), Manoeuvre(do="overtake", side="left"))))
    assert happens(tracks.until(25), "actor-0-0", act=Manoeuvre(do="tailgate"))
    assert happens(tracks, "actor-0-0", act=Manoeuvre(do="overtake"))
