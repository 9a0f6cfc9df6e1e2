"""Vehicles that turn, cross a junction, or go back the way they came."""

from __future__ import annotations

import numpy as np
import shapely

from datagen.scene import Category, Lane, LaneKind
from datagen.scene.line import Line
from datagen.scene.plan import Manoeuvre, PlanActor
from datagen.traffic.cast.oncoming import oncoming_lanes, said_mps
from datagen.traffic.cast.scripting import Way, scripted
from datagen.traffic.crossing import crossing_time_s
from datagen.traffic.junction import EGO_FRONT_M, junction_entry, start_before, turn_time_s
from datagen.traffic.limits import limits_of, rear_axle_m
from datagen.traffic.needs import passes_and_turns
from datagen.traffic.role import Body, Role, driver_of
from datagen.traffic.route import Route, Turn
from datagen.traffic.script import STEP_S, WARM_UP_S, cruise, shift, shift_time_s
from datagen.traffic.setting import Setting, neighbour_shift_m, u_turn_time_s


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
        if passes_and_turns(actor):
            return _past_the_ego(actor, body, lane, route, entry_m=own_entry, setting=setting)
        speed = min(said_mps(actor) or max(setting.speed_mps, 6.0), 10.0)
        before = tuple(act for act in actor.manoeuvres if act.do in _FIRST)
        if before and not towards:
            return _turning_after(actor, body, lane, route, entry_m=own_entry, setting=setting)
        first = start_before(route, own_entry, speed_mps=speed, within_s=turn_time_s(setting.duration_s))
        first += 1.0 - order * (body.size_lwh_m[0] + 6.0)
        return _on_route(actor, body, route, setting=setting, speed_mps=speed, at_zero_m=first)
    return None


_FIRST = ("swerve", "lane_change", "brake", "accelerate", "cut_in", "cut_out")
"""What somebody can do on his way to the junction he turns at."""
_TURNS_S = 2.4
"""So long before the clip's end the last of several manoeuvres, a turn, begins."""


def _turning_after(
    actor: PlanActor, body: Body, lane: Lane, route: Route, *, entry_m: float, setting: Setting
) -> Role | None:
    """Do what comes first, and reach the junction once that is done."""
    speed, limits = min(said_mps(actor) or max(setting.speed_mps, 6.0), 9.0), limits_of(body.category)
    turn = next(k for k, act in enumerate(actor.manoeuvres) if act.do == "turn")
    before = [_briefly(act) for act in actor.manoeuvres[:turn]]
    start, offset = lane, 0.0
    aside = next((act.side or "left" for act in before if act.do in _ASIDE), None)
    if aside is not None:  # he ends on the lane from which he can turn
        there = setting.lanes.get(getattr(lane, "right_neighbor" if aside == "left" else "left_neighbor") or "")
        if there is None:
            return None
        start, offset = there, neighbour_shift_m(lane, there)
    script = cruise(setting.times_s, speed, limits=limits, offset_m=offset)
    way = Way(lane=start, at_m=setting.s_m)
    script, cues = scripted(script, before, way, body=body, setting=setting, speed_mps=speed)
    driven = script.wish_mps[script.times_s < setting.duration_s - _TURNS_S]
    first = max(entry_m - float(driven.sum()) * STEP_S, 0.5)
    driver = driver_of(body, route, script, cues=cues, s_m=first, speed_mps=speed)
    return Role(body=body, driver=driver, acts=actor.manoeuvres, event=True)


_ASIDE = ("lane_change", "cut_in", "cut_out")
_LEAST_MPS = 4.5
"""Nobody who is about to turn slows to less than this, or he would not get there."""


def _briefly(act: Manoeuvre) -> Manoeuvre:
    """Return a manoeuvre as it is done on the way to a turn."""
    if act.do == "brake":
        return act.model_copy(update={"speed_mps": max(act.speed_mps or 0.0, _LEAST_MPS)})
    return act if act.takes_s is not None or act.do == "accelerate" else act.model_copy(update={"takes_s": 3.0})


def _past_the_ego(
    actor: PlanActor, body: Body, lane: Lane, route: Route, *, entry_m: float, setting: Setting
) -> Role | None:
    """Get past the ego on the lane to the left, back into its own ahead of it, and turn: each once the last is done."""
    left = setting.lanes.get(lane.left_neighbor or "")
    if left is None:
        return None
    limits, across = limits_of(body.category), neighbour_shift_m(lane, left)
    nose = body.size_lwh_m[0] / 2 + rear_axle_m(body.size_lwh_m[0])
    ego_m = float(route.line.project(setting.route.line.at(setting.s_m)[0])[0][0])
    first = ego_m - 3.0 - nose
    turns = setting.duration_s - _TURNS_S
    speed = min(max(1.25 * (entry_m - first) / turns, setting.speed_mps + 4.0), limits.top_mps)
    back_s = max(1.2 * shift_time_s(across, limits), 2.2)
    script = cruise(setting.times_s, speed, limits=limits, offset_m=across)
    script = shift(script, at_s=turns - 0.4 - back_s, takes_s=back_s, by_m=-across)
    driver = driver_of(body, route, script, s_m=first - speed * WARM_UP_S, speed_mps=speed)
    return Role(body=body, driver=driver, acts=actor.manoeuvres, event=True)


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
