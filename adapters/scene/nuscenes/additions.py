"""Where somebody new can go in a recorded scene, and the track that takes them there.

```
   walkway   - - - people and animals: along its middle - - -
   kerb      ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
              ▲ objects: just inside the kerb
   lane      ─ ─ ─ ─ vehicles and cycles: its centre line ─ ▶ and on through its successors
```
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from jaxtyping import Float, Int64

from adapters.scene.nuscenes.clearance import STEP_US
from adapters.scene.nuscenes.strips import length_m
from datagen.scene import Area, Category, Group, Lane, LaneKind, Scene, Trajectory

Line = Float[np.ndarray, "points 2"]

VERGE_M = 1.5
"""How far from the edge of the road people walk, and from the edge of a walkway at most."""
KERB_M = 0.7
"""How far inside the road objects stand."""


@dataclass(frozen=True)
class Ways:
    """The lines of one scene along which actors of one group may be put. lines: those near enough to the ego."""

    scene: Scene
    lines: tuple[Line, ...]
    times_us: Int64[np.ndarray, "times"]
    ground: Float[np.ndarray, "boxes 3"]
    """x, y and underside z of recorded boxes: the ground is where they stand."""

    @classmethod
    def near(cls, scene: Scene, category: Category, *, within_m: float) -> Ways:
        """Return the lines for a category within reach of the ego's path."""
        reach = shapely.LineString(_path(scene)).simplify(0.5).buffer(within_m)
        lines = tuple(line for line in _lines(scene, category.group) if shapely.LineString(line).intersects(reach))
        return cls(scene, lines, _instants(scene), _ground(scene))

    def track(
        self, *, speed_mps: float, height_m: float, within_m: float, turn_rad: float, rng: np.random.Generator
    ) -> Trajectory | None:
        """Return a track from a random spot of a random line on, or None if that spot is out of reach."""
        if not self.lines:
            return None
        line = self.lines[rng.choice(len(self.lines), p=_by_length(self.lines))]
        start_m = float(rng.uniform(0.0, length_m(line)))
        seconds = (self.times_us - self.times_us[0]) / 1e6
        along_m = start_m + speed_mps * seconds
        there = along_m <= length_m(line)
        xy, yaw = _at(line, along_m[there])
        if np.linalg.norm(_path(self.scene) - xy[0], axis=1).min() > within_m:
            return None
        z = self._ground_at(xy) + height_m / 2
        return Trajectory.from_xyz_yaw(self.times_us[there], np.column_stack([xy, z]), yaw_rad=yaw + turn_rad)

    def _ground_at(self, xy: Float[np.ndarray, "points 2"]) -> Float[np.ndarray, "points"]:
        """Return the ground's height: the mean of the five nearest boxes' undersides, or 0 where there are none."""
        if not len(self.ground):
            return np.zeros(len(xy))
        apart = np.linalg.norm(xy[:, None] - self.ground[None, :, :2], axis=2)
        nearest = np.argsort(apart, axis=1, kind="stable")[:, :5]
        return self.ground[nearest, 2].mean(axis=1)


def _path(scene: Scene) -> Line:
    return scene.ego.translation_m[:, :2]


def _instants(scene: Scene) -> Int64[np.ndarray, "times"]:
    """Return the key frames and instants between them, from the first key frame to the last."""
    assert scene.recording is not None
    keys = scene.recording.timeline.timestamp_us
    return np.unique(np.concatenate([keys, np.arange(keys[0], keys[-1], STEP_US, dtype=np.int64)]))


def _ground(scene: Scene) -> Float[np.ndarray, "boxes 3"]:
    rows = [actor.trajectory.translation_m - [0.0, 0.0, actor.size_lwh_m[2] / 2] for actor in scene.actors]
    return np.concatenate([np.zeros((0, 3)), *(row[:: max(1, len(row) // 4)] for row in rows)])


def _by_length(lines: Sequence[Line]) -> Float[np.ndarray, "lines"]:
    lengths = np.array([length_m(line) for line in lines])
    return lengths / lengths.sum()


def _at(line: Line, along_m: Float[np.ndarray, "n"]) -> tuple[Float[np.ndarray, "n 2"], Float[np.ndarray, "n"]]:
    """Return points and headings at distances along a line."""
    steps = np.diff(line, axis=0)
    at = np.concatenate([[0.0], np.cumsum(np.linalg.norm(steps, axis=1))])
    segment = np.clip(np.searchsorted(at, along_m, side="right") - 1, 0, len(steps) - 1)
    fraction = (along_m - at[segment]) / (at[segment + 1] - at[segment])
    return line[segment] + fraction[:, None] * steps[segment], np.arctan2(steps[segment, 1], steps[segment, 0])


def _lines(scene: Scene, group: Group) -> Iterator[Line]:
    match group:
        case Group.VEHICLE | Group.CYCLE:
            yield from _routes(scene.hdmap.lanes)
        case Group.PERSON | Group.ANIMAL:
            yield from _footpaths(scene)
        case Group.OBJECT:
            yield from _rings(_surface(scene.hdmap.drivable).buffer(-KERB_M))


def _routes(lanes: Sequence[Lane]) -> Iterator[Line]:
    """Yield, for each lane that cars may use outside junctions, its centre line and what it leads to."""
    by_id: Mapping[str, Lane] = {lane.id: lane for lane in lanes}
    for lane in lanes:
        if lane.junction or lane.kind is not LaneKind.CAR:
            continue
        parts, seen, current = [lane.center_m], {lane.id}, lane
        while onward := next((name for name in current.successors if name in by_id and name not in seen), None):
            current = by_id[onward]
            seen.add(onward)
            parts.append(current.center_m)
        yield _distinct(np.concatenate(parts))


def _footpaths(scene: Scene) -> Iterator[Line]:
    """Yield lines along the walkways, or beside the road where the map has none."""
    walkways = list(_rings(_surface(scene.hdmap.walkways).buffer(-VERGE_M / 2)))
    yield from walkways or _rings(_surface(scene.hdmap.drivable).buffer(VERGE_M))


def _surface(areas: Sequence[Area]) -> shapely.Geometry:
    shapes = (shapely.Polygon(area.polygon.exterior_m, area.polygon.holes_m) for area in areas)
    return shapely.union_all([shapely.make_valid(shape) for shape in shapes])


def _rings(surface: shapely.Geometry) -> Iterator[Line]:
    for part in shapely.get_parts(surface.boundary if not surface.is_empty else surface):
        if part.geom_type in ("LineString", "LinearRing") and part.length > 1.0:
            yield _distinct(np.asarray(part.coords, dtype=np.float64)[:, :2])


def _distinct(line: Line) -> Line:
    keep = np.concatenate([[True], np.linalg.norm(np.diff(line, axis=0), axis=1) > 1e-6])
    return line[keep]
