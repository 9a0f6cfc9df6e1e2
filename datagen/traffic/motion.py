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
from datagen.traffic.limits import limits_of, rear_axle_m
from datagen.traffic.route import GRID_M, Route

STEP_S = 0.1
_HEADWAY_S = 1.1
_JAM_GAP_M = 2.0
_PROBES = 16
_LOOK_EVERY = 2
"""Who is ahead is looked up in every second step; in between the gap goes on as it went."""
_SIDE_ROOM_M = 0.35
"""Room one wants on either side of those one passes."""


@dataclass(frozen=True, kw_only=True)
class Driver:
    """One vehicle: what it is, its way, where it begins, and what it wants at each step.

    s_m, d_m: of the rear axle at the first step.  speed_mps: at the first step.
    wish_mps: speed it wants.  slow_mps2, hurry_mps2: how hard it brakes and accelerates towards that.
    offset_m: how far left of its route it wants to be; quintic pieces.  hold_m: it may not pass this point (a
    stop line).  headway_s: time gap it keeps.  bold: while it changes lanes it minds only where it is going to.
    """

    id: str
    category: Category
    size_lwh_m: tuple[float, float, float]
    route: Route
    s_m: float
    d_m: float
    speed_mps: float
    wish_mps: Float[np.ndarray, "steps"]
    slow_mps2: Float[np.ndarray, "steps"]
    hurry_mps2: Float[np.ndarray, "steps"]
    offset_m: Float[np.ndarray, "steps"]
    hold_m: float = np.inf
    headway_s: float = _HEADWAY_S
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


@dataclass(frozen=True)
class _Field:
    """Every vehicle's route and constants, stacked; routes are padded with their straight continuation."""

    points: Float[np.ndarray, "vehicles points 2"]
    tangent: Float[np.ndarray, "vehicles points 2"]
    curvature: Float[np.ndarray, "vehicles points"]
    limit: Float[np.ndarray, "vehicles points"]


def drive(drivers: Sequence[Driver], walkers: Walkers, *, steps: int) -> Motion:
    """Step all drivers together and return where their rear axles went."""
    field = _field(drivers)
    limits = [limits_of(driver.category) for driver in drivers]
    length = np.array([driver.size_lwh_m[0] for driver in drivers])
    width = np.array([driver.size_lwh_m[1] for driver in drivers])
    nose = length / 2 + np.array([rear_axle_m(driver.size_lwh_m[0]) for driver in drivers])
    bodies = _Bodies(length, width, nose)
    people = [_People(xy, going, walkers.radius_m) for xy, going in zip(walkers.xy_m, walkers.velocity_mps)]
    brake = np.array([limit.brake_mps2 for limit in limits])
    comfort = np.array([limit.comfort_mps2 for limit in limits])
    jerk = np.array([limit.jerk_mps3 for limit in limits]) * STEP_S
    curvature_most = np.array([limit.curvature for limit in limits])
    curvature_step = np.array([limit.curvature_rate for limit in limits]) * STEP_S
    lateral = np.array([limit.lateral_mps2 for limit in limits]) * 1.6
    wish = np.stack([driver.wish_mps for driver in drivers], axis=1)
    slow = np.stack([driver.slow_mps2 for driver in drivers], axis=1)
    hurry = np.stack([driver.hurry_mps2 for driver in drivers], axis=1)
    offset = np.stack([driver.offset_m for driver in drivers], axis=1)
    drift = np.gradient(offset, STEP_S, axis=0)
    swing = np.gradient(drift, STEP_S, axis=0)
    goal = offset[np.minimum(np.arange(steps) + 25, steps - 1)]
    hold = np.array([driver.hold_m for driver in drivers])
    headway = np.array([driver.headway_s for driver in drivers])
    bold = np.array([driver.bold for driver in drivers])

    s = np.array([driver.s_m for driver in drivers])
    v = np.array([driver.speed_mps for driver in drivers])
    row = np.arange(len(drivers))
    station = _station(s, field)
    ahead = field.tangent[row, station]
    left = _left(ahead)
    d = np.array([driver.d_m for driver in drivers])
    xy = field.points[row, station] + (s - station * GRID_M)[:, None] * ahead + d[:, None] * left
    yaw = np.arctan2(ahead[:, 1], ahead[:, 0])
    a, bend = np.zeros_like(v), field.curvature[row, station].copy()
    seen, leader_v = np.full_like(v, np.inf), np.zeros_like(v)
    track = np.empty((5, steps, len(drivers)))

    for step in range(steps):
        track[:, step] = xy[:, 0], xy[:, 1], yaw, v, s
        station = _station(s, field)
        ahead = field.tangent[row, station]
        relative = xy - field.points[row, station]
        s = station * GRID_M + np.sum(relative * ahead, axis=1)
        d = np.sum(relative * _left(ahead), axis=1)
        # --- along
        nose_s = s + nose
        if step % _LOOK_EVERY == 0:
            here = np.where(bold, goal[step], d)
            band = np.minimum(here, goal[step]), np.maximum(here, goal[step])
            seen, leader_v = _leader(field, nose_s, band, bodies=bodies, xy=xy, yaw=yaw, v=v, people=people[step])
        else:
            seen = seen + (leader_v - v) * STEP_S
        gap, ahead_v = seen, leader_v
        to_line = hold - nose_s
        at_line = (to_line < gap) & (to_line > -2.0)
        gap, ahead_v = np.where(at_line, to_line, gap), np.where(at_line, 0.0, ahead_v)
        free = np.minimum(wish[step], field.limit[row, _station(s + 0.5 * v, field)])
        a_wish = _idm(v, free, gap, ahead_v, slow=slow[step], hurry=hurry[step], comfort=comfort, headway=headway)
        a = np.clip(np.clip(a_wish, -brake, None), a - jerk, a + jerk)
        v_next = np.maximum(v + a * STEP_S, 0.0)
        a = (v_next - v) / STEP_S
        # --- across
        way = np.maximum(v, 1.5)
        settle = np.maximum(3.5, 0.55 * v)
        preview = _station(s + 0.15 * v, field)
        heading_error = _wrapped(yaw - np.arctan2(ahead[:, 1], ahead[:, 0])) - np.arctan2(drift[step], way)
        wanted = (
            field.curvature[row, preview]
            + np.clip(swing[step] / way**2, -0.15, 0.15)
            - 2.0 / settle * heading_error
            - (d - offset[step]) / settle**2
        )
        most = np.minimum(curvature_most, lateral / np.maximum(v, 0.5) ** 2)
        bend = np.clip(np.clip(wanted, -most, most), bend - curvature_step, bend + curvature_step)
        # --- move on an arc
        distance = (v + v_next) / 2 * STEP_S
        chord = yaw + distance * bend / 2
        xy = xy + distance[:, None] * np.stack([np.cos(chord), np.sin(chord)], axis=1)
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
    push = np.where(np.isfinite(gap), hurry * (desired / np.maximum(gap, 0.3)) ** 2, 0.0)
    return drive_on - push


@dataclass(frozen=True)
class _Bodies:
    """Sizes of the vehicles; `nose` from the rear axle to the front bumper."""

    length: Float[np.ndarray, "n"]
    width: Float[np.ndarray, "n"]
    nose: Float[np.ndarray, "n"]


@dataclass(frozen=True)
class _People:
    """Those on foot at one step."""

    xy: Float[np.ndarray, "w 2"]
    velocity: Float[np.ndarray, "w 2"]
    radius: Float[np.ndarray, "w"]


def _leader(
    field: _Field,
    nose_s: Float[np.ndarray, "n"],
    band: tuple[Float[np.ndarray, "n"], Float[np.ndarray, "n"]],
    *,
    bodies: _Bodies,
    xy: Float[np.ndarray, "n 2"],
    yaw: Float[np.ndarray, "n"],
    v: Float[np.ndarray, "n"],
    people: _People,
) -> tuple[Float[np.ndarray, "n"], Float[np.ndarray, "n"]]:
    """Return gap and speed of whoever stands in each one's way; an infinite gap where nobody does."""
    count, length, width = len(v), bodies.length, bodies.width
    facing = np.stack([np.cos(yaw), np.sin(yaw)], axis=1)
    middle = xy + (bodies.nose - length / 2)[:, None] * facing
    # People are there twice: where they are, and where they will be in a moment.
    other_xy = np.concatenate([middle, people.xy, people.xy + 1.2 * people.velocity])
    other_v = np.concatenate([v[:, None] * facing, people.velocity, people.velocity])
    radius = np.tile(people.radius, 2)

    reach = np.maximum(2.5, 4.5 * v / _PROBES)
    probe = _station(nose_s[:, None] + reach[:, None] * np.arange(_PROBES), field)
    row = np.arange(count)[:, None]
    point, ahead = field.points[row, probe], field.tangent[row, probe]
    relative = other_xy[None, :, None] - point[:, None]
    along = relative[..., 0] * ahead[:, None, :, 0] + relative[..., 1] * ahead[:, None, :, 1]
    across = relative[..., 1] * ahead[:, None, :, 0] - relative[..., 0] * ahead[:, None, :, 1]
    # How much of the way each other body takes up, along and across, as the way runs there.
    cos = np.abs(ahead[:, None, :, 0] * facing[None, :, None, 0] + ahead[:, None, :, 1] * facing[None, :, None, 1])
    sin = np.sqrt(np.maximum(1.0 - cos**2, 0.0))
    discs = np.broadcast_to(radius[None, :, None], (count, len(radius), _PROBES))
    half_along = np.concatenate([(cos * length[:, None] + sin * width[:, None]) / 2, discs], axis=1)
    half_across = np.concatenate([(sin * length[:, None] + cos * width[:, None]) / 2, discs + 0.5], axis=1)
    room = half_across + width[:, None, None] / 2 + _SIDE_ROOM_M
    hit = (np.abs(along) <= reach[:, None, None] / 2 + 1.0) & (across > band[0][:, None, None] - room)
    hit &= across < band[1][:, None, None] + room
    hit[np.arange(count), np.arange(count)] = False
    distance = probe[:, None] * GRID_M + along - nose_s[:, None, None] - half_along
    distance = np.where(hit & (distance > -half_along), distance, np.inf)
    nearest = distance.reshape(count, -1)
    best = np.argmin(nearest, axis=1)
    who = best // _PROBES
    gap = nearest[np.arange(count), best]
    return gap, np.maximum(np.sum(other_v[who] * facing, axis=1), 0.0)


def _field(drivers: Sequence[Driver]) -> _Field:
    size = max(len(driver.route.line.points_m) for driver in drivers) + 60
    points, tangents, curvatures, limits = [], [], [], []
    for driver in drivers:
        route, limit = driver.route, limits_of(driver.category)
        xy, tangent = route.line.points_m, np.concatenate([route.line.tangent, route.line.tangent[-1:]])
        extra = size - len(xy)
        beyond = xy[-1] + GRID_M * np.arange(1, extra + 1)[:, None] * tangent[-1]
        points.append(np.concatenate([xy, beyond]))
        tangents.append(np.concatenate([tangent, np.tile(tangent[-1], (extra, 1))]))
        curvatures.append(np.pad(route.curvature, (0, extra)))
        speed = route.speed_limits(limit.lateral_mps2, 1.8)
        limits.append(np.pad(speed, (0, extra), mode="edge"))
    return _Field(np.stack(points), np.stack(tangents), np.stack(curvatures), np.stack(limits))


def _station(s: Float[np.ndarray, "*shape"], field: _Field) -> np.ndarray:
    return np.minimum(np.maximum((s / GRID_M).astype(np.int64), 0), field.points.shape[1] - 1)


def _left(ahead: Float[np.ndarray, "*shape 2"]) -> Float[np.ndarray, "*shape 2"]:
    return np.stack([-ahead[..., 1], ahead[..., 0]], axis=-1)


def _wrapped(angle: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    return (angle + np.pi) % (2 * np.pi) - np.pi
