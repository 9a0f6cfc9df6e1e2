"""What is drawn around lanes: paint, kerbs, walkways, stop lines. Works on any set of lanes.

```
   lanes ∪ parking ∪ junctions  ──▶ drivable area ──▶ kerbs (its outline, open where a street leaves the map)
                                          └─────────▶ walkways (a band outside the kerbs)
   edges of lanes               ──▶ dividers (dashed between neighbours, double yellow between directions)
```
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import shapely
from jaxtyping import Float
from shapely.geometry.base import BaseGeometry

from datagen.scene import Area, Boundary, Divider, DividerKind, HDMap, Lane, LaneKind, Paint, Polygon

WALKWAY_M = 3.0
_SEAM_M = 0.05
"""Gaps narrower than twice this between neighbouring areas are closed."""


def furnished(reference: HDMap, *, walkways: bool = True) -> HDMap:
    """Return the map with everything drawn that its lanes, crossings, parking strips and junctions call for."""
    surface = drivable_surface(reference)
    ends = street_ends(reference.lanes)
    return replace(
        reference,
        dividers=tuple(_dividers(reference.lanes)),
        boundaries=tuple(_boundaries(surface, ends)),
        walkways=tuple(_areas("walkway", _walkway(surface, ends))) if walkways else (),
        stop_lines=tuple(_stop_lines(reference)),
        drivable=tuple(_areas("drivable", surface)),
    )


def drivable_surface(hdmap: HDMap) -> BaseGeometry:
    """Return lanes, parking strips, junctions and drivable areas as one surface."""
    parts = [lane.polygon for lane in hdmap.lanes]
    parts += [area.polygon for area in (*hdmap.carparks, *hdmap.junctions, *hdmap.drivable)]
    united = shapely.union_all([as_shapely(part) for part in parts])
    return united.buffer(_SEAM_M, join_style="mitre").buffer(-_SEAM_M, join_style="mitre").simplify(0.01)


def as_shapely(polygon: Polygon) -> BaseGeometry:
    """Return a polygon of ours as one of shapely's, mended where it touches itself."""
    shape = shapely.Polygon(polygon.exterior_m, polygon.holes_m)
    return shape if shape.is_valid else shapely.make_valid(shape)


def street_ends(lanes: Iterable[Lane]) -> BaseGeometry:
    """Return the strips, 12 m long, just beyond where lanes enter or leave the map."""
    entered = {successor for lane in lanes for successor in lane.successors}
    strips = []
    for lane in lanes:
        if not lane.successors:
            strips.append(_strip(lane.left_m[-2:], lane.right_m[-2:]))
        if lane.id not in entered and not lane.junction:
            strips.append(_strip(lane.left_m[1::-1], lane.right_m[1::-1]))
    return shapely.union_all(strips)


def _strip(left: Float[np.ndarray, "2 2"], right: Float[np.ndarray, "2 2"]) -> BaseGeometry:
    """Return the area from 0.5 m before to 12 m beyond the last points of two edges, 8 m wider on both sides."""
    ahead = (left[1] - left[0]) / np.linalg.norm(left[1] - left[0])
    aside = (left[1] - right[1]) / np.linalg.norm(left[1] - right[1])
    low, high = right[1] - 0.02 * aside, left[1] + 0.02 * aside
    return shapely.Polygon([low - 0.5 * ahead, low + 12 * ahead, high + 12 * ahead, high - 0.5 * ahead])


def _boundaries(surface: BaseGeometry, ends: BaseGeometry) -> Iterator[Boundary]:
    kerbs = shapely.line_merge(surface.boundary.difference(ends))
    lines = [line for line in shapely.get_parts(kerbs) if line.length > 1.0]
    for number, line in enumerate(sorted(lines, key=lambda line: line.bounds)):
        yield Boundary(id=f"kerb-{number}", line_m=np.asarray(line.coords, dtype=np.float64))


def _walkway(surface: BaseGeometry, ends: BaseGeometry) -> BaseGeometry:
    band = surface.buffer(WALKWAY_M, quad_segs=4).difference(surface)
    return band.difference(ends.buffer(WALKWAY_M + 4.0, cap_style="flat", join_style="mitre").difference(surface))


def _areas(name: str, shape: BaseGeometry) -> Iterator[Area]:
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon" and part.area > 1.0]
    for number, part in enumerate(sorted(parts, key=lambda part: part.bounds)):
        exterior = np.asarray(part.exterior.coords, dtype=np.float64)[:-1]
        holes = tuple(np.asarray(ring.coords, dtype=np.float64)[:-1] for ring in part.interiors)
        yield Area(id=f"{name}-{number}", polygon=Polygon(exterior_m=exterior, holes_m=holes))


def _dividers(lanes: tuple[Lane, ...]) -> Iterator[Divider]:
    middles = _middles(lanes)
    for lane in lanes:
        if lane.junction:
            continue
        if lane.kind is LaneKind.BIKE:
            yield Divider(id=f"{lane.id}|left", line_m=lane.left_m, kind=DividerKind.LANE, paint=Paint.SOLID_WHITE)
        elif lane.left_neighbor is not None:
            yield Divider(id=f"{lane.id}|left", line_m=lane.left_m, kind=DividerKind.LANE)
        elif lane.id in middles:
            yield Divider(id=f"{lane.id}|left", line_m=lane.left_m, kind=DividerKind.ROAD, paint=Paint.DOUBLE_YELLOW)


def _middles(lanes: tuple[Lane, ...]) -> set[str]:
    """Return the lanes whose left edge is that of a lane that comes back, the one with the lesser id of each pair."""
    open_ = [lane for lane in lanes if not lane.junction and lane.left_neighbor is None]
    if not open_:
        return set()
    ends = np.stack([lane.left_m[[0, -1]].ravel() for lane in open_])
    back = np.stack([lane.left_m[[-1, 0]].ravel() for lane in open_])
    found = set()
    for lane, own in zip(open_, ends):
        near = np.flatnonzero(np.abs(back - own).max(axis=1) < 0.3)
        if any(open_[index].id > lane.id for index in near):
            found.add(lane.id)
    return found


def _stop_lines(hdmap: HDMap) -> Iterator[Area]:
    """Yield a stop line, 0.5 m deep, on every lane that meets a crossing, 1 m before it."""
    zebras = [(area, as_shapely(area.polygon)) for area in hdmap.crossings]
    for lane in hdmap.lanes:
        if lane.junction or lane.kind is not LaneKind.CAR:
            continue
        line = shapely.LineString(lane.center_m)
        for area, zebra in zebras:
            met = line.intersection(zebra)
            if met.is_empty or met.length < 1.0:
                continue
            start = min(line.project(shapely.Point(point)) for point in met.coords) - 1.5
            if start > 1.0 and _meets_head_on(lane, area, hdmap):
                yield Area(id=f"{lane.id}|stop-{area.id}", polygon=_slice(lane, line, start, start + 0.5))


def _meets_head_on(lane: Lane, area: Area, hdmap: HDMap) -> bool:
    """Say whether one stops there: not on leaving a junction, where the crossing lies at the lane's start."""
    centre = area.polygon.exterior_m.mean(axis=0)
    along = shapely.LineString(lane.center_m).project(shapely.Point(centre))
    return along > 12.0 or not hdmap.junctions


def _slice(lane: Lane, line: BaseGeometry, start_m: float, end_m: float) -> Polygon:
    def across(s: float) -> tuple[Float[np.ndarray, "2"], Float[np.ndarray, "2"]]:
        share = s / line.length
        return tuple(
            np.asarray(shapely.LineString(edge).interpolate(share, normalized=True).coords[0])
            for edge in (lane.left_m, lane.right_m)
        )  # type: ignore[return-value]

    (l0, r0), (l1, r1) = across(start_m), across(end_m)
    return Polygon(exterior_m=np.stack([l0, l1, r1, r0]))
