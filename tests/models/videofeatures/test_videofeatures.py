"""Video features: disturbances do what they say, training resumes to the bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from datagen.digest import file_sha256
from datagen.errors import InputError
from datagen.models.training import LoopSettings, Phase, Share
from datagen.models.videofeatures import DIMS, open_videofeatures
from datagen.models.videofeatures.network import DISTURBANCES, FRAMES
from datagen.models.videofeatures.training import (
    Footage,
    VideoFeaturesTask,
    VideoFeaturesTraining,
    disturbed,
    train_videofeatures,
)
from datagen.scene import Ambience


def clip() -> torch.Tensor:
    return torch.randint(30, 200, (3, FRAMES, 64, 112), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def footage(tmp_path: Path) -> list[Footage]:
    paths = []
    for i in range(FRAMES + 2):
        paths.append(tmp_path / f"{i}.png")
        Image.fromarray(np.full((64, 112, 3), 10 * i, dtype=np.uint8)).save(paths[-1])
    still = (0.0,) * len(paths)
    return [
        Footage(pictures=tuple(paths), speed_mps=still, yaw_rate_radps=still, yaw_rad=0.0, ambience=Ambience()),
        Footage(pictures=tuple(paths[:3]), speed_mps=still, yaw_rate_radps=still, yaw_rad=0.0, ambience=Ambience()),
    ]


@pytest.mark.parametrize("kind", DISTURBANCES)
def test_a_disturbance_keeps_shape_and_type_and_spoils_all_but_none(kind: str) -> None:
    spoilt = disturbed(clip(), kind, torch.Generator().manual_seed(1))
    assert spoilt.shape == clip().shape and spoilt.dtype == torch.uint8
    assert torch.equal(spoilt, clip()) == (kind == "none")


def test_shuffling_keeps_every_frame_and_freezing_repeats_one() -> None:
    shuffled = disturbed(clip(), "shuffled", torch.Generator().manual_seed(1))
    assert {frame.sum().item() for frame in shuffled.unbind(1)} == {frame.sum().item() for frame in clip().unbind(1)}
    frozen = disturbed(clip(), "frozen", torch.Generator().manual_seed(1))
    assert len({frame.sum().item() for frame in frozen.unbind(1)}) == FRAMES - 3


def test_features_have_the_size_they_say(footage: list[Footage], tmp_path: Path) -> None:
    settings = VideoFeaturesTraining(phases=(Phase(steps=1, batch=2),), loop=LoopSettings())
    path = train_videofeatures(settings, tmp_path / "out", footage=footage)
    with torch.inference_mode():
        assert open_videofeatures(path)(clip()[None]).features.shape == (1, DIMS)


def test_stopping_and_going_on_ends_with_the_same_bits(footage: list[Footage], tmp_path: Path) -> None:
    loop = LoopSettings(warmup=1, checkpoint_every=1000, look_every=1000)
    settings = VideoFeaturesTraining(phases=(Phase(steps=2, batch=2),), loop=loop)
    whole = train_videofeatures(settings, tmp_path / "whole", footage=footage)
    train_videofeatures(settings, tmp_path / "parts", footage=footage, stop_after=1)
    parts = train_videofeatures(settings, tmp_path / "parts", footage=footage)
    assert file_sha256(whole) == file_sha256(parts)


def test_motion_is_asked_only_of_clips_as_they_were_filmed(footage: list[Footage]) -> None:
    task = VideoFeaturesTask(VideoFeaturesTraining(phases=(Phase(steps=1, batch=12),)), footage)
    reel = task.batch(Share(seed=0, step=0))
    assert torch.equal(reel.motion.isfinite().all(dim=1), reel.disturbance == 0)


def test_cameras_with_too_few_pictures_teach_nothing(footage: list[Footage]) -> None:
    with pytest.raises(InputError, match="8 pictures in a row"):
        VideoFeaturesTask(VideoFeaturesTraining(), footage[1:])
