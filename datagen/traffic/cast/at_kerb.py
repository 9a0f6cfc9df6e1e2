"""Vehicles that stand at the kerb: for good, or until they pull out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from datagen.scene import Group, Posture
from datagen.scene.plan import Manoeuvre, PlanActor
from datagen.traffic.cast.kerbside import kerb_shift_m, kerb_spot, stands_near
from datagen.traffic.cast.scripting import Way, scripted, start_of_s
from datagen.traffic.crossing import crossing_time_s
from datagen.traffic.junction import EGO_FRONT_M, stopping_m
from datagen.traffic.limits import limits_of, rear_axle_m
from datagen.traffic.needs import all_acts
from datagen.traffic.people import stand
from datagen.traffic.role import Body, Role, driver_of
from datagen.traffic.script import cruise
from datagen.traffic.setting import Setting


def parked(
    actor: PlanActor,
    body: Body,
    *,
    setting: Setting,
    others: Sequence[Role],
    order: int,
    rng: np.random.Generator,
) -> Role | None:
    """Stand at the kerb ahead of the ego."""
    length = body.size_lwh_m[0]
    reach = _said_gap_m(actor)
    reach = reach if reach is not None else _reach_m(setting, length_m=length, rng=rng)
    place = setting.s_m + EGO_FRONT_M + reach + length / 2 + order * (length + 1.5)
    for s, side in _spots(actor, place, setting=setting):
        spot = kerb_spot(setting, s, side=side, width_m=body.size_lwh_m[1])
        if spot is not None and not stands_near(spot[0], others, length_m=length):
            return Role(
                body=body,
                walk=stand(*spot, setting.times_s),
                posture=Posture.PARKED if body.category.group is Group.VEHICLE else Posture.RIDERLESS,
                acts=actor.manoeuvres,
                event=True,
            )
    return None


def pulling_out(
    actor: PlanActor, body: Body, *, setting: Setting, others: Sequence[Role], order: int, rng: np.random.Generator
) -> Role | None:
    """Stand at the right kerb ahead of the ego, then drive off into the lane."""
    lane = setting.outermost
    route = setting.network.route(lane)
    if route is None:
        return None
    first = next((m for m in actor.manoeuvres if m.do == "pull_out"), Manoeuvre(do="pull_out"))
    acts = actor.manoeuvres if first in actor.manoeuvres else (first, *actor.manoeuvres)
    begins = start_of_s(acts, first, body=body, setting=setting, speed_mps=0.0)
    gap = first.gap_m or first.when_gap_below_m or actor.gap_m
    ego_mps = setting.speed_mps
    room = ego_mps * 1.6 + ego_mps**2 / (2 * 4.0)
    usual = max(float(rng.uniform(4.0, 8.0)), 0.6 * room if first.hard else room)
    gap = usual if gap is None else max(gap, 0.5 * room)  # the ego must be able to brake for it
    length = body.size_lwh_m[0]
    place = setting.ego_at(begins) + EGO_FRONT_M + gap + length / 2 - rear_axle_m(length)
    place += order * (length + 3.0)
    for onward in (0.0, 3.0, 6.0, 9.0, 12.0, 16.0, 20.0):
        spot = kerb_spot(setting, place + onward, side="right", width_m=body.size_lwh_m[1])
        if spot is not None and not stands_near(spot[0], others, length_m=length):
            place += onward
            break
    offset = kerb_shift_m(setting, lane, at_m=place, body=body)
    script = cruise(setting.times_s, 0.0, limits=limits_of(body.category), offset_m=offset)
    way = Way(lane=lane, toward_ego=True, at_m=place)
    script, cues = scripted(script, acts, way, body=body, setting=setting, speed_mps=0.0)
    start = float(route.line.project(setting.route.line.at(place)[0])[0][0])
    driver = driver_of(body, route, script, cues=cues, s_m=start, speed_mps=0.0)
    return Role(body=body, driver=driver, acts=actor.manoeuvres, event=True)


def run_out_reach_m(setting: Setting) -> float:
    """Return how far ahead of the ego's rear axle somebody runs out, so that it can just brake for him."""
    warned = max(crossing_time_s(setting.duration_s) - 1.0 - 2.2 / 2.5, 0.0)
    return min(stopping_m(setting.speed_mps, warned_s=warned, brake_mps2=3.5), 36.0)


def _said_gap_m(actor: PlanActor) -> float | None:
    return actor.gap_m or next((m.gap_m for m in actor.manoeuvres if m.gap_m), None)


def _reach_m(setting: Setting, *, length_m: float, rng: np.random.Generator) -> float:
    """Return a gap to whoever is parked; where somebody runs out from behind it, the one that suits him."""
    if any(m.do == "run_out" for _, m in all_acts(setting.plan)):
        return max(run_out_reach_m(setting) - EGO_FRONT_M - length_m - 1.0, 5.0)
    return float(rng.uniform(7.0, 18.0))


def _spots(actor: PlanActor, place_m: float, *, setting: Setting) -> Iterator[tuple[float, str]]:
    """Yield places along the ego's route and sides, nearest to `place_m` first, on the side that was said."""
    said = next((m.side for m in actor.manoeuvres if m.side), None)
    said = said or (actor.where if actor.where in ("left", "right") else None)
    sides = (said,) if said is not None else ("right", "left")
    for side in sides:
        for step in range(14):
            for sign in (1, -1):
                if place_m + sign * 3.0 * step > setting.s_m + 4.0:
                    yield place_m + sign * 3.0 * step, side
