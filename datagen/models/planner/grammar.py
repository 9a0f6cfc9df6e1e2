"""The notation as one regular expression, for constrained decoding: whatever obeys it is a plan that validates."""

from __future__ import annotations

import re

from datagen.models.planner.notation import (
    ABSENT,
    ACT,
    ACTOR,
    AMBIENCE,
    DENSITY,
    MOST_THINGS,
    ROAD,
    THING,
    Part,
    most,
    spoken,
)
from datagen.scene import Category
from datagen.scene.plan import EGO_DOES, Plan, PlanActor, can_do


def line_pattern() -> str:
    """Return the pattern of a line. A category comes only with its kinds and with what it can be asked for."""
    scene = "".join(part.pattern(named=False) for part in (AMBIENCE, DENSITY, ABSENT, ROAD))
    actors = "|".join(_actor(category) for category in Category)
    things = rf"(?: \| out: {THING}(?:, {THING}){{0,{MOST_THINGS - 1}}})?"
    return rf"{scene}(?: \| ego:{_acts(EGO_DOES)})?(?: \|(?:{actors})){{0,{most(Plan, 'actors')}}}{things}"


def _acts(allowed: frozenset[str]) -> str:
    does = "|".join(sorted((re.escape(spoken("do", do)) for do in allowed), key=len)[::-1])
    act = ACT.pattern(named=False, fixed={"do": does})
    return f"{act}(?:,{act}){{0,{most(PlanActor, 'manoeuvres') - 1}}}"


def _actor(category: Category) -> str:
    kinds = [kind for kind in category.kinds if kind != "plain"]
    slots = tuple(slot for slot in ACTOR.slots if kinds or slot.field != "kind")
    fixed = {
        "category": re.escape(spoken("category", category)),
        "kind": "|".join(re.escape(spoken("kind", kind)) for kind in kinds),
    }
    who = Part(form=ACTOR.form, slots=slots, given=ACTOR.given).pattern(named=False, fixed=fixed)
    return f"{who}(?::{_acts(can_do(category))})?"
