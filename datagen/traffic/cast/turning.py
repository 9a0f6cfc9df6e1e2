"""Vehicles that turn, cross a junction, or go back the way they came."""

from __future__ import annotations

import numpy as np
import shapely

from datagen.scene import Category, Lane, LaneKind
from datagen.scene.line import Line
from datagen.scene.plan import PlanActor
from datagen.traffic.cast.oncoming import oncoming_lanes, said_mps
from datagen.traffic.crossing import crossing_time_s
from datagen.traffic.junction import EGO_FRONT_M, junction_entry, start_before, turn_time_s
from datagen.traffic.limits import limits_of
from datagen.traffic.role import Body, Role, driver_of
from datagen.traffic.route import Route, Turn
from datagen.traffic.script import WARM_UP_S, cruise
from datagen.traffic.setting import Setting, u_turn_time_s


def turning(
    actor: PlanActor, body: Body, *, setting: Setting, order: int, rng: np.random.Generator
) -> Role | None:  # fmt: skip
    """Turn at the junction ahead, coming the ego's way or towards it."""
    del rng
    turn: Turn = next(m.side or "right" for m in actor.manoeuvres if m.do == "turn")
    entry = junction_entry(setting.route)
    if entry is None:
        return None
    towards = actor.where == "opposite" or any(m.do == "oncoming" for m in actor.manoeuvres)
    heading = setting.route.line.at(entry)[1]
    ahead = np.array([np.cos(heading[0]), np.sin(heading[0])]) * (-1.0 if towards else 1.0)
    for lane in _approaches(setting, ahead):
        route = setting.network.route(lane, turn)
        own_entry = junction_entry(route) if route is not None else None
        if route is None or own_entry is None:
            continue
        speed = min(said_mps(actor) or max(setting.speed_mps, 6.0), 10.0)
        first = start_before(route, own_entry, speed_mps=speed, within_s=turn_time_s(setting.duration_s))
        first += 1.0 - order * (body.size_lwh_m[0] + 6.0)
        return _on_route(actor, body, route, setting=setting, speed_mps=speed, at_zero_m=first)
    return None


def turning_round(
    actor: PlanActor, body: Body, *, setting: Setting, order: int, rng: np.random.Generator
) -> Role | None:  # fmt: skip
    """Make a U-turn ahead of the ego, coming its way or towards it; None where the road is too narrow."""
    limits = limits_of(body.category)
    towards = actor.where == "opposite" or any(m.do == "oncoming" for m in actor.manoeuvres)
    lanes = oncoming_lanes(setting)[::-1] if towards else [setting.lane, *setting.abreast]
    if limits.curvature < limits_of(Category.CAR).curvature:  # whoever is long needs all the road there is
        lanes = lanes if towards else [setting.outermost, *lanes]
    speed = min(said_mps(actor) or 7.0, 7.0)
    gap = actor.gap_m or next((m.gap_m for m in actor.manoeuvres if m.gap_m), None)
    gap = gap if gap is not None else float(rng.uniform(10.0, 16.0))
    when = u_turn_time_s(setting.duration_s)
    for lane in lanes:
        way = setting.network.route(lane)
        if way is None:
            continue
        reach = setting.s_m + EGO_FRONT_M + gap + max(when, 0.0) * (setting.speed_mps if towards else speed)
        here = float(way.line.project(setting.route.line.at(reach + (10.0 if towards else 2.0))[0])[0][0])
        route = setting.network.turned_round(way, at_m=here, curvature=limits.curvature)
        if route is None:
            continue
        first = start_before(route, here, speed_mps=speed, within_s=when) - order * (body.size_lwh_m[0] + 6.0)
        return _on_route(actor, body, route, setting=setting, speed_mps=speed, at_zero_m=first)
    return None


def _on_route(
    actor: PlanActor, body: Body, route: Route, *, setting: Setting, speed_mps: float, at_zero_m: float
) -> Role:
    """Return somebody who is at a place of a winding route at time 0, as fast as its bends allow."""
    limits = limits_of(body.category)
    most = np.minimum(route.speed_limits(limits.lateral_mps2, 1.8), speed_mps)
    begin = float(np.interp(at_zero_m, np.arange(len(most), dtype=np.float64), most))
    script = cruise(setting.times_s, speed_mps, limits=limits)
    driver = driver_of(body, route, script, s_m=at_zero_m - begin * WARM_UP_S, speed_mps=begin)
    return Role(body=body, driver=driver, acts=actor.manoeuvres, event=True)


def _approaches(setting: Setting, ahead: np.ndarray) -> list[Lane]:
    """Return the car lanes that lead into the ego's junction in a direction."""
    found = []
    for lane in setting.hdmap.lanes:
        leads_there = not lane.junction and lane.kind is LaneKind.CAR and lane.successors
        if leads_there and Line(lane.center_m).tangent[-1] @ ahead > 0.5:
            found.append(lane)
    return found


def through_junction(
    actor: PlanActor, body: Body, *, setting: Setting, order: int, rng: np.random.Generator
) -> Role | None:
    """Drive through the junction ahead from the side street, while the ego waits at its stop line."""
    entry = junction_entry(setting.route)
    if entry is None:
        return None
    side = next((m.side for m in actor.manoeuvres if m.side), None) or actor.where
    heading = float(setting.route.line.at(entry)[1][0])
    leftwards = np.array([-np.sin(heading), np.cos(heading)])
    if side not in ("left", "right"):
        side = "left" if rng.random() < 0.5 else "right"
    lanes = _approaches(setting, -leftwards if side == "left" else leftwards)
    crosses = crossing_time_s(setting.duration_s)
    for lane in lanes[order % max(len(lanes), 1) :]:
        route = setting.network.route(lane)
        if route is None:
            continue
        speed = min(said_mps(actor) or float(rng.uniform(7.0, 10.0)), limits_of(body.category).top_mps)
        ego_line = shapely.LineString(setting.route.line.points_m)
        met = shapely.LineString(route.line.points_m).intersection(ego_line)
        if met.is_empty:
            continue
        place = float(shapely.LineString(route.line.points_m).project(met.centroid))
        first = place - speed * (crosses + WARM_UP_S) - order * (body.size_lwh_m[0] + 8.0)
        if first < 0.5:
            speed *= 0.6
            first = max(place - speed * (crosses + WARM_UP_S), 0.5)
        script = cruise(setting.times_s, speed, limits=limits_of(body.category))
        driver = driver_of(body, route, script, s_m=first, speed_mps=speed)
        return Role(body=body, driver=driver, acts=actor.manoeuvres, event=True)
    return None
