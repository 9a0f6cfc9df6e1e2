"""Scenes stay where they were: places of everybody every two seconds, kept from before the simulation was made fast.

Who changes on purpose what comes of a plan writes `places.json` anew, from `places_of`.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from adapters.planner.rules import read
from datagen.roads.reference import reference_road
from datagen.scene import Prompt, Scene
from datagen.traffic.setting import needs_parking, road_length_m, road_wish
from datagen.traffic.simulate import simulate

KEPT = json.loads(Path(__file__).with_name("places.json").read_text(encoding="utf-8"))
DURATION_S = 8.0


def places_of(text: str, seed: int) -> dict[str, np.ndarray]:
    """Drive a prompt and return the places of everybody, every 2 s."""
    plan, rng = read(text), np.random.default_rng(seed)
    road = reference_road(
        road_wish(plan), place=plan.ambience.place, length_m=road_length_m(plan, DURATION_S),
        parking=needs_parking(plan), rng=rng,
    )  # fmt: skip
    prompt = Prompt(id=str(seed), index=seed, text=text, seed=seed, duration_s=DURATION_S)
    scene = simulate(plan, prompt=prompt, road=road, density=1.0, redraws=8, rng=rng)
    assert isinstance(scene, Scene)
    tracks = {"ego": scene.ego, **{actor.id: actor.trajectory for actor in scene.actors}}
    return {name: track.translation_m[::20, :2] for name, track in tracks.items()}


@pytest.mark.parametrize("kept", KEPT, ids=[kept["text"] for kept in KEPT])
def test_everybody_is_where_he_was(kept: dict) -> None:
    places = places_of(kept["text"], kept["seed"])
    assert set(places) == set(kept["places_m"])
    for name, xy in kept["places_m"].items():
        np.testing.assert_allclose(places[name], xy, atol=2e-6, err_msg=name)
