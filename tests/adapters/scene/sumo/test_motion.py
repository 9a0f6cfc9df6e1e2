from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.scene.sumo.fleet import draw_vehicle
from adapters.scene.sumo.motion import is_feasible, pulled, smoothed, vehicle_poses, yaw_of_sumo
from adapters.scene.sumo.overlap import losers, overlapping_pairs, overlaps
from adapters.scene.sumo.polyline import arc_length_m, point_at, shifted_m, without_repeats


@pytest.mark.parametrize(("sumo_deg", "ours_deg"), [(0.0, 90.0), (90.0, 0.0), (180.0, -90.0), (270.0, -180.0)])
def test_sumos_clockwise_from_north_is_turned_into_left_of_east(sumo_deg, ours_deg):
    assert np.degrees(yaw_of_sumo(sumo_deg)) == pytest.approx(ours_deg)


def test_a_pulled_body_lags_on_a_circle_by_the_angle_geometry_says():
    """On a circle of radius R a body of wheelbase L settles at an angle to the path with sin(angle) = L / R."""
    phase = np.arange(0.0, 6.0, 0.002)
    front = 20.0 * np.stack([np.cos(phase), np.sin(phase)], axis=-1)
    yaw = pulled(front, wheelbase_m=5.0, start_yaw_rad=np.pi / 2)
    lag = phase[-1] + np.pi / 2 - yaw[-1]
    assert np.sin(lag) == pytest.approx(5.0 / 20.0, abs=1e-3)


def test_a_body_that_stands_keeps_its_heading():
    yaw = pulled(np.zeros((50, 2)), wheelbase_m=3.0, start_yaw_rad=1.0)
    np.testing.assert_allclose(yaw, 1.0)


def test_smoothing_leaves_even_motion_and_the_ends_alone():
    path = np.stack([np.arange(30.0), 2.0 * np.arange(30.0)], axis=-1)
    np.testing.assert_allclose(smoothed(path), path, atol=1e-9)
    np.testing.assert_allclose(smoothed(path[:1]), path[:1])


def test_a_trailer_follows_in_line_at_the_length_of_the_hitch():
    lorry = draw_vehicle("t", "trailer", rng=np.random.default_rng(0))
    assert lorry.towed is not None
    front = np.stack([np.linspace(0.0, 100.0, 200), np.zeros(200)], axis=-1)
    (truck, _), (trailer, yaw) = vehicle_poses(lorry, front, start_yaw_rad=0.0)
    gap = truck[-1, 0] - trailer[-1, 0] - (lorry.body.size_lwh_m[0] + lorry.towed.size_lwh_m[0]) / 2
    assert gap == pytest.approx(lorry.hitch_gap_m)
    assert yaw[-1] == pytest.approx(0.0)


def test_a_turn_on_the_spot_is_not_feasible():
    still = np.zeros((20, 2))
    assert is_feasible(still, np.zeros(20))
    assert not is_feasible(still, np.linspace(0.0, 3.0, 20))


def test_a_line_is_shifted_with_mitred_corners():
    corner = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0]])
    np.testing.assert_allclose(shifted_m(corner, 1.0), [[0.0, 1.0], [9.0, 1.0], [9.0, 10.0]])
    np.testing.assert_allclose(shifted_m(corner, -1.0), [[0.0, -1.0], [11.0, -1.0], [11.0, 10.0]])


def test_points_along_a_line():
    line = np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 3.0]])
    assert arc_length_m(line)[-1] == 7.0
    at, yaw = point_at(line, np.array([2.0, 5.0]), left_m=0.5)
    np.testing.assert_allclose(at, [[2.0, 0.5], [3.5, 1.0]], atol=1e-12)
    np.testing.assert_allclose(yaw, [0.0, np.pi / 2])


def test_repeated_points_are_left_out():
    line = np.array([[0.0, 0.0], [0.0, 0.001], [1.0, 0.0]])
    assert len(without_repeats(line)) == 2


numbers = st.floats(-6.0, 6.0)
boxes = st.tuples(numbers, numbers, st.floats(-4.0, 4.0), st.floats(0.2, 5.0), st.floats(0.2, 2.0))


@settings(max_examples=300, deadline=None)
@given(boxes, boxes)
def test_overlap_agrees_with_shapely(first, second):
    def outline(box):
        x, y, yaw, half_l, half_w = box
        corners = np.array([[1, 1], [1, -1], [-1, -1], [-1, 1]]) * [half_l, half_w]
        turn = np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]])
        return shapely.Polygon(corners @ turn.T + [x, y])

    ours = bool(overlaps(np.array([first]), np.array([second]))[0])
    shared = outline(first).intersection(outline(second)).area
    if shared > 0.2:
        assert ours
    if shared == 0.0:
        assert not ours


def test_whoever_is_in_most_conflicts_goes():
    assert losers({(1, 2), (2, 3)}, keep=[False] * 4, group=list("abcd")) == {2}
    assert losers({(0, 1)}, keep=[True, False], group=["ego", "a"]) == {1}


def test_a_truck_goes_with_its_trailer_and_does_not_conflict_with_it():
    assert losers({(0, 1)}, keep=[False, False], group=["t", "t"]) == set()
    assert losers({(1, 2), (2, 3)}, keep=[True, False, False, True], group=["ego", "t", "t", "x"]) == {1, 2}


def test_an_overlap_at_any_time_counts():
    apart, together = [[0.0, 0, 0, 2, 1], [10.0, 0, 0, 2, 1]], [[0.0, 0, 0, 2, 1], [3.0, 0, 0, 2, 1]]
    absent = [[0.0, 0, 0, 2, 1], [np.nan] * 5]
    assert overlapping_pairs(np.array([apart, absent])) == set()
    assert overlapping_pairs(np.array([apart, together])) == {(0, 1)}
