"""Training on a log that the program made itself, through the command's own door."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from datagen import pipeline
from datagen.errors import InputError, RecipeError
from datagen.models.autoencoder.patch import PatchAutoencoder, PatchSpec
from datagen.models.autoencoder.weights import save_autoencoder
from datagen.models.unimvm.drives import read_drive
from datagen.models.unimvm.weights import load_unimvm

LOG = """
prompts: [a van ahead brakes, "night, rain, a van ahead brakes"]
clip: {duration_s: 1.5, rate_hz: 4}
film: {use: raycast, width_px: 112, height_px: 64}
engine: {executor: local}
"""
LESSONS = """
log: {{use: nuscenes, root: {log}}}
held_out: {{use: nuscenes, root: {log}, scenes: [scene-2002]}}
autoencoder: autoencoder.safetensors
workers: 1
looks: 1
sampling: {{steps: 1}}
phases:
  - {{steps: 1, batch: 1, frames: 1}}
  - {{steps: 1, batch: 1, frames: 4, masks: {{first_frame: 1.0}}}}
"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Path:
    """A folder with a small log, an autoencoder that was only fitted, and a training recipe."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "log.yaml").write_text(LOG, encoding="utf-8")
    job = pipeline.prepare(folder / "log.yaml", out=folder)
    assert pipeline.run(job, progress=False).failed == 0
    torch.manual_seed(0)
    autoencoder = PatchAutoencoder(PatchSpec(width=32, blocks=1))
    autoencoder.fit(torch.rand(8, 3, 32, 64) * 2 - 1)
    path = folder / "autoencoder.safetensors"
    save_autoencoder(path, autoencoder.spec, tensors=autoencoder.state_dict(), about={})
    (folder / "lessons.yaml").write_text(LESSONS.format(log=job.dataset), encoding="utf-8")
    return folder


def test_a_log_is_prepared_once_and_learnt_from(desk, tmp_path):
    trainer = pipeline.load_trainer("unimvm", desk / "lessons.yaml")
    path = trainer.train(tmp_path, stop_after=1)
    made = sorted((tmp_path / "drives").rglob("*.safetensors"))
    assert [drive.parent.name for drive in made] == ["held_out", "train", "train"]
    dates = [drive.stat().st_mtime_ns for drive in made]

    path = trainer.train(tmp_path)
    assert [drive.stat().st_mtime_ns for drive in made] == dates, "drives that are there are taken as they lie"
    assert load_unimvm(path).spec.name == "tiny"
    assert json.loads((tmp_path / "card.json").read_text(encoding="utf-8"))["train_steps"] == 2

    day, night = (read_drive(drive) for drive in made[1:])
    assert day.latents.shape == (5, 6, 16, 16, 28), "4 Hz, samples and sweeps, up to the last annotations"
    assert day.rate_hz == pytest.approx(4.0, rel=1e-3)
    assert day.words.tolist() != night.words.tolist()
    assert day.boxes.any()
    assert day.map.any()
    assert day.appearance.max() > 0


def test_another_autoencoder_asks_for_other_drives(desk, tmp_path):
    pipeline.load_trainer("unimvm", desk / "lessons.yaml").train(tmp_path, stop_after=1)
    (drive,) = (tmp_path / "drives" / "held_out").glob("*.safetensors")
    before = read_drive(drive).latents
    autoencoder = PatchAutoencoder(PatchSpec(width=32, blocks=1))
    autoencoder.fit(torch.rand(8, 3, 32, 64).square() * 2 - 1)
    other = tmp_path / "other.safetensors"
    save_autoencoder(other, autoencoder.spec, tensors=autoencoder.state_dict(), about={})
    stale = drive.with_name("000099.safetensors")
    stale.write_bytes(drive.read_bytes())
    overrides = [f"autoencoder={other}", f"log.root={next(desk.glob('log-*'))}/dataset"]
    pipeline.load_trainer("unimvm", desk / "lessons.yaml", overrides=overrides).train(tmp_path, stop_after=1)
    assert not torch.equal(read_drive(drive).latents, before)
    assert not stale.exists(), "a drive that nobody would make any more is not learnt from"


def test_a_training_recipe_s_mistakes_come_together(desk):
    path = desk / "wrong.yaml"
    path.write_text("log: {use: nuscnes}\nspeck: tiny\nphases: []\n", encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        pipeline.load_trainer("unimvm", path)
    said = str(caught.value)
    assert all(word in said for word in ("nuscnes", "speck", "held_out", "autoencoder")), said


def test_scenes_without_pictures_are_no_log(desk, tmp_path):
    overrides = ["log={use: prompt}"]
    with pytest.raises(InputError, match="needs an end"):
        pipeline.load_trainer("unimvm", desk / "lessons.yaml", overrides=overrides).train(tmp_path)
