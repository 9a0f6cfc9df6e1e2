"""How much of each actor the cameras see: the share of its pixels that nothing else hides.

```
     rays through a grid over the actor's box in each picture
       │ own mesh alone     ─▶ amodal: the pixels it would have
       │ the whole world    ─▶ seen: those where it is the nearest
       ▼
     share = seen pixels / amodal pixels, over all cameras of the rig
```

Every ray stands for the same area of its camera's picture, whatever grid an actor gets, so shares of many cameras
add up as pixels do. An actor outside every picture has no pixels, and its share is 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from datagen.scene import SE3, Camera, Rig, box_corners_m
from datagen.sensors.projection import NEAR_M, project, rays_through
from datagen.sensors.world import Body, Snapshot, Soup

_GRID = 24
"""Rays along the longer side of an actor's outline in a picture."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """How one actor is seen: its pixels in each camera that has any, amodal and seen."""

    amodal_px: Mapping[str, float]
    seen_px: Mapping[str, float]

    @property
    def share(self) -> float:
        """Seen pixels of all cameras over amodal ones, in [0, 1]; 0 for who is in no picture."""
        amodal = sum(self.amodal_px.values())
        return sum(self.seen_px.values()) / amodal if amodal > 0 else 0.0

    @property
    def best_channel(self) -> str | None:
        """The camera that sees most of it, or None."""
        seen = {channel: pixels for channel, pixels in self.seen_px.items() if pixels > 0}
        return max(seen, key=seen.__getitem__) if seen else None


def visibility(snapshot: Snapshot, rig: Rig, *, world_SE3_ego: SE3) -> dict[str, Seen]:
    """Return for every actor that is there, by id, how the rig's cameras see it."""
    probes = [
        _Probe.of(body, camera, cam_SE3_world=(world_SE3_ego @ camera.ego_SE3_cam).inverse())
        for camera in rig.cameras
        for body in snapshot.bodies
    ]
    found: dict[str, tuple[dict[str, float], dict[str, float]]] = {body.actor.id: ({}, {}) for body in snapshot.bodies}
    alone = {body.index: _alone(snapshot, body) for body in snapshot.bodies}
    origins, directions, owners = [], [], []
    asked: list[tuple[_Probe, int]] = []
    for probe in (probe for probe in probes if probe is not None):
        amodal = alone[probe.body.index].trace(probe.origins_m, probe.directions).face >= 0
        if not amodal.any():
            continue
        asked.append((probe, int(amodal.sum())))
        origins.append(probe.origins_m[amodal])
        directions.append(probe.directions[amodal])
        owners.append(np.full(int(amodal.sum()), probe.body.index))
    if not asked:
        return {key: Seen(amodal_px={}, seen_px={}) for key in found}
    hits = snapshot.trace(np.concatenate(origins), np.concatenate(directions))
    nearest = np.where(hits.face >= 0, snapshot.surfaces.owner[hits.face], -1)
    mine = nearest == np.concatenate(owners)
    start = 0
    for probe, count in asked:
        amodal_px, seen_px = found[probe.body.actor.id]
        amodal_px[probe.channel] = count * probe.pixels_per_ray
        seen_px[probe.channel] = float(mine[start : start + count].sum()) * probe.pixels_per_ray
        start += count
    return {key: Seen(amodal_px=amodal, seen_px=seen) for key, (amodal, seen) in found.items()}


def _alone(snapshot: Snapshot, body: Body) -> Soup:
    faces = np.flatnonzero(snapshot.surfaces.owner[snapshot.actors_from :] == body.index)
    return Soup(snapshot.moving_triangles_m[faces])


@dataclass(frozen=True, kw_only=True)
class _Probe:
    """The rays of one camera over the outline of one actor's box."""

    body: Body
    channel: str
    origins_m: Float[np.ndarray, "rays 3"]
    directions: Float[np.ndarray, "rays 3"]
    pixels_per_ray: float

    @classmethod
    def of(cls, body: Body, camera: Camera, *, cam_SE3_world: SE3) -> _Probe | None:
        corners = box_corners_m(body.actor.size_lwh_m) @ body.rotation.T + body.center_m
        pixels, depth = project(cam_SE3_world.transform(corners), camera)
        size = np.array([camera.width_px, camera.height_px], dtype=np.float64)
        if depth.max() < NEAR_M:
            return None
        low, high = np.clip(pixels.min(axis=0), 0, size), np.clip(pixels.max(axis=0), 0, size)
        if depth.min() < NEAR_M:  # it reaches behind the camera: its outline may be anywhere
            low, high = np.zeros(2), size
        span = high - low
        if span.min() <= 0:
            return None
        columns, rows = np.maximum(4, np.ceil(_GRID * span / span.max())).astype(int)
        u, v = np.meshgrid((np.arange(columns) + 0.5) / columns, (np.arange(rows) + 0.5) / rows)
        grid = low + np.stack([u.ravel(), v.ravel()], axis=-1) * span
        world_SE3_cam = cam_SE3_world.inverse()
        directions = (rays_through(grid, camera) @ world_SE3_cam.rotation.T).astype(np.float32)
        return cls(
            body=body,
            channel=camera.channel,
            origins_m=np.tile(world_SE3_cam.translation_m.astype(np.float32), (len(grid), 1)),
            directions=directions,
            pixels_per_ray=float(span.prod()) / len(grid),
        )
