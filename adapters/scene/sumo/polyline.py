"""Polylines in the plane: walking along them and shifting them sideways."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def arc_length_m(line_m: Float[np.ndarray, "points 2"]) -> Float[np.ndarray, "points"]:
    """Return the distance travelled at each point."""
    return np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line_m, axis=0), axis=1))])


def point_at(
    line_m: Float[np.ndarray, "points 2"], s_m: Float[np.ndarray, "_"], *, left_m: float | Float[np.ndarray, "_"] = 0.0
) -> tuple[Float[np.ndarray, "_ 2"], Float[np.ndarray, "_"]]:
    """Return positions after `s_m` metres, `left_m` to the left of the line, and the line's heading there."""
    travelled = arc_length_m(line_m)
    on_line = np.stack([np.interp(s_m, travelled, line_m[:, axis]) for axis in (0, 1)], axis=-1)
    segment = np.clip(np.searchsorted(travelled, s_m, side="right") - 1, 0, len(line_m) - 2)
    step = line_m[segment + 1] - line_m[segment]
    yaw = np.arctan2(step[:, 1], step[:, 0])
    normal = np.stack([-np.sin(yaw), np.cos(yaw)], axis=-1)
    return on_line + normal * np.reshape(left_m, (-1, 1)), yaw


def shifted_m(line_m: Float[np.ndarray, "points 2"], left_m: float) -> Float[np.ndarray, "points 2"]:
    """Return the line shifted to the left (negative: right), with mitred corners and as many points."""
    step = np.diff(line_m, axis=0)
    normal = np.stack([-step[:, 1], step[:, 0]], axis=-1) / np.maximum(np.linalg.norm(step, axis=1), 1e-9)[:, None]
    before, after = np.concatenate([normal[:1], normal]), np.concatenate([normal, normal[-1:]])
    bisector = before + after
    miter = 2.0 / np.maximum(np.sum(bisector * bisector, axis=1), 1.0)  # sharper than 90 degrees: cut the corner
    return line_m + left_m * bisector * miter[:, None]


def without_repeats(line_m: Float[np.ndarray, "points 2"], *, closer_m: float = 0.02) -> Float[np.ndarray, "_ 2"]:
    """Return the line without points that lie on their predecessor; at least its two ends stay."""
    far = np.linalg.norm(np.diff(line_m, axis=0), axis=1) > closer_m
    kept = line_m[np.concatenate([[True], far])]
    return kept if len(kept) > 1 else line_m[[0, -1]]
