"""What a description says about weather and light, in nuScenes' own wordings and in others."""

from __future__ import annotations

import pytest

from adapters.scene.nuscenes.words import ambience_of
from datagen.scene import Ambience, Light, Place, Weather


@pytest.mark.parametrize(
    ("text", "weather", "light"),
    [
        ("Parking lot, parked cars, jaywalker, bendy bus", Weather.CLEAR, Light.DAY),
        ("Night, after rain, many peds, PMD", Weather.OVERCAST, Light.NIGHT),
        ("Night, rain, peds in sidewalk", Weather.RAIN, Light.NIGHT),
        ("Heavy rain, wait at intersection", Weather.RAIN, Light.DAY),
        ("After rain, bus stop", Weather.OVERCAST, Light.DAY),
        ("Dusk in thick FOG", Weather.FOG, Light.DUSK),
        ("misty dawn", Weather.FOG, Light.DUSK),
        ("overcast, train crossing, brains", Weather.OVERCAST, Light.DAY),
        ("no rain, a sunny afternoon", Weather.CLEAR, Light.DAY),
        ("a dark van behind a clearing", Weather.CLEAR, Light.DAY),
    ],
)
def test_words_set_weather_and_light(text: str, weather: Weather, light: Light) -> None:
    ambience = ambience_of(text)
    assert (ambience.weather, ambience.light, ambience.text) == (weather, light, text)


def test_what_is_not_mentioned_stays() -> None:
    recorded = Ambience(weather=Weather.RAIN, light=Light.DUSK, place=Place.PARK, text="old")
    assert ambience_of("at night", default=recorded) == Ambience(
        weather=Weather.RAIN, light=Light.NIGHT, place=Place.PARK, text="at night"
    )
    assert ambience_of("  ", default=recorded) is recorded


def test_a_parking_lot_is_no_park() -> None:
    assert ambience_of("parking lot, parked cars").place is Place.DOWNTOWN
    assert ambience_of("beside a park").place is Place.PARK
