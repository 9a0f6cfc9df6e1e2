"""Every file in recipes/ says what it is, loads, and asks for what it claims."""

from __future__ import annotations

import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest

from datagen import plugins
from datagen.recipe import Recipe, check_words, dump, expand, load, load_rig, shipped_recipes
from datagen.recipe.load import PORT_OF

FOLDER = shipped_recipes()
RECIPES = sorted(FOLDER.glob("*.yaml"))
RIGS = sorted(FOLDER.glob("rigs/*.yaml"))
CLIPS = {"quickstart": 4, "playground": 200, "longtail_night_rain": 122, "longtail_vulnerable": 114}


def read(path: Path, *overrides: str) -> Recipe:
    return load(path, settings_of=plugins.settings_of, words_of=plugins.words, overrides=overrides)


def test_the_shipped_recipes_and_rigs_are_all_there() -> None:
    assert {path.stem for path in RECIPES} >= {*CLIPS, "regenerate_nuscenes"}
    assert {path.stem for path in RIGS} >= {"nuscenes", "shuttle"}


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_loads_and_its_dump_loads_to_the_same(path: Path, tmp_path: Path) -> None:
    recipe = read(path)
    assert recipe.name == path.stem
    check_words(recipe, needs_text=plugins.build("scene", recipe.scene).needs_text)
    copy = tmp_path / "recipe.yaml"
    copy.write_text(dump(recipe), encoding="utf-8")
    assert read(copy) == recipe


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_opens_with_what_it_makes_needs_and_costs_and_how_to_run_and_change_it(path: Path) -> None:
    header = path.read_text(encoding="utf-8").split("\n\n")[0]
    words = [line.split()[1] for line in header.splitlines() if len(line.split()) > 1]
    assert [word for word in words if word in ("Makes", "First", "Costs", "Run", "Change")] == [
        "Makes",
        "First",
        "Costs",
        "Run",
        "Change",
    ]
    assert f"datagen run recipes/{path.name}" in header


@pytest.mark.parametrize(("name", "clips"), CLIPS.items())
def test_a_recipe_makes_as_many_clips_as_it_says(name: str, clips: int) -> None:
    path = FOLDER / f"{name}.yaml"
    prompts = expand(read(path), count=None)
    assert len({prompt.id for prompt in prompts}) == len(prompts) == clips
    makes = next(line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("# Makes"))
    assert f" {clips} clips " in makes


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_the_changes_a_recipe_proposes_can_be_made(path: Path) -> None:
    header = path.read_text(encoding="utf-8").split("\n\n")[0]
    lines = [line[line.index("--set") :] for line in header.splitlines() if "--set" in line]
    assert lines
    for line in lines:
        words = shlex.split(re.split(r"\s{2,}", line)[0])
        overrides = [value for flag, value in pairwise(words) if flag == "--set"]
        changed = read(path, *overrides)
        assert changed != read(path), line
        for section, port in PORT_OF.items():
            plugins.build(port, getattr(changed, section))


@pytest.mark.parametrize("path", RIGS, ids=lambda path: path.stem)
def test_a_rig_loads(path: Path) -> None:
    rig = load_rig(path)
    assert rig.name == path.stem
    assert all(camera.channel.startswith("CAM_") for camera in rig.cameras)
