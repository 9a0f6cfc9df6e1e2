"""Left-hand traffic is right-hand traffic in a mirror: plans, maps and scenes with left and right exchanged.

```
   y                          canvas − y
   ↑   ←──────                      ──────→
   │   ══════       mirrored        ══════
   │   ──────→                      ←──────
```
So the whole traffic library drives on the right, and a place where one drives on the left is looked at in a mirror.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from datagen.scene.hdmap import Area, HDMap, Lane, LaneKind, Polygon
from datagen.scene.plan import Manoeuvre, Plan, PlanActor
from datagen.scene.scene import Scene
from datagen.scene.trajectory import Trajectory

_OTHER = {"left": "right", "right": "left"}
_BESIDE_M, _ALONG_M = 25.0, 40.0
"""Lanes whose middles are further apart than this, across and along, are not of one street."""


def keeps_left(hdmap: HDMap) -> bool:
    """Say whether one drives on the left: whoever comes the other way is mostly to the right.

    Where nobody comes the other way, one drives on the right.
    """
    lanes = [lane for lane in hdmap.lanes if not lane.junction and lane.kind is LaneKind.CAR]
    if len(lanes) < 2:
        return False
    middle = np.array([lane.center_m[len(lane.center_m) // 2] for lane in lanes])
    ahead = np.array([lane.center_m[-1] - lane.center_m[0] for lane in lanes])
    ahead /= np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-6)
    offset = middle[None] - middle[:, None]
    along = offset[..., 0] * ahead[:, None, 0] + offset[..., 1] * ahead[:, None, 1]
    across = offset[..., 1] * ahead[:, None, 0] - offset[..., 0] * ahead[:, None, 1]
    comes_back = (ahead @ ahead.T < -0.7) & (np.abs(along) < _ALONG_M) & (np.abs(across) < _BESIDE_M)
    return bool(np.sum(np.sign(across[comes_back])) < 0)


def right_handed(plan: Plan, road: HDMap) -> tuple[Plan, HDMap]:
    """Return a plan and its road as the traffic library takes them: mirrored where one drives on the left."""
    return (mirrored_plan(plan), mirrored_map(road)) if keeps_left(road) else (plan, road)


def as_on(road: HDMap, scene: Scene) -> Scene:
    """Return a scene that was driven on what `right_handed` made of a road as it is on that road."""
    return replace(mirrored_scene(scene), hdmap=road) if keeps_left(road) else scene


def mirrored_plan(plan: Plan) -> Plan:
    """Return the plan with left and right exchanged everywhere."""
    road = plan.road.model_copy(update={"curve": _other(plan.road.curve)})
    return plan.model_copy(
        update={
            "road": road,
            "ego": tuple(map(_mirrored_act, plan.ego)),
            "actors": tuple(map(_mirrored_actor, plan.actors)),
        }
    )


def _mirrored_actor(actor: PlanActor) -> PlanActor:
    return actor.model_copy(
        update={
            "where": _other(actor.where),
            "lane": _other(actor.lane),
            "manoeuvres": tuple(map(_mirrored_act, actor.manoeuvres)),
        }
    )


def _mirrored_act(act: Manoeuvre) -> Manoeuvre:
    return act.model_copy(update={"side": _other(act.side)})


def _other(word: str | None) -> str | None:
    return _OTHER.get(word, word) if word is not None else None


def mirrored_map(hdmap: HDMap) -> HDMap:
    """Return the map with left and right exchanged; it keeps its name and its canvas."""
    height = hdmap.canvas_m[1]

    def area(item: Area) -> Area:
        rings = [_flipped(ring, height)[::-1] for ring in (item.polygon.exterior_m, *item.polygon.holes_m)]
        return replace(item, polygon=Polygon(exterior_m=rings[0], holes_m=tuple(rings[1:])))

    return replace(
        hdmap,
        lanes=tuple(_mirrored_lane(lane, height) for lane in hdmap.lanes),
        dividers=tuple(replace(item, line_m=_flipped(item.line_m, height)) for item in hdmap.dividers),
        boundaries=tuple(replace(item, line_m=_flipped(item.line_m, height)) for item in hdmap.boundaries),
        crossings=tuple(map(area, hdmap.crossings)),
        walkways=tuple(map(area, hdmap.walkways)),
        junctions=tuple(map(area, hdmap.junctions)),
        stop_lines=tuple(map(area, hdmap.stop_lines)),
        carparks=tuple(map(area, hdmap.carparks)),
        drivable=tuple(map(area, hdmap.drivable)),
    )


def _mirrored_lane(lane: Lane, height_m: float) -> Lane:
    return replace(
        lane,
        center_m=_flipped(lane.center_m, height_m),
        left_m=_flipped(lane.right_m, height_m),
        right_m=_flipped(lane.left_m, height_m),
        left_neighbor=lane.right_neighbor,
        right_neighbor=lane.left_neighbor,
    )


def mirrored_scene(scene: Scene) -> Scene:
    """Return the scene with left and right exchanged; it has no recording, since cameras are not mirrored."""
    assert scene.recording is None, "a recorded scene has pictures, which cannot be mirrored"
    height = scene.hdmap.canvas_m[1]
    return replace(
        scene,
        ego=_mirrored_track(scene.ego, height),
        actors=tuple(
            replace(actor, trajectory=_mirrored_track(actor.trajectory, height)) for actor in scene.actors
        ),
        hdmap=mirrored_map(scene.hdmap),
    )  # fmt: skip


def _mirrored_track(track: Trajectory, height_m: float) -> Trajectory:
    """Mirror poses: y becomes `height_m` − y, and rotations about x and z turn the other way."""
    return replace(
        track,
        translation_m=_flipped(track.translation_m, height_m),
        quat_wxyz=track.quat_wxyz * np.array([1.0, -1.0, 1.0, -1.0]),
    )


def _flipped(points: Float[np.ndarray, "n axes"], height_m: float) -> Float[np.ndarray, "n axes"]:
    found = points.copy()
    found[:, 1] = height_m - points[:, 1]
    return found
