"""How fast plans become scenes: the rules planner and the traffic library on one core, a scene of 30 actors each.

    OMP_NUM_THREADS=1 python benchmarks/traffic.py [--scenes 60] [--seconds 8] [--passes 3] [--profile]

Time is that of the process, and of each prompt that of its fastest pass, so that other programs on the machine (which
slow the memory and share the core) matter less. Planning, the reference road, every
redraw and the gates are in it; maps, labels and pictures are not.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from adapters.planner.rules import read
from datagen.ports import Dropped
from datagen.roads.reference import reference_road
from datagen.scene import Prompt, Scene
from datagen.traffic.setting import needs_parking, road_length_m, road_wish
from datagen.traffic.simulate import simulate

PROMPTS = Path(__file__).parent.parent / "tests" / "traffic" / "prompts.txt"


def scene_of(text: str, seed: int, *, duration_s: float) -> Scene | Dropped:
    """Plan and drive one prompt."""
    plan, rng = read(text), np.random.default_rng(seed)
    road = reference_road(
        road_wish(plan),
        place=plan.ambience.place,
        length_m=road_length_m(plan, duration_s),
        parking=needs_parking(plan),
        rng=rng,
    )
    prompt = Prompt(id=str(seed), index=seed, text=text, seed=seed, duration_s=duration_s)
    return simulate(plan, prompt=prompt, road=road, density=1.0, redraws=8, rng=rng)


def timed(texts: Sequence[str], *, duration_s: float, passes: int) -> str:
    """Return the figures of some passes over the prompts."""
    scene_of(texts[0], 0, duration_s=duration_s)
    fastest = [float("inf")] * len(texts)
    scenes: list[Scene | Dropped] = []
    for _ in range(passes):
        scenes = []
        for seed, text in enumerate(texts):
            begun = time.process_time()
            scenes.append(scene_of(text, seed, duration_s=duration_s))
            fastest[seed] = min(fastest[seed], time.process_time() - begun)
    spent = sum(fastest)
    kept = [scene for scene in scenes if not isinstance(scene, Dropped)]
    actors = np.mean([len(scene.actors) for scene in kept])
    return (
        f"{len(scenes)} prompts, {duration_s:g} s each: {len(scenes) / spent:.1f} scenes/s and core, "
        f"{actors:.1f} actors, {len(scenes) - len(kept)} dropped"
    )


def main() -> None:
    """Measure, and say where the time goes if that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--scenes", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--profile", action="store_true")
    chosen = parser.parse_args()
    lines = PROMPTS.read_text(encoding="utf-8").splitlines()
    texts = [line for line in lines if line and not line.startswith("#")]
    texts = [texts[number % len(texts)] for number in range(chosen.scenes)]
    with cProfile.Profile() as profile:
        if not chosen.profile:
            profile.disable()
        print(timed(texts, duration_s=chosen.seconds, passes=chosen.passes))
    if chosen.profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(30)


if __name__ == "__main__":
    main()
