"""Canvases: metres to pixels and back, and how large one must be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datagen.roads.canvas import Canvas, square_canvas
from datagen.roads.raster import draw_map
from datagen.scene import Area, HDMap, Polygon

numbers = st.floats(-500.0, 500.0)


@given(x=numbers, y=numbers, heading=st.floats(-7.0, 7.0), at=st.tuples(numbers, numbers))
def test_there_and_back_is_nowhere(x: float, y: float, heading: float, at: tuple[float, float]) -> None:
    canvas = square_canvas(np.array(at), heading, pixels=256)
    point = np.array([[x, y]])
    assert np.allclose(canvas.to_world(canvas.to_pixels(point)), point, atol=1e-6)


def test_ahead_is_to_the_right_and_left_is_up() -> None:
    canvas = Canvas(center_m=(100.0, 50.0), heading_rad=np.pi / 2, size_px=(256, 256), m_per_px=0.4)
    middle, ahead, left = canvas.to_pixels(np.array([[100.0, 50.0], [100.0, 54.0], [96.0, 50.0]]))
    assert np.allclose(middle, [128, 128])
    assert np.allclose(ahead, [138, 128])
    assert np.allclose(left, [128, 118])


def test_pixels_outside_the_world_are_known() -> None:
    canvas = Canvas(center_m=(0.0, 20.0), heading_rad=0.0, size_px=(100, 100), m_per_px=0.4)
    inside = canvas.on_map((1000.0, 1000.0))
    assert not inside[:, :50].any()
    assert inside[:, 50:].all()


@pytest.mark.parametrize("heading", [0.0, 0.7, -2.0])
def test_an_area_s_raster_has_the_area_s_size(heading: float) -> None:
    square = np.array([[90.0, 90.0], [110.0, 90.0], [110.0, 110.0], [90.0, 110.0]])
    hole = np.array([[95.0, 95.0], [105.0, 95.0], [105.0, 105.0], [95.0, 105.0]])
    area = Area(id="a", polygon=Polygon(exterior_m=square, holes_m=(hole,)))
    hdmap = HDMap(location="x", canvas_m=(200.0, 200.0), drivable=(area,))
    canvas = square_canvas(np.array([100.0, 100.0]), heading, pixels=256)
    drivable = draw_map(hdmap, canvas)[3]
    assert drivable.sum() * 0.4**2 == pytest.approx(300.0, rel=0.06)
    row, column = (int(value) for value in canvas.to_pixels(np.array([100.0, 100.0]))[::-1])
    assert drivable[row, column] == 0
