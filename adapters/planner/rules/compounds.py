"""Compound nouns in any spelling: "pick-up", "mini-van", "tow-truck" are what they are written together or apart.

Of a compound whose first part nobody knows the last part says what it is: a cement-mixer-truck is a truck.
"""

from __future__ import annotations

import re

from adapters.planner.rules.lexicon import PHRASES

_HYPHENATED = re.compile(r"(?<![\w-])[a-z]{1,14}(?:-[a-z]{2,14}){1,2}(?![\w-])")


def spelt_apart(text: str) -> str:
    """Return a lower-case text with hyphenated names of road users in words of the lexicon."""
    return _HYPHENATED.sub(lambda found: _named(found[0].split("-")), text)


def _named(parts: list[str]) -> str:
    together = "".join(parts)
    if _is_who((together,)):
        return together
    whole = tuple(parts)
    if whole in PHRASES or not _is_who(whole[-1:]) or any((part,) in PHRASES for part in whole[:-1]):
        return "-".join(parts)
    return parts[-1]


def _is_who(words: tuple[str, ...]) -> bool:
    token = PHRASES.get(words)
    return token is not None and token.kind == "who"
