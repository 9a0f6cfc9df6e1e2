"""The words the rules planner knows: every phrase with what it means. The longest phrase that fits wins."""

from __future__ import annotations

from adapters.planner.rules.doing_words import doing
from adapters.planner.rules.motion_words import WAYS, going
from adapters.planner.rules.place_words import (
    BESIDE,
    BEYOND,
    CLEAR,
    DANGER,
    EGO,
    GAPS,
    HARD,
    IT,
    JOIN,
    NEAR,
    NOT,
    PACES,
    SAME,
    SIDES,
    THE,
    THERE,
    WHERE,
)
from adapters.planner.rules.scene_words import CURVE, DENSITY, LANES, LIGHT, PLACE, ROAD, WEATHER
from adapters.planner.rules.vocabulary import Token
from adapters.planner.rules.who_words import COLORS, COUNTS, who

PHRASES: dict[tuple[str, ...], Token] = {
    tuple(phrase.split()): token
    for table in (
        WAYS, BEYOND, JOIN, BESIDE, IT, THE, NOT, COUNTS, HARD, GAPS, PLACE, ROAD, LANES, CURVE, DENSITY, LIGHT,
        WEATHER, COLORS, WHERE, SIDES, EGO, doing(), going(), PACES, NEAR, CLEAR, who(), DANGER, SAME, THERE,
    )
    for phrase, token in table.items()
}  # fmt: skip
"""Every phrase, as its words."""
LONGEST = max(len(words) for words in PHRASES)
