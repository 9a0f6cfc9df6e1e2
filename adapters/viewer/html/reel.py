"""What the page's player is given of a clip: small, in metres around where the ego starts.

The player projects boxes itself, with the matrices given here, so that they can be switched on and off and stand
exactly where the labels do. Lengths are whole centimetres, angles whole milliradians; a frame is one index of all.

| key      | is                                                                                   |
|----------|--------------------------------------------------------------------------------------|
| rate_hz  | frames a second                                                                      |
| key      | indices of the key frames                                                            |
| views    | name, place in the film; `project`: 12 numbers a frame (3x4, cm → pixels of the place); |
|          | `late`: by how many frames the camera fires after the frame's instant                |
| ego      | `xy` and `yaw`, flat, a frame                                                        |
| tracks   | group, name, size (l, w, h), event, first frame; a frame: x, y, z, yaw (null: not    |
|          | there) and visibility                                                                |
| road     | areas and lines by layer                                                             |
| lidar    | a key frame: base64 of int16 x, y (decimetres), returns above the ground             |
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import shapely
from jaxtyping import Float

from adapters.viewer._footage import Footage, RoadShape, Track, View
from adapters.viewer.html.film import Mosaic, Place
from datagen.scene import EGO_SE3_EGO_BOX, EGO_SIZE_LWH_M, Category, Group
from datagen.scene.pose import rotation_from_quat

ROAD_REACH_M = 75.0
"""How far around the ego's path the road is shown."""
ROAD_DETAIL_M = 0.1
LIDAR_POINTS = 900
"""Returns shown at a key frame."""
GROUND_M = 0.35
"""Returns lower than this above the ego's ground are the road, and not shown."""
LARGE = {
    Category.TRUCK,
    Category.BUS,
    Category.BENDY_BUS,
    Category.TRAILER,
    Category.CONSTRUCTION_VEHICLE,
    Category.AMBULANCE,
}
LAYERS = {
    "drivable": "drivable",
    "junction": "drivable",
    "walkway": "walkway",
    "carpark": "carpark",
    "ped_crossing": "crossing",
}


def reel_of(footage: Footage, mosaic: Mosaic) -> dict[str, Any]:
    """Return a clip as the player takes it (see the top of this file)."""
    origin = footage.ego.translation_m[0]
    views = {view.channel: view for view in footage.views}
    return {
        "rate_hz": round(footage.rate_hz, 4),
        "size": [mosaic.width, mosaic.height],
        "key": np.flatnonzero(footage.is_keyframe).tolist(),
        "egoBox": [*_cm(EGO_SIZE_LWH_M), *_cm(EGO_SE3_EGO_BOX.translation_m[:1])],
        "views": [_view(views[place.channel], place, footage, origin_m=origin) for place in mosaic.places],
        "ego": {"xy": _cm(footage.ego.translation_m[:, :2] - origin[:2]), "yaw": _milli(footage.ego.yaw_rad)},
        "tracks": [_track(track, footage, origin_m=origin) for track in footage.tracks],
        "road": _road(footage, origin_m=origin),
        "lidar": {str(frame): _points(footage, int(frame)) for frame in np.flatnonzero(footage.is_keyframe)},
    }


def group_of(category: Category) -> str:
    """Return the group whose colour a category has."""
    if category in LARGE:
        return "large"
    match category.group:
        case Group.VEHICLE:
            return "car"
        case Group.CYCLE:
            return "cycle"
        case Group.PERSON | Group.ANIMAL:
            return "person"
        case _:
            return "object"


def _view(view: View, place: Place, footage: Footage, *, origin_m: Float[np.ndarray, "3"]) -> dict[str, Any]:
    cm_to_world = np.diag([0.01, 0.01, 0.01, 1.0])
    cm_to_world[:3, 3] = origin_m
    scale = np.diag([*place.scale, 1.0])
    cam_SE3_world = np.linalg.inv(view.world_SE3_cam)
    project = scale @ view.intrinsics_px @ cam_SE3_world[:, :3] @ cm_to_world
    late_us = np.mean(view.timestamp_us - footage.timestamp_us)
    return {
        "name": place.channel.removeprefix("CAM_").replace("_", " ").lower(),
        "at": [place.left, place.top, place.width, place.height],
        "late": round(float(late_us) * footage.rate_hz / 1e6, 3),
        "project": [float(f"{number:.7g}") for number in project.reshape(-1)],
    }


def _track(track: Track, footage: Footage, *, origin_m: Float[np.ndarray, "3"]) -> dict[str, Any]:
    there = footage.presence(track)
    centres, quats = track.trajectory.at(footage.timestamp_us)
    ahead = rotation_from_quat(quats)[:, :, 0]
    nearest = np.searchsorted(track.trajectory.timestamp_us, footage.timestamp_us, side="right") - 1
    first, last = (int(index) for index in np.flatnonzero(there)[[0, -1]])
    shown = slice(first, last + 1)
    yaw_rad = np.arctan2(ahead[:, 1], ahead[:, 0])
    poses = np.column_stack([_round((centres - origin_m) * 100), _round(yaw_rad * 1000)])
    return {
        "group": group_of(track.category),
        "name": track.category.value.replace("_", " "),
        "size": _cm(track.size_lwh_m),
        "event": track.event,
        "first": first,
        "pose": [row.tolist() if here else None for row, here in zip(poses[shown], there[shown])],
        "seen": "".join(track.visibility[max(0, int(index))] or "4" for index in nearest[shown]),
    }


def _road(footage: Footage, *, origin_m: Float[np.ndarray, "3"]) -> list[list[Any]]:
    """Return [layer, rings] around the ego's path, lowest layers first; a ring is x, y, x, y, …"""
    path = footage.ego.translation_m[:, :2]
    (x0, y0), (x1, y1) = path.min(axis=0) - ROAD_REACH_M, path.max(axis=0) + ROAD_REACH_M
    shapes: dict[str, list[list[list[int]]]] = {}
    for shape in footage.road:
        layer = shape.layer if shape.layer.startswith("divider") else LAYERS.get(shape.layer)
        if layer is None:
            continue
        cut = shapely.clip_by_rect(_geometry(shape), x0, y0, x1, y1).simplify(ROAD_DETAIL_M)
        for part in shapely.get_parts(cut):
            rings = [part.exterior, *part.interiors] if isinstance(part, shapely.Polygon) else [part]
            drawn = [_cm(np.asarray(ring.coords)[:, :2] - origin_m[:2]) for ring in rings if not ring.is_empty]
            shapes.setdefault(layer, []).extend([drawn] if drawn else [])
    order = ["walkway", "drivable", "carpark", "crossing"]
    return sorted(
        ([layer, *rings] for layer, areas in shapes.items() for rings in areas),
        key=lambda row: order.index(row[0]) if row[0] in order else len(order),
    )


def _geometry(shape: RoadShape) -> shapely.Geometry:
    if shape.layer.startswith("divider"):
        return shapely.LineString(shape.rings_m[0])
    return shapely.Polygon(shape.rings_m[0], shape.rings_m[1:]).buffer(0)


def _points(footage: Footage, frame: int) -> str:
    """Return evenly chosen returns above the ground as base64 of little-endian int16 x, y in decimetres."""
    cloud = np.fromfile(footage.sweeps[frame], dtype="<f4").reshape(-1, 5)[:, :3].astype(np.float64)
    pose = footage.world_SE3_lidar[frame]
    world = cloud @ pose[:3, :3].T + pose[:3, 3]
    ego = footage.ego.translation_m[frame]
    far = np.abs(world[:, :2] - ego[:2]).max(axis=1)
    world = world[(world[:, 2] - ego[2] > GROUND_M) & (far < ROAD_REACH_M)]
    chosen = world[np.unique(np.linspace(0, len(world) - 1, min(len(world), LIDAR_POINTS)).astype(int))]
    decimetres = np.clip((chosen[:, :2] - footage.ego.translation_m[0, :2]) * 10, -32768, 32767)
    return base64.b64encode(_round(decimetres).astype("<i2").tobytes()).decode()


def _cm(lengths_m: Any) -> list[int]:
    return _round(np.asarray(lengths_m, dtype=np.float64).reshape(-1) * 100).tolist()


def _milli(angles_rad: Any) -> list[int]:
    return _round(np.asarray(angles_rad) * 1000).tolist()


def _round(numbers: Float[np.ndarray, "*shape"]) -> np.ndarray:
    return np.round(numbers).astype(np.int64)
