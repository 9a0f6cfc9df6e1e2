"""A verb of motion and the way it takes make a manoeuvre: "nips … in front of us", "shoots out … from behind a van".

```
  a van   swings   sharply   across   from the left lane   into ours   and brakes
          └ go ┘                                           └─ way ─┘
          ▼
          do: cut_in,  and what stood between the two behind it
```
Some words between are ways of their own if nothing better follows: "ducks out", "pushes in", "moves over".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from adapters.planner.rules.vocabulary import Token
from datagen.scene import Group, Place

_BETWEEN = ("hard", "pace", "fill", "side", "gap", "near", "the", "way", "where", "place", "beside", "speed", "lanes")
"""Kinds of words that may stand between a verb and its way."""
_REACH = 7
_WEAK: Mapping[str, str] = {
    "in": "in",
    "out": "out",
    "over": "over",
    "across": "across",
    "around": "past",
    "round": "past",
}
"""Words that are a way if no other follows."""
_MEASURES = ("metre", "meter", "foot", "inch", "bit", "centimetre", "little")
"""Words that stand behind a "by" that leads past nobody: "metre by metre"."""
_AFTER_OVER = ("side", "way", "stop", "join", "hard")
_HIDING = ("from behind", "from between", "behind", "between")

_MADE: Mapping[str, str] = {
    "lane": "cut_in", "in": "cut_in", "clear": "cut_out", "over": "lane_change", "across": "cross", "through": "cross",
    "aside": "cut_out", "road": "jaywalk", "past": "overtake", "between": "filter", "hidden": "run_out",
    "kerb_off": "pull_out",
    "kerb_to": "pull_over", "parking": "park", "ramp": "merge", "off": "accelerate", "back": "reverse",
    "corner": "turn", "forward": "stop_and_go", "towards": "oncoming", "out": "cut_out", "front": "cut_in",
}  # fmt: skip
"""What a verb of motion does that takes a way."""
_HARD = {"cut_in", "run_out", "jaywalk", "pull_out", "accelerate", "merge", "swerve"}
"""Manoeuvres that can be done hard by going fast."""
_ASIDE_ONLY = {"in", "front", "out"}
"""Ways that only verbs that are no driving on take: who drives ahead of us does not cut in."""
_DRIVES_OFF = {"pull", "drive", "move", "race", "roar", "zoom", "shoot", "tear", "blast", "head", "ride", "roll"}
_NEVER = {("leave", "kerb_to"), ("join", "past"), ("come", "over"), ("get", "over"), ("appear", "past")}
_SPECIAL: Mapping[tuple[str, str], str] = {
    ("leave", "ramp"): "turn", ("leave", "lane"): "cut_out", ("leave", "over"): "cut_out",
    ("pull", "out"): "pull_out", ("pull", "off"): "accelerate", ("cut", "across"): "cut_in", ("pull", "in"): "cut_in",
    ("come out", "front"): "cut_in", ("pull", "ramp"): "merge", ("go", "ramp"): "", ("drive", "ramp"): "",
    ("move", "front"): "cut_in", ("come", "front"): "cut_in", ("get", "front"): "cut_in", ("move", "in"): "cut_in",
    ("move", "out"): "cut_out", ("cycle", "front"): "", ("travel", "ramp"): "", ("move", "ramp"): "",
    ("cruise", "ramp"): "", ("go", "road"): "jaywalk", ("ride", "road"): "", ("drive", "road"): "",
    ("leave", "kerb_off"): "pull_out", ("enter", "kerb_off"): "", ("join", "kerb_off"): "",
    ("step", "front"): "jaywalk", ("head", "kerb_off"): "", ("get", "kerb_off"): "", ("come", "kerb_to"): "",
    ("roar", "off"): "accelerate",
}  # fmt: skip
"""Verbs for which a way means something else, or nothing."""


def composed(tokens: list[Token]) -> list[Token]:
    """Return the tokens with verbs of motion made manoeuvres by their ways, as far as they have one."""
    found: list[Token] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token.kind == "go":
            made, between, used = _made(token, tokens[at + 1 : at + 1 + _REACH])
            found += [made, *between]
            at += used
        else:
            found.append(token)
        at += 1
    return found


def _made(verb: Token, coming: list[Token]) -> tuple[Token, list[Token], int]:
    """Return the manoeuvre of a verb, what is to be read behind it, and how many tokens the two have used."""
    weak: tuple[str, int] | None = None
    for at, token in enumerate(coming):
        way = _way(verb, token, before=coming[at - 1].text if at else "", behind=coming[at + 1 :])
        if way is not None and _deed(verb, way):
            kept = [one for k, one in enumerate(coming[: at + 1]) if (k < at or _kept(token)) and one.text not in _WEAK]
            return _act(verb, way), [one for one in kept if one.kind != "way" or one is not token], at + 1
        nowhere = token.text == "over" and coming[at + 1 : at + 2] and coming[at + 1].kind not in _AFTER_OVER
        if weak is None and token.text in _WEAK and not nowhere and _deed(verb, _WEAK[token.text]):
            weak = _WEAK[token.text], at
        if token.kind not in _BETWEEN:
            break
    if weak is not None:
        way, at = weak
        return _act(verb, way), coming[:at], at + 1
    return _alone(verb), [], 0


def _way(verb: Token, token: Token, *, before: str, behind: list[Token]) -> str | None:
    """Return the way a token is, or None."""
    said = dict(verb.extra)
    if token.kind == "way":
        return str(token.value)
    if token.kind == "lanes" and token.value == 1 and token.text == "one lane":
        return "over"
    if (
        token.kind == "where"
        and token.value == "ahead"
        and token.text.startswith(("in front of", "ahead of", "before"))
    ):
        return "front" if said.get("aside") or said.get("foot") else None
    if (
        token.kind == "side"
        and token.text.endswith("lane")
        and (token.text.startswith(("to", "into", "onto")) or verb.value == "take")
    ):
        return "over"
    joins = verb.value in ("join", "enter") or "onto" in (before, token.text.split(" ")[0])
    if token.kind == "place" and token.value is Place.HIGHWAY and joins:
        return "ramp"
    if token.kind == "do" and token.text in ("at the kerb", "at the curb"):
        return "kerb_to"
    if token.kind == "beside" and token.text in ("past", "by") and not (behind and behind[0].text in _MEASURES):
        return "past"
    if token.text == "between" and not (said.get("foot") or said.get("hard")):
        between = next((one for one in behind if one.kind == "who"), None)
        if between is not None and between.plural and between.value[0].group is Group.VEHICLE and said.get("alone"):
            return "between"
    hides = token.kind in ("beside", "where") and token.text in _HIDING and token.text != "behind"
    somebody = bool(behind) and behind[0].kind not in ("join", "stop") and any(t.kind == "who" for t in behind[:4])
    return "hidden" if hides and somebody else None


def _kept(token: Token) -> bool:
    """Say whether a way is also something else that must be read: the lane it leads to, who hides it."""
    return token.kind in ("side", "place", "beside", "where") and token.text not in ("past", "by")


def _deed(verb: Token, way: str) -> str:
    said = dict(verb.extra)
    special = _SPECIAL.get((verb.value, way))
    if special is not None:
        return special
    if way == "off" and verb.value not in _DRIVES_OFF:
        return ""
    if way == "towards" and said.get("aside"):
        return "cut_in"
    if way == "aside" and said.get("alone") == "swerve":
        return "swerve"
    if way == "front" and said.get("alone") == "swerve" and not said.get("hard"):
        return ""
    if (verb.value, way) in _NEVER or (way in _ASIDE_ONLY and not said.get("aside") and not said.get("foot")):
        return "run_out" if way == "out" and said.get("hard") else ""
    if said.get("foot") or (said.get("hard") and way == "across"):
        quick = bool(said.get("hard"))
        on_foot = {"front": "jaywalk", "out": "run_out", "across": "jaywalk" if quick else "cross", "in": "", "off": ""}
        return on_foot.get(way, _MADE[way])
    return _MADE[way]


def _act(verb: Token, way: str) -> Token:
    do = _deed(verb, way)
    extra = {"hard": True} if dict(verb.extra).get("hard") and do in _HARD else {}
    if way == "through":
        extra["junction"] = True
    if way == "ramp" and do == "merge":
        extra["ramp"] = True
    return Token(kind="do", value=do, text=f"{verb.text} {way}", form=verb.form, extra=tuple(extra.items()))


def _alone(verb: Token) -> Token:
    """Return what a verb is without a way: a manoeuvre, something done fast, or nothing."""
    said = dict(verb.extra)
    if said.get("alone"):
        hard = (("hard", True),) if said.get("hard") else ()
        return Token(kind="do", value=said["alone"], text=verb.text, form=verb.form, extra=hard)
    if said.get("hard"):
        return replace(verb, kind="hard", value=True)
    return replace(verb, kind="fill")
