"""A phrase with what it means, and how tables of phrases are written.

A phrase is written as it is spoken, in lower case; several that mean the same stand in one string, between bars.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal[
    "weather", "light", "place", "lanes", "road", "curve", "density", "color", "who", "count", "side", "where", "gap",
    "near", "speed", "time", "do", "go", "way", "danger", "same", "there", "hard", "pace", "ego", "it", "the", "join",
    "stop", "beside", "not", "beyond", "fill", "unknown", "clear",
]  # fmt: skip
Form = Literal["bare", "s", "ing", "ed", "word"]


@dataclass(frozen=True, kw_only=True)
class Token:
    """A phrase of the text with what it means.

    plural: of `who`.  form: of verbs: "brake" is bare, "brakes" is s.  extra: more that the phrase says.
    """

    kind: Kind
    value: Any = None
    text: str = ""
    plural: bool = False
    form: Form = "word"
    extra: tuple[tuple[str, Any], ...] = ()


def entries(kind: Kind, table: dict[Any, str]) -> dict[str, Token]:
    """Return the token of every phrase of a table: value → phrases between bars."""
    return {
        phrase.strip(): Token(kind=kind, value=value, text=phrase.strip())
        for value, phrases in table.items()
        for phrase in phrases.split("|")
    }
