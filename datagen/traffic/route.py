"""Ways over the lanes: chains of lanes as one smooth line, and how fast one may go along it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
import shapely
from jaxtyping import Float
from shapely.geometry.base import BaseGeometry

from datagen.scene import HDMap, Lane, LaneKind
from datagen.scene.line import Line

GRID_M = 1.0
"""Routes have a point every metre, so that looking one up is an index."""
Turn = Literal["straight", "left", "right"]


@dataclass(frozen=True)
class Route:
    """A line to drive along, a point every GRID_M. lanes: those it was made of."""

    line: Line
    lanes: tuple[Lane, ...] = ()
    _limits: dict[tuple[float, float], np.ndarray] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def along(cls, lanes: tuple[Lane, ...]) -> Route:
        """Return the way along lanes, each of which leads to the next, smoothed over 4 m."""
        points = np.concatenate([lane.center_m for lane in lanes])
        keep = np.concatenate([[True], np.linalg.norm(np.diff(points, axis=0), axis=1) > 0.05])
        raw = Line(points[keep]).resampled(GRID_M).points_m
        return cls(Line(_smoothed(raw)).resampled(GRID_M), lanes)

    @cached_property
    def curvature(self) -> Float[np.ndarray, "points"]:
        """Signed curvature at each point, 1/m, left is positive."""
        heading = np.unwrap(np.arctan2(self.line.tangent[:, 1], self.line.tangent[:, 0]))
        if len(heading) < 2:
            return np.zeros(len(self.line.points_m))
        bend = np.diff(heading) / GRID_M
        return np.concatenate([[0.0], bend, [0.0]])

    def start_of(self, lane_id: str) -> float:
        """Return where a lane of it begins, metres along."""
        lane = next(lane for lane in self.lanes if lane.id == lane_id)
        return float(self.line.project(lane.center_m[:1])[0][0])

    def speed_limits(self, lateral_mps2: float, brake_mps2: float) -> Float[np.ndarray, "points"]:
        """Return how fast one may be at each point to take all curves ahead, braking in time, m/s.

        v(s)^2 = min over s' >= s of a_lat / |curvature(s')| + 2 b (s' - s).
        """
        key = (lateral_mps2, brake_mps2)
        if key not in self._limits:
            curve = lateral_mps2 / np.maximum(np.abs(self.curvature), 1e-4)
            ramp = 2 * brake_mps2 * GRID_M * np.arange(len(curve))
            reachable = np.minimum.accumulate((curve + ramp)[::-1])[::-1] - ramp
            self._limits[key] = np.sqrt(np.maximum(reachable, 0.5))
        return self._limits[key]


def _smoothed(points: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
    """Average each point with its neighbours within 2 m; the ends stay."""
    if len(points) < 6:
        return points
    padded = np.concatenate([2 * points[:1] - points[2:0:-1], points, 2 * points[-1:] - points[-2:-4:-1]])
    return sum(padded[k : k + len(points)] for k in range(5)) / 5.0


@dataclass(frozen=True)
class Network:
    """A map as a driver knows it: its lanes, the routes over them and all one may drive on, each found once."""

    hdmap: HDMap
    _routes: dict[tuple[str, Turn], Route | None] = field(default_factory=dict, repr=False, compare=False)
    _early: dict[str, bool] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def lanes(self) -> dict[str, Lane]:
        """The lanes by their ids."""
        return {lane.id: lane for lane in self.hdmap.lanes}

    @cached_property
    def surface(self) -> BaseGeometry:
        """Lanes, parking strips, junctions and drivable areas as one surface."""
        polygons = [lane.polygon for lane in self.hdmap.lanes]
        areas = (*self.hdmap.carparks, *self.hdmap.junctions, *self.hdmap.drivable)
        polygons += [area.polygon for area in areas]
        shapes = shapely.make_valid([shapely.Polygon(p.exterior_m, p.holes_m) for p in polygons])
        return shapely.union_all(shapely.simplify(shapes, 0.01)).buffer(0.05, join_style="mitre")

    @cached_property
    def parking(self) -> tuple[BaseGeometry, ...]:
        """The parking strips."""
        return tuple(shapely.Polygon(area.polygon.exterior_m) for area in self.hdmap.carparks)

    @cached_property
    def kept_clear(self) -> BaseGeometry:
        """Where nobody parks: 8 m around crossings, 10 m around junctions."""
        crossings = [shapely.Polygon(area.polygon.exterior_m).buffer(8.0) for area in self.hdmap.crossings]
        junctions = [shapely.Polygon(area.polygon.exterior_m).buffer(10.0) for area in self.hdmap.junctions]
        shape = shapely.union_all([*crossings, *junctions])
        shapely.prepare(shape)
        return shape

    @cached_property
    def kerb_tracks(self) -> tuple[Line, ...]:
        """Lines 0.8, 1.5 and 2.2 m outside the drivable surface, a point every 2 m, where people walk."""
        rings = []
        for beyond_m in (0.8, 1.5, 2.2):
            parts = shapely.get_parts(self.surface.buffer(beyond_m, quad_segs=4))
            ring = max(parts, key=lambda part: part.area).exterior
            rings.append(Line(np.asarray(ring.segmentize(2.0).coords, dtype=np.float64)))
        return tuple(rings)

    def route(self, lane: Lane, turn: Turn = "straight") -> Route | None:
        """Return the way from a lane on (see `route_from`)."""
        key = (lane.id, turn)
        if key not in self._routes:
            beside = self.lanes[lane.left_neighbor or ""] if self.ends_early(lane) else None
            found = route_from(lane, self.lanes, turn=turn)
            self._routes[key] = _prolonged(lane, beside) if beside is not None and turn == "straight" else found
        return self._routes[key]

    def ends_early(self, lane: Lane) -> bool:
        """Say whether a lane ends while the one to its left goes on, as that of a slip road does."""
        if lane.id not in self._early:
            beside = self.lanes.get(lane.left_neighbor or "")
            self._early[lane.id] = beside is not None and not lane.successors and _goes_on(beside, lane)
        return self._early[lane.id]

    def turned_round(self, route: Route, *, at_m: float, curvature: float) -> Route | None:
        """Return the route that leaves another one at `at_m` in a half circle to the left, onto a lane that comes back.

        curvature: the tightest the vehicle can drive, 1/m. None where no such lane is far enough to the left.
        """
        here, heading = route.line.at(at_m)
        ahead = np.array([np.cos(heading[0]), np.sin(heading[0])])
        found: list[tuple[float, str, Lane]] = []
        for lane in self.hdmap.lanes:
            line = Line(lane.center_m)
            if lane.junction or lane.kind is not LaneKind.CAR:
                continue
            s, d = line.project(here)
            inside = 15.0 < s[0] < line.length_m - 15.0
            if inside and _heads(line, float(s[0])) @ ahead < -0.7:
                found.append((float(d[0]), lane.id, lane))
        for across, _, lane in sorted(found, key=lambda one: one[:2]):
            back = self.route(lane)
            if across >= 2.1 / curvature and back is not None:
                return _half_circle(route, back, at_m=at_m, radius_m=across / 2)
        return None


def _heads(line: Line, s_m: float) -> Float[np.ndarray, "2"]:
    heading = float(line.at(s_m)[1][0])
    return np.array([np.cos(heading), np.sin(heading)])


def _half_circle(route: Route, back: Route, *, at_m: float, radius_m: float) -> Route:
    """Return `route` up to `at_m`, a half circle to the left, and `back` from there on."""
    here, heading = route.line.at(at_m)
    ahead = np.array([np.cos(heading[0]), np.sin(heading[0])])
    left = np.array([-ahead[1], ahead[0]])
    angle = np.linspace(0.0, np.pi, max(int(np.pi * radius_m), 8))[1:-1, None]
    arc = here[0] + radius_m * (np.sin(angle) * ahead + (1.0 - np.cos(angle)) * left)
    before = route.line.points_m[route.line.along_m < at_m - 0.5]
    landed = float(back.line.project(here + 2 * radius_m * left)[0][0])
    after = back.line.points_m[back.line.along_m > landed + 0.5]
    raw = Line(np.concatenate([before, here, arc, after])).resampled(GRID_M).points_m
    return Route(Line(_smoothed(raw)).resampled(GRID_M), route.lanes[:1])


_GOES_ON_M = 20.0
"""A lane ends early if the one beside it is this much longer, and more."""


def _goes_on(beside: Lane, lane: Lane) -> bool:
    """Say whether a lane goes on for long beyond the end of another."""
    if beside.successors:
        return False
    line = Line(beside.center_m)
    return line.length_m - float(line.project(lane.center_m[-1:])[0][0]) > _GOES_ON_M


def _prolonged(lane: Lane, beside: Lane) -> Route:
    """Return the way along a lane that ends, and on beside the one to its left, where there is no road any more."""
    line = Line(beside.center_m)
    along, across = line.project(lane.center_m[-1:])
    onward = line.at(np.arange(float(along[0]) + GRID_M, line.length_m, GRID_M), float(across[0]))[0]
    raw = Line(np.concatenate([lane.center_m, onward])).resampled(GRID_M).points_m
    return Route(Line(_smoothed(raw)).resampled(GRID_M), (lane,))


def turn_of(lane: Lane) -> Turn:
    """Return where a lane leads: 'left' and 'right' bend by more than 45 degrees."""
    line = Line(lane.center_m)
    first, last = line.tangent[0], line.tangent[-1]
    bend = np.arctan2(first[0] * last[1] - first[1] * last[0], first @ last)
    if abs(bend) < np.pi / 4:
        return "straight"
    return "left" if bend > 0 else "right"


def route_from(lane: Lane, lanes: Mapping[str, Lane], *, turn: Turn = "straight") -> Route | None:
    """Return the way from a lane on: `turn` at the first junction, straight on at the others; None if impossible."""
    chain, wish = [lane], turn
    while chain[-1].successors and len(chain) < 24:
        options = [lanes[name] for name in chain[-1].successors if name in lanes and lanes[name] not in chain]
        fitting = [option for option in options if turn_of(option) == wish]
        if not fitting:
            break
        chain.append(fitting[0])
        wish = "straight" if turn_of(fitting[0]) == turn and fitting[0].junction else wish
    if turn != "straight" and not any(turn_of(part) == turn for part in chain):
        return None
    return Route.along(tuple(chain))
