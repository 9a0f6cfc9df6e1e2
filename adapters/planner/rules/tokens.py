"""Text to tokens: numbers with units, then the longest phrases of the lexicon, then what is left."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from adapters.planner.rules.composing import composed
from adapters.planner.rules.compounds import spelt_apart
from adapters.planner.rules.lexicon import LONGEST, PHRASES
from adapters.planner.rules.place_words import FILL
from adapters.planner.rules.spelling import spelt_right
from adapters.planner.rules.vocabulary import Token
from datagen.scene import Category, Group

_NUMBER = r"(?P<number>-?\d{1,9}(?:[.,]\d{1,4})?)"
_SCAN = re.compile(
    rf"""
      {_NUMBER}[\s-]*(?P<speed>
        km/h|kmh|kph|kmph|kilomet(?:re|er)s?\ (?:per|an)\ hour|mph|miles\ (?:per|an)\ hour
        |m/s|mps|met(?:re|er)s?\ (?:per|a)\ second)\b
    | {_NUMBER.replace("number", "gap_number")}[\s-]*(?P<gap>met(?:re|er)s?|m|ft|feet|foot|yards?|yd)\b
    | {_NUMBER.replace("number", "time_number")}[\s-]*(?P<time>seconds?|secs?|s)\b
    | {_NUMBER.replace("number", "lane_number")}[\s-]*(?P<lane>lanes?)\b
    | (?P<count>-?\d{{1,9}}(?:[.,]\d{{1,4}})?)
    | (?P<word>[^\W\d_]+(?:'[a-z]+)?|[&+])
    | (?P<stop>[.;:!?\n,()/\u2026]|\s-\s)
    """,
    re.VERBOSE,
)
_MPS = {"m": 1.0, "k": 1 / 3.6}
_LANE_WORDS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}


def tokens_of(text: str, *, mend: bool = True) -> list[Token]:
    """Return the tokens of a normalised text. mend: slips of the pen; words left of another language are none."""
    return composed(_mounted(_phrases(_in_digits(spelt_apart(text)), mend=mend)))


_TENS = {"ten": 10, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70,
         "eighty": 80, "ninety": 90, "hundred": 100}  # fmt: skip
_SPELT = {**{word: str(value) for word, value in _TENS.items()}, "one": "1", "two": "2", "three": "3", "four": "4",
          "five": "5", "six": "6", "seven": "7", "eight": "8", "a hundred": "100", "half a": "0.5"}  # fmt: skip
_MEASURED = re.compile(
    rf"\b({'|'.join(sorted(_SPELT, key=len)[::-1])})\s+(?=met|feet|foot|ft|yard|sec|km|kilomet|miles|mph|m/s|m\b)"
)
_CLOCK = re.compile(r"\b\d{1,2}:\d{2}(?::\d{2})?(?:\s?[ap]m)?\b")
"""Times of day in a note: when it was written, which is nothing to drive."""
_IN_FULL = {"outa": "out of", "outta": "out of", "inna": "in a", "lotsa": "lots of", "kinda": "", "gonna": "will",
            "w/": "with ", "w/o": "without ", "b/c": "because "}  # fmt: skip
_INFORMAL = re.compile("|".join([r"\b(?:outa|outta|inna|lotsa|kinda|gonna)\b", r"\bw/o(?=\s)", r"\bw/"]))
_HALF_TURN = re.compile(r"\ban? 180(?:[\s-]*degrees?)?(?:\s+turn)?")


_CAR_LENGTH_M = 4.5
_LENGTHS = re.compile(
    rf"\b(?:(\d+(?:\.\d+)?)|({'|'.join(sorted([*_SPELT, 'a', 'a few', 'several', 'half a'], key=len)[::-1])}))\s+"
    r"(?:car|vehicle)(?:'s)?[\s-]lengths?\b"
)
"""Distances in lengths of cars."""
_FEW = {"a": "1", "a few": "3", "several": "3", **_SPELT}
_BARE_SPEED = re.compile(
    r"\b(doing|going|driving at|travelling at|traveling at)\s+(\d{2,3})\b(?=\s*(?:[,.;]|$|and|in|on))"
    r"|\b(at)\s+([2-9]\d|1\d\d)\b(?=\s*(?:[,.;!]|$))"
)
"""Speeds without a unit are in km/h."""


def _in_digits(text: str) -> str:
    """Return the text with numbers before a unit in digits, lengths of cars in metres, half turns by their name."""
    text = _LENGTHS.sub(lambda found: f"{float(found[1] or _FEW[found[2]]) * _CAR_LENGTH_M:g} m", text)
    text = _BARE_SPEED.sub(lambda found: f"{found[1] or found[3]} {found[2] or found[4]} km/h", text)
    text = _INFORMAL.sub(lambda found: _IN_FULL[found[0]], _CLOCK.sub(" ", text))
    return _HALF_TURN.sub("a u turn", _MEASURED.sub(lambda found: _SPELT[found[1]] + " ", text))


_MOUNTS = (
    Category.BICYCLE,
    Category.MOTORCYCLE,
    Category.PERSONAL_MOBILITY,
    Category.WHEELCHAIR,
    Category.STROLLER,
)


_IN_A = (["in", "a"], ["in", "an"], ["in", "the"], ["in", "his"], ["in", "her"], ["driving", "a"], ["in"])


def _in_a_vehicle(kept: list[Token], vehicle: Token) -> tuple[list[Token], bool]:
    """Make one of somebody and the vehicle he sits in: "an idiot in a white van"; say whether it was one."""
    at = max((i for i, one in enumerate(kept) if one.kind == "who"), default=-1)
    drives = vehicle.kind == "who" and vehicle.value[0].group is Group.VEHICLE
    if at < 0 or not drives or (kept[at].value[0].group is not Group.PERSON and kept[at].text not in _AT_WHEELS):
        return kept, False
    colors = [one for one in kept[at + 1 :] if one.kind == "color"]
    between = [one.text for one in kept[at + 1 :] if one.kind != "color"]
    if between not in _IN_A:
        return kept, False
    return [*kept[:at], *colors, replace(vehicle, plural=kept[at].plural)], True


_AT_WHEELS = ("driver", "idiot", "moron", "lunatic", "maniac", "nutter")
_AT_THE_WHEEL = ("driver", "drivers", "rider", "riders")


def _mounted(tokens: list[Token]) -> list[Token]:
    """Make one of a person and what it rides or pushes: "a boy on a bicycle", "a mother with a stroller"."""
    kept: list[Token] = []
    for token in tokens:
        if token.kind == "who" and token.text in _AT_THE_WHEEL and kept and kept[-1].kind == "who":
            kept[-1] = replace(kept[-1], plural=token.plural)  # "motorbike rider", "taxi drivers"
            continue
        kept, inside = _in_a_vehicle(kept, token)
        if inside:
            continue
        mount = token.kind == "who" and token.value[0] in _MOUNTS
        person = max((i for i, one in enumerate(kept) if one.kind == "who"), default=-1)
        between = [one.text for one in kept[person + 1 :]] if person >= 0 else []
        rides = between and between[0] in ("in", "on", "with", "pushing", "riding", "rides") and len(between) <= 2
        if mount and rides and kept[person].value[0].group is Group.PERSON and between[1:] in ([], ["a"], ["an"]):
            kept = [*kept[:person], replace(token, plural=kept[person].plural)]
        else:
            kept.append(token)
    return kept


def _phrases(text: str, *, mend: bool) -> list[Token]:
    written = list(_pieces(text))
    raw = [piece if isinstance(piece, Token) or not mend else spelt_right(piece) for piece in written]
    found: list[Token] = []
    at = 0
    while at < len(raw):
        piece = raw[at]
        if isinstance(piece, Token):
            found.append(piece)
            at += 1
            continue
        token, used = _longest(raw, at)
        if token.kind == "unknown":
            token = replace(token, text=str(written[at]))
        found.append(token)
        at += used
    return found


def _pieces(text: str) -> Iterator[Token | str]:
    for match in _SCAN.finditer(text):
        group, said = match.lastgroup, match.group()
        if group == "word":
            yield said
        elif group == "stop":
            yield Token(kind="stop", value="," if said.strip() in (",", "(", ")", "/", "-", ":") else ".", text=said)
        elif group == "speed":
            unit = match["speed"]
            factor = 0.44704 if unit.startswith("mi") or unit == "mph" else _MPS[unit[0]]
            yield Token(kind="speed", value=_value(match["number"]) * factor, text=said)
        elif group == "gap":
            factor = {"f": 0.3048, "y": 0.9144}.get(match["gap"][0], 1.0)
            yield Token(kind="gap", value=_value(match["gap_number"]) * factor, text=said)
        elif group == "time":
            yield Token(kind="time", value=_value(match["time_number"]), text=said)
        elif group == "lane":
            yield Token(kind="lanes", value=_value(match["lane_number"]), text=said, extra=(("total", True),))
        elif group == "count":
            yield Token(kind="count", value=_value(match["count"]), text=said)


def _value(number: str) -> float:
    return float(number.replace(",", "."))


def _longest(raw: list[Token | str], at: int) -> tuple[Token, int]:
    """Return the longest phrase that starts here, or an unknown word, and how many words it takes."""
    words: list[str] = []
    for piece in raw[at : at + LONGEST]:
        if not isinstance(piece, str):
            break
        words.append(piece)
    for count in range(len(words), 0, -1):
        if count == 2 and words[0] in _LANE_WORDS and words[1] in ("lane", "lanes"):
            lanes = _LANE_WORDS[words[0]]
            return Token(kind="lanes", value=lanes, text=" ".join(words[:2]), extra=(("total", True),)), 2
        token = PHRASES.get(tuple(words[:count]))
        if token is not None:
            return token, count
    word = words[0]
    if word in FILL:
        return Token(kind="fill", text=word), 1
    return Token(kind="unknown", text=word), 1
