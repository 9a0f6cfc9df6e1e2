"""Vehicles that act what the prompt asked for: which lane, how far from the ego, how fast, and their script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely

from datagen.scene import Category, Group, Lane, LaneKind, Posture
from datagen.scene.line import Line
from datagen.scene.plan import Manoeuvre, PlanActor
from datagen.traffic.limits import drives, limits_of, rear_axle_m
from datagen.traffic.manoeuvres import WARM_UP_S, Script, cruise, need_s, starts_s, written
from datagen.traffic.people import stand
from datagen.traffic.role import Body, Role, driver_of
from datagen.traffic.route import Route, Turn
from datagen.traffic.setting import (
    EGO_FRONT_M,
    STOP_BEFORE_M,
    Setting,
    crossing_time_s,
    junction_entry,
    neighbour_shift_m,
    start_before,
    start_side,
    turn_time_s,
)

_CHANGES = ("cut_in", "lane_change", "overtake")
EGO_TAIL_M = 4.084 / 2 - 1.368
"""From the ego's rear axle back to its rear bumper."""


@dataclass(frozen=True, kw_only=True)
class _Start:
    """Where an actor is relative to the ego at time `at_s`: its rear axle `ahead_m` of the ego's, along the road."""

    lane: Lane
    ahead_m: float
    at_s: float
    speed_mps: float
    offset_m: float = 0.0


def cast_ego(setting: Setting, body: Body) -> Role:
    """Return the ego's role."""
    limits = limits_of(Category.CAR)
    does = setting.plan.ego
    script = cruise(setting.times_s, setting.speed_mps, limits=limits)
    script = _scripted(script, does, body=body, lane=setting.lane, setting=setting, speed=setting.speed_mps)
    start = float(setting.progress_m[0])
    driver = driver_of(body, setting.route, script, s_m=start, speed_mps=setting.speed_mps)
    bold = any(m.do == "overtake" for m in does)
    return Role(
        body=body,
        driver=replace(driver, bold=bold),
        acts=does,
    )


def cast_vehicle(
    actor: PlanActor,
    body: Body,
    *,
    setting: Setting,
    others: Sequence[Role],
    order: int,
    rng: np.random.Generator,
) -> Role | None:
    """Return the role of a vehicle of the plan, or None where the road has no place for it.

    order: 0 for the first of several alike; the others keep their distance.  others: those who have their place.
    """
    does = [m.do for m in actor.manoeuvres]
    if "parked" in does:
        return _parked(actor, body, setting=setting, others=others, order=order, rng=rng)
    if "cross" in does or "jaywalk" in does:
        return _through_junction(actor, body, setting=setting, order=order, rng=rng)
    if "turn" in does:
        return _turning(actor, body, setting=setting, order=order, rng=rng)
    if "oncoming" in does or actor.where == "opposite" or _crowded_out(actor, setting=setting, order=order):
        return _oncoming(actor, body, setting=setting, order=order, rng=rng)
    return _alongside(actor, body, setting=setting, order=order, rng=rng)


def _alongside(actor: PlanActor, body: Body, *, setting: Setting, order: int, rng: np.random.Generator) -> Role | None:
    """Drive the ego's way, in its lane or one beside it."""
    start = _start(actor, body, setting=setting, order=order, rng=rng)
    if start is None:
        return None
    route = setting.route if start.lane is setting.lane else setting.network.route(start.lane)
    if route is None:
        return None
    limits = limits_of(body.category)
    script = cruise(setting.times_s, start.speed_mps, limits=limits, offset_m=start.offset_m)
    script = _scripted(
        script,
        actor.manoeuvres,
        body=body,
        lane=start.lane,
        setting=setting,
        speed=start.speed_mps,
        toward_ego=True,
    )
    at_ego = setting.route.line.at(setting.ego_at(start.at_s))[0]
    place = float(route.line.project(at_ego)[0][0]) + start.ahead_m
    first = place - start.speed_mps * (start.at_s + WARM_UP_S)
    # Whoever tailgates or follows closely was asked to.
    headway = 0.4 if actor.where == "behind" and (actor.gap_m or 9.0) < 6.0 else 1.1
    driver = driver_of(body, route, script, s_m=first, speed_mps=start.speed_mps, headway_s=headway)
    return Role(body=body, driver=driver, acts=actor.manoeuvres, event=True)


def _start(actor: PlanActor, body: Body, *, setting: Setting, order: int, rng: np.random.Generator) -> _Start | None:
    """Return where an actor that goes the ego's way is when its first manoeuvre begins."""
    first = actor.manoeuvres[0] if actor.manoeuvres else Manoeuvre(do="keep_lane")
    length = body.size_lwh_m[0]
    tail = length / 2 - rear_axle_m(length)
    nose = length / 2 + rear_axle_m(length)
    ego_v = setting.speed_mps
    changes = [m for m in actor.manoeuvres if m.do in _CHANGES]
    change = next((m for m in changes if m.do == "cut_in"), changes[0] if changes else None)
    begins = _begins(actor, setting, ego_v, body) if change is not None else 0.0
    gap = (change.gap_m if change else None) or first.gap_m or actor.gap_m
    shift = order * (length + 5.0)
    said = next((m.speed_mps for m in actor.manoeuvres if m.do == "keep_lane" and m.speed_mps is not None), None)
    if change is not None and change.do == "overtake":
        lane = _beside(setting, change.side or "left")
        span = max(setting.duration_s - 0.4, 1.0)
        back = min(9.0, 2.5 + 1.2 * span)
        speed = max(ego_v + max((back + nose + EGO_FRONT_M + 6.0) / span, 3.0), change.speed_mps or said or 0.0)
        return None if lane is None else _Start(lane=lane, ahead_m=-back - nose - shift, at_s=0.0, speed_mps=speed)
    if change is not None and change.do == "cut_in":
        lane = _beside(setting, change.side or "left")
        gap = gap if gap is not None else float(rng.uniform(2.5, 4.5) if change.hard else rng.uniform(5.0, 9.0))
        speed = said or max(ego_v + rng.uniform(0.3, 1.8), 3.0)
        if changes[0].do == "overtake":  # it starts behind the ego and is past it when it cuts in
            gap = min(gap, 4.0)
            speed = ego_v + (EGO_FRONT_M + gap + length + 2.0) / max(begins, 0.5)
        return (
            None
            if lane is None
            else _Start(lane=lane, ahead_m=EGO_FRONT_M + gap + tail + shift, at_s=begins, speed_mps=speed)
        )
    if change is not None and actor.where != "behind":
        side = start_side(actor, change)
        lane = _beside(setting, side) if actor.where in ("left", "right") else setting.lane
        gap = gap if gap is not None else float(rng.uniform(8.0, 14.0))
        return (
            None
            if lane is None
            else _Start(
                lane=lane, ahead_m=EGO_FRONT_M + gap + tail + shift, at_s=begins, speed_mps=said or max(ego_v, 3.0)
            )
        )
    return _steady_start(actor, body, setting=setting, gap=gap, shift=shift, said=said, order=order, rng=rng)


def _steady_start(
    actor: PlanActor, body: Body, *, setting: Setting, gap: float | None, shift: float, said: float | None,
    order: int,
    rng: np.random.Generator,
) -> _Start | None:  # fmt: skip
    """Return the start of somebody who stays in his lane: ahead, behind or beside the ego."""
    length = body.size_lwh_m[0]
    tail, nose = length / 2 - rear_axle_m(length), length / 2 + rear_axle_m(length)
    stands = any(m.do == "wait" for m in actor.manoeuvres)
    ego_v = setting.speed_mps
    passed = any(m.do == "overtake" for m in setting.plan.ego) and actor.where in ("ahead", None)
    if passed and said is None and not stands:
        said = 0.3 * ego_v
    speed = min(said if said is not None else (0.0 if stands else max(ego_v, 3.0)), limits_of(body.category).top_mps)
    offset = 0.0
    lane: Lane | None = setting.lane
    if body.category is Category.BICYCLE:
        lane, offset = _cycle_lane(setting, actor)
        speed = said if said is not None else (0.0 if stands else float(rng.uniform(3.5, 5.0)))
    elif actor.where in ("left", "right"):
        lane = _beside(setting, actor.where)
    elif actor.where is None:
        lane, shift = _shared_out(actor, setting=setting, order=order, length_m=length)
    if lane is None:
        return None
    if actor.where == "behind":
        gap = gap if gap is not None else float(rng.uniform(7.0, 11.0))
        return _Start(lane=lane, ahead_m=-(EGO_TAIL_M + gap + nose + shift), at_s=0.0, speed_mps=max(ego_v, 2.0))
    if gap is None and passed:
        gap = 3.0 + 1.1 * max(ego_v - speed, 0.0)
    if gap is None:
        closing = max(ego_v - speed, 0.0)
        safe = closing**2 / (2 * 2.2) + 4.0 + 0.5 * ego_v
        low = min(max(safe, 6.0), 30.0)
        beside = actor.where in ("left", "right") and body.category is not Category.BICYCLE
        gap = float(rng.uniform(0.0, 6.0) if beside else rng.uniform(low, low + 6.0))
    return _Start(lane=lane, ahead_m=EGO_FRONT_M + gap + tail + shift, at_s=0.0, speed_mps=speed, offset_m=offset)


def _shared_out(actor: PlanActor, *, setting: Setting, order: int, length_m: float) -> tuple[Lane, float]:
    """Return the lane of one of several who were only said to be there, and how far onward it is put.

    The first goes ahead of the ego, the next on the lanes beside it, then the row begins again.
    """
    rank = _rank(actor, setting=setting, order=order)
    lanes = [lane for lane in (setting.lane, _beside(setting, "left"), _beside(setting, "right")) if lane is not None]
    return lanes[rank % len(lanes)], (rank // len(lanes)) * (length_m + 5.0)


def _rank(actor: PlanActor, *, setting: Setting, order: int) -> int:
    """Return the place of an actor among those who were only said to be there."""
    rank = order
    for other in setting.plan.actors:
        if other is actor:
            break
        if other.where is None and all(m.do in ("keep_lane", "wait") for m in other.manoeuvres):
            rank += other.count if drives(other.category) else 0
    return rank


def _crowded_out(actor: PlanActor, *, setting: Setting, order: int) -> bool:
    """Say whether so many were said to be there that this one had better come towards the ego."""
    there = actor.where is None and all(m.do == "keep_lane" for m in actor.manoeuvres)
    return there and _rank(actor, setting=setting, order=order) >= 3 and actor.category is not Category.BICYCLE


def _cycle_lane(setting: Setting, actor: PlanActor) -> tuple[Lane, float]:
    """Return where a cyclist rides: the bike lane if there is one, else the right edge of the ego's lane."""
    if actor.where == "ahead":
        return setting.lane, -1.0
    entry = setting.route.line.at(setting.s_m)[0]
    for lane in setting.hdmap.lanes:
        if lane.kind is LaneKind.BIKE and not lane.junction:
            s, d = Line(lane.center_m).project(entry)
            if 0 < s[0] < Line(lane.center_m).length_m and 0 < d[0] < 12.0 and _same_way(lane, setting):
                return lane, 0.0
    return setting.lane, -1.0


def _same_way(lane: Lane, setting: Setting) -> bool:
    return float(Line(lane.center_m).tangent[0] @ Line(setting.lane.center_m).tangent[0]) > 0.5


def _begins(actor: PlanActor, setting: Setting, speed: float, body: Body) -> float:
    """Return when the actor's first change of lane begins."""
    needs = _needs(actor.manoeuvres, speed=speed, setting=setting, body=body)
    starts = starts_s(actor.manoeuvres, needs, duration_s=setting.duration_s)
    changes = [(m.do != "cut_in", at) for at, m in zip(starts, actor.manoeuvres) if m.do in _CHANGES]
    return min(changes)[1]


def _needs(does: tuple[Manoeuvre, ...], *, speed: float, setting: Setting, body: Body) -> list[float]:
    limits = limits_of(body.category)
    return [need_s(m, speed_mps=speed, lane_m=3.5, limits=limits, duration_s=setting.duration_s) for m in does]


def _scripted(
    script: Script,
    does: tuple[Manoeuvre, ...],
    *,
    body: Body,
    lane: Lane,
    setting: Setting,
    speed: float,
    toward_ego: bool = False,
) -> Script:
    """Write manoeuvres one after the other into a script."""
    limits = limits_of(body.category)
    timed = tuple(m for m in does if m.do not in ("keep_lane", "turn", "wait"))
    needs = _needs(timed, speed=speed, setting=setting, body=body)
    for m, at, need in zip(timed, starts_s(timed, needs, duration_s=setting.duration_s), needs):
        shift = _shift(m, lane=lane, setting=setting, toward_ego=toward_ego)
        script = written(script, m, at_s=at, takes_s=max(need, 0.5), lane_m=shift, limits=limits)
    return script


def _shift(m: Manoeuvre, *, lane: Lane, setting: Setting, toward_ego: bool) -> float:
    """Return how far to the left a manoeuvre takes one from `lane`, metres."""
    if m.do not in _CHANGES or (toward_ego and m.do == "overtake"):
        return 0.0
    if toward_ego and lane is not setting.lane:
        return neighbour_shift_m(lane, setting.lane)
    side = m.side or ("left" if lane.left_neighbor else "right")
    other = setting.lanes.get(getattr(lane, f"{side}_neighbor") or "")
    return neighbour_shift_m(lane, other) if other else 0.0


def _beside(setting: Setting, side: str) -> Lane | None:
    return setting.lanes.get(getattr(setting.lane, f"{side}_neighbor") or "")


def _oncoming(actor: PlanActor, body: Body, *, setting: Setting, order: int, rng: np.random.Generator) -> Role | None:
    """Come towards the ego and pass it within the clip."""
    at_ego, heading = setting.route.line.at(setting.s_m)
    ahead = np.array([np.cos(heading[0]), np.sin(heading[0])])
    options = []
    for lane in setting.hdmap.lanes:
        if lane.junction or lane.kind is not LaneKind.CAR:
            continue
        line = Line(lane.center_m)
        if line.tangent[0] @ ahead < -0.5:
            offset = abs(line.project(at_ego)[1][0])
            if offset < 20.0:
                options.append((offset, lane.id, lane))
    speed = _said_speed(actor) or max(setting.speed_mps * rng.uniform(0.85, 1.1), 6.0)
    speed = min(speed, limits_of(body.category).top_mps)
    meets = setting.duration_s * rng.uniform(0.45, 0.75)
    for _, _, lane in sorted(options, key=lambda option: option[:2]):
        route = setting.network.route(lane)
        if route is None:
            continue
        meeting = setting.route.line.at(setting.ego_at(meets))[0]
        place, aside = route.line.project(meeting)
        first = float(place[0]) - speed * (meets + WARM_UP_S) - order * (body.size_lwh_m[0] + 8.0)
        if abs(aside[0]) > 20.0 or first < 1.0:
            continue
        if any(m.do == "wait" for m in actor.manoeuvres):
            speed, first = 0.0, _where_it_waits(route, float(place[0]), body, setting=setting)
        script = cruise(setting.times_s, speed, limits=limits_of(body.category))
        script = _scripted(script, actor.manoeuvres, body=body, lane=lane, setting=setting, speed=speed)
        driver = driver_of(body, route, script, s_m=first, speed_mps=speed)
        return Role(body=body, driver=driver, acts=actor.manoeuvres or (Manoeuvre(do="oncoming"),), event=True)
    return None


def _where_it_waits(route: Route, meeting_m: float, body: Body, *, setting: Setting) -> float:
    """Return where oncoming traffic stands: at its stop line, or a little beyond where it is met."""
    entry = junction_entry(route)
    nose = body.size_lwh_m[0] / 2 + rear_axle_m(body.size_lwh_m[0])
    return entry - STOP_BEFORE_M - nose if entry is not None else max(meeting_m - 6.0, 2.0)


def _turning(actor: PlanActor, body: Body, *, setting: Setting, order: int, rng: np.random.Generator) -> Role | None:
    """Turn at the junction ahead, coming the ego's way or towards it."""
    turn: Turn = next(m.side or "right" for m in actor.manoeuvres if m.do == "turn")
    entry = junction_entry(setting.route)
    if entry is None:
        return None
    opposite = actor.where == "opposite" or any(m.do == "oncoming" for m in actor.manoeuvres)
    heading = setting.route.line.at(entry)[1]
    ahead = np.array([np.cos(heading[0]), np.sin(heading[0])]) * (-1.0 if opposite else 1.0)
    for lane in _approaches(setting, ahead):
        route = setting.network.route(lane, turn)
        own_entry = junction_entry(route) if route is not None else None
        if route is None or own_entry is None:
            continue
        speed = min(_said_speed(actor) or max(setting.speed_mps, 6.0), 10.0)
        first = start_before(route, own_entry, speed_mps=speed, within_s=turn_time_s(setting.duration_s))
        first += 1.0 - order * (body.size_lwh_m[0] + 6.0)
        script = cruise(setting.times_s, speed, limits=limits_of(body.category))
        begin = float(np.interp(first, *_speed_curve(route, speed)))
        driver = driver_of(body, route, script, s_m=first - begin * WARM_UP_S, speed_mps=begin)
        return Role(body=body, driver=driver, acts=actor.manoeuvres, event=True)
    return None


def _speed_curve(route: Route, speed: float) -> tuple[np.ndarray, np.ndarray]:
    limit = np.minimum(route.speed_limits(3.2, 1.8), speed)
    return np.arange(len(limit), dtype=np.float64), limit


def _approaches(setting: Setting, ahead: np.ndarray) -> list[Lane]:
    """Return the car lanes that lead into the ego's junction in a direction."""
    found = []
    for lane in setting.hdmap.lanes:
        leads_there = not lane.junction and lane.kind is LaneKind.CAR and lane.successors
        if leads_there and Line(lane.center_m).tangent[-1] @ ahead > 0.5:
            found.append(lane)
    return found


def _through_junction(
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
        speed = _said_speed(actor) or float(rng.uniform(7.0, 10.0))
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


def _parked(
    actor: PlanActor,
    body: Body,
    *,
    setting: Setting,
    others: Sequence[Role],
    order: int,
    rng: np.random.Generator,
) -> Role | None:
    """Stand at the kerb ahead of the ego."""
    said = actor.where if actor.where in ("left", "right") else None
    said = next((m.side for m in actor.manoeuvres if m.side), None) or said
    side = said or "right"
    gap = actor.gap_m or next((m.gap_m for m in actor.manoeuvres if m.gap_m), None)
    reach = gap if gap is not None else float(rng.uniform(7.0, 18.0))
    length = body.size_lwh_m[0]
    place = setting.s_m + EGO_FRONT_M + reach + length / 2 + order * (length + 1.5)
    sides = (side,) if said is not None else (side, "left" if side == "right" else "right")
    steps = [sign * 3.0 * step for step in range(14) for sign in (1, -1)]
    spots = ((place + step, at) for at in sides for step in steps if place + step > setting.s_m + 4.0)
    for s, at in spots:
        spot = kerb_spot(setting, s, side=at, width_m=body.size_lwh_m[1])
        if spot is not None and not stands_near(spot[0], others, length_m=length):
            return Role(
                body=body,
                walk=stand(*spot, setting.times_s),
                posture=Posture.PARKED if body.category.group is Group.VEHICLE else Posture.RIDERLESS,
                acts=actor.manoeuvres,
                event=True,
            )
    return None


def stands_near(xy: np.ndarray, others: Sequence[Role], *, length_m: float) -> bool:
    """Say whether somebody stands or walks where a body of a length shall stand."""
    for other in others:
        if other.walk is not None:
            room = (length_m + other.body.size_lwh_m[0]) / 2 + 0.8
            if np.min(np.linalg.norm(other.walk.xy_m - xy, axis=1)) < room:
                return True
    return False


def kerb_spot(setting: Setting, s_m: float, *, side: str, width_m: float) -> tuple[np.ndarray, float] | None:
    """Return where to park beside the ego's route at `s_m`, and heading which way; None where one may not."""
    point, heading = setting.route.line.at(s_m)
    leftwards = np.array([-np.sin(heading[0]), np.cos(heading[0])]) * (1 if side == "left" else -1)
    probe = shapely.LineString([point[0], point[0] + 30.0 * leftwards])
    for strip in setting.network.parking:
        met = strip.intersection(probe)
        if met.is_empty or met.length < 1.5:
            continue
        far = max((np.asarray(met.coords) - point[0]) @ leftwards)
        xy = point[0] + (far - width_m / 2 - 0.25) * leftwards
        if shapely.contains_xy(setting.network.kept_clear, xy[0], xy[1]):
            return None
        return xy, float(heading[0]) + (np.pi if side == "left" else 0.0)
    return None


def _said_speed(actor: PlanActor) -> float | None:
    said = [m.speed_mps for m in actor.manoeuvres if m.speed_mps is not None and m.do != "brake"]
    return said[0] if said and said[0] > 0.5 else None
