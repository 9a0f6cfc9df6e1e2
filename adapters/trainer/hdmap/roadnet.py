"""A folder of road-network tables (JSON with WKT polygons) as an HDMap: real roads without recorded traffic.

```
lane.json, intersection.json   which polygons are lanes, and which intersections
polygon.json                   id → outline, "POLYGON ((x y, …))", metres in the map's frame
segment.json                   pieces of a lane's right edge, in driving order, with polygonId
laneSection.json               laneToLeft, laneToRight: neighbours of the same direction
```

These are nuScenes' lanes as exported for traffic simulators. There are no crossings and no car parks in them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from jaxtyping import Float
from shapely.geometry.base import BaseGeometry

from datagen.errors import InputError
from datagen.roads.connectors import connected
from datagen.roads.furnish import furnished
from datagen.scene import Area, HDMap, Lane, Polygon
from datagen.scene.line import Line

_STEP_M = 2.0
_MEETING_M = 1.5
"""A lane leads on to one that begins this near to its end."""

Points = Float[np.ndarray, "_ 2"]


def read_roadnet(folder: Path) -> HDMap:
    """Return the whole network, furnished with kerbs and dividers. Raises InputError for what is no such folder."""
    try:
        tables = {name: json.loads((folder / f"{name}.json").read_text(encoding="utf-8")) for name in _TABLES}
        outline = {row["id"]: shapely.from_wkt(row["polygon"]) for row in tables["polygon"]}
        lanes = _lanes(tables, outline)
        junctions = [_area(row["id"], outline[row["road"]]) for row in tables["intersection"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder}: not a folder of road-network tables ({error!r}); it needs {_TABLES}") from error
    points = np.concatenate([lane.left_m for lane in lanes] + [lane.right_m for lane in lanes])
    width, height = np.ceil(points.max(axis=0) + 60.0)
    bare = HDMap(
        location=folder.name,
        canvas_m=(float(width), float(height)),
        lanes=lanes,
        junctions=tuple(filter(None, junctions)),
    )
    surface = shapely.union_all([shapely.Polygon(area.polygon.exterior_m).buffer(0) for area in bare.junctions])
    return furnished(replace(bare, lanes=connected(bare.lanes, _surface(bare.lanes, surface))), walkways=False)


_TABLES = ("polygon", "lane", "intersection", "laneSection", "segment")


def _surface(lanes: tuple[Lane, ...], junctions: BaseGeometry) -> BaseGeometry:
    strips = [shapely.make_valid(shapely.Polygon(lane.polygon.exterior_m)) for lane in lanes]
    return shapely.union_all([junctions, *strips]).buffer(0.3).buffer(-0.3)


def _lanes(tables: Mapping[str, Any], outline: Mapping[str, BaseGeometry]) -> tuple[Lane, ...]:
    pieces: dict[str, list[Points]] = defaultdict(list)
    for row in tables["segment"]:
        start, end = (np.array(shapely.from_wkt(row[key]).coords[0]) for key in ("start", "end"))
        pieces[row["polygonId"]].append(np.stack([start, end]))
    junctions = {row["road"] for row in tables["intersection"]}
    beside = {row["id"].removesuffix("_sec"): row for row in tables["laneSection"]}
    lanes = []
    for row in tables["lane"]:
        name = row["id"]
        if name in junctions:
            continue
        edges = _edges(outline[name], pieces[name])
        if edges is not None:
            left, right = edges
            near = beside.get(name, {})
            lanes.append(
                Lane(
                    id=name,
                    center_m=(left + right) / 2,
                    left_m=left,
                    right_m=right,
                    left_neighbor=_named(near.get("laneToLeft")),
                    right_neighbor=_named(near.get("laneToRight")),
                )
            )
    return _linked(lanes)


def _named(section: str | None) -> str | None:
    return section.removesuffix("_sec") if section else None


def _edges(shape: BaseGeometry, pieces: list[Points]) -> tuple[Points, Points] | None:
    """Return left and right edge, point by point across from each other; None for what is no strip.

    The pieces follow the right edge; what is left of the ring, without its two ends, is the left one.
    """
    if not pieces:
        return None
    ring = np.asarray(shape.exterior.coords)[:-1]
    first, last = (int(np.argmin(np.linalg.norm(ring - point, axis=1))) for point in (pieces[0][0], pieces[-1][1]))
    if first == last:
        return None
    count = len(ring)
    forth = ring[np.arange(first, first + (last - first) % count + 1) % count]
    back = ring[np.arange(first, first - (first - last) % count - 1, -1) % count]
    way = np.concatenate([piece[:1] for piece in pieces] + [pieces[-1][1:]])
    on_forth = shapely.LineString(way).hausdorff_distance(shapely.LineString(forth))
    on_back = shapely.LineString(way).hausdorff_distance(shapely.LineString(back))
    right, left = (forth, back) if on_forth <= on_back else (back, forth)
    left = left[1:-1] if len(left) > 3 else left
    steps = max(2, int(Line(_distinct(right)).length_m / _STEP_M) + 1)
    share = np.linspace(0.0, 1.0, steps)
    edges = [_at(_distinct(edge), share) for edge in (left, right)]
    if np.median(np.linalg.norm(edges[0] - edges[1], axis=1)) > 8.0 or shapely.LineString(edges[1]).length < 1.0:
        return None
    return edges[0], edges[1]


def _distinct(points: Points) -> Points:
    keep = np.concatenate([[True], np.linalg.norm(np.diff(points, axis=0), axis=1) > 1e-3])
    return points[keep]


def _at(edge: Points, share: Float[np.ndarray, "n"]) -> Points:
    line = Line(edge)
    return line.at(share * line.length_m)[0]


def _linked(lanes: list[Lane]) -> tuple[Lane, ...]:
    """Give lanes their successors, which begin where they end and go on the same way; drop neighbours not there."""
    starts = np.stack([lane.center_m[0] for lane in lanes])
    names = {lane.id for lane in lanes}
    linked = []
    for lane in lanes:
        near = np.flatnonzero(np.linalg.norm(starts - lane.center_m[-1], axis=1) < _MEETING_M)
        ahead = Line(lane.center_m).tangent[-1]
        onward = [
            lanes[i].id for i in near if Line(lanes[i].center_m).tangent[0] @ ahead > 0.5 and lanes[i] is not lane
        ]
        linked.append(
            replace(
                lane,
                successors=tuple(onward),
                left_neighbor=lane.left_neighbor if lane.left_neighbor in names else None,
                right_neighbor=lane.right_neighbor if lane.right_neighbor in names else None,
            )
        )
    return tuple(linked)


def _area(name: str, shape: BaseGeometry) -> Area | None:
    if shape.geom_type != "Polygon" or shape.is_empty:
        return None
    return Area(id=name, polygon=Polygon(exterior_m=np.asarray(shape.exterior.coords, dtype=np.float64)[:-1]))
