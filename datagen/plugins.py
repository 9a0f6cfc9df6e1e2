"""(port, word) → the module `adapters.<port>.<word>`: the house's only mention of adapters."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType
from typing import Any

from pydantic import BaseModel

from datagen.errors import InputError, did_you_mean

PORTS = ("scene", "planner", "mapmaker", "video", "judge", "exporter", "viewer", "trainer", "detector")


def words(port: str) -> list[str]:
    """Return the words a port knows, sorted."""
    package = importlib.import_module(f"adapters.{port}")
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__) if not module.name.startswith("_"))


def load(port: str, word: str) -> ModuleType:
    """Import the adapter a recipe names. Raises InputError for a word that no file answers to."""
    known = words(port)
    if word not in known:
        raise InputError(f"no {port} adapter '{word}'; there are: {', '.join(known)}.{did_you_mean(word, known)}")
    return importlib.import_module(f"adapters.{port}.{word}")


def settings_of(port: str, word: str) -> type[BaseModel]:
    """Return the model of the keys that may stand beside `use: word`."""
    settings: type[BaseModel] = load(port, word).Settings
    return settings


def build(port: str, settings: dict[str, Any]) -> Any:
    """Build the adapter that `settings['use']` names, with the other keys as its settings."""
    module = load(port, settings["use"])
    rest = {key: value for key, value in settings.items() if key != "use"}
    return module.build(module.Settings(**rest))
