"""The road surface as a picture seen from above: asphalt, paint, crossings, walkways and what grows beside them.

The map is drawn once per scene into a pyramid of textures, so that paint is antialiased by choosing the level
that fits a pixel's footprint, whatever the map is: a straight, a SUMO junction or a real city.

```
   coarse levels   ┌──────────────────────┐   within KEEP_M of the ego's path
                   │   ┌────────────┐     │
   fine levels     │   │ ──ego────▶ │     │   within NEAR_M of it
                   │   └────────────┘     │
                   └──────────────────────┘
```
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8

from datagen.scene import Area, Divider, Group, HDMap, Lane, LaneKind, Paint, Place, Polygon, Scene
from datagen.sensors.texture import noise, sampled, tiled

KEEP_M = 130.0
NEAR_M = 45.0
_SHIFT = 4
_MAX_TEXELS = 5000

_ASPHALT = (0.105, 0.105, 0.11)
_WALK = (0.36, 0.35, 0.33)
_WHITE = (0.72, 0.72, 0.7)
_YELLOW = (0.7, 0.42, 0.03)
_BIKE = (0.075, 0.16, 0.1)
_BASES = {
    Place.DOWNTOWN: (0.27, 0.26, 0.24),
    Place.RESIDENTIAL: (0.09, 0.16, 0.04),
    Place.INDUSTRIAL: (0.2, 0.185, 0.155),
    Place.HIGHWAY: (0.14, 0.16, 0.06),
    Place.PARK: (0.07, 0.17, 0.035),
}
_PAINTS: dict[Paint, tuple[tuple[float, float, float], bool, tuple[float, ...]]] = {
    Paint.DASHED_WHITE: (_WHITE, True, (0.0,)),
    Paint.SOLID_WHITE: (_WHITE, False, (0.0,)),
    Paint.DASHED_YELLOW: (_YELLOW, True, (0.0,)),
    Paint.DOUBLE_YELLOW: (_YELLOW, False, (-0.15, 0.15)),
}
_LINE_M = 0.15
_DASH_M, _GAP_M = 3.0, 6.0

Line = Float[np.ndarray, "points 2"]


@dataclass(frozen=True, kw_only=True)
class Canvas:
    """A rectangle of the world as pixels: texel (column, row) is centred at low_m + (column, row) * texel_m."""

    low_m: Float[np.ndarray, "2"]
    texel_m: float
    shape: tuple[int, int]

    @classmethod
    def over(cls, low_m: Float[np.ndarray, "2"], high_m: Float[np.ndarray, "2"], *, texel_m: float) -> Canvas:
        """Return the canvas over bounds, coarser than asked where it would grow beyond all memory."""
        span = high_m - low_m
        texel_m = max(texel_m, float(span.max()) / _MAX_TEXELS)
        columns, rows = np.ceil(span / texel_m).astype(int) + 1
        return cls(low_m=low_m, texel_m=texel_m, shape=(int(rows), int(columns)))

    def texels(self, xy_m: Float[np.ndarray, "*batch 2"]) -> Float[np.ndarray, "*batch 2"]:
        """Return columns and rows of points."""
        return (xy_m - self.low_m) / self.texel_m

    def fill(self, image: np.ndarray, polygons: Iterable[Polygon], *, color: tuple[float, ...] | int) -> None:
        """Fill polygons with holes, in place."""
        for polygon in polygons:
            rings = [self._fixed(ring) for ring in (polygon.exterior_m, *polygon.holes_m) if len(ring) >= 3]
            if rings and self._touches(polygon.exterior_m):
                cv2.fillPoly(image, rings, _bytes(color), lineType=cv2.LINE_8, shift=_SHIFT)

    def quads(self, image: np.ndarray, corners_m: Float[np.ndarray, "quads 4 2"], *, color: tuple[float, ...]) -> None:
        """Fill small quadrilaterals with soft edges, in place."""
        for corners in corners_m:
            if self._touches(corners):
                cv2.fillPoly(image, [self._fixed(corners)], _bytes(color), lineType=cv2.LINE_AA, shift=_SHIFT)

    def stroke(self, image: np.ndarray, line_m: Line, *, color: tuple[float, ...] | int, width_m: float) -> None:
        """Draw a polyline of at least one texel's width, in place."""
        thick = max(1, round(width_m / self.texel_m))
        if len(line_m) >= 2 and self._touches(line_m):
            cv2.polylines(image, [self._fixed(line_m)], False, _bytes(color), thick, cv2.LINE_AA, _SHIFT)

    def _fixed(self, points_m: Float[np.ndarray, "points 2"]) -> np.ndarray:
        return np.round(self.texels(points_m) * (1 << _SHIFT)).astype(np.int32)

    def _touches(self, points_m: Float[np.ndarray, "points 2"]) -> bool:
        low, high = self.texels(points_m.min(axis=0)), self.texels(points_m.max(axis=0))
        return bool((high >= 0).all() and (low <= np.array(self.shape[::-1])).all())


def _bytes(color: tuple[float, ...] | int) -> tuple[int, ...]:
    """Return a linear colour as stored: its square root, which keeps dark asphalt's shades apart."""
    if isinstance(color, int):
        return (color,)
    return tuple(round(255 * float(np.sqrt(channel))) for channel in color)


@dataclass(frozen=True, kw_only=True)
class Level:
    """One level of the pyramid: square roots of reflectance in RGB, how much of it is road in A."""

    canvas: Canvas
    image: UInt8[np.ndarray, "rows columns 4"]


@dataclass(frozen=True, kw_only=True)
class Ground:
    """The texture pyramid, fine to coarse; levels up to `near` cover only the surroundings of the path."""

    levels: tuple[Level, ...]
    near: int

    def at(
        self,
        xy_m: Float[np.ndarray, "points 2"],
        footprint_m: Float[np.ndarray, "points"],
        *,
        along_m: Float[np.ndarray, "points 2"] | None = None,
    ) -> Float32[np.ndarray, "points 4"]:
        """Return linear reflectance and the share of road, averaged over a footprint.

        along_m: where a footprint is long, its long axis; four samples are spread over it.
        """
        texel = self.levels[self.near - 1].canvas.texels(xy_m)
        rows, columns = self.levels[self.near - 1].canvas.shape
        inside = (texel[:, 0] > 0) & (texel[:, 1] > 0) & (texel[:, 0] < columns) & (texel[:, 1] < rows)
        first = self.levels[0].canvas.texel_m
        wanted = np.round(np.log2(np.maximum(footprint_m / first, 1.0))).astype(np.int32)
        wanted = np.clip(np.where(inside, wanted, np.maximum(wanted, self.near)), 0, len(self.levels) - 1)
        taps = _TAPS if along_m is not None else _TAPS[:1] * 0
        out = np.empty((len(xy_m), 4), dtype=np.float32)
        for index, level in enumerate(self.levels):
            chosen = np.flatnonzero(wanted == index)
            if len(chosen) == 0:
                continue
            texel = level.canvas.texels(xy_m[chosen])
            step = along_m[chosen] / level.canvas.texel_m if along_m is not None else np.zeros((len(chosen), 2))
            column, row = (texel[:, axis] + taps[:, None] * step[:, axis] for axis in (0, 1))
            found = sampled(level.image, column.ravel(), row.ravel())
            out[chosen] = _LINEAR[found].reshape(len(taps), -1, 4).mean(axis=0)
        return out


_TAPS = np.array([-0.375, -0.125, 0.125, 0.375], dtype=np.float32)
_LINEAR = np.linspace(0.0, 1.0, 256, dtype=np.float32) ** 2


def ground_of(scene: Scene, *, seed: int) -> Ground:
    """Draw the surroundings of the ego's path; scenes whose map is nearly empty get a road under what drives."""
    path = scene.ego.translation_m[:, :2]
    levels: list[Level] = []
    near = 0
    for margin_m, texel_m, count in ((NEAR_M, 0.1, 3), (KEEP_M, 0.2, 6)):
        canvas = Canvas.over(path.min(axis=0) - margin_m, path.max(axis=0) + margin_m, texel_m=texel_m)
        image = _drawn(scene, canvas, rng=np.random.default_rng(seed))
        for step in range(count):
            if step:
                image = cv2.resize(
                    image, (max(1, image.shape[1] // 2), max(1, image.shape[0] // 2)), None, 0, 0, cv2.INTER_AREA
                )
                low = canvas.low_m + 0.5 * canvas.texel_m
                canvas = Canvas(low_m=low, texel_m=canvas.texel_m * 2, shape=(image.shape[0], image.shape[1]))
            # The coarse pyramid starts where the fine one ends.
            if margin_m == NEAR_M or canvas.texel_m > levels[near - 1].canvas.texel_m * 1.5:
                levels.append(Level(canvas=canvas, image=image))
        near = near or len(levels)
    return Ground(levels=tuple(levels), near=near)


def road_polygons(scene: Scene) -> list[Polygon]:
    """Return where one may drive: drivable areas, lanes, junctions, car parks; or a strip under all traffic."""
    hdmap = scene.hdmap
    areas = (*hdmap.drivable, *hdmap.junctions, *hdmap.carparks)
    polygons = [area.polygon for area in areas] + [lane.polygon for lane in hdmap.lanes]
    return polygons or [Polygon(exterior_m=strip) for path in paths(scene) for strip in strips(path, width_m=7.0)]


def paths(scene: Scene) -> list[Line]:
    """Return the paths of the ego and of every vehicle and cycle."""
    wheeled = [actor for actor in scene.actors if actor.category.group in (Group.VEHICLE, Group.CYCLE)]
    return [scene.ego.translation_m[:, :2], *(actor.trajectory.translation_m[:, :2] for actor in wheeled)]


def strips(line_m: Line, *, width_m: float) -> Float[np.ndarray, "segments 4 2"]:
    """Return one rectangle per segment of a line, a little longer than it, so that bends close."""
    start, end = line_m[:-1], line_m[1:]
    along = end - start
    length = np.linalg.norm(along, axis=1, keepdims=True)
    start, end, along = (part[length[:, 0] > 1e-6] for part in (start, end, along / np.maximum(length, 1e-6)))
    across = np.stack([-along[:, 1], along[:, 0]], axis=-1) * width_m / 2
    reach = along * min(width_m, 0.3) / 2
    return np.stack(
        [start - reach + across, end + reach + across, end + reach - across, start - reach - across], axis=1
    )


def _drawn(scene: Scene, canvas: Canvas, *, rng: np.random.Generator) -> UInt8[np.ndarray, "rows columns 4"]:
    hdmap = scene.hdmap
    image = np.zeros((*canvas.shape, 3), dtype=np.uint8)
    road = np.zeros(canvas.shape, dtype=np.uint8)
    image[:] = _bytes(_BASES[scene.ambience.place])
    canvas.fill(road, road_polygons(scene), color=255)
    _draw_walkways(image, hdmap, canvas, place=scene.ambience.place, road=road)
    image[road > 0] = _bytes(_ASPHALT)
    canvas.fill(image, (lane.polygon for lane in hdmap.lanes if lane.kind is LaneKind.BIKE), color=_BIKE)
    image = _weathered(image, road, rng=rng)
    canvas.fill(image, (area.polygon for area in hdmap.stop_lines if _small(area)), color=_WHITE)
    for area in hdmap.crossings:
        canvas.quads(image, zebra(area.polygon, lanes=hdmap.lanes), color=_WHITE)
    for divider in hdmap.dividers:
        for strip, color in painted_strips(divider):
            canvas.quads(image, strip, color=color)
    return np.concatenate([image, road[..., None]], axis=-1)


def _draw_walkways(
    image: UInt8[np.ndarray, "rows columns 3"],
    hdmap: HDMap,
    canvas: Canvas,
    *,
    place: Place,
    road: UInt8[np.ndarray, "rows columns"],
) -> None:
    if hdmap.walkways:
        canvas.fill(image, (area.polygon for area in hdmap.walkways), color=_WALK)
    elif place not in (Place.HIGHWAY, Place.PARK):
        away_m = cv2.distanceTransform(255 - road, cv2.DIST_L2, 3) * canvas.texel_m
        image[away_m < 3.0] = _bytes(_WALK)


def _weathered(
    image: UInt8[np.ndarray, "rows columns 3"], road: UInt8[np.ndarray, "rows columns"], *, rng: np.random.Generator
) -> UInt8[np.ndarray, "rows columns 3"]:
    """Return the picture with grain, stains and patches; the road's are fainter than the verge's."""
    grain = 0.35 * noise(rng, size=512, slope=0.4) + 0.65 * noise(rng, size=512, slope=1.3)
    strength = np.where(road > 0, np.float32(0.055), np.float32(0.075))
    gain = 1.0 + strength * tiled(grain, (road.shape[0], road.shape[1]))
    return np.clip(image * gain[..., None], 0, 255).astype(np.uint8)


def _small(area: Area) -> bool:
    """Say whether a stop line is a line; some logs keep whole waiting areas under that name."""
    rect = cv2.minAreaRect(area.polygon.exterior_m.astype(np.float32))
    return min(rect[1]) < 1.0


def zebra(polygon: Polygon, *, lanes: Iterable[Lane]) -> Float[np.ndarray, "stripes 4 2"]:
    """Return the stripes of a crossing: half a metre wide, half a metre apart, along the road's direction."""
    center, walk, road, extent = crossing_axes(polygon, lanes=lanes)
    count = max(2, int(extent[0] // 1.0))
    offsets = (np.arange(count) - (count - 1) / 2) * (extent[0] / count)
    half = 0.25 * extent[0] / count
    corners = [(-half, -1), (half, -1), (half, 1), (-half, 1)]
    return np.stack(
        [np.stack([center + (offset + a) * walk + b * extent[1] / 2 * road for a, b in corners]) for offset in offsets]
    )


def crossing_axes(
    polygon: Polygon, *, lanes: Iterable[Lane]
) -> tuple[Float[np.ndarray, "2"], Float[np.ndarray, "2"], Float[np.ndarray, "2"], Float[np.ndarray, "2"]]:
    """Return a crossing's centre, walking direction, road direction and its extents along the two, metres."""
    ring = polygon.exterior_m
    corners = cv2.boxPoints(cv2.minAreaRect((ring - ring[0]).astype(np.float32))).astype(np.float64) + ring[0]
    sides = corners[1] - corners[0], corners[3] - corners[0]
    lengths = np.array([np.linalg.norm(side) for side in sides])
    axes = [side / max(length, 1e-6) for side, length in zip(sides, lengths)]
    center = corners.mean(axis=0)
    tangent = _nearest_direction(center, lanes)
    first = int(np.argmax(lengths)) if tangent is None else int(np.argmin([abs(axis @ tangent) for axis in axes]))
    return center, axes[first], axes[1 - first], lengths[[first, 1 - first]]


def _nearest_direction(point_m: Float[np.ndarray, "2"], lanes: Iterable[Lane]) -> Float[np.ndarray, "2"] | None:
    best, direction = 15.0, None
    for lane in lanes:
        if lane.junction or lane.kind is LaneKind.BIKE or len(lane.center_m) < 2:
            continue
        away = np.linalg.norm(lane.center_m - point_m, axis=1)
        nearest = int(np.argmin(away))
        if away[nearest] < best:
            i = min(nearest, len(lane.center_m) - 2)
            step = lane.center_m[i + 1] - lane.center_m[i]
            best, direction = float(away[nearest]), step / max(float(np.linalg.norm(step)), 1e-6)
    return direction


def painted_strips(
    divider: Divider,
) -> list[tuple[Float[np.ndarray, "quads 4 2"], tuple[float, float, float]]]:
    """Return the quadrilaterals a divider is painted with, and their colour; none where it is not painted."""
    if divider.paint not in _PAINTS or len(divider.line_m) < 2:
        return []
    color, dashed, offsets = _PAINTS[divider.paint]
    line = resampled(divider.line_m, step_m=1.0)
    along = np.gradient(line, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-6)
    across = np.stack([-along[:, 1], along[:, 0]], axis=-1)
    parts = []
    for offset in offsets:
        quads = strips(line + offset * across, width_m=_LINE_M)
        if dashed:
            quads = quads[np.arange(len(quads)) % (_DASH_M + _GAP_M) < _DASH_M]
        parts.append((quads, color))
    return parts


def resampled(line_m: Line, *, step_m: float) -> Float[np.ndarray, "_ 2"]:
    """Return points along a line at even steps close to `step_m`."""
    away = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line_m, axis=0), axis=1))])
    count = max(2, round(away[-1] / step_m) + 1)
    where = np.linspace(0.0, away[-1], count)
    return np.stack([np.interp(where, away, line_m[:, axis]) for axis in range(2)], axis=-1)
