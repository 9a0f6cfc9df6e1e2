"""Whether a track keeps clear of everybody else's: footprints at the instants of a scene."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import shapely
from jaxtyping import Float, Int64

from datagen.scene import EGO_SE3_EGO_BOX, EGO_SIZE_LWH_M, Scene, Trajectory

STEP_US = 250_000
"""Footprints are compared four times a second, on key frames and between them."""

GAP_M = 0.4
"""The room that is left around everybody who is put somewhere."""


@dataclass
class Occupancy:
    """Who covers which ground when. footprints: id → polygons, None where it is not there."""

    times_us: Int64[np.ndarray, "times"]
    footprints: dict[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def of(cls, scene: Scene) -> Occupancy:
        """Return the ground the ego and all actors of a scene cover."""
        times = np.arange(scene.ego.start_us, scene.ego.end_us + 1, STEP_US, dtype=np.int64)
        occupancy = cls(times_us=times)
        center, quats = _ego_boxes(scene.ego, times)
        ego = Trajectory(timestamp_us=times, translation_m=center, quat_wxyz=quats)
        occupancy.put("ego", ego, EGO_SIZE_LWH_M)
        for actor in scene.actors:
            occupancy.put(actor.id, actor.trajectory, actor.size_lwh_m)
        return occupancy

    def put(self, name: str, trajectory: Trajectory, size_lwh_m: tuple[float, float, float]) -> None:
        """Enter, or enter anew, who covers what."""
        self.footprints[name] = footprints(trajectory, size_lwh_m, times_us=self.times_us)

    def remove(self, name: str) -> None:
        """Forget somebody."""
        del self.footprints[name]

    def is_free(
        self, trajectory: Trajectory, size_lwh_m: tuple[float, float, float], *, but: Iterable[str] = ()
    ) -> bool:
        """Say whether nobody else, `but` aside, comes nearer than GAP_M to a track."""
        length, width, height = size_lwh_m
        own = footprints(trajectory, (length + 2 * GAP_M, width + 2 * GAP_M, height), times_us=self.times_us)
        others = [polygons for name, polygons in self.footprints.items() if name not in set(but)]
        return not any(shapely.intersects(own, polygons).any() for polygons in others)


def footprints(
    trajectory: Trajectory, size_lwh_m: tuple[float, float, float], *, times_us: Int64[np.ndarray, "times"]
) -> np.ndarray:
    """Return an upright box's ground polygon at each instant (object array), None where it is not there."""
    there = trajectory.covers(times_us)
    xyz, quats = trajectory.at(times_us)
    corners = _rectangles(xyz[:, :2], _yaw(quats), size_lwh_m)
    polygons = shapely.polygons(corners)
    polygons[~there] = None
    return polygons


def _ego_boxes(
    ego: Trajectory, times_us: Int64[np.ndarray, "times"]
) -> tuple[Float[np.ndarray, "times 3"], Float[np.ndarray, "times 4"]]:
    boxes = [ego.pose_at(int(time)) @ EGO_SE3_EGO_BOX for time in times_us]
    return np.array([box.translation_m for box in boxes]), np.array([box.quat_wxyz for box in boxes])


def _yaw(quat_wxyz: Float[np.ndarray, "times 4"]) -> Float[np.ndarray, "times"]:
    w, x, y, z = quat_wxyz.T
    return np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))


def _rectangles(
    xy_m: Float[np.ndarray, "times 2"], yaw_rad: Float[np.ndarray, "times"], size_lwh_m: tuple[float, float, float]
) -> Float[np.ndarray, "times 4 2"]:
    ahead = np.stack([np.cos(yaw_rad), np.sin(yaw_rad)], axis=-1)[:, None] * size_lwh_m[0] / 2
    aside = np.stack([-np.sin(yaw_rad), np.cos(yaw_rad)], axis=-1)[:, None] * size_lwh_m[1] / 2
    forth, side = np.array([1, 1, -1, -1.0])[None, :, None], np.array([1, -1, -1, 1.0])[None, :, None]
    return xy_m[:, None] + forth * ahead + side * aside
