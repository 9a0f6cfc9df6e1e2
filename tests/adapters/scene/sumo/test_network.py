from __future__ import annotations

import numpy as np
import pytest
import shapely

from adapters.scene.sumo.network import Network, build_network, location_of
from datagen.scene import DividerKind, LaneKind, Paint, Place


def polygon(area) -> shapely.Polygon:
    return shapely.Polygon(area.polygon.exterior_m, area.polygon.holes_m)


def test_a_number_gives_the_same_network_every_time(tools):
    once, again = (build_network(5, place=Place.PARK, extent_m=320.0) for _ in range(2))
    assert once.location == again.location == location_of(5, place=Place.PARK, extent_m=320.0)
    assert tools.fingerprint(once.hdmap) == tools.fingerprint(again.hdmap)


def test_another_number_or_size_is_another_place():
    names = {location_of(n, place=Place.PARK, extent_m=e) for n in (1, 2) for e in (400.0, 500.0)}
    assert len(names) == 4
    assert all(name.startswith("sumo-") and len(name) == 13 for name in names)


def test_everything_lies_on_the_canvas(network: Network):
    width, height = network.hdmap.canvas_m
    for lane in network.hdmap.lanes:
        for line in (lane.left_m, lane.right_m):
            assert line.min() >= 0.0
            assert line[:, 0].max() <= width
            assert line[:, 1].max() <= height
    for area in (*network.hdmap.walkways, *network.hdmap.drivable):
        assert area.polygon.exterior_m.min() >= 0.0


def test_ids_are_unique(network: Network):
    hdmap = network.hdmap
    layers = (hdmap.lanes, hdmap.dividers, hdmap.boundaries, hdmap.crossings, hdmap.walkways, hdmap.junctions)
    ids = [thing.id for layer in (*layers, hdmap.stop_lines, hdmap.carparks, hdmap.drivable) for thing in layer]
    assert len(ids) == len(set(ids))


def test_a_lane_begins_where_the_one_before_it_ends(network: Network):
    lanes = {lane.id: lane for lane in network.hdmap.lanes}
    joints = [(lane, lanes[after]) for lane in lanes.values() for after in lane.successors]
    assert joints
    gaps = [np.linalg.norm(lane.center_m[-1] - after.center_m[0]) for lane, after in joints]
    assert max(gaps) < 0.01


def test_a_lane_goes_on_without_a_kink(network: Network):
    lanes = {lane.id: lane for lane in network.hdmap.lanes}
    turns = []
    for lane in lanes.values():
        for after in (lanes[name] for name in lane.successors):
            out, into = lane.center_m[-1] - lane.center_m[-2], after.center_m[1] - after.center_m[0]
            turns.append(abs(np.arctan2(out[0] * into[1] - out[1] * into[0], out @ into)))
    assert np.quantile(turns, 0.99) < np.radians(20.0)


def test_neighbours_are_a_lane_apart_and_on_the_right_side(network: Network):
    lanes = {lane.id: lane for lane in network.hdmap.lanes}
    pairs = [(lane, lanes[lane.left_neighbor]) for lane in lanes.values() if lane.left_neighbor]
    assert pairs or network.place is Place.RESIDENTIAL
    for lane, left in pairs:
        assert left.right_neighbor == lane.id
        ahead, across = lane.center_m[1] - lane.center_m[0], left.center_m[0] - lane.center_m[0]
        assert ahead[0] * across[1] - ahead[1] * across[0] > 0.0
        assert 2.5 < np.linalg.norm(across) < 4.5


def test_traffic_drives_on_the_right(network: Network):
    yellow = [divider for divider in network.hdmap.dividers if divider.kind is DividerKind.ROAD]
    assert yellow
    assert {divider.paint for divider in yellow} <= {Paint.DOUBLE_YELLOW, Paint.DASHED_YELLOW}
    lanes = {lane.id: lane for lane in network.hdmap.lanes if not lane.junction}
    for divider in yellow:
        edge = divider.id.removeprefix("divider-")
        innermost = max(
            (lane for lane in lanes.values() if lane.id.rsplit("_", 1)[0] == edge), key=lambda lane: lane.id
        )
        np.testing.assert_allclose(innermost.left_m, divider.line_m, atol=0.05)


def test_the_roadway_covers_its_lanes_and_no_sidewalk(network: Network):
    roadway = shapely.union_all([polygon(area) for area in network.hdmap.drivable])
    for lane in network.hdmap.lanes:
        line = shapely.LineString(lane.center_m)
        assert line.difference(roadway).length < 0.02 * line.length + 0.1, lane.id
    walkways = shapely.union_all([polygon(area) for area in network.hdmap.walkways])
    assert roadway.intersection(walkways).area < 0.02 * walkways.area


def test_crossings_join_walkways_over_the_roadway(network: Network):
    walkways = shapely.union_all([polygon(area) for area in network.hdmap.walkways])
    roadway = shapely.union_all([polygon(area) for area in network.hdmap.drivable])
    assert network.hdmap.crossings
    for area in network.hdmap.crossings:
        zebra = polygon(area)
        assert zebra.distance(walkways) < 0.5
        assert zebra.intersection(roadway).area > 0.6 * zebra.area


def test_boundaries_are_the_outline_of_the_roadway(network: Network):
    rings = sum(1 + len(area.polygon.holes_m) for area in network.hdmap.drivable)
    assert len(network.hdmap.boundaries) == rings
    for boundary in network.hdmap.boundaries:
        np.testing.assert_array_equal(boundary.line_m[0], boundary.line_m[-1])


def test_stop_lines_end_the_lanes_that_enter_a_junction(network: Network):
    ends = shapely.MultiPoint([lane.center_m[-1] for lane in network.hdmap.lanes if not lane.junction])
    assert network.hdmap.stop_lines
    for line in network.hdmap.stop_lines:
        assert polygon(line).buffer(0.1).intersects(ends)


@pytest.mark.parametrize("place", Place)
def test_every_kind_of_place_can_be_built(place: Place):
    built = build_network(1, place=place, extent_m=300.0)
    assert sum(lane.kind is LaneKind.CAR and not lane.junction for lane in built.hdmap.lanes) >= 4
