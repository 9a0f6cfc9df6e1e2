"""What a recipe may say. The keys beside `use:` belong to the adapter that is named there, so this file stays small.

Recipes are written by people and read by `load`; programs may also build them directly, in which case the
settings beside `use:` go unchecked until the adapter is built.
"""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from datagen.errors import did_you_mean
from datagen.recipe.wording import placeholders
from datagen.scene import KEYFRAME_RATE_HZ

MAX_CLIPS = 1_000_000
"""More clips than this in one recipe is a slip of the pen (or of a `vary` grid); split the recipe."""


def _checked_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name) or ".." in name:
        raise ValueError(
            f"found {name!r}, which cannot name a file; start with a letter or digit, go on with those and . _ -"
            " (no '..', at most 100 characters)"
        )
    return name


Name: TypeAlias = Annotated[str, AfterValidator(_checked_name)]
"""A name that becomes a file or folder: no separators, no "..", nothing hidden."""

Choice: TypeAlias = dict[str, Any]
"""`{use: word, ...}`: an adapter and its settings."""


class Form(BaseModel):
    """Base of every part of a recipe: immutable, unknown keys refused, no NaN or infinity."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class PromptSpec(Form):
    """One text, how often to make it, and the values its `{placeholders}` run through (all combinations)."""

    text: Annotated[str, Field(min_length=1)]
    count: Annotated[int, Field(ge=1, le=MAX_CLIPS)] = 1
    vary: dict[str, Annotated[tuple[str | int | float, ...], Field(min_length=1)]] = {}

    @model_validator(mode="after")
    def _placeholders_match_vary(self) -> PromptSpec:
        if not self.text.strip():
            raise ValueError("the text is blank; say what shall happen")
        asked = placeholders(self.text)
        complaints = [
            f"the text asks for {{{name}}}, which vary does not give.{did_you_mean(name, self.vary)}"
            f" Add it to vary, or write {{{{{name}}}}} for plain braces"
            for name in asked
            if name not in self.vary
        ]
        complaints += [
            f"vary gives {name!r}, which the text does not use as {{{name}}}; use it or take it out"
            for name in self.vary
            if name not in asked
        ]
        complaints += [
            f"vary gives the same value twice for {name!r}; to make more of it raise count"
            for name, values in self.vary.items()
            if len({str(value) for value in values}) < len(values)
        ]
        if complaints:
            raise ValueError(". ".join(complaints))
        return self

    @property
    def clips(self) -> int:
        """How many clips it makes: the size of the grid times the count."""
        return self.count * math.prod(len(values) for values in self.vary.values())


class ClipSpec(Form):
    """How long a clip is and how often it is filmed; every clip starts with a key frame."""

    duration_s: Annotated[float, Field(gt=0.0, le=600.0)] = 8.0
    """A scene from a log may be shorter."""
    rate_hz: Annotated[float, Field(gt=0.0, le=60.0)] = 4.0
    """Frames a second, a multiple of 2: key frames are at 2 Hz, the others are sweeps."""

    @field_validator("rate_hz")
    @classmethod
    def _holds_the_key_frames(cls, rate_hz: float) -> float:
        if rate_hz % KEYFRAME_RATE_HZ:
            raise ValueError(f"found {rate_hz:g}; key frames are {KEYFRAME_RATE_HZ:g} Hz, so take a multiple of that")
        return rate_hz


class EngineSpec(Form):
    """How the work runs; none of it changes the dataset."""

    executor: Literal["ray", "local"] = "ray"
    """`local` runs everything in this process, for debugging."""
    workers: Annotated[int, Field(ge=1, le=100_000)] | Literal["auto"] = "auto"
    """How many clips are worked on at one time; `auto` for as many as there are cores."""
    attempts: Annotated[int, Field(ge=1, le=100)] = 3
    """How often a clip is tried before it is failed."""
    time_limit_s: Annotated[float, Field(gt=0.0)] = 600.0
    """For one clip in one stage."""


class Recipe(Form):
    """A dataset to be made. Everything but `name` and `engine` decides its content.

    name: of the run's folder; the recipe's file name where it is not given.
    seed: everything random hangs on it.
    prompts: what shall happen, as texts or as `{text, count, vary}`; clips are made in this order.
    scenes: how many clips to make where the scene source needs no words.
    rig: a word of `rigs/`, a path to a rig file, or `log` for the sensors the scene was recorded with.
    scene: where scenes come from.  film: what makes the pictures.
    judge: what says which clips are kept.  export: what is made of the clips.
    """

    name: Name
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    prompts: tuple[PromptSpec, ...] = ()
    scenes: Annotated[int, Field(ge=1, le=MAX_CLIPS)] | None = None
    rig: Annotated[str, Field(min_length=1)] = "nuscenes"
    clip: ClipSpec = ClipSpec()
    scene: Choice = {"use": "prompt"}
    film: Choice = {"use": "raycast"}
    judge: Choice = {"use": "plain"}
    export: Choice = {"use": "nuscenes"}
    engine: EngineSpec = EngineSpec()

    @field_validator("prompts")
    @classmethod
    def _can_be_counted(cls, prompts: tuple[PromptSpec, ...]) -> tuple[PromptSpec, ...]:
        clips = sum(prompt.clips for prompt in prompts)
        if clips > MAX_CLIPS:
            raise ValueError(f"they make {clips:,} clips; at most {MAX_CLIPS:,} go into one recipe, so split it")
        return prompts
