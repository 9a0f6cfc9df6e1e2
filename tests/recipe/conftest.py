"""A small outside world: adapters that exist only as settings, with all the shapes real ones have."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator

from datagen.errors import RecipeError
from datagen.ports import PortRef
from datagen.recipe import Recipe, load


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Mood(StrEnum):
    CALM = "calm"
    BUSY = "busy"


class Prompted(Strict):
    planner: Annotated[dict[str, Any], PortRef("planner")] = {"use": "rules"}
    map: Annotated[dict[str, Any] | None, PortRef("mapmaker")] = None
    traffic: Annotated[float, Field(ge=0.0, le=2.0)] = 1.0


class Drop(Strict):
    scene: str
    categories: tuple[str, ...] = ()


class Log(Strict):
    root: Path
    scenes: tuple[str, ...] = ()
    drop: tuple[Drop, ...] = ()
    mood: Mood = Mood.CALM


class Rules(Strict):
    grammar: Path = Path("grammar.txt")
    judge: Annotated[dict[str, Any], PortRef("planner")] = {"use": "none"}


class Raycast(Strict):
    width_px: Annotated[int, Field(ge=16, multiple_of=8)] = 224
    height_px: Annotated[int, Field(ge=16, multiple_of=8)] = 128


class Plain(Strict):
    broken_frames: Annotated[bool, Field(strict=True)] = True
    min_labels: Annotated[int, Field(ge=0)] = 1


class Export(Strict):
    version: str = "v1.0-synth"
    jpeg_quality: Annotated[int, Field(ge=1, le=95)] = 90
    splits: dict[str, float] = {"train": 0.8}

    @field_validator("splits")
    @classmethod
    def _at_most_all(cls, splits: dict[str, float]) -> dict[str, float]:
        if sum(splits.values()) > 1:
            raise ValueError(f"the shares add up to {sum(splits.values()):g}; at most 1 is there to share")
        return splits


class Empty(Strict):
    pass


ADAPTERS: dict[str, dict[str, type[BaseModel]]] = {
    "scene": {"prompt": Prompted, "nuscenes": Log, "sumo": Empty},
    "planner": {"rules": Rules, "none": Empty},
    "mapmaker": {"straight": Empty},
    "video": {"raycast": Raycast, "unimvm": Empty},
    "judge": {"plain": Plain},
    "exporter": {"nuscenes": Export},
}


def read(path: Path, *overrides: str) -> Recipe:
    return load(
        path,
        settings_of=lambda port, word: ADAPTERS[port][word],
        words_of=lambda port: sorted(ADAPTERS[port]),
        overrides=overrides,
    )


@pytest.fixture(scope="session")
def reload(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Recipe]:
    """Write a recipe's text to `rain.yaml`, over and over, and load it."""
    path = tmp_path_factory.mktemp("reload") / "rain.yaml"

    def reload(text: str) -> Recipe:
        path.write_text(text, encoding="utf-8", newline="")
        return read(path)

    return reload


@pytest.fixture
def recipe_of(tmp_path: Path) -> Callable[..., Recipe]:
    """Write a recipe's text to `rain.yaml` and load it, with overrides."""

    def recipe_of(text: str, *overrides: str) -> Recipe:
        path = tmp_path / "rain.yaml"
        path.write_text(text, encoding="utf-8")
        return read(path, *overrides)

    return recipe_of


@pytest.fixture
def problems_of(recipe_of: Callable[..., Recipe], tmp_path: Path) -> Callable[..., list[str]]:
    """Load a recipe that is wrong and return what is said about it, without the folder."""

    def problems_of(text: str, *overrides: str) -> list[str]:
        with pytest.raises(RecipeError) as caught:
            recipe_of(text, *overrides)
        return [problem.replace(f"{tmp_path}/", "") for problem in caught.value.problems]

    return problems_of
