"""A plan put into words, in one of many ways: sentences, fragments, notes; with slips of the pen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from datagen.models.planner.corpus.situations import ALWAYS_HARD
from datagen.models.planner.corpus.tables import Language, Split, inflected, of_split
from datagen.models.planner.notation import IN_SI, Units
from datagen.scene import Light, Place, Weather
from datagen.scene.plan import Manoeuvre, Plan, PlanActor

_COMING = {"cut_in", "merge", "cross", "jaywalk", "run_out", "pull_out"}
_DOWN_TO = {"brake", "accelerate"}
_SINGULAR, _PLURAL, _ING, _WE = 0, 1, 2, 2
_SPEEDS = {"km/h": ("{} km/h", "{}km/h", "{} kmh", "{} kph"), "mph": ("{} mph", "{}mph"), "m/s": ("{} m/s", "{}m/s")}
_LENGTHS = {"m": ("{} m", "{}m", "{} metres", "{} meters"), "ft": ("{} ft", "{} feet"), "yd": ("{} yd", "{} yards")}


@dataclass(frozen=True, kw_only=True)
class Voice:
    """How one text is told: the language, the split of its phrasings, the units, and whether it is notes."""

    table: Language
    split: Split
    units: Units
    english: bool
    notes: bool
    rng: np.random.Generator

    def pick(self, phrases: Sequence[str]) -> str:
        """Return one phrasing of the split."""
        kept = of_split(phrases, self.split)
        return kept[int(self.rng.integers(len(kept)))]

    def chance(self, share: float) -> bool:
        """Return True in this share of all cases."""
        return bool(self.rng.random() < share)


def worded(plan: Plan, voice: Voice, *, things: Sequence[str] = ()) -> tuple[str, Plan]:
    """Return a text that asks for the plan and for `things`, and the plan as it can be understood from the text.

    They differ where the words leave something out (a scene nobody describes is a clear day downtown) or imply it
    ("squeezes in" is hard).
    """
    scene, heard = _scene(plan, voice)
    clauses: list[str] = []
    ego, acts = _ego(plan.ego, voice)
    clauses += ego
    actors: list[PlanActor] = []
    for actor in plan.actors:
        said, understood = _actor(actor, voice)
        actors.append(understood)
        clauses.append(said)
    if len(clauses) > 1 and ego and voice.chance(0.4):
        clauses = [*clauses[1:], clauses[0]]
    clauses += list(things)
    text = _joined(scene, clauses, voice)
    return text, heard.model_copy(update={"ego": acts, "actors": tuple(actors), "left_out": tuple(things)})


def _scene(plan: Plan, voice: Voice) -> tuple[list[str], Plan]:
    table, ambience = voice.table, plan.ambience
    said: list[str] = []
    for value, usual, phrases in (
        (ambience.weather, Weather.CLEAR, table.weather),
        (ambience.light, Light.DAY, table.light),
        (ambience.place, Place.DOWNTOWN, table.place),
        (plan.density, "normal", table.density),
    ):
        if value in phrases and (value != usual or voice.chance(0.12)):
            said.append(voice.pick(phrases[value]))
    said += [voice.pick(table.absent[field]) for field, missing in plan.absent if missing]
    road = plan.road
    if road.crossing:
        said.append(voice.pick(table.crossing))
    if road.junction:
        said.append(voice.pick(table.junction))
    if road.curve:
        said.append(voice.pick(table.curve[road.curve]))
    if road.lanes != 2:
        said.append(voice.pick(table.lanes).format(n=road.lanes))
    order = voice.rng.permutation(len(said))
    return [said[i] for i in order], plan


def _ego(acts: Sequence[Manoeuvre], voice: Voice) -> tuple[list[str], tuple[Manoeuvre, ...]]:
    if not acts:
        return [], ()
    table = voice.table
    who = voice.pick([*table.ego, *table.ego_plural])
    form = _SINGULAR if who not in table.ego_plural else _PLURAL if voice.english else _WE
    if voice.notes and voice.chance(0.6):
        who, form = "", _PLURAL if voice.english else _WE
    said, heard = _acts(acts, voice, form)
    return [f"{who} {said}".strip()], heard


def _actor(actor: PlanActor, voice: Voice) -> tuple[str, PlanActor]:
    noun, heard = _noun(actor, voice)
    form = _PLURAL if heard.count > 1 else _SINGULAR
    if voice.english and voice.notes and voice.chance(0.6):
        form = _ING
    table, where = voice.table, []
    if actor.where is not None and not any(act.do == "oncoming" for act in actor.manoeuvres):
        where.append(voice.pick(table.where[actor.where]))
    else:
        heard = heard.model_copy(update={"where": None})
    if actor.lane is not None:
        where.append(voice.pick(table.lane[actor.lane]))
    if actor.gap_m is not None:
        where.append(voice.pick(table.gap).format(gap=_length(actor.gap_m, voice)))
    if actor.state is not None:
        where.append(_number(voice.pick(table.state[actor.state]), heard.count))
    said, acts = _acts(actor.manoeuvres, voice, form)
    if form == _ING and " " not in said and said and voice.chance(0.5):
        noun, said = _before(said, noun, many=heard.count > 1), ""  # "two parked vans"
    words = " ".join(filter(None, (noun, *where, said)))
    return words, heard.model_copy(update={"manoeuvres": acts})


def _before(participle: str, noun: str, *, many: bool) -> str:
    """Put a participle before a noun and behind its number or article."""
    first, _, rest = noun.partition(" ")
    leads = rest and (first in ("a", "one", "some", "two", "three", "four", "five", "six", "seven") or first.isdigit())
    return f"{first} {participle} {rest}" if leads or (many and rest) else f"{participle} {noun}"


def _noun(actor: PlanActor, voice: Voice) -> tuple[str, PlanActor]:
    """Return an actor's name with its number and colour; a kind the language has no word for is not said."""
    table = voice.table
    kinds = table.who.get(actor.category.value) or {}
    if not kinds:
        return actor.category.value.replace("_", " "), actor.model_copy(
            update={"kind": "plain", "color": None, "count": 1}
        )
    kind = actor.kind if actor.kind in kinds else next(iter(kinds))
    name = voice.pick(kinds[kind])
    gender = table.genders[0]
    if len(table.genders) > 1:
        gender, name = name.split(" ", 1)
    name = _number(name, actor.count)
    many = actor.count > 1
    color = _color(actor.color, gender, many, voice) if actor.color else ""
    described = f"{color} {name}" if table.color_first else f"{name} {color}"
    if many:
        first = voice.pick(table.numbers[actor.count])
    else:
        first = "" if voice.notes and voice.chance(0.7) else voice.pick(table.article[gender][:2])
    return " ".join(f"{first} {described}".split()), actor.model_copy(update={"kind": kind})


def _color(color: str, gender: str, many: bool, voice: Voice) -> str:
    forms = voice.table.colors[color]
    if len(voice.table.genders) == 1:
        return voice.pick(forms)
    declined = forms[0].split(" ")
    singular = len(voice.table.genders)
    if not many:
        return declined[voice.table.genders.index(gender)]
    return declined[singular if len(declined) == singular + 1 else singular + voice.table.genders.index(gender)]


def _number(name: str, count: int) -> str:
    singular, _, plural = name.partition("|")
    return plural if count > 1 and plural else singular


def _acts(acts: Sequence[Manoeuvre], voice: Voice, form: int) -> tuple[str, tuple[Manoeuvre, ...]]:
    kept = [act for act in acts if act.do in voice.table.acts]
    told = [_act(act, voice, form) for act in kept]
    text = told[0][0] if told else ""
    for said, _ in told[1:]:
        text += voice.pick(voice.table.then) + said
    return text, tuple(heard for _, heard in told)


def _act(act: Manoeuvre, voice: Voice, form: int) -> tuple[str, Manoeuvre]:
    adjuncts = voice.table.adjuncts
    core = voice.pick(voice.table.acts[act.do])
    hard = core.startswith("!") or act.hard
    core = core.removeprefix("!")
    side = voice.pick(voice.table.sides[act.side]) if act.side else ""
    if act.do == "turn" or "{side}" in core:
        side = side.split("-")[0].split(" ")[0]
    coming = voice.pick(adjuncts.coming).format(side=side) if side else ""
    to = voice.pick(adjuncts.to).format(side=side) if side else ""
    placed = bool(re.search(r"\{(side|from|to)\}", core))
    said = re.sub(
        r"\{(side|from|to)\}", lambda m: {"side": side, "from": coming, "to": to}[m[1]], inflected(core, form)
    )
    extra = [] if placed or not side else [coming if act.do in _COMING else to]
    if act.hard and act.do not in ALWAYS_HARD and not core.startswith("!"):
        extra.append(voice.pick(adjuncts.hard))
    if act.speed_mps is not None:
        phrases = adjuncts.speed_to if act.do in _DOWN_TO else adjuncts.speed_mps
        extra.append(voice.pick(phrases).format(v=_speed(act.speed_mps, voice)))
    if act.at_s is not None:
        extra.append(voice.pick(adjuncts.at_s).format(t=_time(act.at_s, voice), n=f"{act.at_s:g}"))
    for name in ("when_gap_below_m", "when_ego_at_m", "gap_m"):
        if getattr(act, name) is not None:
            extra.append(voice.pick(getattr(adjuncts, name)).format(gap=_length(getattr(act, name), voice)))
    if act.takes_s is not None:
        extra.append(voice.pick(adjuncts.takes_s).format(t=_time(act.takes_s, voice)))
    return " ".join(" ".join([said, *extra]).split()), act.model_copy(update={"hard": hard})


def _speed(mps: float, voice: Voice) -> str:
    value = round(mps / IN_SI["speed"][voice.units.speed], 1)
    return voice.pick(_SPEEDS[voice.units.speed]).format(f"{value:g}")


def _length(metres: float, voice: Voice) -> str:
    value = round(metres / IN_SI["length"][voice.units.length], 1)
    spelt = _LENGTHS[voice.units.length] if voice.english else _LENGTHS[voice.units.length][:2]
    return voice.pick(spelt).format(f"{value:g}")


def _time(seconds: float, voice: Voice) -> str:
    spelt = ("{} s", "{}s", "{} seconds", "{} sec") if voice.english else ("{} s", "{}s")
    return voice.pick(spelt).format(f"{seconds:g}")


def _joined(scene: list[str], clauses: list[str], voice: Voice) -> str:
    front = voice.chance(0.75)
    pieces = [*scene, *clauses] if front else [*clauses, *scene]
    text = pieces[0] if pieces else ""
    for piece in pieces[1:]:
        text += (", " if voice.notes else voice.pick(voice.table.joins)) + piece
    lead = "" if voice.notes else voice.pick(voice.table.scene_lead)
    text = f"{lead} {text}".strip() if text else ""
    if not voice.notes and voice.chance(0.5):
        text = re.sub(r"(^|[.] )(\w)", lambda m: m[1] + m[2].upper(), text) + ("." if voice.chance(0.6) else "")
    return slipped(text, voice.rng) if voice.chance(0.2) else text


def slipped(text: str, rng: np.random.Generator) -> str:
    """Return a text with a slip of the pen: letters swapped, doubled or lost, all small, or all capitals."""
    draw = rng.random()
    if draw < 0.15:
        return text.lower()
    if draw < 0.2:
        return text.upper()
    words = text.split(" ")
    long = [i for i, word in enumerate(words) if len(word) >= 5 and word.isalpha()]
    for i in rng.permutation(long)[: 1 + int(rng.random() < 0.3)]:
        word, at = words[i], int(rng.integers(1, len(words[i]) - 1))
        words[i] = [
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            word[:at] + word[at] + word[at:],
            word[:at] + word[at + 1 :],
        ][int(rng.integers(3))]
    return " ".join(words)


def voice_of(table: Language, *, code: str, split: Split, units: Units, rng: np.random.Generator) -> Voice:
    """Return a voice for one text."""
    voice = Voice(table=table, split=split, units=units, english=code == "en", notes=False, rng=rng)
    return replace(voice, notes=voice.chance(0.3))
