"""The whole flow, small: a recipe becomes a dataset, the same one however the work was done."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from nuscenes.nuscenes import NuScenes

from datagen import pipeline

RECIPE = """
seed: 5
prompts:
  - text: "{light}, a white van cuts in from the left"
    vary: {light: [day, night in rain]}
  - a pedestrian crosses the road ahead of us
clip: {duration_s: 3, rate_hz: 4}
film: {use: raycast, width_px: 112, height_px: 64}
"""


def checksum(folder: Path) -> str:
    """Hash every file's place and content."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder)}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


@pytest.fixture(scope="module")
def recipe(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "small.yaml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


def made(recipe: Path, out: Path, *overrides: str, limit: int | None = None) -> pipeline.Run:
    job = pipeline.prepare(recipe, out=out, overrides=overrides, limit=limit)
    totals = pipeline.run(job, progress=False)
    assert totals.failed == 0, totals.failures
    return job


@pytest.fixture(scope="module")
def undisturbed(recipe, tmp_path_factory) -> pipeline.Run:
    return made(recipe, tmp_path_factory.mktemp("local"), "engine.executor=local")


def test_a_recipe_becomes_a_dataset_the_devkit_reads(undisturbed):
    nusc = NuScenes("v1.0-synth", str(undisturbed.dataset), verbose=False)
    assert [scene["name"] for scene in nusc.scene] == ["scene-2001", "scene-2002", "scene-2003"]
    assert "white van" in nusc.scene[0]["description"]
    assert all(scene["nbr_samples"] == 6 for scene in nusc.scene)
    assert any(row["filename"].startswith("sweeps/CAM_FRONT/") for row in nusc.sample_data)


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_change_nothing(recipe, undisturbed, tmp_path, workers):
    job = made(recipe, tmp_path, "engine.executor=ray", f"engine.workers={workers}")
    assert checksum(job.dataset) == checksum(undisturbed.dataset)


def test_running_again_after_a_part_makes_only_the_rest(recipe, undisturbed, tmp_path):
    part = made(recipe, tmp_path, "engine.executor=local", limit=1)
    stamp = (part.store.clip_folder(part.takes[0].id) / "done.json").stat().st_mtime_ns
    whole = made(recipe, tmp_path, "engine.executor=local")
    assert whole.folder == part.folder
    assert (whole.store.clip_folder(part.takes[0].id) / "done.json").stat().st_mtime_ns == stamp
    assert checksum(whole.dataset) == checksum(undisturbed.dataset)


def test_a_clip_hangs_on_its_own_prompt_and_settings_alone(recipe, tmp_path):
    longer = tmp_path / "small.yaml"
    longer.write_text(
        RECIPE.replace("  - a pedestrian", "  - fog, the lead car brakes\n  - a pedestrian"), encoding="utf-8"
    )
    few = [take.id for take in pipeline.prepare(recipe, out=tmp_path).takes]
    more = [take.id for take in pipeline.prepare(longer, out=tmp_path).takes]
    other = [take.id for take in pipeline.prepare(recipe, out=tmp_path, overrides=["film.width_px=128"]).takes]
    assert few[:2] == more[:2]
    assert not set(few) & set(other)


def test_preparing_writes_nothing(recipe, tmp_path):
    pipeline.prepare(recipe, out=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
