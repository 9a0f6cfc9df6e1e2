"""Phrases of other languages with the English that the grammar reads: one file a language.

Beside German, French and Spanish, which have phrase tables in the planner's corpus as well, these are for the rules
alone. A phrase with "…" in it comes in two pieces: what stands between them stays where it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import resources

from ruamel.yaml import YAML

LEXICA = ("de", "fr", "es", "it", "pt", "nl", "pl", "zh", "ja")
"""Languages that have one."""
UNSPACED = ("zh", "ja")
"""Languages that part no words."""


@cache
def _table(code: str) -> dict[str, str]:
    text = resources.files(__name__).joinpath(f"{code}.yaml").read_text("utf-8")
    return {str(english): str(said) for english, said in YAML(typ="safe", pure=True).load(text).items()}


def lexicon(code: str) -> Iterator[tuple[str, str, str]]:
    """Yield the two pieces of each phrase, the second mostly empty, and its English."""
    for english, said in _table(code).items():
        for phrase in said.split("|"):
            first, _, second = phrase.partition("…")
            yield first.strip(), second.strip(), english
