"""Road coordinates, against numbers checkable by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datagen.scene.line import Line

CORNER = Line(np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0]]))


def test_a_point_to_the_left_has_positive_offset() -> None:
    point, heading = CORNER.at(4.0, 2.0)
    assert point[0] == pytest.approx([4.0, 2.0])
    assert heading[0] == 0.0


def test_length_counts_around_the_corner() -> None:
    assert CORNER.length_m == 20.0
    point, heading = CORNER.at(15.0)
    assert point[0] == pytest.approx([10.0, 5.0])
    assert heading[0] == pytest.approx(np.pi / 2)


def test_the_line_goes_on_straight_beyond_its_ends() -> None:
    assert CORNER.at(-3.0)[0][0] == pytest.approx([-3.0, 0.0])
    assert CORNER.at(23.0)[0][0] == pytest.approx([10.0, 13.0])
    s, d = CORNER.project(np.array([[-3.0, 1.0]]))
    assert (s[0], d[0]) == pytest.approx((-3.0, 1.0))


@given(s=st.floats(0.0, 20.0), d=st.floats(-3.0, 3.0))
def test_projection_undoes_placement_on_a_straight_line(s: float, d: float) -> None:
    line = Line(np.array([[1.0, 2.0], [13.0, 18.0]]))
    back = line.project(line.at(s, d)[0])
    assert (back[0][0], back[1][0]) == pytest.approx((s, d), abs=1e-9)


def test_an_offset_line_keeps_its_distance() -> None:
    assert np.allclose(CORNER.project(CORNER.offset(1.0).points_m)[1], 1.0)


def test_resampling_keeps_ends_and_length() -> None:
    fine = CORNER.resampled(0.7)
    assert fine.points_m[[0, -1]] == pytest.approx(CORNER.points_m[[0, -1]])
    assert np.diff(fine.along_m).max() < 0.71
