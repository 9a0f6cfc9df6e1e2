"""Do lanes lead on? Of the ends where the road goes on, how many have a lane to go on to.

```
   ────▶ ────▶       leads on: a successor
   ────▶╲            leads on: the lane tapers off beside one of its direction, which one may change to
   ───────────▶
   ────▶   ░░░░░     does not: the road goes on, and the lane does not
   ────▶┃            is not asked: the road ends there, too
```

Beginnings are judged as ends are, the other way round.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from jaxtyping import Float
from shapely.geometry.base import BaseGeometry

from datagen.scene import HDMap, Lane, LaneKind
from datagen.scene.line import Line

_ONWARD_M = 6.0
"""A road that ends within this ahead of its lane ends with it."""
_BESIDE_M = (1.8, 5.2)
"""How far apart the centre lines of neighbouring lanes are."""
_ALONG_M = 5.0
"""A neighbour that one may change to goes on for as long as this."""
_SAME_WAY = 0.8

Point = Float[np.ndarray, "2"]


@dataclass(frozen=True, kw_only=True)
class _End:
    """Where a lane ends, or begins, which is where it ends if driven backwards. outward: unit vector off the lane."""

    lane: Lane
    point: Point
    outward: Point
    linked: bool
    begins: bool


def connectedness(hdmap: HDMap, *, road: BaseGeometry, linked_in: BaseGeometry, loose_in: BaseGeometry) -> float:
    """Return which part of the lane ends and beginnings inside the map have somewhere to lead to, or to come from.

    road: the drivable area.  linked_in, loose_in: where an end counts that has a successor, and one that has none; 1.0
    if none is asked.
    """
    streets = [lane for lane in hdmap.lanes if not lane.junction and lane.kind is LaneKind.CAR]
    lines = [Line(lane.center_m) for lane in streets]
    tree = shapely.STRtree([shapely.LineString(lane.center_m) for lane in streets])
    found = []
    for end in _ends(hdmap, streets):
        if not shapely.contains_xy(linked_in if end.linked else loose_in, *end.point):
            continue
        if end.linked:
            found.append(True)
        elif shapely.contains_xy(road, *(end.point + _ONWARD_M * end.outward)):
            near = tree.query(shapely.Point(end.point), predicate="dwithin", distance=_BESIDE_M[1])
            found.append(any(_takes_over(lines[index], end) for index in near if streets[index] is not end.lane))
    return float(np.mean(found)) if found else 1.0


def _ends(hdmap: HDMap, streets: list[Lane]) -> Iterator[_End]:
    entered = {name for lane in hdmap.lanes for name in lane.successors}
    for lane in streets:
        tangent = Line(lane.center_m).tangent
        last, first = (_unit(part.mean(axis=0)) for part in (tangent[-4:], tangent[:4]))
        yield _End(lane=lane, point=lane.center_m[-1], outward=last, linked=bool(lane.successors), begins=False)
        yield _End(lane=lane, point=lane.center_m[0], outward=-first, linked=lane.id in entered, begins=True)


def _takes_over(line: Line, end: _End) -> bool:
    """Say whether a lane runs beside an end, the same way, and on beyond it."""
    along, across = (float(value[0]) for value in line.project(end.point[None]))
    left = along if end.begins else line.length_m - along
    if left < _ALONG_M or not _BESIDE_M[0] < abs(across) < _BESIDE_M[1]:
        return False
    heading = float(line.at(along)[1][0])
    ahead = -end.outward if end.begins else end.outward
    return bool(ahead @ np.array([np.cos(heading), np.sin(heading)]) > _SAME_WAY)


def _unit(vector: Point) -> Point:
    unit: Point = vector / np.linalg.norm(vector)
    return unit
