"""The tiny language model that the model room's tests use."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny model."""
    source = Path(__file__).parents[2] / "models" / "planner" / "conftest.py"
    spec = importlib.util.spec_from_file_location("tiny_model_source", source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder: Path = module.write_tiny_model(tmp_path_factory.mktemp("tiny"))
    return folder
