"""Broken pictures are found on real files; a clip that is not to be kept is filmed again, from another seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from adapters.judge._broken import broken_pictures, noise_of
from datagen import plugins
from datagen.ports import Dropped, Take
from datagen.scene import Clip, regular_timeline
from datagen.stages import JudgeStage, LabelStage, film_seed


@pytest.fixture
def clip(street, nuscenes_rig, prompt, tmp_path) -> Clip:
    """Four pictures of each camera, of smooth grounds that move with the car."""
    clip = Clip(
        id="c",
        prompt=prompt,
        scene=street,
        rig=nuscenes_rig,
        timeline=regular_timeline(street.ego.start_us, 2.0, rate_hz=2.0, views=len(nuscenes_rig.cameras)),
        folder=tmp_path,
    )
    for channel in nuscenes_rig.channels:
        (tmp_path / channel).mkdir()
        for frame in range(4):
            wave = np.sin((np.arange(224) + 20 * frame) / 15)[None, :, None] * np.full((128, 1, 3), 60) + 128
            Image.fromarray(wave.astype(np.uint8)).save(clip.frame_path(channel, frame), quality=90)
    return clip


def test_sound_pictures_are_not_complained_of(clip: Clip) -> None:
    assert list(broken_pictures(clip)) == []


@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        (np.zeros((128, 224, 3)), "one flat colour"),
        (np.random.default_rng(0).integers(0, 256, (128, 224, 3)), "is noise"),
    ],
)
def test_a_black_and_a_noisy_picture_are_named(clip: Clip, pixels: np.ndarray, said: str) -> None:
    channel = clip.rig.channels[0]
    Image.fromarray(pixels.astype(np.uint8)).save(clip.frame_path(channel, 2), quality=90)
    (complaint,) = broken_pictures(clip)
    assert complaint.startswith(f"{channel} frame 2") and said in complaint


def test_a_picture_that_stands_still_while_the_car_drives_is_named(clip: Clip) -> None:
    channel = clip.rig.channels[0]
    clip.frame_path(channel, 3).write_bytes(clip.frame_path(channel, 2).read_bytes())
    assert [complaint.split(",")[0] for complaint in broken_pictures(clip)] == [f"{channel} frame 3 is the one before"]


def test_a_picture_that_cannot_be_read_is_named(clip: Clip) -> None:
    channel = clip.rig.channels[0]
    clip.frame_path(channel, 1).write_bytes(b"not a picture")
    (complaint,) = broken_pictures(clip)
    assert complaint.startswith(f"{channel} frame 1: cannot identify")


@pytest.mark.parametrize("sigma", [5.0, 20.0, 40.0])
def test_noise_is_estimated_as_it_was_made(sigma: float) -> None:
    smooth = np.tile(np.linspace(60, 180, 224, dtype=np.float32), (128, 1))
    noise = np.random.default_rng(1).normal(0, sigma, smooth.shape).astype(np.float32)
    assert noise_of(smooth + noise) == pytest.approx(sigma, rel=0.05)


def test_what_a_judge_will_not_keep_is_filmed_again_from_another_seed_and_then_dropped(taken, film) -> None:
    judge = plugins.build("judge", {"use": "plain", "min_labels": 999, "films": 3})
    stage = JudgeStage(judge, again=(film, LabelStage()))
    stage.open()
    (verdict,) = stage.run([taken])
    stage.close()
    assert isinstance(verdict, Dropped)
    assert "judge.min_labels is 999" in verdict.reason and verdict.reason.endswith("(filmed 3 times)")
    assert len({film_seed(replace(taken, film=number)) for number in range(3)}) == 3


def test_a_clip_that_is_sound_is_kept_as_it_is(taken, film) -> None:
    stage = JudgeStage(plugins.build("judge", {"use": "plain", "films": 3}), again=(film, LabelStage()))
    stage.open()
    (kept,) = stage.run([taken])
    assert isinstance(kept, Take) and kept.film == 0
    assert kept.labels == taken.labels and kept.clip == taken.clip
