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
_STEPS = np.arange(_PROBES)
_ASIDE_M = 12.0
"""Nobody further aside of the probes than this, beyond his own half length, reaches into a band."""
_MOMENT_S = 1.2
_BACKING_MPS = 3.0
"""Whoever comes at one faster than this is no leader but somebody who will turn away."""


@dataclass(frozen=True)
class Field:
    """Every vehicle's route, stacked; routes are padded with their straight continuation, a point every GRID_M.

    way: x, y, the tangent's x and y, and the heading of each point.
    """

    way: Float[np.ndarray, "vehicles points 5"]
    curvature: Float[np.ndarray, "vehicles points"]
    limit: Float[np.ndarray, "vehicles points"]

    @classmethod
    def of(cls, drivers: Sequence[Driver]) -> Field:
        """Return the field of the drivers' routes."""
        size = max(len(driver.route.line.points_m) for driver in drivers) + 60
        way = np.empty((len(drivers), size, 5))
        points, tangent = way[..., :2], way[..., 2:4]
        limit, curvature = np.empty((len(drivers), size)), np.zeros((len(drivers), size))
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
        # numpy's arctan2 may differ in the last bit where its input is strided, by where the array happens to lie.
        way[..., 4] = np.arctan2(np.ascontiguousarray(tangent[..., 1]), np.ascontiguousarray(tangent[..., 0]))
        return cls(way, curvature, limit)


@dataclass(frozen=True)
class Bodies:
    """Sizes of the vehicles; from the rear axle, `nose` is to the front bumper and `middle` to the box's middle.

    half_length, half_width: of all who may be in the way: the vehicles, people where they are, and where they will be.
    """

    length: Float[np.ndarray, "n"]
    width: Float[np.ndarray, "n"]
    nose: Float[np.ndarray, "n"]
    middle: Float[np.ndarray, "n"]
    side_room: Float[np.ndarray, "n"]
    half_length: Float[np.ndarray, "m"]
    half_width: Float[np.ndarray, "m"]

    @classmethod
    def of(cls, drivers: Sequence[Driver], *, radius: Float[np.ndarray, "w"]) -> Bodies:
        """Return the drivers' bodies; `radius` is of those on foot."""
        length = np.array([driver.size_lwh_m[0] for driver in drivers])
        middle = np.array([rear_axle_m(driver.size_lwh_m[0]) for driver in drivers])
        width = np.array([driver.size_lwh_m[1] for driver in drivers])
        side_room = np.array([driver.side_room_m for driver in drivers])
        half_length, half_width = (np.concatenate([half, radius, radius]) for half in (length / 2, width / 2))
        return cls(length, width, length / 2 + middle, middle, side_room, half_length, half_width)


@dataclass(frozen=True)
class People:
    """Those on foot at one step."""

    xy: Float[np.ndarray, "w 2"]
    velocity: Float[np.ndarray, "w 2"]


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
    count, reach = len(v), np.maximum(2.5, 4.5 * np.abs(v) / _PROBES)
    facing = np.stack([np.cos(yaw), np.sin(yaw)], axis=1)
    other_xy, other_v = xy + bodies.middle[:, None] * facing, v[:, None] * facing
    if len(people.xy):
        other_xy = np.concatenate([other_xy, people.xy, people.xy + _MOMENT_S * people.velocity])
        other_v = np.concatenate([other_v, people.velocity, people.velocity])
    probe = station_of(nose_s[:, None] + reach[:, None] * _STEPS, field)
    way = field.way[np.arange(count)[:, None], probe]
    gap, leader_v = np.full(count, np.inf), np.zeros(count)
    me, who = _near(way[:, _PROBES // 2, :2], other_xy, (reach * _PROBES / 2 + _ASIDE_M)[:, None] + bodies.half_length)
    if len(me) == 0:
        return gap, leader_v
    mine, own_reach, half_length, half_width = way[me], reach[me], bodies.half_length[who], bodies.half_width[who]
    ahead_x, ahead_y = mine[..., 2], mine[..., 3]
    off_x, off_y = other_xy[who, 0, None] - mine[..., 0], other_xy[who, 1, None] - mine[..., 1]
    along = off_x * ahead_x + off_y * ahead_y
    across = off_y * ahead_x - off_x * ahead_y
    # How much of the way each other body takes up, along and across, as the way runs there; a disc is a disc.
    half_along, half_across = np.empty_like(along), np.empty_like(along)
    drives = who < count
    front = facing[who[drives]]
    cos = np.abs(ahead_x[drives] * front[:, 0, None] + ahead_y[drives] * front[:, 1, None])
    sin = np.sqrt(np.maximum(1.0 - cos**2, 0.0))
    length, width = half_length[drives, None], half_width[drives, None]
    half_along[drives], half_across[drives] = cos * length + sin * width, sin * length + cos * width
    half_along[~drives] = half_length[~drives, None]
    half_across[~drives] = half_width[~drives, None] + 0.5
    room = half_across + (bodies.width / 2 + bodies.side_room)[me, None]
    hit = (np.abs(along) <= (own_reach / 2 + 1.0)[:, None]) & (across > band[0][me, None] - room)
    hit &= across < band[1][me, None] + room
    distance = probe[me] * GRID_M + along - nose_s[me, None] - half_along
    nearest = np.where(hit & (distance > -half_along), distance, np.inf).min(axis=1)
    # Of each vehicle's pairs the nearest one.
    np.minimum.at(gap, me, nearest)
    ahead_of = np.isfinite(nearest) & (nearest == gap[me])
    towards = np.maximum(np.sum(other_v[who[ahead_of]] * facing[me[ahead_of]], axis=1), -_BACKING_MPS)
    leader_v[me[ahead_of]] = towards
    return gap, leader_v


def _near(
    here: Float[np.ndarray, "n 2"], there: Float[np.ndarray, "m 2"], within: Float[np.ndarray, "n m"]
) -> tuple[Int[np.ndarray, "pairs"], Int[np.ndarray, "pairs"]]:
    """Return the pairs that are near enough to matter."""
    dx = there[None, :, 0] - here[:, None, 0]
    dy = there[None, :, 1] - here[:, None, 1]
    near = dx**2 + dy**2 < within**2
    near.ravel()[:: near.shape[1] + 1] = False
    me, who = np.nonzero(near)
    return me, who


def station_of(s: Float[np.ndarray, "*shape"], field: Field) -> Int[np.ndarray, "*shape"]:
    """Return the index of the route's point at or before `s` metres along."""
    return np.minimum(np.maximum((s / GRID_M).astype(np.int64), 0), field.way.shape[1] - 1)
