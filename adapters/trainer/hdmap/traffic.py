"""Seeded traffic on any map's lanes, for roads nobody recorded: IDM drivers, parked cars, cyclists, people.

Less than the traffic library does for a plan: nothing is meant to happen, it is only what tells where roads are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from jaxtyping import Float

from datagen.roads.canvas import REACH_M
from datagen.roads.furnish import as_shapely
from datagen.roads.raster import Track
from datagen.scene import EGO_SIZE_LWH_M, Category, HDMap, Lane, LaneKind
from datagen.scene.line import Line
from datagen.traffic.limits import limits_of, rear_axle_m
from datagen.traffic.motion import Driver, Walkers, drive
from datagen.traffic.route import Route
from datagen.traffic.script import STEP_S, Script

_MIX = {Category.CAR: 0.82, Category.TRUCK: 0.08, Category.BUS: 0.05, Category.MOTORCYCLE: 0.05}
_APART_M = 12.0
_ROUTE_M = 170.0
_WALKS_BESIDE_M = 1.6
_NEAR_M = 75.0

Points = Float[np.ndarray, "_ 2"]


@dataclass(frozen=True)
class Roads:
    """A map, indexed for looking things up near a place."""

    hdmap: HDMap

    @cached_property
    def lanes(self) -> dict[str, Lane]:
        """Lanes by id."""
        return {lane.id: lane for lane in self.hdmap.lanes}

    @cached_property
    def streets(self) -> tuple[Lane, ...]:
        """Car lanes outside junctions, long enough to start on."""
        cars = (lane for lane in self.hdmap.lanes if lane.kind is LaneKind.CAR and not lane.junction)
        return tuple(lane for lane in cars if Line(lane.center_m).length_m > 8.0)

    @cached_property
    def _street_tree(self) -> shapely.STRtree:
        return shapely.STRtree([shapely.LineString(lane.center_m) for lane in self.streets])

    @cached_property
    def parking(self) -> shapely.Geometry:
        """All car parks as one shape, ready to be asked."""
        shape = shapely.union_all([as_shapely(area.polygon) for area in self.hdmap.carparks])
        shapely.prepare(shape)
        return shape

    @cached_property
    def surface(self) -> shapely.Geometry:
        """All one may drive on, ready to be asked."""
        shape = shapely.union_all([as_shapely(area.polygon) for area in self.hdmap.drivable])
        shapely.prepare(shape)
        return shape

    def streets_near(self, at_m: Float[np.ndarray, "2"], within_m: float) -> list[Lane]:
        """Return the streets that come that near, in the map's order."""
        found = self._street_tree.query(shapely.Point(at_m), predicate="dwithin", distance=within_m)
        return [self.streets[index] for index in sorted(found)]


def seeded_traffic(
    roads: Roads, at_m: Float[np.ndarray, "2"], *, duration_s: float, rng: np.random.Generator
) -> list[Track]:
    """Return everybody around a place over `duration_s`, the ego first; nobody if there is no lane to drive on."""
    steps = round(duration_s / STEP_S) + 1
    drivers = list(_drivers(roads, at_m, steps=steps, rng=rng))
    if not drivers:
        return []
    people = [*_crossers(roads, at_m, steps, rng), *_strollers(roads, at_m, steps, rng)]
    moving = _driven(drivers, steps=steps)
    return [track for track in (*moving, *_parked(roads, at_m, rng), *people) if len(track.xy_m)]


def _drivers(roads: Roads, at_m: Float[np.ndarray, "2"], *, steps: int, rng: np.random.Generator) -> Iterator[Driver]:
    """Yield drivers on free places of the lanes, nearest to the place first: that one is the ego, which moves."""
    spots = [
        (lane, s)
        for lane in roads.streets_near(at_m, _NEAR_M)
        for s in np.arange(rng.uniform(2.0, 10.0), Line(lane.center_m).length_m - 2.0, _APART_M)
    ]
    count = int(rng.integers(4, 24))
    if not spots:
        return
    here = np.concatenate([Line(lane.center_m).at(s)[0] for lane, s in spots])
    order = rng.permutation(len(spots))
    ego = int(np.argmin(np.linalg.norm(here - at_m, axis=1)))
    chosen = [ego, *(index for index in order if index != ego)]
    taken: list[int] = []
    for index in chosen:
        if len(taken) >= count:
            return
        if taken and np.linalg.norm(here[taken] - here[index], axis=1).min() < _APART_M * 0.8:
            continue
        lane, s = spots[index]
        taken.append(index)
        yield _driver(roads, lane, s, steps=steps, ego=index == ego, rng=rng)


def _driver(roads: Roads, lane: Lane, s: float, *, steps: int, ego: bool, rng: np.random.Generator) -> Driver:
    category = Category.CAR if ego else rng.choice(np.array(list(_MIX), dtype=object), p=list(_MIX.values()))
    limits, size = limits_of(category), EGO_SIZE_LWH_M if ego else category.typical_size_lwh_m
    route = _route(roads, lane, rng)
    free = float(route.speed_limits(limits.lateral_mps2, 1.8)[int(min(s, len(route.line.points_m) - 1))])
    waits = not ego and rng.random() < 0.12
    speed = 0.0 if waits else float(min(free, rng.uniform(0.55, 1.05) * min(lane.speed_limit_mps, 16.0)))
    one = np.ones(steps)
    return Driver(
        id="ego" if ego else "other",
        category=category,
        size_lwh_m=size,
        route=route,
        s_m=s,
        d_m=0.0,
        speed_mps=speed,
        script=Script(
            times_s=np.arange(steps) * STEP_S,
            wish_mps=one * speed,
            slow_mps2=one * limits.comfort_mps2,
            hurry_mps2=one * limits.accel_mps2,
            offset_m=one * float(rng.normal(0.0, 0.15)),
        ),
    )


def _route(roads: Roads, lane: Lane, rng: np.random.Generator) -> Route:
    """Return a way from a lane on that turns as chance will have it."""
    chain, length = [lane], Line(lane.center_m).length_m
    while length < _ROUTE_M:
        options = [roads.lanes[name] for name in chain[-1].successors if name in roads.lanes]
        options = [option for option in options if option not in chain]
        if not options:
            break
        chain.append(options[int(rng.integers(len(options)))])
        length += Line(chain[-1].center_m).length_m
    return Route.along(tuple(chain))


def _driven(drivers: list[Driver], *, steps: int) -> Iterator[Track]:
    nobody = Walkers(xy_m=np.empty((steps, 0, 2)), velocity_mps=np.empty((steps, 0, 2)), radius_m=np.empty(0))
    motion = drive(drivers, nobody, steps=steps)
    for column, driver in enumerate(drivers):
        yaw = motion.yaw_rad[:, column]
        ahead = rear_axle_m(driver.size_lwh_m[0]) * np.stack([np.cos(yaw), np.sin(yaw)], axis=-1)
        xy = np.stack([motion.x_m[:, column], motion.y_m[:, column]], axis=-1) + ahead
        on = motion.along_m[:, column] < driver.route.line.length_m - 0.5 * driver.size_lwh_m[0]
        count = len(on) if on.all() else int(np.argmin(on))
        yield Track(
            category=driver.category,
            size_lw_m=driver.size_lwh_m[:2],
            xy_m=xy[:count],
            yaw_rad=yaw[:count],
            speed_mps=motion.speed_mps[:count, column],
        )


def _parked(roads: Roads, at_m: Float[np.ndarray, "2"], rng: np.random.Generator) -> Iterator[Track]:
    """Yield cars on parking strips, each across from a lane."""
    share, aside = rng.uniform(0.1, 0.8), np.arange(2.5, 9.0, 0.5)
    if roads.parking.is_empty:
        return
    for lane in roads.streets_near(at_m, _NEAR_M):
        line = Line(lane.center_m)
        if lane.right_neighbor is not None:
            continue
        for s in np.arange(4.0, line.length_m - 4.0, 6.6):
            if rng.random() > share:
                continue
            point, heading = line.at(np.full(len(aside), s), -aside)
            inside = shapely.contains_xy(roads.parking, *point.T)
            if inside.sum() >= 3:
                yield _still(point[inside].mean(axis=0), float(heading[0]), Category.CAR)


def _still(xy: Float[np.ndarray, "2"], yaw: float, category: Category) -> Track:
    return Track(
        category=category,
        size_lw_m=category.typical_size_lwh_m[:2],
        xy_m=xy[None],
        yaw_rad=np.array([yaw]),
        speed_mps=np.zeros(1),
    )


def _crossers(roads: Roads, at_m: Float[np.ndarray, "2"], steps: int, rng: np.random.Generator) -> Iterator[Track]:
    """Yield people on crossings, who go the long way of them."""
    for area in roads.hdmap.crossings:
        ring = area.polygon.exterior_m
        if np.linalg.norm(ring.mean(axis=0) - at_m) > _NEAR_M:
            continue
        box = np.asarray(shapely.Polygon(ring).minimum_rotated_rectangle.exterior.coords)[:4]
        sides = np.linalg.norm(np.roll(box, -1, axis=0) - box, axis=1)
        first = int(np.argmax(sides[:2]))
        ends = (box[first] + box[(first + 3) % 4]) / 2, (box[first + 1] + box[(first + 2) % 4]) / 2
        for _ in range(int(rng.poisson(0.8))):
            start, end = ends if rng.random() < 0.5 else ends[::-1]
            yield _walker(Line(np.stack([start, end])), steps, rng, sway_m=1.2)


def _strollers(roads: Roads, at_m: Float[np.ndarray, "2"], steps: int, rng: np.random.Generator) -> Iterator[Track]:
    """Yield people who walk along kerbs, outside the road."""
    lines = [line for kerb in roads.hdmap.boundaries for line in _near(kerb.line_m, at_m)]
    for _ in range(int(rng.integers(0, 12)) if lines else 0):
        kerb = lines[int(rng.integers(len(lines)))]
        for side in (1.0, -1.0):
            way = Line(kerb).resampled(2.0).offset(side * _WALKS_BESIDE_M)
            if not shapely.contains_xy(roads.surface, *way.points_m.T).any():
                yield _walker(way, steps, rng, sway_m=0.4)
                break


def _near(points: Points, at_m: Float[np.ndarray, "2"]) -> Iterable[Points]:
    """Yield the stretch of a line near a place, if it is long enough to walk along."""
    if np.linalg.norm(np.diff(points, axis=0), axis=1).sum() < 6.0:
        return
    line = Line(points).resampled(2.0).points_m
    near = np.flatnonzero(np.linalg.norm(line - at_m, axis=1) < REACH_M)
    if len(near) > 4:
        run = np.split(near, np.flatnonzero(np.diff(near) > 1) + 1)
        yield from (line[part] for part in run if len(part) > 4)


def _walker(line: Line, steps: int, rng: np.random.Generator, *, sway_m: float) -> Track:
    """Return somebody who is somewhere along the line and walks on to its end."""
    speed = float(rng.uniform(0.9, 1.7))
    turned = Line(line.points_m[::-1]) if rng.random() < 0.5 else line
    along = rng.uniform(0.0, max(turned.length_m - 4.0, 0.5)) + speed * STEP_S * np.arange(steps)
    along = along[along < turned.length_m]
    xy, yaw = turned.at(along, float(rng.uniform(-sway_m, sway_m)))
    return Track(
        category=Category.ADULT,
        size_lw_m=Category.ADULT.typical_size_lwh_m[:2],
        xy_m=xy,
        yaw_rad=yaw,
        speed_mps=np.full(len(xy), speed),
    )
