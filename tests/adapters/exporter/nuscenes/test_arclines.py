"""Centre lines as arcs, walked by the devkit's own code."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from nuscenes.map_expansion.arcline_path_utils import (
    discretize_lane,
    get_curvature_at_distance_along_lane,
    length_of_lane,
)

from adapters.exporter.nuscenes.arclines import STRAIGHT_RADIUS_M, TOLERANCE_M, arcline_path


def arc(radius_m: float, turn_rad: float, points: int) -> np.ndarray:
    """Return points on a turn that starts at (0, 0) towards +x; a negative turn goes right."""
    angle = np.linspace(0, abs(turn_rad), points)
    return np.stack([radius_m * np.sin(angle), np.sign(turn_rad) * radius_m * (1 - np.cos(angle))], axis=-1)


def bezier(control: list[tuple[float, float]], points: int) -> np.ndarray:
    """Return points on a cubic Bézier curve, which is how SUMO draws lanes across junctions."""
    t = np.linspace(0, 1, points)[:, None]
    a, b, c, d = np.array(control, dtype=np.float64)
    return (1 - t) ** 3 * a + 3 * t * (1 - t) ** 2 * b + 3 * t**2 * (1 - t) * c + t**3 * d


def departure_m(center_m: np.ndarray, resolution_m: float = 0.5) -> float:
    """Return how far the devkit's walk along the fitted path and the centre line are apart, either way."""
    walked = np.array(discretize_lane(arcline_path(center_m), resolution_m))[:, :2]
    different = np.append(True, np.any(np.diff(center_m, axis=0) != 0, axis=1))
    there = shapely.distance(shapely.LineString(center_m[different]), shapely.points(walked)).max()
    back = shapely.distance(shapely.LineString(walked), shapely.points(center_m)).max()
    return float(max(there, back))


S_BEND = np.stack([80 * (t := np.linspace(0, 1, 60)), 3.5 / (1 + np.exp(-12 * (t - 0.5)))], axis=-1)


@pytest.mark.parametrize(
    "center_m",
    [
        pytest.param(np.array([[0.0, 0.0], [30.0, 40.0]]), id="two points"),
        pytest.param(np.stack([np.linspace(0, 200, 41), np.full(41, 7.0)], axis=-1), id="straight"),
        pytest.param(arc(12.0, np.pi / 2, 25), id="left turn"),
        pytest.param(arc(8.0, -np.pi / 2, 25), id="right turn"),
        pytest.param(arc(6.0, 1.9 * np.pi, 90), id="roundabout"),
        pytest.param(S_BEND, id="lane change"),
        pytest.param(bezier([(0, 0), (12, 0), (18, 6), (18, 18)], 20), id="bezier"),
        pytest.param(np.array([[0.0, 0.0], [50.0, 0.0], [70.0, 30.0], [70.0, 80.0]]), id="sharp corners"),
        pytest.param(np.repeat(arc(20.0, 1.0, 12), 2, axis=0), id="doubled points"),
    ],
)
def test_the_devkit_walks_the_centre_line_within_centimetres(center_m):
    assert departure_m(center_m) <= TOLERANCE_M + 1e-3


@example([(1.0, 0.0), (8.0, 1.2e-7)], 0.0)  # the devkit takes the slightest turn for none
@example([(21.0, 0.0), (2.0, 0.8125)], 0.0)  # furthest away between two of our samples
@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.floats(1.0, 30.0), st.floats(-1.5, 1.5)), min_size=1, max_size=12),
    st.floats(-np.pi, np.pi),
)
def test_any_polyline_is_followed(legs, heading):
    headings = heading + np.cumsum([turn for _, turn in legs])
    steps = [(length * np.cos(angle), length * np.sin(angle)) for (length, _), angle in zip(legs, headings)]
    center_m = np.concatenate([[[100.0, 200.0]], 100.0 * np.array([[1.0, 2.0]]) + np.cumsum(steps, axis=0)])
    walked = np.array(discretize_lane(arcline_path(center_m), 0.5))[:, :2]
    apart = shapely.distance(shapely.LineString(center_m), shapely.points(walked))
    assert apart.max() <= TOLERANCE_M + 1e-3
    assert walked[0] == pytest.approx(center_m[0], abs=1e-6)
    assert walked[-1] == pytest.approx(center_m[-1], abs=1e-6)


def test_a_turn_is_one_arc_of_its_radius():
    path = arcline_path(arc(12.0, np.pi / 2, 25))
    assert len(path) == 1
    assert path[0]["shape"] == "LSR", "left first, and only the first length counts"
    assert path[0]["radius"] == pytest.approx(12.0, abs=0.01)
    assert path[0]["segment_length"] == pytest.approx([12.0 * np.pi / 2, 0.0, 0.0], abs=0.01)
    assert path[0]["end_pose"] == pytest.approx([12.0, 12.0, np.pi / 2], abs=1e-3)
    assert get_curvature_at_distance_along_lane(5.0, path) == pytest.approx(1 / 12.0, rel=1e-3)


def test_a_straight_has_no_curvature():
    path = arcline_path(np.array([[10.0, 10.0], [60.0, 10.0], [110.0, 10.0]]))
    assert len(path) == 1
    assert path[0]["radius"] == STRAIGHT_RADIUS_M
    assert path[0]["segment_length"] == [0.0, 100.0, 0.0]
    assert get_curvature_at_distance_along_lane(50.0, path) == 0
    assert length_of_lane(path) == 100.0


def test_curves_take_few_pieces():
    assert len(arcline_path(S_BEND)) <= 12
    assert len(arcline_path(bezier([(0, 0), (12, 0), (18, 6), (18, 18)], 20))) <= 10
