"""The shape of lanes from their outlines, on shapes one can check by hand."""

from __future__ import annotations

import numpy as np
import pytest

from adapters.scene.nuscenes.directions import Traffic, directed, onward
from adapters.scene.nuscenes.strips import Strip, between, joining, left_of, length_m, strip_of

NO_TRAFFIC = Traffic(xy_m=np.zeros((0, 2)), heading=np.zeros((0, 2)), weight=np.zeros(0))


def straight(x0: float, x1: float, y: float) -> Strip:
    """A lane 3 m wide from x0 to x1."""
    return between(np.array([[x0, y + 1.5], [x1, y + 1.5]]), np.array([[x0, y - 1.5], [x1, y - 1.5]]))


def annulus(turn_rad: float, corners: int) -> np.ndarray:
    """The outline of a lane 4 m wide that turns left around the origin at a radius of 20 m."""
    angle = np.linspace(0.0, turn_rad, corners)
    around = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    return np.concatenate([22.0 * around, 18.0 * around[::-1]])


@pytest.mark.parametrize("start", range(4))
@pytest.mark.parametrize("sense", [1, -1])
def test_the_middle_of_a_rectangle_runs_between_its_short_edges(start: int, sense: int) -> None:
    ring = np.array([[0.0, 0.0], [30.0, 0.0], [30.0, 3.0], [0.0, 3.0]])
    strip = strip_of(np.roll(ring, start, axis=0)[::sense])
    assert strip is not None
    np.testing.assert_allclose(strip.center_m[:, 1], 1.5)
    assert sorted(strip.center_m[[0, -1], 0]) == [0.0, 30.0]
    aside = np.sum((strip.left_m[0] - strip.center_m[0]) * left_of(strip.center_m)[0])
    assert aside == pytest.approx(1.5) and strip.width_m == pytest.approx(3.0)


@pytest.mark.parametrize("corners", [4, 9, 30])
@pytest.mark.parametrize("start", [0, 3, 5])
def test_the_middle_of_a_bend_is_a_bend(corners: int, start: int) -> None:
    strip = strip_of(np.roll(annulus(np.pi / 2, corners), start, axis=0))
    assert strip is not None
    radius = np.linalg.norm(strip.center_m, axis=1)
    assert radius.max() < 20.1 and radius.min() > 20.0 * np.cos(np.pi / 4 / (corners - 1)) - 0.2
    assert length_m(strip.center_m) == pytest.approx(20.0 * np.pi / 2, rel=0.03)


def test_named_ends_are_taken_even_where_the_shape_says_otherwise() -> None:
    ring = np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 9.0], [0.0, 9.0]])
    strip = strip_of(ring, start_m=ring[[3, 0]], end_m=ring[[1, 2]])
    assert strip is not None
    np.testing.assert_allclose(strip.center_m[[0, -1]], [[0.0, 4.5], [3.0, 4.5]])


@pytest.mark.parametrize("ring", [np.zeros((0, 2)), np.zeros((5, 2)), np.array([[0.0, 0.0], [9.0, 0.0]])])
def test_an_outline_without_area_has_no_strip(ring: np.ndarray) -> None:
    assert strip_of(ring) is None


def test_a_triangle_has_a_strip() -> None:
    assert strip_of(np.array([[0.0, 0.0], [9.0, 0.0], [0.0, 3.0]])) is not None


def test_a_joining_strip_leaves_and_arrives_in_the_lanes_directions() -> None:
    turn = joining(straight(0.0, 10.0, 0.0), between(*(np.array([[x, 10.0], [x, 30.0]]) for x in (18.5, 21.5))))
    np.testing.assert_allclose(turn.center_m[[0, -1]], [[10.0, 0.0], [20.0, 10.0]])
    first, last = np.diff(turn.center_m, axis=0)[[0, -1]]
    assert abs(np.arctan2(first[1], first[0])) < 0.3 and abs(np.arctan2(last[1], last[0]) - np.pi / 2) < 0.3


def test_traffic_turns_a_lane_and_its_neighbours() -> None:
    strips = {"a": straight(0.0, 40.0, 0.0), "b": straight(0.0, 40.0, 3.0), "c": straight(40.5, 80.0, 0.0)}
    westward = Traffic(xy_m=np.array([[20.0, 0.2]]), heading=np.array([[-1.0, 0.0]]), weight=np.array([2.0]))
    line = np.array([[0.0, 1.5], [40.0, 1.5]])
    alike = directed(strips, links={}, traffic=westward, lane_dividers=[line], road_dividers=[])
    assert [strip.center_m[0, 0] > strip.center_m[-1, 0] for strip in alike.values()] == [True, True, True]
    against = directed(strips, links={}, traffic=westward, lane_dividers=[], road_dividers=[line])
    assert [strip.center_m[0, 0] > strip.center_m[-1, 0] for strip in against.values()] == [True, False, True]


def test_links_turn_a_lane_towards_where_it_leads() -> None:
    strips = {"a": straight(0.0, 20.0, 0.0), "b": straight(-40.0, -20.0, 0.0)}
    links = {"a": ([], ["b"]), "b": (["a"], [])}
    turned = directed(strips, links=links, traffic=NO_TRAFFIC, lane_dividers=[], road_dividers=[])
    assert turned["a"].center_m[-1, 0] == 0.0 and turned["b"].center_m[0, 0] == -20.0
    assert onward(turned) == [("a", "b")]
