"""The plan: the typed form a planner fills in. Anything outside the form is refused; nothing in it is executed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from datagen.scene.ambience import Light, Place, Weather
from datagen.scene.category import Category

PLAN_VERSION = 1


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
    """Lanes per direction."""
    crossing: bool = False
    junction: bool = False


class Manoeuvre(Form):
    """One thing an actor does, from `at_s` on."""

    do: Literal["keep_lane", "brake", "cut_in", "lane_change", "turn", "cross", "parked", "oncoming"]
    at_s: Annotated[float, Field(ge=0.0, le=60.0)] = 0.0
    side: Literal["left", "right"] | None = None
    speed_mps: Annotated[float, Field(ge=0.0, le=40.0)] | None = None


class PlanActor(Form):
    """Someone the prompt mentions."""

    category: Category
    kind: str = "plain"
    color: str | None = None
    manoeuvres: tuple[Manoeuvre, ...] = ()


class Plan(Form):
    """All a planner may say about one clip. `left_out`: what the text asked for that the form cannot hold."""

    version: Literal[1] = 1
    ambience: PlanAmbience = PlanAmbience()
    road: PlanRoad = PlanRoad()
    ego: tuple[Manoeuvre, ...] = ()
    actors: tuple[PlanActor, ...] = ()
    left_out: tuple[str, ...] = ()
