"""Weather, light and place: closed vocabularies, so that they can be checked, plus free text."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Weather(StrEnum):
    """What falls from or hides the sky."""

    CLEAR = "clear"
    OVERCAST = "overcast"
    RAIN = "rain"
    FOG = "fog"


class Light(StrEnum):
    """Where the sun is."""

    DAY = "day"
    DUSK = "dusk"
    NIGHT = "night"


class Place(StrEnum):
    """What stands beside the road."""

    DOWNTOWN = "downtown"
    RESIDENTIAL = "residential"
    INDUSTRIAL = "industrial"
    HIGHWAY = "highway"
    PARK = "park"


ClosedWord = Weather | Light | Place


@dataclass(frozen=True, kw_only=True)
class Ambience:
    """How the world looks, apart from who is in it. `text` is the user's own wording."""

    weather: Weather = Weather.CLEAR
    light: Light = Light.DAY
    place: Place = Place.DOWNTOWN
    text: str = ""
