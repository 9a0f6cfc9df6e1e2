"""How big somebody is and what colour: as the words say, else as on real roads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import numpy as np

from datagen.scene import Category, Group, Look

T = TypeVar("T")

COLORS: dict[str, tuple[float, float, float]] = {
    "white": (0.90, 0.90, 0.89),
    "black": (0.06, 0.06, 0.07),
    "grey": (0.45, 0.46, 0.47),
    "silver": (0.70, 0.71, 0.72),
    "red": (0.72, 0.08, 0.08),
    "blue": (0.10, 0.22, 0.60),
    "green": (0.10, 0.42, 0.18),
    "yellow": (0.93, 0.78, 0.10),
    "orange": (0.92, 0.45, 0.08),
    "brown": (0.36, 0.22, 0.13),
    "beige": (0.78, 0.71, 0.58),
    "purple": (0.38, 0.14, 0.48),
    "pink": (0.90, 0.50, 0.62),
    "turquoise": (0.10, 0.60, 0.62),
    "gold": (0.75, 0.60, 0.25),
}
"""Colours one can ask for, sRGB in [0, 1]."""

_CAR_COLORS = {"white": 0.30, "black": 0.20, "grey": 0.18, "silver": 0.12, "blue": 0.09, "red": 0.07, "green": 0.02,
               "beige": 0.02}  # fmt: skip
_CLOTHES = {"black": 0.25, "grey": 0.2, "blue": 0.2, "white": 0.1, "red": 0.08, "brown": 0.07, "green": 0.05,
            "beige": 0.05}  # fmt: skip
_OWN_COLORS = {
    Category.AMBULANCE: "white",
    Category.CONSTRUCTION_VEHICLE: "yellow",
    Category.CONSTRUCTION_WORKER: "orange",
    Category.POLICE_OFFICER: "blue",
    Category.POLICE: "white",
    Category.TRAFFIC_CONE: "orange",
    Category.BARRIER: "white",
    Category.ANIMAL: "brown",
}
_OWN_KIND_COLORS = {"taxi": "yellow", "fire_engine": "red", "school": "yellow"}
_KIND_SIZES = {
    "van": (5.3, 2.0, 2.3),
    "suv": (4.8, 1.95, 1.8),
    "hatchback": (4.1, 1.8, 1.5),
    "pickup": (5.6, 2.0, 1.9),
    "lorry": (9.0, 2.55, 3.6),
    "tanker": (9.0, 2.5, 3.4),
    "fire_engine": (8.5, 2.5, 3.3),
    "coach": (12.0, 2.9, 3.6),
}


def size_of(category: Category, kind: str, *, rng: np.random.Generator) -> tuple[float, float, float]:
    """Return a size near the typical one: length and height within 8 %, width within 4 %."""
    length, width, height = _KIND_SIZES.get(kind, category.typical_size_lwh_m)
    along, across, up = (min(max(float(draw), -0.08), 0.08) for draw in rng.normal(0.0, 0.04, 3))
    return round(length * (1 + along), 2), round(width * (1 + across / 2), 2), round(height * (1 + up), 2)


def look_of(category: Category, kind: str, *, color: str | None, rng: np.random.Generator) -> Look:
    """Return the look asked for; what was not said is drawn from what real streets show."""
    if kind not in category.kinds:
        kind = category.kinds[0]
    name = color or _OWN_KIND_COLORS.get(kind) or _OWN_COLORS.get(category)
    if name not in COLORS:
        shares = _CLOTHES if category.group in (Group.PERSON, Group.CYCLE) else _CAR_COLORS
        name = drawn(shares, rng=rng)
    tint = float(rng.uniform(0.93, 1.05))
    red, green, blue = (min(max(part * tint, 0.02), 0.97) for part in COLORS[name])
    return Look(color_rgb=(red, green, blue), kind=kind)


def usual_kind(category: Category, *, rng: np.random.Generator) -> str:
    """Return a kind as often as it is met: mostly the first ones."""
    return drawn(dict(zip(category.kinds, (0.42, 0.22, 0.2, 0.1, 0.06))), rng=rng)


def drawn(shares: Mapping[T, float], *, rng: np.random.Generator) -> T:
    """Return one of the keys, each as often as its share says; shares need not add up to 1."""
    point = float(rng.random()) * sum(shares.values())
    for key, share in shares.items():
        point -= share
        if point < 0.0:
            return key
    return list(shares)[-1]
