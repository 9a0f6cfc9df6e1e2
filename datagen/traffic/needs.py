"""What road a plan needs: lanes beside the ego, a crossing, a junction, room to park, and how long it must be."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from datagen.scene import Category, Group, Place
from datagen.scene.plan import Manoeuvre, Plan, PlanActor, PlanRoad, Side
from datagen.traffic.limits import drives, limits_of
from datagen.traffic.route import Turn

SPEEDS_MPS = {
    Place.DOWNTOWN: (7.5, 11.0),
    Place.RESIDENTIAL: (6.0, 8.3),
    Place.INDUSTRIAL: (8.5, 12.0),
    Place.HIGHWAY: (20.0, 26.0),
    Place.PARK: (6.0, 8.3),
}
"""How fast one drives where nothing else is said."""
BEHIND_M, AHEAD_M = 70.0, 110.0
"""Road there must be behind the ego's start and ahead of where it ends."""
CHANGES = ("cut_in", "merge", "lane_change", "cut_out", "overtake", "filter")
"""Manoeuvres that need a lane beside the ego's."""
AT_KERB = ("pull_over", "pull_out", "park")
ON_FOOT = ("cross", "jaywalk", "run_out")


def road_wish(plan: Plan) -> PlanRoad:
    """Return the road a plan needs: what it says, with lanes, crossing and junction that its manoeuvres require."""
    left, right = lanes_beside(plan)
    turns = any(m.do == "turn" or (m.do == "cross" and drives_across(a)) for a, m in all_acts(plan))
    junction = plan.road.junction or turns or any(m.do == "turn" for m in plan.ego)
    return PlanRoad(
        lanes=min(max(plan.road.lanes, 1 + left + right, _lanes_to_turn_round(plan)), 4),
        curve=None if junction else plan.road.curve,
        crossing=plan.road.crossing or wanted_crossing(plan) is not None,
        junction=junction,
        ramp=plan.road.ramp and not junction,
        drive_on="left" if any(_to_left_kerb(actor) for actor in plan.actors) else plan.road.drive_on,
    )


def _to_left_kerb(actor: PlanActor) -> bool:
    """Say whether somebody who goes the ego's way stops at its left kerb, as one does where one drives on the left."""
    stops = any(act.do in ("pull_over", "park") and act.side == "left" for act in actor.manoeuvres)
    return stops and not comes_towards(actor)


def comes_towards(actor: PlanActor) -> bool:
    """Say whether somebody starts on the lanes that come towards the ego."""
    return actor.where == "opposite" or any(act.do == "oncoming" for act in actor.manoeuvres)


def road_length_m(plan: Plan, duration_s: float) -> float:
    """Return how long a straight road must be for the ego not to run out of it, in steps of 20 m."""
    needed = BEHIND_M + AHEAD_M + _top_speed(plan) * (duration_s + 2.0)
    return float(20.0 * np.ceil(max(needed, 260.0) / 20.0))


def needs_parking(plan: Plan) -> bool:
    """Say whether somebody shall stand at the kerb, come from there or go there."""
    kerb = ("parked", "run_out", *AT_KERB)
    stands = any(actor.state == "parked" for actor in plan.actors)
    return stands or any(m.do in kerb for _, m in all_acts(plan)) or any(m.do in AT_KERB for m in plan.ego)


def all_acts(plan: Plan) -> Iterator[tuple[PlanActor, Manoeuvre]]:
    """Yield everything the actors of a plan are asked to do."""
    for actor in plan.actors:
        for manoeuvre in actor.manoeuvres:
            yield actor, manoeuvre


def drives_across(actor: PlanActor) -> bool:
    """Say whether crossing means driving through a junction, and not going over the road as people do."""
    return actor.category.group is Group.VEHICLE


def any_drives_across(plan: Plan) -> bool:
    """Say whether a vehicle shall cross the ego's way at the junction."""
    return any(m.do == "cross" and drives_across(a) for a, m in all_acts(plan))


def ego_turn(plan: Plan) -> Turn:
    """Return which way the ego goes at the junction."""
    turns = [m.side or "right" for m in plan.ego if m.do == "turn"]
    return turns[0] if turns else "straight"


def wanted_crossing(plan: Plan) -> Manoeuvre | None:
    """Return the first manoeuvre of the plan that needs a crossing for people.

    Who yields without anybody to yield to is given somebody who crosses (`completed`).
    """
    crosses = next((m for a, m in all_acts(plan) if m.do == "cross" and not drives_across(a)), None)
    does = {m.do for m in plan.ego} | {m.do for _, m in all_acts(plan)}
    alone = "yield" in does and not does & set(ON_FOOT)
    return crosses or (Manoeuvre(do="cross") if alone else None)


def lanes_beside(plan: Plan) -> tuple[int, int]:
    """Return how many lanes of its own direction the ego needs to its left and right."""
    sides = [side for actor in plan.actors if drives(actor.category) for side in _sides_of(actor)]
    sides += [m.side or "left" for m in plan.ego if m.do in CHANGES]
    return int("left" in sides), int("right" in sides)


def start_side(actor: PlanActor, change: Manoeuvre) -> Side:
    """Return the side of the ego's lane that a lane change of another vehicle involves."""
    beside = beside_of(actor)
    return beside if beside is not None else change.side or "left"


def beside_of(actor: PlanActor) -> Side | None:
    """Return the side of the ego's lane an actor starts on, as far as it was said."""
    if actor.lane in ("left", "right"):
        return actor.lane
    return actor.where if actor.where in ("left", "right") else None


def passes_and_turns(actor: PlanActor) -> bool:
    """Say whether somebody first overtakes the ego and then turns at the junction ahead of it."""
    does = [act.do for act in actor.manoeuvres]
    return "overtake" in does and "turn" in does[does.index("overtake") :]


def _sides_of(actor: PlanActor) -> Iterator[Side]:
    """Yield the sides on which an actor needs a lane beside the ego's."""
    first = actor.manoeuvres[0].do if actor.manoeuvres else "keep_lane"
    if actor.where == "opposite" or actor.state == "parked" or first in ("parked", "oncoming", "pull_out"):
        return
    for act in actor.manoeuvres:
        if act.do in ("cut_in", "merge", "overtake", "filter", "cut_out"):
            yield act.side or "left"
        elif act.do == "lane_change":
            yield start_side(actor, act)
    beside = beside_of(actor)
    stays = first not in ("turn", "cross", "jaywalk", *AT_KERB) and actor.category is not Category.BICYCLE
    if stays and beside is not None:
        yield beside


def _lanes_to_turn_round(plan: Plan) -> int:
    """Return how many lanes a direction must have for the U-turns of a plan, 3.5 m each."""
    turning = [actor.category for actor, act in all_acts(plan) if act.do == "u_turn"]
    turning += [Category.CAR for act in plan.ego if act.do == "u_turn"]
    tightest = max((2.2 / limits_of(category).curvature for category in turning), default=0.0)
    return (3 if tightest < 13.0 else 4) if turning else 1


def _top_speed(plan: Plan) -> float:
    said = [m.speed_mps for m in plan.ego if m.speed_mps is not None]
    said += [m.speed_mps for _, m in all_acts(plan) if m.speed_mps is not None]
    return max([SPEEDS_MPS[plan.ambience.place][1], *said])
