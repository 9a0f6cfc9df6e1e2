"""The straight map maker draws around lanes and leaves them as they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from adapters.mapmaker.straight import Settings, build
from datagen.ports import Dropped
from datagen.roads.reference import reference_road
from datagen.scene import HDMap, Place, Scene
from datagen.scene.plan import Plan, PlanAmbience, PlanRoad


@pytest.fixture
def reference() -> HDMap:
    rng = np.random.default_rng(0)
    return reference_road(PlanRoad(lanes=2, crossing=True), place=Place.DOWNTOWN, length_m=240.0, rng=rng)


def draw(scene: Scene, hdmap: HDMap, plan: Plan) -> HDMap | Dropped:
    return build(Settings()).draw(replace(scene, hdmap=hdmap), plan=plan, rng=np.random.default_rng(0))


def test_lanes_stay_and_the_rest_is_drawn(street: Scene, reference: HDMap) -> None:
    hdmap = draw(street, reference, Plan())
    assert isinstance(hdmap, HDMap)
    assert hdmap.lanes == reference.lanes
    assert hdmap.location == reference.location
    assert hdmap.dividers and hdmap.boundaries and hdmap.walkways and hdmap.drivable and hdmap.crossings


def test_a_highway_has_no_walkways(street: Scene, reference: HDMap) -> None:
    hdmap = draw(street, reference, Plan(ambience=PlanAmbience(place=Place.HIGHWAY)))
    assert isinstance(hdmap, HDMap)
    assert not hdmap.walkways


def test_without_lanes_there_is_no_road(street: Scene) -> None:
    assert isinstance(draw(street, HDMap(location="x", canvas_m=(9.0, 9.0)), Plan()), Dropped)
