"""Scenes of a real drive log: any dataset in nuScenes format becomes Scenes, exact to the last digit.

A prompt picks a scene by its place in the recipe (scene number `index % count`); its words, if it has any,
change weather, light and place, and nothing else. Poses, boxes, calibrations and instants pass through
unchanged, so that exporting such a scene gives back what was read. Edits take actors away, shift them or add
some; whoever they do not touch stays as recorded.

```
<root>/<version>/*.json ──▶ tables (checked) ──▶ reader ──▶ Scene ──▶ edits ──▶ Scene
<root>/maps/expansion   ──▶ maps, lanes ─────────┘
<root>/samples          ──▶ looks (a track's colour, where a picture shows it)
```

Nothing in the environment is needed beyond `nuscenes-devkit`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from adapters.scene.nuscenes.edits import Add, Drop, Move, edited
from adapters.scene.nuscenes.maps import expansion_of
from adapters.scene.nuscenes.reader import LogReader
from adapters.scene.nuscenes.recorded import RecordedScene, recorded_scenes
from adapters.scene.nuscenes.selection import check_instances, chosen_scenes, locations_of
from adapters.scene.nuscenes.tables import check_log, find_version
from adapters.scene.nuscenes.words import ambience_of
from datagen.ports import Dropped, Resources, Take
from datagen.scene import Scene

__all__ = ["NuScenesSource", "ReadScene", "RecordedScene", "Settings", "build", "recorded_scenes"]


class Settings(BaseModel):
    """What a recipe may say beside `use: nuscenes`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    root: Path
    """The folder that holds `<version>/`, `maps/` and `samples/`."""
    version: str | None = None
    """For example v1.0-trainval; found by itself when there is only one."""
    scenes: tuple[str, ...] = ()
    """Names of the scenes to use, in this order; empty means all."""
    split: str | None = None
    """Only scenes of this split: one of nuScenes' own, or of `<version>/splits.json`."""
    map_margin_m: Annotated[float, Field(gt=0.0, le=1000.0)] = 120.0
    """How far around the ego's path the map reaches."""
    drop: tuple[Drop, ...] = ()
    move: tuple[Move, ...] = ()
    add: tuple[Add, ...] = ()


def build(settings: Settings) -> NuScenesSource:
    """Return the source; nothing is read yet."""
    return NuScenesSource(settings)


@dataclass(frozen=True)
class NuScenesSource:
    """The scenes of one log."""

    settings: Settings
    needs_text: bool = False

    def fingerprint(self) -> str:
        """Return nothing: a log is what its settings name."""
        return ""

    def count(self) -> int:
        """Return how many scenes are chosen. Raises LogError when the log is missing, broken or lacks one of them."""
        settings = self.settings
        version = find_version(settings.root, settings.version)
        check_log(settings.root, version)
        names = chosen_scenes(settings.root, version, names=settings.scenes, split=settings.split)
        for location in locations_of(settings.root, version, names=names):
            expansion_of(settings.root, location)
        check_instances(
            settings.root, version, [token for edit in (*settings.drop, *settings.move) for token in edit.instances]
        )
        return len(names)

    def stages(self) -> Sequence[ReadScene]:
        """Return the one stage that reads scenes."""
        return (ReadScene(self.settings),)


@dataclass
class ReadScene:
    """Take → take with the log's scene, edited and in the weather the prompt asks for."""

    settings: Settings
    name: str = "scene"
    resources: Resources = field(default_factory=Resources)
    batch_size: int = 1
    _reader: LogReader | None = field(default=None, repr=False, compare=False)

    def open(self) -> None:
        """Read the whole log's tables."""
        settings = self.settings
        version = find_version(settings.root, settings.version)
        names = chosen_scenes(settings.root, version, names=settings.scenes, split=settings.split)
        self._reader = LogReader.open(settings.root, version, names=names, map_margin_m=settings.map_margin_m)

    def run(self, batch: Sequence[Take]) -> Sequence[Take | Dropped]:
        """Read one scene for each take."""
        return [self._read(take) for take in batch]

    def close(self) -> None:
        """Let go of the tables."""
        self._reader = None

    def _read(self, take: Take) -> Take:
        assert self._reader is not None, "open() comes first"
        scene, notes = self._reader.scene(self._reader.names[take.prompt.index % len(self._reader.names)])
        scene, edit_notes = self._edit(scene, take.prompt.seed)
        if take.prompt.text.strip():
            ambience = ambience_of(take.prompt.text, default=scene.ambience)
            scene = replace(scene, ambience=ambience, description=take.prompt.text)
        for key, value in {**notes, **edit_notes}.items():
            take = take.with_note(key, value)
        return replace(take, scene=scene)

    def _edit(self, scene: Scene, seed: int) -> tuple[Scene, dict[str, str]]:
        settings = self.settings
        rng = np.random.default_rng([seed, 0x6E7553])
        return edited(scene, rng, drop=settings.drop, move=settings.move, add=settings.add)
