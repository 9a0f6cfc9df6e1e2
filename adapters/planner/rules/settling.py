"""From what was read to what the form takes: manoeuvres that suit whoever does them, contradictions dropped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from adapters.planner.rules.reading import Act, Reading, Who
from datagen.scene import Group
from datagen.scene.plan import Do, Manoeuvre, PlanActor

_SLOW_MPS, _FAST_MPS = 3.5, 16.0
_EGO: dict[str, Do] = {
    "cut_in": "lane_change", "cut_out": "lane_change", "merge": "lane_change", "filter": "overtake",
    "parked": "park", "oncoming": "keep_lane", "cross": "keep_lane", "jaywalk": "keep_lane", "run_out": "keep_lane",
    "walk": "keep_lane", "walk_in_group": "keep_lane",
}  # fmt: skip
"""What the ego does when it is said to do what only others do."""
_PERSON: dict[str, Do] = {
    "cut_in": "jaywalk", "cut_out": "run_out", "pull_out": "run_out", "lane_change": "jaywalk", "filter": "cross",
    "cross": "cross", "jaywalk": "jaywalk", "run_out": "run_out", "walk_in_group": "walk_in_group", "wait": "wait",
    "brake": "wait", "emergency_stop": "wait", "yield": "wait", "parked": "wait", "park": "wait", "pull_over": "wait",
}  # fmt: skip
_CYCLE: dict[str, Do] = {"walk": "keep_lane", "walk_in_group": "keep_lane", "run_out": "jaywalk"}
_VEHICLE: dict[str, Do] = {
    "walk": "keep_lane", "walk_in_group": "keep_lane", "run_out": "pull_out", "jaywalk": "cross", "filter": "overtake",
}  # fmt: skip


def suited(who: Who, act: Act, junction: bool) -> Do:
    """Return what somebody of this kind does when he is said to do this."""
    group = who.category.group
    if who.ego:
        return _EGO.get(act.do, act.do)
    if group in (Group.PERSON, Group.ANIMAL):
        return _PERSON.get(act.do, "walk")
    if group is Group.OBJECT:
        return "wait"
    if group is Group.CYCLE:
        return "cross" if act.do == "cross" and not junction else _CYCLE.get(act.do, act.do)
    return _VEHICLE.get(act.do, act.do)


def share(r: Reading) -> None:
    """Let those who were named together do what is said of the last of them: "a truck and a taxi overtake us".

    Things stand together, too: "cones and barriers on the left".
    """
    for who in r.actors:
        for other in who.with_him:
            if who.category.group is other.category.group is Group.OBJECT:
                other.where = other.where or who.where
        for other in who.with_him if who.shares else ():
            if not other.acts:
                other.where = other.where or who.where
                other.acts = [replace(act, do=suited(other, act, "junction" in r.scene.road)) for act in who.acts]


def crawl_along(r: Reading) -> None:
    """Let traffic ahead of an ego that stops and goes do so, too: "stop and go, lorries everywhere"."""
    if not any(act.do == "stop_and_go" for act in r.ego.acts):
        return
    for who in r.actors:
        ahead = who.where == "ahead" or (who.where is None and who.plural)
        if who.category.group is Group.VEHICLE and ahead and all(act.do == "keep_lane" for act in who.acts):
            who.where, who.acts = "ahead", [Act(do="stop_and_go")]


def endanger(r: Reading) -> None:
    """Let the danger that was asked for come from whoever was named, or from a car ahead, if nobody does anything."""
    quiet = {Group.VEHICLE: ("keep_lane",), Group.CYCLE: ("keep_lane",), Group.PERSON: ("walk", "wait")}
    acts = [(who.category.group, act.do) for who in r.actors for act in who.acts]
    if r.ego.acts or any(do not in quiet.get(group, ("walk", "wait")) for group, do in acts):
        return
    if not r.actors:
        r.actors.append(Who(where="ahead", acts=[Act(do="emergency_stop")]))
        return
    who = next((one for one in r.actors if one.category.group is not Group.OBJECT), r.actors[0])
    does: dict[Group, Do] = {Group.VEHICLE: "cut_in", Group.CYCLE: "jaywalk", Group.OBJECT: "wait"}
    who.acts = [Act(do=does.get(who.category.group, "jaywalk"), hard=True)]


def settle(who: Who) -> None:
    """Give an actor something to do if nothing was said, and drop what contradicts the rest."""
    group = who.category.group
    does = [act.do for act in who.acts]
    _dropped(who, does)
    does = [act.do for act in who.acts]
    if "parked" in does and len(does) > 1:
        moves = [act for act in who.acts if act.do not in ("parked", "wait", "keep_lane")]
        who.acts = moves or [act for act in who.acts if act.do == "parked"]
    onto_the_road = next((do for do in ("run_out", "jaywalk", "cross") if do in does), None)
    if onto_the_road is not None and group is not Group.VEHICLE:
        hard = any(act.hard for act in who.acts)
        who.acts = [act for act in who.acts if act.do == onto_the_road][:1]
        who.acts[0].hard |= hard
    walks = set(does) <= {"walk", "walk_in_group"}
    if group is Group.PERSON and walks and (who.grouped or "walk_in_group" in does):
        who.acts = [Act(do="walk_in_group", side=next((act.side for act in who.acts), None))]
        who.count = max(3, who.count)
    if len(who.acts) > 1 and who.acts[0].do == "wait":
        who.acts = who.acts[1:]
    if "oncoming" in does:
        who.where = "opposite"
        who.acts = [act for act in who.acts if act.do == "wait"] or who.acts
    if not who.acts and who.comes is not None:  # "white van from the right, had to brake"
        comes: dict[Group, Do] = {Group.VEHICLE: "cut_in", Group.OBJECT: "wait"}
        who.acts = [Act(do=comes.get(group, "jaywalk"), side=who.comes)]
    if not who.acts:
        do: Do = "walk" if group in (Group.PERSON, Group.ANIMAL) else "keep_lane"
        who.acts = [Act(do="wait" if group is Group.OBJECT else do)]
        if who.where == "opposite":
            who.acts = [Act(do="oncoming")]
    first = who.acts[0]
    if group in (Group.VEHICLE, Group.CYCLE) and who.pace and first.speed_mps is None:
        speed = _SLOW_MPS if who.pace == "slow" else _FAST_MPS
        if first.do in ("keep_lane", "oncoming"):
            first.speed_mps = speed
    if first.do in ("overtake", "cut_in", "merge") and first.side is None and who.where in ("left", "right"):
        first.side = who.where


_ABSORBED: dict[str, tuple[str, ...]] = {
    "stop_and_go": ("brake", "accelerate", "wait", "keep_lane"),
    "pull_out": ("turn", "cut_in", "merge", "lane_change", "accelerate", "keep_lane"),
    "pull_over": ("brake", "wait"), "park": ("brake", "pull_over", "wait"), "u_turn": ("turn",),
    "emergency_stop": ("brake",), "merge": ("lane_change", "cut_in"),
    "overtake": ("lane_change", "pull_out"),
}  # fmt: skip
"""What is part of something else that is done."""


def _dropped(who: Who, does: Sequence[str]) -> None:
    """Drop what is part of something else; whoever is parked and drives off pulls out."""
    if "parked" in does and who.category.group is Group.VEHICLE:
        for act in who.acts:
            if act.do in ("accelerate", "cut_in", "merge", "lane_change", "cut_out"):
                act.do = "pull_out"
                break
    for act in list(who.acts):
        for part in _ABSORBED.get(act.do, ()):
            for other in [one for one in who.acts if one.do == part and one is not act]:
                act.hard, act.side = act.hard or other.hard, act.side or other.side
                act.at_s = act.at_s if act.at_s is not None else other.at_s
                who.acts.remove(other)


def manoeuvre(act: Act) -> Manoeuvre:
    """Return a manoeuvre as the form takes it: with one trigger at most, the first that was said."""
    triggers: list[tuple[str, float | None]] = [
        ("at_s", act.at_s), ("when_gap_below_m", act.when_gap_below_m), ("when_ego_at_m", act.when_ego_at_m)
    ]  # fmt: skip
    trigger = dict([next((said for said in triggers if said[1] is not None and not act.when_clear), ("at_s", None))])
    return Manoeuvre(
        do=act.do,
        side=act.side,
        speed_mps=act.speed_mps,
        gap_m=act.gap_m,
        takes_s=act.takes_s,
        hard=act.hard,
        when_clear=act.when_clear,
        **trigger,
    )


def actor(who: Who) -> PlanActor:
    """Return an actor as the form takes it."""
    return PlanActor(
        category=who.category,
        kind=who.kind,
        color=who.color,
        count=who.count,
        where=who.where,
        gap_m=who.gap_m,
        manoeuvres=tuple(map(manoeuvre, who.acts)),
    )
