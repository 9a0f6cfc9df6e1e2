"""Clips that no longer show what their labels say, made of clips that do.

| kind       | what is done                                                                                     |
|------------|--------------------------------------------------------------------------------------------------|
| `shifted`  | every label lies 2 m beside where it was, all in one random direction                              |
| `removed`  | a vehicle is painted over wherever it is seen, with the same place of the nearest empty key frame    |
| `added`    | in half of the key frames or more, a vehicle of another key frame is painted in where no label is   |
| `swapped`  | two neighbouring cameras have changed places                                                      |
| `shuffled` | the frames come in another order, none where it was                                               |
| `light`    | night is labelled day, day is labelled night                                                      |
| `frozen`, `black`, `noise` | one picture is the one before, black, or noise                                    |

A breakage that a clip does not allow (nobody to remove, dusk) is None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Bool, UInt8
from PIL import Image

from datagen.models.perception.classes import class_of
from datagen.models.perception.targets import REACH_M
from datagen.scene import Clip, Group, Light
from datagen.sensors.masks import Mask, bare_world, mask_of
from eval.excerpts import Excerpt

SHIFT_M = 2.0
LEAST_PIXELS = {"removed": 1600, "added": 500}
"""Of 224x128: of what is removed, over the clip; of what is added, in each picture."""
_STRIDE = 2
_OPPOSITE = {Light.NIGHT: Light.DAY, Light.DAY: Light.NIGHT}

Masks = Sequence[Mapping[str, Mask]]
"""Of each key frame, by channel, at half the pictures' size."""
Breakage = Callable[[Excerpt, Masks, Path, np.random.Generator], Excerpt | None]


def masks_of(clip: Clip) -> Masks:
    """Cast what every key frame's pictures should show."""
    world = bare_world(clip.scene)
    found = []
    for frame in range(len(clip.timeline)):
        masks = {}
        fired_us = clip.timeline.camera_timestamp_us[frame].tolist()
        together = world.at(fired_us[0]) if len(set(fired_us)) == 1 else None
        for at_us, camera in zip(fired_us, clip.rig.cameras):
            small = camera.resized(224 // _STRIDE, 128 // _STRIDE)
            snapshot = together or world.at(at_us, camera=small)
            masks[camera.channel] = mask_of(snapshot, small, world_SE3_ego=clip.scene.ego.pose_at(at_us))
        found.append(masks)
    return found


def shifted(whole: Excerpt, masks: Masks, folder: Path, rng: np.random.Generator) -> Excerpt | None:
    """Move all labels 2 m in one direction."""
    angle = rng.uniform(0, 2 * np.pi)
    apart_m = SHIFT_M * np.array([np.cos(angle), np.sin(angle), 0.0])
    scene = whole.clip.scene
    actors = tuple(
        replace(a, trajectory=replace(a.trajectory, translation_m=a.trajectory.translation_m + apart_m))
        for a in scene.actors
    )
    return replace(whole, clip=replace(whole.clip, scene=replace(scene, actors=actors)))


def light(whole: Excerpt, masks: Masks, folder: Path, rng: np.random.Generator) -> Excerpt | None:
    """Label night as day and day as night."""
    scene = whole.clip.scene
    if scene.ambience.light not in _OPPOSITE:
        return None
    ambience = replace(scene.ambience, light=_OPPOSITE[scene.ambience.light])
    return replace(whole, clip=replace(whole.clip, scene=replace(scene, ambience=ambience)))


def swapped(whole: Excerpt, masks: Masks, folder: Path, rng: np.random.Generator) -> Excerpt | None:
    """Let two neighbouring cameras change places."""
    channels = list(whole.clip.rig.channels)
    first = int(rng.integers(len(channels)))
    second = (first + 1) % len(channels)
    taken = dict(zip(channels, channels))
    taken[channels[first]], taken[channels[second]] = channels[second], channels[first]
    return _relinked(whole, folder, lambda channel, frame: (taken[channel], frame))


def shuffled(whole: Excerpt, masks: Masks, folder: Path, rng: np.random.Generator) -> Excerpt | None:
    """Show the frames in another order, none where it was."""
    frames = np.arange(len(whole.clip.timeline))
    order = rng.permutation(frames)
    while (order == frames).any():
        order = rng.permutation(frames)
    return _relinked(whole, folder, lambda channel, frame: (channel, int(order[frame])))


def frozen(whole: Excerpt, masks: Masks, folder: Path, rng: np.random.Generator) -> Excerpt | None:
    """Show one camera's picture twice, if the ego moved between."""
    place = whole.clip.scene.ego.at(whole.clip.timeline.timestamp_us)[0]
    moved = np.flatnonzero(np.linalg.norm(np.diff(place, axis=0), axis=1) > 1.0) + 1
    if not len(moved):
        return None
    at = str(rng.choice(whole.clip.rig.channels)), int(rng.choice(moved))
    return _relinked(whole, folder, lambda channel, frame: (channel, frame - ((channel, frame) == at)))


def black(whole: Excerpt, masks: Masks, folder: Path, rng: np.random.Generator) -> Excerpt | None:
    """Show one black picture."""
    return _with_one_picture(whole, folder, rng, np.zeros_like)


def noise(whole: Excerpt, masks: Masks, folder: Path, rng: np.random.Generator) -> Excerpt | None:
    """Show one picture of noise as bright as it was."""
    return _with_one_picture(
        whole,
        folder,
        rng,
        lambda picture: np.clip(rng.normal(picture.mean(), 60.0, picture.shape), 0, 255).astype(np.uint8),
    )


def removed(whole: Excerpt, masks: Masks, folder: Path, rng: np.random.Generator) -> Excerpt | None:
    """Paint over the vehicle that is seen most of those that can be: each picture of it has a donor."""
    for actor in _by_size(whole, masks, visible=0.6):
        painted = {}
        for frame, channel, mask in _seen(masks, actor):
            region = _grown(mask, 2)
            donor = _free_frame(masks, frame, channel, region)
            if donor is None:
                break
            painted[channel, frame] = (donor, region)
        else:
            return _painted(whole, folder, painted)
    return None


def added(whole: Excerpt, masks: Masks, folder: Path, rng: np.random.Generator) -> Excerpt | None:
    """Paint a vehicle of another key frame in where no label is, in half of the key frames or more."""
    painted = {}
    seen = [
        (frame, channel, mask)
        for actor in _by_size(whole, masks, visible=0.9)
        for frame, channel, mask in _seen(masks, actor)
        if mask.sum() * _STRIDE**2 >= LEAST_PIXELS["added"]
    ]
    for frame in range(len(masks)):
        for index in rng.permutation(len(seen)):
            donor, channel, mask = seen[index]
            free = not (masks[frame][channel].owner[_grown(mask, 3)] >= 0).any()
            if donor != frame and free:
                painted[channel, frame] = (donor, _grown(mask, 1))
                break
    return _painted(whole, folder, painted) if 2 * len(painted) >= len(masks) else None


BREAKAGES: dict[str, Breakage] = {
    "removed": removed,
    "added": added,
    "swapped": swapped,
    "shuffled": shuffled,
    "light": light,
    "shifted": shifted,
    "frozen": frozen,
    "black": black,
    "noise": noise,
}


def _by_size(whole: Excerpt, masks: Masks, *, visible: float) -> list[int]:
    """Return vehicles of the detection classes that labels say are seen well, the largest first, by index."""
    shares: dict[str, list[float]] = {}
    for label in whole.labels:
        shares.setdefault(label.actor_id, []).append(label.visible)
    pixels = np.zeros(len(whole.clip.scene.actors))
    for views in masks:
        for mask in views.values():
            near = (mask.owner >= 0) & (mask.distance_m < REACH_M)
            pixels += np.bincount(mask.owner[near], minlength=len(pixels))
    wanted = [
        index
        for index, actor in enumerate(whole.clip.scene.actors)
        if actor.category.group is Group.VEHICLE
        and class_of(actor.category) is not None
        and pixels[index] * _STRIDE**2 >= LEAST_PIXELS["removed"]
        and float(np.mean(shares.get(actor.id, [0.0]))) >= visible
    ]
    return sorted(wanted, key=lambda index: -pixels[index])


def _seen(masks: Masks, actor: int) -> Iterator[tuple[int, str, Bool[np.ndarray, "H W"]]]:
    for frame, views in enumerate(masks):
        for channel, mask in views.items():
            mine = mask.owner == actor
            if mine.any():
                yield frame, channel, mine


def _free_frame(masks: Masks, frame: int, channel: str, region: Bool[np.ndarray, "H W"]) -> int | None:
    """Return the nearest key frame that has nothing labelled in a region of a camera's picture."""
    for other in sorted(range(len(masks)), key=lambda one: abs(one - frame)):
        if other != frame and not (masks[other][channel].owner[region] >= 0).any():
            return other
    return None


def _relinked(whole: Excerpt, folder: Path, source: Callable[[str, int], tuple[str, int]]) -> Excerpt:
    """Return the excerpt with links to others of its pictures."""
    clip = replace(whole.clip, folder=folder)
    for channel in clip.rig.channels:
        (folder / channel).mkdir(parents=True)
        for frame in range(len(clip.timeline)):
            clip.frame_path(channel, frame).symlink_to(whole.clip.frame_path(*source(channel, frame)).resolve())
    return replace(whole, clip=clip)


def _with_one_picture(
    whole: Excerpt, folder: Path, rng: np.random.Generator, change: Callable[[np.ndarray], np.ndarray]
) -> Excerpt:
    made = _relinked(whole, folder, lambda channel, frame: (channel, frame))
    channel, frame = str(rng.choice(made.clip.rig.channels)), int(rng.integers(len(made.clip.timeline)))
    _write(made.clip.frame_path(channel, frame), change(_read(whole.clip.frame_path(channel, frame))))
    return made


def _painted(
    whole: Excerpt, folder: Path, painted: Mapping[tuple[str, int], tuple[int, Bool[np.ndarray, "H W"]]]
) -> Excerpt:
    """Return the excerpt with regions of pictures taken from the same camera's pictures of other frames."""
    made = _relinked(whole, folder, lambda channel, frame: (channel, frame))
    for (channel, frame), (donor, region) in painted.items():
        picture, other = (_read(whole.clip.frame_path(channel, number)) for number in (frame, donor))
        size = picture.shape[1::-1]
        soft = cv2.resize(region.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)[..., None]
        _write(made.clip.frame_path(channel, frame), (picture * (1 - soft) + other * soft).round().astype(np.uint8))
    return made


def _grown(mask: Bool[np.ndarray, "H W"], pixels: int) -> Bool[np.ndarray, "H W"]:
    return cv2.dilate(mask.astype(np.uint8), np.ones((2 * pixels + 1,) * 2, np.uint8)).astype(bool)


def _read(path: Path) -> UInt8[np.ndarray, "Hpx Wpx 3"]:
    with Image.open(path) as file:
        return np.asarray(file.convert("RGB"))


def _write(path: Path, picture: UInt8[np.ndarray, "Hpx Wpx 3"]) -> None:
    path.unlink()
    Image.fromarray(picture).save(path, quality=95, subsampling=0)
