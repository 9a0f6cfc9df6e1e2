"""A second and a half of the street as a dataset, all ten classes, and mmdet3d, or a skip where it is not installed."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np
import pytest

from adapters.detector.mmdet3d.compiled import provide
from datagen import plugins
from datagen.errors import DependencyError
from datagen.ports import Portion
from datagen.scene import Clip, Prompt, Rig, Scene, regular_timeline
from datagen.sensors.labels import observe

VERSION, SPLIT = "v1.0-synth", "synth_all"

try:
    provide()
except DependencyError as error:
    pytest.skip(str(error), allow_module_level=True)

_MADE: dict[str, Path] = {}


@dataclass(frozen=True)
class Street:
    """A dataset of one scene with three key frames."""

    root: Path

    def portion(self, *, synthetic: bool = False, weight: float = 1.0) -> Portion:
        return Portion(root=self.root, version=VERSION, split=SPLIT, synthetic=synthetic, weight=weight)

    def source(self, **more: object) -> dict[str, object]:
        return {"root": str(self.root), "version": VERSION, "split": SPLIT, **more}

    def table(self, name: str) -> list[dict]:
        return json.loads((self.root / VERSION / f"{name}.json").read_text())


@pytest.fixture
def made(street: Scene, nuscenes_rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Street:
    """The street; nobody may write into it."""
    if "street" not in _MADE:
        _MADE["street"] = _export(street, nuscenes_rig.resized(112, 64), tmp_path_factory.mktemp("street"))
    return Street(_MADE["street"])


def _export(scene: Scene, rig: Rig, folder: Path) -> Path:
    prompt = Prompt(id="p0", index=0, text="", seed=3, duration_s=1.5)
    timeline = regular_timeline(scene.ego.start_us, 1.5, rate_hz=2.0, views=len(rig.cameras))
    clip = Clip(id="street", prompt=prompt, scene=scene, rig=rig, timeline=timeline, folder=folder / "frames")
    labels = []
    for seen in observe(scene, rig, timeline=timeline, seed=prompt.seed):
        for camera in rig.cameras:
            path = clip.frame_path(camera.channel, seen.frame)
            path.parent.mkdir(parents=True, exist_ok=True)
            grey = np.full((camera.height_px, camera.width_px, 3), 90 + 40 * seen.frame, dtype=np.uint8)
            cv2.imwrite(str(path), grey)
        clip.sweep_path(seen.frame).parent.mkdir(parents=True, exist_ok=True)
        seen.sweep.astype("<f4").tofile(clip.sweep_path(seen.frame))
        labels += seen.labels
    exporter = plugins.build("exporter", {"use": "nuscenes"})
    fragment = folder / "fragment"
    fragment.mkdir()
    exporter.write_fragment(clip, labels=labels, folder=fragment)
    exporter.merge([fragment], folder / "dataset")
    return folder / "dataset"
