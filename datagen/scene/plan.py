"""The plan: the typed form a planner fills in. Anything outside the form is refused; nothing in it is executed.

The bounds are part of the form: whatever a planner was told, a plan that validates is one that can be driven.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from datagen.scene.ambience import Light, Place, Weather
from datagen.scene.category import Category

Side = Literal["left", "right"]
"""As the ego's driver sees it."""

Where = Literal["ahead", "behind", "left", "right", "opposite"]
"""Where an actor starts, seen from the ego; `opposite`: on the lanes that come towards it."""

Do = Literal[
    "keep_lane",  # drive on, at a speed
    "accelerate",  # to a higher speed
    "brake",  # to a lower speed, or to a stop
    "wait",  # stand and stay
    "cut_in",  # from a neighbouring lane to just ahead of the ego
    "lane_change",  # one lane over
    "overtake",  # pass the ego (an actor) or whoever is ahead (the ego)
    "turn",  # at a junction
    "oncoming",  # come towards the ego on the other side
    "parked",  # at the kerb, nobody in it
    "cross",  # the road, on foot, on a crossing
    "jaywalk",  # the road, on foot, where there is none
    "walk",  # along the road, on the walkway
]
"""What an actor or the ego can be asked to do."""

Density = Literal["empty", "light", "normal", "heavy"]
"""How much other traffic there is."""


class Form(BaseModel):
    """Base of every part of the form: immutable, and unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PlanAmbience(Form):
    """How it shall look."""

    weather: Weather = Weather.CLEAR
    light: Light = Light.DAY
    place: Place = Place.DOWNTOWN


class PlanRoad(Form):
    """What road it shall happen on."""

    lanes: Annotated[int, Field(ge=1, le=4)] = 2
    """Lanes per direction; more are laid when what shall happen needs them."""
    crossing: bool = False
    junction: bool = False


class Manoeuvre(Form):
    """One thing an actor does. What is None is chosen so that it can be seen within the clip.

    at_s: when it begins.  side: to which side it goes; for `cut_in`, `cross`, `jaywalk` from which it comes.
    speed_mps: the speed it ends with.  gap_m: bumper to bumper to the ego when it begins.  hard: as hard as it can.
    """

    do: Do
    at_s: Annotated[float, Field(ge=0.0, le=60.0)] | None = None
    side: Side | None = None
    speed_mps: Annotated[float, Field(ge=0.0, le=40.0)] | None = None
    gap_m: Annotated[float, Field(ge=2.0, le=80.0)] | None = None
    hard: bool = False


class PlanActor(Form):
    """Someone the prompt mentions, or several alike."""

    category: Category
    kind: str = "plain"
    color: str | None = None
    count: Annotated[int, Field(ge=1, le=8)] = 1
    where: Where | None = None
    gap_m: Annotated[float, Field(ge=2.0, le=80.0)] | None = None
    manoeuvres: Annotated[tuple[Manoeuvre, ...], Field(max_length=6)] = ()


class Plan(Form):
    """All a planner may say about one clip. `left_out`: what the text asked for that the form cannot hold."""

    version: Literal[1] = 1
    ambience: PlanAmbience = PlanAmbience()
    road: PlanRoad = PlanRoad()
    density: Density = "normal"
    ego: Annotated[tuple[Manoeuvre, ...], Field(max_length=6)] = ()
    actors: Annotated[tuple[PlanActor, ...], Field(max_length=12)] = ()
    left_out: tuple[str, ...] = ()
