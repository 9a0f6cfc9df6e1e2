"""Two short drives down the street by day and by night, filmed by the ray-caster, as datasets with altered pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from datagen import plugins
from datagen.models.perception import Perception, PerceptionSpec, save_perception
from datagen.models.videofeatures import VideoFeatures, save_videofeatures
from datagen.ports import Frame
from datagen.scene import Ambience, Clip, Label, Light, Prompt, Rig, Scene, Shot, Trajectory, regular_timeline
from datagen.sensors.labels import observe

torch.set_num_threads(1)
SECONDS, RATE_HZ = 1.0, 4.0
Alter = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Take:
    """One drive, filmed and labelled once."""

    shot: Shot
    frames: list[Frame]
    labels: list[Label]
    sweeps: list[np.ndarray]


_TAKES: list[Take] = []
_MADE: dict[str, Path] = {}


@pytest.fixture
def film(street: Scene, nuscenes_rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return `film(alter)`: the dataset with every picture altered; nobody may write into `film()`."""
    if not _TAKES:
        night = replace(driven_on(street, 12.0), ambience=Ambience(light=Light.NIGHT))
        _TAKES.extend(take(scene, nuscenes_rig, number) for number, scene in enumerate((street, night)))

    def made(alter: Alter | None = None) -> Path:
        if alter is None:
            if "real" not in _MADE:
                _MADE["real"] = made(lambda image: image)
            return _MADE["real"]
        folder = tmp_path_factory.mktemp("film")
        fragments = [fragment(one, number, folder / str(number), alter) for number, one in enumerate(_TAKES)]
        plugins.build("exporter", {"use": "nuscenes"}).merge(fragments, folder / "dataset")
        return folder / "dataset"

    return made


@pytest.fixture(scope="session")
def some_videofeatures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return features of a network that was never trained: enough to see arithmetic, not quality."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("features") / "video.safetensors"
    save_videofeatures(path, tensors=VideoFeatures().state_dict(), about={})
    return path


@pytest.fixture(scope="session")
def blind(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a network that was never trained."""
    torch.manual_seed(0)
    spec = PerceptionSpec(widths=(8, 8, 16, 16), blocks=(1, 1, 1), decoder=8)
    path = tmp_path_factory.mktemp("perception") / "weights.safetensors"
    save_perception(path, spec, tensors=Perception(spec).state_dict(), about={})
    return path


def driven_on(scene: Scene, metres: float) -> Scene:
    """Return the scene with an ego that is farther along."""
    ego = scene.ego
    shifted = ego.translation_m + np.array([metres, 0.0, 0.0])
    moved = Trajectory(timestamp_us=ego.timestamp_us, translation_m=shifted, quat_wxyz=ego.quat_wxyz)
    return replace(scene, ego=moved)


def take(scene: Scene, rig: Rig, number: int) -> Take:
    """Film and label a drive."""
    timeline = regular_timeline(scene.ego.start_us, SECONDS, rate_hz=RATE_HZ, views=len(rig.cameras))
    shot = Shot(clip_id=f"take{number}", scene=scene, rig=rig, timeline=timeline, seed=number)
    frames = list(plugins.build("video", {"use": "raycast"}).film([shot]))
    seen = list(observe(scene, rig, timeline=timeline, seed=number))
    labels = [label for one in seen for label in one.labels]
    return Take(shot, frames, labels, [one.sweep for one in seen])


def fragment(one: Take, number: int, folder: Path, alter: Alter) -> Path:
    """Write a drive's pictures and its share of a dataset."""
    shot = one.shot
    prompt = Prompt(id=f"p{number}", index=number, text="", seed=number, duration_s=SECONDS)
    clip = Clip(
        id=f"{shot.clip_id}-{folder.parent.name}",
        prompt=prompt,
        scene=shot.scene,
        rig=shot.rig,
        timeline=shot.timeline,
        folder=folder / "film",
    )
    for frame in one.frames:
        path = clip.frame_path(frame.channel, frame.frame)
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), alter(frame.image)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
    for index, sweep in enumerate(one.sweeps):
        clip.sweep_path(index).parent.mkdir(parents=True, exist_ok=True)
        sweep.astype("<f4").tofile(clip.sweep_path(index))
    target = folder / "fragment"
    target.mkdir()
    plugins.build("exporter", {"use": "nuscenes"}).write_fragment(clip, labels=one.labels, folder=target)
    return target
