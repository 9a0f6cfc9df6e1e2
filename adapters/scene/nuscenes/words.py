"""A few words of a scene's description → Ambience: nuScenes writes weather and light into free text.

"Night, after rain, many peds" is a night on which no rain falls any more: "after rain" is overcast. What the
words do not mention stays as it was.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from datagen.scene import Ambience, Light, Place, Weather

Word = TypeVar("Word", Weather, Light, Place)

WEATHER: Mapping[str, Weather] = {
    r"after (the |heavy |light )?rain|rain (has )?stopped": Weather.OVERCAST,
    r"no rain|without rain": Weather.CLEAR,
    r"fog|foggy|mist|misty|haze|hazy": Weather.FOG,
    r"rain|rains|raining|rainy|drizzle|drizzling|showers?|downpour|thunderstorm|storm|stormy": Weather.RAIN,
    r"overcast|cloudy|clouded|gr[ea]y sky": Weather.OVERCAST,
    r"clear (sky|skies|weather|day|night|morning|evening)|sunny|sunshine|sun": Weather.CLEAR,
}
LIGHT: Mapping[str, Light] = {
    r"dusk|dawn|twilight|sunset|sunrise|evening": Light.DUSK,
    r"night|nights|nighttime|night-time|midnight|in the dark|darkness": Light.NIGHT,
    r"day|daytime|daylight|noon|midday|morning|afternoon": Light.DAY,
}
PLACE: Mapping[str, Place] = {
    r"highway|motorway|freeway|expressway": Place.HIGHWAY,
    r"residential|suburb|suburban|suburbs": Place.RESIDENTIAL,
    r"industrial|warehouses?|factory|factories": Place.INDUSTRIAL,
    r"park|nature|forest|countryside": Place.PARK,
    r"downtown|city cent(re|er)": Place.DOWNTOWN,
}


def ambience_of(text: str, *, default: Ambience | None = None) -> Ambience:
    """Return the ambience a text speaks of; what it does not mention stays as in `default`.

    text: any wording, kept in the result unless it is blank. Of several words the first listed above wins.
    """
    ambience = default or Ambience()
    if not text.strip():
        return ambience
    return replace(
        ambience,
        weather=_first(WEATHER, text, ambience.weather),
        light=_first(LIGHT, text, ambience.light),
        place=_first(PLACE, text, ambience.place),
        text=text,
    )


def _first(table: Mapping[str, Word], text: str, default: Word) -> Word:
    found = (word for pattern, word in table.items() if re.search(rf"\b({pattern})\b", text, re.IGNORECASE))
    return next(found, default)
