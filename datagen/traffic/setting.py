"""Where and how fast the ego drives: the frame into which everything else is placed.

A plan says what shall happen; the setting finds the lane, the place on it and the speed that let it happen within
the clip. It needs lanes with neighbours and successors, not a particular map.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from jaxtyping import Float

from datagen.scene import EGO_SIZE_LWH_M, Area, Category, Group, HDMap, Lane, LaneKind, Place
from datagen.scene.line import Line
from datagen.scene.plan import Manoeuvre, Plan, PlanActor, PlanRoad, Side
from datagen.traffic.limits import drives, limits_of
from datagen.traffic.manoeuvres import times_s
from datagen.traffic.motion import STEP_S
from datagen.traffic.route import Network, Route, Turn

EGO_FRONT_M = 1.368 + EGO_SIZE_LWH_M[0] / 2
"""From the ego's rear axle to its front bumper."""
STOP_BEFORE_M = 6.5
"""A stop line lies this far before the junction, beyond the crossing."""
_SPEEDS_MPS = {
    Place.DOWNTOWN: (7.5, 11.0),
    Place.RESIDENTIAL: (6.0, 8.3),
    Place.INDUSTRIAL: (8.5, 12.0),
    Place.HIGHWAY: (20.0, 26.0),
    Place.PARK: (6.0, 8.3),
}
_BEHIND_M, _AHEAD_M = 70.0, 110.0
"""Road there must be behind the ego's start and ahead of where it ends."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """The ego's way through a road.

    s_m: where its rear axle is at time 0 on `route`.  progress_m: where it would be at each step if nobody were
    in its way, metres along the route.
    """

    plan: Plan
    network: Network
    duration_s: float
    times_s: Float[np.ndarray, "steps"]
    lane: Lane
    route: Route
    s_m: float
    speed_mps: float
    progress_m: Float[np.ndarray, "steps"]

    @property
    def hdmap(self) -> HDMap:
        """The map."""
        return self.network.hdmap

    @property
    def lanes(self) -> dict[str, Lane]:
        """The map's lanes by id."""
        return self.network.lanes

    def ego_at(self, time_s: float) -> float:
        """Return where the ego is expected at a time, metres along its route."""
        return float(np.interp(time_s, self.times_s, self.progress_m))


def road_wish(plan: Plan) -> PlanRoad:
    """Return the road a plan needs: what it says, with lanes, crossing and junction that its manoeuvres require."""
    left, right = _lanes_beside(plan)
    does = [(actor, manoeuvre) for actor in plan.actors for manoeuvre in actor.manoeuvres]
    turns = any(m.do == "turn" or (m.do == "cross" and drives_across(a)) for a, m in does)
    turns = turns or any(m.do == "turn" for m in plan.ego)
    on_foot = any(m.do == "cross" and not drives_across(a) for a, m in does)
    return PlanRoad(
        lanes=min(max(plan.road.lanes, 1 + left + right), 4),
        crossing=plan.road.crossing or on_foot,
        junction=plan.road.junction or turns,
    )


def road_length_m(plan: Plan, duration_s: float) -> float:
    """Return how long a straight road must be for the ego not to run out of it, in steps of 20 m."""
    needed = _BEHIND_M + _AHEAD_M + _top_speed(plan) * (duration_s + 2.0)
    return 20.0 * np.ceil(max(needed, 260.0) / 20.0)


def needs_parking(plan: Plan) -> bool:
    """Say whether somebody shall be parked at the kerb."""
    return any(manoeuvre.do == "parked" for actor in plan.actors for manoeuvre in actor.manoeuvres)


def drives_across(actor: PlanActor) -> bool:
    """Say whether crossing means driving through a junction, and not going over the road as people do."""
    return actor.category.group is Group.VEHICLE


def choose_setting(plan: Plan, network: Network, *, duration_s: float, rng: np.random.Generator) -> Setting | None:
    """Return a place for the ego to start, drawn from all that suit the plan, or None if the map has none."""
    times = times_s(duration_s)
    speed = _ego_speed(plan, duration_s, rng)
    options = _options(plan, network)
    for index in rng.permutation(len(options)):
        lane, route = options[index]
        start = _start_m(plan, network.hdmap, route, speed=speed, duration_s=duration_s, rng=rng)
        if start is None or start < 12.0:
            continue
        progress = expected_progress(route, start, speed_mps=speed, times=times)
        return Setting(
            plan=plan,
            network=network,
            duration_s=duration_s,
            times_s=times,
            lane=lane,
            route=route,
            s_m=start,
            speed_mps=speed,
            progress_m=progress,
        )
    return None


def expected_progress(
    route: Route, start_m: float, *, speed_mps: float, times: Float[np.ndarray, "steps"]
) -> Float[np.ndarray, "steps"]:
    """Return where a car with nobody in its way is at each step, if it is at `start_m` at time 0."""
    most = route.speed_limits(limits_of(Category.CAR).lateral_mps2, 1.8)

    def speed(s: float) -> float:
        return min(speed_mps, float(most[int(np.clip(s, 0, len(most) - 1))]))

    zero = int(np.argmin(np.abs(times)))
    along = [start_m]
    for _ in times[zero + 1 :]:
        along.append(along[-1] + STEP_S * speed(along[-1]))
    for _ in times[:zero]:
        along.insert(0, along[0] - STEP_S * speed(along[0]))
    return np.array(along)


def start_before(route: Route, at_m: float, *, speed_mps: float, within_s: float) -> float:
    """Return where to be at time 0 so as to be at `at_m` at `within_s`, which may be past (a car on a free road)."""
    most = route.speed_limits(limits_of(Category.CAR).lateral_mps2, 1.8)
    along, step = at_m, STEP_S if within_s > 0 else -STEP_S
    for _ in range(round(abs(within_s) / STEP_S)):
        along -= step * min(speed_mps, float(most[int(np.clip(along, 0, len(most) - 1))]))
    return along


def ego_turn(plan: Plan) -> Turn:
    """Return which way the ego goes at the junction."""
    turns = [m.side or "right" for m in plan.ego if m.do == "turn"]
    return turns[0] if turns else "straight"


def junction_entry(route: Route) -> float | None:
    """Return where a route enters its first junction, metres along, or None."""
    for lane in route.lanes:
        if lane.junction:
            return route.start_of(lane.id)
    return None


def crossings_on(route: Route, hdmap: HDMap) -> list[tuple[float, Area]]:
    """Return the crossings a route leads over, with how far along, nearest first."""
    line = shapely.LineString(route.line.points_m)
    met = []
    for area in hdmap.crossings:
        shape = shapely.Polygon(area.polygon.exterior_m)
        if line.intersects(shape):
            met.append((float(line.project(line.intersection(shape).centroid)), area))
    return sorted(met, key=lambda pair: pair[0])


def wanted_crossing(plan: Plan) -> Manoeuvre | None:
    """Return the first manoeuvre of the plan that needs a crossing for people."""
    for actor in plan.actors:
        for manoeuvre in actor.manoeuvres:
            if manoeuvre.do == "cross" and not drives_across(actor):
                return manoeuvre
    return None


def _options(plan: Plan, network: Network) -> list[tuple[Lane, Route]]:
    """Return the lanes the ego may start on, with the routes that do what the plan says."""
    lanes, hdmap = network.lanes, network.hdmap
    left, right = _lanes_beside(plan)
    found = []
    for lane in hdmap.lanes:
        if lane.junction or lane.kind is not LaneKind.CAR:
            continue
        if _count(lane, lanes, "left_neighbor") < left or _count(lane, lanes, "right_neighbor") < right:
            continue
        route = network.route(lane, ego_turn(plan))
        needs_junction = road_wish(plan).junction and bool(hdmap.junctions)
        if route is not None and (not needs_junction or junction_entry(route) is not None):
            found.append((lane, route))
    return found


def _count(lane: Lane, lanes: dict[str, Lane], side: str) -> int:
    count, name = 0, getattr(lane, side)
    while name in lanes:
        count, name = count + 1, getattr(lanes[name], side)
    return count


def _lanes_beside(plan: Plan) -> tuple[int, int]:
    """Return how many lanes of its own direction the ego needs to its left and right."""
    sides: list[Side] = []
    for actor in plan.actors:
        if not drives(actor.category):
            continue
        first = actor.manoeuvres[0].do if actor.manoeuvres else "keep_lane"
        for m in actor.manoeuvres:
            if m.do in ("cut_in", "overtake"):
                sides.append(m.side or "left")
            elif m.do == "lane_change" and first not in ("parked", "oncoming"):
                sides.append(start_side(actor, m))
        on_the_move = first in ("keep_lane", "brake", "accelerate", "wait")
        if on_the_move and actor.where in ("left", "right") and actor.category is not Category.BICYCLE:
            sides.append(actor.where)
    for m in plan.ego:
        if m.do in ("lane_change", "overtake"):
            sides.append(m.side or "left")
    return int("left" in sides), int("right" in sides)


def start_side(actor: PlanActor, change: Manoeuvre) -> Side:
    """Return the side of the ego's lane that a lane change of another vehicle involves."""
    if actor.where in ("left", "right"):
        return actor.where
    return change.side or "left"


def _top_speed(plan: Plan) -> float:
    said = [m.speed_mps for m in plan.ego if m.speed_mps is not None]
    said += [m.speed_mps for actor in plan.actors for m in actor.manoeuvres if m.speed_mps is not None]
    return max([_SPEEDS_MPS[plan.ambience.place][1], *said])


def _ego_speed(plan: Plan, duration_s: float, rng: np.random.Generator) -> float:
    """Return the ego's speed when the clip starts."""
    said = [m.speed_mps for m in plan.ego if m.do == "keep_lane" and m.speed_mps is not None]
    if said:
        return min(said[0], limits_of(Category.CAR).top_mps)
    if plan.ego and plan.ego[0].do == "wait":
        return 0.0
    speed = float(rng.uniform(*_SPEEDS_MPS[plan.ambience.place]))
    people = [(a, m) for a in plan.actors for m in a.manoeuvres if m.do in ("cross", "jaywalk")]
    if people:
        speed = min(speed, float(rng.uniform(6.0, 9.5)))
        for actor, manoeuvre in people:
            gap = manoeuvre.gap_m or actor.gap_m
            if gap is not None:
                speed = min(speed, _speed_that_stops_within(gap))
    if any(m.do == "turn" for m in plan.ego):
        speed = min(speed, 9.0)
    if any(m.do == "overtake" for m in plan.ego):
        return speed
    if plan.ego and plan.ego[0].do == "accelerate":
        speed = min(speed, 0.6 * speed if duration_s > 3 else speed)
    slow = [m.speed_mps for a in plan.actors for m in a.manoeuvres if m.do == "keep_lane" and m.speed_mps is not None]
    return speed if not slow or plan.ego else float(min(speed, max(slow[0] * 1.2, 2.0)))


def _speed_that_stops_within(gap_m: float) -> float:
    """Return the speed from which one stops before somebody `gap_m` ahead, 1 s and 2.5 m/s^2 given."""
    room = max(gap_m - 4.0, 1.0)
    return float(max(2.0, -2.5 + np.sqrt(2.5**2 + 2 * 2.5 * room)))


def stopping_m(speed_mps: float, *, warned_s: float, brake_mps2: float) -> float:
    """Return how far ahead of its rear axle the ego must first see somebody who is there `warned_s` later."""
    return speed_mps * warned_s + speed_mps**2 / (2 * brake_mps2) + EGO_FRONT_M + 3.0


def _start_m(
    plan: Plan, hdmap: HDMap, route: Route, *, speed: float, duration_s: float, rng: np.random.Generator
) -> float | None:
    """Return where on its route the ego starts, or None if the route does not suit the plan."""
    entry = junction_entry(route)
    crossing = wanted_crossing(plan)
    if ego_turn(plan) != "straight":
        if entry is None:
            return None
        return start_before(route, entry, speed_mps=speed, within_s=turn_time_s(duration_s))
    if crossing is not None:
        zebras = crossings_on(route, hdmap)
        if not zebras:
            return None
        gap = crossing.gap_m
        reach = gap + EGO_FRONT_M if gap is not None else crossing_reach_m(speed, duration_s) + rng.uniform(0.0, 3.0)
        return zebras[0][0] - reach
    if road_wish(plan).junction and entry is not None:
        return entry - _junction_reach_m(plan, speed, duration_s) - rng.uniform(0.0, 4.0)
    room = route.line.length_m - speed * duration_s - _AHEAD_M
    return float(rng.uniform(_BEHIND_M, max(room, _BEHIND_M + 1.0)))


def crossing_time_s(duration_s: float) -> float:
    """Return when somebody who crosses is in the middle of the ego's way."""
    return 0.55 * duration_s


def crossing_reach_m(speed_mps: float, duration_s: float) -> float:
    """Return how far ahead of the ego's start people cross, so that it can yield to them at ease."""
    free_s = max(crossing_time_s(duration_s) - 2.6, 0.0)
    return min(stopping_m(speed_mps, warned_s=free_s, brake_mps2=2.5), 36.0)


def turn_time_s(duration_s: float) -> float:
    """Return when somebody who turns enters the junction; in a short clip it has before it begins."""
    return float(min(0.2 * duration_s, duration_s - 2.6, 2.0))


def _junction_reach_m(plan: Plan, speed_mps: float, duration_s: float) -> float:
    """Return how far before a junction the ego starts when it is others who turn or cross there."""
    if any_drives_across(plan):
        return max(stopping_m(speed_mps, warned_s=0.3, brake_mps2=2.5) + 7.0, 18.0)
    lead = turn_time_s(duration_s)
    if any(a.where == "opposite" and m.do == "turn" for a in plan.actors for m in a.manoeuvres):
        return float(np.clip(speed_mps * (lead + 3.0) + 10.0, 24.0, 48.0))
    return speed_mps * max(lead, 0.0) + 17.0


def any_drives_across(plan: Plan) -> bool:
    """Say whether a vehicle shall cross the ego's way at the junction."""
    return any(m.do == "cross" and drives_across(a) for a in plan.actors for m in a.manoeuvres)


def neighbour_shift_m(lane: Lane, other: Lane) -> float:
    """Return how far left of a lane's centre line another's is, metres."""
    middle = other.center_m[len(other.center_m) // 2][None]
    return float(Line(lane.center_m).project(middle)[1][0])
