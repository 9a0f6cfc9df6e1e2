"""Vehicles that come towards the ego."""

from __future__ import annotations

import numpy as np

from datagen.scene import Lane, LaneKind
from datagen.scene.line import Line
from datagen.scene.plan import Manoeuvre, PlanActor
from datagen.traffic.cast.scripting import Way, scripted
from datagen.traffic.crossing import crossing_time_s, crossings_on
from datagen.traffic.junction import STOP_BEFORE_M, junction_entry
from datagen.traffic.limits import limits_of, rear_axle_m
from datagen.traffic.needs import AT_KERB, ego_turn
from datagen.traffic.role import Body, Role, driver_of
from datagen.traffic.route import Route
from datagen.traffic.script import WARM_UP_S, Script, change_speed, cruise
from datagen.traffic.setting import Setting

_BEFORE_CROSSING_M, _OVER_S = 4.5, 2.8
"""Who yields stands so far before a crossing, and until so long after somebody was in the middle of it."""


def oncoming(
    actor: PlanActor, body: Body, *, setting: Setting, order: int, rng: np.random.Generator
) -> Role | None:  # fmt: skip
    """Come towards the ego and pass it within the clip; None where no lane comes back."""
    speed = said_mps(actor) or max(setting.speed_mps * float(rng.uniform(0.85, 1.1)), 6.0)
    top = limits_of(body.category).top_mps
    speed = min(speed, 0.6 * top if any(m.do == "accelerate" for m in actor.manoeuvres) else top)
    meets = setting.duration_s * float(rng.uniform(0.45, 0.75))
    does = {m.do for m in actor.manoeuvres}
    lanes = oncoming_lanes(setting)
    if ego_turn(setting.plan) != "straight":  # those that lead to the junction before those that come from it
        lanes = sorted(lanes, key=lambda lane: not _leads_to_junction(setting, lane))
    for lane in lanes[::-1] if does & set(AT_KERB) else lanes:
        route = setting.network.route(lane)
        if route is None:
            continue
        meeting = setting.route.line.at(setting.ego_at(meets))[0]
        place, aside = route.line.project(meeting)
        first = float(place[0]) - speed * (meets + WARM_UP_S) - order * (body.size_lwh_m[0] + 8.0)
        turns = ego_turn(setting.plan) != "straight"
        if not turns and (abs(aside[0]) > 20.0 or first < 1.0):
            continue
        if actor.state == "standing" or "wait" in does:
            speed, first = 0.0, _where_it_waits(route, float(place[0]), body, setting=setting)
        entry = junction_entry(route)
        if turns and entry is not None:  # it comes up to its line while the ego turns
            nose = body.size_lwh_m[0] / 2 + rear_axle_m(body.size_lwh_m[0])
            first = entry - STOP_BEFORE_M - nose - speed * (0.5 * setting.duration_s + WARM_UP_S)
        script = cruise(setting.times_s, speed, limits=limits_of(body.category))
        line = _where_it_yields(route, body, setting=setting) if "yield" in does else None
        if line is not None:
            script, before = _giving_way(script, setting=setting, speed_mps=speed, body=body)
            first = line - before
        way = Way(lane=lane, at_m=setting.ego_at(meets))
        acts = [m for m in actor.manoeuvres if m.do != "wait"]
        script, cues = scripted(script, acts, way, body=body, setting=setting, speed_mps=speed)
        driver = driver_of(body, route, script, cues=cues, s_m=max(first, 0.5), speed_mps=speed)
        return Role(body=body, driver=driver, acts=actor.manoeuvres or (Manoeuvre(do="oncoming"),), event=True)
    return None


def _leads_to_junction(setting: Setting, lane: Lane) -> bool:
    route = setting.network.route(lane)
    return route is not None and junction_entry(route) is not None


def oncoming_lanes(setting: Setting) -> list[Lane]:
    """Return the car lanes beside the ego's that come towards it, nearest first."""
    at_ego, heading = setting.route.line.at(setting.s_m)
    ahead = np.array([np.cos(heading[0]), np.sin(heading[0])])
    options: list[tuple[float, str, Lane]] = []
    for lane in setting.hdmap.lanes:
        if lane.junction or lane.kind is not LaneKind.CAR:
            continue
        line = Line(lane.center_m)
        offset = abs(float(line.project(at_ego)[1][0]))
        nearest = int(np.argmin(np.sum((lane.center_m - at_ego) ** 2, axis=1)))
        if offset < 20.0 and line.tangent[min(nearest, len(line.tangent) - 1)] @ ahead < -0.5:
            options.append((offset, lane.id, lane))
    return [lane for _, _, lane in sorted(options, key=lambda option: option[:2])]


def said_mps(actor: PlanActor) -> float | None:
    """Return the speed an actor was said to drive at."""
    slowing = ("brake", "emergency_stop", "reverse")
    said = [m.speed_mps for m in actor.manoeuvres if m.speed_mps is not None and m.do not in slowing]
    return said[0] if said and said[0] > 0.5 else None


def _where_it_waits(route: Route, meeting_m: float, body: Body, *, setting: Setting) -> float:
    """Return where oncoming traffic stands: at its stop line, or a little beyond where it is met."""
    entry = junction_entry(route)
    nose = body.size_lwh_m[0] / 2 + rear_axle_m(body.size_lwh_m[0])
    return entry - STOP_BEFORE_M - nose if entry is not None else max(meeting_m - 6.0, 2.0)


def _where_it_yields(route: Route, body: Body, *, setting: Setting) -> float | None:
    """Return where its rear axle is when it stands before the first crossing on its way; None where there is none."""
    zebras = crossings_on(route, setting.hdmap)
    nose = body.size_lwh_m[0] / 2 + rear_axle_m(body.size_lwh_m[0])
    return zebras[0][0] - _BEFORE_CROSSING_M - nose if zebras else None


def _giving_way(script: Script, *, setting: Setting, speed_mps: float, body: Body) -> tuple[Script, float]:
    """Return a script that stops before somebody crosses and drives on after him, and how far it drives until then."""
    rate, crosses = limits_of(body.category).comfort_mps2, crossing_time_s(setting.duration_s)
    begins = max(crosses - 1.5 - speed_mps / rate, -0.5)
    stopped = change_speed(script, at_s=begins, speed_mps=0.0, rate_mps2=rate)
    gone = change_speed(stopped, at_s=crosses + _OVER_S, speed_mps=speed_mps, rate_mps2=rate)
    return gone, speed_mps * (begins + WARM_UP_S) + speed_mps**2 / (2.0 * rate)
