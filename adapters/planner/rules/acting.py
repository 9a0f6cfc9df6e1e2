"""Verbs: what they do, and who does it."""

from __future__ import annotations

from typing import Any

from adapters.planner.rules.reading import MOST_ACTS, MOST_ALIKE, ON_FOOT, SIDED, Act, Pending, Reading, Who
from adapters.planner.rules.settling import suited
from adapters.planner.rules.vocabulary import Token
from datagen.scene import Category, Group
from datagen.scene.plan import Do


def read_do(r: Reading, token: Token, coming: list[Token]) -> None:
    """Give a manoeuvre to whoever does it, or keep it for the noun that it describes."""
    extra = dict(token.extra)
    if token.value in ("ped_cross", "jaywalker"):
        _people_crossing(r, token, extra)
        return
    if token.form == "ing" and token.value in ("follow", "tailgate") and _is_named_by(r, coming):
        r.pending.acts.append(Act(do=token.value))
        r.pending.where = "behind"
        return
    if token.value in ("follow", "tailgate"):
        _following(r, token, coming)
        return
    if extra.get("to_pass") and not any(one.kind == "do" and one.value in _PASSING for one in coming):
        return  # "let there be …"
    if extra.get("beyond"):
        r.scene.leave_out(token.text)
    if extra.get("traffic") and (r.subject is None or r.fresh):
        r.subject, r.fresh = implied(r, Category.CAR), False
    if token.value == "together":
        _together(r)
        return
    act = Act(do=token.value, side=extra.get("side"), speed_mps=extra.get("speed_mps"), hard=bool(extra.get("hard")))
    r.scene.road |= {part for part in ("junction", "ramp") if extra.get(part)}
    _complete(r, act)
    if act.at_s is None and r.last is not None and r.last.at_s is not None and act.do in _REACTIONS and bare_ego(r):
        act.at_s = r.last.at_s + 1.0  # "after 3 seconds a bus merges and we brake"
    by_others = bool(extra.get("passive"))
    of_somebody = by_others or (bool(coming) and coming[0].text in ("of", "by"))
    of_somebody = of_somebody and (by_others or r.subject is None or r.fresh)
    if of_somebody and any(t.kind == "who" for t in coming[:5]):  # "emergency stop of a bus", "overtaken by a bus"
        r.pending.acts.append(act)
        r.subject = None
        return
    if by_others:  # "we are overtaken"
        who = implied(r, Category.CAR)
        r.act, r.subject, r.fresh = add(r, who, act), who, False
        return
    if token.form in ("ing", "ed", "word") and _noun_follows(coming) and _describes(r, token):
        r.pending.acts.append(act)
        return
    who = _actor_of(r, token, act, following=coming[0].text if coming else "")
    if extra.get("only") and who.acts:  # "waiting on the sidewalk"
        return
    if who.ego and act.do in ("brake", "wait", "yield") and _yields_to_somebody(coming):
        r.pending.acts.append(Act(do="cross"))
        r.pending.beside = True
    if act.do in ("overtake", "yield") and (who.ego or _object_follows(token, coming)):
        r.pending.beside = True
    who.shares |= token.form != "s" and not who.acts
    r.act = add(r, who, act)
    r.subject, r.fresh = who, False


_PASSING = ("cross", "jaywalk", "walk", "overtake", "keep_lane")
"""What somebody does who is let do it."""
_REACTIONS = ("brake", "emergency_stop", "swerve", "yield", "pull_over")
"""What the ego does because of what somebody did."""
_REFINED: dict[tuple[str, str], Do] = {
    ("lane_change", "lane"): "cut_in", ("keep_lane", "lane"): "cut_in", ("swerve", "lane"): "cut_in",
    ("cut_in", "kerb_to"): "pull_over", ("brake", "kerb_to"): "pull_over", ("wait", "kerb_to"): "pull_over",
    ("cut_in", "parking"): "park", ("cut_in", "ramp"): "merge", ("brake", "parking"): "park",
    ("accelerate", "kerb_off"): "pull_out", ("turn", "kerb_off"): "pull_out", ("pull_out", "parking"): "park",
}  # fmt: skip
"""What a manoeuvre becomes by the way that is named behind it."""


def read_way(r: Reading, token: Token, _: list[Token]) -> None:
    """Refine the manoeuvre before it: "changes lanes into ours"; else it only says where somebody is."""
    act = r.act
    if token.value == "ramp" and act is not None and act.do in ("merge", "cut_in"):
        r.scene.road.add("ramp")
    if act is not None and r.subject is not None and not r.subject.ego and (act.do, token.value) in _REFINED:
        act.do = suited(r.subject, Act(do=_REFINED[act.do, token.value]), "junction" in r.scene.road)
    elif token.value == "lane" and r.subject is not None and not r.subject.ego and r.subject.where is None:
        r.subject.where = "ahead"


def bare_ego(r: Reading) -> bool:
    """Say whether the ego has been spoken of."""
    return r.subject is not None and r.subject.ego


def _describes(r: Reading, token: Token) -> bool:
    """Say whether a participle describes the noun that follows it, and is not what the subject does to it."""
    return r.subject is None or r.fresh or r.pending.beside or token.form in ("ed", "word") or not r.subject.ego


def _complete(r: Reading, act: Act) -> None:
    """Give a manoeuvre what was said before it."""
    pending = r.pending
    act.hard |= pending.hard
    if act.do in ("cross", "jaywalk"):
        act.when_clear, pending.when_clear = pending.when_clear, False
    act.at_s = pending.at_s
    act.when_gap_below_m, act.when_ego_at_m = pending.when_gap_below_m, pending.when_ego_at_m
    if act.do in SIDED and act.side is None:
        act.side, pending.side = pending.side, None
    if pending.gap_m is not None and r.subject is None:
        act.gap_m, pending.gap_m = pending.gap_m, None
    pending.hard, pending.at_s, pending.when_gap_below_m, pending.when_ego_at_m = False, None, None, None


def _actor_of(r: Reading, token: Token, act: Act, *, following: str) -> Who:
    """Return who does it: the subject, the ego for a bare verb at a clause's start, or somebody implied."""
    subject = r.subject
    if r.before.text == "by" and token.form == "ing" and r.latest is not None:
        return r.latest  # "forces us to brake by jumping into our lane"
    object_named = r.latest is not None and r.latest is not subject and r.before.kind == "who"
    if (
        object_named
        and r.latest is not None
        and (token.text.split(" ")[0].endswith("ing") or _stands(token, act) or _is_let(subject, r.latest, act))
    ):
        return r.latest  # "behind a bus turning left", "lets a cyclist cross"
    idle = subject is not None and all(one.do == "keep_lane" for one in subject.acts)
    bare = r.fresh and token.form in ("bare", "word") and not (idle and subject is r.latest and r.listing)
    bare = bare and not act.when_clear  # "two kids let the cars pass, then cross"
    if act.do in _REACTIONS and r.fresh and token.form == "bare" and following == "for":
        return r.ego  # "people on the crossing, stop for them"
    if subject is not None and (not bare or subject.ego or act.do in {"cut_in", *ON_FOOT} - {"cross"}):
        return subject
    if subject is None and r.stranger and token.form == "s":
        return implied(r, Category.CAR)  # "a Trabant pulls out"
    if act.do in ON_FOOT:
        if act.do == "cross" and "junction" in r.scene.road:
            return r.ego
        return implied(r, Category.ADULT)
    if act.do in ("cut_in", "cut_out", "oncoming", "parked") or (act.do == "merge" and not bare_ego(r)):
        return implied(r, Category.CAR)
    return implied(r, Category.MOTORCYCLE) if act.do == "filter" else r.ego


def _stands(token: Token, act: Act) -> bool:
    """Say whether a participle tells that the noun before it stands: "overtake the bus stopped at the kerb"."""
    return act.do in ("wait", "parked") and token.form in ("word", "ed")


def _is_let(subject: Who | None, other: Who, act: Act) -> bool:
    """Say whether somebody does what the subject yields to."""
    yields = subject is not None and bool(subject.acts) and subject.acts[-1].do == "yield"
    return yields and act.do in (*ON_FOOT, "overtake") and not other.ego


def implied(r: Reading, category: Category) -> Who:
    """Return somebody new of whom only the deed was named."""
    who = Who(category=category, where=r.pending.where, color=r.pending.color, unnamed=True)
    r.actors.append(who)
    return who


def _people_crossing(r: Reading, token: Token, extra: dict[str, Any]) -> None:
    """Read "jaywalker" and "pedestrian crossing", which name somebody and what he does."""
    do: Do = "jaywalk" if token.value == "jaywalker" else "cross"
    count = int(max(1, min(r.pending.count or extra.get("count", 1), MOST_ALIKE)))
    who = Who(category=Category.ADULT, count=count, plural=count > 1)
    act = Act(do=do)
    _complete(r, act)
    act.side = act.side or r.pending.side
    who.gap_m = r.pending.gap_m
    r.actors.append(who)
    r.act = add(r, who, act)
    r.subject, r.fresh, r.pending = who, False, Pending()


def _together(r: Reading) -> None:
    """Read "in a group": those who walk, walk together."""
    if r.subject is not None and r.subject.category.group is Group.PERSON:
        r.subject.grouped = True


def _is_named_by(r: Reading, coming: list[Token]) -> bool:
    """Say whether a participle describes the noun right behind it: "a tailgating truck"."""
    first = coming[0].kind if coming else ""
    described = first == "who" or (first == "color" and len(coming) > 1 and coming[1].kind == "who")
    return described and (r.subject is None or r.fresh)


def _following(r: Reading, token: Token, coming: list[Token]) -> None:
    """Read "follows": the ego follows whoever is named next; others follow the ego, or somebody who is named."""
    do: Do = token.value
    lists = r.listing and token.form == "ing"  # "behind us: a police car, tailgating"
    subject = r.subject if r.subject is not None and (not r.fresh or lists) else r.ego
    if (
        subject.ego
        and r.latest is not None
        and r.act is None
        and (not coming or coming[0].kind in ("do", "stop", "join"))
    ):
        add(r, r.ego, Act(do=do))  # "the vehicle we follow brakes"
        r.latest.where, r.subject = "ahead", r.latest
        return
    if subject.ego:
        r.pending.beside, r.pending.where = True, "ahead"
        r.pending.gap_m = 5.0 if do == "tailgate" else r.pending.gap_m
        r.subject, r.fresh = r.ego, False
        r.act = add(r, r.ego, Act(do=do))
        return
    if (coming and coming[0].kind in ("ego", "stop")) or not any(t.kind == "who" for t in coming[:4]):
        subject.where = "behind"
        subject.gap_m = 4.0 if do == "tailgate" else subject.gap_m
        r.act = add(r, subject, Act(do=do))
    else:
        r.pending.beside = True
        r.act = add(r, subject, Act(do="keep_lane"))


def add(r: Reading, who: Who, act: Act) -> Act:
    """Give somebody a manoeuvre that suits what he is; return it, or the one it was merged into."""
    if who.anyone and act.do not in (*ON_FOOT, "wait"):
        who.category, who.kind = Category.CAR, "sedan"
    act.do = suited(who, act, "junction" in r.scene.road)
    r.last = act
    if who.acts and who.acts[-1].do == act.do and act.do not in ("lane_change", "turn"):
        last = who.acts[-1]
        last.side, last.hard = last.side or act.side, last.hard or act.hard
        last.speed_mps = act.speed_mps if act.speed_mps is not None else last.speed_mps
        return last
    if len(who.acts) < MOST_ACTS:
        who.acts.append(act)
    else:
        r.scene.leave_out(f"another {act.do}")
    return act


_ADJECTIVES = ("side", "big", "large", "small", "old", "young", "huge", "heavy", "elderly", "adjacent", "neighbouring")


def _noun_follows(coming: list[Token]) -> bool:
    """Say whether a noun comes before anything but words that describe it."""
    for token in coming:
        if token.kind == "who":
            return True
        if token.text in _ADJECTIVES:
            continue
        if token.kind not in ("color", "do", "where", "pace") or (
            token.kind == "do" and token.form not in ("ing", "ed")
        ):
            return False
    return False


def _object_follows(token: Token, coming: list[Token]) -> bool:
    """Say whether a verb is done to somebody who is named next, and not to the ego."""
    for one in coming:
        if one.kind == "who":
            return not token.text.endswith((" us", " ego"))
        if one.kind not in ("the", "count", "color", "pace", "fill", "beside") or one.text == "by":
            return False
    return False


def _yields_to_somebody(coming: list[Token]) -> bool:
    """Say whether "for" or "to" somebody on foot follows."""
    people = [token for token in coming if token.kind == "who"]
    return bool(people) and coming[0].text in ("for", "to") and people[0].value[0].group is Group.PERSON
