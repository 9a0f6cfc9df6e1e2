"""A map raster back to vectors: everything an HDMap holds, read from six channels (see `raster`).

```
   ahead_x, ahead_y ──▶ bands, thinned ──▶ lanes ──▶ successors, connectors through junctions (`lanes`, `connectors`)
   boundary, divider ─▶ lines, thinned ──▶ kerbs, dividers (of two directions: ROAD, else LANE)
   crossing, drivable ▶ outlines ────────▶ polygons ──▶ walkways outside, junctions where no lane is
```
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from jaxtyping import Bool, Float
from shapely.geometry.base import BaseGeometry
from skimage.measure import find_contours
from skimage.morphology import remove_small_holes, remove_small_objects

from datagen.roads.canvas import Canvas
from datagen.roads.connectors import connected
from datagen.roads.furnish import WALKWAY_M, as_shapely
from datagen.roads.lanes import lanes_of
from datagen.roads.raster import MAP_CHANNELS, MapRaster
from datagen.roads.skeleton import branches_of
from datagen.scene import Area, Boundary, Divider, DividerKind, HDMap, Lane, Paint, Polygon

Mask = Bool[np.ndarray, "rows columns"]
_STRIP_M = 4.0
"""What is narrower than this beside lanes is a strip to park on, no junction."""
_MEETS_M = 3.0
_SPECK_M2 = 1.0
"""A ring around less than this is neither an area nor a hole."""


@dataclass(frozen=True, kw_only=True)
class Vectoriser:
    """What is too small to be meant, in metres and square metres, and how much lines are smoothed."""

    smoothing_m: float = 0.6
    simplify_m: float = 0.08
    shortest_line_m: float = 2.4
    smallest_crossing_m2: float = 6.0
    smallest_surface_m2: float = 25.0
    smallest_junction_m2: float = 30.0


def vectorised(
    raster: MapRaster,
    canvas: Canvas,
    *,
    canvas_m: tuple[float, float],
    location: str,
    walkways: bool = True,
    settings: Vectoriser = Vectoriser(),
) -> HDMap:
    """Return the map a raster shows; what lies outside [0, width] x [0, height] of the world is cut off.

    canvas_m: (width, height) of the map.  location: its name; ids are unique in it.
    """
    channel = dict(zip(MAP_CHANNELS, raster * canvas.on_map(canvas_m), strict=True))
    surface = _surface(channel["drivable"], canvas, settings)
    ahead = np.stack([channel["ahead_x"], channel["ahead_y"]])
    lanes = connected(lanes_of(ahead, surface, canvas=canvas, smoothing_m=settings.smoothing_m), surface)
    parts = _junctions(surface, lanes, settings)
    return HDMap(
        location=location,
        canvas_m=canvas_m,
        lanes=lanes,
        dividers=tuple(_dividers(_lines(channel["divider"] > 0.5, canvas, settings), lanes)),
        boundaries=tuple(
            Boundary(id=f"kerb-{number}", line_m=line)
            for number, line in enumerate(_lines(channel["boundary"] > 0.5, canvas, settings))
        ),
        crossings=tuple(_areas("crossing", _shape(channel["crossing"], canvas, settings.smallest_crossing_m2))),
        walkways=tuple(_areas("walkway", _walkway(surface, canvas))) if walkways else (),
        junctions=tuple(_areas("junction", parts)),
        drivable=tuple(_areas("drivable", surface)),
    )


def name_of(raster: MapRaster, canvas: Canvas) -> str:
    """Return a location's name for a drawn map: the same for the same map, another for another."""
    said = np.round(raster * 255).astype(np.int16).tobytes() + repr(canvas).encode()
    return f"drawn-{hashlib.sha256(said).hexdigest()[:8]}"


def _surface(drivable: Float[np.ndarray, "rows columns"], canvas: Canvas, settings: Vectoriser) -> BaseGeometry:
    """Return the drivable area; specks and pinholes are neither road nor islands."""
    least = round(settings.smallest_surface_m2 / canvas.m_per_px**2)
    mask = remove_small_objects(drivable > 0.5, max_size=least)
    hole = round(4.0 / canvas.m_per_px**2)
    cleaned = np.where(mask == (drivable > 0.5), drivable, 0.0)
    cleaned = np.where(remove_small_holes(mask, max_size=hole) & ~mask, 1.0, cleaned)
    return _shape(cleaned, canvas, settings.smallest_surface_m2)


def _shape(layer: Float[np.ndarray, "rows columns"], canvas: Canvas, least_m2: float) -> BaseGeometry:
    """Return the area where a layer is above one half, by marching squares (Lorensen and Cline 1987).

    Rings nest by parity: a ring inside another is a hole, one inside that an island.
    """
    padded = np.pad(layer, 1)
    rings = [ring[:, ::-1] - 0.5 for ring in find_contours(padded, 0.5)]
    world = [shapely.Polygon(canvas.to_world(ring)) for ring in rings if len(ring) > 3]
    shape: BaseGeometry = shapely.Polygon()
    for part in sorted((part.buffer(0) for part in world if part.area > _SPECK_M2), key=lambda part: -part.area):
        shape = shape.symmetric_difference(part)
    kept = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon" and part.area >= least_m2]
    return shapely.union_all(kept).simplify(0.25 * canvas.m_per_px)


def _lines(mask: Mask, canvas: Canvas, settings: Vectoriser) -> list[Float[np.ndarray, "_ 2"]]:
    """Return the middle lines of a mask in the world, in an order that depends on nothing but the mask."""
    smoothing, shortest = settings.smoothing_m / canvas.m_per_px, settings.shortest_line_m / canvas.m_per_px
    lines = []
    for branch in branches_of(mask, smoothing_px=smoothing, spur_px=shortest):
        line = shapely.LineString(canvas.to_world(branch.points_px)).simplify(settings.simplify_m)
        if line.length > canvas.m_per_px:
            lines.append(np.asarray(line.coords, dtype=np.float64))
    return lines


def _dividers(lines: list[Float[np.ndarray, "_ 2"]], lanes: tuple[Lane, ...]) -> Iterator[Divider]:
    """Yield dividers; one with lanes of opposite directions on its two sides parts directions."""
    places, headings = _lane_points(lanes)
    tree = shapely.STRtree(shapely.points(places)) if len(places) else None
    for number, line in enumerate(lines):
        middle = shapely.LineString(line).interpolate(0.5, normalized=True)
        opposed = False
        if tree is not None:
            near = headings[tree.query(middle, predicate="dwithin", distance=4.0)]
            opposed = len(near) > 1 and bool((near @ near.T).min() < -0.5)
        kind, paint = (DividerKind.ROAD, Paint.DOUBLE_YELLOW) if opposed else (DividerKind.LANE, Paint.DASHED_WHITE)
        yield Divider(id=f"divider-{number}", line_m=line, kind=kind, paint=paint)


def _lane_points(lanes: tuple[Lane, ...]) -> tuple[Float[np.ndarray, "n 2"], Float[np.ndarray, "n 2"]]:
    """Return points about 2 m apart on lanes outside junctions, and the directions there."""
    places, headings = [np.empty((0, 2))], [np.empty((0, 2))]
    for lane in lanes:
        if not lane.junction:
            line = np.asarray(shapely.LineString(lane.center_m).segmentize(2.0).coords)
            step = np.diff(line, axis=0)
            places.append((line[1:] + line[:-1]) / 2)
            headings.append(step / np.linalg.norm(step, axis=1, keepdims=True))
    return np.concatenate(places), np.concatenate(headings)


def _junctions(surface: BaseGeometry, lanes: tuple[Lane, ...], settings: Vectoriser) -> BaseGeometry:
    """Return the parts of the surface without lanes that connectors lead over, or that lanes end on.

    The latter are junctions cut off by the canvas's edge: where they lead is not known.
    """
    streets = [lane for lane in lanes if not lane.junction]
    roads = shapely.union_all([as_shapely(lane.polygon).buffer(1.5) for lane in streets])
    across = shapely.union_all([as_shapely(lane.polygon).buffer(1.0) for lane in lanes if lane.junction])
    open_ = surface.difference(roads).buffer(-_STRIP_M / 2).buffer(_STRIP_M / 2)
    ends = shapely.union_all([shapely.MultiPoint(lane.center_m[[0, -1]]) for lane in streets])
    met = [part for part in shapely.get_parts(open_) if part.distance(ends) < _MEETS_M]
    left = shapely.union_all([surface.intersection(across), *met]).difference(roads).buffer(-0.5).buffer(0.5)
    parts = [part for part in shapely.get_parts(left) if part.area >= settings.smallest_junction_m2]
    return shapely.union_all(parts).simplify(0.1)


def _walkway(surface: BaseGeometry, canvas: Canvas) -> BaseGeometry:
    """Return a band outside the kerbs; none where streets leave the canvas."""
    edge = shapely.Polygon(canvas.outline_m()).buffer(-0.5)
    return surface.buffer(WALKWAY_M, quad_segs=4).difference(surface).intersection(edge)


def _areas(name: str, shape: BaseGeometry) -> Iterator[Area]:
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon" and part.area > 1.0]
    for number, part in enumerate(sorted(parts, key=lambda part: part.bounds)):
        exterior = np.asarray(part.exterior.coords, dtype=np.float64)[:-1]
        holes = tuple(np.asarray(ring.coords, dtype=np.float64)[:-1] for ring in part.interiors)
        yield Area(id=f"{name}-{number}", polygon=Polygon(exterior_m=exterior, holes_m=holes))
