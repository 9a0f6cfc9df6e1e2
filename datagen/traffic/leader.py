"""Who is in one's way: the nearest body that reaches into the band a vehicle will sweep along its route.

```
  route ●───●───●───●───●──▶   the band runs from where the vehicle is, across, to where it wants to be; bodies of
        ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒       vehicles count as boxes turned as they are, people as discs, twice: where they are
                               and where they will be in a moment
```
Arrays are of shape (vehicles, ...).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from datagen.traffic.limits import limits_of, rear_axle_m
from datagen.traffic.route import GRID_M

if TYPE_CHECKING:
    from datagen.traffic.motion import Driver

_PROBES = 16
_MOMENT_S = 1.2
_BACKING_MPS = 3.0
"""Whoever comes at one faster than this is no leader but somebody who will turn away."""


@dataclass(frozen=True)
class Field:
    """Every vehicle's route, stacked; routes are padded with their straight continuation, a point every GRID_M."""

    points: Float[np.ndarray, "vehicles points 2"]
    tangent: Float[np.ndarray, "vehicles points 2"]
    heading: Float[np.ndarray, "vehicles points"]
    curvature: Float[np.ndarray, "vehicles points"]
    limit: Float[np.ndarray, "vehicles points"]

    @classmethod
    def of(cls, drivers: Sequence[Driver]) -> Field:
        """Return the field of the drivers' routes."""
        size = max(len(driver.route.line.points_m) for driver in drivers) + 60
        points = np.empty((len(drivers), size, 2))
        tangent, limit = np.empty_like(points), np.empty((len(drivers), size))
        curvature = np.zeros_like(limit)
        for row, driver in enumerate(drivers):
            xy, count = driver.route.line.points_m, len(driver.route.line.points_m)
            points[row, :count], curvature[row, :count] = xy, driver.route.curvature
            tangent[row, : count - 1], tangent[row, count - 1 :] = (
                driver.route.line.tangent,
                driver.route.line.tangent[-1],
            )
            points[row, count:] = xy[-1] + GRID_M * np.arange(1, size - count + 1)[:, None] * tangent[row, -1]
            speed = driver.route.speed_limits(limits_of(driver.category).lateral_mps2, 1.8)
            limit[row, :count], limit[row, count:] = speed, speed[-1]
        return cls(points, tangent, np.arctan2(tangent[..., 1], tangent[..., 0]), curvature, limit)


@dataclass(frozen=True)
class Bodies:
    """Sizes of the vehicles; from the rear axle, `nose` is to the front bumper and `middle` to the box's middle."""

    length: Float[np.ndarray, "n"]
    width: Float[np.ndarray, "n"]
    nose: Float[np.ndarray, "n"]
    middle: Float[np.ndarray, "n"]
    side_room: Float[np.ndarray, "n"]

    @classmethod
    def of(cls, drivers: Sequence[Driver]) -> Bodies:
        """Return the drivers' bodies."""
        length = np.array([driver.size_lwh_m[0] for driver in drivers])
        middle = np.array([rear_axle_m(driver.size_lwh_m[0]) for driver in drivers])
        width = np.array([driver.size_lwh_m[1] for driver in drivers])
        return cls(length, width, length / 2 + middle, middle, np.array([driver.side_room_m for driver in drivers]))


@dataclass(frozen=True)
class People:
    """Those on foot at one step."""

    xy: Float[np.ndarray, "w 2"]
    velocity: Float[np.ndarray, "w 2"]
    radius: Float[np.ndarray, "w"]


def leader(
    field: Field,
    nose_s: Float[np.ndarray, "n"],
    band: tuple[Float[np.ndarray, "n"], Float[np.ndarray, "n"]],
    *,
    bodies: Bodies,
    xy: Float[np.ndarray, "n 2"],
    yaw: Float[np.ndarray, "n"],
    v: Float[np.ndarray, "n"],
    people: People,
) -> tuple[Float[np.ndarray, "n"], Float[np.ndarray, "n"]]:
    """Return gap and speed along one's own heading of whoever stands in each one's way; inf where nobody does."""
    count, speed = len(v), np.abs(v)
    facing = np.stack([np.cos(yaw), np.sin(yaw)], axis=1)
    middle = xy + bodies.middle[:, None] * facing
    other_xy = np.concatenate([middle, people.xy, people.xy + _MOMENT_S * people.velocity])
    other_v = np.concatenate([v[:, None] * facing, people.velocity, people.velocity])
    other_facing = np.concatenate([facing, np.zeros((2 * len(people.xy), 2))])
    discs = np.tile(people.radius, 2)
    half_length = np.concatenate([bodies.length / 2, discs])
    half_width = np.concatenate([bodies.width / 2, discs])

    reach = np.maximum(2.5, 4.5 * speed / _PROBES)
    me, who = _near(middle, other_xy, (reach * _PROBES + 8.0 + bodies.length / 2)[:, None] + half_length)
    gap, leader_v = np.full(count, np.inf), np.zeros(count)
    if len(me) == 0:
        return gap, leader_v
    probe = station_of(nose_s[:, None] + reach[:, None] * np.arange(_PROBES), field)
    row = np.arange(count)[:, None]
    point, ahead = field.points[row, probe][me], field.tangent[row, probe][me]
    across_x, across_y = other_xy[who, None, 0] - point[..., 0], other_xy[who, None, 1] - point[..., 1]
    along = across_x * ahead[..., 0] + across_y * ahead[..., 1]
    across = across_y * ahead[..., 0] - across_x * ahead[..., 1]
    # How much of the way each other body takes up, along and across, as the way runs there; a disc is a disc.
    cos = np.abs(ahead[..., 0] * other_facing[who, None, 0] + ahead[..., 1] * other_facing[who, None, 1])
    on_foot = (who >= count)[:, None]
    sin = np.where(on_foot, 0.0, np.sqrt(np.maximum(1.0 - cos**2, 0.0)))
    cos = np.where(on_foot, 1.0, cos)
    half_along = cos * half_length[who, None] + sin * half_width[who, None]
    half_across = sin * half_length[who, None] + cos * half_width[who, None] + 0.5 * on_foot
    room = half_across + (bodies.width / 2 + bodies.side_room)[me, None]
    hit = (np.abs(along) <= reach[me, None] / 2 + 1.0) & (across > band[0][me, None] - room)
    hit &= across < band[1][me, None] + room
    distance = probe[me] * GRID_M + along - nose_s[me, None] - half_along
    nearest = np.where(hit & (distance > -half_along), distance, np.inf).min(axis=1)
    # Of each vehicle's pairs the nearest one.
    np.minimum.at(gap, me, nearest)
    ahead_of = np.isfinite(nearest) & (nearest == gap[me])
    towards = np.maximum(np.sum(other_v[who] * facing[me], axis=1), -_BACKING_MPS)
    leader_v[me[ahead_of]] = towards[ahead_of]
    return gap, leader_v


def _near(
    here: Float[np.ndarray, "n 2"], there: Float[np.ndarray, "m 2"], within: Float[np.ndarray, "n m"]
) -> tuple[Int[np.ndarray, "pairs"], Int[np.ndarray, "pairs"]]:
    """Return the pairs that are near enough to matter."""
    dx = there[None, :, 0] - here[:, None, 0]
    dy = there[None, :, 1] - here[:, None, 1]
    near = dx**2 + dy**2 < within**2
    near[np.arange(len(here)), np.arange(len(here))] = False
    me, who = np.nonzero(near)
    return me, who


def station_of(s: Float[np.ndarray, "*shape"], field: Field) -> Int[np.ndarray, "*shape"]:
    """Return the index of the route's point at or before `s` metres along."""
    return np.minimum(np.maximum((s / GRID_M).astype(np.int64), 0), field.points.shape[1] - 1)


def left_of(ahead: Float[np.ndarray, "*shape 2"]) -> Float[np.ndarray, "*shape 2"]:
    """Return unit vectors turned left by a right angle."""
    return np.stack([-ahead[..., 1], ahead[..., 0]], axis=-1)
