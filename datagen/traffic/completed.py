"""What a plan takes for granted: nobody follows nobody, and whoever runs out from behind something needs it there."""

from __future__ import annotations

from collections.abc import Iterator

from datagen.scene import Category
from datagen.scene.plan import Manoeuvre, Plan, PlanActor
from datagen.traffic.limits import drives
from datagen.traffic.needs import AT_KERB, all_acts, beside_of, comes_towards

_MOST_ACTORS = 12
_ROOM_M = 13.0
"""Between the ego and whoever is ahead, beside the length of each who comes in between."""
_IN_LANE = (
    "keep_lane", "constant_speed", "brake", "emergency_stop", "accelerate", "stop_and_go", "wait", "yield", "swerve",
    "reverse",
)  # fmt: skip
_THERE = ("keep_lane", "constant_speed", "wait")
_MOST_GAP_M = 40.0
_ELSEWHERE = ("parked", "oncoming", "cross", "turn", "u_turn", "pull_out", "overtake", "follow", "tailgate")


def completed(plan: Plan) -> Plan:
    """Return the plan with those its manoeuvres need added, first, as far as the form has room for them."""
    added = tuple(_missing(plan))[: _MOST_ACTORS - len(plan.actors)]
    actors = tuple(map(_from_ramp, plan.actors)) if plan.road.ramp else plan.actors
    in_between = [one for one in actors if any(act.do in ("cut_in", "merge") for act in one.manoeuvres)]
    coming = float(sum(one.count * (one.category.typical_size_lwh_m[0] + _ROOM_M) for one in in_between))
    actors = tuple(_making_room(_to_own_kerb(_behind(actor)), coming) for actor in actors)
    return plan.model_copy(update={"actors": (*added, *map(_grouped, actors))})


def _making_room(actor: PlanActor, coming_m: float) -> PlanActor:
    """Whoever is ahead, and stays in his lane, is so far ahead that others find room between him and the ego."""
    stays = all(act.do in _IN_LANE and act.gap_m is None for act in actor.manoeuvres)
    there = actor.where == "ahead" or (actor.where is None and any(act.do not in _THERE for act in actor.manoeuvres))
    if not (coming_m and stays and there and actor.gap_m is None and actor.lane is None and drives(actor.category)):
        return actor
    return actor.model_copy(update={"gap_m": min(coming_m, _MOST_GAP_M)})


def _to_own_kerb(actor: PlanActor) -> PlanActor:
    """Whoever comes towards the ego stops at his own kerb, whichever side that is said to be."""
    acts = tuple(act.model_copy(update={"side": None}) if act.do in AT_KERB else act for act in actor.manoeuvres)
    return actor.model_copy(update={"manoeuvres": acts}) if comes_towards(actor) else actor


def _behind(actor: PlanActor) -> PlanActor:
    """Whoever follows first of all starts behind whom he follows."""
    first = actor.manoeuvres[0].do if actor.manoeuvres else ""
    return actor.model_copy(update={"where": "behind"}) if first in ("follow", "tailgate") else actor


def _from_ramp(actor: PlanActor) -> PlanActor:
    """Whoever merges where a slip road joins comes from there."""
    acts = tuple(
        act.model_copy(update={"side": "right"}) if act.do == "merge" and act.side is None else act
        for act in actor.manoeuvres
    )
    return actor.model_copy(update={"manoeuvres": acts})


def _grouped(actor: PlanActor) -> PlanActor:
    """One alone is no group: three are."""
    alone = actor.count == 1 and any(act.do == "walk_in_group" for act in actor.manoeuvres)
    return actor.model_copy(update={"count": 3}) if alone else actor


def _missing(plan: Plan) -> Iterator[PlanActor]:
    ego = {act.do for act in plan.ego}
    does = {act.do for _, act in all_acts(plan)}
    if ego & {"follow", "tailgate", "overtake"} and not any(map(_drives_ahead, plan.actors)):
        gap = 3.5 if "tailgate" in ego else None
        yield PlanActor(
            category=Category.CAR, where="ahead", gap_m=gap, manoeuvres=(Manoeuvre(do="keep_lane"),)
        )  # fmt: skip
    if "yield" in ego | does and not does & {"cross", "jaywalk", "run_out"}:
        yield PlanActor(category=Category.ADULT, manoeuvres=(Manoeuvre(do="cross"),))
    for actor, act in all_acts(plan):
        if act.do == "run_out" and not any(map(_hides, plan.actors)):
            side = act.side or beside_of(actor) or "right"
            kerb = Manoeuvre(do="parked", side="right" if side == "right" else "left")
            yield PlanActor(category=Category.CAR, kind="van", manoeuvres=(kerb,))
            return
    for _, act in all_acts(plan):
        if act.do == "filter":
            yield PlanActor(
                category=Category.CAR, where=act.side or "left", manoeuvres=(Manoeuvre(do="keep_lane"),)
            )  # fmt: skip
            return


def _drives_ahead(actor: PlanActor) -> bool:
    there = actor.where in (None, "ahead") and actor.state != "parked"
    return drives(actor.category) and there and not any(m.do in _ELSEWHERE for m in actor.manoeuvres)


def _hides(actor: PlanActor) -> bool:
    """Say whether one can run out from behind somebody: a vehicle that stands."""
    stands = actor.state in ("parked", "standing") or any(m.do in ("parked", "wait") for m in actor.manoeuvres)
    return stands and actor.category.typical_size_lwh_m[2] >= 1.5 and drives(actor.category)
