"""What all stages ask of a take: its randomness, and the parts that earlier stages made."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from datagen.ports import Take
from datagen.recipe import derive_seed
from datagen.scene import (
    Prompt,
)

T = TypeVar("T")


def rng_for(prompt: Prompt, stage: str) -> np.random.Generator:
    """Return the randomness of one prompt in one stage: the same wherever and whenever it is asked for."""
    return np.random.default_rng(derive_seed(prompt.seed, stage))


def film_seed(take: Take) -> int:
    """Return the seed of a take's film. What a label says is visible hangs on it, too: on the same trees."""
    return derive_seed(take.prompt.seed, f"film {take.film}" if take.film else "film")


def made(part: T | None) -> T:
    """Return a part of a take, which an earlier stage must have made."""
    assert part is not None, "a stage ran before the one it needs"
    return part
