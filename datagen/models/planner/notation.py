"""A plan as one terse line, which is what a language model writes: some 30 tokens instead of 300 of JSON.

```
   line    SCENE [| ego: ACT, ACT …] [| ACTOR[: ACT, ACT …]] … [| out: thing, thing …]
   SCENE   weather light [place] [density] [no people] [no cyclists] [no parked] [lanes N] [curve SIDE] [crossing]
           [junction]
   ACTOR   [N] [colour] category [kind] [where] [lane LANE] [gap LENGTH] [state]
   ACT     manoeuvre [at TIME | under LENGTH | past LENGTH] [SIDE] [to SPEED] [gap LENGTH] [for TIME] [hard]

   rain night heavy | ego: turn left | white car van ahead: cut in left gap 4m hard, brake to 20km/h at 3s | out: snow
```
What is not said has the form's default. Words are those of the form, without underscores. Numbers keep the unit of the
text, so that a small model copies and we convert; what is out of bounds is clamped and named in `left_out`. Every
part is a row of slots, and a slot makes both the pattern that reads it (and that decoding obeys) and what is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pydantic import ValidationError

from datagen.errors import DatagenError
from datagen.scene import Category, Light, Place, Weather
from datagen.scene.plan import (
    EGO_DOES,
    Color,
    Density,
    Do,
    Form,
    LaneOf,
    Manoeuvre,
    Plan,
    PlanAbsent,
    PlanActor,
    PlanAmbience,
    PlanRoad,
    Side,
    State,
    Where,
    can_do,
)

Measure = Literal["speed", "length", "time"]

IN_SI: dict[Measure, dict[str, float]] = {
    "speed": {"km/h": 1 / 3.6, "mph": 0.44704, "m/s": 1.0},
    "length": {"m": 1.0, "ft": 0.3048, "yd": 0.9144},
    "time": {"s": 1.0},
}
"""Metres, seconds or metres per second of each unit a line may use."""

THING = r"[^|,:\n\x00-\x1f]{1,40}"
"""Something left out."""
MOST_THINGS = 6
BAR, COMMA, COLON = " | ", ", ", ": "
_NUMBER = r"[0-9]{1,3}(?:\.[0-9])?"


class NotationError(DatagenError):
    """A line that is not in the notation; the message says which part."""


@dataclass(frozen=True, kw_only=True)
class Units:
    """The units a line is written in."""

    speed: str = "km/h"
    length: str = "m"
    time: str = "s"


@dataclass(frozen=True, kw_only=True)
class Slot:
    """One optional word of a part: the field it fills, what it may say, and the word that leads it in.

    values: of a closed vocabulary, (a flag has one, the true one).  measure: of a number with a unit.
    """

    field: str
    lead: str = ""
    values: tuple[Any, ...] = ()
    measure: Measure | None = None

    @property
    def pattern(self) -> str:
        """The regular expression of what it may say, without its lead."""
        if self.measure is not None:
            return f"{_NUMBER}(?:{'|'.join(map(re.escape, IN_SI[self.measure]))})"
        if self.values:
            return "|".join(sorted((re.escape(spoken(self.field, value)) for value in self.values), key=len)[::-1])
        return r"[0-9]{1,3}"


@dataclass(frozen=True, kw_only=True)
class Part:
    """A row of slots: those `given` are always there; those of `choices`, which stand together, exclude each other."""

    form: type[Form]
    slots: tuple[Slot, ...]
    given: tuple[str, ...]
    choices: frozenset[str] = frozenset()

    def pattern(self, *, named: bool = True, fixed: Mapping[str, str] | None = None) -> str:
        """Return the part's regular expression, a space before each word; `fixed` narrows slots to what it says."""
        fixed = fixed or {}
        pieces: list[str] = []
        chosen: list[str] = []
        for slot in self.slots:
            said = fixed.get(slot.field, slot.pattern)
            said = f"(?P<{slot.field}>{said})" if named else f"(?:{said})"
            said = (f"{slot.lead} " if slot.lead else "") + said
            if slot.field in self.choices:
                chosen.append(f" {said}")
                if len(chosen) == len(self.choices):
                    pieces.append(f"(?:{'|'.join(chosen)})?")
            else:
                pieces.append(f" {said}" if slot.field in self.given else f"(?: {said})?")
        return "".join(pieces)

    def write(self, values: Mapping[str, Any], units: Units) -> str:
        """Return the part in words; fields that have their default are not said."""
        words = []
        for slot in self.slots:
            value = values[slot.field]
            if slot.field not in self.given and value == self.form.model_fields[slot.field].default:
                continue
            words.append((f"{slot.lead} " if slot.lead else "") + _said(slot, value, units))
        return " ".join(words)

    def read(self, text: str, notes: list[str]) -> dict[str, Any]:
        """Return the fields a part names; what had to be clamped goes into `notes`. Raises NotationError."""
        match = re.fullmatch(self.pattern(), " " + text.strip())
        if match is None:
            raise NotationError(f"not in the notation: {text.strip()[:80]!r}")
        slots = {slot.field: slot for slot in self.slots}
        return {field: self._heard(slots[field], said, notes) for field, said in match.groupdict().items() if said}

    def _heard(self, slot: Slot, said: str, notes: list[str]) -> Any:
        if slot.values:
            return {spoken(slot.field, value): value for value in slot.values}[said]
        number = float(re.match(_NUMBER, said).group())  # type: ignore[union-attr]
        least, most = bounds(self.form, slot.field)
        unit = said[re.match(_NUMBER, said).end() :]  # type: ignore[union-attr]
        value = number * IN_SI[slot.measure][unit] if slot.measure is not None else number
        bounded = min(max(value, least), most)
        if value != bounded:
            notes.append(said if slot.measure is not None else f"the number {said}")
        return bounded if slot.measure is not None else int(bounded)


def spoken(field: str, value: Any) -> str:
    """Return a value of the form as it stands in a line: "cut in" for cut_in, the field's name for a flag."""
    return field if value is True else str(value).replace("_", " ")


def bounds(form: type[Form], field: str) -> tuple[float, float]:
    """Return the least and the most a number of the form may be."""
    info = form.model_fields[field]
    metadata = list(info.metadata)
    for choice in get_args(info.annotation):
        for extra in getattr(choice, "__metadata__", ()):
            metadata += extra.metadata
    least = next((one.ge for one in metadata if hasattr(one, "ge")), 0.0)
    most = next((one.le for one in metadata if hasattr(one, "le")), float("inf"))
    return float(least), float(most)


def _said(slot: Slot, value: Any, units: Units) -> str:
    if slot.measure is None:
        return spoken(slot.field, value)
    unit = getattr(units, slot.measure)
    return f"{round(value / IN_SI[slot.measure][unit], 1):g}{unit}"


AMBIENCE = Part(
    form=PlanAmbience,
    slots=(
        Slot(field="weather", values=tuple(Weather)),
        Slot(field="light", values=tuple(Light)),
        Slot(field="place", values=tuple(Place)),
    ),
    given=("weather", "light"),
)
DENSITY = Part(form=Plan, slots=(Slot(field="density", values=get_args(Density)),), given=())
ABSENT = Part(
    form=PlanAbsent,
    slots=tuple(Slot(field=field, lead="no", values=(True,)) for field in PlanAbsent.model_fields),
    given=(),
)
ROAD = Part(
    form=PlanRoad,
    slots=(
        Slot(field="lanes", lead="lanes"),
        Slot(field="curve", lead="curve", values=get_args(Side)),
        Slot(field="crossing", values=(True,)),
        Slot(field="junction", values=(True,)),
    ),
    given=(),
)
ACT = Part(
    form=Manoeuvre,
    slots=(
        Slot(field="do", values=get_args(Do)),
        Slot(field="at_s", lead="at", measure="time"),
        Slot(field="when_gap_below_m", lead="under", measure="length"),
        Slot(field="when_ego_at_m", lead="past", measure="length"),
        Slot(field="side", values=get_args(Side)),
        Slot(field="speed_mps", lead="to", measure="speed"),
        Slot(field="gap_m", lead="gap", measure="length"),
        Slot(field="takes_s", lead="for", measure="time"),
        Slot(field="hard", values=(True,)),
    ),
    given=("do",),
    choices=frozenset({"at_s", "when_gap_below_m", "when_ego_at_m"}),
)
ACTOR = Part(
    form=PlanActor,
    slots=(
        Slot(field="count"),
        Slot(field="color", values=get_args(Color)),
        Slot(field="category", values=tuple(Category)),
        Slot(
            field="kind", values=tuple(sorted({kind for category in Category for kind in category.kinds} - {"plain"}))
        ),
        Slot(field="where", values=get_args(Where)),
        Slot(field="lane", lead="lane", values=get_args(LaneOf)),
        Slot(field="gap_m", lead="gap", measure="length"),
        Slot(field="state", values=get_args(State)),
    ),
    given=("category",),
)


def most(form: type[Form], field: str) -> int:
    """Return how many entries a list of the form may have."""
    return int(next(one.max_length for one in form.model_fields[field].metadata if hasattr(one, "max_length")))


def write_line(plan: Plan, *, units: Units | None = None) -> str:
    """Return a plan as one line, its numbers rounded to a tenth of the unit."""
    units = units or Units()
    scene = ((AMBIENCE, plan.ambience), (DENSITY, plan), (ABSENT, plan.absent), (ROAD, plan.road))
    parts = [" ".join(filter(None, (part.write(dict(form), units) for part, form in scene)))]
    if plan.ego:
        parts.append("ego" + COLON + _acts(plan.ego, units))
    for actor in plan.actors:
        acts = COLON + _acts(actor.manoeuvres, units) if actor.manoeuvres else ""
        parts.append(ACTOR.write(dict(actor), units) + acts)
    if plan.left_out:
        things = (re.sub(r"[|,:\s\x00-\x1f]+", " ", thing)[:40].strip() for thing in plan.left_out[:MOST_THINGS])
        parts.append("out" + COLON + COMMA.join(filter(None, things)))
    return BAR.join(parts)


def _acts(manoeuvres: Sequence[Manoeuvre], units: Units) -> str:
    return COMMA.join(ACT.write(dict(manoeuvre), units) for manoeuvre in manoeuvres)


def read_line(line: str, *, text: str | None = None) -> Plan:
    """Return the plan a line holds. Raises NotationError naming the part that is not in the notation.

    text: the prompt it answers; things left out that the prompt does not mention are a model's invention and go.
    """
    scene, *parts = line.strip().split(BAR)
    notes: list[str] = []
    fields: dict[str, Any] = {**_read_scene(scene, notes), "ego": (), "actors": []}
    left_out: list[str] = []
    for part in parts:
        head, _, acts = part.partition(COLON)
        if head == "out":
            left_out = [thing.strip() for thing in acts.split(COMMA) if text is None or mentions(text, thing)]
        elif head == "ego":
            fields["ego"] = tuple(_read_acts(acts, EGO_DOES, notes))
        else:
            fields["actors"].append(_read_actor(head, acts, notes))
    fields["left_out"] = tuple(dict.fromkeys(thing for thing in (*left_out, *notes) if thing))
    try:
        return Plan(**{**fields, "actors": tuple(fields["actors"])})
    except ValidationError as error:
        raise NotationError(f"not a plan: {error.errors()[0]['msg']}") from error


def _read_scene(text: str, notes: list[str]) -> dict[str, Any]:
    pattern = [part.pattern(named=False) for part in (AMBIENCE, DENSITY, ABSENT, ROAD)]
    match = re.fullmatch("({})({})({})({})".format(*pattern), " " + text.strip())
    if match is None:
        raise NotationError(f"not a scene: {text.strip()[:80]!r}")
    ambience, density, absent, road = match.groups()
    return {
        "ambience": PlanAmbience(**AMBIENCE.read(ambience, notes)),
        "road": PlanRoad(**ROAD.read(road, notes)) if road else PlanRoad(),
        **(DENSITY.read(density, notes) if density else {}),
        **({"absent": PlanAbsent(**ABSENT.read(absent, notes))} if absent else {}),
    }


def _read_actor(head: str, acts: str, notes: list[str]) -> PlanActor:
    fields = ACTOR.read(head, notes)
    category: Category = fields["category"]
    manoeuvres = tuple(_read_acts(acts, can_do(category), notes)) if acts else ()
    try:
        return PlanActor(**fields, manoeuvres=manoeuvres)
    except ValidationError as error:
        raise NotationError(f"not an actor: {head!r}: {error.errors()[0]['msg']}") from error


def _read_acts(text: str, allowed: frozenset[str], notes: list[str]) -> Iterator[Manoeuvre]:
    for act in text.split(COMMA):
        fields = ACT.read(act, notes)
        if fields["do"] not in allowed:
            raise NotationError(f"{act.strip()!r} cannot be asked for here; there are: {', '.join(sorted(allowed))}")
        yield Manoeuvre(**fields)


def mentions(text: str, thing: str) -> bool:
    """Say whether every word of a thing stands in the text."""
    words = thing.casefold().split()
    return bool(words) and all(word in text.casefold() for word in words)


def mend(line: str) -> str:
    """Return a line that was cut short without its last, unfinished piece."""
    head, _, tail = line.rpartition(BAR)
    if not head:
        return line
    kept, _, _ = tail.rpartition(COMMA)
    return head + BAR + kept if kept else head
