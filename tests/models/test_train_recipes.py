"""Every training recipe is what its form asks for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from datagen import pipeline
from datagen.models.autoencoder.training import AutoencoderTraining
from datagen.models.unimvm.pipeline import SVD_SAMPLING, Sampling
from datagen.models.unimvm.spec import SPECS
from datagen.models.unimvm.training import UniMVMLessons

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "recipes" / "train"
PLAYGROUND = ROOT / "recipes" / "playground.yaml"
RECIPES = sorted(FOLDER.glob("*.yaml"))


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
        assert (settings.svd is not None) == (settings.spec == "svd")
        assert settings.sampling == (SVD_SAMPLING if settings.svd else Sampling())
        assert [phase.frames for phase in settings.phases] == [1, SPECS[settings.spec].frames]


def test_the_logs_that_recipes_name_are_those_that_their_commands_make():
    """Every `runs/<name>-<hash>` in a recipe or a page is what one of the two playground commands makes."""
    held = ["name=playground_held", "seed=1", "scene.first_network=1000", "scenes=7"]
    made = {pipeline.prepare(PLAYGROUND, out=Path(), overrides=wishes).place.name for wishes in ([], held)}
    texts = [path.read_text(encoding="utf-8") for path in [*ROOT.glob("recipes/*/*.yaml"), *ROOT.glob("docs/*.md")]]
    named = {name for text in texts for name in re.findall(r"runs/(playground[\w-]*)", text)}
    assert named == made


def test_every_preset_has_a_recipe():
    assert {path.stem for path in RECIPES} >= {"autoencoder_tiny", *(f"unimvm_{name}" for name in SPECS)}
