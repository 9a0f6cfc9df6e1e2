"""People (and animals, and things that stand about) that act what the prompt asked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely

from datagen.scene import Category, Group, Posture
from datagen.scene.line import Line
from datagen.scene.plan import Manoeuvre, PlanActor
from datagen.traffic.cast.at_kerb import run_out_reach_m
from datagen.traffic.cast.kerbside import beside_road, kerb_spot, stands_near
from datagen.traffic.crossing import crossing_moment_s, crossing_time_s, crossings_on
from datagen.traffic.junction import EGO_FRONT_M, stopping_m
from datagen.traffic.limits import drives, rear_axle_m
from datagen.traffic.needs import ON_FOOT, ego_turn
from datagen.traffic.people import Walk, stand, walk
from datagen.traffic.role import Body, Role
from datagen.traffic.setting import Setting

_PACES_MPS = {
    Category.CHILD: 1.5,
    Category.WHEELCHAIR: 1.1,
    Category.STROLLER: 1.15,
    Category.ANIMAL: 2.0,
    Category.PERSONAL_MOBILITY: 3.0,
    Category.BICYCLE: 3.0,
    Category.MOTORCYCLE: 3.5,
}
_BEYOND_KERB_M = 1.5
_HURRY_MPS = 2.2
"""How fast one goes who uses a gap."""
_NEVER_S = 1000.0


def cast_person(
    actor: PlanActor,
    body: Body,
    *,
    setting: Setting,
    others: Sequence[Role],
    order: int,
    rng: np.random.Generator,
) -> Role | None:
    """Return the role of somebody on foot, or None where the road has no place for it.

    order: 0 for the first of several alike; the others keep beside and behind.  others: those who have their place.
    """
    for manoeuvre in actor.manoeuvres:
        if manoeuvre.do in ON_FOOT:
            return _crossing(actor, manoeuvre, body, setting=setting, others=others, order=order, rng=rng)
    if body.category.group is Group.OBJECT:
        return _thing(actor, body, setting=setting, others=others, order=order, rng=rng)
    return _walking(actor, body, setting=setting, order=order, rng=rng)


def pace_mps(category: Category, *, hard: bool, rng: np.random.Generator) -> float:
    """Return how fast somebody walks; `hard` is running."""
    pace = _PACES_MPS.get(category, 1.4) * rng.uniform(0.9, 1.15)
    return float(pace * 1.8 if hard and category.group is not Group.CYCLE else pace)


def _crossing(
    actor: PlanActor,
    act: Manoeuvre,
    body: Body,
    *,
    setting: Setting,
    others: Sequence[Role],
    order: int,
    rng: np.random.Generator,
) -> Role | None:
    """Walk over the road, in the middle of the ego's way at about `crossing_time_s`."""
    hurry = act.hard or act.do == "run_out" or (act.do == "jaywalk" and bool(rng.random() < 0.5))
    speed = act.speed_mps or pace_mps(body.category, hard=hurry, rng=rng)
    speed = float(np.clip(speed, 0.5, 4.0))
    side = act.side or (actor.where if actor.where in ("left", "right") else None)
    if act.do == "run_out":
        line = _from_hiding(act, setting=setting, others=others)
    elif act.do == "cross":
        line = _over_crossing(setting, rng)
    else:
        line = _over_road(actor, act, setting=setting, pace_mps=speed)
    if line is None:
        return None
    if act.do != "run_out":
        line = _from_side(line, side or ("right" if rng.random() < 0.6 else "left"), setting)
    if act.when_clear:
        return _waiting_for_a_gap(line, body, acts=actor.manoeuvres, setting=setting, pace_mps=speed, order=order)
    # The place where the ego's way is crossed.
    ego_line = shapely.LineString(setting.route.line.points_m)
    met = shapely.LineString(line.points_m).intersection(ego_line)
    if met.is_empty:
        return None
    middle = float(shapely.LineString(line.points_m).project(met.centroid))
    reach = float(ego_line.project(met.centroid)) - setting.s_m
    when = crossing_moment_s(act, setting, reach_m=reach, pace_mps=speed)
    line, lag_m = _in_company(line, act, body, order=order)
    start = middle - speed * when - lag_m
    role = walk(line, setting.times_s, at_start_m=start, speed_mps=speed, sway=float(rng.uniform(0, 6.28)))
    return Role(body=body, walk=role, acts=actor.manoeuvres, event=True, in_the_way=True)


def _in_company(line: Line, act: Manoeuvre, body: Body, *, order: int) -> tuple[Line, float]:
    """Return the way of one of several who cross, and how far behind the first one he is.

    Who runs out from behind something comes after the one before, cycles keep clear of each other.
    """
    if act.do == "run_out":
        return line, 1.0 * order
    if body.category.group is not Group.CYCLE:
        return line.offset(0.8 * (order % 3) - 0.4), 0.9 * (order // 3) + 0.2 * order
    queued_m = (body.size_lwh_m[0] + 1.0) * (order // 2)
    back = np.stack([line.points_m[0] - (queued_m + 0.1) * line.tangent[0], line.points_m[-1]])
    return Line(back).offset(1.3 * (order % 2) - 0.65), 0.2 * order - 0.1


def _waiting_for_a_gap(
    line: Line, body: Body, *, acts: tuple[Manoeuvre, ...], setting: Setting, pace_mps: float, order: int
) -> Role:
    """Stand at the kerb, and hurry over once nobody comes."""
    kerb = line.points_m[0] + (_BEYOND_KERB_M - 0.4) * line.tangent[0]
    line = Line(np.stack([kerb, line.points_m[-1]])).offset(0.8 * (order % 3) - 0.4)
    pace = max(pace_mps, _HURRY_MPS)

    def crossing(at_s: float) -> Walk:
        return walk(line, setting.times_s, at_start_m=-pace * min(at_s, _NEVER_S), speed_mps=pace)

    return Role(body=body, walk=crossing(np.inf), acts=acts, event=True, in_the_way=True, crossing=crossing)


def _from_hiding(act: Manoeuvre, *, setting: Setting, others: Sequence[Role]) -> Line | None:
    """Return the way over the road from behind the far end of whoever stands ahead and is high enough to hide one."""
    best: tuple[float, float, float] | None = None
    aim = setting.s_m + run_out_reach_m(setting)
    for other in others:
        place = _standing_m(other, setting)
        if place is None or other.body.size_lwh_m[2] < 1.3:
            continue
        s, d = place
        beyond = s + other.body.size_lwh_m[0] / 2 + 0.9
        wrong_side = act.side is not None and abs(d) > 1.5 and (d > 0) != (act.side == "left")
        if (
            beyond > setting.s_m + EGO_FRONT_M + 5.0
            and not wrong_side
            and (best is None or abs(beyond - aim) < abs(best[0] - aim))
        ):
            best = (beyond, d, other.body.size_lwh_m[1])
    if best is None:
        return None
    side = act.side or ("left" if best[1] > 1.5 else "right")
    line = _straight_over(setting, best[0])
    if line is None:
        return None
    line = _from_side(line, side, setting)
    # He waits at the kerb, well inside the shadow of what hides him.
    return Line(np.stack([line.points_m[0] + 0.9 * line.tangent[0], line.points_m[-1]]))


def _standing_m(other: Role, setting: Setting) -> tuple[float, float] | None:
    """Return where a vehicle stands beside or on the ego's way (s, d), or None if it does not stand or is none."""
    if not drives(other.body.category) or other.body.id == "ego":
        return None
    if other.walk is not None:
        xy = other.walk.xy_m[:1]
    elif other.driver is not None and not np.any(other.driver.script.wish_mps) and other.driver.speed_mps == 0.0:
        middle = other.driver.s_m + rear_axle_m(other.body.size_lwh_m[0])
        xy = other.driver.route.line.at(middle, other.driver.d_m)[0]
    else:
        return None
    s, d = setting.route.line.project(xy)
    return float(s[0]), float(d[0])


def _over_crossing(setting: Setting, rng: np.random.Generator) -> Line | None:
    """Return the way over the first crossing ahead of the ego, kerb to kerb and a step beyond."""
    ahead = [(s, area) for s, area in crossings_on(setting.route, setting.hdmap) if s > setting.s_m + 6.0]
    if not ahead:
        return None
    # Who turns yields to those who cross where it leaves the junction.
    chosen = ahead[0] if ego_turn(setting.plan) == "straight" else ahead[-1]
    zebra = shapely.Polygon(chosen[1].polygon.exterior_m).minimum_rotated_rectangle
    corners = np.asarray(zebra.exterior.coords)[:4]
    edges = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    short = int(np.argmin(edges[:2]))
    first = (corners[short] + corners[(short + 1) % 4]) / 2
    last = (corners[(short + 2) % 4] + corners[(short + 3) % 4]) / 2
    along = (last - first) / np.linalg.norm(last - first)
    way = Line(np.stack([first - _BEYOND_KERB_M * along, last + _BEYOND_KERB_M * along]))
    return way.offset(float(rng.uniform(-0.8, 0.8)))


def _over_road(actor: PlanActor, act: Manoeuvre, *, setting: Setting, pace_mps: float) -> Line | None:
    """Return the way straight over the road, far enough ahead for the ego to brake for it."""
    gap = act.gap_m if act.gap_m is not None else actor.gap_m
    warned = max(crossing_time_s(setting.duration_s) - 1.0 - 2.2 / max(pace_mps, 0.5), 0.0)
    reach = stopping_m(setting.speed_mps, warned_s=warned, brake_mps2=3.5) if gap is None else gap + EGO_FRONT_M
    return _straight_over(setting, setting.s_m + min(reach, 36.0))


def _straight_over(setting: Setting, s_m: float) -> Line | None:
    """Return the line over the road at a place of the ego's route, a step beyond both kerbs."""
    point, heading = setting.route.line.at(s_m)
    leftwards = np.array([-np.sin(heading[0]), np.cos(heading[0])])
    probe = shapely.LineString([point[0] - 30.0 * leftwards, point[0] + 30.0 * leftwards])
    met = probe.intersection(setting.network.surface)
    parts = [part for part in shapely.get_parts(met) if part.distance(shapely.Point(point[0])) < 0.1]
    if not parts:
        return None
    ends = np.asarray(parts[0].coords)[[0, -1]]
    along = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
    return Line(np.stack([ends[0] - _BEYOND_KERB_M * along, ends[1] + _BEYOND_KERB_M * along]))


def _from_side(line: Line, side: str, setting: Setting) -> Line:
    """Return the line so that it starts on that side of the ego's way."""
    start_is_left = setting.route.line.project(line.points_m[:1])[1][0] > 0
    return line if start_is_left == (side == "left") else Line(line.points_m[::-1])


def _walking(actor: PlanActor, body: Body, *, setting: Setting, order: int, rng: np.random.Generator) -> Role | None:
    """Walk along the road (or wait beside it), on the side that was said."""
    side = actor.where if actor.where in ("left", "right") else None
    side = next((m.side for m in actor.manoeuvres if m.side), None) or side or "right"
    gap = actor.gap_m if actor.gap_m is not None else float(rng.uniform(7.0, 16.0))
    place = setting.s_m + EGO_FRONT_M + gap + 1.2 * (order // 2)
    together = any(m.do == "walk_in_group" for m in actor.manoeuvres)
    spot = None
    for onward in (0.0, 4.0, -4.0, 8.0, -8.0, 12.0, 16.0, 20.0):  # not in the middle of a junction
        spot = spot or beside_road(setting, place + onward, side=side, beyond_m=1.0 + 0.8 * (order % 2))
    if spot is None:
        return None
    xy, yaw = spot
    still = any(m.do == "wait" for m in actor.manoeuvres)
    if still:
        facing = yaw + (np.pi / 2 if side == "right" else -np.pi / 2) + float(rng.normal(0.0, 0.3))
        return Role(body=body, walk=stand(xy, facing, setting.times_s), acts=actor.manoeuvres, event=True)
    speed = next((m.speed_mps for m in actor.manoeuvres if m.speed_mps), None)
    hurry = any(m.hard for m in actor.manoeuvres)
    usual = _PACES_MPS.get(body.category, 1.4) * (1.8 if hurry else 1.0)
    speed = speed or (usual if together else pace_mps(body.category, hard=hurry, rng=rng))
    direction = np.array([np.cos(yaw), np.sin(yaw)])
    line = Line(np.stack([xy, xy + direction * (speed * (setting.duration_s + 2.5) + 2.0)]))
    role = walk(line, setting.times_s, at_start_m=speed * 1.2, speed_mps=speed, sway=float(rng.uniform(0, 6.28)))
    return Role(body=body, walk=role, acts=actor.manoeuvres, event=True)


def _thing(
    actor: PlanActor,
    body: Body,
    *,
    setting: Setting,
    others: Sequence[Role],
    order: int,
    rng: np.random.Generator,
) -> Role | None:
    """Stand at the right edge of the road, or on the walkway if it is too narrow."""
    side = actor.where if actor.where in ("left", "right") else "right"
    gap = actor.gap_m if actor.gap_m is not None else float(rng.uniform(8.0, 14.0))
    place = setting.s_m + EGO_FRONT_M + gap + order * (body.size_lwh_m[0] + 1.8)
    width = max(body.size_lwh_m[:2])
    for onward in (0.0, 2.0, 4.0, -2.0, 6.0, 8.0, 11.0, 14.0):
        spot = kerb_spot(setting, place + onward, side=side, width_m=width)
        spot = spot or beside_road(setting, place + onward, side=side, beyond_m=width / 2 + 0.3)
        if spot is not None and not stands_near(spot[0], others, length_m=width):
            break
    else:
        return None
    xy, yaw = spot
    return Role(
        body=body, walk=stand(xy, yaw, setting.times_s), posture=Posture.ACTIVE, acts=actor.manoeuvres, event=True
    )
