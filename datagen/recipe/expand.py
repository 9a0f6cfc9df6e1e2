"""A recipe → its prompts, one per clip, in an order and with seeds that never change by accident.

    prompts ──▶ × vary (the last placeholder turns fastest) ──▶ × count ─┐
                                                                         ├──▶ Prompt, Prompt, Prompt …
    scenes (or as many as the source has) ──▶ without text ──────────────┘

A prompt's id hangs on its own words, values and repetition alone, so adding or removing other prompts
leaves it, and with it the seed of its clip, as it was.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Iterator

from datagen.errors import RecipeError
from datagen.recipe.schema import Recipe
from datagen.recipe.wording import filled
from datagen.scene import Prompt

Wish = tuple[str, dict[str, str]]
"""A text and the values that stand in it."""


def expand(recipe: Recipe, *, count: int | None) -> list[Prompt]:
    """Return the prompts of a recipe, `Prompt.index` counting from 0.

    First come the recipe's texts, then `scenes` prompts without text. Where a recipe has neither, the source's
    own `count` is how many prompts without text there are; where that is endless (None), there are none.
    """
    repetitions: Counter[str] = Counter()
    prompts = []
    for index, (text, values) in enumerate(_wishes(recipe, count)):
        words = json.dumps([text, values], sort_keys=True)
        key = _digest(words, repetitions[words]).hex()[:16]
        repetitions[words] += 1
        seed = derive_seed(recipe.seed, key)
        duration_s = recipe.clip.duration_s
        prompts.append(Prompt(id=key, index=index, text=text, seed=seed, duration_s=duration_s, values=values))
    return prompts


def check_words(recipe: Recipe, *, needs_text: bool, file: str | None = None) -> None:
    """Raise RecipeError where the recipe's prompts and `scenes` do not fit its scene source.

    needs_text: what the source says of itself.  file: the recipe's, for the message.
    """
    where, use = file or recipe.name, recipe.scene["use"]
    problems = []
    if needs_text and not recipe.prompts:
        problems.append(f"{where} prompts: none given, but scene source '{use}' makes scenes of words; add some")
    if needs_text and recipe.scenes is not None:
        problems.append(
            f"{where} scenes: found {recipe.scenes}, but scene source '{use}' makes one scene per prompt;"
            " leave it out and set each prompt's count"
        )
    if problems:
        raise RecipeError(problems)


def derive_seed(seed: int, *names: str) -> int:
    """Return a seed in [0, 2^63) for `names` (a prompt id, a stage), independent of those for other names."""
    return int.from_bytes(_digest(seed, *names)[:8], "big") >> 1


def _wishes(recipe: Recipe, count: int | None) -> Iterator[Wish]:
    for spec in recipe.prompts:
        for chosen in itertools.product(*spec.vary.values()):
            values = {name: str(value) for name, value in zip(spec.vary, chosen, strict=True)}
            yield from itertools.repeat((filled(spec.text, values), values), spec.count)
    wordless = recipe.scenes if recipe.scenes is not None or recipe.prompts else count
    yield from itertools.repeat(("", {}), wordless or 0)


def _digest(*parts: str | int) -> bytes:
    return hashlib.sha256(json.dumps(parts).encode()).digest()
