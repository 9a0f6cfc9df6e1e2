"""Where and how fast the ego drives: the frame into which everything else is placed.

A plan says what shall happen; the setting finds the lane, the place on it and the speed that let it happen within
the clip. It needs lanes with neighbours and successors, not a particular map.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from datagen.scene import Category, HDMap, Lane, LaneKind
from datagen.scene.line import Line
from datagen.scene.plan import Plan
from datagen.traffic.crossing import crossing_reach_m, crossings_on
from datagen.traffic.junction import EGO_FRONT_M, junction_entry, junction_reach_m, start_before, turn_time_s
from datagen.traffic.limits import drives, limits_of
from datagen.traffic.needs import (
    AHEAD_M,
    AT_KERB,
    BEHIND_M,
    CHANGES,
    ON_FOOT,
    SPEEDS_MPS,
    all_acts,
    ego_turn,
    lanes_beside,
    needs_parking,
    passes_and_turns,
    road_length_m,
    road_wish,
    wanted_crossing,
)
from datagen.traffic.route import Network, Route
from datagen.traffic.script import STEP_S, times_s

__all__ = ["Setting", "choose_setting", "needs_parking", "road_length_m", "road_wish"]


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

    def ego_reaches_s(self, s_m: float) -> float:
        """Return when the ego is expected at a place on its route; the clip's end where it never gets there."""
        step = int(np.searchsorted(self.progress_m, s_m))
        return float(self.times_s[step]) if step < len(self.times_s) else self.duration_s

    def beside(self, side: str) -> Lane | None:
        """Return the lane beside the ego's, or None."""
        return self.lanes.get(getattr(self.lane, f"{side}_neighbor") or "")

    @property
    def abreast(self) -> list[Lane]:
        """The other lanes of the ego's direction, from the right."""
        found = [self.outermost]
        while (left := self.lanes.get(found[-1].left_neighbor or "")) is not None:
            found.append(left)
        return [lane for lane in found if lane is not self.lane]

    @property
    def outermost(self) -> Lane:
        """The rightmost lane of the ego's direction."""
        lane = self.lane
        while (right := self.lanes.get(lane.right_neighbor or "")) is not None and not self.network.ends_early(right):
            lane = right
        return lane


def choose_setting(plan: Plan, network: Network, *, duration_s: float, rng: np.random.Generator) -> Setting | None:
    """Return a place for the ego to start, drawn from all that suit the plan, or None if the map has none."""
    times = times_s(duration_s)
    speed = _ego_speed(plan, duration_s, rng)
    options = _options(plan, network)
    for index in rng.permutation(len(options)):
        lane, route = options[index]
        placed = _placed(plan, network, lane, route, speed=speed, duration_s=duration_s, rng=rng)
        if placed is None or placed[1] < 12.0:
            continue
        route, start = placed
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
    most = route.speed_limits(limits_of(Category.CAR).lateral_mps2, 1.8).tolist()
    last = len(most) - 1

    def speed(s: float) -> float:
        return float(min(speed_mps, most[min(max(int(s), 0), last)]))

    zero = int(np.argmin(np.abs(times)))
    after, before = [start_m], [start_m]
    for _ in times[zero + 1 :]:
        after.append(after[-1] + STEP_S * speed(after[-1]))
    for _ in times[:zero]:
        before.append(before[-1] - STEP_S * speed(before[-1]))
    return np.array(before[:0:-1] + after)


def neighbour_shift_m(lane: Lane, other: Lane) -> float:
    """Return how far left of a lane's centre line another's is, metres."""
    middle = other.center_m[len(other.center_m) // 2][None]
    return float(Line(lane.center_m).project(middle)[1][0])


def u_turn_time_s(duration_s: float) -> float:
    """Return when a U-turn begins, so that most of it lies in the clip."""
    return float(np.clip(duration_s - 5.4, -0.9, 1.5))


def _options(plan: Plan, network: Network) -> list[tuple[Lane, Route]]:
    """Return the lanes the ego may start on, with the routes that do what the plan says, the best ones only."""
    lanes, hdmap = network.lanes, network.hdmap
    left, right = lanes_beside(plan)
    wish = road_wish(plan)
    found = []
    for lane in hdmap.lanes:
        if lane.junction or lane.kind is not LaneKind.CAR or network.ends_early(lane):
            continue
        if _count(lane, lanes, "left_neighbor") < left or _count(lane, lanes, "right_neighbor") < right:
            continue
        route = network.route(lane, ego_turn(plan))
        needs_junction = wish.junction and bool(hdmap.junctions)
        if route is not None and (not needs_junction or junction_entry(route) is not None):
            found.append((lane, route))
    at_kerb = any(m.do in AT_KERB for m in plan.ego) or any(m.do in AT_KERB for _, m in all_acts(plan))
    if at_kerb and not right:
        found = [(lane, route) for lane, route in found if lane.right_neighbor not in lanes] or found
    if wish.ramp:
        found = [(lane, route) for lane, route in found if _ramp_beside(network, lane) is not None] or found
    if wish.curve is not None:
        found = [(lane, route) for lane, route in found if _bend_m(route, wish.curve) is not None] or found
    return found


def _count(lane: Lane, lanes: dict[str, Lane], side: str) -> int:
    count, name = 0, getattr(lane, side)
    while name in lanes:
        count, name = count + 1, getattr(lanes[name], side)
    return count


def _ego_speed(plan: Plan, duration_s: float, rng: np.random.Generator) -> float:
    """Return the ego's speed when the clip starts."""
    said = [m.speed_mps for m in plan.ego if m.do in ("keep_lane", "constant_speed") and m.speed_mps is not None]
    if said:
        return min(said[0], limits_of(Category.CAR).top_mps)
    first = plan.ego[0] if plan.ego else None
    if first is not None and (first.do == "pull_out" or (first.do == "wait" and first.at_s is None)):
        return 0.0
    speed = float(rng.uniform(*SPEEDS_MPS[plan.ambience.place]))
    does = {m.do for m in plan.ego}
    people = [(a, m) for a, m in all_acts(plan) if m.do in ON_FOOT]
    if people:
        speed = min(speed, float(rng.uniform(6.0, 9.5)))
        for actor, manoeuvre in people:
            gap = manoeuvre.gap_m or actor.gap_m
            if gap is not None:
                speed = min(speed, _speed_that_stops_within(gap))
    speed = min([speed, *(_MOST_MPS[do] for do in does if do in _MOST_MPS)])
    speed = min([speed, *(9.0 for _, m in all_acts(plan) if m.do in ("pull_out", "u_turn", "reverse"))])
    cycles = (
        m for a, m in all_acts(plan) if a.category is Category.BICYCLE and m.do in (*CHANGES, "follow", "tailgate")
    )
    speed = min([speed, *(7.0 for _ in cycles)])
    speed = min([speed, *(11.0 for _, m in all_acts(plan) if m.do in ("pull_over", "park"))])
    speed = min([speed, *(6.5 for _, m in all_acts(plan) if m.do in ("filter", "stop_and_go"))])
    speed = min([speed, *(_PASSED_MPS for actor in plan.actors if passes_and_turns(actor))])
    slow_two = (m for a, m in all_acts(plan) if a.category is Category.BICYCLE and m.do in ("overtake", "filter"))
    speed = min([speed, *(4.0 for _ in slow_two)])
    if "stop_and_go" in does:
        speed = min(speed, 0.6 * duration_s)
    if "overtake" in does:
        return speed
    if first is not None and first.do == "accelerate":
        speed = min(speed, 0.6 * speed if duration_s > 3 else speed)
    slow = [m.speed_mps for a, m in all_acts(plan) if m.do == "keep_lane" and m.speed_mps is not None]
    return speed if not slow or plan.ego else float(min(speed, max(slow[0] * 1.2, 2.0)))


_PASSED_MPS, _PASSED_REACH_M = 4.5, 36.0
"""How fast the ego is, and how far from the junction, where somebody gets past it and turns there within a clip."""
_PASSES_S = 1.5
"""When the ego comes to where somebody waits for it to pass."""
_MOST_MPS = {"turn": 9.0, "u_turn": 7.0, "pull_over": 9.0, "park": 8.0, "stop_and_go": 6.0, "reverse": 3.0}
"""How fast the ego may be when it is about to do this."""


def _speed_that_stops_within(gap_m: float) -> float:
    """Return the speed from which one stops before somebody `gap_m` ahead, 1 s and 2.5 m/s^2 given."""
    room = max(gap_m - 4.0, 1.0)
    return float(max(2.0, -2.5 + np.sqrt(2.5**2 + 2 * 2.5 * room)))


def _placed(
    plan: Plan, network: Network, lane: Lane, route: Route, *, speed: float, duration_s: float,
    rng: np.random.Generator,
) -> tuple[Route, float] | None:  # fmt: skip
    """Return the ego's route and where on it it starts, or None if the lane does not suit the plan."""
    if any(m.do == "u_turn" for m in plan.ego):
        middle = min(BEHIND_M + 40.0 + float(rng.uniform(0.0, 20.0)), route.line.length_m - 45.0)
        round_ = network.turned_round(route, at_m=middle, curvature=limits_of(Category.CAR).curvature)
        if round_ is None:
            return None
        start = start_before(round_, middle, speed_mps=speed, within_s=u_turn_time_s(duration_s))
        return round_, start
    joining = _ramp_beside(network, lane) if plan.road.ramp else None
    if joining is not None:
        return route, _before_ramp_m(route, joining, speed_mps=speed, duration_s=duration_s)
    place = _start_m(plan, network.hdmap, route, speed=speed, duration_s=duration_s, rng=rng)
    return None if place is None else (route, place)


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
        if crossing.when_clear:  # whoever waits goes once the ego is past
            return max(zebras[0][0] - EGO_FRONT_M - _PASSES_S * speed, 15.0)
        gap = crossing.gap_m
        reach = (
            max(gap, 3.0) + EGO_FRONT_M
            if gap is not None
            else crossing_reach_m(speed, duration_s) + rng.uniform(0.0, 3.0)
        )
        return zebras[0][0] - reach - _room_for_yielding_m(plan)
    wish = road_wish(plan)
    if entry is not None and any(map(passes_and_turns, plan.actors)):
        return entry - _PASSED_REACH_M
    if wish.junction and entry is not None:
        return entry - junction_reach_m(plan, speed, duration_s) - rng.uniform(0.0, 4.0)
    bend = _bend_m(route, wish.curve) if wish.curve is not None else None
    if bend is not None:
        return max(bend - float(rng.uniform(0.0, 0.3)) * speed * duration_s, 15.0)
    room = route.line.length_m - speed * duration_s - AHEAD_M
    return float(rng.uniform(min(BEHIND_M, max(room, 15.0)), max(room, BEHIND_M + 1.0)))


def _ramp_beside(network: Network, lane: Lane) -> Lane | None:
    """Return the lane of a slip road to the right of a lane, or None."""
    beside = network.lanes.get(lane.right_neighbor or "")
    return beside if beside is not None and network.ends_early(beside) else None


def _before_ramp_m(route: Route, joining: Lane, *, speed_mps: float, duration_s: float) -> float:
    """Return where the ego starts so that a slip road begins to run beside it a quarter into the clip."""
    along, across = route.line.project(joining.center_m)
    beside = along[np.abs(across - across[-1]) < 0.3]
    return max(float(beside[0]) + 10.0 - 0.25 * duration_s * speed_mps, 15.0)


def _room_for_yielding_m(plan: Plan) -> float:
    """Return how much further away a crossing must be for whoever yields there ahead of the ego."""
    room = 0.0
    for actor, act in all_acts(plan):
        if act.do == "yield" and drives(actor.category) and actor.where in (None, "ahead"):
            room = max(room, actor.category.typical_size_lwh_m[0] + 9.0)
    return room


def _bend_m(route: Route, side: str) -> float | None:
    """Return where a route begins to bend to a side by at least 15 degrees, metres along, or None."""
    signed = route.curvature * (1.0 if side == "left" else -1.0)
    bent = np.flatnonzero(signed > 1.0 / 400.0)
    if len(bent) == 0 or float(np.sum(signed[bent])) < np.deg2rad(15.0):
        return None
    return float(bent[0])
