"""How a scene looks and what one says about it, in the manner of nuScenes' own descriptions.

    "Night, rain, turn left, peds on crosswalk, parked cars, truck"

Weather and light are drawn unless the prompt's words settle them; everything else is read off the scene.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

import numpy as np
import shapely

from datagen.scene import Actor, Ambience, Category, Group, HDMap, Light, Place, Posture, Trajectory, Weather
from datagen.scene.label import MOVING_MPS

Word = TypeVar("Word", bound=StrEnum)

WEATHER_WORDS: dict[str, Weather] = {
    "rain": Weather.RAIN, "rainy": Weather.RAIN, "raining": Weather.RAIN, "wet": Weather.RAIN, "fog": Weather.FOG,
    "foggy": Weather.FOG, "mist": Weather.FOG, "overcast": Weather.OVERCAST, "cloudy": Weather.OVERCAST,
    "clear": Weather.CLEAR, "sunny": Weather.CLEAR,
}  # fmt: skip
LIGHT_WORDS: dict[str, Light] = {
    "night": Light.NIGHT, "dark": Light.NIGHT, "dusk": Light.DUSK, "dawn": Light.DUSK, "evening": Light.DUSK,
    "sunset": Light.DUSK, "day": Light.DAY, "daytime": Light.DAY, "noon": Light.DAY, "sunny": Light.DAY,
}  # fmt: skip
PLACE_WORDS: dict[str, Place] = {
    "downtown": Place.DOWNTOWN, "city": Place.DOWNTOWN, "urban": Place.DOWNTOWN, "residential": Place.RESIDENTIAL,
    "suburb": Place.RESIDENTIAL, "suburban": Place.RESIDENTIAL, "industrial": Place.INDUSTRIAL,
    "highway": Place.HIGHWAY, "motorway": Place.HIGHWAY, "freeway": Place.HIGHWAY, "park": Place.PARK,
}  # fmt: skip
TURN_RAD = 0.8
NEAR_M = 40.0
MENTIONED: dict[Category, str] = {
    Category.BUS: "bus", Category.BENDY_BUS: "bendy bus", Category.TRUCK: "truck", Category.TRAILER: "trailer",
    Category.MOTORCYCLE: "motorcycle", Category.BICYCLE: "bicycle",
    Category.CONSTRUCTION_VEHICLE: "construction vehicle",
    Category.AMBULANCE: "ambulance", Category.POLICE: "police car", Category.BARRIER: "barriers",
    Category.TRAFFIC_CONE: "cones", Category.CONSTRUCTION_WORKER: "workers", Category.CHILD: "child",
    Category.STROLLER: "stroller", Category.WHEELCHAIR: "wheelchair", Category.PERSONAL_MOBILITY: "personal mobility",
    Category.ANIMAL: "dog",
}  # fmt: skip


def asked_for(text: str, words: Mapping[str, Word]) -> Word | None:
    """Return what the first known word of a text stands for, if there is one."""
    found = [words[word] for word in re.findall(r"[a-z]+", text.lower()) if word in words]
    return found[0] if found else None


def draw(weights: Mapping[Word, float], *, rng: np.random.Generator) -> Word:
    """Draw a word by weight. The order in which a recipe lists them does not matter."""
    known = sorted(word for word in weights if weights[word] > 0.0)
    shares = np.array([weights[word] for word in known])
    return known[int(rng.choice(len(known), p=shares / shares.sum()))]


def draw_ambience(
    text: str,
    *,
    place: Place,
    weather: Mapping[Weather, float],
    light: Mapping[Light, float],
    rng: np.random.Generator,
) -> Ambience:
    """Return the ambience of a scene; the words of the prompt go before the weights."""
    drawn_weather, drawn_light = draw(weather, rng=rng), draw(light, rng=rng)
    return Ambience(
        weather=asked_for(text, WEATHER_WORDS) or drawn_weather,
        light=asked_for(text, LIGHT_WORDS) or drawn_light,
        place=place,
        text=text,
    )


def describe(ego: Trajectory, *, actors: Sequence[Actor], hdmap: HDMap, ambience: Ambience) -> str:
    """Return what happens, as a person who annotates drives would put it."""
    times = np.arange(ego.start_us, ego.end_us + 1, 500_000)
    near = [actor for actor in actors if _comes_near(actor, ego=ego, times_us=times)]
    parts = [*_look(ambience), *_driving(ego, hdmap=hdmap, times_us=times), *_people(near, hdmap=hdmap, times_us=times)]
    parked = sum(actor.posture is Posture.PARKED and actor.category is Category.CAR for actor in near)
    if parked > 2:
        parts.append("parked cars")
    driving = sum(actor.category is Category.CAR and actor.posture is Posture.ACTIVE for actor in near)
    if driving > 14:
        parts.append("dense traffic")
    counts = Counter(actor.category for actor in near)
    parts += [name for category, name in MENTIONED.items() if counts[category]]
    text = ", ".join(dict.fromkeys(parts))
    return text[:1].upper() + text[1:]


def _look(ambience: Ambience) -> list[str]:
    light = [] if ambience.light is Light.DAY else [ambience.light.value]
    weather = [] if ambience.weather is Weather.CLEAR else [ambience.weather.value]
    return light + weather


def _driving(ego: Trajectory, *, hdmap: HDMap, times_us: np.ndarray) -> list[str]:
    """Say what the ego does: waits, turns or goes straight, at an intersection or not."""
    where = ego.at(times_us)[0][:, :2]
    speeds = np.linalg.norm(ego.velocity_mps(times_us), axis=1)
    junctions = shapely.union_all([shapely.Polygon(area.polygon.exterior_m) for area in hdmap.junctions])
    inside = shapely.contains_xy(junctions, where)
    ahead = shapely.distance(junctions, shapely.points(where)) < 25.0
    yaw = np.unwrap(ego.yaw_rad)
    turned = yaw[-1] - yaw[0]
    parts = ["wait at intersection"] if ((speeds < MOVING_MPS) & ahead).sum() >= 4 else []
    if abs(turned) > TURN_RAD:
        parts.append("turn left" if turned > 0 else "turn right")
    elif inside.any():
        parts.append("cross intersection")
    elif ahead.any():
        parts.append("arrive at intersection")
    else:
        parts.append("go straight")
    return parts


def _people(near: Sequence[Actor], *, hdmap: HDMap, times_us: np.ndarray) -> list[str]:
    """Say where people are."""
    people = [actor for actor in near if actor.category.group is Group.PERSON]
    if not people:
        return []
    zebras = shapely.union_all([shapely.Polygon(area.polygon.exterior_m) for area in hdmap.crossings])
    shapely.prepare(zebras)
    crossing = any(shapely.contains_xy(zebras, _places(actor, times_us)).any() for actor in people)
    return ["peds on crosswalk"] * crossing + ["peds on sidewalk" if len(people) < 12 else "many peds"]


def _places(actor: Actor, times_us: np.ndarray) -> np.ndarray:
    there = times_us[actor.trajectory.covers(times_us)]
    return actor.trajectory.at(there)[0][:, :2]


def _comes_near(actor: Actor, *, ego: Trajectory, times_us: np.ndarray) -> bool:
    there = times_us[actor.trajectory.covers(times_us)]
    apart = actor.trajectory.at(there)[0][:, :2] - ego.at(there)[0][:, :2]
    return bool(len(there)) and float(np.linalg.norm(apart, axis=1).min()) < NEAR_M
