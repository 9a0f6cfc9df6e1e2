"""The gates, against shapely and against numbers checkable by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from datagen.scene import Category, HDMap
from datagen.traffic import rules
from datagen.traffic.route import Network
from datagen.traffic.tracks import Tracks

EMPTY = HDMap(location="nowhere", canvas_m=(1.0, 1.0))


def tracks(xy: np.ndarray, yaw: np.ndarray, sizes: list[tuple[float, float]], category: str = "car") -> Tracks:
    count = xy.shape[1]
    return Tracks(
        network=Network(EMPTY),
        ids=("ego", *(f"a{i}" for i in range(count - 1))),
        categories=(Category(category),) * count,
        parked=np.zeros(count, dtype=bool),
        event=np.zeros(count, dtype=bool),
        step_s=0.1,
        xy_m=xy,
        yaw_rad=yaw,
        present=np.ones(xy.shape[:2], dtype=bool),
        length_m=np.array([size[0] for size in sizes]),
        width_m=np.array([size[1] for size in sizes]),
    )


def rectangle(xy: tuple[float, float], yaw: float, size: tuple[float, float]) -> shapely.Polygon:
    cos, sin = np.cos(yaw), np.sin(yaw)
    half = np.array([[1, 1], [1, -1], [-1, -1], [-1, 1]]) * (np.array(size) / 2 - 0.05)
    return shapely.Polygon(half @ np.array([[cos, sin], [-sin, cos]]) + xy)


@settings(max_examples=200, deadline=None)
@given(x=st.floats(-6, 6), y=st.floats(-6, 6), first=st.floats(-3.2, 3.2), second=st.floats(-3.2, 3.2))
def test_boxes_overlap_where_shapely_says_so(x: float, y: float, first: float, second: float) -> None:
    sizes = [(4.6, 1.9), (9.0, 2.5)]
    both = tracks(np.array([[[0.0, 0.0], [x, y]]]), np.array([[first, second]]), sizes)
    one, other = rectangle((0.0, 0.0), first, sizes[0]), rectangle((x, y), second, sizes[1])
    if one.intersection(other).area > 1e-6 or one.distance(other) > 1e-6:
        assert bool(rules.overlaps(both)) == one.intersects(other)


def driven(speed: np.ndarray, yaw: np.ndarray) -> Tracks:
    step = 0.1 * speed[:, None] * np.stack([np.cos(yaw), np.sin(yaw)], axis=1)
    xy = np.concatenate([[[0.0, 0.0]], np.cumsum(step, axis=0)[:-1]])
    far = np.full_like(xy, 500.0)
    return tracks(np.stack([far, xy], axis=1), np.stack([np.zeros_like(yaw), yaw], axis=1), [(4.6, 1.9)] * 2)


def test_braking_as_hard_as_no_car_can_is_infeasible() -> None:
    times = np.arange(0.0, 3.0, 0.1)
    gentle = np.clip(20.0 - 6.0 * times, 0.0, None)
    assert not rules.infeasible(driven(gentle, np.zeros_like(times)))
    brutal = np.where(times < 1.0, 20.0, 5.0)
    assert rules.infeasible(driven(brutal, np.zeros_like(times)))


def test_turning_on_the_spot_is_infeasible() -> None:
    times = np.arange(0.0, 3.0, 0.1)
    speed = np.full_like(times, 3.0)
    assert not rules.infeasible(driven(speed, 3.0 * 0.15 * times))  # curvature 0.15
    assert rules.infeasible(driven(speed, 3.0 * 0.6 * times))


def test_leaving_the_road_is_seen() -> None:
    times = np.arange(0.0, 3.0, 0.1)
    going = driven(np.full_like(times, 10.0), np.zeros_like(times))
    assert not rules.off_road(replace(going, ids=("ego", "a0")), shapely.box(-10, -2, 600, 600))
    assert rules.off_road(going, shapely.box(-10, -2, 15, 600)) == ["ego", "a0"] or rules.off_road(
        going, shapely.box(-10, -2, 15, 600)
    ) == ["a0"]


@pytest.mark.parametrize("parked", [False, True])
def test_parked_vehicles_may_stand_where_none_may_drive(parked: bool) -> None:
    times = np.arange(0.0, 3.0, 0.1)
    still = replace(driven(np.zeros_like(times), np.zeros_like(times)), parked=np.array([True, parked]))
    assert bool(rules.off_road(still, shapely.box(50, 50, 60, 60))) != parked
