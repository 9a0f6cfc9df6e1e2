"""The planner without a model: a little grammar of what people usually ask for. Instant, and always the same.

It knows words for weather, light and place; who (a white van, two cyclists, a child); what they do (cut in, brake
hard, change lanes, turn, cross, jaywalk, overtake, follow, park, come towards us); sides, distances, speeds and
times; several events in one text; and what the ego does ("we turn left"). German, French and Spanish are put into
English first, phrase by phrase. What it does not understand is listed in the plan's `left_out`.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from adapters.planner._text import bounded
from adapters.planner.rules.foreign import in_english
from adapters.planner.rules.grammar import plan_of
from adapters.planner.rules.scenarios import in_words
from adapters.planner.rules.tokens import tokens_of
from datagen.ports import Dropped
from datagen.scene import Prompt
from datagen.scene.plan import Plan

__all__ = ["RulesPlanner", "Settings", "build", "read"]


class Settings(BaseModel):
    """Nothing to choose."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class RulesPlanner:
    """Reads prompts by rules."""

    def open(self) -> None:
        """Nothing to load."""

    def plan(self, prompts: Sequence[Prompt]) -> Sequence[Plan | Dropped]:
        """Read each prompt; any text gives a plan."""
        return [read(prompt.text) for prompt in prompts]

    def notes(self, prompt: Prompt) -> dict[str, str]:
        """Nothing to remark: it is free."""
        return {}


_NOTHING = ("stop", "fill", "unknown", "count", "the", "join", "it", "not", "beside", "side")
"""Kinds of words that ask for nothing by themselves."""


_QUIET = ("keep_lane", "walk")
"""What those do of whom nothing was said."""


def read(text: str) -> Plan:
    """Return the plan a text describes."""
    kept, cut = bounded(text)
    said, meant = in_words(kept.lower().replace("\u2019", "'"))
    english = in_english(said)
    tokens = tokens_of(english, mend=english == said)
    plan = plan_of(tokens, left_out=cut)
    if kept.strip() and not (meant or plan.left_out) and all(token.kind in _NOTHING for token in tokens):  # "🚗💨"
        return plan_of(tokens, left_out=(kept.strip()[:80],))
    if meant and not plan.ego:
        plan = plan.model_copy(update={"ego": plan_of(tokens_of(f"{meant}.")).ego})
    if not meant or any(act.do not in _QUIET for who in plan.actors for act in who.manoeuvres):
        return plan
    named = [token for token in tokens if token.kind not in ("who", "the", "count")]
    return plan_of([*tokens_of(f"{meant}."), *(named if plan.actors else tokens)], left_out=cut)


def build(settings: Settings) -> RulesPlanner:
    """Return the planner."""
    del settings
    return RulesPlanner()
