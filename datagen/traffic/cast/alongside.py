"""Vehicles that go the ego's way: which lane, how far from the ego, how fast, so that what they do is about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from datagen.scene import EGO_SIZE_LWH_M, Category, Lane, LaneKind
from datagen.scene.line import Line
from datagen.scene.plan import Manoeuvre, PlanActor
from datagen.traffic.cast.scripting import Way, scripted, start_of_s
from datagen.traffic.crossing import crossings_on
from datagen.traffic.junction import EGO_FRONT_M
from datagen.traffic.limits import drives, limits_of, rear_axle_m
from datagen.traffic.needs import AT_KERB, CHANGES, beside_of, start_side, wanted_crossing
from datagen.traffic.role import Body, Role, driver_of
from datagen.traffic.route import Route
from datagen.traffic.script import PRESSING, WARM_UP_S, cruise
from datagen.traffic.setting import Setting, neighbour_shift_m

EGO_TAIL_M = EGO_SIZE_LWH_M[0] / 2 - 1.368
"""From the ego's rear axle back to its rear bumper."""
_TAILGATE_GAP_M = 3.5
_CLOSE_S, _IN_A_ROW_S = 0.35, 0.15
"""Time gaps of those who tailgate, and of several who overtake in a row: nobody waits for the others."""
_MOST_FASTER_MPS = 13.0
_SLOWER = 0.6
"""How fast, of the ego's speed, somebody behind it is who is about to accelerate."""
_WITHOUT_HASTE = 0.6
"""Up to this share of his top speed somebody drives who is about to accelerate."""
_CROSSING_HALF_M = 3.5
"""From the middle of a crossing to whoever stands at it."""
_COMES_IN = ("cut_in", "merge")
_QUICKER_MPS = 6.0
"""How much faster than the ego several are who overtake it in a row, at most."""


@dataclass(frozen=True, kw_only=True)
class _Start:
    """Where an actor is relative to the ego at time `at_s`: its rear axle `ahead_m` of the ego's, along the road."""

    lane: Lane
    ahead_m: float
    at_s: float
    speed_mps: float
    offset_m: float = 0.0


@dataclass(frozen=True, kw_only=True)
class _Casting:
    """All that decides where somebody starts. onward_m: further ahead, one after the other, for several alike."""

    actor: PlanActor
    body: Body
    setting: Setting
    order: int
    rng: np.random.Generator

    @property
    def onward_m(self) -> float:
        return self.order * (self.body.size_lwh_m[0] + 5.0)

    @property
    def tail_m(self) -> float:
        """From the rear axle back to the rear bumper."""
        return self.body.size_lwh_m[0] / 2 - rear_axle_m(self.body.size_lwh_m[0])

    @property
    def nose_m(self) -> float:
        """From the rear axle to the front bumper."""
        return self.body.size_lwh_m[0] / 2 + rear_axle_m(self.body.size_lwh_m[0])

    @property
    def said_mps(self) -> float | None:
        """The speed it was said to drive at before it does anything else."""
        steady = (m.speed_mps for m in self.actor.manoeuvres if m.do in ("keep_lane", "constant_speed"))
        return next((speed for speed in steady if speed is not None), None)

    def gap_m(self, act: Manoeuvre) -> float | None:
        """The gap that was said."""
        first = self.actor.manoeuvres[0] if self.actor.manoeuvres else act
        return act.gap_m or first.gap_m or act.when_gap_below_m or self.actor.gap_m

    def ahead(self, gap_m: float) -> float:
        """Return how far its rear axle is ahead of the ego's when its rear bumper is `gap_m` ahead of the ego."""
        return EGO_FRONT_M + gap_m + self.tail_m + self.onward_m

    @property
    def taken_m(self) -> float:
        """How much of the ego's lane ahead of it is for those who are named before and come there too."""
        room = 0.0
        for other in self.setting.plan.actors:
            if other is self.actor:
                break
            if other.where != "behind" and any(act.do in _COMES_IN for act in other.manoeuvres):
                room += other.count * (other.category.typical_size_lwh_m[0] + 5.0)
        return room

    def begins_s(self, act: Manoeuvre) -> float:
        return start_of_s(
            self.actor.manoeuvres, act, body=self.body, setting=self.setting, speed_mps=self.setting.speed_mps
        )


def alongside(
    actor: PlanActor, body: Body, *, setting: Setting, order: int, rng: np.random.Generator
) -> Role | None:  # fmt: skip
    """Drive the ego's way, in its lane or one beside it; None where there is no such lane."""
    casting = _Casting(actor=actor, body=body, setting=setting, order=order, rng=rng)
    change = _deciding(actor)
    start = _STARTS[change.do](casting, change) if change is not None else _steady(casting)
    if start is None:
        return None
    route = setting.route if start.lane is setting.lane else setting.network.route(start.lane)
    if route is None:
        return None
    at_ego = setting.route.line.at(setting.ego_at(start.at_s))[0]
    place = float(route.line.project(at_ego)[0][0]) + start.ahead_m
    speed = min(start.speed_mps, limits_of(body.category).top_mps)
    does = {m.do for m in actor.manoeuvres}
    wish = speed * PRESSING if "tailgate" in does else speed
    script = cruise(setting.times_s, wish, limits=limits_of(body.category), offset_m=start.offset_m)
    at_kerb = setting.ego_at(start.at_s) + start.ahead_m + speed * 0.5 * setting.duration_s
    way = Way(lane=start.lane, toward_ego=True, at_m=at_kerb)
    acts = actor.manoeuvres
    if _comes_up_first(actor):
        acts = tuple(_speeding(act, setting.speed_mps) for act in acts)
    script, cues = scripted(script, acts, way, body=body, setting=setting, speed_mps=speed)
    close = "tailgate" in does or (actor.where == "behind" and (actor.gap_m or 9.0) < 6.0)
    several = sum(other.count for other in setting.plan.actors if _in_a_row(other)) > 1
    passing = several and bool({"overtake", "filter"} & does)
    close = close or (several and _in_a_row(actor))
    driver = driver_of(
        body,
        route,
        script,
        cues=cues,
        s_m=place - speed * (start.at_s + WARM_UP_S),
        speed_mps=speed,
        headway_s=_IN_A_ROW_S if passing else _CLOSE_S if close else 1.1,
        side_room_m=0.1 if "filter" in does else 0.35,
    )
    driver = replace(driver, hold_m=_stop_line_m(casting, route, place))
    return Role(body=body, driver=driver, acts=actor.manoeuvres, event=True)


def _in_a_row(actor: PlanActor) -> bool:
    """Say whether somebody goes past the ego or comes in ahead of it: several of them keep close together."""
    return any(act.do in ("overtake", "filter", *_COMES_IN) for act in actor.manoeuvres)


def _stop_line_m(casting: _Casting, route: Route, place_m: float) -> float:
    """Return where on its route somebody who comes to a stop does so if people cross ahead; inf where none do.

    place_m: where its rear axle is when the clip starts.
    """
    setting, acts = casting.setting, casting.actor.manoeuvres
    stops = any(
        act.do == "emergency_stop" or (act.do == "brake" and (act.hard or act.speed_mps == 0.0)) for act in acts
    )
    if not stops or wanted_crossing(setting.plan) is None:
        return float("inf")
    lines = [along - _CROSSING_HALF_M for along, _ in crossings_on(route, setting.hdmap)]
    return next((line for line in lines if line > place_m + casting.nose_m + 3.0), float("inf"))


def _deciding(actor: PlanActor) -> Manoeuvre | None:
    """Return the manoeuvre that decides where the actor has to start, if there is one."""
    changes = [m for m in actor.manoeuvres if m.do in CHANGES]
    chosen = next((m for m in changes if m.do in ("cut_in", "merge")), changes[0] if changes else None)
    if chosen is not None and actor.where == "behind" and chosen.do not in ("overtake", "cut_in", "filter", "merge"):
        return None
    return chosen


def _overtaking(casting: _Casting, act: Manoeuvre) -> _Start | None:
    """Start behind the ego on the next lane, fast enough to be past it when the clip ends.

    Who tailgates or follows first starts in the ego's lane, and changes over.
    """
    setting = casting.setting
    if _comes_up_first(casting.actor):
        ahead = -(EGO_TAIL_M + _TAILGATE_GAP_M + casting.nose_m)
        return _Start(lane=setting.lane, ahead_m=ahead, at_s=0.0, speed_mps=max(setting.speed_mps, 3.0))
    lane, ego_mps = setting.beside(act.side or "left"), setting.speed_mps
    span = max(setting.duration_s - 0.4, 1.0)
    back = min(9.0, 2.5 + 1.2 * span)
    said = act.speed_mps or casting.said_mps or 0.0
    apart = casting.body.size_lwh_m[0] + 2.2 * (2.0 + _IN_A_ROW_S * max(said, ego_mps + 8.0))
    first = back + casting.nose_m + EGO_FRONT_M + 6.0
    fastest = max(limits_of(casting.body.category).top_mps - ego_mps, 3.0)
    room = min(_MOST_FASTER_MPS, fastest) * span - first
    before, all_of_them = _passing_too(casting.actor, act, setting)
    rank = before + casting.order
    last = min(all_of_them - 1, max(int(room / (1.4 * apart)), 0))
    if lane is None or rank > last:  # so many do not get past in one clip
        return None
    speed = max(ego_mps + max((first + 1.4 * apart * last) / span, 3.0), said)
    return _Start(lane=lane, ahead_m=-back - casting.nose_m - rank * apart, at_s=0.0, speed_mps=speed)


def _passing_too(actor: PlanActor, act: Manoeuvre, setting: Setting) -> tuple[int, int]:
    """Return how many named before pass the ego on the same side, and how many pass it there in all."""
    before = total = 0
    found = False
    for other in setting.plan.actors:
        found = found or other is actor
        passes = (one for one in other.manoeuvres if one.do in ("overtake", "filter"))
        if any((one.side or "left") == (act.side or "left") for one in passes) and not _comes_up_first(other):
            total += other.count
            before += 0 if found else other.count
    return before, max(total, actor.count)


def _comes_up_first(actor: PlanActor) -> bool:
    """Say whether somebody is right behind the ego before he overtakes it."""
    does = [act.do for act in actor.manoeuvres]
    return (
        actor.count == 1 and "overtake" in does and bool({"tailgate", "follow"} & set(does[: does.index("overtake")]))
    )


def _speeding(act: Manoeuvre, ego_mps: float) -> Manoeuvre:
    """Return an overtaking from right behind the ego: as quick as it takes to be past within a few seconds."""
    fast = act.speed_mps or ego_mps + _QUICKER_MPS
    return act.model_copy(update={"speed_mps": fast}) if act.do == "overtake" else act


def _filtering(casting: _Casting, act: Manoeuvre) -> _Start | None:
    """Start behind the ego on the line between its lane and the next."""
    setting = casting.setting
    start, lane = _overtaking(casting, act), setting.beside(act.side or "left")
    if start is None or lane is None:
        return None
    half = neighbour_shift_m(setting.lane, lane) / 2
    return _Start(lane=setting.lane, ahead_m=start.ahead_m, at_s=0.0, speed_mps=start.speed_mps, offset_m=half)


def _cutting_in(casting: _Casting, act: Manoeuvre) -> _Start | None:
    """Be just ahead of the ego on the next lane when the change begins."""
    setting, rng = casting.setting, casting.rng
    lane, ego_mps, begins = setting.beside(act.side or "left"), setting.speed_mps, casting.begins_s(act)
    gap = casting.gap_m(act)
    gap = gap if gap is not None else float(rng.uniform(2.5, 4.5) if act.hard else rng.uniform(5.0, 9.0))
    speed = casting.said_mps or max(ego_mps + float(rng.uniform(0.3, 1.8)), 3.0)
    if next(m.do for m in casting.actor.manoeuvres if m.do in CHANGES) == "overtake":
        gap = min(gap, 4.0)  # it starts behind the ego and is past it when it cuts in
        speed = ego_mps + (EGO_FRONT_M + gap + casting.body.size_lwh_m[0] + 2.0) / max(begins, 0.5)
    ahead = casting.ahead(gap) + casting.taken_m
    return None if lane is None else _Start(lane=lane, ahead_m=ahead, at_s=begins, speed_mps=speed)


def _merging(casting: _Casting, act: Manoeuvre) -> _Start | None:
    """Be well ahead of the ego (or behind it, if that was said) on the next lane, at about its speed."""
    setting = casting.setting
    lane, begins = setting.beside(act.side or "left"), casting.begins_s(act)
    if lane is None:
        return None
    gap = casting.gap_m(act)
    gap = gap if gap is not None else float(casting.rng.uniform(9.0, 14.0)) + 0.2 * setting.speed_mps
    speed = casting.said_mps or max(setting.speed_mps, 3.0)
    rank, behind = casting.order, casting.actor.where == "behind"
    if casting.actor.where is None:  # of several, one goes ahead of the ego, the next behind it
        rank, behind = casting.order // 2, casting.order % 2 == 1
    onward = rank * (casting.body.size_lwh_m[0] + 5.0)
    after = -(EGO_TAIL_M + gap + casting.nose_m + onward)
    ahead = after if behind else EGO_FRONT_M + gap + casting.tail_m + onward + casting.taken_m
    return _Start(lane=lane, ahead_m=ahead, at_s=begins, speed_mps=speed)


def _changing(casting: _Casting, act: Manoeuvre) -> _Start | None:
    """Be ahead of the ego, in its lane or, if that was said, on the one beside."""
    setting = casting.setting
    beside = beside_of(casting.actor)
    lane = setting.beside(start_side(casting.actor, act)) if beside is not None else setting.lane
    gap = casting.gap_m(act)
    gap = gap if gap is not None else float(casting.rng.uniform(8.0, 14.0))
    speed = casting.said_mps or max(setting.speed_mps, 3.0)
    begins = casting.begins_s(act)
    return None if lane is None else _Start(lane=lane, ahead_m=casting.ahead(gap), at_s=begins, speed_mps=speed)


def _cutting_out(casting: _Casting, act: Manoeuvre) -> _Start | None:
    """Be ahead of the ego in its lane when the change begins."""
    setting = casting.setting
    gap = casting.gap_m(act)
    gap = gap if gap is not None else float(casting.rng.uniform(6.0, 11.0)) + 0.3 * setting.speed_mps
    speed = casting.said_mps or max(setting.speed_mps, 3.0)
    return _Start(
        lane=setting.lane, ahead_m=casting.ahead(gap), at_s=casting.begins_s(act), speed_mps=speed
    )  # fmt: skip


_STARTS: Mapping[str, Callable[[_Casting, Manoeuvre], _Start | None]] = {
    "overtake": _overtaking,
    "filter": _filtering,
    "cut_in": _cutting_in,
    "merge": _merging,
    "lane_change": _changing,
    "cut_out": _cutting_out,
}


def _steady(casting: _Casting) -> _Start | None:
    """Stay in one lane: ahead of the ego, behind it or beside it."""
    actor, setting, rng = casting.actor, casting.setting, casting.rng
    does = [m.do for m in actor.manoeuvres]
    first = actor.manoeuvres[0] if actor.manoeuvres else Manoeuvre(do="keep_lane")
    gap, said, ego_mps = casting.gap_m(first), casting.said_mps, setting.speed_mps
    if actor.where == "behind" or (actor.where is None and {"follow", "tailgate"} & set(does)):
        close = "tailgate" in does
        gap = gap if gap is not None else _TAILGATE_GAP_M if close else float(rng.uniform(7.0, 11.0))
        ahead = -(EGO_TAIL_M + gap + casting.nose_m + casting.onward_m)
        slower = _SLOWER if does[:1] == ["accelerate"] else 1.0
        return _Start(lane=setting.lane, ahead_m=ahead, at_s=0.0, speed_mps=max(slower * ego_mps, 2.0))
    stands = actor.state == "standing" or (first.do == "wait" and first.at_s is None)
    passed = any(m.do == "overtake" for m in setting.plan.ego) and actor.where in ("ahead", None)
    if passed and said is None and not stands:
        said = 0.3 * ego_mps
    speed = _steady_mps(casting, said=said, stands=stands)
    placed = _steady_lane(casting)
    if placed is None:
        return None
    lane, offset, onward = placed
    if first.when_gap_below_m is not None:  # the ego closes in until the trigger comes
        share = 0.3 * setting.duration_s
        speed = min(speed, max(ego_mps - 1.5, 1.0), max(0.5 * (first.when_gap_below_m - 2.0), 0.8))
        gap = first.when_gap_below_m + max(ego_mps - speed, 0.5) * share
    if gap is None and passed:
        gap = 3.0 + (2.0 if stands else 1.1) * max(ego_mps - speed, 0.0)
    if gap is None and stands:
        gap = _clear_of_crossing_m(casting)
    if gap is None:
        gap = _comfortable_gap_m(casting, speed_mps=speed)
    ahead = EGO_FRONT_M + gap + casting.tail_m + onward
    return _Start(lane=lane, ahead_m=ahead, at_s=0.0, speed_mps=speed, offset_m=offset)


def _steady_mps(casting: _Casting, *, said: float | None, stands: bool) -> float:
    setting, does = casting.setting, {m.do for m in casting.actor.manoeuvres}
    speed = said if said is not None else 0.0 if stands else max(setting.speed_mps, 3.0)
    if casting.body.category is Category.BICYCLE and said is None and not stands:
        speed = float(casting.rng.uniform(3.5, 5.0))
    if does & {"reverse"} and said is None:
        speed = min(speed, 2.0)
    if "stop_and_go" in does and said is None:
        speed = min(speed, 0.25 * limits_of(casting.body.category).comfort_mps2 * setting.duration_s, 4.5)
    if does & {"emergency_stop"} and said is None and not stands:
        speed = max(speed, 7.0)
    top = limits_of(casting.body.category).top_mps
    return min(speed, _WITHOUT_HASTE * top if "accelerate" in does and said is None else top)


def _steady_lane(casting: _Casting) -> tuple[Lane, float, float] | None:
    """Return the lane, how far left of its middle, and how much further onward because of others before it."""
    actor, setting = casting.actor, casting.setting
    beside = beside_of(actor)
    if casting.body.category is Category.BICYCLE:
        return (*_cycle_lane(setting, actor), casting.onward_m)
    if any(m.do in AT_KERB for m in actor.manoeuvres):
        return setting.outermost, 0.0, casting.onward_m
    if beside is not None:
        lane = setting.beside(beside)
        return None if lane is None else (lane, 0.0, casting.onward_m)
    if actor.where is None and actor.lane is None and all(m.do in _THERE for m in actor.manoeuvres):
        lane, onward = _shared_out(casting)
        return lane, 0.0, onward
    return setting.lane, 0.0, casting.onward_m


def _clear_of_crossing_m(casting: _Casting) -> float | None:
    """Return a gap to somebody who stands before a crossing, or beyond it if there is no room; None without one."""
    setting = casting.setting
    zebras = crossings_on(setting.route, setting.hdmap) if wanted_crossing(setting.plan) is not None else []
    if not zebras:
        return None
    ahead = zebras[0][0] - setting.s_m - EGO_FRONT_M
    before = ahead - _CROSSING_HALF_M - casting.body.size_lwh_m[0]
    return before if before > max(0.8 * setting.speed_mps, 6.0) else max(ahead + _CROSSING_HALF_M, 2.0)


def _comfortable_gap_m(casting: _Casting, *, speed_mps: float) -> float:
    """Return a gap ahead from which the ego can take to the actor's speed at ease; any gap for one beside it."""
    setting, rng = casting.setting, casting.rng
    if beside_of(casting.actor) is not None and casting.body.category is not Category.BICYCLE:
        return float(rng.uniform(0.0, 6.0))
    closing = max(setting.speed_mps - speed_mps, 0.0)
    backs = any(m.do == "reverse" for m in casting.actor.manoeuvres)
    low = min(max(closing**2 / (2 * 2.2) + 4.0 + 0.5 * setting.speed_mps, 6.0), 30.0) + 8.0 * backs
    return float(rng.uniform(low, low + 6.0))


_THERE = ("keep_lane", "constant_speed", "wait")
"""What those do who are only said to be there."""


def _shared_out(casting: _Casting) -> tuple[Lane, float]:
    """Return the lane of one of several who were only said to be there, and how far onward it is put.

    The first goes ahead of the ego, the next on the lanes beside it, then the row begins again.
    """
    setting = casting.setting
    rank = rank_of(casting.actor, setting=setting, order=casting.order)
    lanes = [lane for lane in (setting.lane, setting.beside("left"), setting.beside("right")) if lane is not None]
    return lanes[rank % len(lanes)], (rank // len(lanes)) * (casting.body.size_lwh_m[0] + 5.0)


def rank_of(actor: PlanActor, *, setting: Setting, order: int) -> int:
    """Return the place of an actor among those who were only said to be there."""
    rank = order
    for other in setting.plan.actors:
        if other is actor:
            break
        if other.where is None and all(m.do in _THERE for m in other.manoeuvres):
            rank += other.count if drives(other.category) else 0
    return rank


def crowded_out(actor: PlanActor, *, setting: Setting, order: int) -> bool:
    """Say whether so many were said to be there that this one had better come towards the ego."""
    there = actor.where is None and actor.lane is None and all(m.do == "keep_lane" for m in actor.manoeuvres)
    return there and rank_of(actor, setting=setting, order=order) >= 3 and actor.category is not Category.BICYCLE


def _cycle_lane(setting: Setting, actor: PlanActor) -> tuple[Lane, float]:
    """Return where a cyclist rides: the bike lane if there is one, else the right edge of the ego's lane."""
    if actor.where == "ahead" or actor.lane == "own":
        return setting.lane, -1.0
    entry = setting.route.line.at(setting.s_m)[0]
    for lane in setting.hdmap.lanes:
        if lane.kind is LaneKind.BIKE and not lane.junction:
            s, d = Line(lane.center_m).project(entry)
            if 0 < s[0] < Line(lane.center_m).length_m and 0 < d[0] < 12.0 and _same_way(lane, setting):
                return lane, 0.0
    return setting.lane, -1.0


def _same_way(lane: Lane, setting: Setting) -> bool:
    return float(Line(lane.center_m).tangent[0] @ Line(setting.lane.center_m).tangent[0]) > 0.5
