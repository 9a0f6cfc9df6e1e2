"""What stands between: articles, conjunctions, stops, denials, and words that find no place."""

from __future__ import annotations

from adapters.planner.rules.acting import add, implied
from adapters.planner.rules.reading import SIDED, Act, Pending, Reading
from adapters.planner.rules.vocabulary import Token
from datagen.scene import Category, Group


def read_the(r: Reading, token: Token, _: list[Token]) -> None:
    """Remember that the noun that follows may have been named before."""
    r.pending.definite = True


def read_beside(r: Reading, token: Token, _: list[Token]) -> None:
    """Remember that the noun that follows only says where."""
    r.pending.beside = True


def read_join(r: Reading, token: Token, _: list[Token]) -> None:
    """Begin another part of the clause."""
    r.pending.beside = r.listing = False
    who = r.subject
    alone = who is not None and not who.ego and not who.acts and who.where is None and r.before.kind == "who"
    r.pending.partner = who if alone and token.text in ("and", "&", "+", "plus") else None
    r.pending.color = r.pending.count = None


def read_stop(r: Reading, token: Token, _: list[Token]) -> None:
    """End the clause."""
    finish_clause(r)
    r.listing = token.value != "."
    if token.value == ".":
        r.pending = Pending()


def finish_clause(r: Reading) -> None:
    """Give what still waits to the last manoeuvre, or to somebody implied."""
    r.fresh, r.denied, r.act = True, False, None
    r.stranger = False
    r.turned = r.turned or (r.pending.side if r.last is None else None)
    pending = r.pending
    for act in pending.acts:  # "oncoming." with no noun after it
        add(r, implied(r, Category.CAR), act)
    if r.last is not None:
        _refine(r, r.last)
    elif pending.speed_mps is not None:
        add(r, r.ego, Act(do="keep_lane", speed_mps=pending.speed_mps))
    r.pending = pending.when(hard=pending.hard, side=pending.side, where=pending.where, gap_m=pending.gap_m)


def _refine(r: Reading, act: Act) -> None:
    """Give the last manoeuvre what was said after it, behind a comma: "squeezes in, dangerously close"."""
    pending = r.pending
    act.hard |= pending.hard
    act.side = act.side or (pending.side if act.do in SIDED else None)
    act.gap_m = act.gap_m or pending.gap_m
    act.at_s = act.at_s if act.at_s is not None else pending.at_s
    act.speed_mps = act.speed_mps if act.speed_mps is not None else pending.speed_mps
    pending.hard, pending.side, pending.gap_m, pending.at_s, pending.speed_mps = False, None, None, None, None


def read_not(r: Reading, token: Token, coming: list[Token]) -> None:
    """Deny the next word."""
    r.denied = bool(coming)


def deny(r: Reading, token: Token, coming: list[Token]) -> None:
    """Take the word after "no": no traffic is an empty road, no rain is dry, no van is no van."""
    if token.text in ("parked", "other", "any", "more", "further", "parking") and any(
        t.kind == "who" for t in coming[:1]
    ):
        r.without_parked = token.text in ("parked", "parking")
        return
    r.denied = False
    if token.kind == "do" and dict(token.extra).get("only"):  # "nobody on the pavement"
        r.scene.absent.add("people")
    elif token.kind == "who" and r.without_parked:
        r.scene.absent.add("parked")
        r.without_parked = False
    elif token.kind == "who" and token.value[0].group in (Group.PERSON, Group.ANIMAL):
        r.scene.absent.add("people")
    elif token.kind == "who" and token.value[0] is Category.BICYCLE:
        r.scene.absent.add("cyclists")
    elif token.kind == "density" or (token.kind == "who" and token.plural and token.value[0] is Category.CAR):
        r.scene.density = "empty"
    elif token.kind not in ("weather", "light", "who", "road", "do", "it"):
        r.scene.leave_out(f"no {token.text}")


def names_a_thing(token: Token, before: Token) -> bool:
    """Say whether a word that changes nothing is what was denied: "without lights"."""
    return token.kind == "fill" and before.kind == "not" and before.text in ("without", "no") and len(token.text) > 3


def read_fill(r: Reading, token: Token, _: list[Token]) -> None:
    """Pass over a word that changes nothing."""


def read_beyond(r: Reading, token: Token, _: list[Token]) -> None:
    """Leave out what the form cannot hold."""
    r.scene.beyond(token)


def read_danger(r: Reading, token: Token, _: list[Token]) -> None:
    """Note that danger was asked for; what somebody does next is done hard."""
    r.danger = r.pending.hard = True


def read_unknown(r: Reading, token: Token, _: list[Token]) -> None:
    """Leave out a word nobody knows."""
    if len(token.text) > 1:
        r.scene.leave_out(token.text)
        r.stranger = True
