"""Maps and traffic as bird's-eye rasters: what a network draws, and what it draws it from.

| map channel       | is                                                                   |
|-------------------|----------------------------------------------------------------------|
| boundary          | kerbs, lines LINE_M wide                                              |
| divider           | dividers of both kinds, lines LINE_M wide                             |
| crossing          | crossings, filled                                                     |
| drivable          | the drivable area, filled                                             |
| ahead_x, ahead_y  | the direction one drives in, in the canvas's frame, on a band BAND_M  |
|                   | wide along the centre lines of car lanes, junctions left out; else 0  |

Boundary, divider and crossing are the paper's three (arXiv 2403.06845); the others are what lanes are read from.
A band narrower than its lane keeps neighbouring lanes apart even where no paint does.

| traffic channel   | is                                                                   |
|-------------------|----------------------------------------------------------------------|
| moving, parked    | ground that vehicles sweep over, and ground they stand on throughout  |
| cycle, person     | ground that cyclists and people sweep over                            |
| ahead_x, ahead_y  | the heading of whoever drove there last (vehicles and cycles)         |
| speed             | how fast, in parts of SPEED_MPS                                       |
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Float

from datagen.roads.canvas import Canvas
from datagen.scene import EGO_SE3_EGO_BOX, EGO_SIZE_LWH_M, Actor, Category, Group, HDMap, LaneKind, Polygon, Scene
from datagen.scene.trajectory import Trajectory

MAP_CHANNELS = ("boundary", "divider", "crossing", "drivable", "ahead_x", "ahead_y")
TRAFFIC_CHANNELS = ("moving", "parked", "cycle", "person", "ahead_x", "ahead_y", "speed")
LINE_M = 1.2
BAND_M = 1.6
SPEED_MPS = 15.0
STEP_M = 0.8
"""Traffic is stamped at least this densely along its way."""
_STILL_M = 1.0
"""Who moves less than this in a scene stands."""
_SHIFT = 4
"""Fractional bits of the coordinates OpenCV draws at."""
_FINER = 4
"""Areas are drawn with so many times as many pixels along each side."""

MapRaster = Float[np.ndarray, "6 rows columns"]
TrafficRaster = Float[np.ndarray, "7 rows columns"]
Layer = Float[np.ndarray, "rows columns"]


@dataclass(frozen=True, kw_only=True)
class Track:
    """Somebody's way over the ground. corners are those of the footprint: length by width about each point."""

    category: Category
    size_lw_m: tuple[float, float]
    xy_m: Float[np.ndarray, "steps 2"]
    yaw_rad: Float[np.ndarray, "steps"]
    speed_mps: Float[np.ndarray, "steps"]

    @property
    def stands(self) -> bool:
        """Whether it stays where it is."""
        return bool(np.ptp(self.xy_m, axis=0).max() < _STILL_M)


def tracks_of(scene: Scene) -> list[Track]:
    """Return everybody's way over the ground, the ego first; things that are no traffic participants are left out."""
    ego = _track(_ego_box(scene), Category.CAR, EGO_SIZE_LWH_M)
    moving = (Group.VEHICLE, Group.CYCLE, Group.PERSON)
    return [ego, *(_actor_track(actor) for actor in scene.actors if actor.category.group in moving)]


def _actor_track(actor: Actor) -> Track:
    return _track(actor.trajectory, actor.category, actor.size_lwh_m)


def _ego_box(scene: Scene) -> Trajectory:
    """Return `world_SE3_box` of the ego."""
    ahead, yaw = EGO_SE3_EGO_BOX.translation_m[0], scene.ego.yaw_rad
    forward = np.stack([np.cos(yaw), np.sin(yaw), np.zeros_like(yaw)], axis=-1)
    return Trajectory.from_xyz_yaw(
        scene.ego.timestamp_us, scene.ego.translation_m + ahead * forward, yaw_rad=scene.ego.yaw_rad
    )


def _track(trajectory: Trajectory, category: Category, size_lwh_m: tuple[float, float, float]) -> Track:
    times = np.arange(trajectory.start_us, trajectory.end_us + 1, 100_000, dtype=np.int64)
    times = times[trajectory.covers(times)]
    xyz, quat = trajectory.at(times)
    w, x, y, z = quat.T
    return Track(
        category=category,
        size_lw_m=size_lwh_m[:2],
        xy_m=xyz[:, :2],
        yaw_rad=np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z)),
        speed_mps=np.linalg.norm(trajectory.velocity_mps(times)[:, :2], axis=-1),
    )


def draw_map(hdmap: HDMap, canvas: Canvas) -> MapRaster:
    """Return a map's raster; lines are anti-aliased."""
    lanes = [lane for lane in hdmap.lanes if lane.kind is LaneKind.CAR and not lane.junction]
    return np.stack(
        [
            _lines((boundary.line_m for boundary in hdmap.boundaries), canvas),
            _lines((divider.line_m for divider in hdmap.dividers), canvas),
            _filled((area.polygon for area in hdmap.crossings), canvas),
            _filled((area.polygon for area in hdmap.drivable), canvas),
            *_directions((lane.center_m for lane in lanes), canvas),
        ]
    )


def draw_traffic(tracks: Iterable[Track], canvas: Canvas) -> TrafficRaster:
    """Return a traffic raster: footprints along everybody's way, later ones over earlier ones."""
    moving, parked, cycle, person, ahead_x, ahead_y, speed = layers = [_blank(canvas) for _ in TRAFFIC_CHANNELS]
    for track in tracks:
        group = track.category.group
        if group is Group.PERSON:
            _stamp(track, canvas, [(person, np.ones(len(track.xy_m)))])
        elif track.stands:
            _stamp(track, canvas, [(cycle if group is Group.CYCLE else parked, np.ones(len(track.xy_m)))])
        else:
            heading = track.yaw_rad - canvas.heading_rad
            said = [
                (cycle if group is Group.CYCLE else moving, np.ones(len(heading))),
                (ahead_x, np.cos(heading)),
                (ahead_y, np.sin(heading)),
                (speed, np.minimum(track.speed_mps / SPEED_MPS, 2.0)),
            ]
            _stamp(track, canvas, said)
    return np.stack(layers)


def _blank(canvas: Canvas) -> Layer:
    return np.zeros(canvas.size_px[::-1], dtype=np.float32)


def _fixed(points_m: Float[np.ndarray, "*points 2"], canvas: Canvas) -> np.ndarray:
    """Return points as OpenCV's fixed-point pixels, whose integers are pixel centres."""
    pixels = canvas.to_pixels(np.asarray(points_m, dtype=np.float64)) - 0.5
    return np.round(np.clip(pixels, -32768, 32768) * 2**_SHIFT).astype(np.int32)


def _lines(lines_m: Iterable[Float[np.ndarray, "_ 2"]], canvas: Canvas) -> Layer:
    layer = np.zeros(canvas.size_px[::-1], dtype=np.uint8)
    thickness = max(1, round(LINE_M / canvas.m_per_px))
    ways = [_fixed(line, canvas) for line in lines_m]
    cv2.polylines(layer, ways, False, (255,), thickness=thickness, lineType=cv2.LINE_AA, shift=_SHIFT)
    return layer.astype(np.float32) / 255


def _filled(polygons: Iterable[Polygon], canvas: Canvas) -> Layer:
    """Return how much of each pixel polygons cover; holes are holes in their own polygon only.

    OpenCV also fills the pixels an outline touches; on finer pixels that is little.
    """
    width, height = canvas.size_px
    fine = replace(canvas, size_px=(_FINER * width, _FINER * height), m_per_px=canvas.m_per_px / _FINER)
    layer = np.zeros(fine.size_px[::-1], dtype=np.uint8)
    limits = 2**_SHIFT * np.array(fine.size_px)
    for polygon in polygons:
        rings = [_fixed(ring, fine) for ring in (polygon.exterior_m, *polygon.holes_m)]
        if (rings[0].max(axis=0) < 0).any() or (rings[0].min(axis=0) > limits).any():
            continue
        if polygon.holes_m:
            one = np.zeros_like(layer)
            cv2.fillPoly(one, rings, (255,), shift=_SHIFT)
            np.maximum(layer, one, out=layer)
        else:
            cv2.fillPoly(layer, rings, (255,), shift=_SHIFT)
    return cv2.resize(layer, canvas.size_px, interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def _directions(centers_m: Iterable[Float[np.ndarray, "_ 2"]], canvas: Canvas) -> tuple[Layer, Layer]:
    across, along = _blank(canvas), _blank(canvas)
    thickness = max(1, round(BAND_M / canvas.m_per_px))
    room, limits = thickness * 2**_SHIFT, 2**_SHIFT * np.array(canvas.size_px)
    for center in centers_m:
        corners = _fixed(center, canvas)
        if (corners.max(axis=0) < -room).any() or (corners.min(axis=0) > limits + room).any():
            continue
        step = np.diff(corners.astype(np.float64), axis=0)
        length = np.linalg.norm(step, axis=1)
        for start, end, (dx, dy), size in zip(corners[:-1], corners[1:], step, length):
            if size > 0:
                first, last = tuple(map(int, start)), tuple(map(int, end))
                cv2.line(across, first, last, (float(dx / size),), thickness=thickness, shift=_SHIFT)
                cv2.line(along, first, last, (float(-dy / size),), thickness=thickness, shift=_SHIFT)
    return across, along


def _stamp(track: Track, canvas: Canvas, said: list[tuple[Layer, Float[np.ndarray, "steps"]]]) -> None:
    """Fill the track's footprints with what is said of each step."""
    length, width = track.size_lw_m
    width, length = max(width, canvas.m_per_px), max(length, canvas.m_per_px)
    corners = np.array([[length, width], [length, -width], [-length, -width], [-length, width]]) / 2
    steps = _every(track)
    cos, sin = np.cos(track.yaw_rad[steps]), np.sin(track.yaw_rad[steps])
    turn = np.stack([np.stack([cos, sin], axis=-1), np.stack([-sin, cos], axis=-1)], axis=-2)
    rings = _fixed(corners @ turn + track.xy_m[steps][:, None], canvas)
    for step, ring in zip(steps, rings):
        for layer, values in said:
            cv2.fillConvexPoly(layer, ring, (float(values[step]),), shift=_SHIFT)


def _every(track: Track) -> list[int]:
    """Return the steps to stamp: the first, the last and those STEP_M after the one before."""
    if track.stands:
        return [0]
    way = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(track.xy_m, axis=0), axis=1))])
    chosen = np.searchsorted(way, np.arange(0.0, way[-1], STEP_M))
    return sorted({*chosen.tolist(), len(way) - 1})
