"""A dataset of the street: five seconds, all ten detection classes, boxes and points as the ray-caster sees them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from datagen import plugins
from datagen.scene import Clip, Label, Prompt, Rig, Scene, regular_timeline
from datagen.sensors.labels import observe

PICTURE_PX = (56, 32)


@dataclass(frozen=True)
class Exported:
    """A dataset of one clip, and what it was made from."""

    dataset: Path
    clip: Clip
    labels: list[Label]


_MADE: dict[str, Exported] = {}
"""Casting the rays takes seconds, so the session does it once."""


@pytest.fixture
def exported(street: Scene, nuscenes_rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """The street as a dataset; nobody may write into it."""
    if "street" not in _MADE:
        _MADE["street"] = export(street, nuscenes_rig.resized(*PICTURE_PX), tmp_path_factory.mktemp("street"))
    return _MADE["street"]


@pytest.fixture
def glimpse(street: Scene, nuscenes_rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Two key frames of the street as a dataset; nobody may write into it."""
    if "glimpse" not in _MADE:
        rig = nuscenes_rig.resized(*PICTURE_PX)
        _MADE["glimpse"] = export(street, rig, tmp_path_factory.mktemp("glimpse"), seconds=1.0)
    return _MADE["glimpse"]


def export(scene: Scene, rig: Rig, folder: Path, *, seconds: float = 5.0) -> Exported:
    """Look at a scene, write grey pictures and real sweeps, and make a dataset of it."""
    prompt = Prompt(id="p0", index=0, text="", seed=3, duration_s=seconds)
    timeline = regular_timeline(scene.ego.start_us, seconds, rate_hz=2.0, views=len(rig.cameras))
    clip = Clip(id="street", prompt=prompt, scene=scene, rig=rig, timeline=timeline, folder=folder / "frames")
    labels: list[Label] = []
    for seen in observe(scene, rig, timeline=timeline, seed=prompt.seed):
        for camera in rig.cameras:
            path = clip.frame_path(camera.channel, seen.frame)
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), np.full((camera.height_px, camera.width_px, 3), 90, dtype=np.uint8))
        clip.sweep_path(seen.frame).parent.mkdir(parents=True, exist_ok=True)
        seen.sweep.astype("<f4").tofile(clip.sweep_path(seen.frame))
        labels += seen.labels
    exporter = plugins.build("exporter", {"use": "nuscenes"})
    fragment = folder / "fragment"
    fragment.mkdir()
    exporter.write_fragment(clip, labels=labels, folder=fragment)
    exporter.merge([fragment], folder / "dataset")
    return Exported(folder / "dataset", clip, labels)
