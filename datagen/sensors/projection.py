"""The only projection in the house, so that pictures, canvases, labels and LiDAR cannot disagree.

```
   picture [0, width] x [0, height]        pixel = K @ point / z
   (0,0)────────▶ column                   depth = z of the optical frame
     │    · centre of pixel (c, r) = (c + 0.5, r + 0.5)
     ▼ row
```
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from datagen.scene import SE3, Actor, Camera, Scene

NEAR_M = 0.1
"""Nearer than this, or behind, nothing is projected."""


def world_SE3_cam(scene: Scene, camera: Camera, *, timestamp_us: int) -> SE3:
    """Return where a camera of the ego is at one instant."""
    return scene.ego.pose_at(timestamp_us) @ camera.ego_SE3_cam


def project(
    points_m_cam: Float[np.ndarray, "*batch 3"], camera: Camera
) -> tuple[Float[np.ndarray, "*batch 2"], Float[np.ndarray, "*batch"]]:
    """Return pixels and depths (metres) of points given in the camera's optical frame.

    A pixel means something only where its depth is positive; points nearer than NEAR_M are projected as if
    they were that far, so that the answer stays finite.
    """
    depth_m = points_m_cam[..., 2]
    homogeneous = points_m_cam @ camera.intrinsics_px.T
    return homogeneous[..., :2] / np.maximum(depth_m, NEAR_M)[..., None], depth_m


def project_box(actor: Actor, camera: Camera, *, cam_SE3_world: SE3, timestamp_us: int) -> Float[np.ndarray, "8 3"]:
    """Return column, row and depth of the corners of an actor's box, in the order of `box_corners_m`."""
    pixels, depth_m = project(cam_SE3_world.transform(actor.corners_m(timestamp_us)), camera)
    return np.concatenate([pixels, depth_m[:, None]], axis=1)


def in_picture(
    pixels: Float[np.ndarray, "*batch 2"], depth_m: Float[np.ndarray, "*batch"], *, camera: Camera
) -> Bool[np.ndarray, "*batch"]:
    """Say which projected points lie in front of the camera and inside its picture."""
    column, row = pixels[..., 0], pixels[..., 1]
    inside = (column >= 0) & (column <= camera.width_px) & (row >= 0) & (row <= camera.height_px)
    return inside & (depth_m > NEAR_M)


def rays_through(pixels: Float[np.ndarray, "*batch 2"], camera: Camera) -> Float[np.ndarray, "*batch 3"]:
    """Return directions in the optical frame, scaled to z = 1, through points of the picture."""
    fx, skew, cx = camera.intrinsics_px[0]
    fy, cy = camera.intrinsics_px[1, 1:]
    y = (pixels[..., 1] - cy) / fy
    x = (pixels[..., 0] - cx - skew * y) / fx
    return np.stack([x, y, np.ones_like(x)], axis=-1)


def pixel_rays(camera: Camera) -> Float[np.ndarray, "height width 3"]:
    """Return the direction in the optical frame, scaled to z = 1, through the centre of every pixel."""
    columns, rows = np.meshgrid(np.arange(camera.width_px) + 0.5, np.arange(camera.height_px) + 0.5)
    return rays_through(np.stack([columns, rows], axis=-1), camera)
