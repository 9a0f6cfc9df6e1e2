"""What a recorded track looks like: its colour where a picture shows it well, else a likely one of its category."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image

from datagen.scene import Actor, Camera, Category, Group, Look, Scene
from datagen.sensors.projection import project_box, world_SE3_cam

Rgb = tuple[float, float, float]

LEAST_SHARE = 0.002
"""A box must cover this part of a picture for its colour to be read (2,900 of nuScenes' 1600x900 pixels)."""

LEAST_SEEN = 0.6
"""This part of the patch that is read must not be covered by the boxes of nearer actors."""

_CAR_PAINTS: tuple[Rgb, ...] = (
    *((0.88, 0.88, 0.86),) * 5,  # white
    *((0.06, 0.06, 0.07),) * 4,  # black
    *((0.35, 0.36, 0.38),) * 4,  # grey
    *((0.62, 0.64, 0.66),) * 3,  # silver
    *((0.12, 0.22, 0.48),) * 2,  # blue
    *((0.55, 0.08, 0.08),) * 2,  # red
    (0.42, 0.33, 0.22),  # brown
    (0.12, 0.30, 0.18),  # green
)
_CLOTHES: tuple[Rgb, ...] = (
    (0.12, 0.12, 0.15),
    (0.20, 0.25, 0.40),
    (0.75, 0.74, 0.70),
    (0.45, 0.12, 0.14),
    (0.30, 0.32, 0.30),
    (0.55, 0.48, 0.35),
    (0.15, 0.35, 0.45),
)
_PAINTS: dict[Category, tuple[Rgb, ...]] = {
    Category.TRUCK: ((0.85, 0.85, 0.83), (0.85, 0.85, 0.83), (0.15, 0.25, 0.5), (0.6, 0.1, 0.1), (0.3, 0.3, 0.3)),
    Category.BUS: ((0.85, 0.85, 0.85), (0.65, 0.12, 0.12), (0.2, 0.45, 0.3), (0.85, 0.7, 0.2)),
    Category.BENDY_BUS: ((0.85, 0.85, 0.85), (0.65, 0.12, 0.12), (0.2, 0.45, 0.3)),
    Category.TRAILER: ((0.85, 0.85, 0.85), (0.5, 0.5, 0.52), (0.2, 0.3, 0.5)),
    Category.CONSTRUCTION_VEHICLE: ((0.9, 0.7, 0.1), (0.85, 0.45, 0.1)),
    Category.AMBULANCE: ((0.92, 0.92, 0.9),),
    Category.POLICE: ((0.9, 0.9, 0.92), (0.08, 0.1, 0.2)),
    Category.BARRIER: ((0.9, 0.45, 0.12), (0.85, 0.85, 0.82)),
    Category.TRAFFIC_CONE: ((0.95, 0.35, 0.08),),
    Category.CONSTRUCTION_WORKER: ((0.9, 0.75, 0.1), (0.95, 0.45, 0.1)),
    Category.POLICE_OFFICER: ((0.08, 0.1, 0.22),),
    Category.PUSHABLE: ((0.2, 0.35, 0.25), (0.45, 0.45, 0.47), (0.2, 0.25, 0.45)),
    Category.DEBRIS: ((0.4, 0.33, 0.25), (0.3, 0.3, 0.3)),
    Category.BICYCLE_RACK: ((0.55, 0.56, 0.58),),
    Category.ANIMAL: ((0.35, 0.25, 0.15), (0.1, 0.1, 0.1), (0.75, 0.65, 0.5)),
}


def plausible_look(token: str, category: Category, *, size_lwh_m: tuple[float, float, float]) -> Look:
    """Return a likely look, the same for the same token whatever the prompt's seed."""
    paints = _PAINTS.get(category, _CLOTHES if category.group is Group.PERSON else _CAR_PAINTS)
    rng = np.random.default_rng(zlib.crc32(token.encode()))
    shade = float(rng.uniform(0.9, 1.1))
    red, green, blue = (min(1.0, channel * shade) for channel in paints[rng.integers(len(paints))])
    return Look(color_rgb=(red, green, blue), kind=kind_of(category, size_lwh_m))


def told_look(record: Mapping[str, Any], category: Category) -> Look | None:
    """Return the look an instance's row tells of, as our exporter writes it beside nuScenes' own fields; else None."""
    match record.get("look"):
        case {
            "color_rgb": [int() | float() as red, int() | float() as green, int() | float() as blue],
            "kind": kind,
        } if kind in category.kinds and all(0 <= channel <= 1 for channel in (red, green, blue)):
            return Look(color_rgb=(float(red), float(green), float(blue)), kind=kind)
        case _:
            return None


def kind_of(category: Category, size_lwh_m: tuple[float, float, float]) -> str:
    """Return the kind whose proportions fit a size; the ordinary one where size does not tell."""
    length, _, height = size_lwh_m
    match category:
        case Category.CAR if height > 1.9:
            return "van"
        case Category.CAR if height > 1.65:
            return "suv"
        case Category.CAR:
            return "hatchback" if length < 4.2 else "sedan"
        case Category.TRUCK if height < 2.2 and length < 6.5:
            return "pickup"
        case Category.TRUCK if length > 9.0:
            return "lorry"
        case _:
            return category.kinds[0]


def measured_colors(scene: Scene, pictures: Mapping[tuple[str, int], Path]) -> dict[str, Rgb]:
    """Return the colours of those actors that a picture shows large and free, by actor id.

    pictures: (channel, instant in µs) → an existing JPEG. Each actor is read in the one picture where it covers
    most; pictures that cannot be decoded are passed over.
    """
    assert scene.recording is not None
    cameras = {camera.channel: camera for camera in scene.recording.rig.cameras}
    best: dict[str, tuple[tuple[str, int], _Patch]] = {}
    for channel, timestamp_us in pictures:
        for actor_id, patch in _patches(scene, cameras[channel], timestamp_us=timestamp_us).items():
            if actor_id not in best or patch.share > best[actor_id][1].share:
                best[actor_id] = ((channel, timestamp_us), patch)
    colors: dict[str, Rgb] = {}
    for key in dict.fromkeys(key for key, _ in best.values()):
        picture = _decoded(pictures[key], cameras[key[0]])
        if picture is not None:
            colors |= {actor_id: patch.color(picture) for actor_id, (at, patch) in best.items() if at == key}
    return colors


@dataclass(frozen=True)
class _Patch:
    """The middle of a box in one picture: rows and columns that are read, and which pixels of it are free."""

    share: float
    left: int
    top: int
    free: Bool[np.ndarray, "rows columns"]

    def color(self, picture: UInt8[np.ndarray, "height width 3"]) -> Rgb:
        """Return the median colour of the free pixels."""
        rows, columns = self.free.shape
        pixels = picture[self.top : self.top + rows, self.left : self.left + columns][self.free]
        red, green, blue = np.median(pixels, axis=0) / 255.0
        return float(red), float(green), float(blue)


def _patches(scene: Scene, camera: Camera, *, timestamp_us: int) -> dict[str, _Patch]:
    """Return the patches of one picture that are large enough and free, by actor id."""
    cam_SE3_world = world_SE3_cam(scene, camera, timestamp_us=timestamp_us).inverse()
    boxes: list[tuple[float, str, Float[np.ndarray, "4"]]] = []
    for actor in scene.actors:
        if not _is_there(actor, timestamp_us):
            continue
        corners = project_box(actor, camera, cam_SE3_world=cam_SE3_world, timestamp_us=timestamp_us)
        if corners[:, 2].min() > 0.5:
            outline = np.concatenate([corners[:, :2].min(axis=0), corners[:, :2].max(axis=0)])
            boxes.append((float(corners[:, 2].mean()), actor.id, outline))
    boxes.sort(key=lambda box: box[0])
    patches = (
        (box, _patch(box[2], camera, nearer=[nearer[2] for nearer in boxes[:rank]])) for rank, box in enumerate(boxes)
    )
    return {box[1]: patch for box, patch in patches if patch is not None}


def _is_there(actor: Actor, timestamp_us: int) -> bool:
    """Cameras fire up to 50 ms before the key frame: count the first and last annotation's neighbourhood in."""
    return actor.trajectory.start_us - 60_000 <= timestamp_us <= actor.trajectory.end_us + 60_000


def _patch(
    outline: Float[np.ndarray, "4"], camera: Camera, *, nearer: Sequence[Float[np.ndarray, "4"]]
) -> _Patch | None:
    """Return the middle of an outline (left, top, right, bottom), or None if it is small, cut off or covered."""
    width, height = outline[2:] - outline[:2]
    share = width * height / (camera.width_px * camera.height_px)
    inside = outline.min() >= 0 and outline[2] <= camera.width_px and outline[3] <= camera.height_px
    if share < LEAST_SHARE or not inside:
        return None
    left, right = (outline[0] + np.array([0.25, 0.75]) * width).astype(int)
    top, bottom = (outline[1] + np.array([0.4, 0.75]) * height).astype(int)
    free = np.ones((bottom - top, right - left), dtype=bool)
    for x0, y0, x1, y1 in nearer:
        rows = slice(max(0, int(y0) - top), max(0, int(y1) + 1 - top))
        columns = slice(max(0, int(x0) - left), max(0, int(x1) + 1 - left))
        free[rows, columns] = False
    return _Patch(share=float(share), left=left, top=top, free=free) if free.mean() >= LEAST_SEEN else None


def _decoded(path: Path, camera: Camera) -> UInt8[np.ndarray, "height width 3"] | None:
    """Return a picture at its camera's size, or None if it cannot be decoded."""
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB").resize((camera.width_px, camera.height_px)))
    except (OSError, ValueError):
        return None
