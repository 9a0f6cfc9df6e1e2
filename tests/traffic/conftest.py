"""Scenes of plans, without the outside world."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from datagen.ports import Dropped
from datagen.roads.reference import reference_road
from datagen.scene import Prompt, Scene
from datagen.scene.plan import Plan
from datagen.traffic.setting import needs_parking, road_length_m, road_wish
from datagen.traffic.simulate import simulate

Simulate = Callable[..., Scene]


@pytest.fixture(scope="session")
def simulated() -> Simulate:
    """A function that simulates a plan and fails the test if it is dropped."""

    def run(plan: Plan, *, seed: int = 0, duration_s: float = 6.0, density: float = 1.0) -> Scene:
        rng = np.random.default_rng(seed)
        road = reference_road(
            road_wish(plan),
            place=plan.ambience.place,
            length_m=road_length_m(plan, duration_s),
            parking=needs_parking(plan),
            rng=rng,
        )
        prompt = Prompt(id="p", index=seed, text="", seed=seed, duration_s=duration_s)
        scene = simulate(plan, prompt=prompt, road=road, density=density, redraws=8, rng=rng)
        assert not isinstance(scene, Dropped), scene.reason
        return scene

    return run
