"""Vehicles that go the ego's way: which lane, how far from the ego, how fast, so that what they do is about it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from datagen.scene.plan import PlanActor
from datagen.traffic.cast.passing import IN_A_ROW_S, STARTS, comes_up_first, deciding, in_a_row, speeding
from datagen.traffic.cast.placing import CROSSING_HALF_M, Casting
from datagen.traffic.cast.scripting import Way, scripted
from datagen.traffic.cast.steady import steady
from datagen.traffic.crossing import crossings_on
from datagen.traffic.limits import limits_of
from datagen.traffic.needs import wanted_crossing
from datagen.traffic.role import Body, Role, driver_of
from datagen.traffic.route import Route
from datagen.traffic.script import PRESSING, WARM_UP_S, cruise
from datagen.traffic.setting import Setting

_CLOSE_S = 0.35
"""Time gap of those who tailgate."""


def alongside(
    actor: PlanActor, body: Body, *, setting: Setting, order: int, rng: np.random.Generator
) -> Role | None:  # fmt: skip
    """Drive the ego's way, in its lane or one beside it; None where there is no such lane."""
    casting = Casting(actor=actor, body=body, setting=setting, order=order, rng=rng)
    change = deciding(actor)
    start = STARTS[change.do](casting, change) if change is not None else steady(casting)
    if start is None:
        return None
    route = setting.route if start.lane is setting.lane else setting.network.route(start.lane)
    if route is None:
        return None
    at_ego = setting.route.line.at(setting.ego_at(start.at_s))[0]
    place = float(route.line.project(at_ego)[0][0]) + start.ahead_m
    speed = min(start.speed_mps, limits_of(body.category).top_mps)
    does = {m.do for m in actor.manoeuvres}
    wish = speed * PRESSING if "tailgate" in does else speed
    script = cruise(setting.times_s, wish, limits=limits_of(body.category), offset_m=start.offset_m)
    at_kerb = setting.ego_at(start.at_s) + start.ahead_m + speed * 0.5 * setting.duration_s
    way = Way(lane=start.lane, toward_ego=True, at_m=at_kerb)
    acts = actor.manoeuvres
    if comes_up_first(actor):
        acts = tuple(speeding(act, setting.speed_mps) for act in acts)
    script, cues = scripted(script, acts, way, body=body, setting=setting, speed_mps=speed)
    close = "tailgate" in does or (actor.where == "behind" and (actor.gap_m or 9.0) < 6.0)
    several = sum(other.count for other in setting.plan.actors if in_a_row(other)) > 1
    passing = several and bool({"overtake", "filter"} & does)
    close = close or (several and in_a_row(actor))
    driver = driver_of(
        body,
        route,
        script,
        cues=cues,
        s_m=place - speed * (start.at_s + WARM_UP_S),
        speed_mps=speed,
        headway_s=IN_A_ROW_S if passing else _CLOSE_S if close else 1.1,
        side_room_m=0.1 if "filter" in does else 0.35,
    )
    driver = replace(driver, hold_m=_stop_line_m(casting, route, place))
    return Role(body=body, driver=driver, acts=actor.manoeuvres, event=True)


def _stop_line_m(casting: Casting, route: Route, place_m: float) -> float:
    """Return where on its route somebody who comes to a stop does so if people cross ahead; inf where none do.

    place_m: where its rear axle is when the clip starts.
    """
    setting, acts = casting.setting, casting.actor.manoeuvres
    stops = any(
        act.do == "emergency_stop" or (act.do == "brake" and (act.hard or act.speed_mps == 0.0)) for act in acts
    )
    if not stops or wanted_crossing(setting.plan) is None:
        return float("inf")
    lines = [along - CROSSING_HALF_M for along, _ in crossings_on(route, setting.hdmap)]
    return next((line for line in lines if line > place_m + casting.nose_m + 3.0), float("inf"))
