"""The documentation keeps pace: links lead somewhere, commands parse, and the reference is what the code says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from datagen import cli
from datagen.recipe import Recipe
from datagen.reference import reference

REPO = Path(__file__).resolve().parent.parent
PAGES = sorted([REPO / "README.md", *(REPO / "docs").rglob("*.md")])
COMMANDS = [
    (page, line)
    for page in PAGES
    for block in re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    for line in block.replace("\\\n", " ").splitlines()
    if line.startswith("datagen ")
]


def test_the_reference_of_keys_is_current():
    written = (REPO / "docs" / "reference.md").read_text(encoding="utf-8")
    assert written == reference(), "run `datagen reference > docs/reference.md`"


def test_the_reference_says_type_bounds_default_and_meaning():
    page = reference()
    assert "| `min_labels` | whole number ≥ 0 | `1` | Drop clips with fewer labels than this. |" in page
    assert "| `planner` | `{use: planner, …}` | `{use: rules}` |" in page
    assert "| `scenes` | whole number ≥ 1, ≤ 1,000,000 or nothing |  | how many clips" in page
    assert all(f"| `{name}` |" in page for name in Recipe.model_fields)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_that_are_there(page):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize(
    ("page", "command"), COMMANDS, ids=lambda value: value if isinstance(value, str) else value.name
)
def test_commands_are_commands_and_name_recipes_that_exist(page, command):
    words = shlex.split(command, comments=True)[1:]
    cli._parser().parse_args(words)
    named = [word for word in words if word.startswith("recipes/")]
    assert [word for word in named if not (REPO / word).is_file()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_yaml_in_the_pages_is_yaml(page):
    for block in re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        assert YAML(typ="safe", pure=True).load(block)
