"""Tokens to a plan: who does what, read from left to right.

```
  night , rain , a white van  cuts in  from the left , then  brakes hard
                 └── who ───┘ └─ do ─┘ └── side ───┘         └do┘ └hard
                  subject ◀──────────────────────────────────────┘
```
Words before a noun describe it, words after a verb refine it; a verb without a noun belongs to the last subject,
or to the ego where nobody was named or the verb stands bare ("turn left"). What finds no place is left out, and
said to be.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from adapters.planner.rules.lexicon import Token
from datagen.scene import Category, Group, Light, Place, Weather
from datagen.scene.plan import Do, Manoeuvre, Plan, PlanActor, PlanAmbience, PlanRoad

_SIDED = {"cut_in", "lane_change", "turn", "cross", "jaywalk", "overtake", "parked"}
_MOST_ACTORS, _MOST_ACTS, _MOST_ALIKE = 12, 6, 8
_TOP_MPS = 40.0
_SLOW_MPS, _FAST_MPS = 3.5, 16.0


@dataclass
class _Act:
    """A manoeuvre being read."""

    do: Do
    at_s: float | None = None
    side: Any = None
    speed_mps: float | None = None
    gap_m: float | None = None
    hard: bool = False


@dataclass
class _Who:
    """An actor (or the ego) being read."""

    category: Category = Category.CAR
    kind: str = "plain"
    color: Any = None
    count: int = 1
    where: Any = None
    gap_m: float | None = None
    pace: str | None = None
    ego: bool = False
    plural: bool = False
    acts: list[_Act] = field(default_factory=list)


@dataclass
class _Pending:
    """What was said before the noun or verb it belongs to."""

    color: str | None = None
    count: float | None = None
    side: Any = None
    where: Any = None
    gap_m: float | None = None
    speed_mps: float | None = None
    at_s: float | None = None
    pace: str | None = None
    hard: bool = False
    definite: bool = False
    beside: bool = False
    acts: list[_Act] = field(default_factory=list)


class Reader:
    """Reads one text's tokens; `plan` is what was understood."""

    def __init__(self) -> None:
        self._ego = _Who(ego=True)
        self._actors: list[_Who] = []
        self._subject: _Who | None = None
        self._act: _Act | None = None
        self._last: _Act | None = None
        self._latest: _Who | None = None
        self._pending = _Pending()
        self._fresh = True  # at the start of a clause: nobody has been named in it yet
        self._denied = False
        self._weather: Weather | None = None
        self._light: Light | None = None
        self._place: Place | None = None
        self._lanes: int | None = None
        self._road: set[str] = set()
        self._density: str | None = None
        self._left_out: list[str] = []

    def read(self, tokens: list[Token]) -> Reader:
        """Take in all tokens."""
        for at, token in enumerate(tokens):
            if self._denied and token.kind not in ("stop", "fill", "the"):
                self._deny(token)
                continue
            getattr(self, f"_read_{token.kind}")(token, tokens[at + 1 : at + 6])
        return self

    def leave_out(self, words: str) -> None:
        """Note what the form cannot hold."""
        if words not in self._left_out and len(self._left_out) < 24:
            self._left_out.append(words[:80])

    def plan(self) -> Plan:
        """Return the plan; it validates whatever was read."""
        self._finish_clause()
        for who in self._actors:
            _settle(who)
        for who in self._actors[_MOST_ACTORS:]:
            self.leave_out(f"another {who.category}")
        overtaking = [act for act in self._ego.acts if act.do == "overtake"]
        if overtaking:  # changing lanes is part of it
            sides = [act.side for act in self._ego.acts if act.do == "lane_change"]
            overtaking[0].side = overtaking[0].side or next(iter(sides), None)
            self._ego.acts = [act for act in self._ego.acts if act.do != "lane_change"]
        place = self._place or Place.DOWNTOWN
        return Plan(
            ambience=PlanAmbience(weather=self._weather or Weather.CLEAR, light=self._light or Light.DAY, place=place),
            road=PlanRoad(
                lanes=self._lanes or (1 if place in (Place.RESIDENTIAL, Place.PARK) else 2),
                crossing="crossing" in self._road,
                junction="junction" in self._road,
            ),
            density=self._density or "normal",  # type: ignore[arg-type]
            ego=tuple(map(_manoeuvre, self._ego.acts[:_MOST_ACTS])),
            actors=tuple(map(_actor, self._actors[:_MOST_ACTORS])),
            left_out=tuple(self._left_out),
        )

    # --- the scene

    def _read_weather(self, token: Token, _: list[Token]) -> None:
        # "a clear night after rain": the stronger word wins.
        if self._weather in (None, Weather.CLEAR):
            self._weather = token.value

    def _read_light(self, token: Token, _: list[Token]) -> None:
        if self._light in (None, Light.DAY):
            self._light = token.value

    def _read_place(self, token: Token, _: list[Token]) -> None:
        self._place = self._place or token.value

    def _read_lanes(self, token: Token, coming: list[Token]) -> None:
        lanes = int(max(1, min(abs(token.value), 8)))
        total = bool(token.extra) and lanes != 3 and not any(t.text in ("per", "each", "both") for t in coming[:3])
        self._lanes = max(1, min(lanes // 2 if total and self._place is not Place.HIGHWAY else lanes, 4))

    def _read_road(self, token: Token, _: list[Token]) -> None:
        self._road.add(token.value)

    def _read_density(self, token: Token, _: list[Token]) -> None:
        self._density = self._density or token.value

    # --- words that describe

    def _read_color(self, token: Token, _: list[Token]) -> None:
        self._pending.color = token.value

    def _read_count(self, token: Token, coming: list[Token]) -> None:
        if token.value > _MOST_ALIKE or token.value < 1 or token.value != int(token.value):
            if any(t.kind == "who" for t in coming[:3]):
                self.leave_out(f"the number {token.text}")
            else:
                self.leave_out(token.text)
        self._pending.count = token.value

    def _read_side(self, token: Token, coming: list[Token]) -> None:
        acting = self._act if self._act is not None and self._act.do in _SIDED else None
        if acting is not None and acting.do == "lane_change" and token.text.startswith("from") and self._subject:
            self._subject.where = self._subject.where or token.value
            return
        if acting is not None and acting.side is not None and token.text.startswith("to"):
            return  # "from right to left": where it comes from has been said
        noun_next = any(t.kind == "who" for t in coming[:2]) and not token.text.startswith(("from", "on", "to", "into"))
        if acting is not None and acting.side is None and not noun_next:
            acting.side = token.value
        elif self._subject is not None and not self._subject.ego and not self._fresh and not noun_next:
            self._subject.where = token.value if self._subject.where in (None, "ahead") else self._subject.where
        else:
            self._pending.side = token.value

    def _read_where(self, token: Token, coming: list[Token]) -> None:
        if token.text == "from behind" and any(t.kind == "who" for t in coming[:4]):
            self._pending.beside = True  # from behind somebody, not from behind the ego
            return
        noun_next = (
            bool(coming) and coming[0].kind == "who" and token.text in ("leading", "lead", "preceding", "opposite")
        )
        if self._subject is not None and not self._subject.ego and not self._fresh and not noun_next:
            if self._subject.where is None:
                self._subject.where = token.value
        else:
            self._pending.where = token.value

    def _read_gap(self, token: Token, _: list[Token]) -> None:
        gap = float(min(max(token.value, 2.0), 80.0))
        if gap != token.value:
            self.leave_out(token.text)
        if self._act is not None and not self._fresh:
            self._act.gap_m = gap
        elif self._subject is not None and not self._subject.ego and not self._fresh:
            self._subject.gap_m = gap
        else:
            self._pending.gap_m = gap

    def _read_speed(self, token: Token, _: list[Token]) -> None:
        speed = float(min(max(token.value, 0.0), _TOP_MPS))
        if speed != token.value:
            self.leave_out(token.text)
        if self._act is not None and not self._fresh:
            self._act.speed_mps = speed
        elif self._subject is not None and not self._fresh:
            self._add(self._subject, _Act(do="keep_lane", speed_mps=speed))
        else:
            self._pending.speed_mps = speed

    def _read_time(self, token: Token, coming: list[Token]) -> None:
        at = float(min(max(token.value, 0.0), 60.0))
        if self._act is not None and not self._fresh and not any(t.kind == "do" for t in coming[:3]):
            self._act.at_s = at
        else:
            self._pending.at_s = at

    def _read_pace(self, token: Token, coming: list[Token]) -> None:
        noun_next = any(t.kind == "who" for t in coming[:2])
        if self._act is not None and not noun_next and not self._fresh:
            self._act.hard |= token.value == "fast" and self._act.do in ("cross", "jaywalk", "walk", "accelerate")
            if self._subject is not None:
                self._subject.pace = token.value
        elif self._subject is not None and not noun_next and not self._fresh:
            self._subject.pace = token.value
        else:
            self._pending.pace = token.value

    def _read_hard(self, token: Token, coming: list[Token]) -> None:
        if self._act is not None and not self._fresh and not (coming and coming[0].kind == "do"):
            self._act.hard = True
        else:
            self._pending.hard = True

    # --- who

    def _read_who(self, token: Token, coming: list[Token]) -> None:
        category, kind = token.value
        pending = self._pending
        known = self._known(category, kind) if pending.definite and not token.plural else None
        if known is not None:
            who = known
        else:
            who = _Who(category=category, kind=kind, color=pending.color, plural=token.plural)
            who.count = int(max(1, min(pending.count or (2 if token.plural else 1), _MOST_ALIKE)))
            who.where = pending.where or pending.side
            who.gap_m, who.pace = pending.gap_m, pending.pace
            self._actors.append(who)
        self._latest = who
        for act in pending.acts:
            self._add(who, act)
        if pending.speed_mps is not None:
            self._add(who, _Act(do="keep_lane", speed_mps=pending.speed_mps))
        mentioned = pending.beside and self._subject is not None
        at_s, hard = pending.at_s, pending.hard
        self._pending = _Pending(at_s=at_s, hard=hard and not mentioned)
        if mentioned:
            self._mention(who)
            return
        self._subject, self._act, self._fresh = who, (who.acts[-1] if pending.acts else None), False

    def _known(self, category: Category, kind: str) -> _Who | None:
        if self._pending.color is not None:
            return None
        alike = [who for who in self._actors if who.category is category]
        same = [who for who in alike if who.kind == kind] or alike
        return same[-1] if same else None

    def _mention(self, who: _Who) -> None:
        """Place somebody who was only named to say where the subject is: "from behind a parked van"."""
        subject, act = self._subject, self._act
        assert subject is not None
        if who.where is None and act is not None and act.do in ("jaywalk", "cross") and act.side:
            who.where = act.side
        if subject.ego and who.where is None:
            who.where = "ahead"

    def _read_ego(self, token: Token, coming: list[Token]) -> None:
        if self._pending.beside:  # "towards us", "past us": where the ego is, not what it does
            self._pending.beside = False
            return
        if token.text in ("us", "me") or (self._act is not None and not self._fresh and not coming):
            return
        self._subject, self._act, self._fresh = self._ego, None, False
        self._pending = _Pending(at_s=self._pending.at_s)

    def _read_it(self, token: Token, _: list[Token]) -> None:
        if token.text in ("that", "which", "who") and self._latest is not None:
            self._subject = self._latest  # "follows a bus that brakes"
        self._fresh = self._subject is None
        self._act = None

    # --- what they do

    def _read_do(self, token: Token, coming: list[Token]) -> None:
        extra = dict(token.extra)
        if token.value in ("ped_cross", "jaywalker"):
            self._people_crossing(token, extra)
            return
        if token.value in ("follow", "tailgate"):
            self._following(token.value, coming)
            return
        act = _Act(
            do=token.value, side=extra.get("side"), speed_mps=extra.get("speed_mps"), hard=bool(extra.get("hard"))
        )
        if extra.get("junction"):
            self._road.add("junction")
        self._complete(act)
        of_somebody = bool(coming) and coming[0].text in ("of", "by") and any(t.kind == "who" for t in coming[:5])
        if of_somebody:  # "emergency stop of a bus"
            self._pending.acts.append(act)
            self._subject = None
            return
        if token.form in ("ing", "ed", "word") and _noun_follows(coming) and self._describes(token):
            self._pending.acts.append(act)
            return
        who = self._actor_of(token, act)
        if extra.get("only") and who.acts:  # "waiting on the sidewalk"
            return
        if who.ego and act.do in ("brake", "wait") and _yields_to_somebody(coming):
            self._pending.acts.append(_Act(do="cross"))
            self._pending.beside = True
        if who.ego and act.do == "overtake":
            self._pending.beside = True
        self._act = self._add(who, act)
        self._subject, self._fresh = who, False

    def _describes(self, token: Token) -> bool:
        """Say whether a participle describes the noun that follows it, and is not what the subject does to it."""
        return self._subject is None or self._fresh or token.form in ("ed", "word") or not self._subject.ego

    def _complete(self, act: _Act) -> None:
        """Give a manoeuvre what was said before it."""
        pending = self._pending
        act.hard |= pending.hard
        act.at_s = pending.at_s
        if act.do in _SIDED and act.side is None:
            act.side, pending.side = pending.side, None
        if pending.gap_m is not None and self._subject is None:
            act.gap_m, pending.gap_m = pending.gap_m, None
        pending.hard, pending.at_s = False, None

    def _actor_of(self, token: Token, act: _Act) -> _Who:
        """Return who does it: the subject, the ego for a bare verb at a clause's start, or somebody implied."""
        subject = self._subject
        bare = self._fresh and token.form in ("bare", "word")
        if subject is not None and (not bare or subject.ego or act.do in ("cut_in", "jaywalk", "walk")):
            return subject
        if act.do in ("cross", "jaywalk", "walk"):
            if act.do == "cross" and "junction" in self._road:
                return self._ego
            return self._implied(Category.ADULT)
        if act.do in ("cut_in", "oncoming", "parked"):
            return self._implied(Category.CAR)
        return self._ego

    def _implied(self, category: Category) -> _Who:
        who = _Who(category=category, where=self._pending.where)
        self._actors.append(who)
        return who

    def _people_crossing(self, token: Token, extra: dict[str, Any]) -> None:
        """Read "jaywalker" and "pedestrian crossing", which name somebody and what he does."""
        do: Do = "jaywalk" if token.value == "jaywalker" else "cross"
        count = int(max(1, min(self._pending.count or extra.get("count", 1), _MOST_ALIKE)))
        who = _Who(category=Category.ADULT, count=count, plural=count > 1)
        act = _Act(do=do)
        self._complete(act)
        act.side = act.side or self._pending.side
        who.gap_m = self._pending.gap_m
        self._actors.append(who)
        self._act = self._add(who, act)
        self._subject, self._fresh, self._pending = who, False, _Pending()

    def _following(self, do: str, coming: list[Token]) -> None:
        """Read "follows": the ego follows whoever is named next; others follow the ego."""
        subject = self._subject if self._subject is not None and not self._fresh else self._ego
        if subject.ego:
            self._pending.beside, self._pending.where = True, "ahead"
            self._pending.gap_m = 5.0 if do == "tailgate" else self._pending.gap_m
            self._subject, self._fresh = self._ego, False
            return
        if (coming and coming[0].kind in ("ego", "stop")) or not any(t.kind == "who" for t in coming[:4]):
            subject.where = "behind"
            subject.gap_m = 4.0 if do == "tailgate" else subject.gap_m
        else:
            self._pending.beside = True
        self._act = self._add(subject, _Act(do="keep_lane"))

    def _add(self, who: _Who, act: _Act) -> _Act:
        """Give somebody a manoeuvre that suits what he is; return it, or the one it was merged into."""
        act.do = _suited(who, act, "junction" in self._road)
        self._last = act
        if who.acts and who.acts[-1].do == act.do and act.do not in ("lane_change", "turn"):
            last = who.acts[-1]
            last.side, last.hard = last.side or act.side, last.hard or act.hard
            last.speed_mps = act.speed_mps if act.speed_mps is not None else last.speed_mps
            return last
        if len(who.acts) < _MOST_ACTS:
            who.acts.append(act)
        else:
            self.leave_out(f"another {act.do}")
        return act

    # --- between

    def _read_the(self, token: Token, _: list[Token]) -> None:
        self._pending.definite = True

    def _read_beside(self, token: Token, _: list[Token]) -> None:
        self._pending.beside = True

    def _read_join(self, token: Token, _: list[Token]) -> None:
        self._pending.beside = False
        self._pending.color = self._pending.count = None

    def _read_stop(self, token: Token, _: list[Token]) -> None:
        self._finish_clause()
        if token.value == ".":
            self._pending = _Pending()

    def _finish_clause(self) -> None:
        self._fresh, self._denied, self._act = True, False, None
        pending = self._pending
        for act in pending.acts:  # "oncoming." with no noun after it
            self._add(self._implied(Category.CAR), act)
        if self._last is not None:
            self._refine(self._last)
        elif pending.speed_mps is not None:
            self._add(self._ego, _Act(do="keep_lane", speed_mps=pending.speed_mps))
        self._pending = _Pending(
            at_s=pending.at_s, hard=pending.hard, side=pending.side, where=pending.where, gap_m=pending.gap_m
        )

    def _refine(self, act: _Act) -> None:
        """Give the last manoeuvre what was said after it, behind a comma: "squeezes in, dangerously close"."""
        pending = self._pending
        act.hard |= pending.hard
        act.side = act.side or (pending.side if act.do in _SIDED else None)
        act.gap_m = act.gap_m or pending.gap_m
        act.at_s = act.at_s if act.at_s is not None else pending.at_s
        act.speed_mps = act.speed_mps if act.speed_mps is not None else pending.speed_mps
        pending.hard, pending.side, pending.gap_m, pending.at_s, pending.speed_mps = False, None, None, None, None

    def _read_not(self, token: Token, coming: list[Token]) -> None:
        self._denied = bool(coming)

    def _deny(self, token: Token) -> None:
        """Take the word after "no": no traffic is an empty road, no rain is dry, no van is no van."""
        self._denied = False
        if token.kind == "density" or (token.kind == "who" and token.plural and token.value[0] is Category.CAR):
            self._density = "empty"
        elif token.kind not in ("weather", "light", "who", "road", "do", "it"):
            self.leave_out(f"no {token.text}")

    def _read_fill(self, token: Token, _: list[Token]) -> None:
        pass

    def _read_beyond(self, token: Token, _: list[Token]) -> None:
        self.leave_out(token.text)
        if token.text.startswith(("snow", "hail", "ic")) and self._weather is None:
            self._weather = Weather.OVERCAST

    def _read_unknown(self, token: Token, _: list[Token]) -> None:
        if len(token.text) > 1:
            self.leave_out(token.text)


def _noun_follows(coming: list[Token]) -> bool:
    """Say whether a noun comes before anything but words that describe it."""
    for token in coming:
        if token.kind == "who":
            return True
        if token.kind not in ("color", "do", "where", "pace") or (
            token.kind == "do" and token.form not in ("ing", "ed")
        ):
            return False
    return False


def _yields_to_somebody(coming: list[Token]) -> bool:
    """Say whether "for" or "to" somebody on foot follows."""
    people = [token for token in coming if token.kind == "who"]
    return bool(people) and coming[0].text in ("for", "to") and people[0].value[0].group is Group.PERSON


def _suited(who: _Who, act: _Act, junction: bool) -> Do:
    """Return what somebody of this kind does when he is said to do this."""
    group = who.category.group
    if who.ego:
        ego: dict[str, Do] = {"cut_in": "lane_change", "parked": "wait", "oncoming": "keep_lane", "cross": "keep_lane",
                              "jaywalk": "keep_lane", "walk": "keep_lane"}  # fmt: skip
        return ego.get(act.do, act.do)
    if group in (Group.PERSON, Group.ANIMAL):
        person: dict[str, Do] = {
            "cross": "cross",
            "jaywalk": "jaywalk",
            "wait": "wait",
            "brake": "wait",
            "parked": "wait",
        }
        return person.get(act.do, "walk")
    if group is Group.OBJECT:
        return "wait"
    if act.do == "walk":
        return "keep_lane"
    if who.category is not Category.BICYCLE and (act.do == "jaywalk" or (act.do == "cross" and not junction)):
        return "cross"
    return act.do


def _settle(who: _Who) -> None:
    """Give an actor something to do if nothing was said, and drop what contradicts the rest."""
    group = who.category.group
    does = [act.do for act in who.acts]
    if "parked" in does and len(does) > 1:
        moves = [act for act in who.acts if act.do not in ("parked", "wait", "keep_lane")]
        who.acts = moves or [act for act in who.acts if act.do == "parked"]
    if "cross" in does or "jaywalk" in does:
        kept = "jaywalk" if "jaywalk" in does else "cross"
        who.acts = [act for act in who.acts if act.do == kept][:1]
    if len(who.acts) > 1 and who.acts[0].do == "wait":
        who.acts = who.acts[1:]
    if "oncoming" in does:
        who.where = "opposite"
        who.acts = [act for act in who.acts if act.do == "wait"] or who.acts
    if not who.acts:
        do: Do = "walk" if group in (Group.PERSON, Group.ANIMAL) else "keep_lane"
        who.acts = [_Act(do="wait" if group is Group.OBJECT else do)]
        if who.where == "opposite":
            who.acts = [_Act(do="oncoming")]
    first = who.acts[0]
    if group in (Group.VEHICLE, Group.CYCLE) and who.pace and first.speed_mps is None:
        speed = _SLOW_MPS if who.pace == "slow" else _FAST_MPS
        if first.do in ("keep_lane", "oncoming"):
            first.speed_mps = speed
    if first.do in ("overtake", "cut_in") and first.side is None and who.where in ("left", "right"):
        first.side = who.where


def _manoeuvre(act: _Act) -> Manoeuvre:
    return Manoeuvre(do=act.do, at_s=act.at_s, side=act.side, speed_mps=act.speed_mps, gap_m=act.gap_m, hard=act.hard)


def _actor(who: _Who) -> PlanActor:
    return PlanActor(
        category=who.category,
        kind=who.kind,
        color=who.color,
        count=who.count,
        where=who.where,
        gap_m=who.gap_m,
        manoeuvres=tuple(map(_manoeuvre, who.acts)),
    )


def plan_of(tokens: list[Token], *, cut: bool) -> Plan:
    """Return the plan of a text's tokens."""
    reader = Reader().read(tokens)
    if cut:
        reader.leave_out("the text beyond its first 2000 characters")
    return reader.plan()
