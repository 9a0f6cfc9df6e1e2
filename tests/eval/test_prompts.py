"""The held-out prompts: their file, and that the verdict believes trajectories and not plans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import pytest

from datagen.errors import InputError
from datagen.ports import Dropped
from datagen.scene import Category, Prompt
from datagen.scene.plan import Do, Manoeuvre, Plan, PlanActor
from eval.prompts import HELDOUT, Event, Expectation, judged, read_expectations, report


class Fixed:
    """Answers every prompt with one plan."""

    def __init__(self, plan: Plan | Dropped) -> None:
        self._plan = plan

    def open(self) -> None:
        """Nothing to load."""

    def plan(self, prompts: Sequence[Prompt]) -> Sequence[Plan | Dropped]:
        return [self._plan] * len(prompts)


WALKS = Plan(actors=(PlanActor(category=Category.ADULT, manoeuvres=(Manoeuvre(do="walk"),)),), density="empty")


def expected(**said: object) -> Expectation:
    return Expectation.model_validate({"text": "x", "style": "plain", **said})


def test_the_file_holds_at_least_150_prompts_of_every_style_and_manoeuvre() -> None:
    found = read_expectations(HELDOUT)
    assert len(found) >= 150
    assert len({one.text for one in found}) == len(found)
    does = {do for one in found for event in one.does for do in event.do.split("|")}
    assert does == set(get_args(Do))
    whos = {who.partition("/")[0] for one in found for event in one.does for who in event.who.split("|")}
    assert whos <= {"ego", *map(str, Category)}
    assert min(Counter(one.style for one in found).values()) >= 1


def test_what_happened_is_seen_and_what_did_not_is_said() -> None:
    good = expected(does=[Event(who="adult", do="walk").model_dump()])
    bad = expected(does=[{"who": "adult", "do": "run_out|cross"}], weather="rain", left_out=True)
    first, second = judged([good, bad], Fixed(WALKS), duration_s=3.0, seed=0)
    assert first.happened
    assert first.ambience
    assert not second.happened
    assert not second.ambience
    assert second.reason == "no adult does run_out|cross; nothing was left out"
    assert "50 %" in report([first, second])


def test_a_prompt_without_a_plan_is_not_valid() -> None:
    (verdict,) = judged([expected(does=[])], Fixed(Dropped(reason="no idea")), duration_s=3.0, seed=0)
    assert (verdict.valid, verdict.driven, verdict.reason) == (False, False, "no idea")


def test_a_file_that_is_not_in_the_form_is_named(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("- {text: hello, style: rude, does: []}\n", encoding="utf-8")
    with pytest.raises(InputError, match="prompt 1"):
        read_expectations(path)
