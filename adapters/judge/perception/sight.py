"""A clip's key frames as the network sees them, beside what the labels say each pixel shows.

```
   pictures ── network ──▶ probability of every class, for each pixel     seen
   scene ── bare world, one ray for each pixel ──▶ whose pixel it is      told
```
K classes; H and W of the masks, at half the size of the pictures the network looks at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from datagen.errors import ClipError, InputError
from datagen.models.perception import Perception
from datagen.models.perception.network import STRIDE
from datagen.models.perception.targets import Target, target_of
from datagen.models.perception.training import read_picture
from datagen.scene import SE3, Camera, Clip, Label
from datagen.sensors.masks import Mask, bare_world, mask_of
from datagen.sensors.world import World

LOOKED_AT_PX = (224, 128)
"""What the network was trained on."""


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


@torch.inference_mode()
def look(clip: Clip, labels: Sequence[Label], *, network: Perception) -> Sight:
    """Look at every key frame. Raises ClipError for a picture that cannot be read."""
    world = bare_world(clip.scene)
    visible: dict[int, dict[str, float]] = defaultdict(dict)
    for label in labels:
        visible[label.frame][label.actor_id] = label.visible
    moments, weather, light = [], [], []
    for frame in clip.timeline.keyframes.tolist():
        try:
            pictures = torch.stack([read_picture(clip.frame_path(c, frame), LOOKED_AT_PX) for c in clip.rig.channels])
        except InputError as error:
            raise ClipError(f"clip {clip.id}: {error}") from error
        percept = network(pictures)
        weather.append(percept.weather.float().mean(dim=0))
        light.append(percept.light.float().mean(dim=0))
        seen = percept.classes.float().softmax(dim=1).numpy()
        moments.append(_views(clip, frame, world=world, seen=seen, pictures=pictures, visible=visible[frame]))
    return Sight(
        moments=tuple(moments),
        weather=torch.stack(weather).mean(dim=0).softmax(dim=0).numpy(),
        light=torch.stack(light).mean(dim=0).softmax(dim=0).numpy(),
    )


def _views(
    clip: Clip,
    frame: int,
    *,
    world: World,
    seen: Float[np.ndarray, "V K H W"],
    pictures: torch.Tensor,
    visible: dict[str, float],
) -> tuple[View, ...]:
    fired_us = clip.timeline.camera_timestamp_us[frame].tolist()
    together = world.at(fired_us[0]) if len(set(fired_us)) == 1 else None
    grey = torch.nn.functional.avg_pool2d(pictures.float().mean(dim=1), STRIDE).numpy()
    views = []
    for number, (timestamp_us, full) in enumerate(zip(fired_us, clip.rig.cameras)):
        camera = full.resized(LOOKED_AT_PX[0] // STRIDE, LOOKED_AT_PX[1] // STRIDE)
        world_SE3_ego = clip.scene.ego.pose_at(timestamp_us)
        mask = mask_of(together or world.at(timestamp_us, camera=camera), camera, world_SE3_ego=world_SE3_ego)
        target = target_of(
            mask.owner,
            distance_m=mask.distance_m,
            road=mask.road,
            paint=mask.paint,
            actors=clip.scene.actors,
            visible=visible,
        )
        views.append(
            View(
                frame=frame,
                camera=camera,
                world_SE3_cam=world_SE3_ego @ camera.ego_SE3_cam,
                mask=mask,
                target=target,
                seen=seen[number],
                grey=grey[number],
            )
        )
    return tuple(views)
