"""Text → line pairs without end: plans drawn at random, put into words in several languages.

```
   seed ─▶ situations ─▶ Plan ─▶ wording (phrases/*.yaml, one split of them) ─▶ text
                          └─────────────▶ notation ─▶ line
```
Nothing here comes from anybody's descriptions of real scenes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from datagen.models.planner.corpus.situations import draw_plan
from datagen.models.planner.corpus.tables import Split, language, of_split
from datagen.models.planner.corpus.wording import voice_of, worded
from datagen.models.planner.notation import Units, write_line

SHARES: Mapping[str, float] = {"en": 0.64, "de": 0.14, "fr": 0.11, "es": 0.11}
"""How often each language occurs."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A text, the line it means, and the language it is in."""

    text: str
    line: str
    language: str


def pair(seed: int, *, split: Split) -> Pair:
    """Return the pair of a seed: the same whenever it is asked for; equal seeds of the two splits share nothing."""
    rng = np.random.default_rng([seed, 0 if split == "taught" else 1])
    codes = list(SHARES)
    code = codes[int(rng.choice(len(codes), p=[SHARES[one] for one in codes]))]
    units = Units(
        speed=str(rng.choice(["km/h", "mph", "m/s"], p=[0.75, 0.15, 0.1] if code == "en" else [0.95, 0.0, 0.05])),
        length=str(rng.choice(["m", "ft", "yd"], p=[0.85, 0.12, 0.03] if code == "en" else [1.0, 0.0, 0.0])),
    )
    table = language(code)
    voice = voice_of(table, code=code, split=split, units=units, rng=rng)
    things = [voice.pick(table.out) for _ in range(int(rng.choice([0, 1, 2], p=[0.85, 0.12, 0.03])))]
    text, plan = worded(draw_plan(rng, units=units), voice, things=list(dict.fromkeys(things)))
    return Pair(text=text, line=write_line(plan, units=units), language=code)


__all__ = ["SHARES", "Pair", "of_split", "pair"]
