"""The sensors of a vehicle: where they sit and what they see."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from datagen.scene.pose import SE3


@dataclass(frozen=True, kw_only=True)
class Camera:
    """A pinhole camera without distortion. The picture spans [0, width] x [0, height]:
    the centre of pixel (column, row) is (column + 0.5, row + 0.5), so that resizing scales the intrinsics.

    intrinsics_px: [[fx, 0, cx], [0, fy, cy], [0, 0, 1]].
    """

    channel: str
    ego_SE3_cam: SE3
    intrinsics_px: Float[np.ndarray, "3 3"]
    width_px: int
    height_px: int

    def resized(self, width_px: int, height_px: int) -> Camera:
        """Return the same camera with another picture size: the same rays, other pixels."""
        scale = np.diag([width_px / self.width_px, height_px / self.height_px, 1.0])
        return replace(self, intrinsics_px=scale @ self.intrinsics_px, width_px=width_px, height_px=height_px)


@dataclass(frozen=True, kw_only=True)
class Lidar:
    """A spinning LiDAR.

    elevation_rad: one per beam, from lowest to highest (ring 0 is the lowest), in the LiDAR's own frame.
    azimuth_steps: shots per turn.  max_range_m: farther returns are lost.  range_noise_m: one sigma.
    """

    channel: str
    ego_SE3_lidar: SE3
    elevation_rad: Float[np.ndarray, "beams"]
    azimuth_steps: int = 1084
    max_range_m: float = 100.0
    range_noise_m: float = 0.02


@dataclass(frozen=True, kw_only=True)
class Rig:
    """All sensors of one vehicle. The order of the cameras is the order views are joined in, left to right."""

    name: str
    cameras: tuple[Camera, ...]
    lidar: Lidar

    def resized(self, width_px: int, height_px: int) -> Rig:
        """Return the rig with every camera at another picture size."""
        return replace(self, cameras=tuple(camera.resized(width_px, height_px) for camera in self.cameras))

    @property
    def channels(self) -> tuple[str, ...]:
        """The cameras' channels, in order."""
        return tuple(camera.channel for camera in self.cameras)
