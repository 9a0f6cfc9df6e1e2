"""The map maker that invents: a diffusion model draws the road under the traffic, and every map is judged.

```
   scene ─▶ traffic raster ─▶ map raster ─▶ vectors ─▶ lawful? ─ yes ─▶ the scene's map
                     ▲                                   │ no: drawn again, at most `attempts` times
                     └───────────────────────────────────┘ then dropped with the reason, or `straight`
```

A map reaches 51 m beyond the ego's path and 15 m to either side of everybody's, up to `most_m`. Its lanes are new
ones: the reference lanes the scene was driven on are not in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field

from datagen import plugins
from datagen.digest import file_sha256
from datagen.errors import InputError
from datagen.models.hdmap.pipeline import DiffusionMaps, MapModel, Sampling
from datagen.models.hdmap.weights import load_hdmap
from datagen.ports import Dropped, MapMaker
from datagen.roads.canvas import SIDE_M, canvas_around
from datagen.roads.lawful import lawfulness
from datagen.roads.raster import draw_traffic, tracks_of
from datagen.roads.vectorise import name_of, vectorised
from datagen.scene import Category, HDMap, Place, Scene
from datagen.scene.plan import Plan, PlanActor
from datagen.stages import laid_road

EMBEDDED = Path(__file__).resolve().parents[2] / "datagen" / "weights" / "hdmap" / "weights.safetensors"


class Settings(BaseModel):
    """What a recipe may say beside `use: diffusion`.

    weights: of a trained map model; the embedded ones by default.  attempts: maps drawn for one scene at most.
    otherwise: what becomes of a scene for which no map is lawful.  most_m: longest side of a map.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: Path = EMBEDDED
    attempts: Annotated[int, Field(ge=1, le=100)] = 4
    otherwise: Literal["drop", "straight"] = "drop"
    most_m: Annotated[float, Field(ge=SIDE_M, le=1000.0)] = 307.2
    sampling: Sampling = Sampling()


class DiffusionMapMaker:
    """Draws maps and keeps the first that is lawful."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._model: MapModel | None = None

    def fingerprint(self) -> str:
        """Return the weights' hash. Raises InputError where there are none."""
        return file_sha256(self._weights())

    def roads(self, plan: Plan, *, duration_s: float, rng: np.random.Generator) -> Iterator[HDMap]:
        """Yield the street that the plan calls for: only where everybody drove on it is told to the model."""
        yield laid_road(plan, duration_s=duration_s, rng=rng)

    def open(self) -> None:
        """Load the model. Raises InputError where there are no weights, or they are none of a map model."""
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._model = DiffusionMaps(load_hdmap(self._weights(), device=device), self.settings.sampling)

    def _weights(self) -> Path:
        weights = self.settings.weights
        if weights.is_file():
            return weights
        said = f"{weights}: no such file" if weights != EMBEDDED else "scene.map: no weights are embedded"
        raise InputError(
            f"{said}; train a map model with `datagen train hdmap recipes/train/hdmap.yaml`"
            " and name its weights as scene.map.weights"
        )

    def draw(self, scene: Scene, *, plan: Plan, rng: np.random.Generator) -> HDMap | Dropped:
        """Return the first lawful map; else what `otherwise` says, with the reasons of the last."""
        assert self._model is not None, "open() comes first"
        canvas = canvas_around(
            scene,
            m_per_px=SIDE_M / self._model.pixels,
            multiple_px=self._model.multiple_px,
            most_m=self.settings.most_m,
        )
        tracks = tracks_of(scene)
        traffic = torch.from_numpy(draw_traffic(tracks, canvas))[None]
        jaywalking = any(_crosses_anywhere(actor) for actor in plan.actors)
        reasons: tuple[str, ...] = ()
        for seed in rng.integers(2**31, size=self.settings.attempts).tolist():
            raster = self._model.draw(traffic, seeds=[seed])[0].numpy()
            hdmap = vectorised(
                raster,
                canvas,
                canvas_m=scene.hdmap.canvas_m,
                location=name_of(raster, canvas),
                walkways=plan.ambience.place is not Place.HIGHWAY,
            )
            verdict = lawfulness(hdmap, tracks, canvas, jaywalking=jaywalking)
            if verdict.lawful:
                return hdmap
            reasons = verdict.reasons
        if self.settings.otherwise == "straight":
            straight: MapMaker = plugins.build("mapmaker", {"use": "straight"})
            return straight.draw(scene, plan=plan, rng=rng)
        said = "; ".join(reasons[:3])
        return Dropped(reason=f"none of {self.settings.attempts} maps is lawful; of the last: {said}")


def _crosses_anywhere(actor: PlanActor) -> bool:
    """Say whether somebody is asked to cross beside crossings; cyclists who cross come over the kerb."""
    asked = {"jaywalk", "cross"} if actor.category is Category.BICYCLE else {"jaywalk"}
    return any(manoeuvre.do in asked for manoeuvre in actor.manoeuvres)


def build(settings: Settings) -> DiffusionMapMaker:
    """Return the map maker; the model waits for `open`."""
    return DiffusionMapMaker(settings)
