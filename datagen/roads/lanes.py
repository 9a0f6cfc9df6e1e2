"""Bands of direction to lanes: thinned, pointed the way one drives, given edges and neighbours.

```
        ░░░░░░░░░░░░░░░░░░░░░░░░░   left edge: halfway to the next lane, or the edge of the surface,
   ──▶  ────────────────────────▶   whichever is nearer, within what lanes measure
        ░░░░░░░░░░░░░░░░░░░░░░░░░   right edge
```
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import shapely
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d, map_coordinates, median_filter
from shapely.geometry.base import BaseGeometry

from datagen.roads.canvas import Canvas
from datagen.roads.skeleton import Branch, branches_of
from datagen.scene import Lane
from datagen.scene.line import Line

USUAL_HALF_M = 1.7
_HALF_M = (1.2, 2.4)
"""What half a lane measures at least and at most."""
_GRID_M = 1.0
_SHORTEST_M = 3.2
"""A band shorter than this, if nothing leads on from it, is no lane."""
_SHARPEST = 0.2
"""Cosine of the angle by which no lane turns within _GRID_M."""
_MOST = 200
"""No map has more lanes than this outside junctions; of more, which only noise has, the longest are kept."""
_NO_NODE = -1
"""Where a line was cut: nothing meets there."""
_BESIDE_M = (2.2, 5.2)
"""How far apart the centre lines of neighbouring lanes are."""

Points = Float[np.ndarray, "_ 2"]


@dataclass(frozen=True, kw_only=True)
class _Way:
    """A centre line, driven from node `first` to node `last`."""

    line: Line
    first: int
    last: int


def lanes_of(
    ahead: Float[np.ndarray, "2 rows columns"], surface: BaseGeometry, *, canvas: Canvas, smoothing_m: float
) -> tuple[Lane, ...]:
    """Return the lanes outside junctions, with edges, successors where bands meet, and neighbours.

    ahead: unit vectors in the canvas's frame on the bands, 0 elsewhere.  smoothing_m: of centre lines.
    """
    ways = sorted(_ways(ahead, canvas=canvas, smoothing_m=smoothing_m), key=lambda way: -way.line.length_m)[:_MOST]
    streets = _Streets.of([way.line for way in ways], surface)
    lanes = []
    for number, way in enumerate(ways):
        left, right = (streets.half_m(number, side) for side in (1.0, -1.0))
        onward = [f"lane-{other}" for other, next_ in enumerate(ways) if other != number and _leads_on(way, next_)]
        lanes.append(
            Lane(
                id=f"lane-{number}",
                center_m=way.line.points_m,
                left_m=_beside(way.line, left),
                right_m=_beside(way.line, -right),
                successors=tuple(onward),
            )
        )
    return _with_neighbours(lanes)


def _ways(ahead: Float[np.ndarray, "2 rows columns"], *, canvas: Canvas, smoothing_m: float) -> Iterator[_Way]:
    strength = np.hypot(*ahead)
    shortest = _SHORTEST_M / canvas.m_per_px
    branches = branches_of(strength > 0.5, smoothing_px=smoothing_m / canvas.m_per_px, spur_px=shortest)
    met = [node for branch in branches for node in (branch.first, branch.last)]
    for branch in branches:
        if len(branch.points_px) < 3:
            continue
        for part in _one_way(branch, ahead, least_px=shortest):
            line = Line(_distinct(canvas.to_world(part.points_px))).resampled(_GRID_M)
            alone = met.count(part.first) <= 1 and met.count(part.last) <= 1
            if line.length_m >= (_SHORTEST_M if alone else 1.0) and not _turns_back(line):
                yield _Way(line=line, first=part.first, last=part.last)


def _one_way(branch: Branch, ahead: Float[np.ndarray, "2 rows columns"], *, least_px: float) -> Iterator[Branch]:
    """Yield the parts of a branch that are driven one way, turned that way.

    Where the bands of two lanes of one direction touch, as they do where a badly drawn road ends, thinning makes one
    line of them that leads back and forth; it is cut where the direction changes, and parts shorter than `least_px`
    are left out.
    """
    points, along = branch.points_px, _agreement(branch.points_px, ahead)
    length = np.linalg.norm(np.diff(points, axis=0), axis=1)
    back = gaussian_filter1d(along, least_px / 2, mode="nearest") < 0
    ends = [0, *(np.flatnonzero(np.diff(back)) + 1).tolist(), len(back)]
    runs = [(start, stop) for start, stop in pairwise(ends) if length[start:stop].sum() >= least_px]
    if len({bool(back[start]) for start, _ in runs}) < 2:
        runs, back = [(0, len(back))], np.full(len(back), along.sum() < 0)
    for start, stop in runs:
        first = branch.first if start == 0 else _NO_NODE
        last = branch.last if stop == len(back) else _NO_NODE
        if back[start]:
            yield Branch(points_px=points[start : stop + 1][::-1], first=last, last=first)
        else:
            yield Branch(points_px=points[start : stop + 1], first=first, last=last)


def _turns_back(line: Line) -> bool:
    """Say whether a line turns as sharply from one metre to the next as no lane does: a knot of the thinning."""
    bend = np.sum(line.tangent[1:] * line.tangent[:-1], axis=1)
    return bool((bend < _SHARPEST).any())


def _agreement(points_px: Points, ahead: Float[np.ndarray, "2 rows columns"]) -> Float[np.ndarray, "steps"]:
    """Return how much the raster says, step by step, that one drives along the points; negative if against them."""
    step = np.diff(points_px, axis=0) * np.array([1.0, -1.0])
    middle = (points_px[1:] + points_px[:-1]) / 2 - 0.5
    said = np.stack([map_coordinates(layer, middle.T[::-1], order=1, mode="nearest") for layer in ahead], axis=-1)
    along: Float[np.ndarray, "steps"] = np.sum(step * said, axis=1)
    return along


def _distinct(points: Points) -> Points:
    keep = np.concatenate([[True], np.linalg.norm(np.diff(points, axis=0), axis=1) > 1e-3])
    return points[keep]


def _leads_on(way: _Way, onward: _Way) -> bool:
    """Say whether one drives from a way onto another: they meet at a node and do not turn back there."""
    if way.last != onward.first or way.last == _NO_NODE:
        return False
    before, after = way.line.tangent[-3:].mean(axis=0), onward.line.tangent[:3].mean(axis=0)
    return bool(before @ after > 0.5 * np.linalg.norm(before) * np.linalg.norm(after))


@dataclass(frozen=True)
class _Streets:
    """What a lane's width is measured against: all centre lines, and the edge of the surface."""

    lines: list[Line]
    shapes: list[BaseGeometry]
    tree: shapely.STRtree
    kerb: BaseGeometry

    @classmethod
    def of(cls, lines: list[Line], surface: BaseGeometry) -> _Streets:
        shapes = [shapely.LineString(line.points_m) for line in lines]
        kerb = shapely.LineString() if surface.is_empty else surface.boundary
        shapely.prepare(kerb)
        return cls(lines, shapes, shapely.STRtree(shapes), kerb)

    def half_m(self, number: int, side: float) -> Float[np.ndarray, "points"]:
        """Return how far a lane reaches to its left (side 1) or right (-1) at each point of its centre line."""
        line = self.lines[number]
        tangent = np.concatenate([line.tangent, line.tangent[-1:]])
        aside = side * np.stack([-tangent[:, 1], tangent[:, 0]], axis=-1)
        found = np.full(len(line.points_m), np.nan)
        ends = np.stack([line.points_m + 0.3 * aside, line.points_m + _BESIDE_M[1] * aside], axis=1)
        for index, ray in enumerate(shapely.linestrings(ends)):
            here = shapely.Point(line.points_m[index])
            met = [self.shapes[i] for i in self.tree.query(ray, predicate="intersects") if i != number]
            apart = [shapely.distance(here, shape.intersection(ray)) for shape in met]
            reach = [distance / 2 for distance in apart if distance > 1.6]
            if self.kerb.intersects(ray):
                reach.append(shapely.distance(here, self.kerb.intersection(ray)))
            found[index] = min(reach, default=np.nan)
        return _steady(np.clip(found, *_HALF_M))


def _steady(half_m: Float[np.ndarray, "points"]) -> Float[np.ndarray, "points"]:
    """Return the half widths without gaps and jumps: the usual one where nothing was met."""
    known = np.isfinite(half_m)
    usual = float(np.median(half_m[known])) if known.sum() >= 3 else USUAL_HALF_M
    filled = np.where(known & (half_m < _HALF_M[1]), half_m, min(usual, USUAL_HALF_M + 0.2))
    size = min(9, len(filled))
    return gaussian_filter1d(median_filter(filled, size=size, mode="nearest"), 3.0, mode="nearest")


def _beside(line: Line, aside_m: Float[np.ndarray, "points"]) -> Points:
    """Return the points beside a line's own, each along its bisector."""
    unit = line.offset(1.0).points_m - line.points_m
    return line.points_m + aside_m[:, None] * unit


def _with_neighbours(lanes: list[Lane]) -> tuple[Lane, ...]:
    """Give lanes the neighbours of their own direction one may change to: beside their middle, and not far."""
    lines = [Line(lane.center_m) for lane in lanes]
    tree = shapely.STRtree([shapely.LineString(lane.center_m) for lane in lanes])
    left_of: dict[str, str] = {}
    for lane, line in zip(lanes, lines):
        best = _BESIDE_M[1]
        middle, heading = line.at(line.length_m / 2)
        for index in sorted(tree.query(shapely.Point(middle[0]), predicate="dwithin", distance=_BESIDE_M[1])):
            other, there = lanes[index], lines[index]
            if other is lane:
                continue
            s, d = there.project(middle)
            towards = float(there.at(float(s[0]))[1][0])
            aside = -float(d[0])
            if 0 <= s[0] <= there.length_m and _BESIDE_M[0] < aside < best and np.cos(towards - heading[0]) > 0.9:
                best, left_of[lane.id] = aside, other.id
    right_of = {left: right for right, left in left_of.items()}
    return tuple(
        replace(lane, left_neighbor=left_of.get(lane.id), right_neighbor=right_of.get(lane.id)) for lane in lanes
    )
