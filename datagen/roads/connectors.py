"""Ways through junctions: which lane leads to which, and the curve between them.

A lane that ends on the surface, with nothing to lead on to, meets a junction. From there one may drive to any lane
that begins within reach, without turning back and without leaving the surface; to each street only onto the lane
that asks for the least bending.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import shapely
from jaxtyping import Float
from shapely.geometry.base import BaseGeometry

from datagen.scene import Lane
from datagen.scene.line import Line

REACH_M = 45.0
"""No connector spans more than this."""
_KAPPA = 0.5523
"""Control distance of the cubic Bézier curve that comes closest to a quarter circle, in radii."""
_ON_SURFACE = 0.97
"""Part of a connector that must lie on the drivable area."""
_TURNS_BACK = np.deg2rad(130.0)

Point = Float[np.ndarray, "2"]
Points = Float[np.ndarray, "_ 2"]


@dataclass(frozen=True, kw_only=True)
class _End:
    """Where a lane begins or ends: its point, edges and direction there."""

    lane: Lane
    point: Point
    left: Point
    right: Point
    ahead: Point

    @classmethod
    def of(cls, lane: Lane, *, first: bool) -> _End:
        at, line = (0 if first else -1), Line(lane.center_m)
        ahead = (line.tangent[:4] if first else line.tangent[-4:]).mean(axis=0)
        return cls(
            lane=lane,
            point=lane.center_m[at],
            left=lane.left_m[at],
            right=lane.right_m[at],
            ahead=ahead / np.linalg.norm(ahead),
        )


def connected(lanes: tuple[Lane, ...], surface: BaseGeometry) -> tuple[Lane, ...]:
    """Return the lanes with the connectors that lead from where some end to where others begin."""
    entered = {name for lane in lanes for name in lane.successors}
    ends = [_End.of(lane, first=False) for lane in lanes if not lane.successors]
    starts = [_End.of(lane, first=True) for lane in lanes if lane.id not in entered]
    room = surface.buffer(0.4)
    begins = np.stack([start.point for start in starts]) if starts else np.empty((0, 2))
    connectors = []
    for end in ends:
        near = [starts[i] for i in np.flatnonzero(np.linalg.norm(begins - end.point, axis=1) < REACH_M)]
        around = (*(end.point - 1.5 * REACH_M), *(end.point + 1.5 * REACH_M))
        connectors += _from(end, near, shapely.clip_by_rect(room, *around))
    onward: dict[str, list[str]] = {}
    for connector in connectors:
        onward.setdefault(connector.id.split(">")[0], []).append(connector.id)
    linked = [replace(lane, successors=(*lane.successors, *onward.get(lane.id, ()))) for lane in lanes]
    return (*linked, *connectors)


def _from(end: _End, starts: list[_End], room: BaseGeometry) -> list[Lane]:
    """Return the connectors that begin at an end: one to each street, which is the straightest."""
    options = []
    for start in starts:
        gap = start.point - end.point
        distance = float(np.linalg.norm(gap))
        if start.lane.id == end.lane.id or not 0.3 < distance < REACH_M or gap @ end.ahead < 0.2 * distance:
            continue
        bend = _bend(end.ahead, start.ahead)
        if abs(bend) > _TURNS_BACK or gap @ start.ahead < 0.2 * distance:
            continue
        curve = _curve(end.point, start.point, end.ahead, start.ahead)
        way = shapely.LineString(curve)
        if way.intersection(room).length >= _ON_SURFACE * way.length:
            options.append((_effort(curve), start))
    chosen: list[_End] = []
    for _, start in sorted(options, key=lambda option: option[0]):
        if not any(_same_street(start, other) for other in chosen):
            chosen.append(start)
    return [_connector(end, start) for start in chosen]


def _same_street(one: _End, other: _End) -> bool:
    """Say whether two lanes begin side by side."""
    return bool(one.ahead @ other.ahead > 0.8 and np.linalg.norm(one.point - other.point) < 16.0)


def _bend(before: Point, after: Point) -> float:
    return float(np.arctan2(before[0] * after[1] - before[1] * after[0], before @ after))


def _effort(curve: Points) -> float:
    """Return the curve's bending energy times its length: 0 for a straight line, of no unit."""
    step = np.diff(curve, axis=0)
    length = np.linalg.norm(step, axis=1)
    turn = np.diff(np.unwrap(np.arctan2(step[:, 1], step[:, 0])))
    return float(np.sum(turn**2 / np.maximum((length[1:] + length[:-1]) / 2, 1e-3)) * length.sum())


def _curve(start: Point, end: Point, ahead: Point, onward: Point) -> Points:
    """Return a cubic Bézier curve that leaves along `ahead` and arrives along `onward`, about a metre a point."""
    gap = end - start
    forth, back = abs(float(gap @ ahead)), abs(float(gap @ onward))
    if abs(float(ahead @ onward)) > 0.5:
        forth = back = float(np.linalg.norm(gap)) / 3 / _KAPPA
    count = max(5, int(np.linalg.norm(gap)) + 1)
    t = np.linspace(0.0, 1.0, count)[:, None]
    control = start, start + _KAPPA * forth * ahead, end - _KAPPA * back * onward, end
    weight = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3
    return np.sum([w * c for w, c in zip(weight, control)], axis=0)


def _connector(end: _End, start: _End) -> Lane:
    center = _curve(end.point, start.point, end.ahead, start.ahead)
    share = np.linspace(0.0, 1.0, len(center))[:, None]
    unit = Line(center).offset(1.0).points_m - center
    left, right = ((1 - share) * _aside(end, edge) + share * _aside(start, edge) for edge in ("left", "right"))
    return Lane(
        id=f"{end.lane.id}>{start.lane.id}",
        center_m=center,
        left_m=center + left * unit,
        right_m=center - right * unit,
        junction=True,
        successors=(start.lane.id,),
        speed_limit_mps=end.lane.speed_limit_mps,
    )


def _aside(end: _End, edge: str) -> float:
    """Return how far an edge is from the centre line."""
    return float(np.linalg.norm(getattr(end, edge) - end.point))
