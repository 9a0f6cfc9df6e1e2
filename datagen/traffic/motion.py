"""How vehicles move: a kinematic bicycle that steers along its route, and IDM that keeps its distance.

All vehicles of a scene are stepped together, every STEP_S. Arrays are of shape (vehicles, ...).

```
  route ●───●───●───●───●──▶   look ahead along the route: whoever's box reaches into the band that this vehicle
            ╲_lane change       will sweep (from where it is to where it wants to be) is the leader
```

Longitudinal: Intelligent Driver Model (Treiber, Hennecke, Helbing 2000), acceleration limited in jerk.
Lateral: the curvature that brings offset and heading error to zero along a critically damped second-order curve
in arc length, limited in size and rate; integrated as an arc, which is the kinematic bicycle's exact motion of
the rear axle (Rajamani, Vehicle Dynamics and Control, eq. 2.9-2.12 with the slip angle at the rear axle).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from datagen.scene import Category
from datagen.traffic.leader import Bodies, Field, People, leader, station_of
from datagen.traffic.limits import limits_of
from datagen.traffic.route import GRID_M, Route
from datagen.traffic.script import STEP_S, WARM_UP_S, Cue, Script

_HEADWAY_S = 1.1
_JAM_GAP_M = 2.0
_LOOK_EVERY = 3
"""Who is ahead is looked up in every third step; in between the gap goes on as it went."""
_LOOKS_S = np.array([0.0, 0.15, 0.5])[:, None]
_ASKEW_RAD = 0.5
"""Nobody wants to stand more askew to his way than this while he goes aside."""


@dataclass(frozen=True, kw_only=True)
class Driver:
    """One vehicle: what it is, its way, where it begins, and what it wants at each step.

    s_m, d_m: of the rear axle at the first step.  speed_mps: at the first step.  cues: what waits for a trigger.
    hold_m: it may not pass this point (a stop line).  headway_s: time gap it keeps.  side_room_m: it wants this much
    on either side of those it passes.  bold: while it changes lanes it minds only where it is going to.
    """

    id: str
    category: Category
    size_lwh_m: tuple[float, float, float]
    route: Route
    s_m: float
    d_m: float
    speed_mps: float
    script: Script
    cues: tuple[Cue, ...] = ()
    hold_m: float = np.inf
    headway_s: float = _HEADWAY_S
    side_room_m: float = 0.35
    bold: bool = False


@dataclass(frozen=True, kw_only=True)
class Walkers:
    """Those who do not react but are reacted to. Arrays of shape (steps, walkers, 2) and (walkers,)."""

    xy_m: Float[np.ndarray, "steps walkers 2"]
    velocity_mps: Float[np.ndarray, "steps walkers 2"]
    radius_m: Float[np.ndarray, "walkers"]


@dataclass(frozen=True, kw_only=True)
class Motion:
    """What came out, of the rear axles; `along_m` is the way made along each one's route."""

    x_m: Float[np.ndarray, "steps vehicles"]
    y_m: Float[np.ndarray, "steps vehicles"]
    yaw_rad: Float[np.ndarray, "steps vehicles"]
    speed_mps: Float[np.ndarray, "steps vehicles"]
    along_m: Float[np.ndarray, "steps vehicles"]


class _Wishes:
    """What everybody wants at each step, and the cues that may change it. Arrays of shape (steps, vehicles)."""

    def __init__(self, drivers: Sequence[Driver]) -> None:
        self._scripts = [driver.script for driver in drivers]
        self._waiting = [list(driver.cues) for driver in drivers]
        self.any_cue = any(self._waiting)
        self.speed = np.stack([script.wish_mps for script in self._scripts], axis=1)
        self.slow = np.stack([script.slow_mps2 for script in self._scripts], axis=1)
        self.hurry = np.stack([script.hurry_mps2 for script in self._scripts], axis=1)
        self.offset = np.stack([script.offset_m for script in self._scripts], axis=1)
        self._differentiate()

    def _differentiate(self) -> None:
        self.drift = np.gradient(self.offset, STEP_S, axis=0)
        self.swing = np.gradient(self.drift, STEP_S, axis=0)
        later = np.minimum(np.arange(len(self.offset)) + 25, len(self.offset) - 1)
        self.goal = self.offset[later]

    def listen(self, step: int, *, gap_m: Float[np.ndarray, "vehicles"], ego_m: float) -> None:
        """Write what begins now. gap_m: of each vehicle to the ego.  ego_m: driven by it since the clip's start."""
        for column, cues in enumerate(self._waiting):
            if not cues:
                continue
            near, far = cues[0].when_gap_below_m, cues[0].when_ego_at_m
            if (near is not None and gap_m[column] < near) or (far is not None and ego_m >= far):
                script = self._scripts[column]
                self._scripts[column] = cues.pop(0).write(script, float(script.times_s[step]))
                self._take(column)

    def _take(self, column: int) -> None:
        script = self._scripts[column]
        self.speed[:, column], self.offset[:, column] = script.wish_mps, script.offset_m
        self.slow[:, column], self.hurry[:, column] = script.slow_mps2, script.hurry_mps2
        self._differentiate()


def drive(drivers: Sequence[Driver], walkers: Walkers, *, steps: int) -> Motion:
    """Step all drivers together and return where their rear axles went. The first driver is the ego."""
    field = Field.of(drivers)
    limits = [limits_of(driver.category) for driver in drivers]
    bodies = Bodies.of(drivers, radius=walkers.radius_m)
    people = [People(xy, going) for xy, going in zip(walkers.xy_m, walkers.velocity_mps)]
    brake = np.array([limit.brake_mps2 for limit in limits])
    comfort = np.array([limit.comfort_mps2 for limit in limits])
    jerk = np.array([limit.jerk_mps3 for limit in limits]) * STEP_S
    curvature_most = np.array([limit.curvature for limit in limits])
    curvature_step = np.array([limit.curvature_rate for limit in limits]) * STEP_S
    lateral = np.array([limit.lateral_mps2 for limit in limits]) * 1.6
    wish = _Wishes(drivers)
    hold = np.array([driver.hold_m for driver in drivers])
    headway = np.array([driver.headway_s for driver in drivers])
    bold = np.array([driver.bold for driver in drivers])
    any_bold = bool(bold.any())
    any_hold = bool(np.isfinite(hold).any())

    s = np.array([driver.s_m for driver in drivers])
    v = np.array([driver.speed_mps for driver in drivers])
    row = np.arange(len(drivers))
    station = station_of(s, field)
    point_x, point_y, ahead_x, ahead_y, yaw = np.ascontiguousarray(field.way[row, station].T)
    d, on = np.array([driver.d_m for driver in drivers]), s - station * GRID_M
    x, y = point_x + on * ahead_x - d * ahead_y, point_y + on * ahead_y + d * ahead_x
    a, bend = np.zeros_like(v), field.curvature[row, station].copy()
    seen, leader_v = np.full_like(v, np.inf), np.zeros_like(v)
    track = np.empty((5, steps, len(drivers)))
    clip_starts = round(WARM_UP_S / STEP_S)

    for step in range(steps):
        track[:, step] = x, y, yaw, v, s
        if wish.any_cue and step >= clip_starts:
            mid_x, mid_y = x + bodies.middle * np.cos(yaw), y + bodies.middle * np.sin(yaw)
            apart = np.hypot(mid_x - mid_x[0], mid_y - mid_y[0]) - (bodies.length + bodies.length[0]) / 2
            wish.listen(step, gap_m=apart, ego_m=float(s[0] - track[4, clip_starts, 0]))
        # Where it is, where it looks for bends, and where for limits of speed: half a second on.
        station, preview, onward = station_of(s + _LOOKS_S * v, field)
        point_x, point_y, ahead_x, ahead_y, heading = field.way[row, station].T
        off_x, off_y = x - point_x, y - point_y
        s = station * GRID_M + off_x * ahead_x + off_y * ahead_y
        d = off_y * ahead_x - off_x * ahead_y
        # --- along
        nose_s = s + bodies.nose
        if step % _LOOK_EVERY == 0:
            goal = wish.goal[step]
            here = np.where(bold, goal, d) if any_bold else d
            band = np.minimum(here, goal), np.maximum(here, goal)
            xy = np.column_stack([x, y])
            seen, leader_v = leader(field, nose_s, band, bodies=bodies, xy=xy, yaw=yaw, v=v, people=people[step])
        else:
            seen = seen + (leader_v - v) * STEP_S
        gap, ahead_v = seen, leader_v
        if any_hold:
            to_line = hold - nose_s
            at_line = (to_line < gap) & (to_line > -2.0)
            gap, ahead_v = np.where(at_line, to_line, gap), np.where(at_line, 0.0, ahead_v)
        speed, slow = wish.speed[step], wish.slow[step]
        free = np.minimum(np.maximum(speed, 0.0), field.limit[row, onward])
        a_wish = _idm(v, free, gap, ahead_v, slow=slow, hurry=wish.hurry[step], comfort=comfort, headway=headway)
        back = (speed < 0.0) | (v < 0.0)
        a_wish = np.where(back, np.minimum(np.maximum((speed - v) / 0.5, -slow), slow), a_wish)
        a = np.minimum(np.maximum(np.maximum(a_wish, -brake), a - jerk), a + jerk)
        v_next = np.maximum(v + a * STEP_S, np.where(back, -3.5, 0.0))
        a = (v_next - v) / STEP_S
        # --- across
        way = np.maximum(v, 1.5)
        settle = np.maximum(3.5, 0.55 * v)
        askew = np.arctan2(wish.drift[step], way)
        heading_error = _wrapped(yaw - heading) - _within(askew, _ASKEW_RAD)
        wanted = (
            field.curvature[row, preview]
            + _within(wish.swing[step] / way**2, 0.15)
            - np.where(v < 0.0, -2.0, 2.0) / settle * heading_error
            - (d - wish.offset[step]) / settle**2
        )
        most = np.minimum(curvature_most, lateral / np.maximum(v, 0.5) ** 2)
        bend = np.minimum(np.maximum(_within(wanted, most), bend - curvature_step), bend + curvature_step)
        # --- move on an arc
        distance = (v + v_next) / 2 * STEP_S
        chord = yaw + distance * bend / 2
        x, y = x + distance * np.cos(chord), y + distance * np.sin(chord)
        yaw, v, s = yaw + distance * bend, v_next, s + distance
    return Motion(x_m=track[0], y_m=track[1], yaw_rad=track[2], speed_mps=track[3], along_m=track[4])


def _idm(
    v: Float[np.ndarray, "n"],
    free: Float[np.ndarray, "n"],
    gap: Float[np.ndarray, "n"],
    leader_v: Float[np.ndarray, "n"],
    *,
    slow: Float[np.ndarray, "n"],
    hurry: Float[np.ndarray, "n"],
    comfort: Float[np.ndarray, "n"],
    headway: Float[np.ndarray, "n"],
) -> Float[np.ndarray, "n"]:
    """Return IDM's acceleration, where too fast a vehicle slows by at most `slow` unless somebody is ahead."""
    ratio = v / np.maximum(free, 0.1)
    settling = (free - v) / 0.4 - np.where(free < 0.1, 0.5, 0.0)  # a stop is reached, not approached for ever
    drive_on = np.where((ratio <= 1.0) & (free >= 0.1), hurry * (1.0 - ratio**4), np.maximum(-slow, settling))
    desired = _JAM_GAP_M + np.maximum(0.0, v * headway + v * (v - leader_v) / (2 * np.sqrt(hurry * comfort)))
    return drive_on - hurry * (desired / np.maximum(gap, 0.3)) ** 2


def _wrapped(angle: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    return (angle + np.pi) % (2 * np.pi) - np.pi


def _within(value: Float[np.ndarray, "n"], most: Float[np.ndarray, "n"] | float) -> Float[np.ndarray, "n"]:
    return np.minimum(np.maximum(value, -most), most)
