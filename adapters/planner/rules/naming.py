"""Nouns and pronouns: who is spoken of."""

from __future__ import annotations

from adapters.planner.rules.acting import add, implied
from adapters.planner.rules.reading import MOST_ALIKE, Act, Reading, Who
from adapters.planner.rules.vocabulary import Token
from datagen.scene import Category, Group

_DRIVEN = {Group.VEHICLE, Group.CYCLE}
_CROWDS, _MANY = ("crowd",), 4
_NEXT_M, _BEYOND_M = 6.0, 22.0
"""Gaps to whoever drives behind somebody ahead of the ego, and to that one."""


def read_who(r: Reading, token: Token, coming: list[Token]) -> None:
    """Name somebody new, or whoever "the van" was before; or only where the subject is."""
    category, kind = token.value
    pending = r.pending
    before = _known(r, category, kind) if pending.definite and not token.plural else _generic(r, category)
    if before is not None and not pending.definite:
        before.category, before.kind, before.color = category, kind, pending.color or before.color
    if before is not None:
        who = before
    else:
        who = _nameless(r, category) or Who()
        who.category, who.kind, who.color, who.plural = category, kind, pending.color, token.plural
        fewest = _MANY if token.text in _CROWDS else 1
        who.count = int(max(fewest, min(pending.count or (2 if token.plural else 1), MOST_ALIKE)))
        who.where = pending.where or pending.side or who.where
        who.gap_m, who.pace, who.grouped = pending.gap_m, pending.pace, pending.grouped
        if pending.partner is not None and pending.partner is not who:
            who.with_him = [*pending.partner.with_him, pending.partner]
        if not who.unnamed:
            r.actors.append(who)
        who.named = token.text
        who.unnamed, who.anyone = False, token.text in ("someone", "somebody")
    r.latest = who
    for act in pending.acts:
        add(r, who, act)
    if pending.speed_mps is not None:
        add(r, who, Act(do="keep_lane", speed_mps=pending.speed_mps))
    mentioned = pending.beside and r.subject is not None
    r.pending = pending.when(hard=pending.hard and not mentioned)
    if mentioned:
        _mention(r, who)
        return
    r.subject, r.act, r.fresh = who, (who.acts[-1] if pending.acts else None), False


_GENERIC = (
    "lead vehicle",
    "vehicle",
    "car",
    "target",
    "target vehicle",
    "other vehicle",
    "veh",
    "driver",
    "pov",
    "gvt",
)


def _generic(r: Reading, category: Category) -> Who | None:
    """Return whoever has only been called a vehicle, if this says which: "lead vehicle: taxi"."""
    who = r.subject
    colon = r.before.kind == "stop" and r.before.text.strip() == ":"
    fits = who is not None and not who.ego and not who.acts and category.group in (Group.VEHICLE, Group.CYCLE)
    return who if colon and fits and who is not None and who.named in _GENERIC else None


def _nameless(r: Reading, category: Category) -> Who | None:
    """Return whoever only did something so far, if this is his name: "cut-in from the left, white van"."""
    last = r.actors[-1] if r.actors else None
    telling = r.fresh or (r.act is not None and r.before.kind in ("side", "gap", "hard", "speed", "color", "count"))
    fits = last is not None and last.unnamed and telling and not r.pending.acts and not r.pending.beside
    alike = last is not None and (
        category.group is last.category.group or {category.group, last.category.group} == _DRIVEN
    )
    return last if fits and alike else None


def read_same(r: Reading, token: Token, coming: list[Token]) -> None:
    """Name another of the kind that was named last: "one car … while another one …"."""
    before = r.actors[-1] if r.actors else None
    if before is None:
        return
    r.pending.definite = False
    read_who(r, Token(kind="who", value=(before.category, before.kind), text=token.text), coming)


def read_there(r: Reading, token: Token, _: list[Token]) -> None:
    """Place the subject between the ego and whoever was named before it: "the car behind it"."""
    others = [who for who in r.actors if who is not r.subject]
    if r.subject is None or r.subject.ego or not others:
        return
    r.subject.where, r.subject.gap_m = "ahead", r.subject.gap_m or _NEXT_M
    others[-1].gap_m = others[-1].gap_m or _BEYOND_M


def _known(r: Reading, category: Category, kind: str) -> Who | None:
    if r.pending.color is not None:
        return None
    alike = [who for who in r.actors if who.category is category]
    same = [who for who in alike if who.kind == kind] or alike
    return same[-1] if same else None


def _mention(r: Reading, who: Who) -> None:
    """Place somebody who was only named to say where the subject is: "from behind a parked van"."""
    subject, act = r.subject, r.act
    assert subject is not None
    if act is not None and act.do == "overtake" and not subject.ego:  # "the van ahead overtakes a cyclist"
        act.do, act.side = "swerve", act.side or "left"
        subject.where = who.where = "ahead"
        subject.gap_m, who.gap_m = subject.gap_m or _NEXT_M, who.gap_m or _BEYOND_M
        who.pace = who.pace or "slow"
    if who.where is None and act is not None and act.do in ("jaywalk", "cross") and act.side:
        who.where = act.side
    if subject.ego and who.where is None:
        who.where = "ahead"


def read_ego(r: Reading, token: Token, coming: list[Token]) -> None:
    """Speak of the ego."""
    if r.pending.beside:  # "towards us", "past us": where the ego is, not what it does
        r.pending.beside = False
        return
    if token.text == "had to" and not r.fresh:  # "the bus had to brake"; but "…, had to brake": who writes it
        return
    if r.before.text in ("forces", "forcing", "makes", "making", "causes", "force", "make", "leaving", "so"):
        r.subject, r.act, r.fresh = r.ego, None, False  # "forces us to brake"
        return
    if token.text in ("us", "me") or (r.act is not None and not r.fresh and not coming):
        return
    r.subject, r.act, r.fresh = r.ego, None, False
    r.pending = r.pending.when()


def read_it(r: Reading, token: Token, coming: list[Token]) -> None:
    """Go on speaking of whoever was named last."""
    if r.latest is None and token.text in ("he", "she", "they") and coming:
        r.subject, r.fresh = implied(r, Category.CAR), False
        return
    relative = token.text in ("that", "which", "who")
    if r.latest is not None and (relative or r.subject is None or r.subject.ego):
        r.subject = r.latest  # "follows a bus that brakes"; "We follow a taxi. It brakes."
    r.fresh = r.subject is None
    r.act = None
