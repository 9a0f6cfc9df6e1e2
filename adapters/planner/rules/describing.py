"""Words that describe whoever comes next, or refine what was just said: colours, numbers, sides, distances, speeds."""

from __future__ import annotations

from adapters.planner.rules.acting import add
from adapters.planner.rules.reading import MOST_ALIKE, ON_FOOT, SIDED, Act, Reading
from adapters.planner.rules.vocabulary import Token

_TOP_MPS = 40.0


def read_color(r: Reading, token: Token, _: list[Token]) -> None:
    """Keep a colour for the noun that follows."""
    r.pending.color = token.value


def read_count(r: Reading, token: Token, coming: list[Token]) -> None:
    """Keep a number for the noun that follows; what nobody can be so many of is left out."""
    if token.text in ("everywhere", "all over", "all around", "all over the place"):  # "cyclists everywhere"
        if r.latest is not None and r.latest.plural:
            r.latest.count = max(r.latest.count, int(token.value))
        return
    if token.value > MOST_ALIKE or token.value < 1 or token.value != int(token.value):
        if any(t.kind == "who" for t in coming[:3]):
            r.scene.leave_out(f"the number {token.text}")
        else:
            r.scene.leave_out(token.text)
    some = token.text == "some" and not any(t.kind == "who" and t.plural for t in coming[:3])  # "some kid"
    r.pending.count = 1.0 if some else token.value
    r.pending.grouped = token.text in ("a group of", "group of", "crowd of", "a crowd of")


def read_side(r: Reading, token: Token, coming: list[Token]) -> None:
    """Give a side to the manoeuvre, to the place of whoever was named, or keep it."""
    if token.text.startswith(("signal", "indicat", "blink")):  # of what comes next
        r.pending.side = token.value
        return
    acting = r.act if r.act is not None and r.act.do in SIDED else None
    if acting is not None and acting.do == "lane_change" and token.text.startswith("from") and r.subject:
        r.subject.where = r.subject.where or token.value
        return
    if acting is not None and acting.side is not None and token.text.startswith("to"):
        return  # "from right to left": where it comes from has been said
    noun_next = any(t.kind == "who" for t in coming[:2]) and not token.text.startswith(("from", "on", "to", "into"))
    if acting is not None and acting.side is None and not noun_next:
        acting.side = token.value
    elif r.subject is not None and not r.subject.ego and not r.fresh and not noun_next:
        r.subject.where = token.value if r.subject.where in (None, "ahead") else r.subject.where
        r.subject.comes = token.value if token.text.startswith("from") else r.subject.comes
    else:
        r.pending.side = token.value


def read_where(r: Reading, token: Token, coming: list[Token]) -> None:
    """Give a place to whoever was named, or keep it for the noun that follows."""
    if token.text == "from behind" and any(t.kind == "who" for t in coming[:4]):
        r.pending.beside = True  # from behind somebody, not from behind the ego
        return
    noun_next = bool(coming) and coming[0].kind == "who" and token.text in ("leading", "lead", "preceding", "opposite")
    if r.subject is not None and not r.subject.ego and not r.fresh and not noun_next:
        if r.subject.where is None:
            r.subject.where = token.value
    else:
        r.pending.where = token.value


def read_gap(r: Reading, token: Token, _: list[Token]) -> None:
    """Give a distance to a trigger, the manoeuvre, or the place of whoever was named; or keep it."""
    if token.value < 0.0:
        r.scene.leave_out(token.text)
        return
    if r.before.kind == "near" or r.before.text == "after":
        _read_trigger(r, token, "ego" if r.before.text == "after" else r.before.value)
        return
    gap = _within(r, token, 2.0, 80.0)
    if r.act is not None and not r.fresh:
        r.act.gap_m = gap
    elif r.subject is not None and not r.subject.ego and not r.fresh:
        r.subject.gap_m = gap
    else:
        r.pending.gap_m = gap


def read_clear(r: Reading, token: Token, _: list[Token]) -> None:
    """Let whoever crosses wait until nobody comes."""
    if r.act is not None and r.act.do in ("cross", "jaywalk"):
        r.act.when_clear = True
    else:
        r.pending.when_clear = True


def read_near(r: Reading, token: Token, _: list[Token]) -> None:
    """Wait for the distance that follows."""


def _read_trigger(r: Reading, token: Token, of: str) -> None:
    """Read a distance at which something begins: of the gap to the ego, or of the ego's way."""
    act = r.act or r.last or r.pending
    if of == "ego":
        act.when_ego_at_m = _within(r, token, 0.0, 400.0)
    else:
        act.when_gap_below_m = _within(r, token, 2.0, 80.0)


def _within(r: Reading, token: Token, least: float, most: float) -> float:
    """Return a number within the form's bounds, and note what lies outside."""
    value = float(min(max(token.value, least), most))
    if value != token.value:
        r.scene.leave_out(token.text)
    return value


def read_speed(r: Reading, token: Token, _: list[Token]) -> None:
    """Give a speed to the manoeuvre, or make one of it."""
    if token.value < 0.0:
        r.scene.leave_out(token.text)
        return
    speed = _within(r, token, 0.0, _TOP_MPS)
    if r.act is not None and not r.fresh:
        r.act.speed_mps = speed
    elif r.subject is not None and not r.fresh:
        add(r, r.subject, Act(do="keep_lane", speed_mps=speed))
    else:
        r.pending.speed_mps = speed


def read_time(r: Reading, token: Token, coming: list[Token]) -> None:
    """Give a time to the manoeuvre: when it begins, or how long it takes; or keep it."""
    if token.value < 0.0:
        r.scene.leave_out(token.text)
        return
    if r.before.text in ("for", "lasting") and r.act is not None:
        r.act.takes_s = _within(r, token, 0.5, 20.0)
        return
    if r.before.text in ("ttc", "thw", "headway"):  # not when something begins
        r.scene.leave_out(token.text)
        return
    at = _within(r, token, 0.0, 60.0)
    if r.act is not None and not r.fresh and not any(t.kind == "do" for t in coming[:3]):
        r.act.at_s = at
    else:
        r.pending.at_s = at


def read_pace(r: Reading, token: Token, coming: list[Token]) -> None:
    """Say how fast the subject, or the noun that follows, goes."""
    noun_next = any(t.kind == "who" for t in coming[:2])
    if r.act is not None and not noun_next and not r.fresh:
        r.act.hard |= token.value == "fast" and r.act.do in {*ON_FOOT, "accelerate"}
        if r.subject is not None:
            r.subject.pace = token.value
    elif r.subject is not None and not noun_next and not r.fresh:
        r.subject.pace = token.value
    else:
        r.pending.pace = token.value


def read_hard(r: Reading, token: Token, coming: list[Token]) -> None:
    """Make the manoeuvre hard, or the next one."""
    if r.act is not None and not r.fresh and not (coming and coming[0].kind == "do"):
        r.act.hard = True
    else:
        r.pending.hard = True
