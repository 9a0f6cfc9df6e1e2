"""A dataset moment by moment: its pictures, and what each of their pixels should show.

Films of the same scene share its labels, so the masks of a moment are made once and hold for every film of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from einops import reduce
from jaxtyping import Float, UInt8
from torch import Tensor

from datagen import plugins
from datagen.errors import DatasetError
from datagen.models.perception.network import STRIDE
from datagen.models.perception.targets import Target, target_of
from datagen.models.perception.training import read_picture
from datagen.scene import SE3, Camera, Scene
from datagen.sensors.masks import Mask, bare_world, mask_of

SIZE_PX = (224, 128)


@dataclass(frozen=True, kw_only=True)
class Moment:
    """All cameras at one key frame. Cameras are of the masks' size.

    pictures: of each film, one for each camera.
    """

    scene: Scene
    cameras: tuple[Camera, ...]
    world_SE3_cam: tuple[SE3, ...]
    masks: tuple[Mask, ...]
    targets: tuple[Target, ...]
    pictures: tuple[UInt8[Tensor, "V 3 Hpx Wpx"], ...]

    def small(self, film: int) -> Float[Tensor, "V H W 3"]:
        """Return a film's pictures at the masks' size, 0 to 1."""
        return reduce(self.pictures[film].float() / 255, "V c (H a) (W b) -> V H W c", "mean", a=STRIDE, b=STRIDE)


def scenes_of(dataset: Path, *, version: str | None, names: Sequence[str]) -> Iterator[Any]:
    """Yield scenes of a dataset, in the order of `names`, with their pictures (`recorded_scenes` of its adapter)."""
    return iter(plugins.load("scene", "nuscenes").recorded_scenes(dataset, version=version, names=names))


def moments_of(films: Sequence[Any]) -> Iterator[Moment]:
    """Yield the key frames that all films of one scene have; the labels are those of the first."""
    labelled = films[0]
    scene, recording = labelled.scene, labelled.scene.recording
    world = bare_world(scene)
    cameras = recording.rig.cameras
    small = tuple(camera.resized(*(side // STRIDE for side in SIZE_PX)) for camera in cameras)
    for film in films:
        if missing := {camera.channel for camera in cameras} - set(film.pictures):
            raise DatasetError(f"{film.name}: has no {', '.join(sorted(missing))}; measure films of the same cameras")
    shots = [[film.key_pictures(camera.channel) for camera in cameras] for film in films]
    count = min(len(taken) for views in shots for taken in views)
    for frame in range(count):
        fired_us = recording.timeline.camera_timestamp_us[frame].tolist()
        together = world.at(fired_us[0]) if len(set(fired_us)) == 1 else None
        masks, poses = [], []
        for timestamp_us, camera in zip(fired_us, small):
            world_SE3_ego = scene.ego.pose_at(timestamp_us)
            snapshot = together or world.at(timestamp_us, camera=camera)
            masks.append(mask_of(snapshot, camera, world_SE3_ego=world_SE3_ego))
            poses.append(world_SE3_ego @ camera.ego_SE3_cam)
        targets = [
            target_of(
                mask.owner,
                distance_m=mask.distance_m,
                road=mask.road,
                paint=mask.paint,
                actors=scene.actors,
                visible=labelled.visible[frame],
            )
            for mask in masks
        ]
        yield Moment(
            scene=scene,
            cameras=small,
            world_SE3_cam=tuple(poses),
            masks=tuple(masks),
            targets=tuple(targets),
            pictures=tuple(
                torch.stack([read_picture(taken[frame].path, SIZE_PX) for taken in views]) for views in shots
            ),
        )
