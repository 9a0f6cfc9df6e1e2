"""How people move: along a line, at a speed that comes and goes smoothly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from datagen.scene.line import Line


@dataclass(frozen=True, kw_only=True)
class Walk:
    """Somebody who walks along a line; beyond its ends he stands. Arrays of shape (steps, ...)."""

    xy_m: Float[np.ndarray, "steps 2"]
    yaw_rad: Float[np.ndarray, "steps"]
    velocity_mps: Float[np.ndarray, "steps 2"]


def walk(
    line: Line, times: Float[np.ndarray, "steps"], *, at_start_m: float, speed_mps: float, sway: float = 0.0
) -> Walk:
    """Walk so that one is `at_start_m` along at time 0; easing in and out over a metre at the line's ends.

    sway: phase of the speed's slight rhythm (5 %), so that no two walk in step.
    """
    even = at_start_m + speed_mps * times + 0.05 * speed_mps * (np.sin(1.3 * times + sway) - np.sin(sway)) / 1.3
    along = _eased(even, line.length_m)
    xy, yaw = line.at(along)
    velocity = np.gradient(xy, times, axis=0)
    return Walk(xy_m=xy, yaw_rad=_turning(yaw), velocity_mps=velocity)


def stand(xy_m: Float[np.ndarray, "2"], yaw_rad: float, times: Float[np.ndarray, "steps"]) -> Walk:
    """Stand still."""
    count = len(times)
    return Walk(xy_m=np.tile(xy_m, (count, 1)), yaw_rad=np.full(count, yaw_rad), velocity_mps=np.zeros((count, 2)))


def _eased(along: Float[np.ndarray, "steps"], length_m: float) -> Float[np.ndarray, "steps"]:
    """Hold within [0, length], rounding the corners over `soft` metres (softplus at both ends)."""
    soft = 0.25
    low = soft * np.logaddexp(0.0, along / soft)
    return length_m - soft * np.logaddexp(0.0, (length_m - low) / soft)


def _turning(yaw: Float[np.ndarray, "steps"]) -> Float[np.ndarray, "steps"]:
    """Smooth a heading over half a second, so that nobody spins on a corner."""
    whole = np.unwrap(yaw)
    padded = np.pad(whole, 2, mode="edge")
    return np.convolve(padded, np.full(5, 0.2), mode="valid")
