"""A shot as UniMVM is told of it: canvases of every frame and view, then tensors.

```
   Shot ── canvases ──▶ numpy, by the house's one projection ── conditions ──▶ tensors, the proxy as latents
```

Views stand side by side in one wide picture, so neighbours in it should be neighbours on the vehicle: see `around`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor

from datagen.models.autoencoder import Autoencoder
from datagen.models.unimvm.conditioning import Conditions
from datagen.models.unimvm.pipeline import encode_pictures
from datagen.models.unimvm.places import Sights
from datagen.models.unimvm.words import closed_words, text_bytes
from datagen.scene import Camera, Rig, Shot, Timeline
from datagen.sensors.canvases import appearance_canvas, box_canvas, map_canvas, proxy_painter
from datagen.sensors.projection import pixel_rays
from datagen.sensors.sights import sight_of
from datagen.sensors.world import Body


@dataclass(frozen=True, kw_only=True)
class Canvases:
    """What a shot's pictures must show. Pictures and lines at the picture's size, the rest for each cell of latents.

    rays: direction (unit vector) and camera's place (metres), both in the ego frame.
    sights: what every pixel shows and where that was, if asked for.
    """

    proxy: UInt8[np.ndarray, "T V Hpx Wpx 3"]
    map: UInt8[np.ndarray, "T V 3 Hpx Wpx"]
    boxes: UInt8[np.ndarray, "T V classes Hpx Wpx"]
    appearance: Float[np.ndarray, "T V 3 H W"]
    rays: Float[np.ndarray, "V 6 H W"]
    sights: Sights | None


def around(rig: Rig) -> list[int]:
    """Return the cameras clockwise, beginning left of the one that looks ahead: FL, F, FR, BR, B, BL in nuScenes."""
    axes = [camera.ego_SE3_cam.rotation[:, 2] for camera in rig.cameras]
    yaws = np.array([np.arctan2(axis[1], axis[0]) for axis in axes])
    ahead = int(np.abs(yaws).argmin())
    clockwise = (yaws[ahead] - yaws) % (2 * np.pi)
    order = np.argsort(clockwise, kind="stable").tolist()
    return [order[-1], *order[:-1]] if len(order) > 2 else order


def rearranged(shot: Shot) -> Shot:
    """Return the shot with its cameras in the order of `around`."""
    order = around(shot.rig)
    rig = replace(shot.rig, cameras=tuple(shot.rig.cameras[i] for i in order))
    timeline = Timeline(
        timestamp_us=shot.timeline.timestamp_us,
        is_keyframe=shot.timeline.is_keyframe,
        camera_timestamp_us=shot.timeline.camera_timestamp_us[:, order],
    )
    return replace(shot, rig=rig, timeline=timeline)


def canvases(shot: Shot, *, stride: int, figures: bool = False, sights: bool = False) -> Canvases:
    """Draw what a shot must show, views in the order of its rig.

    stride: pixels of the picture to a cell of latents.  figures: instead of blocks in the proxy render.
    sights: also what every pixel shows, for noise and given pictures to move with the world.
    """
    painter = proxy_painter(shot.scene, seed=shot.seed, figures=figures)
    drawn: dict[str, list[np.ndarray]] = {"proxy": [], "map": [], "boxes": [], "appearance": []}
    seen: dict[str, list[np.ndarray]] = {"owner": [], "distance_m": [], "cam_SE3_world": [], "world_SE3_owner": []}
    for fired_us in shot.timeline.camera_timestamp_us.tolist():
        together = painter.world.at(fired_us[0]) if len(set(fired_us)) == 1 else None
        for timestamp_us, camera in zip(fired_us, shot.rig.cameras):
            snapshot = together or painter.world.at(timestamp_us, camera=camera)
            world_SE3_ego = shot.scene.ego.pose_at(timestamp_us)
            seen_from = world_SE3_ego @ camera.ego_SE3_cam
            drawn["proxy"].append(painter.picture(snapshot, camera, world_SE3_ego=world_SE3_ego))
            drawn["map"].append(map_canvas(shot.scene.hdmap, camera, world_SE3_cam=seen_from))
            drawn["boxes"].append(box_canvas(snapshot, camera, world_SE3_cam=seen_from))
            drawn["appearance"].append(appearance_canvas(snapshot, camera, world_SE3_cam=seen_from, cell_px=stride))
            if sights:
                sight = sight_of(snapshot, camera, world_SE3_ego=world_SE3_ego)
                seen["owner"].append(sight.owner)
                seen["distance_m"].append(sight.distance_m)
                seen["cam_SE3_world"].append(seen_from.inverse().matrix)
                seen["world_SE3_owner"].append(_poses(snapshot.bodies, actors=len(shot.scene.actors)))
    views = len(shot.rig.cameras)
    clip = {name: rearrange(np.stack(frames), "(T V) ... -> T V ...", V=views) for name, frames in drawn.items()}
    return Canvases(
        proxy=clip["proxy"],
        map=rearrange(clip["map"], "T V H W c -> T V c H W"),
        boxes=rearrange(clip["boxes"], "T V H W c -> T V c H W"),
        appearance=rearrange(clip["appearance"], "T V H W c -> T V c H W"),
        rays=np.stack([_rays(camera, stride=stride) for camera in shot.rig.cameras]),
        sights=_sights(seen, shot.rig) if sights else None,
    )


def _poses(bodies: list[Body], *, actors: int) -> Float[np.ndarray, "actors 4 4"]:
    """Return the pose of every actor in the world; not a number where it is not there."""
    poses = np.full((actors, 4, 4), np.nan)
    for body in bodies:
        poses[body.index] = np.eye(4)
        poses[body.index, :3, :3], poses[body.index, :3, 3] = body.rotation, body.center_m
    return poses


def _sights(seen: dict[str, list[np.ndarray]], rig: Rig) -> Sights:
    views = len(rig.cameras)
    clip = {
        name: torch.from_numpy(rearrange(np.stack(frames), "(T V) ... -> T V ...", V=views))
        for name, frames in seen.items()
    }
    return Sights(
        **clip, intrinsics_px=torch.from_numpy(np.stack([camera.intrinsics_px for camera in rig.cameras])).float()
    )


def _rays(camera: Camera, *, stride: int) -> Float[np.ndarray, "6 H W"]:
    cells = camera.resized(camera.width_px // stride, camera.height_px // stride)
    directions = pixel_rays(cells) @ cells.ego_SE3_cam.rotation.T
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    places = np.broadcast_to(cells.ego_SE3_cam.translation_m, directions.shape)
    return rearrange(np.concatenate([directions, places], axis=-1), "H W c -> c H W").astype(np.float32)


def conditions(
    shot: Shot, drawn: Canvases, *, autoencoder: Autoencoder, device: torch.device | str = "cpu"
) -> Conditions:
    """Return what the model is told of a shot, as a batch of one."""
    told = torch.ones(1, dtype=torch.bool)

    def batch(array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array))[None]

    return Conditions(
        map=batch(drawn.map),
        boxes=batch(drawn.boxes),
        proxy=encode_pictures(autoencoder, batch(drawn.proxy).to(device)),
        rays=batch(drawn.rays),
        appearance=batch(drawn.appearance).float(),
        words=closed_words(shot.scene.ambience)[None],
        text=text_bytes(shot.scene.description)[None],
        rate_hz=torch.tensor([rate_hz(shot.timeline)]),
        layout_told=told,
        words_told=told.clone(),
    ).to(device)


def rate_hz(timeline: Timeline) -> float:
    """Return the median frame rate; 4 Hz for a single frame."""
    gaps_us = np.diff(timeline.timestamp_us)
    return float(1e6 / np.median(gaps_us)) if len(gaps_us) else 4.0
