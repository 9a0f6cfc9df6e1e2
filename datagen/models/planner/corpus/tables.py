"""The phrase tables: how people say in one language what a plan can hold.

Each list of phrasings is split once and for all: about one in six of a list of four or more is kept for the exam and
never taught. Which ones is decided by a hash of the phrase, so that a new phrase moves no other.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Literal

from pydantic import BaseModel, ConfigDict
from ruamel.yaml import YAML

Split = Literal["taught", "exam"]
LANGUAGES = ("en", "de", "fr", "es")

_EXAM_SHARE = 6
_FEWEST = 4


class Adjuncts(BaseModel):
    """What may follow a verb: {side}, {t} a time, {n} a number, {gap} a length, {v} a speed.

    The key `from` of a table is `coming`, since the word is Python's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    coming: tuple[str, ...]
    to: tuple[str, ...]
    hard: tuple[str, ...]
    at_s: tuple[str, ...]
    when_gap_below_m: tuple[str, ...]
    when_ego_at_m: tuple[str, ...]
    speed_mps: tuple[str, ...]
    speed_to: tuple[str, ...]
    gap_m: tuple[str, ...]
    takes_s: tuple[str, ...]


class Language(BaseModel):
    """One language's phrasings; see the tables' own comments for how verbs and nouns are written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    genders: tuple[str, ...]
    color_first: bool
    article: Mapping[str, tuple[str, ...]]
    plural: tuple[str, ...]
    numbers: Mapping[int, tuple[str, ...]]
    sides: Mapping[str, tuple[str, ...]]
    scene_lead: tuple[str, ...]
    joins: tuple[str, ...]
    then: tuple[str, ...]
    light: Mapping[str, tuple[str, ...]]
    weather: Mapping[str, tuple[str, ...]]
    place: Mapping[str, tuple[str, ...]]
    density: Mapping[str, tuple[str, ...]]
    absent: Mapping[str, tuple[str, ...]]
    crossing: tuple[str, ...]
    junction: tuple[str, ...]
    curve: Mapping[str, tuple[str, ...]]
    lanes: tuple[str, ...]
    colors: Mapping[str, tuple[str, ...]]
    who: Mapping[str, Mapping[str, tuple[str, ...]]]
    where: Mapping[str, tuple[str, ...]]
    lane: Mapping[str, tuple[str, ...]]
    state: Mapping[str, tuple[str, ...]]
    gap: tuple[str, ...]
    ego: tuple[str, ...]
    ego_plural: tuple[str, ...]
    adjuncts: Adjuncts
    acts: Mapping[str, tuple[str, ...]]
    out: tuple[str, ...]


@cache
def language(code: str) -> Language:
    """Return a language's table."""
    text = resources.files("datagen.models.planner.corpus").joinpath(f"phrases/{code}.yaml").read_text("utf-8")
    data = YAML(typ="safe", pure=True).load(text)
    data["adjuncts"]["coming"] = data["adjuncts"].pop("from")
    return Language.model_validate(data)


def of_split(phrases: Sequence[str], split: Split) -> Sequence[str]:
    """Return the phrasings of a list that belong to a split; the exam falls back on all where a list is short."""
    kept = [phrase for phrase in phrases if (len(phrases) >= _FEWEST and _in_exam(phrase)) == (split == "exam")]
    return kept or phrases


def _in_exam(phrase: str) -> bool:
    return hashlib.sha256(phrase.encode()).digest()[0] % _EXAM_SHARE == 0


def inflected(phrase: str, form: int) -> str:
    """Return a phrase with each [one|other|…] in one form; a form that is not given is the last there is."""

    def chosen(match: re.Match[str]) -> str:
        forms = match[1].split("|")
        return forms[min(form, len(forms) - 1)]

    return re.sub(r"\[([^\]]*)\]", chosen, phrase)
