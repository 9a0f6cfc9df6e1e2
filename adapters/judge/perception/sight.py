"""A clip's key frames as the network sees them, beside what the labels say each pixel shows.

```
   pictures ── network ──▶ probability of every class, for each pixel     seen
   scene ── bare world, one ray for each pixel ──▶ whose pixel it is      told
```
K classes; H and W of the masks, at half the size of the pictures the network looks at.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch.nn import functional

from datagen.errors import ClipError, InputError
from datagen.models.perception import Percept, Perception
from datagen.models.perception.network import STRIDE
from datagen.models.perception.targets import Target, target_of
from datagen.models.perception.training import read_picture
from datagen.scene import SE3, Camera, Clip, Label
from datagen.sensors.masks import Mask, bare_world, mask_of
from datagen.sensors.world import World

LOOKED_AT_PX = (224, 128)
"""What the network was trained on."""
_MOMENTS = 48
"""Moments whose pictures are remembered."""


@dataclass(frozen=True, kw_only=True)
class View:
    """One camera at one key frame, at the masks' size.

    frame: index in the clip's timeline.  seen: probability of each class.  grey: the picture's brightness, 0 to 255.
    """

    frame: int
    camera: Camera
    world_SE3_cam: SE3
    mask: Mask
    target: Target
    seen: Float[np.ndarray, "K H W"]
    grey: Float[np.ndarray, "H W"]


@dataclass(frozen=True, kw_only=True)
class Sight:
    """A clip, looked at. moments: key frames, each with its views in the rig's order.

    weather, light: probability of each word, over all pictures.
    """

    moments: tuple[tuple[View, ...], ...]
    weather: Float[np.ndarray, "weathers"]
    light: Float[np.ndarray, "lights"]


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the labels say of one picture, at the masks' size."""

    camera: Camera
    world_SE3_cam: SE3
    mask: Mask


class Looker:
    """Looks at clips; never twice at the same pictures in a row, nor twice at the same labels.

    A clip that is filmed again has the same labels; a clip that is measured with other labels, the same pictures.
    """

    def __init__(self, network: Perception) -> None:
        self.network = network
        self._percepts: dict[bytes, Percept] = {}
        self._told: tuple[Clip, list[list[Told]]] | None = None

    @torch.inference_mode()
    def look(self, clip: Clip, labels: Sequence[Label]) -> Sight:
        """Look at every key frame. Raises ClipError for a picture that cannot be read."""
        visible: dict[int, dict[str, float]] = defaultdict(dict)
        for label in labels:
            visible[label.frame][label.actor_id] = label.visible
        moments, weather, light = [], [], []
        for frame, told in zip(clip.timeline.keyframes.tolist(), self.told(clip), strict=True):
            pictures = _pictures(clip, frame)
            percept = self.percept(pictures)
            weather.append(percept.weather.float().mean(dim=0))
            light.append(percept.light.float().mean(dim=0))
            seen = percept.classes.float().softmax(dim=1).numpy()
            grey = functional.avg_pool2d(pictures.float().mean(dim=1), STRIDE).numpy()
            moments.append(
                tuple(
                    View(
                        frame=frame,
                        camera=one.camera,
                        world_SE3_cam=one.world_SE3_cam,
                        mask=one.mask,
                        target=_target(one.mask, clip, visible=visible[frame]),
                        seen=seen[view],
                        grey=grey[view],
                    )
                    for view, one in enumerate(told)
                )
            )
        return Sight(
            moments=tuple(moments),
            weather=torch.stack(weather).mean(dim=0).softmax(dim=0).numpy(),
            light=torch.stack(light).mean(dim=0).softmax(dim=0).numpy(),
        )

    def percept(self, pictures: UInt8[torch.Tensor, "V 3 Hpx Wpx"]) -> Percept:
        """Return what the network makes of a moment's pictures and of their mirror images, once for the same ones.

        What it only imagines in the dark it seldom imagines twice.
        """
        digest = hashlib.blake2b(pictures.numpy().tobytes()).digest()
        if digest not in self._percepts:
            if len(self._percepts) >= _MOMENTS:
                self._percepts.clear()
            seen, mirrored = self.network(pictures), self.network(pictures.flip(-1))
            self._percepts[digest] = replace(
                seen,
                classes=(seen.classes + mirrored.classes.flip(-1)) / 2,
                weather=(seen.weather + mirrored.weather) / 2,
                light=(seen.light + mirrored.light) / 2,
            )
        return self._percepts[digest]

    def told(self, clip: Clip) -> list[list[Told]]:
        """Return for each key frame what the labels say of each of its pictures."""
        if self._told and _same_labels(self._told[0], clip):
            return self._told[1]
        world = bare_world(clip.scene)
        told = [_told(clip, frame, world) for frame in clip.timeline.keyframes.tolist()]
        self._told = clip, told
        return told


def _same_labels(one: Clip, two: Clip) -> bool:
    """Return whether two clips tell of the same: then one was filmed again."""
    parts = ((clip.scene.actors, clip.scene.ego, clip.scene.hdmap, clip.timeline, clip.rig) for clip in (one, two))
    return all(a is b for a, b in zip(*parts))


def _told(clip: Clip, frame: int, world: World) -> list[Told]:
    fired_us = clip.timeline.camera_timestamp_us[frame].tolist()
    together = world.at(fired_us[0]) if len(set(fired_us)) == 1 else None
    found = []
    for timestamp_us, full in zip(fired_us, clip.rig.cameras):
        camera = full.resized(LOOKED_AT_PX[0] // STRIDE, LOOKED_AT_PX[1] // STRIDE)
        world_SE3_ego = clip.scene.ego.pose_at(timestamp_us)
        mask = mask_of(together or world.at(timestamp_us, camera=camera), camera, world_SE3_ego=world_SE3_ego)
        found.append(Told(camera=camera, world_SE3_cam=world_SE3_ego @ camera.ego_SE3_cam, mask=mask))
    return found


def _target(mask: Mask, clip: Clip, *, visible: dict[str, float]) -> Target:
    return target_of(
        mask.owner,
        distance_m=mask.distance_m,
        road=mask.road,
        paint=mask.paint,
        actors=clip.scene.actors,
        visible=visible,
    )


def _pictures(clip: Clip, frame: int) -> UInt8[torch.Tensor, "V 3 Hpx Wpx"]:
    try:
        return torch.stack([read_picture(clip.frame_path(name, frame), LOOKED_AT_PX) for name in clip.rig.channels])
    except InputError as error:
        raise ClipError(f"clip {clip.id}: {error}") from error
