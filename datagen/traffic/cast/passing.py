"""Those who pass the ego, come in ahead of it or leave its lane: where each of them has to start."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from datagen.scene.plan import Manoeuvre, PlanActor
from datagen.traffic.cast.placing import COMES_IN, EGO_TAIL_M, TAILGATE_GAP_M, Casting, Start
from datagen.traffic.junction import EGO_FRONT_M
from datagen.traffic.limits import limits_of
from datagen.traffic.needs import CHANGES, beside_of, start_side
from datagen.traffic.setting import Setting, neighbour_shift_m

IN_A_ROW_S = 0.15
"""Time gap of several who overtake in a row: nobody waits for the others."""
_MOST_FASTER_MPS = 13.0
"""How much faster than the ego several are who overtake it in a row, at most."""
_QUICKER_MPS = 6.0
"""How much faster than the ego somebody is who overtakes it from right behind."""


def in_a_row(actor: PlanActor) -> bool:
    """Say whether somebody goes past the ego or comes in ahead of it: several of them keep close together."""
    return any(act.do in ("overtake", "filter", *COMES_IN) for act in actor.manoeuvres)


def deciding(actor: PlanActor) -> Manoeuvre | None:
    """Return the manoeuvre that decides where the actor has to start, if there is one."""
    changes = [m for m in actor.manoeuvres if m.do in CHANGES]
    chosen = next((m for m in changes if m.do in ("cut_in", "merge")), changes[0] if changes else None)
    if chosen is not None and actor.where == "behind" and chosen.do not in ("overtake", "cut_in", "filter", "merge"):
        return None
    return chosen


def _overtaking(casting: Casting, act: Manoeuvre) -> Start | None:
    """Start behind the ego on the next lane, fast enough to be past it when the clip ends.

    Who tailgates or follows first starts in the ego's lane, and changes over.
    """
    setting = casting.setting
    if comes_up_first(casting.actor):
        ahead = -(EGO_TAIL_M + TAILGATE_GAP_M + casting.nose_m)
        return Start(lane=setting.lane, ahead_m=ahead, at_s=0.0, speed_mps=max(setting.speed_mps, 3.0))
    lane, ego_mps = setting.beside(act.side or "left"), setting.speed_mps
    span = max(setting.duration_s - 0.4, 1.0)
    back = min(9.0, 2.5 + 1.2 * span)
    said = act.speed_mps or casting.said_mps or 0.0
    apart = casting.body.size_lwh_m[0] + 2.2 * (2.0 + IN_A_ROW_S * max(said, ego_mps + 8.0))
    first = back + casting.nose_m + EGO_FRONT_M + 6.0
    fastest = max(limits_of(casting.body.category).top_mps - ego_mps, 3.0)
    room = min(_MOST_FASTER_MPS, fastest) * span - first
    before, all_of_them = _passing_too(casting.actor, act, setting)
    rank = before + casting.order
    last = min(all_of_them - 1, max(int(room / (1.4 * apart)), 0))
    if lane is None or rank > last:  # so many do not get past in one clip
        return None
    speed = max(ego_mps + max((first + 1.4 * apart * last) / span, 3.0), said)
    return Start(lane=lane, ahead_m=-back - casting.nose_m - rank * apart, at_s=0.0, speed_mps=speed)


def _passing_too(actor: PlanActor, act: Manoeuvre, setting: Setting) -> tuple[int, int]:
    """Return how many named before pass the ego on the same side, and how many pass it there in all."""
    before = total = 0
    found = False
    for other in setting.plan.actors:
        found = found or other is actor
        passes = (one for one in other.manoeuvres if one.do in ("overtake", "filter"))
        if any((one.side or "left") == (act.side or "left") for one in passes) and not comes_up_first(other):
            total += other.count
            before += 0 if found else other.count
    return before, max(total, actor.count)


def comes_up_first(actor: PlanActor) -> bool:
    """Say whether somebody is right behind the ego before he overtakes it."""
    does = [act.do for act in actor.manoeuvres]
    return (
        actor.count == 1 and "overtake" in does and bool({"tailgate", "follow"} & set(does[: does.index("overtake")]))
    )


def speeding(act: Manoeuvre, ego_mps: float) -> Manoeuvre:
    """Return an overtaking from right behind the ego: as quick as it takes to be past within a few seconds."""
    fast = act.speed_mps or ego_mps + _QUICKER_MPS
    return act.model_copy(update={"speed_mps": fast}) if act.do == "overtake" else act


def _filtering(casting: Casting, act: Manoeuvre) -> Start | None:
    """Start behind the ego on the line between its lane and the next."""
    setting = casting.setting
    start, lane = _overtaking(casting, act), setting.beside(act.side or "left")
    if start is None or lane is None:
        return None
    half = neighbour_shift_m(setting.lane, lane) / 2
    return Start(lane=setting.lane, ahead_m=start.ahead_m, at_s=0.0, speed_mps=start.speed_mps, offset_m=half)


def _cutting_in(casting: Casting, act: Manoeuvre) -> Start | None:
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
    return None if lane is None else Start(lane=lane, ahead_m=ahead, at_s=begins, speed_mps=speed)


def _merging(casting: Casting, act: Manoeuvre) -> Start | None:
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
    return Start(lane=lane, ahead_m=ahead, at_s=begins, speed_mps=speed)


def _changing(casting: Casting, act: Manoeuvre) -> Start | None:
    """Be ahead of the ego, in its lane or, if that was said, on the one beside."""
    setting = casting.setting
    beside = beside_of(casting.actor)
    lane = setting.beside(start_side(casting.actor, act)) if beside is not None else setting.lane
    gap = casting.gap_m(act)
    gap = gap if gap is not None else float(casting.rng.uniform(8.0, 14.0))
    speed = casting.said_mps or max(setting.speed_mps, 3.0)
    begins = casting.begins_s(act)
    return None if lane is None else Start(lane=lane, ahead_m=casting.ahead(gap), at_s=begins, speed_mps=speed)


def _cutting_out(casting: Casting, act: Manoeuvre) -> Start | None:
    """Be ahead of the ego in its lane when the change begins."""
    setting = casting.setting
    gap = casting.gap_m(act)
    gap = gap if gap is not None else float(casting.rng.uniform(6.0, 11.0)) + 0.3 * setting.speed_mps
    speed = casting.said_mps or max(setting.speed_mps, 3.0)
    return Start(
        lane=setting.lane, ahead_m=casting.ahead(gap), at_s=casting.begins_s(act), speed_mps=speed
    )  # fmt: skip


STARTS: Mapping[str, Callable[[Casting, Manoeuvre], Start | None]] = {
    "overtake": _overtaking,
    "filter": _filtering,
    "cut_in": _cutting_in,
    "merge": _merging,
    "lane_change": _changing,
    "cut_out": _cutting_out,
}
