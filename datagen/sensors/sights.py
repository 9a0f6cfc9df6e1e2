"""How far away what each pixel of a picture shows is, also where no label says: what it takes to move a picture's
content to where another camera, or the same one later, sees it.

```
   side view of a column of pixels
                                 ╱ sky: infinitely far
   camera ●──────────────────────▌ backdrop: what stands beside the road, guessed
             ╲        ╲          ▌
   ───────────ground────actors───▌─ ─ ─
              road      │ boxes  kerb + SETBACK_M
```

Labels know road and actors; houses and trees are in no dataset. Something nearly always stands there, so behind the
place where a ray's track leaves the road for good an upright wall is assumed, not higher than BACKDROP_M.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int16
from numpy.lib.stride_tricks import sliding_window_view

from datagen.scene import SE3, Camera
from datagen.sensors.ground import Ground
from datagen.sensors.masks import mask_of
from datagen.sensors.projection import pixel_rays
from datagen.sensors.world import Snapshot

BACKDROP = -3
"""Owner of a pixel that is taken to show what stands beside the road."""
SETBACK_M, BACKDROP_M = 6.0, 14.0
"""Of the wall: how far behind the road, and how high above the camera."""
_NEAREST_M, _REACH_M, _GAP_M = 3, 70, 8
"""Of a track over the ground: where it begins and ends, and over how many metres without road it has left for good."""
_FAN_RAD = np.radians(0.5)
_ROAD = 0.5


@dataclass(frozen=True, kw_only=True)
class Sight:
    """One picture, pixel by pixel. Both arrays are of shape (height, width).

    owner: index of the actor in the scene, or NOBODY (ground), SKY, BACKDROP.
    distance_m: along the ray; infinite for the sky.
    """

    owner: Int16[np.ndarray, "height width"]
    distance_m: Float32[np.ndarray, "height width"]


def sight_of(snapshot: Snapshot, camera: Camera, *, world_SE3_ego: SE3) -> Sight:
    """Return what the camera's pixels show of a snapshot of a bare world, and of the backdrop assumed around it."""
    mask = mask_of(snapshot, camera, world_SE3_ego=world_SE3_ego)
    world_SE3_cam = world_SE3_ego @ camera.ego_SE3_cam
    rays = pixel_rays(camera) @ world_SE3_cam.rotation.T
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    wall_m = _wall_m(snapshot.world.ground, rays, eye_m=world_SE3_cam.translation_m)
    top_m = BACKDROP_M / np.maximum(rays[..., 2], 1e-6)
    before = (mask.owner < 0) & (wall_m < np.minimum(mask.distance_m, top_m))
    return Sight(
        owner=np.where(before, BACKDROP, mask.owner).astype(np.int16),
        distance_m=np.where(before, wall_m, mask.distance_m).astype(np.float32),
    )


def _wall_m(
    ground: Ground, rays: Float[np.ndarray, "height width 3"], *, eye_m: Float[np.ndarray, "3"]
) -> Float[np.ndarray, "height width"]:
    """Return the distance along each ray to the backdrop; infinite where there is no road to stand beside."""
    ring = np.arange(16) * np.pi / 8
    near_m = eye_m[:2] + _NEAREST_M * np.stack([np.cos(ring), np.sin(ring)], axis=-1)
    if not _is_road(ground, near_m).any():
        return np.full(rays.shape[:2], np.inf)
    spoke = np.round(np.arctan2(rays[..., 1], rays[..., 0]) / _FAN_RAD).astype(int)
    spokes, which = np.unique(spoke, return_inverse=True)
    along_m = np.arange(_NEAREST_M, _REACH_M, dtype=np.float64)
    heading = np.stack([np.cos(spokes * _FAN_RAD), np.sin(spokes * _FAN_RAD)], axis=-1)
    track_m = eye_m[:2] + heading[:, None] * along_m[:, None]
    road = _is_road(ground, track_m.reshape(-1, 2)).reshape(len(spokes), len(along_m))
    ahead = sliding_window_view(np.pad(road, ((0, 0), (0, _GAP_M - 1))), _GAP_M, axis=1).any(axis=2)
    left_m = np.where(ahead.all(axis=1), np.inf, along_m[np.argmin(ahead, axis=1)])
    level = np.linalg.norm(rays[..., :2], axis=-1)
    return (left_m + SETBACK_M)[which.reshape(spoke.shape)] / np.maximum(level, 1e-6)


def _is_road(ground: Ground, xy_m: Float[np.ndarray, "points 2"]) -> Bool[np.ndarray, "points"]:
    return ground.at(xy_m, np.full(len(xy_m), 1.0))[:, 3] > _ROAD
