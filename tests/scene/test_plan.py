"""The form refuses what is outside it."""

from __future__ import annotations

from typing import get_args

import pytest
from pydantic import ValidationError

from datagen.scene import Category
from datagen.scene.plan import EGO_DOES, Do, Manoeuvre, Plan, PlanActor, can_do
from datagen.traffic.events import CHECKS


@pytest.mark.parametrize(
    "text",
    [
        '{"do": "fly"}',
        '{"do": "brake", "speed_mps": 250.0}',
        '{"do": "brake", "speed_mps": -1.0}',
        '{"do": "brake", "speed_mps": NaN}',
        '{"do": "brake", "code": "print(1)"}',
        '{"do": "brake", "at_s": 1.0, "when_gap_below_m": 9.0}',
    ],
)
def test_what_is_outside_the_form_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        Manoeuvre.model_validate_json(text)


def test_nobody_is_asked_for_what_his_kind_cannot_do() -> None:
    with pytest.raises(ValidationError, match="a traffic_cone cannot overtake"):
        PlanActor(category=Category.TRAFFIC_CONE, manoeuvres=(Manoeuvre(do="overtake"),))
    with pytest.raises(ValidationError, match="no car of kind 'dragon'; there are: sedan"):
        PlanActor(category=Category.CAR, kind="dragon")
    with pytest.raises(ValidationError, match="the ego cannot be asked to jaywalk"):
        Plan(ego=(Manoeuvre(do="jaywalk"),))


def test_every_manoeuvre_has_a_predicate_and_somebody_who_can() -> None:
    assert set(CHECKS) == set(get_args(Do))
    assert set().union(*(can_do(category) for category in Category)) == set(get_args(Do))
    assert set(get_args(Do)) >= EGO_DOES


def test_plans_of_the_first_version_are_valid_still() -> None:
    old = '{"version": 1, "actors": [{"category": "car", "manoeuvres": [{"do": "cut_in", "at_s": 2.0}]}]}'
    plan = Plan.model_validate_json(old)
    assert plan.actors[0].manoeuvres[0].at_s == 2.0
    assert Plan.model_validate_json(plan.model_dump_json()) == plan
