"""How high the ground is: flat, unless the boxes of a recorded drive say that the street climbs.

HD maps are flat, real streets are not: recorded boxes stand up to two metres above or below the ego's wheels. A
plane would swallow some and leave others floating, so the ground is drawn through the feet of the boxes.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Float32

from datagen.scene import Scene
from datagen.sensors.mesh import Material, Mesh, painted
from datagen.sensors.texture import sampled

CELL_M = 4.0
FLAT_M = 0.3
"""When no box stands further than this from z = 0, the ground is the plane z = 0."""
_SIGMAS_M = (120.0, 60.0, 30.0, 15.0, 8.0)


@dataclass(frozen=True, kw_only=True)
class Terrain:
    """Heights on a square grid, bilinear between nodes and held outside; `low_m` is node (0, 0)."""

    low_m: Float[np.ndarray, "2"]
    height_m: Float32[np.ndarray, "rows columns"]

    def at(self, xy_m: Float[np.ndarray, "points 2"]) -> Float32[np.ndarray, "points"]:
        """Return the height of the ground under points."""
        if not self.height_m.any():
            return np.zeros(len(xy_m), dtype=np.float32)
        node = (xy_m - self.low_m) / CELL_M
        return sampled(self.height_m, node[:, 0], node[:, 1])

    def mesh(self, *, apron_m: float = 500.0) -> Mesh:
        """Return the ground as triangles, with a level apron out to the horizon."""
        rows, columns = self.height_m.shape
        if not self.height_m.any():
            rows, columns = 2, 2
        span = (np.array(self.height_m.shape[::-1]) - 1) * CELL_M
        x, y = (np.linspace(0.0, span[axis], count) + self.low_m[axis] for axis, count in ((0, columns), (1, rows)))
        x = np.concatenate([[x[0] - apron_m], x, [x[-1] + apron_m]])
        y = np.concatenate([[y[0] - apron_m], y, [y[-1] + apron_m]])
        grid = np.stack(np.meshgrid(x, y), axis=-1)
        z = self.at(grid.reshape(-1, 2)).reshape(grid.shape[:2])
        nodes = np.concatenate([grid, z[..., None]], axis=-1)
        a, b, c, d = nodes[:-1, :-1], nodes[:-1, 1:], nodes[1:, 1:], nodes[1:, :-1]
        faces = np.stack([np.stack([a, b, c], axis=2), np.stack([a, c, d], axis=2)]).reshape(-1, 3, 3)
        return painted(faces, (0.1, 0.1, 0.1), Material.GROUND)


def terrain_of(scene: Scene, *, low_m: Float[np.ndarray, "2"], high_m: Float[np.ndarray, "2"]) -> Terrain:
    """Return the ground through the feet of all actors and the ego, within bounds; flat when they are."""
    columns, rows = np.ceil((high_m - low_m) / CELL_M).astype(int) + 1
    feet = _feet_m(scene)
    flat = np.zeros((rows, columns), dtype=np.float32)
    if np.abs(feet[:, 2]).max() < FLAT_M:
        return Terrain(low_m=low_m, height_m=flat)
    column, row = np.round((feet[:, :2] - low_m) / CELL_M).astype(int).T
    inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
    weight, total = flat.copy(), flat.copy()
    np.add.at(weight, (row[inside], column[inside]), 1.0)
    np.add.at(total, (row[inside], column[inside]), feet[inside, 2].astype(np.float32))
    # A parked car seen a hundred times says no more than one seen once.
    total, weight = np.where(weight > 0, total / np.maximum(weight, 1.0), 0.0), np.minimum(weight, 1.0)
    height = flat
    for sigma in _SIGMAS_M:  # coarse to fine: each scale overrules the one before where it knows enough
        blurred = [cv2.GaussianBlur(image.astype(np.float32), (0, 0), sigma / CELL_M) for image in (total, weight)]
        trust = blurred[1] / (blurred[1] + 1e-3)
        height = height * (1 - trust) + trust * blurred[0] / np.maximum(blurred[1], 1e-9)
    return Terrain(low_m=low_m, height_m=height.astype(np.float32))


def _feet_m(scene: Scene) -> Float[np.ndarray, "points 3"]:
    feet = [scene.ego.translation_m]
    for actor in scene.actors:
        feet.append(actor.trajectory.translation_m - np.array([0.0, 0.0, actor.size_lwh_m[2] / 2]))
    return np.concatenate(feet)
