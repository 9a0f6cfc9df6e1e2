"""The same plans run on lanes somebody surveyed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from datagen import plugins
from datagen.ports import Dropped
from datagen.scene import Category, HDMap, Prompt
from datagen.scene.plan import Do, Manoeuvre, Plan, PlanActor
from datagen.traffic.simulate import simulate

LOG = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "nuscenes-mini"


@pytest.fixture(scope="module")
def surveyed() -> HDMap:
    """The map around one scene of nuScenes."""
    if not LOG.exists():
        pytest.skip(f"no real log at {LOG}")
    (recorded,) = plugins.load("scene", "nuscenes").recorded_scenes(LOG, names=["scene-0553"])
    return recorded.scene.hdmap


@pytest.mark.parametrize(
    ("category", "do"),
    [(Category.CAR, "brake"), (Category.CAR, "lane_change"), (Category.BUS, "cut_out"), (Category.ADULT, "jaywalk")],
)
def test_a_plan_happens_on_real_lanes(surveyed: HDMap, category: Category, do: Do) -> None:
    plan = Plan(actors=(PlanActor(category=category, manoeuvres=(Manoeuvre(do=do),)),))
    prompt = Prompt(id="p", index=1, text="", seed=1, duration_s=8.0)
    rng = np.random.default_rng(1)
    scene = simulate(plan, prompt=prompt, road=surveyed, density=0.3, redraws=8, rng=rng)
    assert not isinstance(scene, Dropped), scene.reason
    assert scene.hdmap is surveyed
