"""Where a route meets a junction, when, and who has to wait there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from datagen.scene import EGO_SIZE_LWH_M, Category
from datagen.scene.plan import Plan
from datagen.traffic.limits import limits_of, rear_axle_m
from datagen.traffic.needs import all_acts, any_drives_across, ego_turn
from datagen.traffic.role import Role
from datagen.traffic.route import Route
from datagen.traffic.script import STEP_S

if TYPE_CHECKING:
    from datagen.traffic.setting import Setting

EGO_FRONT_M = 1.368 + EGO_SIZE_LWH_M[0] / 2
"""From the ego's rear axle to its front bumper."""
STOP_BEFORE_M = 6.5
"""A stop line lies this far before the junction, beyond the crossing."""


def junction_entry(route: Route) -> float | None:
    """Return where a route enters its first junction, metres along, or None."""
    for lane in route.lanes:
        if lane.junction:
            return route.start_of(lane.id)
    return None


def turn_time_s(duration_s: float) -> float:
    """Return when somebody who turns enters the junction; in a short clip it has before it begins."""
    return float(min(0.2 * duration_s, duration_s - 2.6, 2.0))


def start_before(route: Route, at_m: float, *, speed_mps: float, within_s: float) -> float:
    """Return where to be at time 0 so as to be at `at_m` at `within_s`, which may be past (a car on a free road)."""
    most = route.speed_limits(limits_of(Category.CAR).lateral_mps2, 1.8)
    along, step = at_m, STEP_S if within_s > 0 else -STEP_S
    for _ in range(round(abs(within_s) / STEP_S)):
        along -= step * min(speed_mps, float(most[int(np.clip(along, 0, len(most) - 1))]))
    return along


def stopping_m(speed_mps: float, *, warned_s: float, brake_mps2: float) -> float:
    """Return how far ahead of its rear axle the ego must first see somebody who is there `warned_s` later."""
    return speed_mps * warned_s + speed_mps**2 / (2 * brake_mps2) + EGO_FRONT_M + 3.0


def junction_reach_m(plan: Plan, speed_mps: float, duration_s: float) -> float:
    """Return how far before a junction the ego starts when it is others who turn or cross there."""
    if any_drives_across(plan):
        return max(stopping_m(speed_mps, warned_s=0.3, brake_mps2=2.5) + 7.0, 18.0)
    lead = turn_time_s(duration_s)
    if any(a.where == "opposite" and m.do == "turn" for a, m in all_acts(plan)):
        return float(np.clip(speed_mps * (lead + 3.0) + 10.0, 24.0, 48.0))
    return speed_mps * max(lead, 0.0) + 17.0


def held_at_lines(setting: Setting, roles: Sequence[Role]) -> list[Role]:
    """Keep those at their stop lines who would cross the way of whoever has the junction.

    The ego's street has it, unless somebody is asked to drive across; oncoming traffic waits for a left turn.
    """
    entry = junction_entry(setting.route)
    if entry is None:
        return list(roles)
    across = any_drives_across(setting.plan)
    lefts = ego_turn(setting.plan) == "left" or any(
        m.do == "turn" and m.side == "left" for _, m in all_acts(setting.plan)
    )
    heading = float(setting.route.line.at(entry)[1][0])
    held = []
    for role in roles:
        driver = role.driver
        own = junction_entry(driver.route) if driver is not None else None
        if driver is None or own is None or (role.event and role.acts and not _goes_with_ego(role)):
            held.append(role)
            continue
        towards = np.cos(float(driver.route.line.at(own)[1][0]) - heading)
        stops = across if abs(towards) > 0.5 else not across
        stops = stops or (lefts and towards < -0.5)
        line = own - STOP_BEFORE_M
        nose = driver.s_m + driver.size_lwh_m[0] / 2 + rear_axle_m(driver.size_lwh_m[0])
        held.append(replace(role, driver=replace(driver, hold_m=line)) if stops and nose < line else role)
    return held


def _goes_with_ego(role: Role) -> bool:
    return all(m.do not in ("turn", "cross", "jaywalk", "u_turn") for m in role.acts)
