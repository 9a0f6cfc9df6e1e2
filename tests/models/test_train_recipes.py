"""Every training recipe is what its form asks for."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from datagen import plugins
from datagen.models.autoencoder.training import AutoencoderTraining
from datagen.models.unimvm.pipeline import SVD_SAMPLING, Sampling
from datagen.models.unimvm.spec import SPECS
from datagen.models.unimvm.training import UniMVMTraining

FOLDER = Path(__file__).resolve().parents[2] / "recipes" / "train"
RECIPES = sorted(FOLDER.glob("*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_training_recipe_says_what_it_makes_and_fits_its_form(path):
    head = path.read_text(encoding="utf-8")
    assert all(f"# {word}" in head for word in ("Makes", "First", "Costs", "Form"))
    said = YAML(typ="safe").load(head)
    if path.stem.startswith("autoencoder"):
        settings = AutoencoderTraining.model_validate(said)
        preset = SPECS[path.stem.split("_")[1]]
        assert (settings.spec.latent_channels, settings.spec.stride) == (preset.latent_channels, preset.stride)
        assert settings.size_px == preset.view_px
    elif path.stem.startswith("unimvm"):
        settings = UniMVMTraining.model_validate(said)
        assert settings.spec == path.stem.split("_")[1]
        assert settings.full_spec() == SPECS[settings.spec]
        assert (settings.svd is not None) == (settings.spec == "svd")
        assert settings.sampling == (SVD_SAMPLING if settings.svd else Sampling())
        assert [phase.frames for phase in settings.phases] == [1, SPECS[settings.spec].frames]
    else:
        assert plugins.settings_of("trainer", path.stem.split("_")[0]).model_validate(said)


def test_every_preset_has_a_recipe():
    assert {path.stem for path in RECIPES} >= {"autoencoder_tiny", *(f"unimvm_{name}" for name in SPECS)}
