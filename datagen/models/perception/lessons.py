"""Lessons: the targets of one scene's pictures in one safetensors file; the pictures stay where they are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from datagen.errors import InputError
from datagen.models import weights
from datagen.models.perception.targets import Target
from datagen.scene import Ambience, Light, Weather

FORMAT = "datagen-lesson-1"


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """One scene. pictures: files, below the dataset's folder.

    objects: picture, label (index in CLASSES), top, left, bottom, right of each.  weather, light: their index.
    """

    pictures: tuple[str, ...]
    classes: UInt8[Tensor, "N H W"]
    objects: Float[Tensor, "objects 6"]
    weather: int
    light: int


def write_lesson(path: Path, pictures: Sequence[str], *, targets: Sequence[Target], ambience: Ambience) -> None:
    """Write one scene's targets, one for each picture."""
    rows = [(i, seen.label, *seen.box) for i, target in enumerate(targets) for seen in target.objects]
    tensors = {
        "classes": torch.from_numpy(np.stack([target.classes for target in targets])),
        "objects": torch.tensor(rows, dtype=torch.int16).reshape(-1, 6),
        "ambience": torch.tensor([list(Weather).index(ambience.weather), list(Light).index(ambience.light)]),
    }
    weights.save(path, tensors, about={"format": FORMAT, "pictures": json.dumps(list(pictures))})


def read_lesson(path: Path) -> Lesson:
    """Read one scene's targets. Raises InputError if the file is none."""
    tensors, about = weights.load(path)
    if about.get("format") != FORMAT:
        raise InputError(f"{path}: not a lesson for the perception network")
    weather, light = tensors["ambience"].tolist()
    return Lesson(
        pictures=tuple(json.loads(about["pictures"])),
        classes=tensors["classes"],
        objects=tensors["objects"].float(),
        weather=weather,
        light=light,
    )


def read_lessons(folder: Path) -> list[Lesson]:
    """Read all lessons of a folder, in the order of their names. Raises InputError if there are none."""
    paths = sorted(folder.glob("*.safetensors"))
    if not paths:
        raise InputError(f"{folder}: no lessons (*.safetensors)")
    return [read_lesson(path) for path in paths]
