"""The film in small classes: one stage for each step from a prompt to a dataset.

```
prompt ─▶ plan ─▶ simulate ─▶ map ─▶ film ─▶ label ─▶ judge ─▶ export
```
A stage only says what is done when; how it is done lives in the rooms and the adapters.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from datagen.ports import Dropped, MapMaker, Planner, Resources, Take
from datagen.roads.reference import reference_road
from datagen.scene import Prompt
from datagen.scene.plan import Plan
from datagen.traffic.setting import needs_parking, road_length_m, road_wish
from datagen.traffic.simulate import simulate


def rng_for(prompt: Prompt, stage: str) -> np.random.Generator:
    """Return the randomness of one prompt in one stage: the same wherever and whenever it is asked for."""
    digest = hashlib.sha256(f"{prompt.seed}:{stage}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "little"))


class PlanStage:
    """Words to a plan."""

    name = "plan"
    resources = Resources()

    def __init__(self, planner: Planner, *, batch_size: int = 8) -> None:
        self.planner = planner
        self.batch_size = batch_size

    def open(self) -> None:
        """Load the planner's model."""
        self.planner.open()

    def run(self, batch: Sequence[Take]) -> Sequence[Take | Dropped]:
        """Plan a batch of prompts."""
        plans = self.planner.plan([take.prompt for take in batch])
        return [plan if isinstance(plan, Dropped) else _planned(take, plan) for take, plan in zip(batch, plans)]

    def close(self) -> None:
        """Nothing to let go of."""


def _planned(take: Take, plan: Plan) -> Take:
    noted = take.with_note("plan", plan.model_dump_json(exclude_defaults=True))
    if plan.left_out:
        noted = noted.with_note("left_out", "; ".join(plan.left_out))
    return replace(noted, plan=plan)


class SimulateStage:
    """A plan to a scene on reference lanes."""

    name = "simulate"
    resources = Resources()
    batch_size = 1

    def __init__(self, *, density: float, redraws: int) -> None:
        self.density = density
        self.redraws = redraws

    def open(self) -> None:
        """Nothing to load."""

    def run(self, batch: Sequence[Take]) -> Sequence[Take | Dropped]:
        """Simulate plans one by one."""
        return [self._simulated(take) for take in batch]

    def _simulated(self, take: Take) -> Take | Dropped:
        plan, prompt = take.plan, take.prompt
        assert plan is not None, "simulate comes after plan"
        rng = rng_for(prompt, self.name)
        road = reference_road(
            road_wish(plan),
            place=plan.ambience.place,
            length_m=road_length_m(plan, prompt.duration_s),
            parking=needs_parking(plan),
            rng=rng,
        )
        scene = simulate(plan, prompt=prompt, road=road, density=self.density, redraws=self.redraws, rng=rng)
        return scene if isinstance(scene, Dropped) else replace(take, scene=scene)

    def close(self) -> None:
        """Nothing to let go of."""


class MapStage:
    """The lanes a scene was driven on to the whole map around them."""

    name = "map"
    resources = Resources()
    batch_size = 1

    def __init__(self, mapmaker: MapMaker) -> None:
        self.mapmaker = mapmaker

    def open(self) -> None:
        """Load the map maker's model."""
        self.mapmaker.open()

    def run(self, batch: Sequence[Take]) -> Sequence[Take | Dropped]:
        """Draw maps one by one."""
        return [self._mapped(take) for take in batch]

    def _mapped(self, take: Take) -> Take | Dropped:
        assert take.scene is not None, "map comes after simulate"
        assert take.plan is not None, "map comes after plan"
        hdmap = self.mapmaker.draw(take.scene, plan=take.plan, rng=rng_for(take.prompt, self.name))
        return hdmap if isinstance(hdmap, Dropped) else replace(take, scene=replace(take.scene, hdmap=hdmap))

    def close(self) -> None:
        """Nothing to let go of."""
