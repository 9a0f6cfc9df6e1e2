"""Those who stay in one lane: ahead of the ego, behind it or beside it, several of them shared out."""

from __future__ import annotations

from datagen.scene import Category, Lane, LaneKind
from datagen.scene.line import Line
from datagen.scene.plan import Manoeuvre, PlanActor
from datagen.traffic.cast.placing import CROSSING_HALF_M, EGO_TAIL_M, TAILGATE_GAP_M, Casting, Start
from datagen.traffic.crossing import crossings_on
from datagen.traffic.junction import EGO_FRONT_M
from datagen.traffic.limits import drives, limits_of
from datagen.traffic.needs import AT_KERB, beside_of, wanted_crossing
from datagen.traffic.setting import Setting

_SLOWER = 0.6
"""How fast, of the ego's speed, somebody behind it is who is about to accelerate."""
_WITHOUT_HASTE = 0.6
"""Up to this share of his top speed somebody drives who is about to accelerate."""
_THERE = ("keep_lane", "constant_speed", "wait")
"""What those do who are only said to be there."""


def steady(casting: Casting) -> Start | None:
    """Stay in one lane: ahead of the ego, behind it or beside it."""
    actor, setting, rng = casting.actor, casting.setting, casting.rng
    does = [m.do for m in actor.manoeuvres]
    first = actor.manoeuvres[0] if actor.manoeuvres else Manoeuvre(do="keep_lane")
    gap, said, ego_mps = casting.gap_m(first), casting.said_mps, setting.speed_mps
    if actor.where == "behind" or (actor.where is None and {"follow", "tailgate"} & set(does)):
        close = "tailgate" in does
        gap = gap if gap is not None else TAILGATE_GAP_M if close else float(rng.uniform(7.0, 11.0))
        ahead = -(EGO_TAIL_M + gap + casting.nose_m + casting.onward_m)
        slower = _SLOWER if does[:1] == ["accelerate"] else 1.0
        return Start(lane=setting.lane, ahead_m=ahead, at_s=0.0, speed_mps=max(slower * ego_mps, 2.0))
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
    return Start(lane=lane, ahead_m=ahead, at_s=0.0, speed_mps=speed, offset_m=offset)


def _steady_mps(casting: Casting, *, said: float | None, stands: bool) -> float:
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


def _steady_lane(casting: Casting) -> tuple[Lane, float, float] | None:
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


def _clear_of_crossing_m(casting: Casting) -> float | None:
    """Return a gap to somebody who stands before a crossing, or beyond it if there is no room; None without one."""
    setting = casting.setting
    zebras = crossings_on(setting.route, setting.hdmap) if wanted_crossing(setting.plan) is not None else []
    if not zebras:
        return None
    ahead = zebras[0][0] - setting.s_m - EGO_FRONT_M
    before = ahead - CROSSING_HALF_M - casting.body.size_lwh_m[0]
    return before if before > max(0.8 * setting.speed_mps, 6.0) else max(ahead + CROSSING_HALF_M, 2.0)


def _comfortable_gap_m(casting: Casting, *, speed_mps: float) -> float:
    """Return a gap ahead from which the ego can take to the actor's speed at ease; any gap for one beside it."""
    setting, rng = casting.setting, casting.rng
    if beside_of(casting.actor) is not None and casting.body.category is not Category.BICYCLE:
        return float(rng.uniform(0.0, 6.0))
    closing = max(setting.speed_mps - speed_mps, 0.0)
    backs = any(m.do == "reverse" for m in casting.actor.manoeuvres)
    low = min(max(closing**2 / (2 * 2.2) + 4.0 + 0.5 * setting.speed_mps, 6.0), 30.0) + 8.0 * backs
    return float(rng.uniform(low, low + 6.0))


def _shared_out(casting: Casting) -> tuple[Lane, float]:
    """Return the lane of one of several who were only said to be there, and how far onward it is put.

    The first goes ahead of the ego, the next on the lanes beside it, then the row begins again.
    """
    setting = casting.setting
    rank = _rank_of(casting.actor, setting=setting, order=casting.order)
    lanes = [lane for lane in (setting.lane, setting.beside("left"), setting.beside("right")) if lane is not None]
    return lanes[rank % len(lanes)], (rank // len(lanes)) * (casting.body.size_lwh_m[0] + 5.0)


def _rank_of(actor: PlanActor, *, setting: Setting, order: int) -> int:
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
    return there and _rank_of(actor, setting=setting, order=order) >= 3 and actor.category is not Category.BICYCLE


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
