"""One command films every arm and measures it; here the ray-caster is the film model."""

from __future__ import annotations

from pathlib import Path

import pytest

from datagen import pipeline
from datagen.errors import InputError
from datagen.recipe import shipped_recipes
from eval import film as experiment
from eval.control import Protocol as ControlProtocol
from eval.fidelity import Protocol as FidelityProtocol


def recipe(folder: Path, log: Path, *, source: str = "nuscenes") -> Path:
    """Write a recipe that films a log's first second anew."""
    path = folder / "film_small.yaml"
    scene = f"{{use: nuscenes, root: {log}}}" if source == "nuscenes" else "{use: prompt}\nprompts: [a car brakes]"
    path.write_text(
        f"rig: {'log' if source == 'nuscenes' else 'nuscenes'}\n"
        "clip: {duration_s: 1.0, rate_hz: 4.0}\n"
        f"scene: {scene}\n"
        "film: {use: raycast, width_px: 224, height_px: 128}\n"
        "judge: {min_labels: 0}\n"
        "engine: {executor: local}\n",
        encoding="utf-8",
    )
    return path


def test_every_mode_of_the_shipped_experiment_is_sound() -> None:
    path = shipped_recipes() / "experiments" / "film_modes.yaml"
    for changes in experiment.ARMS.values():
        loaded = pipeline.load_recipe(path, overrides=changes)
        assert loaded.film["mode"] == changes[0].split("=")[1]
        assert round(loaded.clip.duration_s * loaded.clip.rate_hz) == 8


def test_arms_are_filmed_and_measured_together(film, some_videofeatures, blind, tmp_path: Path) -> None:
    scores = experiment.film(
        recipe(tmp_path, film()),
        out=tmp_path / "runs",
        arms={"large": ("film.width_px=112", "film.height_px=64"), "small": ("film.width_px=32", "film.height_px=32")},
        fidelity_protocol=FidelityProtocol(frames=slice(0, 3), length=3, resamples=2, i3d=some_videofeatures),
        control_protocol=ControlProtocol(perception=blind, resamples=2),
    )
    figures = scores.figures()
    assert figures["fid_small"] > figures["fid_large"]
    assert {"control_ratio_vehicle", "diversity_free", "fvd_floor"} <= figures.keys()
    assert "small" in str(scores)


def test_a_recipe_whose_scenes_are_no_log_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"scene\.use must be nuscenes"):
        experiment.film(recipe(tmp_path, tmp_path, source="prompt"), out=tmp_path)
