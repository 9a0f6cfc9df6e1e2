"""Reference roads: lanes where they are said to be, connected, right-hand, in positive coordinates."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from datagen.roads.furnish import as_shapely, furnished
from datagen.roads.reference import LANE_WIDTH_M, reference_road
from datagen.scene import DividerKind, HDMap, LaneKind, Place
from datagen.scene.line import Line
from datagen.scene.plan import PlanRoad


def road(seed: int = 0, place: Place = Place.DOWNTOWN, **wish: object) -> HDMap:
    rng = np.random.default_rng(seed)
    return reference_road(PlanRoad(**wish), place=place, length_m=260.0, rng=rng)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("junction", [False, True])
def test_everything_lies_on_the_canvas(seed: int, junction: bool) -> None:
    hdmap = furnished(road(seed, junction=junction, crossing=True))
    areas = (*hdmap.crossings, *hdmap.walkways, *hdmap.drivable, *hdmap.carparks, *hdmap.stop_lines)
    points = np.concatenate([area.polygon.exterior_m for area in areas])
    assert (points >= 0).all()
    assert (points <= np.array(hdmap.canvas_m)).all()


def test_the_same_seed_gives_the_same_place_and_name() -> None:
    first, second, other = road(3), road(3), road(4)
    assert first.location == second.location != other.location
    assert first.location.startswith("straight-")
    assert np.array_equal(first.lanes[0].center_m, second.lanes[0].center_m)


def test_traffic_keeps_to_the_right() -> None:
    hdmap = road(lanes=1)
    there, back = (lane for lane in hdmap.lanes if lane.kind is LaneKind.CAR)
    aside = Line(there.center_m).project(back.center_m)[1]
    assert np.allclose(aside, LANE_WIDTH_M)  # those who come back are to the left


def test_lanes_of_one_direction_are_neighbours() -> None:
    lanes = {lane.id: lane for lane in road(lanes=3).lanes}
    right = lanes["m-f0"]
    assert right.right_neighbor is None
    left = lanes[right.left_neighbor or ""]
    assert left.right_neighbor == right.id
    assert np.allclose(Line(right.center_m).project(left.center_m)[1], LANE_WIDTH_M)


def test_a_junction_s_lanes_meet_end_to_end() -> None:
    hdmap = road(1, lanes=2, junction=True)
    lanes = {lane.id: lane for lane in hdmap.lanes}
    connectors = [lane for lane in hdmap.lanes if lane.junction]
    assert connectors
    for connector in connectors:
        (onward,) = connector.successors
        assert np.allclose(connector.center_m[-1], lanes[onward].center_m[0], atol=1e-6)
        entry = lanes[connector.id.split(">")[0]]
        assert connector.id in entry.successors
        assert np.allclose(entry.center_m[-1], connector.center_m[0], atol=1e-6)


def test_connectors_can_be_driven_and_stay_in_the_junction() -> None:
    hdmap = road(2, lanes=2, junction=True)
    junction = as_shapely(hdmap.junctions[0].polygon).buffer(0.3)
    for connector in (lane for lane in hdmap.lanes if lane.junction):
        line = Line(connector.center_m)
        heading = np.unwrap(np.arctan2(line.tangent[:, 1], line.tangent[:, 0]))
        curvature = np.abs(np.diff(heading)) / np.diff(line.along_m)[1:]
        assert curvature.max() < 0.16, connector.id
        assert junction.covers(shapely.LineString(connector.center_m)), connector.id


def test_a_furnished_street_has_what_a_street_has() -> None:
    hdmap = furnished(road(lanes=2, crossing=True))
    assert {divider.kind for divider in hdmap.dividers} == {DividerKind.LANE, DividerKind.ROAD}
    assert sum(divider.kind is DividerKind.ROAD for divider in hdmap.dividers) == 1
    assert len(hdmap.boundaries) == 2
    assert len(hdmap.walkways) == 2
    assert len(hdmap.stop_lines) == 4  # two lanes each way meet one crossing
    (surface,) = hdmap.drivable
    whole = as_shapely(surface.polygon).buffer(0.1)
    assert all(whole.covers(as_shapely(lane.polygon)) for lane in hdmap.lanes)


def test_walkways_and_kerbs_leave_the_road_free() -> None:
    hdmap = furnished(road(5, lanes=2, junction=True))
    assert len(hdmap.boundaries) == 4  # one at each corner
    surface = shapely.union_all([as_shapely(area.polygon) for area in hdmap.drivable]).buffer(-0.1)
    for area in hdmap.walkways:
        assert not surface.intersects(as_shapely(area.polygon))


def test_ids_are_unique() -> None:
    hdmap = furnished(road(lanes=3, junction=True))
    for things in (hdmap.lanes, hdmap.dividers, hdmap.boundaries, hdmap.walkways, hdmap.crossings, hdmap.stop_lines):
        ids = [thing.id for thing in things]  # type: ignore[attr-defined]
        assert len(ids) == len(set(ids))


def test_a_highway_has_no_parking_unless_asked() -> None:
    assert not road(place=Place.HIGHWAY).carparks
    rng = np.random.default_rng(0)
    assert reference_road(PlanRoad(), place=Place.HIGHWAY, length_m=260.0, rng=rng, parking=True).carparks
