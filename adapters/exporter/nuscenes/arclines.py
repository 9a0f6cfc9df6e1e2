"""Centre lines as nuScenes wants them: arcs and straights that the devkit can walk along.

A nuScenes lane is a list of arcline paths, each of three pieces (turn, straight or turn, turn) that share one
radius: `{"start_pose": [x, y, yaw], "end_pose": …, "shape": "LSR", "radius": r, "segment_length": [a, b, c]}`
(`nuscenes.map_expansion.arcline_path_utils`). We use one piece of each path: an arc is `LSR` or `RSL` with only
its first length set, a straight is `LSL` with only its second. A stretch of centre line becomes

```
   one straight or arc        where that is within TOLERANCE_M of it
   a biarc                    two arcs that meet smoothly with the right headings at both ends (Bolton 1975)
   the polyline's own step    where nothing smooth fits: exact, but the heading jumps
```

taking the longest stretch that fits each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from jaxtyping import Float

TOLERANCE_M = 0.03
"""How far the fitted path may leave the centre line."""
HEADING_TOLERANCE_RAD = 1e-3
STRAIGHT_RADIUS_M = 999.999
"""What nuScenes writes where no piece of a path is curved."""
STRAIGHT_CURVATURE = 2e-6
"""Below half of this the devkit walks straight on, whatever the path says."""
MIN_STEP_M = 1e-4
ENDLESS_M = 1e9
"""The length of an arc that would have to turn back on itself."""


@dataclass(frozen=True, kw_only=True)
class Arc:
    """A stretch of constant curvature (left is positive) from a pose, `heading_rad` at its start."""

    start_m: Float[np.ndarray, "2"]
    heading_rad: float
    curvature: float
    length_m: float

    @property
    def end_heading_rad(self) -> float:
        """The heading at its end."""
        return self.heading_rad + self.curvature * self.length_m

    def at(self, length_m: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n 2"]:
        """Return the points at lengths along it."""
        half = 0.5 * self.curvature * length_m
        chord = length_m * np.sinc(half / np.pi)
        direction = self.heading_rad + half
        return self.start_m + chord[:, None] * np.stack([np.cos(direction), np.sin(direction)], axis=-1)

    def samples(self) -> Float[np.ndarray, "n 2"]:
        """Return points along it, dense enough that the chords between them are as good as the arc."""
        turn = abs(self.curvature) * self.length_m
        return self.at(np.linspace(0.0, self.length_m, 9 + int(max(2 * self.length_m, turn / 0.05))))

    def record(self) -> dict[str, Any]:
        """Return it as one arcline path."""
        end = self.at(np.array([self.length_m]))[0]
        turns = self.curvature != 0.0
        lengths = [self.length_m, 0.0, 0.0] if turns else [0.0, self.length_m, 0.0]
        return {
            "start_pose": [*map(float, self.start_m), _principal(self.heading_rad)],
            "end_pose": [*map(float, end), _principal(self.end_heading_rad)],
            "shape": ("LSR" if self.curvature > 0 else "RSL") if turns else "LSL",
            "radius": float(1 / abs(self.curvature)) if turns else STRAIGHT_RADIUS_M,
            "segment_length": lengths,
        }


def arcline_path(center_m: Float[np.ndarray, "points 2"]) -> list[dict[str, Any]]:
    """Return a centre line as arcline paths, none further from it than TOLERANCE_M.

    center_m: at least two different points. Points closer together than MIN_STEP_M count as one.
    """
    keep = np.append(True, np.linalg.norm(np.diff(center_m, axis=0), axis=1) > MIN_STEP_M)
    points = center_m[keep]
    assert len(points) >= 2, "a centre line needs two different points"
    headings = _vertex_headings(points)
    arcs: list[Arc] = []
    start = 0
    while start < len(points) - 1:
        end, stretch = _longest_fit(points, headings, start=start)
        arcs.extend(stretch)
        start = end
    return [arc.record() for arc in arcs]


def _longest_fit(
    points: Float[np.ndarray, "n 2"], headings: Float[np.ndarray, "n"], *, start: int
) -> tuple[int, list[Arc]]:
    """Return the furthest vertex that one fit reaches from `start` (found by bisection), and the fit."""
    chord = points[start + 1] - points[start]
    best = start + 1, [_arc_through(points[start], float(np.arctan2(chord[1], chord[0])), points[start + 1])]
    low, high = start + 1, len(points) - 1
    middle = high
    while low <= high:
        fit = _fit(points[start : middle + 1], float(headings[start]), float(headings[middle]))
        if fit is not None:
            best, low = (middle, fit), middle + 1
        else:
            high = middle - 1
        middle = (low + high + 1) // 2
    return best


def _fit(points: Float[np.ndarray, "n 2"], heading: float, end_heading: float) -> list[Arc] | None:
    """Return one arc or a biarc along the points, or None if neither stays close."""
    length = float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())
    line = shapely.LineString(points)
    single = _arc_through(points[0], heading, points[-1])
    turned = abs(_principal(single.end_heading_rad - end_heading)) < HEADING_TOLERANCE_RAD
    for arcs in ([single] if turned else [], _biarc(points[0], heading, points[-1], end_heading)):
        as_long = abs(sum(arc.length_m for arc in arcs) - length) < 0.05 * length + TOLERANCE_M
        if arcs and as_long and _curve(arcs).hausdorff_distance(line) <= TOLERANCE_M:
            return arcs
    return None


def _curve(arcs: list[Arc]) -> shapely.LineString:
    """Return arcs as a polyline; where they meet there is one point, not two (GEOS divides by the step)."""
    return shapely.LineString(np.concatenate([*(arc.samples()[:-1] for arc in arcs), arcs[-1].samples()[-1:]]))


def _arc_through(start: Float[np.ndarray, "2"], heading: float, end: Float[np.ndarray, "2"]) -> Arc:
    """Return the arc that leaves `start` with a heading and reaches `end`."""
    chord = end - start
    distance, direction = float(np.hypot(*chord)), float(np.arctan2(chord[1], chord[0]))
    half_turn = _principal(direction - heading)
    curvature = 2 * np.sin(half_turn) / max(distance, MIN_STEP_M)
    if distance < MIN_STEP_M or (abs(half_turn) < 1.0 and abs(curvature) < STRAIGHT_CURVATURE):
        return Arc(start_m=start, heading_rad=direction, curvature=0.0, length_m=distance)
    length = distance * half_turn / np.sin(half_turn) if abs(half_turn) < np.pi - 1e-6 else ENDLESS_M
    return Arc(start_m=start, heading_rad=heading, curvature=float(curvature), length_m=float(length))


def _biarc(start: Float[np.ndarray, "2"], heading: float, end: Float[np.ndarray, "2"], end_heading: float) -> list[Arc]:
    """Return two arcs between two poses that meet smoothly, both tangent legs of equal length d:

    |v|² = 2 d v·(t₀ + t₁) + 2 d² (1 − t₀·t₁), with v from start to end and t₀, t₁ the unit headings.
    """
    t0 = np.array([np.cos(heading), np.sin(heading)])
    t1 = np.array([np.cos(end_heading), np.sin(end_heading)])
    v = end - start
    a, b, c = 2 * (1 - t0 @ t1), 2 * (v @ (t0 + t1)), -(v @ v)
    d = -2 * c / (b + np.sqrt(b * b - 4 * a * c)) if b > 0 or a > 1e-12 else np.hypot(*v)
    joint = (start + d * t0 + end - d * t1) / 2
    first = _arc_through(start, heading, joint)
    return [arc for arc in (first, _arc_through(joint, first.end_heading_rad, end)) if arc.length_m > 1e-9]


def _vertex_headings(points: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n"]:
    """Return the headings, at the vertices, of the circle through each vertex and its two neighbours."""
    steps = np.diff(points, axis=0)
    length = np.linalg.norm(steps, axis=1, keepdims=True)
    unit = steps / length
    inner = unit[:-1] * length[1:] + unit[1:] * length[:-1]
    heading = np.arctan2(steps[:, 1], steps[:, 0])
    if len(points) == 2:
        return np.repeat(heading, 2)
    middle = np.arctan2(inner[:, 1], inner[:, 0])
    return np.concatenate([[2 * heading[0] - middle[0]], middle, [2 * heading[-1] - middle[-1]]])


def _principal(angle_rad: float) -> float:
    """Return the angle within [-pi, pi)."""
    return float((angle_rad + np.pi) % (2 * np.pi) - np.pi)
