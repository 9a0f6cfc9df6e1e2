"""Is a map one on which what happened is lawful? Everybody is judged, and every failure says who and why.

| rule          | holds for somebody if                                                                       |
|---------------|---------------------------------------------------------------------------------------------|
| on the road   | a moving vehicle's middle is on the drivable area, at least ON_ROAD of its way               |
| on a lane     | of a moving vehicle's way on the road, at least ON_LANE is on lanes, connectors or junctions |
| right way     | where it is on lanes, one points its way, at least WITH_LANE of the time; not while it turns |
|               | in a narrower circle than ROUND_M, as for a U-turn                                           |
| off the kerb  | a vehicle's way crosses no boundary                                                          |
| on a crossing | a person is not on the road beside a crossing for longer than STRAY_S, unless that was asked |

True maps keep them all, which is what says that they are the right ones. So lanes are for motor vehicles only, as a
bicycle may ride beside them; the last PARKS_M to where somebody stands may lie beside a lane; and who works on the road
may walk there.

Of the map itself, at least CONNECTED of the lanes that end inside it must lead on (`connectivity`). Only what happens
on the canvas counts, and not in its outermost EDGE_M, where lanes are cut; nor does a loose end within CUT_M of the
canvas's edge, as the junction it meets may be cut off.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely
from jaxtyping import Bool, Float
from shapely.geometry.base import BaseGeometry

from datagen.roads.canvas import Canvas
from datagen.roads.connectivity import connectedness
from datagen.roads.furnish import as_shapely
from datagen.roads.raster import Track
from datagen.scene import Area, Category, Group, HDMap, Lane
from datagen.scene.line import Line

ON_ROAD, ON_LANE, WITH_LANE, CONNECTED = 0.95, 0.7, 0.9, 0.75
STRAY_S = 1.5
EDGE_M, CUT_M = 4.0, 16.0
PARKS_M, ROUND_M = 30.0, 9.0
_STEP_S = 0.1
_SLOW_MPS = 1.0
_AGREES = 0.5
"""Cosine of the angle within which a lane points somebody's way."""
_PAINT_M = 1.0
"""People who are this near to a crossing are on it."""
_KERB_M = 0.6
"""People may be this far over the kerb."""
_WORKERS = (Category.CONSTRUCTION_WORKER, Category.POLICE_OFFICER)
RULES = ("on the road", "on a lane", "the right way", "off the kerb", "on a crossing")


@dataclass(frozen=True, kw_only=True)
class Lawfulness:
    """What was found. judged, kept: rule → how many somebodies it applied to, and held for.

    connected: part of the lanes ending inside the map that lead on.  reasons: why the map is not lawful, or nothing.
    """

    judged: dict[str, int]
    kept: dict[str, int]
    connected: float
    reasons: tuple[str, ...] = field(default=())

    @property
    def lawful(self) -> bool:
        """Whether everybody kept every rule, on lanes that are connected."""
        return not self.reasons

    @property
    def share(self) -> float:
        """Part of the somebodies, rule by rule, that kept it; 1 if nobody was there to break one."""
        total = sum(self.judged.values())
        return sum(self.kept.values()) / total if total else 1.0


def lawfulness(hdmap: HDMap, tracks: Sequence[Track], canvas: Canvas, *, jaywalking: bool = False) -> Lawfulness:
    """Judge a map by those who moved on it. jaywalking: people and cyclists may cross wherever they like."""
    ground = _Ground.of(hdmap, canvas)
    judged, kept = dict.fromkeys(RULES, 0), dict.fromkeys(RULES, 0)
    reasons = []
    for number, track in enumerate(tracks):
        who = "the ego" if number == 0 else f"{track.category} {number}"
        for rule, (holds, why) in _verdicts(track, ground, jaywalking=jaywalking).items():
            judged[rule] += 1
            kept[rule] += holds
            if not holds:
                reasons.append(f"{who} is not {rule}: {why}")
    linked = connectedness(hdmap, road=_union(hdmap.drivable), linked_in=ground.inside, loose_in=_inner(canvas, CUT_M))
    if linked < CONNECTED:
        reasons.append(f"only {linked:.0%} of the lanes that end inside the map lead on, of {CONNECTED:.0%}")
    if not any(not lane.junction for lane in hdmap.lanes):
        reasons.append("the map has no lane")
    return Lawfulness(judged=judged, kept=kept, connected=linked, reasons=tuple(reasons))


@dataclass(frozen=True, kw_only=True)
class _Ground:
    """A map, ready to be asked."""

    inside: BaseGeometry
    road: BaseGeometry
    lanes: tuple[Lane, ...]
    strips: shapely.STRtree
    junctions: BaseGeometry
    crossings: BaseGeometry
    kerbs: BaseGeometry
    carriageway: BaseGeometry

    @classmethod
    def of(cls, hdmap: HDMap, canvas: Canvas) -> _Ground:
        road = _union(hdmap.drivable)
        ground = cls(
            inside=_inner(canvas),
            road=road.buffer(0.2),
            lanes=hdmap.lanes,
            strips=shapely.STRtree([as_shapely(lane.polygon).buffer(0.4) for lane in hdmap.lanes]),
            junctions=_union(hdmap.junctions).buffer(0.5),
            crossings=_union(hdmap.crossings).buffer(_PAINT_M),
            kerbs=shapely.union_all([shapely.LineString(kerb.line_m) for kerb in hdmap.boundaries]),
            carriageway=road.buffer(-_KERB_M),
        )
        for shape in (ground.inside, ground.road, ground.junctions, ground.crossings, ground.carriageway):
            shapely.prepare(shape)
        return ground


def _inner(canvas: Canvas, edge_m: float = EDGE_M) -> BaseGeometry:
    shape = shapely.Polygon(canvas.outline_m()).buffer(-edge_m, join_style="mitre")
    shapely.prepare(shape)
    return shape


def _union(areas: Iterable[Area]) -> BaseGeometry:
    return shapely.union_all([as_shapely(area.polygon) for area in areas])


def _verdicts(track: Track, ground: _Ground, *, jaywalking: bool) -> dict[str, tuple[bool, str]]:
    """Return rule → whether it holds, and what was found, for the rules that apply."""
    xy, yaw, speed = _within(track, ground.inside)
    if len(xy) < 2 and not (len(xy) and track.stands):
        return {}
    walks, rides = track.category.group is Group.PERSON, track.category is Category.BICYCLE
    if track.category in _WORKERS or (jaywalking and (walks or rides)):
        return {}
    if walks:
        stray = shapely.contains_xy(ground.carriageway, *xy.T) & ~shapely.contains_xy(ground.crossings, *xy.T)
        seconds = float(stray.sum()) * _STEP_S if len(xy) > 1 else STRAY_S * float(stray.any())
        return {"on a crossing": (seconds <= STRAY_S, f"{seconds:.1f} s on the road beside one")}
    if track.stands:
        return {}
    on_road = shapely.contains_xy(ground.road, *xy.T)
    share = float(on_road.mean())
    verdicts = {"on the road": (share >= ON_ROAD, f"{1 - share:.0%} of its way off it")}
    moving = speed > _SLOW_MPS
    if moving.sum() < 3:
        return verdicts
    crossed = shapely.intersection(shapely.LineString(xy), ground.kerbs)
    verdicts["off the kerb"] = (bool(crossed.is_empty), "its way leads over one")
    if rides:
        return verdicts
    asked = moving & on_road
    on_lane, _ = _on_lanes(xy[asked], yaw[asked], ground)
    onward = asked & ~_turning_round(yaw, speed)
    _, right_way = _on_lanes(xy[onward], yaw[onward], ground)
    on_lane = on_lane[~_parking(xy, ~moving)[asked]]
    if len(on_lane):
        share = float(on_lane.mean())
        verdicts["on a lane"] = (share >= ON_LANE, f"{1 - share:.0%} of its way on none")
    if len(right_way):
        share = float(right_way.mean())
        verdicts["the right way"] = (share >= WITH_LANE, f"{1 - share:.0%} of its way against its lanes")
    return verdicts


def _turning_round(yaw: Float[np.ndarray, "steps"], speed: Float[np.ndarray, "steps"]) -> Bool[np.ndarray, "steps"]:
    """Say when somebody turns in a narrow circle."""
    if len(yaw) < 2:
        return np.zeros(len(yaw), dtype=bool)
    rate = np.abs(np.gradient(np.unwrap(yaw), _STEP_S))
    return rate * ROUND_M > np.maximum(speed, _SLOW_MPS)


def _parking(xy: Float[np.ndarray, "n 2"], stands: Bool[np.ndarray, "n"]) -> Bool[np.ndarray, "n"]:
    """Say where somebody is about to park, or has just set off: near to where his way ends or begins with standing."""
    near = np.zeros(len(xy), dtype=bool)
    for end in (0, -1):
        if stands[end]:
            near |= np.linalg.norm(xy - xy[end], axis=1) < PARKS_M
    return near


def _within(
    track: Track, inside: BaseGeometry
) -> tuple[Float[np.ndarray, "n 2"], Float[np.ndarray, "n"], Float[np.ndarray, "n"]]:
    keep = shapely.contains_xy(inside, *track.xy_m.T)
    return track.xy_m[keep], track.yaw_rad[keep], track.speed_mps[keep]


def _on_lanes(
    xy: Float[np.ndarray, "n 2"], yaw: Float[np.ndarray, "n"], ground: _Ground
) -> tuple[Bool[np.ndarray, "n"], Bool[np.ndarray, "on"]]:
    """Return whether each point is on a lane or junction; and, of those on lanes, whether one points the way."""
    if not len(xy):
        return np.empty(0, dtype=bool), np.empty(0, dtype=bool)
    point, strip = ground.strips.query(shapely.points(xy), predicate="within")
    best = np.full(len(xy), -np.inf)
    for number in np.unique(strip):
        here = point[strip == number]
        line = Line(ground.lanes[number].center_m)
        towards = line.at(line.project(xy[here])[0])[1]
        best[here] = np.maximum(best[here], np.cos(towards - yaw[here]))
    on = np.isfinite(best)
    crossing = shapely.contains_xy(ground.junctions, *xy.T)
    return on | crossing, best[on & ~crossing] > _AGREES
