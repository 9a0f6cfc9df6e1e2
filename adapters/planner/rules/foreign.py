"""Other languages: phrases put into the English that the grammar reads, by lexica and the corpus's own phrase tables.

What is said in two pieces ("schert … ein") is known by its first, and by its second where several begin alike.
Words that no table knows stay as they are, and so are left out and said to be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from adapters.planner.rules.lexica import LEXICA, UNSPACED, lexicon
from adapters.planner.rules.lexicon import PHRASES
from adapters.planner.rules.place_words import FILL
from datagen.models.planner.corpus.tables import LANGUAGES, Language, inflected, language

_DOES = {
    "keep_lane": "drives", "constant_speed": "keeps a steady speed", "accelerate": "accelerates", "brake": "brakes",
    "emergency_stop": "slams on the brakes", "stop_and_go": "crawls along", "wait": "waits",
    "lane_change": "changes lanes", "cut_in": "cuts in", "cut_out": "cuts out", "merge": "merges",
    "overtake": "overtakes", "turn": "turns", "u_turn": "turns around", "swerve": "swerves", "pull_over": "pulls over",
    "pull_out": "pulls out", "reverse": "reverses", "park": "parks", "follow": "follows", "tailgate": "tailgates",
    "yield": "yields", "filter": "filters", "oncoming": "comes towards us", "parked": "parked", "cross": "crosses",
    "jaywalk": "jaywalks", "run_out": "runs out", "walk": "walks", "walk_in_group": "walks together",
}  # fmt: skip
_WHO = {
    "bendy_bus": "bendy bus", "construction_vehicle": "construction vehicle", "construction_worker": "worker",
    "police": "police car", "police_officer": "police officer", "personal_mobility": "e scooter", "adult": "person",
    "animal": "dog", "traffic_cone": "cone", "pushable": "trash can", "bicycle_rack": "bicycle rack",
    "fire_engine": "fire engine", "box": "box truck", "school": "school bus",
}  # fmt: skip
_MANY = {
    "bus": "buses", "city bus": "city buses", "school bus": "school buses", "bendy bus": "bendy buses",
    "lorry": "lorries", "child": "children", "person": "people", "coach": "coaches", "debris": "debris",
}  # fmt: skip
_PLACED = {"ahead": "ahead of us", "behind": "behind us", "left": "on the left", "right": "on the right",
           "opposite": "in the opposite lane"}  # fmt: skip
_SCENE = {"day": "daytime", "light": "light traffic", "heavy": "heavy traffic", "empty": "deserted", "park": "rural"}
_COLOR_LAST = ("fr", "es", "it", "pt")
_ABSENT = {"people": "no pedestrians", "cyclists": "no cyclists", "parked": "no parked cars"}
_FEWEST_LETTERS = 4
_REACH = 12
"""How many words a verb's second piece may stand behind its first."""
_FORMS = 3
_ELISION = re.compile(r"^([a-zà-ÿ]{1,4})'")


_KANA, _HAN = re.compile(r"[\u3041-\u30ff]"), re.compile(r"[\u4e00-\u9fff]")
_STOPS = str.maketrans({"、": ",", "，": ",", "。": ".", "；": ";", "：": ":", "！": "!", "？": "?"})


def in_english(text: str) -> str:
    """Return a lower-case text in English, or as it is if no other language fits it better."""
    code = _language(text)
    return text if code is None else _translated(_elided(_words(text, code), _phrases(code)), code)


def _language(text: str) -> str | None:
    """Return the language that knows most of a text's words, or None if English does."""
    if _HAN.search(text) or _KANA.search(text):
        return "ja" if _KANA.search(text) else "zh"
    words = _words(text)
    known = sum(word in FILL or (word,) in PHRASES for word in words)
    if known == len(words):
        return None
    scored = {code: _covered(words, _phrases(code)) for code in LEXICA if code not in UNSPACED}
    best = max(scored, key=lambda code: scored[code])
    return best if scored[best] > known else None


def _words(text: str, code: str = "") -> list[str]:
    """Return the words of a text; every character of a script without spaces is one."""
    if code in UNSPACED:
        return re.findall(r"-?\d+(?:[.,]\d+)?|[a-z]+(?:/[a-z]+)?|\S", text.translate(_STOPS))
    return re.findall(r"-?\d+(?:[.,]\d+)?|[^\W\d_]+(?:[-'/][^\W\d_]+)*|\S", text)


def _elided(words: list[str], phrases: Mapping[tuple[str, ...], str]) -> list[str]:
    """Return the words with an article or pronoun before an apostrophe parted from those no phrase holds with it."""
    whole = {word for phrase in phrases for word in phrase}
    return [part for word in words for part in ([word] if word in whole else _ELISION.sub(r"\1 ", word).split(" "))]


def _covered(words: list[str], phrases: Mapping[tuple[str, ...], str]) -> int:
    return sum(used for english, used in _matches(words, phrases) if english is not None)


def _translated(words: list[str], code: str) -> str:
    """Return the words in English; a colour behind its noun goes before it."""
    verbs, pairs = _verbs(code), _pairs(code)
    said: list[str] = []
    words, at = _paired(words, pairs), 0
    for english, used in _matches(words, _phrases(code)):
        piece = english if english is not None else words[at]
        piece = _verb(verbs.get(tuple(words[at : at + used]), ()), words[at + used : at + used + _REACH]) or piece
        at += used
        if code in _COLOR_LAST and said and _kind(piece) == "color" and _is_who(said[-1]):
            said.insert(-1, piece)
        elif piece:
            said.append(piece)
    return re.sub(r"\s+([,.;:!?])", r"\1", " ".join(_subject_first(said)))


def _paired(words: list[str], pairs: Sequence[tuple[tuple[str, ...], tuple[str, ...], str]]) -> list[str]:
    """Return the words with phrases that come in two pieces replaced by their English, where the first piece was."""
    at = 0
    while at < len(words):
        for first, second, english in pairs:
            begin = at + len(first)
            if tuple(words[at:begin]) != first:
                continue
            stops = range(begin, min(begin + _REACH, len(words)))
            end = next((k for k in stops if tuple(words[k : k + len(second)]) == second), None)
            if end is not None:
                words = [*words[:at], english, *words[begin:end], *words[end + len(second) :]]
                break
        at += 1
    return words


def _verb(ways: Sequence[tuple[tuple[str, ...], str]], behind: list[str]) -> str | None:
    """Return what a verb's first piece means, given the words behind it; the first way if no second piece is there."""
    for tail, english in ways:
        if tail and any(tuple(behind[at : at + len(tail)]) == tail for at in range(len(behind))):
            return english
    return ways[0][1] if ways else None


def _subject_first(pieces: list[str]) -> list[str]:
    """Put a verb behind its noun where a language turns them round: "nachts bremst ein Bus"."""
    ordered: list[str] = []
    waiting: str | None = None
    named = mentioned = False
    for at, piece in enumerate(pieces):
        kind = _kind(piece)
        if waiting is None and kind == "do" and not named and _kind(_noun_behind(pieces[at + 1 :])) in ("who", "ego"):
            waiting = piece
            continue
        ordered.append(piece)
        named = (named or (kind in ("who", "ego") and not mentioned)) and kind != "stop"
        mentioned = kind == "beside" or (mentioned and kind not in ("who", "ego", "stop"))
        if waiting is not None and kind in ("who", "ego"):
            ordered.append(waiting)
            waiting = None
    return ordered


def _noun_behind(pieces: list[str]) -> str:
    """Return the first piece that does not describe the next."""
    return next((piece for piece in pieces if _kind(piece) not in ("color", "count", "the", "fill")), "")


def _kind(piece: str) -> str:
    if piece in (",", ".", ";", ":", "!", "?"):
        return "stop"
    words = tuple(piece.removesuffix(" hard").split())
    token = PHRASES.get(words)
    if token is None and len(words) == 2:  # "car ahead"
        token = PHRASES.get(words[:1])
    return token.kind if token is not None else "count" if piece.isdigit() else "fill" if piece in FILL else ""


def _is_who(phrase: str) -> bool:
    token = PHRASES.get(tuple(phrase.split()))
    return token is not None and token.kind == "who"


def _matches(words: list[str], phrases: Mapping[tuple[str, ...], str]) -> Iterator[tuple[str | None, int]]:
    """Yield the English of the longest phrase at each place and the words it takes, or None and one word."""
    longest, at = max(map(len, phrases)), 0
    while at < len(words):
        used = next((n for n in range(min(longest, len(words) - at), 0, -1) if tuple(words[at : at + n]) in phrases), 0)
        yield (phrases[tuple(words[at : at + used])], used) if used else (None, 1)
        at += used or 1


@cache
def _phrases(code: str) -> Mapping[tuple[str, ...], str]:
    found: dict[tuple[str, ...], str] = {}
    for first, second, english in lexicon(code):
        if not second:
            found.setdefault(tuple(_words(first, code)), english)
    for phrase, english in _entries(language(code)) if code in LANGUAGES else ():
        words = tuple(_words(phrase.lower()))
        if words and words not in found:
            found[words] = english
    return found


def _entries(table: Language) -> Iterator[tuple[str, str]]:
    for first, tail, english in _deeds(table):
        yield first, english
        if len(tail) > 1:
            yield tail, ""
    yield from _names(table)
    for phrases in (table.weather, table.light, table.place, table.density):
        for value, said in phrases.items():
            yield from ((phrase, _SCENE.get(value, value)) for phrase in said)
    for field, said in table.absent.items():
        yield from ((phrase, _ABSENT[field]) for phrase in said)
    yield from ((phrase, "zebra crossing") for phrase in table.crossing)
    yield from ((phrase, "junction") for phrase in table.junction)
    for side, said in table.curve.items():
        yield from ((phrase, f"{side} bend") for phrase in said)
    for where, said in table.where.items():
        yield from ((phrase, _PLACED[where]) for phrase in said)
    for lane, said in table.lane.items():
        yield from ((phrase, "in our lane" if lane == "own" else f"on the {lane}") for phrase in said)
    for phrase in (*table.ego, *table.ego_plural):
        yield phrase, "we"
    yield from _details(table)


@cache
def _verbs(code: str) -> Mapping[tuple[str, ...], Sequence[tuple[tuple[str, ...], str]]]:
    """Return the first pieces of verbs, each with its second pieces and what the two mean together."""
    found: dict[tuple[str, ...], list[tuple[tuple[str, ...], str]]] = {}
    for first, tail, english in _deeds(language(code)) if code in LANGUAGES else ():
        found.setdefault(tuple(_words(first)), []).append((tuple(_words(tail)), english))
    return found


@cache
def _pairs(code: str) -> Sequence[tuple[tuple[str, ...], tuple[str, ...], str]]:
    pieces = [(tuple(_words(a, code)), tuple(_words(b, code)), english) for a, b, english in lexicon(code) if b]
    return sorted(pieces, key=lambda piece: -len(piece[1]))


def _deeds(table: Language) -> Iterator[tuple[str, str, str]]:
    """Yield the two pieces of each verb, in each of its forms, and the English."""
    for do, cores in table.acts.items():
        for core in cores:
            english = _DOES[do] + (" hard" if core.startswith("!") else "")
            for form in range(_FORMS):
                first, *rest = re.split(r"\{\w+\}", inflected(core.removeprefix("!"), form).lower())
                yield first.strip(), " ".join(rest).strip(), english


def _names(table: Language) -> Iterator[tuple[str, str]]:
    for category, kinds in table.who.items():
        for kind, names in kinds.items():
            usual = kind in ("plain", "sedan")
            english = _WHO.get(kind) if not usual else None
            english = english or (_WHO.get(category, category.replace("_", " ")) if usual else kind.replace("_", " "))
            for name in names:
                one, _, many = name.split(" ", 1)[1].partition("|") if len(table.genders) > 1 else name.partition("|")
                yield one, english
                yield many, _MANY.get(english, english + "s")


def _details(table: Language) -> Iterator[tuple[str, str]]:
    """Yield sides, colours, numbers, articles and adverbs."""
    for side, said in table.sides.items():
        for word in said:
            yield from ((phrase.format(side=word), f"from the {side}") for phrase in table.adjuncts.coming)
            yield from ((phrase.format(side=word), f"to the {side}") for phrase in table.adjuncts.to)
            yield word, side
    for color, said in table.colors.items():
        yield from ((form, color) for form in said[0].split(" "))
    for number, said in table.numbers.items():
        yield from ((word, str(number)) for word in said if not word.isdigit())
    yield from ((article, "a") for said in table.article.values() for article in said)
    yield from ((phrase, "hard") for phrase in table.adjuncts.hard)
    yield from ((phrase.strip(" ,"), "then") for phrase in table.then)
    yield from ((phrase.strip(), "and") for phrase in table.joins if phrase.strip().isalpha())
    yield from ((word, "some") for word in table.plural if word)
    for name, english in (("at_s", "after"), ("takes_s", "for"), ("when_ego_at_m", "after driving")):
        for phrase in getattr(table.adjuncts, name):
            before, _, behind = re.sub(r"\{\w+\}", "|", phrase).partition("|")
            if len(before.strip()) >= _FEWEST_LETTERS and not behind.strip():
                yield before.strip(), english
    for phrase in table.adjuncts.when_gap_below_m:
        before = phrase.split("{")[0].strip()
        if before:
            yield before, "closer than"
