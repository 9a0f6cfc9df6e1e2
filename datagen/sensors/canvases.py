"""Condition canvases: what a video model is told about each camera's view.

```
   map     boundary · divider · crossing        one channel each, lines
   boxes   one channel per class of BOX_CHANNELS nearest box wins; faces 204, edges and the front's cross 255
   appearance  the colour of the track each cell shows
   proxy   the labelled world alone, ray-cast    blocks in their track's colour, front pale, rear red, on the road
```

Map and boxes follow DriveDreamer-2 (arXiv 2403.06845) and its released code: far to near, faces filled 0.8, near
clip 0.5 m, lines of 10 px at 1600 x 900.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from datagen.scene import SE3, Actor, Ambience, Camera, Category, HDMap, Place, Scene, Weather, box_corners_m
from datagen.sensors.ground import resampled
from datagen.sensors.projection import project
from datagen.sensors.render import Painter
from datagen.sensors.world import Snapshot, World

MAP_CHANNELS = ("boundary", "divider", "crossing")
BOX_CHANNELS: dict[str, tuple[Category, ...]] = {
    "car": (Category.CAR, Category.POLICE),
    "truck": (Category.TRUCK, Category.AMBULANCE),
    "bus": (Category.BUS, Category.BENDY_BUS),
    "trailer": (Category.TRAILER,),
    "construction_vehicle": (Category.CONSTRUCTION_VEHICLE,),
    "motorcycle": (Category.MOTORCYCLE,),
    "bicycle": (Category.BICYCLE, Category.BICYCLE_RACK),
    "person": (
        Category.ADULT,
        Category.CHILD,
        Category.CONSTRUCTION_WORKER,
        Category.POLICE_OFFICER,
        Category.PERSONAL_MOBILITY,
        Category.STROLLER,
        Category.WHEELCHAIR,
    ),
    "traffic_cone": (Category.TRAFFIC_CONE,),
    "barrier": (Category.BARRIER,),
    "other": (Category.ANIMAL, Category.PUSHABLE, Category.DEBRIS),
}
_CHANNEL_OF = {category: i for i, members in enumerate(BOX_CHANNELS.values()) for category in members}
_FACES = ((0, 1, 2, 3), (4, 5, 6, 7), (0, 1, 5, 4), (3, 2, 6, 7), (0, 3, 7, 4), (1, 2, 6, 5))
_FACE, _LINE = 204, 255
_NEAR_M = 0.5
_REACH_M = 80.0


def map_canvas(
    hdmap: HDMap, camera: Camera, *, world_SE3_cam: SE3, reach_m: float = _REACH_M
) -> UInt8[np.ndarray, "height width 3"]:
    """Return the map's lines on the ground as the camera sees them, without occlusion; channels as MAP_CHANNELS."""
    canvas = np.zeros((camera.height_px, camera.width_px, 3), dtype=np.uint8)
    crossings = (np.concatenate([area.polygon.exterior_m, area.polygon.exterior_m[:1]]) for area in hdmap.crossings)
    groups: tuple[Iterable[Float[np.ndarray, "_ 2"]], ...] = (
        (boundary.line_m for boundary in hdmap.boundaries),
        (divider.line_m for divider in hdmap.dividers),
        crossings,
    )
    cam_SE3_world = world_SE3_cam.inverse()
    for index, lines in enumerate(groups):
        layer = np.zeros(canvas.shape[:2], dtype=np.uint8)
        for line in lines:
            for piece in _pieces(line, cam_SE3_world, reach_m=reach_m):
                pixels, _ = project(piece, camera)
                cv2.polylines(layer, [_fixed(pixels)], False, (_LINE,), _thickness(camera), cv2.LINE_AA, 4)
        canvas[..., index] = layer
    return canvas


def box_canvas(snapshot: Snapshot, camera: Camera, *, world_SE3_cam: SE3) -> UInt8[np.ndarray, "height width channels"]:
    """Return the boxes of all actors, far to near; channels as BOX_CHANNELS, the nearest box alone owns a pixel."""
    canvas = np.zeros((camera.height_px, camera.width_px, len(BOX_CHANNELS)), dtype=np.uint8)
    for actor, layer in _far_to_near(snapshot, camera, world_SE3_cam=world_SE3_cam):
        painted = layer > 0
        canvas[painted] = 0
        canvas[painted, _CHANNEL_OF[actor.category]] = layer[painted]
    return canvas


def appearance_canvas(
    snapshot: Snapshot, camera: Camera, *, world_SE3_cam: SE3, cell_px: int
) -> Float[np.ndarray, "rows columns 3"]:
    """Return, for each square cell of the picture, the mean over its pixels of their owner's colour; 0 for none."""
    canvas = np.zeros((camera.height_px, camera.width_px, 3), dtype=np.float32)
    for actor, layer in _far_to_near(snapshot, camera, world_SE3_cam=world_SE3_cam):
        canvas[layer > 0] = actor.look.color_rgb
    rows, columns = camera.height_px // cell_px, camera.width_px // cell_px
    return canvas.reshape(rows, cell_px, columns, cell_px, 3).mean(axis=(1, 3))


def proxy_painter(scene: Scene, *, seed: int, figures: bool = False) -> Painter:
    """Return a painter of the labelled world alone; its pictures are the proxy render.

    Blocks in their track's colour stand on the road and its markings under one neutral light, whatever the ambience.
    figures: the ray-caster's figures of their kinds stand there instead, as large as their boxes. They are made of
    class, size, colour and motion, as blocks are: what a log does not tell (which make of car) is not known of them.
    """
    neutral = replace(scene, ambience=Ambience(weather=Weather.OVERCAST, place=Place.HIGHWAY))
    return Painter(World(neutral, seed=seed, bare=True, blocks=not figures))


def _far_to_near(
    snapshot: Snapshot, camera: Camera, *, world_SE3_cam: SE3
) -> Iterator[tuple[Actor, UInt8[np.ndarray, "height width"]]]:
    """Yield every actor in front of the camera with its drawn box."""
    cam_SE3_world = world_SE3_cam.inverse()
    boxes = []
    for body in snapshot.bodies:
        corners = box_corners_m(body.actor.size_lwh_m) @ body.rotation.T + body.center_m
        boxes.append((cam_SE3_world.transform(corners), body.actor))
    for corners, actor in sorted(boxes, key=lambda box: -float(np.linalg.norm(box[0].mean(axis=0)))):
        if corners[:, 2].max() >= _NEAR_M:
            yield actor, _drawn_box(corners, camera)


def _drawn_box(corners: Float[np.ndarray, "8 3"], camera: Camera) -> UInt8[np.ndarray, "height width"]:
    layer = np.zeros((camera.height_px, camera.width_px), dtype=np.uint8)
    outlines = [_clipped(corners[list(face)]) for face in _FACES]
    drawn = [_fixed(project(outline, camera)[0]) for outline in outlines if len(outline) >= 3]
    for outline in drawn:
        cv2.fillPoly(layer, [outline], (_FACE,), cv2.LINE_8, 4)
    thick = max(1, _thickness(camera) // 2)
    for outline in drawn:
        cv2.polylines(layer, [outline], True, (_LINE,), thick, cv2.LINE_8, 4)
    for first, last in ((0, 2), (1, 3)):
        ends = _clipped_segment(corners[[first, last]])
        if len(ends):
            cv2.polylines(layer, [_fixed(project(ends, camera)[0])], False, (_LINE,), thick, cv2.LINE_8, 4)
    return layer


def _pieces(
    line_m: Float[np.ndarray, "_ 2"], cam_SE3_world: SE3, *, reach_m: float
) -> Iterator[Float[np.ndarray, "_ 3"]]:
    """Yield the stretches of a line on the ground that lie in front of the camera and within reach."""
    if len(line_m) < 2:
        return
    line = resampled(line_m, step_m=1.0)
    points = cam_SE3_world.transform(np.concatenate([line, np.zeros((len(line), 1))], axis=1))
    kept = (points[:, 2] > _NEAR_M) & (np.linalg.norm(points, axis=1) < reach_m)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], kept, [False]]).astype(np.int8)))
    for start, end in zip(edges[::2], edges[1::2]):
        if end - start >= 2:
            yield points[start:end]


def _clipped(polygon: Float[np.ndarray, "_ 3"]) -> Float[np.ndarray, "_ 3"]:
    """Return the part of a convex polygon beyond the near plane (Sutherland and Hodgman, 1974)."""
    kept = []
    for a, b in zip(polygon, np.roll(polygon, -1, axis=0)):
        if a[2] >= _NEAR_M:
            kept.append(a)
        if (a[2] >= _NEAR_M) != (b[2] >= _NEAR_M):
            kept.append(a + (b - a) * (_NEAR_M - a[2]) / (b[2] - a[2]))
    return np.array(kept, dtype=np.float64).reshape(-1, 3)


def _clipped_segment(ends: Float[np.ndarray, "2 3"]) -> Float[np.ndarray, "_ 3"]:
    return ends if ends[:, 2].min() >= _NEAR_M else np.zeros((0, 3))


def _thickness(camera: Camera) -> int:
    return max(1, round(10 * camera.width_px / 1600))


def _fixed(pixels: Float[np.ndarray, "_ 2"]) -> np.ndarray:
    """Return pixels in sixteenths for OpenCV, whose pixel centres are whole numbers, kept within its range."""
    return np.round(np.clip(pixels - 0.5, -3e4, 3e4) * 16).astype(np.int32)
