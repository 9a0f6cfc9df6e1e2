"""What the network should say of a picture, from what each pixel shows of the labelled world.

A pixel is ignored where the truth is not known or not asked for: things without a class, hidden by what no label
tells, too far, too small; and far road, which buildings may hide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from datagen.models.perception.classes import BACKGROUND, IGNORED, MARKING, ROAD, class_of
from datagen.scene import Actor

REACH_M, ROAD_REACH_M = 60.0, 35.0
LEAST_VISIBLE = 0.45
"""Share of an actor, over all cameras, below which its label says that it is mostly hidden."""
LEAST_PIXELS = 5
"""Of the mask; what covers less cannot be told from its surroundings."""


@dataclass(frozen=True, kw_only=True)
class SeenObject:
    """One object in one picture. Rows and columns are of the mask; box: top, left, bottom, right, ends excluded.

    actor: index in the scene.  label: index in CLASSES.  distance_m: median over its pixels.  pixels: it is seen in.
    visible: share of it that its label says is not hidden, over all cameras.
    """

    actor: int
    label: int
    distance_m: float
    pixels: int
    box: tuple[int, int, int, int]
    visible: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Target:
    """The class of each pixel, as an index in CLASSES or IGNORED, and the objects that count."""

    classes: UInt8[np.ndarray, "H W"]
    objects: tuple[SeenObject, ...]


def target_of(
    owner: Int[np.ndarray, "H W"],
    *,
    distance_m: Float[np.ndarray, "H W"],
    road: Bool[np.ndarray, "H W"],
    paint: Bool[np.ndarray, "H W"],
    actors: Sequence[Actor],
    visible: Mapping[str, float],
) -> Target:
    """Return the target of a mask. owner: index of the actor, negative for none.  visible: share by actor id."""
    classes = np.full(owner.shape, BACKGROUND, dtype=np.uint8)
    classes[road] = ROAD
    classes[paint] = MARKING
    classes[road & (distance_m > ROAD_REACH_M)] = IGNORED
    objects = []
    for index in np.unique(owner[owner >= 0]).tolist():
        mine = owner == index
        actor = actors[index]
        label = class_of(actor.category)
        distance = float(np.median(distance_m[mine]))
        share, pixels = visible.get(actor.id, 1.0), int(mine.sum())
        if label is None or share < LEAST_VISIBLE or distance > REACH_M or pixels < LEAST_PIXELS:
            classes[mine] = IGNORED
            continue
        classes[mine] = label
        rows, columns = np.nonzero(mine)
        box = (int(rows.min()), int(columns.min()), int(rows.max()) + 1, int(columns.max()) + 1)
        objects.append(SeenObject(actor=index, label=label, distance_m=distance, pixels=pixels, box=box, visible=share))
    return Target(classes=classes, objects=tuple(objects))
