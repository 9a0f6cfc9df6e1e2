"""Lawfulness: every rule is kept on a true map, and each breach is found and named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from datagen.roads.canvas import Canvas
from datagen.roads.lawful import RULES, lawfulness
from datagen.roads.raster import Track
from datagen.scene import Boundary, Category, HDMap, Lane
from datagen.scene.line import Line

Drive = Callable[..., Track]


@pytest.fixture()
def lane(crossroads: HDMap) -> Lane:
    """A lane of the main street that leads into the junction."""
    return next(lane for lane in crossroads.lanes if lane.id in {"w-f0", "m-f0"})


@pytest.fixture()
def way(crossroads: HDMap, lane: Lane) -> np.ndarray:
    """Along that lane and straight through the junction."""
    lanes = {each.id: each for each in crossroads.lanes}
    ahead = Line(lane.center_m).tangent[-1]
    connector = max(
        (lanes[name] for name in lane.successors), key=lambda each: float(Line(each.center_m).tangent[-1] @ ahead)
    )
    onward = lanes[connector.successors[0]]
    points = np.concatenate([lane.center_m, connector.center_m[1:], onward.center_m[1:]])
    return points[np.concatenate([[True], np.linalg.norm(np.diff(points, axis=0), axis=1) > 1e-6])]


def test_driving_along_lanes_is_lawful(
    crossroads: HDMap, on_junction: Canvas, drive_along: Drive, way: np.ndarray
) -> None:
    found = lawfulness(crossroads, [drive_along(way)], on_junction)
    assert found.lawful, found.reasons
    assert found.share == 1.0
    assert found.connected == 1.0
    assert sum(found.judged.values()) == 4  # all rules but the one for people


def test_going_back_on_a_lane_is_the_wrong_way(
    crossroads: HDMap, on_junction: Canvas, drive_along: Drive, way: np.ndarray
) -> None:
    found = lawfulness(crossroads, [drive_along(way[::-1])], on_junction)
    assert found.kept["the right way"] == 0
    assert any("the ego is not the right way: 100%" in reason for reason in found.reasons)


def test_turning_round_is_lawful(
    crossroads: HDMap, on_junction: Canvas, drive_along: Drive, lane: Lane
) -> None:  # fmt: skip
    line, radius = Line(lane.center_m), 3.5  # from the first lane to the second of those that come back
    there = np.arange(line.length_m - 23.0, line.length_m - 15.0)
    angle = np.linspace(0.0, np.pi, 12)[1:-1]
    round_ = line.at(there[-1] + radius * np.sin(angle), radius * (1 - np.cos(angle)))[0]
    way = np.concatenate([line.at(there)[0], round_, line.at(there[::-1], 2 * radius)[0]])
    found = lawfulness(crossroads, [drive_along(way, speed_mps=4.0)], on_junction)
    assert found.lawful, found.reasons


def test_leaving_the_road_crosses_a_kerb(
    crossroads: HDMap, on_junction: Canvas, drive_along: Drive, way: np.ndarray
) -> None:
    aside = Line(way).offset(-30.0).points_m
    found = lawfulness(crossroads, [drive_along(aside)], on_junction)
    assert found.kept["on the road"] == 0
    assert found.kept["off the kerb"] == 0


def test_a_kerb_across_the_road_is_found(
    crossroads: HDMap, on_junction: Canvas, drive_along: Drive, way: np.ndarray
) -> None:
    line = Line(way)
    at = line.at(np.full(2, line.project(np.array([on_junction.center_m]))[0][0]), np.array([-3.0, 3.0]))[0]
    walled = replace(crossroads, boundaries=(*crossroads.boundaries, Boundary(id="wall", line_m=at)))
    found = lawfulness(walled, [drive_along(way)], on_junction)
    assert [rule for rule in RULES if found.kept[rule] < found.judged[rule]] == ["off the kerb"]


def test_people_cross_on_crossings_unless_jaywalking_was_asked(
    crossroads: HDMap, on_junction: Canvas, drive_along: Drive, way: np.ndarray
) -> None:
    line = Line(way)
    middle = float(line.project(np.array([on_junction.center_m]))[0][0])
    across = line.at(np.full(2, middle - 38.0), np.array([-12.0, 14.0]))[0]
    walker = drive_along(across, category=Category.ADULT, speed_mps=1.4)
    found = lawfulness(crossroads, [walker], on_junction)
    assert found.kept["on a crossing"] == 0 < found.judged["on a crossing"]
    assert lawfulness(crossroads, [walker], on_junction, jaywalking=True).lawful


def test_on_a_crossing_people_may_be_on_the_road(crossroads: HDMap, on_junction: Canvas, drive_along: Drive) -> None:
    ring = crossroads.crossings[0].polygon.exterior_m
    half = len(ring) // 2
    middle_ends = np.stack([(ring[0] + ring[half - 1]) / 2, (ring[half] + ring[-1]) / 2])
    walker = drive_along(middle_ends, category=Category.ADULT, speed_mps=1.4)
    assert lawfulness(crossroads, [walker], on_junction).lawful


def test_a_cyclist_may_ride_beside_the_lanes_but_a_motorcyclist_may_not(
    crossroads: HDMap, on_junction: Canvas, drive_along: Drive, way: np.ndarray
) -> None:
    bare = replace(crossroads, lanes=(), junctions=())
    for category, asked in ((Category.BICYCLE, False), (Category.MOTORCYCLE, True)):
        found = lawfulness(bare, [drive_along(way, category=category)], on_junction)
        assert bool(found.judged["on a lane"]) == asked


def test_who_works_on_the_road_may_walk_there(
    crossroads: HDMap, on_junction: Canvas, drive_along: Drive, way: np.ndarray
) -> None:
    worker = drive_along(way, category=Category.CONSTRUCTION_WORKER, speed_mps=1.4)
    assert lawfulness(crossroads, [worker], on_junction).lawful


def test_who_parks_leaves_the_lanes(
    crossroads: HDMap, on_junction: Canvas, drive_along: Drive, way: np.ndarray
) -> None:
    line = Line(way)
    middle = float(line.project(np.array([on_junction.center_m]))[0][0])
    car = drive_along(line.at(np.array([middle - 40.0, middle - 14.0]), 0.0)[0])
    parks = replace(car, speed_mps=np.where(np.arange(len(car.xy_m)) > len(car.xy_m) - 4, 0.0, car.speed_mps))
    bare = replace(crossroads, lanes=(), junctions=())
    assert [lawfulness(bare, [track], on_junction).judged["on a lane"] for track in (car, parks)] == [1, 0]


def test_a_map_without_lanes_is_not_lawful(on_junction: Canvas) -> None:
    found = lawfulness(HDMap(location="x", canvas_m=(500.0, 500.0)), [], on_junction)
    assert found.reasons == ("the map has no lane",)
