"""What each pixel of a picture shows of the labelled world: which actor, or the ground, and how far away.

```
   scene ── bare world (actors' meshes on the ground) ── one ray for each pixel ──▶ owner · distance · road · paint
```

What stands beside the road is not in a dataset, so it is not here either: a pixel whose owner a tree hides says that
owner still. Whoever needs to know compares with the share that the label says is visible.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int32

from datagen.scene import SE3, Camera, Scene
from datagen.sensors.mesh import Material
from datagen.sensors.projection import pixel_rays
from datagen.sensors.world import NOBODY, Snapshot, World

SKY = -2
"""Owner of a pixel in which nothing of the labelled world is; `NOBODY` owns the ground."""
_ROAD, _PAINT = 0.5, 0.3
"""Share of road from which ground is road; mean reflectance from which road is painted."""


@dataclass(frozen=True, kw_only=True)
class Mask:
    """One picture, pixel by pixel. All arrays are of shape (height, width).

    owner: index of the actor in the scene, NOBODY for the ground, SKY for neither.
    distance_m: along the ray; infinite for the sky.
    road, paint: ground one may drive on; and of that, what is marked.
    """

    owner: Int32[np.ndarray, "height width"]
    distance_m: Float32[np.ndarray, "height width"]
    road: Bool[np.ndarray, "height width"]
    paint: Bool[np.ndarray, "height width"]


def bare_world(scene: Scene) -> World:
    """Return the scene's actors on its ground, and nothing that has no label."""
    return World(scene, seed=0, bare=True)


def mask_of(snapshot: Snapshot, camera: Camera, *, world_SE3_ego: SE3) -> Mask:
    """Return what the camera's pixels show of a snapshot of a bare world. Resize the camera for a coarser mask."""
    world_SE3_cam = world_SE3_ego @ camera.ego_SE3_cam
    rays = pixel_rays(camera).reshape(-1, 3) @ world_SE3_cam.rotation.T
    directions = (rays / np.linalg.norm(rays, axis=1, keepdims=True)).astype(np.float32)
    eye_m = world_SE3_cam.translation_m.astype(np.float32)
    hits = snapshot.trace(np.tile(eye_m, (len(directions), 1)), directions)
    solid = hits.face >= 0
    owner = np.where(solid, snapshot.surfaces.owner[hits.face], SKY).astype(np.int32)
    ground = np.flatnonzero(solid & (owner == NOBODY) & (snapshot.surfaces.material[hits.face] == Material.GROUND))
    points_m = eye_m + directions[ground] * hits.distance_m[ground, None]
    width_m = hits.distance_m[ground] / float(camera.intrinsics_px[0, 0])
    surface = snapshot.world.ground.at(points_m[:, :2], width_m)
    road, paint = np.zeros((2, len(directions)), dtype=bool)
    road[ground] = surface[:, 3] > _ROAD
    paint[ground] = road[ground] & (surface[:, :3].mean(axis=1) > _PAINT)
    shape = (camera.height_px, camera.width_px)
    return Mask(
        owner=owner.reshape(shape),
        distance_m=np.where(solid, hits.distance_m, np.inf).astype(np.float32).reshape(shape),
        road=road.reshape(shape),
        paint=paint.reshape(shape),
    )
