"""Who of the background changes lanes: MOBIL (Kesting, Treiber, Helbing 2007), asked once, when the clip starts.

```
  target lane   ──[new follower]────────────────[new leader]──
  own lane      ────────[old follower]──[me]──[old leader]────
```
A driver changes when that gains him more than _THRESHOLD, politely counting what his followers gain or lose, and when
the new follower need not brake harder than _SAFE. The change itself is the script's quintic. Lanes where somebody acts
are not gone to: the background never spoils the event.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from datagen.traffic.limits import Limits, limits_of
from datagen.traffic.role import Role
from datagen.traffic.script import shift, shift_time_s
from datagen.traffic.setting import Setting, neighbour_shift_m

POLITENESS = 0.3
"""How much what others gain counts beside one's own gain (the paper's p)."""
_THRESHOLD_MPS2, _SAFE_MPS2 = 0.2, 3.0
_HEADWAY_S, _JAM_GAP_M = 1.1, 2.0
_HALF_LANE_M = 1.75
_STAGE_M = 80.0
"""So near to an actor of the event nobody changes into its lane."""


def changing_lanes(
    setting: Setting, event: Sequence[Role], others: Sequence[Role], *, rng: np.random.Generator
) -> list[Role]:  # fmt: skip
    """Return the background with lane changes written into the scripts of those for whom they pay."""
    driven = [role for role in (*event, *others) if role.driver is not None]
    crowd = _Crowd(
        xy_m=np.array([_place(role) for role in driven]).reshape(-1, 2),
        length_m=np.array([role.body.size_lwh_m[0] for role in driven]),
        speed_mps=np.array([role.driver.speed_mps for role in driven if role.driver]),
        acting=np.array([role.event or role.body.id == "ego" for role in driven]),
    )
    column = {role.body.id: number for number, role in enumerate(driven)}
    changed: list[Role] = []
    moved = False
    for role in others:
        better = None if moved or role.driver is None else _better(setting, role, crowd, me=column[role.body.id])
        if better is None or role.driver is None:
            changed.append(role)
            continue
        at_s, limits = float(rng.uniform(0.3, 0.4 * setting.duration_s)), limits_of(role.body.category)
        takes = max(1.3 * shift_time_s(better, limits), 3.2)
        script = shift(role.driver.script, at_s=at_s, takes_s=takes, by_m=better)
        changed.append(replace(role, driver=replace(role.driver, script=script)))
        moved = True  # the next would have to be asked in what this one makes of the road
    return changed


@dataclass(frozen=True, kw_only=True)
class _Crowd:
    """All who drive when the clip starts, and which of them act in the event. Arrays of shape (n, ...)."""

    xy_m: Float[np.ndarray, "n 2"]
    length_m: Float[np.ndarray, "n"]
    speed_mps: Float[np.ndarray, "n"]
    acting: Bool[np.ndarray, "n"]


@dataclass(frozen=True, kw_only=True)
class _Beside:
    """Leader and follower on a lane: gaps bumper to bumper, inf where there is nobody, and speeds."""

    ahead_m: float
    ahead_mps: float
    behind_m: float
    behind_mps: float


def _better(setting: Setting, role: Role, crowd: _Crowd, *, me: int) -> float | None:
    """Return how far left the better lane is, or None where one's own is the best. me: its place in the crowd."""
    driver = role.driver
    assert driver is not None
    lane = driver.route.lanes[0] if driver.route.lanes else None
    if lane is None or driver.hold_m < np.inf or driver.script.offset_m.any():
        return None
    lanes = [setting.lanes.get(name) for name in (lane.left_neighbor, lane.right_neighbor) if name is not None]
    if not any(lanes):
        return None
    along, across = driver.route.line.project(crowd.xy_m)
    gains = []
    for beside in filter(None, lanes):
        if setting.network.ends_early(beside):
            continue
        by_m = neighbour_shift_m(lane, beside)
        there = np.abs(across - by_m) < _HALF_LANE_M
        if np.any(crowd.acting & there & (np.abs(along - along[me]) < _STAGE_M)):
            continue
        here = _around(me, np.abs(across) < _HALF_LANE_M, along, crowd)
        gain = _gain(here, _around(me, there, along, crowd), role)
        if gain is not None:
            gains.append((gain, by_m))
    return max(gains)[1] if gains else None


def _around(me: int, on: Bool[np.ndarray, "n"], along: Float[np.ndarray, "n"], crowd: _Crowd) -> _Beside:
    length, speed = crowd.length_m, crowd.speed_mps
    apart = along - along[me]
    gap = np.abs(apart) - (length + length[me]) / 2
    mine = np.arange(len(along)) == me
    before, after = on & ~mine & (apart >= 0.0), on & ~mine & (apart < 0.0)
    first = int(np.argmin(np.where(before, gap, np.inf)))
    last = int(np.argmin(np.where(after, gap, np.inf)))
    return _Beside(
        ahead_m=float(gap[first]) if before.any() else np.inf,
        ahead_mps=float(speed[first]),
        behind_m=float(gap[last]) if after.any() else np.inf,
        behind_mps=float(speed[last]),
    )


def _gain(here: _Beside, there: _Beside, role: Role) -> float | None:
    """Return MOBIL's incentive, m/s^2, or None where it is below the threshold or the change unsafe."""
    assert role.driver is not None
    limits, speed = limits_of(role.body.category), role.driver.speed_mps
    wish = float(np.max(role.driver.script.wish_mps))
    if min(there.ahead_m, there.behind_m) < 4.0:
        return None
    pressed = idm(there.behind_mps, there.behind_mps, gap_m=there.behind_m, leader_mps=speed, limits=limits)
    if pressed < -_SAFE_MPS2:
        return None
    relieved = idm(here.behind_mps, here.behind_mps, gap_m=here.behind_m, leader_mps=speed, limits=limits)
    mine = idm(speed, wish, gap_m=there.ahead_m, leader_mps=there.ahead_mps, limits=limits)
    mine -= idm(speed, wish, gap_m=here.ahead_m, leader_mps=here.ahead_mps, limits=limits)
    gain = mine + POLITENESS * (pressed - relieved)
    return gain if gain > _THRESHOLD_MPS2 else None


def idm(speed_mps: float, wish_mps: float, *, gap_m: float, leader_mps: float, limits: Limits) -> float:
    """Return IDM's acceleration (Treiber, Hennecke, Helbing 2000), m/s^2; `gap_m` may be inf."""
    free = 1.0 - (speed_mps / max(wish_mps, 0.5)) ** 4
    if not np.isfinite(gap_m):
        return limits.accel_mps2 * free
    closing = speed_mps * (speed_mps - leader_mps) / (2.0 * float(np.sqrt(limits.accel_mps2 * limits.comfort_mps2)))
    desired = _JAM_GAP_M + max(0.0, speed_mps * _HEADWAY_S + closing)
    return limits.accel_mps2 * (free - (desired / max(gap_m, 0.3)) ** 2)


def _place(role: Role) -> Float[np.ndarray, "2"]:
    assert role.driver is not None
    return role.driver.route.line.at(role.driver.s_m, role.driver.d_m)[0][0]
