"""From a prompt to a scene: plan, simulate, draw the map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from datagen.ports import Dropped, MapMaker, Planner, Resources, Take
from datagen.roads.reference import reference_road
from datagen.scene import HDMap
from datagen.scene.plan import Plan
from datagen.stages.takes import rng_for
from datagen.traffic.drawn_lanes import with_traffic_on
from datagen.traffic.setting import needs_parking, road_length_m, road_wish
from datagen.traffic.simulate import DENSITIES, simulate


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
        return [self._planned(take, plan) for take, plan in zip(batch, plans, strict=True)]

    def _planned(self, take: Take, plan: Plan | Dropped) -> Take | Dropped:
        if isinstance(plan, Dropped):
            return plan
        noted = take.with_note("plan", plan.model_dump_json(exclude_defaults=True))
        if plan.left_out:
            noted = noted.with_note("left_out", "; ".join(plan.left_out))
        for key, value in self.planner.notes(take.prompt).items():
            noted = noted.with_note(key, value)
        return replace(noted, plan=plan)

    def close(self) -> None:
        """Nothing to let go of."""


def laid_road(plan: Plan, *, duration_s: float, rng: np.random.Generator) -> HDMap:
    """Return the reference road that a plan calls for."""
    return reference_road(
        road_wish(plan),
        place=plan.ambience.place,
        length_m=road_length_m(plan, duration_s),
        parking=needs_parking(plan),
        rng=rng,
    )


class SimulateStage:
    """A plan to a scene on a road of the map maker's."""

    name = "simulate"
    resources = Resources()
    batch_size = 1

    def __init__(self, mapmaker: MapMaker, *, density: float, redraws: int) -> None:
        self.mapmaker = mapmaker
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
        dropped = Dropped(reason="the map has no place where the plan could happen")
        for road in self.mapmaker.roads(plan, duration_s=prompt.duration_s, rng=rng):
            scene = simulate(plan, prompt=prompt, road=road, density=self.density, redraws=self.redraws, rng=rng)
            if not isinstance(scene, Dropped):
                return replace(take, scene=scene)
            dropped = scene
        return dropped

    def close(self) -> None:
        """Nothing to let go of."""


class MapStage:
    """The lanes a scene was driven on to the whole map around them, and traffic on lanes that are new in it."""

    name = "map"
    resources = Resources()
    batch_size = 1

    def __init__(self, mapmaker: MapMaker, *, density: float = 0.0) -> None:
        self.mapmaker = mapmaker
        self.density = density
        self.weights = ""

    def open(self) -> None:
        """Load the map maker's model."""
        self.mapmaker.open()
        self.weights = self.mapmaker.fingerprint()

    def run(self, batch: Sequence[Take]) -> Sequence[Take | Dropped]:
        """Draw maps one by one."""
        return [self._mapped(take) for take in batch]

    def _mapped(self, take: Take) -> Take | Dropped:
        assert take.scene is not None, "map comes after simulate"
        assert take.plan is not None, "map comes after plan"
        rng = rng_for(take.prompt, self.name)
        hdmap = self.mapmaker.draw(take.scene, plan=take.plan, rng=rng)
        if isinstance(hdmap, Dropped):
            return hdmap
        scene = replace(take.scene, hdmap=hdmap)
        if {lane.id for lane in hdmap.lanes} - {lane.id for lane in take.scene.hdmap.lanes}:
            scene = with_traffic_on(scene, density=self.density * DENSITIES[take.plan.density], rng=rng)
        noted = take.with_note("map_weights", self.weights) if self.weights else take
        return replace(noted, scene=scene)

    def close(self) -> None:
        """Nothing to let go of."""
