"""Every training recipe is what its form asks for."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

from datagen import pipeline
from datagen.models.autoencoder.training import AutoencoderTraining
from datagen.models.unimvm.pipeline import SVD_SAMPLING, Sampling
from datagen.models.unimvm.spec import SPECS
from datagen.models.unimvm.training import UniMVMLessons

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "recipes" / "train"
CARD = ROOT / "datagen" / "weights" / "unimvm" / "card.json"
EYES = ROOT / "datagen" / "weights" / "perception" / "card.json"
PLAYGROUND = ROOT / "recipes" / "playground.yaml"
RECIPES = sorted(FOLDER.glob("*.yaml"))
STAGES = sorted(FOLDER.glob("unimvm_tiny/[0-9]*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_training_recipe_says_what_it_makes_and_fits_its_form(path):
    head = path.read_text(encoding="utf-8")
    assert all(f"# {word}" in head for word in ("Makes", "First", "Costs", "Form"))
    settings = pipeline.load_trainer(path.stem.split("_")[0], path).settings
    if isinstance(settings, AutoencoderTraining):
        preset = SPECS[path.stem.split("_")[1]]
        assert (settings.spec.latent_channels, settings.spec.stride) == (preset.latent_channels, preset.stride)
        assert settings.size_px == preset.view_px
    elif isinstance(settings, UniMVMLessons):
        assert settings.spec == path.stem.split("_")[1]
        assert settings.full_spec() == SPECS[settings.spec]
        assert (settings.start is not None) == (settings.spec == "svd")
        assert settings.sampling == (SVD_SAMPLING if settings.start else Sampling())
        assert [phase.frames for phase in settings.phases] == [1, SPECS[settings.spec].frames]


def test_what_ships_can_be_trained_again_one_stage_after_the_other():
    names = ["1_blocks", "2_more_towns", "3_figures", "4_towns", "5_nights", "6_houses", "7_mean"]
    assert [path.stem for path in STAGES] == names
    stages = [pipeline.load_trainer("unimvm", path).settings for path in STAGES]
    starts = [stage.start if isinstance(stage.start, tuple) else (stage.start,) for stage in stages]
    assert [start and start.parent.name for (start, *_) in starts[:-1]] == [None, *names[:5]]
    assert [start.parent.name for start in starts[-1]] == ["3_figures", "6_houses", "6_houses"]
    assert sum(phase.steps for stage in stages for phase in stage.phases) == json.loads(CARD.read_text())["train_steps"]
    assert all(stage.full_spec() == SPECS["tiny"] for stage in stages[2:])
    blocks = SPECS["tiny"].model_copy(update={"damped": False, "figures": False})
    assert all(stage.full_spec() == blocks for stage in stages[:2])


def test_trials_go_on_from_what_ships_or_did_then():
    shipped, then = CARD.parent / "unimvm.safetensors", ROOT / "runs" / "3_figures" / "weights.safetensors"
    for name, start, changes in (("ablation", shipped, {}), ("held", then, {"held": True}), ("carried", then, {})):
        settings = pipeline.load_trainer("unimvm", FOLDER / "unimvm_tiny" / f"{name}.yaml").settings
        assert start in (settings.start if isinstance(settings.start, tuple) else [settings.start])
        assert settings.full_spec() == SPECS["tiny"].model_copy(update=changes)


def test_the_perception_network_that_ships_can_be_trained_again_one_stage_after_the_other():
    paths = [FOLDER / "perception.yaml", *sorted(FOLDER.glob("perception/*.yaml"))]
    stages = [pipeline.load_trainer("perception", path).settings for path in paths]
    assert [stage.start and stage.start.parent.name for stage in stages] == [
        None,
        "perception",
        "2_nights",
        "3_longer",
        "4_dark",
    ]
    assert sum(phase.steps for stage in stages for phase in stage.phases) == json.loads(EYES.read_text())["train_steps"]


def test_the_logs_that_recipes_name_are_those_that_their_commands_make():
    held = ["name=playground_held", "seed=1", "scene.first_network=1000", "scenes=24"]
    made = [pipeline.prepare(PLAYGROUND, out=Path(), overrides=wishes).place.name for wishes in ([], held)]
    texts = [path.read_text(encoding="utf-8") for path in ROOT.glob("recipes/*/**/*.yaml")]
    named = {name for text in texts for name in re.findall(r"runs/(playground[^/]*)", text)}
    assert len(named) == len(made)
    assert all(sum(fnmatch(run, name) for run in made) == 1 for name in named)


def test_every_preset_has_a_recipe():
    assert {path.stem for path in RECIPES} >= {"autoencoder_tiny", *(f"unimvm_{name}" for name in SPECS)}
