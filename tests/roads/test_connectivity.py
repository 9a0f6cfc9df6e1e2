"""Connectivity: an end is loose only where the road goes on and nobody on the lane may."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely

from datagen.roads.canvas import Canvas
from datagen.roads.connectivity import connectedness
from datagen.scene import HDMap, Lane

EVERYWHERE = shapely.box(-1000.0, -1000.0, 1000.0, 1000.0)


def lane(name: str, start_m: float, end_m: float, *, y_m: float = 0.0) -> Lane:
    """A straight lane along x; backwards if it ends before it starts."""
    x = np.linspace(start_m, end_m, 20)
    side = np.sign(end_m - start_m) * 1.75
    left, center, right = (np.stack([x, np.full(20, y_m + aside)], axis=-1) for aside in (side, 0.0, -side))
    return Lane(id=name, center_m=center, left_m=left, right_m=right)


def part_that_leads_on(*lanes: Lane, road: tuple[float, float]) -> float:
    hdmap = HDMap(location="x", canvas_m=(500.0, 500.0), lanes=lanes)
    surface = shapely.box(road[0], -20.0, road[1], 20.0)
    return connectedness(hdmap, road=surface, linked_in=EVERYWHERE, loose_in=EVERYWHERE)


def test_a_lane_may_end_where_its_road_does() -> None:
    assert part_that_leads_on(lane("a", 100.0, 200.0), road=(97.0, 203.0)) == 1.0


def test_a_lane_that_ends_while_its_road_goes_on_is_loose() -> None:
    assert part_that_leads_on(lane("a", 100.0, 200.0), road=(97.0, 400.0)) == 0.0


def test_a_lane_may_taper_off_beside_one_of_its_direction() -> None:
    beside = part_that_leads_on(lane("a", 100.0, 200.0), lane("b", 100.0, 400.0, y_m=3.5), road=(97.0, 403.0))
    assert beside == 1.0


@pytest.mark.parametrize(
    "other",
    [
        lane("b", 400.0, 100.0, y_m=3.5),  # comes back
        lane("b", 100.0, 200.0, y_m=3.5),  # ends as well
        lane("b", 100.0, 400.0, y_m=9.0),  # is too far to change to
    ],
)
def test_not_every_lane_beside_it_takes_over(other: Lane) -> None:
    assert part_that_leads_on(lane("a", 100.0, 200.0), other, road=(97.0, 403.0)) < 1.0


def test_what_has_a_successor_leads_on() -> None:
    first = replace(lane("a", 100.0, 200.0), successors=("b",))
    assert part_that_leads_on(first, lane("b", 200.0, 300.0), road=(97.0, 303.0)) == 1.0


def test_lanes_through_a_junction_lead_on_until_they_are_cut_apart(crossroads: HDMap, on_junction: Canvas) -> None:
    inside = shapely.Polygon(on_junction.outline_m())
    road = shapely.union_all([shapely.Polygon(a.polygon.exterior_m, a.polygon.holes_m) for a in crossroads.drivable])
    lost = replace(crossroads, lanes=tuple(replace(lane, successors=()) for lane in crossroads.lanes))
    assert connectedness(crossroads, road=road, linked_in=inside, loose_in=inside.buffer(-16.0)) == 1.0
    assert connectedness(lost, road=road, linked_in=inside, loose_in=inside.buffer(-16.0)) == 0.0
