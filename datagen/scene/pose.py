"""Rigid transforms whose names cancel: `world_SE3_cam = world_SE3_ego @ ego_SE3_cam`.

Frames are a closed list: `world, ego, cam, lidar, box, image`.

```
   ego, box, world              cam (optical)            lidar
      z  x (forward)              z (forward)     its own, as the rig says
      | /                        /
 y ---+                         +--- x (right)
 (left)                         |
                                y (down)
```

Rotations are unit quaternions in (w, x, y, z) order, Hamilton's convention, as in nuScenes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True, kw_only=True)
class SE3:
    """A rigid transform `dst_SE3_src`: it takes points of frame `src` to frame `dst`.

    quat_wxyz: unit quaternion, kept with the sign it was given.
    translation_m: origin of `src` seen from `dst`, metres.
    """

    quat_wxyz: Float[np.ndarray, "4"]
    translation_m: Float[np.ndarray, "3"]

    @classmethod
    def identity(cls) -> SE3:
        """Return the transform that moves nothing."""
        return cls(quat_wxyz=np.array([1.0, 0.0, 0.0, 0.0]), translation_m=np.zeros(3))

    @classmethod
    def from_yaw(cls, x_m: float, y_m: float, z_m: float, yaw_rad: float) -> SE3:
        """Return a pose that stands upright at (x, y, z), turned by `yaw_rad` about +z (left is positive)."""
        return cls(
            quat_wxyz=quat_from_yaw(np.float64(yaw_rad)),
            translation_m=np.array([x_m, y_m, z_m], dtype=np.float64),
        )

    @classmethod
    def from_matrix(cls, matrix: Float[np.ndarray, "4 4"]) -> SE3:
        """Return the transform of a homogeneous matrix."""
        return cls(quat_wxyz=quat_from_rotation(matrix[:3, :3]), translation_m=matrix[:3, 3].copy())

    def __matmul__(self, other: SE3) -> SE3:
        """Compose: `a_SE3_b @ b_SE3_c` is `a_SE3_c`."""
        return SE3(
            quat_wxyz=quat_multiply(self.quat_wxyz, other.quat_wxyz),
            translation_m=self.rotation @ other.translation_m + self.translation_m,
        )

    def inverse(self) -> SE3:
        """Return `src_SE3_dst`."""
        conjugate = self.quat_wxyz * np.array([1.0, -1.0, -1.0, -1.0])
        return SE3(quat_wxyz=conjugate, translation_m=-(self.rotation.T @ self.translation_m))

    def transform(self, points_m: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
        """Take points of frame `src` to frame `dst`."""
        return points_m @ self.rotation.T + self.translation_m

    @cached_property
    def rotation(self) -> Float[np.ndarray, "3 3"]:
        """The rotation as a matrix."""
        return rotation_from_quat(self.quat_wxyz)

    @property
    def matrix(self) -> Float[np.ndarray, "4 4"]:
        """The transform as a homogeneous matrix."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.rotation
        matrix[:3, 3] = self.translation_m
        return matrix

    @property
    def yaw_rad(self) -> float:
        """The heading of the x axis in the xy plane, in (-pi, pi]."""
        x_axis = self.rotation[:, 0]
        return float(np.arctan2(x_axis[1], x_axis[0]))


def quat_from_yaw(yaw_rad: Float[np.ndarray, "*batch"] | np.floating) -> Float[np.ndarray, "*batch 4"]:
    """Return the quaternion of a turn by `yaw_rad` about +z."""
    half = np.asarray(yaw_rad, dtype=np.float64) / 2
    zero = np.zeros_like(half)
    return np.stack([np.cos(half), zero, zero, np.sin(half)], axis=-1)


def quat_multiply(
    left: Float[np.ndarray, "*batch 4"], right: Float[np.ndarray, "*batch 4"]
) -> Float[np.ndarray, "*batch 4"]:
    """Return the Hamilton product `left * right` (rotate by `right` first)."""
    w1, x1, y1, z1 = np.moveaxis(left, -1, 0)
    w2, x2, y2, z2 = np.moveaxis(right, -1, 0)
    return np.stack(
        [
            w1 * w2 - x1 * x2 - y1 * y2 - z1 * z2,
            w1 * x2 + x1 * w2 + y1 * z2 - z1 * y2,
            w1 * y2 - x1 * z2 + y1 * w2 + z1 * x2,
            w1 * z2 + x1 * y2 - y1 * x2 + z1 * w2,
        ],
        axis=-1,
    )


def rotation_from_quat(quat_wxyz: Float[np.ndarray, "*batch 4"]) -> Float[np.ndarray, "*batch 3 3"]:
    """Return rotation matrices of quaternions, which are normalised first."""
    w, x, y, z = np.moveaxis(quat_wxyz / np.linalg.norm(quat_wxyz, axis=-1, keepdims=True), -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def quat_from_rotation(rotation: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "4"]:
    """Return the quaternion (w >= 0) of a rotation matrix, by Bar-Itzhack's eigenvector method (2000)."""
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = rotation
    k = np.array(
        [
            [xx - yy - zz, 0.0, 0.0, 0.0],
            [yx + xy, yy - xx - zz, 0.0, 0.0],
            [zx + xz, zy + yz, zz - xx - yy, 0.0],
            [zy - yz, xz - zx, yx - xy, xx + yy + zz],
        ]
    )
    values, vectors = np.linalg.eigh(k / 3.0)  # eigh reads the lower triangle
    x, y, z, w = vectors[:, np.argmax(values)]
    quat = np.array([w, x, y, z])
    return -quat if quat[0] < 0 else quat


def quat_slerp(
    start: Float[np.ndarray, "*batch 4"], end: Float[np.ndarray, "*batch 4"], fraction: Float[np.ndarray, "*batch"]
) -> Float[np.ndarray, "*batch 4"]:
    """Interpolate on the shorter arc (Shoemake 1985); fraction 0 gives `start` and 1 gives `end` exactly."""
    dot = np.sum(start * end, axis=-1)
    sign = np.where(dot < 0, -1.0, 1.0)
    angle = np.arccos(np.clip(np.abs(dot), 0.0, 1.0))
    sine = np.sin(angle)
    small = sine < 1e-9
    safe = np.where(small, 1.0, sine)
    weight_start = np.where(small, 1.0 - fraction, np.sin((1.0 - fraction) * angle) / safe)
    weight_end = np.where(small, fraction, np.sin(fraction * angle) / safe)
    mixed = weight_start[..., None] * start + (sign * weight_end)[..., None] * end
    mixed = mixed / np.linalg.norm(mixed, axis=-1, keepdims=True)
    mixed = np.where((fraction <= 0.0)[..., None], start, mixed)
    return np.where((fraction >= 1.0)[..., None], end, mixed)
