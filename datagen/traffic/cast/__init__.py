"""Casting: everybody a plan names gets a place, a way and a script, so that what was asked for can happen.

| file         | who                                                                      |
|--------------|--------------------------------------------------------------------------|
| `ego`        | the ego                                                                  |
| `alongside`  | those who go its way                                                     |
| `oncoming`   | those who come towards it                                                |
| `turning`    | those who turn, cross a junction or go back                              |
| `at_kerb`    | those who are parked, and those who pull out                             |
| `on_foot`    | people, animals, and things that stand about                             |
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from datagen.scene.plan import PlanActor
from datagen.traffic.cast.alongside import alongside
from datagen.traffic.cast.at_kerb import parked, pulling_out
from datagen.traffic.cast.on_foot import cast_person
from datagen.traffic.cast.oncoming import oncoming
from datagen.traffic.cast.steady import crowded_out
from datagen.traffic.cast.turning import through_junction, turning, turning_round
from datagen.traffic.limits import drives
from datagen.traffic.needs import drives_across
from datagen.traffic.role import Body, Role, body_of
from datagen.traffic.setting import Setting

__all__ = ["cast"]


def cast(
    actor: PlanActor,
    name: str,
    *,
    setting: Setting,
    others: Sequence[Role],
    order: int,
    rng: np.random.Generator,
) -> Role | None:
    """Return the role of somebody the plan names, or None where the road has no place for it.

    order: 0 for the first of several alike; the others keep their distance.  others: those who have their place.
    """
    kind = actor.kind if actor.kind != "plain" else actor.category.kinds[0]
    body = body_of(name, actor.category, kind=kind, color=actor.color, rng=rng)
    on_foot = any(m.do in ("cross", "jaywalk") for m in actor.manoeuvres) and not drives_across(actor)
    if on_foot or not drives(actor.category):
        return cast_person(actor, body, setting=setting, others=others, order=order, rng=rng)
    return _cast_vehicle(actor, body, setting=setting, others=others, order=order, rng=rng)


def _cast_vehicle(
    actor: PlanActor,
    body: Body,
    *,
    setting: Setting,
    others: Sequence[Role],
    order: int,
    rng: np.random.Generator,
) -> Role | None:
    does = {m.do for m in actor.manoeuvres}
    moves = does - {"parked", "wait", "keep_lane", "constant_speed"}
    if "pull_out" in does or (actor.state == "parked" and moves):
        return pulling_out(actor, body, setting=setting, others=others, order=order, rng=rng)
    if "parked" in does or actor.state == "parked":
        return parked(actor, body, setting=setting, others=others, order=order, rng=rng)
    if does & {"cross", "jaywalk"}:
        return through_junction(actor, body, setting=setting, order=order, rng=rng)
    if "u_turn" in does:
        return turning_round(actor, body, setting=setting, order=order, rng=rng)
    if "turn" in does:
        return turning(actor, body, setting=setting, order=order, rng=rng)
    if "oncoming" in does or actor.where == "opposite" or crowded_out(actor, setting=setting, order=order):
        return oncoming(actor, body, setting=setting, order=order, rng=rng)
    return alongside(actor, body, setting=setting, order=order, rng=rng)
