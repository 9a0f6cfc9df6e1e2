"""Traffic on lanes that were drawn after the scene: it comes, breaks no rule, and leaves the scene as it was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from datagen.scene import Category, Scene
from datagen.scene.plan import Manoeuvre, Plan, PlanActor, PlanRoad
from datagen.traffic import rules
from datagen.traffic.drawn_lanes import with_traffic_on
from datagen.traffic.route import Network
from datagen.traffic.tracks import Tracks

PLAN = Plan(
    road=PlanRoad(junction=True, lanes=2),
    actors=(PlanActor(category=Category.CAR, manoeuvres=(Manoeuvre(do="cross", side="right"),)),),
)
SEEDS = range(3)


def added(scene: Scene, *, seed: int, density: float = 2.0) -> Scene:
    return with_traffic_on(scene, density=density, rng=np.random.default_rng(seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_they_come_and_the_scene_stays_as_it_was(simulated, seed: int) -> None:
    before = simulated(PLAN, seed=seed, density=0.2)
    after = added(before, seed=seed)
    assert len(after.actors) > len(before.actors)
    assert after.actors[: len(before.actors)] == before.actors
    assert replace(after, actors=before.actors) == before


@pytest.mark.parametrize("seed", SEEDS)
def test_they_break_no_rule_and_leave_the_way_ahead_of_the_ego_alone(simulated, seed: int) -> None:
    before = simulated(PLAN, seed=seed, density=0.2)
    after = added(before, seed=seed)
    network = Network(after.hdmap)
    tracks = Tracks.of(after, network=network)
    assert not rules.overlaps(tracks)
    assert not rules.infeasible(tracks)
    assert not rules.off_road(tracks, network.surface)
    assert not rules.wrong_way(tracks, after.hdmap)
    for column in range(1 + len(before.actors), len(tracks.ids)):
        along, across = tracks.ego_way.project(tracks.xy_m[tracks.present[:, column], column])
        ego = tracks.ego_way.project(tracks.xy_m[tracks.present[:, column], 0])[0]
        assert not np.any((np.abs(across) < 2.0) & (along > ego) & (along < ego + 40.0))


def test_nobody_is_asked_for_and_nobody_comes(simulated) -> None:
    scene = simulated(PLAN, density=0.2)
    assert added(scene, seed=0, density=0.0) is scene


def test_the_same_seed_adds_the_same(simulated) -> None:
    scene = simulated(PLAN, density=0.2)
    one, two = added(scene, seed=4), added(scene, seed=4)
    assert [actor.id for actor in one.actors] == [actor.id for actor in two.actors]
    assert all(
        np.array_equal(a.trajectory.translation_m, b.trajectory.translation_m)
        for a, b in zip(one.actors, two.actors)
    )  # fmt: skip
