"""Scenes from words: a planner fills in a plan, the traffic library drives it, a map maker draws the road.

`planner` and `map` choose adapters of their own. `density` scales the traffic around the event (1: an ordinary
street, some 30 bodies; 0: nobody). `redraws`: how often a scene that fails its gates is drawn again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from datagen import plugins
from datagen.ports import MapMaker, PortRef, Stage, Take
from datagen.stages import MapStage, PlanStage, SimulateStage


class Settings(BaseModel):
    """What a recipe may say beside `use: prompt`."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    planner: Annotated[dict[str, Any], PortRef("planner")] = Field(default_factory=lambda: {"use": "rules"})
    map: Annotated[dict[str, Any], PortRef("mapmaker")] = Field(default_factory=lambda: {"use": "straight"})
    density: Annotated[float, Field(ge=0.0, le=3.0)] = 1.0
    redraws: Annotated[int, Field(ge=0, le=100)] = 8


class PromptSource:
    """A scene source that needs words and has no end."""

    needs_text = True

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._mapmaker: MapMaker = plugins.build("mapmaker", settings.map)

    def fingerprint(self) -> str:
        """Return the map maker's. Raises InputError when it lacks what it draws from."""
        return self._mapmaker.fingerprint()

    def count(self) -> int | None:
        """Return None: words never run out."""
        return None

    def stages(self) -> Sequence[Stage[Take, Take]]:
        """Return plan, simulate and map."""
        settings = self._settings
        return (
            PlanStage(plugins.build("planner", settings.planner)),
            SimulateStage(self._mapmaker, density=settings.density, redraws=settings.redraws),
            MapStage(self._mapmaker, density=settings.density),
        )


def build(settings: Settings) -> PromptSource:
    """Return the scene source."""
    return PromptSource(settings)
