"""Plans as people ask for them: a scene, now and then a road, one to three who do something, often the ego."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from datagen.models.planner.notation import IN_SI, Units
from datagen.scene import Category, Group, Light, Place, Weather
from datagen.scene.plan import EGO_DOES, Manoeuvre, Plan, PlanAbsent, PlanActor, PlanAmbience, PlanRoad, can_do

SIDED = {
    "lane_change", "cut_in", "cut_out", "merge", "overtake", "turn", "swerve", "pull_over", "pull_out", "park",
    "parked", "cross", "jaywalk", "run_out", "walk", "walk_in_group",
}  # fmt: skip
"""Manoeuvres that people say a side of."""
FAST = {"constant_speed", "keep_lane", "accelerate", "brake", "oncoming", "overtake"}
"""Manoeuvres that people say a speed of."""
SLOW = {"walk", "cross", "jaywalk"}
"""Manoeuvres on foot, where a speed is a pace."""
HARDLY = {"brake", "accelerate", "cut_in", "lane_change", "swerve", "merge", "overtake", "pull_out", "turn"}
"""Manoeuvres that can be said to be done hard."""
ALWAYS_HARD = {"run_out"}
_FIRST_WHO = {
    Category.CAR: 30, Category.TRUCK: 12, Category.BUS: 6, Category.MOTORCYCLE: 7, Category.BICYCLE: 8,
    Category.ADULT: 14, Category.CHILD: 6,
}  # fmt: skip
_KMH = (5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 60, 70, 80, 90, 100, 110, 120, 130)
_METRES = (2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80)


def draw_plan(rng: np.random.Generator, *, units: Units) -> Plan:
    """Return a plan such as people ask for; its numbers are round in `units`. What is left out is not drawn here."""
    road = PlanRoad(
        lanes=int(rng.integers(1, 5)) if rng.random() < 0.1 else 2,
        curve=_pick(rng, ("left", "right")) if rng.random() < 0.06 else None,
        crossing=rng.random() < 0.12,
        junction=rng.random() < 0.15,
    )
    ambience = PlanAmbience(
        weather=_often(rng, 0.55, Weather.CLEAR, list(Weather)),
        light=_often(rng, 0.5, Light.DAY, list(Light)),
        place=_often(rng, 0.7, Place.DOWNTOWN, list(Place)),
    )
    ego = _acts(rng, sorted(EGO_DOES), units, most=2) if rng.random() < 0.35 else ()
    actors = tuple(_actor(rng, units) for _ in range(int(rng.choice([0, 1, 2, 3], p=[0.06, 0.52, 0.3, 0.12]))))
    density = _often(rng, 0.8, "normal", ["empty", "light", "heavy"])
    absent = PlanAbsent(**{field: bool(rng.random() < 0.03) for field in PlanAbsent.model_fields})
    return Plan(ambience=ambience, road=road, density=density, absent=absent, ego=ego, actors=actors)


def _actor(rng: np.random.Generator, units: Units) -> PlanActor:
    categories, weights = list(Category), np.array([_FIRST_WHO.get(one, 1) for one in Category], float)
    category = categories[int(rng.choice(len(categories), p=weights / weights.sum()))]
    driver = category.group in (Group.VEHICLE, Group.CYCLE)
    place: dict[str, Any] = {}
    draw = rng.random()
    if driver and draw < 0.3:
        place["where"] = _pick(rng, ("ahead", "ahead", "behind", "left", "right", "opposite"))
    elif driver and draw < 0.4:
        place["lane"] = _pick(rng, ("own", "left", "right"))
    if rng.random() < 0.15:
        place["gap_m"] = _length(rng, units)
    if driver and rng.random() < 0.05:
        place["state"] = "standing"
    allowed = sorted(can_do(category))
    acts = _acts(rng, allowed, units, most=2) if rng.random() < 0.95 else ()
    return PlanActor(
        category=category,
        kind=_often(rng, 0.55, "plain", [kind for kind in category.kinds if kind != "plain"] or ["plain"]),
        color=_pick(rng, _COLORS) if driver and rng.random() < 0.25 else None,
        count=int(rng.integers(2, 9)) if rng.random() < 0.15 else 1,
        manoeuvres=acts,
        **place,
    )


_COLORS = ("white", "white", "black", "grey", "silver", "red", "blue", "green", "yellow", "orange", "brown", "beige",
           "purple", "pink", "turquoise", "gold")  # fmt: skip


def _acts(rng: np.random.Generator, allowed: Sequence[str], units: Units, *, most: int) -> tuple[Manoeuvre, ...]:
    count = 1 if len(allowed) == 1 else int(rng.choice(range(1, most + 1), p=[0.78, 0.22][:most]))
    chosen = [allowed[int(i)] for i in rng.choice(len(allowed), size=min(count, len(allowed)), replace=False)]
    return tuple(_act(rng, do, units) for do in chosen)


def _act(rng: np.random.Generator, do: str, units: Units) -> Manoeuvre:
    said: dict[str, Any] = {"do": do}
    if do in SIDED and rng.random() < (0.9 if do == "turn" else 0.6):
        said["side"] = _pick(rng, ("left", "right"))
    if do in FAST and rng.random() < 0.35:
        said["speed_mps"] = _speed(rng, units)
    if do in ALWAYS_HARD or (do in HARDLY and rng.random() < 0.25):
        said["hard"] = True
    if rng.random() < 0.15:
        trigger = _pick(rng, ("at_s", "at_s", "when_gap_below_m", "when_ego_at_m"))
        drawn = {"at_s": float(rng.integers(1, 8)), "when_gap_below_m": _length(rng, units)}
        said[trigger] = drawn.get(trigger, float(rng.integers(1, 13) * 10) * IN_SI["length"][units.length])
    if do in ("cut_in", "merge", "tailgate", "follow", "cross", "run_out") and rng.random() < 0.2:
        said["gap_m"] = _length(rng, units)
    if do in ("wait", "accelerate", "stop_and_go", "reverse", "tailgate", "lane_change") and rng.random() < 0.12:
        said["takes_s"] = float(rng.integers(1, 7))
    return Manoeuvre(**said)


def _speed(rng: np.random.Generator, units: Units) -> float:
    kmh = float(_pick(rng, _KMH))
    if units.speed == "km/h":
        return kmh / 3.6
    if units.speed == "mph":
        return float(min(round(kmh / 1.6 / 5) * 5 or 5, 85)) * IN_SI["speed"]["mph"]
    return float(max(1, round(kmh / 3.6)))


def _length(rng: np.random.Generator, units: Units) -> float:
    factor = IN_SI["length"][units.length]
    fitting = [value for value in (*_METRES, 100, 150, 200) if 2.0 <= value * factor <= 80.0]
    return float(_pick(rng, fitting)) * factor


def _pick(rng: np.random.Generator, choices: Sequence[Any]) -> Any:
    return choices[int(rng.integers(len(choices)))]


def _often(rng: np.random.Generator, share: float, usual: Any, others: Sequence[Any]) -> Any:
    return usual if rng.random() < share else _pick(rng, others)
