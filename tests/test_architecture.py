"""The house's rules that import-linter cannot say."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel

from datagen import plugins

REPO = Path(__file__).resolve().parent.parent
SOURCES = sorted(path for room in ("datagen", "adapters", "eval") for path in (REPO / room).rglob("*.py"))
ADAPTERS = [(port, word) for port in plugins.PORTS for word in plugins.words(port)]


@pytest.mark.parametrize(("port", "word"), ADAPTERS)
def test_an_adapter_has_words_strict_settings_and_builds_cheaply(port, word):
    module = plugins.load(port, word)
    assert module.__doc__, "says what it is"
    assert issubclass(module.Settings, BaseModel)
    assert module.Settings.__doc__
    assert module.Settings.model_config.get("extra") == "forbid"
    assert module.Settings.model_config.get("frozen")
    assert callable(module.build)


def test_an_unknown_adapter_is_answered_with_those_there_are():
    with pytest.raises(Exception, match=r"no video adapter 'raycsat'; there are: .*Did you mean 'raycast'\?"):
        plugins.load("video", "raycsat")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(REPO)))
def test_a_module_says_why_it_exists_and_never_imports_eval_whole(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    whole = [alias for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    assert all(alias.name.split(".")[0] != "eval" for alias in whole), "`import eval` hides the builtin"


def test_the_command_line_loads_without_torch_ray_and_the_devkit():
    code = "import sys, datagen.cli; print(sorted({'torch', 'ray', 'nuscenes', 'diffusers'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPO)
    assert done.stdout.strip() == "[]"


def test_nothing_names_a_folder_of_one_machine():
    listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True, cwd=REPO).stdout.split()
    machine = re.compile(r"(?<![\w.])/(home|work|root|Users)/\w")
    guilty = []
    for name in listed:
        path = REPO / name
        if path.suffix in {".py", ".md", ".yaml", ".cfg", ".toml"} and path.name != Path(__file__).name:
            guilty += [name] if machine.search(path.read_text(encoding="utf-8")) else []
    assert guilty == []
