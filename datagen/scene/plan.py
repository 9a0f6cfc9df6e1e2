"""The plan: the typed form a planner fills in. Anything outside the form is refused; nothing in it is executed.

The bounds are part of the form: whatever a planner was told, a plan that validates is one that can be driven.

```
Plan ─ ambience   weather, light, place
     ├ road       lanes, curve, crossing, junction
     ├ density    of everybody else
     ├ absent     who of them shall not be there
     ├ ego        manoeuvres, one after the other
     ├ actors     who (category, count, kind, colour) · start (where, lane, gap, state) · manoeuvres
     └ left_out   what the text asked for that the form cannot hold
```
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from datagen.scene.ambience import Light, Place, Weather
from datagen.scene.category import Category, Group

Side = Literal["left", "right"]
"""As the ego's driver sees it."""

Where = Literal["ahead", "behind", "left", "right", "opposite"]
"""Where an actor starts, seen from the ego: `left`, `right` beside it, `opposite` on the lanes that come towards it."""

LaneOf = Literal["own", "left", "right"]
"""A lane of the ego's direction, seen from the ego's own."""

State = Literal["moving", "standing", "parked"]
"""What a driver is up to when the clip starts; `parked`: at the kerb."""

Color = Literal[
    "white", "black", "grey", "silver", "red", "blue", "green", "yellow", "orange", "brown", "beige", "purple",
    "pink", "turquoise", "gold",
]  # fmt: skip
"""Colours one can ask for."""

Do = Literal[
    "keep_lane",  # drive on in one's lane
    "constant_speed",  # drive on at one speed
    "accelerate",  # to a higher speed
    "brake",  # to a lower speed, or to a stop
    "emergency_stop",  # to a stop, as hard as can be
    "stop_and_go",  # crawl, stop, crawl
    "wait",  # stand and stay
    "lane_change",  # one lane over
    "cut_in",  # from a neighbouring lane to just ahead of the ego
    "cut_out",  # from just ahead of the ego to a neighbouring lane
    "merge",  # from a neighbouring lane into the ego's, ahead or behind, at its speed
    "overtake",  # pass the ego (an actor) or whoever is ahead (the ego)
    "turn",  # at a junction
    "u_turn",  # go back the way one came
    "swerve",  # aside and back again
    "pull_over",  # to the edge of the road, and stop
    "pull_out",  # from the kerb into the lane
    "reverse",  # drive backwards
    "park",  # drive to the kerb and stay there
    "follow",  # keep one's distance behind the ego (an actor) or behind whoever is ahead (the ego)
    "tailgate",  # the same, far too close
    "yield",  # slow or stop for whoever crosses or comes
    "filter",  # on two wheels between lanes, past those who drive there
    "oncoming",  # come towards the ego on the other side
    "parked",  # at the kerb, nobody in it
    "cross",  # the road on foot on a crossing; in a vehicle the junction
    "jaywalk",  # the road on foot where there is no crossing
    "run_out",  # into the road on foot from behind something that hides one
    "walk",  # along the road, on the walkway
    "walk_in_group",  # the same, together
]
"""What an actor or the ego can be asked to do."""

Density = Literal["empty", "light", "normal", "heavy"]
"""How much other traffic there is."""

_DRIVE = frozenset(get_args(Do)) - {"filter", "jaywalk", "run_out", "walk", "walk_in_group"}
_WALK = frozenset({"cross", "jaywalk", "run_out", "walk", "walk_in_group", "wait"})
_DOES: dict[Group, frozenset[str]] = {
    Group.VEHICLE: _DRIVE,
    Group.CYCLE: _DRIVE | {"filter", "jaywalk"},
    Group.PERSON: _WALK,
    Group.ANIMAL: _WALK,
    Group.OBJECT: frozenset({"wait"}),
}
EGO_DOES = _DRIVE - {"cut_in", "cut_out", "merge", "oncoming", "parked", "cross"}
"""What the ego can be asked to do; it starts on the road, and what it does to itself is no event."""


def can_do(category: Category) -> frozenset[str]:
    """Return the manoeuvres a category can be asked for."""
    return _DOES[category.group]


class Form(BaseModel):
    """Base of every part of the form: immutable, and unknown fields, infinities and NaN are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class PlanAmbience(Form):
    """How it shall look."""

    weather: Weather = Weather.CLEAR
    light: Light = Light.DAY
    place: Place = Place.DOWNTOWN


class PlanRoad(Form):
    """What road it shall happen on."""

    lanes: Annotated[int, Field(ge=1, le=4)] = 2
    """Lanes per direction; more are laid when what shall happen needs them."""
    curve: Side | None = None
    """Which way the road bends ahead; a road with a junction is straight."""
    crossing: bool = False
    junction: bool = False
    ramp: bool = False
    """A slip road joins from the outer side, runs beside and ends; a road with a junction has none."""
    drive_on: Side = "right"
    """The side of the road one drives on. A real map has its own."""


class PlanAbsent(Form):
    """Whom the background shall not hold."""

    people: bool = False
    cyclists: bool = False
    parked: bool = False


class Manoeuvre(Form):
    """One thing an actor does. What is None is chosen so that it can be seen within the clip.

    when_clear: of people who cross: not before they would get over without anybody coming near.
    When it begins, at most one of: at_s, seconds into the clip; when_gap_below_m, once the actor is nearer to the ego
    than this, bumper to bumper along the road; when_ego_at_m, once the ego has driven this far since the clip's start.
    side: to which side it goes; for `cut_in`, `merge`, `cross`, `jaywalk` and `run_out` from which it comes.
    speed_mps: the speed it ends with (of `cross`, `walk` and the like: the pace).
    gap_m: bumper to bumper to the ego when it begins.  takes_s: how long it lasts.  hard: as hard as it can.
    """

    do: Do
    at_s: Annotated[float, Field(ge=0.0, le=60.0)] | None = None
    when_gap_below_m: Annotated[float, Field(ge=2.0, le=80.0)] | None = None
    when_ego_at_m: Annotated[float, Field(ge=0.0, le=400.0)] | None = None
    side: Side | None = None
    speed_mps: Annotated[float, Field(ge=0.0, le=40.0)] | None = None
    gap_m: Annotated[float, Field(ge=2.0, le=80.0)] | None = None
    takes_s: Annotated[float, Field(ge=0.5, le=20.0)] | None = None
    hard: bool = False
    when_clear: bool = False

    @model_validator(mode="after")
    def _one_trigger(self) -> Manoeuvre:
        triggers = (self.at_s, self.when_gap_below_m, self.when_ego_at_m, self.when_clear or None)
        if sum(trigger is not None for trigger in triggers) > 1:
            names = "at_s, when_gap_below_m, when_ego_at_m, when_clear"
            raise ValueError(f"{self.do} has several triggers; keep one of {names}")
        return self


class PlanActor(Form):
    """Someone the prompt mentions, or several alike.

    kind: one of the category's kinds; `plain` is the ordinary one.
    where, lane, gap_m, state: where it starts; a lane is of the ego's direction, a gap bumper to bumper.
    """

    category: Category
    kind: Annotated[str, Field(max_length=40)] = "plain"
    color: Color | None = None
    count: Annotated[int, Field(ge=1, le=8)] = 1
    where: Where | None = None
    lane: LaneOf | None = None
    gap_m: Annotated[float, Field(ge=2.0, le=80.0)] | None = None
    state: State | None = None
    manoeuvres: Annotated[tuple[Manoeuvre, ...], Field(max_length=6)] = ()

    @model_validator(mode="after")
    def _suits(self) -> PlanActor:
        if self.kind != "plain" and self.kind not in self.category.kinds:
            raise ValueError(f"no {self.category} of kind {self.kind!r}; there are: {', '.join(self.category.kinds)}")
        for manoeuvre in self.manoeuvres:
            if manoeuvre.do not in can_do(self.category):
                raise ValueError(f"a {self.category} cannot {manoeuvre.do}")
        return self


class Plan(Form):
    """All a planner may say about one clip. `left_out`: what the text asked for that the form cannot hold.

    version: 1 had 13 manoeuvres, straight roads and no triggers but a time; its plans are valid still.
    """

    version: Literal[1, 2] = 2
    ambience: PlanAmbience = PlanAmbience()
    road: PlanRoad = PlanRoad()
    density: Density = "normal"
    absent: PlanAbsent = PlanAbsent()
    ego: Annotated[tuple[Manoeuvre, ...], Field(max_length=6)] = ()
    actors: Annotated[tuple[PlanActor, ...], Field(max_length=12)] = ()
    left_out: Annotated[tuple[Annotated[str, Field(max_length=200)], ...], Field(max_length=32)] = ()

    @model_validator(mode="after")
    def _ego_can(self) -> Plan:
        for manoeuvre in self.ego:
            if manoeuvre.do not in EGO_DOES:
                raise ValueError(f"the ego cannot be asked to {manoeuvre.do}; there are: {', '.join(sorted(EGO_DOES))}")
        return self
