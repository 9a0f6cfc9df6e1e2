"""Roads to draw and to read back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from datagen.roads.canvas import Canvas, square_canvas
from datagen.roads.furnish import furnished
from datagen.roads.raster import Track
from datagen.roads.reference import reference_road
from datagen.scene import Category, HDMap, Place
from datagen.scene.line import Line
from datagen.scene.plan import PlanRoad


@pytest.fixture(scope="session")
def crossroads() -> HDMap:
    """Two streets that cross, with zebras on all arms."""
    rng = np.random.default_rng(1)
    wish = PlanRoad(lanes=2, junction=True, crossing=True)
    return furnished(reference_road(wish, place=Place.DOWNTOWN, length_m=260.0, rng=rng))


@pytest.fixture(scope="session")
def on_junction(crossroads: HDMap) -> Canvas:
    """The canvas around the junction, turned as the main street runs."""
    ahead = np.diff(crossroads.lanes[0].center_m, axis=0)[0]
    middle = crossroads.junctions[0].polygon.exterior_m.mean(axis=0)
    return square_canvas(middle, float(np.arctan2(ahead[1], ahead[0])), pixels=256)


@pytest.fixture()
def drive_along() -> Callable[..., Track]:
    """A car that follows a line at 8 m/s."""

    def make(line_m: np.ndarray, *, category: Category = Category.CAR, speed_mps: float = 8.0) -> Track:
        line = Line(line_m)
        xy, yaw = line.at(np.arange(0.0, line.length_m, speed_mps * 0.1))
        size = category.typical_size_lwh_m[:2]
        return Track(category=category, size_lw_m=size, xy_m=xy, yaw_rad=yaw, speed_mps=np.full(len(xy), speed_mps))

    return make
