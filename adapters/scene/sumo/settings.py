"""The recipe's keys beside `scene.use: sumo`."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from datagen.scene import Light, Place, Weather

PerKm = Annotated[float, Field(ge=0.0, le=150.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Weight = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
AS_WORD = Field(strict=False)


class Density(BaseModel):
    """How many are on their way, per kilometre of road and direction; people per kilometre of sidewalk."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    car: PerKm = 17.0
    truck: PerKm = 1.4
    trailer: PerKm = 0.7
    bus: PerKm = 1.0
    bendy_bus: PerKm = 0.15
    construction_vehicle: PerKm = 0.12
    ambulance: PerKm = 0.15
    police: PerKm = 0.25
    motorcycle: PerKm = 1.2
    bicycle: PerKm = 1.8
    pedestrian: PerKm = 20.0
    standing: PerKm = 9.0
    """Groups of people or bicycles that stand on the sidewalk."""


class Settings(BaseModel):
    """Which places, how much traffic, and how it looks.

    networks: size of the pool of places.  first_network: number of the first one; pools that do not
    share numbers share no place.  extent_m: side of the square a network roughly fills.
    parked: share of parking spaces that are taken.  worksite_share: of the scenes have roads under repair.
    weather, light, place: weights; what is not listed does not occur.
    warm_up_s: traffic finds its rhythm before the clip.  radius_m: how far from the ego's path actors are kept.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    networks: Annotated[int, Field(ge=1, le=100_000)] = 20
    first_network: Annotated[int, Field(ge=0)] = 0
    extent_m: Annotated[float, Field(ge=300.0, le=1500.0)] = 500.0
    density: Density = Density()
    parked: Share = 0.55
    worksite_share: Share = 0.35
    weather: dict[Annotated[Weather, AS_WORD], Weight] = {
        Weather.CLEAR: 5.0,
        Weather.OVERCAST: 2.0,
        Weather.RAIN: 2.0,
        Weather.FOG: 1.0,
    }
    light: dict[Annotated[Light, AS_WORD], Weight] = {Light.DAY: 6.0, Light.DUSK: 1.5, Light.NIGHT: 2.5}
    place: dict[Annotated[Place, AS_WORD], Weight] = {
        Place.DOWNTOWN: 4.0,
        Place.RESIDENTIAL: 3.0,
        Place.INDUSTRIAL: 2.0,
        Place.HIGHWAY: 1.5,
        Place.PARK: 1.0,
    }
    warm_up_s: Annotated[float, Field(ge=5.0, le=300.0)] = 20.0
    radius_m: Annotated[float, Field(ge=30.0, le=300.0)] = 90.0

    @model_validator(mode="after")
    def _something_must_be_possible(self) -> Settings:
        for name in ("weather", "light", "place"):
            if sum(getattr(self, name).values()) <= 0.0:
                raise ValueError(f"{name}: at least one weight must be above 0")
        return self
