"""A bird's-eye raster's place in the world: how metres become pixels and back.

```
        ┌───────────────────────┐  row 0
        │        y (left)       │
        │        ▲              │          canvas frame: origin in the middle, x to the right of the picture,
        │        └──▶ x (ahead) │          turned by `heading_rad` against the world
        └───────────────────────┘  column grows with x, row falls with y
```

Pixel (row, column) covers the square around (column + 0.5, row + 0.5), as pictures do everywhere in this house.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from datagen.scene import Scene

SIDE_M = 102.4
"""Side of the canvas in DriveDreamer-2 (arXiv 2403.06845), which takes it from MagicDrive's nuScenes maps."""
REACH_M = SIDE_M / 2
"""How far beyond its ego a canvas reaches at least."""
_ROOM_M = 15.0
"""How far it reaches to the left and right of everybody else."""


@dataclass(frozen=True, kw_only=True)
class Canvas:
    """Where a raster lies. center_m: of the raster, in the world.  size_px: (columns, rows)."""

    center_m: tuple[float, float]
    heading_rad: float
    size_px: tuple[int, int]
    m_per_px: float

    def to_pixels(self, points_m: Float[np.ndarray, "*batch 2"]) -> Float[np.ndarray, "*batch 2"]:
        """Return (column, row) of points of the world."""
        x, y = np.moveaxis((points_m - np.array(self.center_m)) @ self._turn, -1, 0)
        width, height = self.size_px
        return np.stack([x / self.m_per_px + width / 2, height / 2 - y / self.m_per_px], axis=-1)

    def to_world(self, points_px: Float[np.ndarray, "*batch 2"]) -> Float[np.ndarray, "*batch 2"]:
        """Return points of the world at (column, row)."""
        width, height = self.size_px
        column, row = np.moveaxis(points_px, -1, 0)
        local = np.stack([column - width / 2, height / 2 - row], axis=-1) * self.m_per_px
        return local @ self._turn.T + np.array(self.center_m)

    @property
    def _turn(self) -> Float[np.ndarray, "2 2"]:
        """Columns are the canvas's axes, seen from the world."""
        cos, sin = np.cos(self.heading_rad), np.sin(self.heading_rad)
        return np.array([[cos, -sin], [sin, cos]])

    def outline_m(self) -> Float[np.ndarray, "4 2"]:
        """Return the canvas's corners in the world, anticlockwise."""
        width, height = map(float, self.size_px)
        return self.to_world(np.array([[0.0, height], [width, height], [width, 0.0], [0.0, 0.0]]))

    def on_map(self, canvas_m: tuple[float, float]) -> Bool[np.ndarray, "rows columns"]:
        """Say which pixels lie where the world has coordinates: in [0, width] x [0, height]."""
        width, height = self.size_px
        column, row = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
        world = self.to_world(np.stack([column, row], axis=-1))
        inside: Bool[np.ndarray, "rows columns"] = ((world >= 0.0) & (world <= np.array(canvas_m))).all(axis=-1)
        return inside


def square_canvas(center_m: Float[np.ndarray, "2"], heading_rad: float, *, pixels: int) -> Canvas:
    """Return the ordinary canvas, 102.4 m square, around a place."""
    x, y = map(float, center_m)
    return Canvas(center_m=(x, y), heading_rad=heading_rad, size_px=(pixels, pixels), m_per_px=SIDE_M / pixels)


def canvas_around(scene: Scene, *, m_per_px: float, multiple_px: int, most_m: float) -> Canvas:
    """Return the canvas, turned as the ego looks halfway, that holds whatever a scene's map is drawn from.

    It reaches REACH_M beyond the ego's path and _ROOM_M to either side of everybody's: a street on which nobody goes
    further leaves the canvas there, instead of ending. No side is longer than `most_m`; all are multiples of
    `multiple_px`, the nearest.
    """
    middle = scene.ego.pose_at((scene.ego.start_us + scene.ego.end_us) // 2)
    cos, sin = np.cos(middle.yaw_rad), np.sin(middle.yaw_rad)
    turn = np.array([[cos, -sin], [sin, cos]])
    ego = scene.ego.translation_m[:, :2] @ turn
    low, high = ego.min(axis=0) - REACH_M, ego.max(axis=0) + REACH_M
    for actor in scene.actors:
        yaw = actor.trajectory.yaw_rad
        aside = np.stack([-np.sin(yaw), np.cos(yaw)], axis=-1) @ turn
        path = actor.trajectory.translation_m[:, :2] @ turn
        reach = np.concatenate([path - _ROOM_M * aside, path + _ROOM_M * aside])
        low, high = np.minimum(low, reach.min(axis=0)), np.maximum(high, reach.max(axis=0))
    centre = (ego.min(axis=0) + ego.max(axis=0)) / 2
    low, high = np.maximum(low, centre - most_m / 2), np.minimum(high, centre + most_m / 2)
    step_m = multiple_px * m_per_px
    size = np.maximum(np.round((high - low) / step_m), 1).astype(int) * multiple_px
    x, y = turn @ ((low + high) / 2)
    return Canvas(
        center_m=(float(x), float(y)),
        heading_rad=middle.yaw_rad,
        size_px=(int(size[0]), int(size[1])),
        m_per_px=m_per_px,
    )
