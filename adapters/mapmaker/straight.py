"""The map maker that invents nothing: it draws what the lanes the scene was driven on call for.

Kerbs, walkways, paint, stop lines and the drivable area follow from the lanes; the lanes stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from pydantic import BaseModel, ConfigDict

from datagen.ports import Dropped
from datagen.roads.furnish import furnished
from datagen.scene import HDMap, Place, Scene
from datagen.scene.plan import Plan
from datagen.stages import laid_road


class Settings(BaseModel):
    """Nothing to choose."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class StraightMapMaker:
    """Draws the rest of a street around its lanes."""

    def fingerprint(self) -> str:
        """Return nothing: it has no weights."""
        return ""

    def roads(self, plan: Plan, *, duration_s: float, rng: np.random.Generator) -> Iterator[HDMap]:
        """Yield the street that the plan calls for."""
        yield laid_road(plan, duration_s=duration_s, rng=rng)

    def open(self) -> None:
        """Nothing to load."""

    def draw(self, scene: Scene, *, plan: Plan, rng: np.random.Generator) -> HDMap | Dropped:
        """Return the whole map; a highway has no walkways."""
        del rng  # what a street looks like follows from its lanes
        if not scene.hdmap.lanes:
            return Dropped(reason="the scene has no lanes to draw a road around")
        return furnished(scene.hdmap, walkways=plan.ambience.place is not Place.HIGHWAY)


def build(settings: Settings) -> StraightMapMaker:
    """Return the map maker."""
    del settings
    return StraightMapMaker()
