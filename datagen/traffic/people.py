"""How people move: each has a line and a pace, and makes way for the others.

The way is a social-force step (Helbing and Molnar 1995): everybody is drawn to where he would be if he were alone
and pushed away from whoever is near. Drawn, not driven: who has made way catches up, so that somebody who shall be
in the middle of the road at a time is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from datagen.scene.line import Line

RELAX_S = 0.5
"""Time in which a walker is back where he wants to be (critically damped)."""
PUSH_MPS2 = 3.0
"""Repulsion where two bodies touch."""
PUSH_RANGE_M = 0.3
"""Distance over which repulsion falls to 1/e."""
_SOFT_M, _START_MPS2 = 0.25, 7.0
"""Over how much of their way people set off and stop, and how fast they may at most."""
_HEED_M = 1.5
"""Those who never come nearer than this to each other do not matter to each other."""


@dataclass(frozen=True, kw_only=True)
class Walk:
    """Somebody who walks along a line; beyond its ends he stands. Arrays of shape (steps, ...)."""

    xy_m: Float[np.ndarray, "steps 2"]
    yaw_rad: Float[np.ndarray, "steps"]
    velocity_mps: Float[np.ndarray, "steps 2"]

    @property
    def moves(self) -> bool:
        """Whether it ever does."""
        return bool(np.any(self.velocity_mps))


def walk(
    line: Line, times: Float[np.ndarray, "steps"], *, at_start_m: float, speed_mps: float, sway: float = 0.0
) -> Walk:
    """Walk so that one is `at_start_m` along at time 0; easing in and out over a metre at the line's ends.

    sway: phase of the speed's slight rhythm (5 %), so that no two walk in step.
    """
    even = at_start_m + speed_mps * times + 0.05 * speed_mps * (np.sin(1.3 * times + sway) - np.sin(sway)) / 1.3
    along = _eased(even, line.length_m, soft_m=max(_SOFT_M, speed_mps**2 / (4.0 * _START_MPS2)))
    xy, yaw = line.at(along)
    step_s = float(times[1] - times[0])
    return Walk(xy_m=xy, yaw_rad=_turning(yaw), velocity_mps=_velocity(xy, step_s=step_s))


def stand(xy_m: Float[np.ndarray, "2"], yaw_rad: float, times: Float[np.ndarray, "steps"]) -> Walk:
    """Stand still."""
    count = len(times)
    return Walk(xy_m=np.tile(xy_m, (count, 1)), yaw_rad=np.full(count, yaw_rad), velocity_mps=np.zeros((count, 2)))


def making_way(walks: Sequence[Walk], radius_m: Sequence[float], *, step_s: float) -> list[Walk]:
    """Return the walks as they are when everybody who moves makes way for the others.

    radius_m: of each one's body. Those who stand are made way for and do not budge.
    """
    if len(walks) < 2:
        return list(walks)
    alone = np.stack([one.xy_m for one in walks], axis=1)
    radius, moves = np.array(radius_m), np.array([one.moves for one in walks])
    meet = _who_meet(alone, radius, moves)
    columns = np.flatnonzero(meet.any(axis=1))
    if len(columns) == 0:
        return list(walks)
    wanted = np.stack([walks[column].velocity_mps for column in columns], axis=1)
    xy = _stepped(alone[:, columns], wanted, radius[columns], moves[columns], step_s=step_s)
    made = list(walks)
    for place, column in enumerate(columns):
        if moves[column]:
            made[column] = _facing_ahead(walks[column], xy[:, place], step_s=step_s)
    return made


def _who_meet(
    xy: Float[np.ndarray, "steps walkers 2"], radius: Float[np.ndarray, "walkers"], moves: Bool[np.ndarray, "walkers"]
) -> Bool[np.ndarray, "walkers walkers"]:
    """Say which pairs come near each other at any time (looked at every half second)."""
    stride = xy[::5]
    apart = np.linalg.norm(stride[:, :, None] - stride[:, None], axis=-1).min(axis=0)
    near = apart < _HEED_M + radius[:, None] + radius[None]
    np.fill_diagonal(near, False)
    return near & (moves[:, None] | moves[None])


def _stepped(
    alone: Float[np.ndarray, "steps walkers 2"],
    wanted: Float[np.ndarray, "steps walkers 2"],
    radius: Float[np.ndarray, "walkers"],
    moves: Bool[np.ndarray, "walkers"],
    *,
    step_s: float,
) -> Float[np.ndarray, "steps walkers 2"]:
    """Step all of them: semi-implicit Euler, forces of social-force form."""
    touch = radius[:, None] + radius[None]
    xy, velocity, free = alone[0].copy(), wanted[0].copy(), moves[:, None].astype(np.float64)
    way = np.empty_like(alone)
    for step in range(len(alone)):
        way[step] = xy
        offset = xy[:, None] - xy[None]
        distance = np.maximum(np.sqrt(offset[..., 0] ** 2 + offset[..., 1] ** 2), 1e-3)
        push = PUSH_MPS2 * np.exp(np.minimum((touch - distance) / PUSH_RANGE_M, 1.0)) / distance
        np.fill_diagonal(push, 0.0)
        force = (push[..., None] * offset).sum(axis=1)
        force += (alone[step] - xy) / RELAX_S**2 + 2.0 * (wanted[step] - velocity) / RELAX_S
        velocity = velocity + free * force * step_s
        xy = xy + free * velocity * step_s
    return way


def _facing_ahead(alone: Walk, xy: Float[np.ndarray, "steps 2"], *, step_s: float) -> Walk:
    """Return the walk over other places, facing where it goes while it goes anywhere."""
    velocity = _velocity(xy, step_s=step_s)
    going = np.linalg.norm(velocity, axis=1) > 0.4
    yaw = np.where(going, np.arctan2(velocity[:, 1], velocity[:, 0]), alone.yaw_rad)
    return Walk(xy_m=xy, yaw_rad=_turning(yaw), velocity_mps=velocity)


def _velocity(xy: Float[np.ndarray, "steps 2"], *, step_s: float) -> Float[np.ndarray, "steps 2"]:
    """Return velocities by central differences, one-sided at the ends."""
    found = np.empty_like(xy)
    found[1:-1] = (xy[2:] - xy[:-2]) / (2.0 * step_s)
    found[0], found[-1] = (xy[1] - xy[0]) / step_s, (xy[-1] - xy[-2]) / step_s
    return found


def _eased(along: Float[np.ndarray, "steps"], length_m: float, *, soft_m: float) -> Float[np.ndarray, "steps"]:
    """Hold within [0, length], rounding the corners over `soft_m` (softplus at both ends; at most v^2 / 4 soft_m)."""
    low = soft_m * np.logaddexp(0.0, along / soft_m)
    return length_m - soft_m * np.logaddexp(0.0, (length_m - low) / soft_m)


def _turning(yaw: Float[np.ndarray, "steps"]) -> Float[np.ndarray, "steps"]:
    """Smooth a heading over half a second, so that nobody spins on a corner."""
    steady = bool((np.abs(yaw[1:] - yaw[:-1]) < np.pi).all())
    whole = yaw if steady else np.unwrap(yaw)
    padded = np.concatenate([whole[[0, 0]], whole, whole[[-1, -1]]])
    return np.convolve(padded, np.full(5, 0.2), mode="valid")
