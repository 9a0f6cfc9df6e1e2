"""The map maker that surveys: plans happen on a patch of a real map, which stays as it is.

```
scene:
  use: prompt
  map: {use: nuscenes, root: ../nuscenes, location: boston-seaport}
```

A patch is what lies within `margin_m` of a lane drawn at random, longer lanes more often. Patches on which the plan has
no place (no junction to turn at, no lane to come from) are passed over, `patches` at most; then the prompt is dropped.
The map needs an expansion of version 1.3 or later. A lane without a direction of its own gets it from what the log's
drives did there.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from adapters.scene.nuscenes.maps import Maps, expansion_of
from adapters.scene.nuscenes.reader import maps_of
from adapters.scene.nuscenes.tables import find_version
from datagen.digest import file_sha256
from datagen.errors import LogError
from datagen.ports import Dropped
from datagen.scene import HDMap, LaneKind, Scene
from datagen.scene.line import Line
from datagen.scene.mirror import right_handed
from datagen.scene.plan import Plan
from datagen.traffic.route import Network
from datagen.traffic.setting import choose_setting


class Settings(BaseModel):
    """What a recipe may say beside `use: nuscenes`.

    root: the folder that holds `<version>/` and `maps/`.  version: found by itself when there is only one.
    location: which map, such as boston-seaport.  margin_m: how far a patch reaches.  patches: tried for one plan.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    root: Path
    version: str | None = None
    location: str
    margin_m: Annotated[float, Field(ge=50.0, le=1000.0)] = 160.0
    patches: Annotated[int, Field(ge=1, le=1000)] = 24


class NuScenesMapMaker:
    """Finds places on a real map."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._maps: Maps | None = None

    def fingerprint(self) -> str:
        """Return the map's hash. Raises LogError where there is none with lanes."""
        return file_sha256(self._expansion())

    def roads(self, plan: Plan, *, duration_s: float, rng: np.random.Generator) -> Iterator[HDMap]:
        """Yield patches that have a place for the plan."""
        settings = self.settings
        maps = self._opened()
        lanes = [lane for lane in maps.lanes(settings.location) if lane.kind is LaneKind.CAR and not lane.junction]
        if not lanes:
            raise LogError(f"{self._expansion()}: no lane to drive on; choose another scene.map.location")
        length = np.array([Line(lane.center_m).length_m for lane in lanes])
        for index in rng.choice(len(lanes), size=settings.patches, p=length / length.sum()):
            patch, _ = maps.around(settings.location, lanes[index].center_m)
            wish, seen = right_handed(plan, patch)
            if choose_setting(wish, Network(seen), duration_s=duration_s, rng=rng) is not None:
                yield patch

    def open(self) -> None:
        """Nothing to load: the roads brought it all."""

    def draw(self, scene: Scene, *, plan: Plan, rng: np.random.Generator) -> HDMap | Dropped:
        """Return the patch that the scene was driven on."""
        del plan, rng  # it is as it was surveyed
        return scene.hdmap

    def _opened(self) -> Maps:
        if self._maps is None:
            settings = self.settings
            self._maps = maps_of(
                settings.root, find_version(settings.root, settings.version), margin_m=settings.margin_m
            )
        return self._maps

    def _expansion(self) -> Path:
        settings = self.settings
        path = expansion_of(settings.root, settings.location)
        if path is None:
            raise LogError(
                f"{settings.root}/maps/expansion: no map of '{settings.location}' with lanes (version 1.3 or later);"
                " unpack nuScenes' map expansion there, or leave scene.map at straight"
            )
        return path


def build(settings: Settings) -> NuScenesMapMaker:
    """Return the map maker; the map is read when the first road is asked for."""
    return NuScenesMapMaker(settings)
