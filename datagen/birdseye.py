"""A scene seen from above as an animation: the road, the ego, everybody else, and the event marked.

```
   ┌──────────────────────────────┐    blue    the ego, which the picture follows
   │ 3.2 s   rain, dusk           │    orange  who acts what was asked for, with the way it has come
   │ ═══════════════════════════  │    grey    other vehicles; green: people, animals and cycles
   │   ▭ ▭        ▬ cut in        │
   └──────────────────────────────┘
```
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageDraw, ImageFont

from datagen.scene import EGO_SE3_EGO_BOX, EGO_SIZE_LWH_M, Actor, Group, HDMap, Scene, Trajectory, box_corners_m

SIZE_PX = (720, 480)
PX_PER_M = 6.0
RATE_HZ = 5.0
_FOOTPRINT = [0, 1, 5, 4]
_GROUND, _ROAD, _WALK, _LINE, _ZEBRA = (
    (226, 228, 220),
    (118, 120, 126),
    (196, 192, 184),
    (238, 238, 232),
    (214, 214, 208),
)
_EGO, _EVENT, _VEHICLE, _LIVING, _OBJECT = (38, 98, 214), (236, 112, 20), (66, 68, 74), (24, 128, 74), (150, 96, 60)
_INK = (20, 22, 26)


def write_animation(scene: Scene, path: Path, *, captions: Mapping[str, str], duration_s: float) -> None:
    """Write a GIF of a scene's first seconds.

    captions: what stands beside an actor, by its id; those who have one are followed by the way they have come.
    """
    frames = [picture.quantize(64, dither=Image.Dither.NONE) for picture in pictures(scene, captions, duration_s)]
    path.parent.mkdir(parents=True, exist_ok=True)
    frames[0].save(
        path, save_all=True, append_images=frames[1:], duration=round(1000 / RATE_HZ), loop=0, optimize=False
    )


def pictures(scene: Scene, captions: Mapping[str, str], duration_s: float) -> Iterator[Image.Image]:
    """Yield one picture per step of RATE_HZ."""
    seconds = min(duration_s, (scene.ego.end_us - scene.ego.start_us) / 1e6)
    for step in range(int(seconds * RATE_HZ) + 1):
        yield _picture(scene, captions, scene.ego.start_us + round(step / RATE_HZ * 1e6))


def _picture(scene: Scene, captions: Mapping[str, str], at_us: int) -> Image.Image:
    picture = Image.new("RGB", SIZE_PX, _GROUND)
    draw, view = ImageDraw.Draw(picture), _View(scene.ego, at_us)
    _draw_road(draw, view, scene.hdmap)
    for actor in sorted(scene.actors, key=lambda one: one.id in captions):
        if bool(actor.trajectory.covers(np.array([at_us]))[0]):
            _draw_actor(draw, view, actor, captions.get(actor.id))
    ego = scene.ego.pose_at(at_us).transform(EGO_SE3_EGO_BOX.transform(box_corners_m(EGO_SIZE_LWH_M)))
    draw.polygon(view.px(ego[_FOOTPRINT, :2]), fill=_EGO)
    ambience = scene.ambience
    said = f"{(at_us - scene.ego.start_us) / 1e6:4.1f} s   {ambience.weather}, {ambience.light}, {ambience.place}"
    draw.text((10, 8), said, fill=_INK, font=_font())
    return picture


class _View:
    """The world as the picture shows it: the ego a third from the left, driving to the right at the start."""

    def __init__(self, ego: Trajectory, at_us: int) -> None:
        start = ego.pose_at(ego.start_us)
        ahead = start.transform(np.array([[1.0, 0.0, 0.0]]))[0] - start.transform(np.zeros((1, 3)))[0]
        yaw = np.arctan2(ahead[1], ahead[0])
        self._turn = np.array([[np.cos(yaw), np.sin(yaw)], [np.sin(yaw), -np.cos(yaw)]]) * PX_PER_M
        self._center = ego.at(np.array([at_us]))[0][0, :2]
        self._at_us, self._start_us = at_us, ego.start_us

    def px(self, points_m: Float[np.ndarray, "points 2"]) -> list[tuple[float, float]]:
        """Return world points as pixels."""
        shifted = (points_m - self._center) @ self._turn.T
        return [(float(x) + SIZE_PX[0] * 0.4, float(y) + SIZE_PX[1] * 0.5) for x, y in shifted]

    def way(self, trajectory: Trajectory) -> list[tuple[float, float]]:
        """Return the way a body has come, as pixels."""
        times = np.arange(max(trajectory.start_us, self._start_us), self._at_us + 1, 200_000)
        return self.px(trajectory.at(times)[0][:, :2]) if len(times) > 1 else []


def _draw_road(draw: ImageDraw.ImageDraw, view: _View, hdmap: HDMap) -> None:
    surfaces = [(area.polygon.exterior_m, _WALK) for area in hdmap.walkways]
    surfaces += [(area.polygon.exterior_m, _ROAD) for area in (*hdmap.drivable, *hdmap.junctions)]
    surfaces += [(lane.polygon.exterior_m, _ROAD) for lane in hdmap.lanes]
    surfaces += [(area.polygon.exterior_m, _ZEBRA) for area in hdmap.crossings]
    for points_m, color in surfaces:
        draw.polygon(view.px(points_m), fill=color)
    for divider in hdmap.dividers:
        draw.line(view.px(divider.line_m), fill=_LINE, width=1)


def _draw_actor(draw: ImageDraw.ImageDraw, view: _View, actor: Actor, caption: str | None) -> None:
    corners = view.px(actor.corners_m(view._at_us)[_FOOTPRINT, :2])
    if caption is not None:
        way = view.way(actor.trajectory)
        if way:
            draw.line(way, fill=_EVENT, width=2)
    draw.polygon(corners, fill=_EVENT if caption is not None else _color(actor))
    if caption:
        x, y = corners[0]
        draw.text((x + 6, y - 22), caption, fill=_INK, font=_font())


def _color(actor: Actor) -> tuple[int, int, int]:
    group = actor.category.group
    if group is Group.VEHICLE:
        return _VEHICLE
    return _OBJECT if group is Group.OBJECT else _LIVING


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=15)


def captions_of(scene: Scene, deeds: Sequence[Sequence[str]]) -> dict[str, str]:
    """Return what stands beside those who act: `deeds` are the manoeuvres of each of the plan's actors, in order."""
    said: dict[str, str] = {}
    for actor in scene.actors:
        if actor.event:
            number = actor.id.split("-")[1] if actor.id.startswith("actor-") else ""
            known = number.isdigit() and int(number) < len(deeds)
            said[actor.id] = ", ".join(do.replace("_", " ") for do in deeds[int(number)]) if known else ""
    return said
