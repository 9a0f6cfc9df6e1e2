"""Who is on the road: breeds of vehicles and people, their sizes, kinds and colours.

A breed is what a recipe sets the density of; each individual drawn from it has its own size, kind and colour.
Sizes are close to nuScenes' class means, colours to what is sold (white, black and greys are three of four cars).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from datagen.scene import Category, Look, Place

RGB = tuple[float, float, float]

PAINT: tuple[tuple[float, RGB], ...] = (
    (0.26, (0.92, 0.92, 0.91)), (0.20, (0.07, 0.07, 0.08)), (0.17, (0.36, 0.37, 0.39)), (0.12, (0.68, 0.69, 0.70)),
    (0.09, (0.13, 0.24, 0.48)), (0.08, (0.60, 0.10, 0.10)), (0.03, (0.36, 0.25, 0.17)), (0.02, (0.16, 0.33, 0.21)),
    (0.02, (0.86, 0.48, 0.12)), (0.01, (0.88, 0.77, 0.16)),
)  # fmt: skip
HAULAGE: tuple[tuple[float, RGB], ...] = (
    (0.50, (0.93, 0.93, 0.92)), (0.12, (0.65, 0.66, 0.68)), (0.12, (0.14, 0.26, 0.52)), (0.10, (0.66, 0.13, 0.12)),
    (0.08, (0.20, 0.20, 0.22)), (0.08, (0.85, 0.67, 0.16)),
)  # fmt: skip
CLOTHES: tuple[tuple[float, RGB], ...] = (
    (0.26, (0.12, 0.12, 0.14)), (0.16, (0.17, 0.22, 0.36)), (0.14, (0.45, 0.45, 0.47)), (0.12, (0.85, 0.84, 0.82)),
    (0.10, (0.56, 0.15, 0.17)), (0.08, (0.42, 0.33, 0.22)), (0.06, (0.20, 0.38, 0.25)), (0.05, (0.80, 0.62, 0.20)),
    (0.03, (0.65, 0.35, 0.55)),
)  # fmt: skip
TAXI_YELLOW, SCHOOL_YELLOW, PLANT_YELLOW = (0.94, 0.76, 0.10), (0.92, 0.62, 0.08), (0.93, 0.68, 0.10)
HI_VIS = (0.85, 0.90, 0.15)
ORANGE = (0.95, 0.40, 0.06)
FIXED_COLORS: dict[tuple[Category, str], RGB] = {
    (Category.CAR, "taxi"): TAXI_YELLOW,
    (Category.BUS, "school"): SCHOOL_YELLOW,
    (Category.TRUCK, "fire_engine"): (0.75, 0.06, 0.06),
    (Category.AMBULANCE, "plain"): (0.95, 0.95, 0.93),
    (Category.POLICE, "plain"): (0.10, 0.11, 0.16),
    (Category.POLICE_OFFICER, "plain"): (0.10, 0.13, 0.25),
    (Category.CONSTRUCTION_WORKER, "plain"): HI_VIS,
    (Category.TRAFFIC_CONE, "plain"): ORANGE,
}


@dataclass(frozen=True, kw_only=True)
class Breed:
    """One sort of vehicle.

    kinds: weights by kind (size factors by kind lie in `_KIND_SIZES`).  sumo_class: whose lanes it may use.
    hauls: category, length and hitch gap (metres) of what it pulls.
    """

    category: Category
    kinds: dict[str, float]
    size_lwh_m: tuple[float, float, float]
    sumo_class: str
    accel_mps2: float = 2.2
    decel_mps2: float = 4.0
    max_speed_mps: float = 40.0
    hauls: tuple[Category, float, float] | None = None


BREEDS: dict[str, Breed] = {
    "car": Breed(
        category=Category.CAR, kinds={"sedan": 0.36, "hatchback": 0.16, "suv": 0.30, "van": 0.12, "taxi": 0.06},
        size_lwh_m=(4.6, 1.9, 1.65), sumo_class="passenger", accel_mps2=2.4, decel_mps2=4.2,
    ),
    "truck": Breed(
        category=Category.TRUCK,
        kinds={"pickup": 0.42, "box": 0.30, "lorry": 0.17, "tanker": 0.08, "fire_engine": 0.03},
        size_lwh_m=(7.0, 2.45, 2.9), sumo_class="truck", accel_mps2=1.3,
    ),
    "trailer": Breed(
        category=Category.TRUCK, kinds={"lorry": 1.0}, size_lwh_m=(6.4, 2.5, 3.2), sumo_class="truck",
        accel_mps2=1.0, max_speed_mps=22.0, hauls=(Category.TRAILER, 10.5, 1.5),
    ),
    "bus": Breed(
        category=Category.BUS, kinds={"city": 0.72, "coach": 0.18, "school": 0.10}, size_lwh_m=(11.2, 2.75, 3.3),
        sumo_class="bus", accel_mps2=1.2, max_speed_mps=22.0,
    ),
    "bendy_bus": Breed(
        category=Category.BENDY_BUS, kinds={"plain": 1.0}, size_lwh_m=(9.2, 2.75, 3.3), sumo_class="bus",
        accel_mps2=1.1, max_speed_mps=20.0, hauls=(Category.BENDY_BUS, 7.6, 1.3),
    ),
    "construction_vehicle": Breed(
        category=Category.CONSTRUCTION_VEHICLE, kinds={"loader": 0.6, "excavator": 0.2, "roller": 0.2},
        size_lwh_m=(6.2, 2.5, 3.1), sumo_class="truck", accel_mps2=1.0, max_speed_mps=8.0,
    ),
    "ambulance": Breed(
        category=Category.AMBULANCE, kinds={"plain": 1.0}, size_lwh_m=(6.0, 2.2, 2.7), sumo_class="passenger",
    ),
    "police": Breed(
        category=Category.POLICE, kinds={"plain": 1.0}, size_lwh_m=(4.9, 1.9, 1.6), sumo_class="passenger",
    ),
    "motorcycle": Breed(
        category=Category.MOTORCYCLE, kinds={"plain": 1.0}, size_lwh_m=(2.1, 0.8, 1.5), sumo_class="motorcycle",
        accel_mps2=3.0, decel_mps2=5.0,
    ),
    "bicycle": Breed(
        category=Category.BICYCLE, kinds={"plain": 1.0}, size_lwh_m=(1.75, 0.6, 1.65), sumo_class="bicycle",
        accel_mps2=1.0, decel_mps2=3.0, max_speed_mps=6.5,
    ),
}  # fmt: skip

_KIND_SIZES: dict[str, tuple[float, float, float]] = {
    "hatchback": (0.89, 0.95, 0.93), "sedan": (1.02, 0.97, 0.91), "suv": (1.02, 1.03, 1.06), "van": (1.12, 1.06, 1.22),
    "taxi": (1.03, 0.98, 0.95), "pickup": (0.79, 0.83, 0.66), "box": (0.98, 0.97, 1.03), "lorry": (1.06, 1.0, 1.08),
    "tanker": (1.25, 1.0, 1.06), "fire_engine": (1.2, 1.0, 1.07), "coach": (1.07, 1.0, 1.05),
    "school": (0.95, 0.95, 0.93), "excavator": (1.05, 1.05, 1.05), "roller": (0.85, 0.85, 0.9),
}  # fmt: skip

PEOPLE: dict[Category, float] = {
    Category.ADULT: 0.88, Category.CHILD: 0.07, Category.CONSTRUCTION_WORKER: 0.01, Category.POLICE_OFFICER: 0.01,
    Category.PERSONAL_MOBILITY: 0.02, Category.WHEELCHAIR: 0.01,
}  # fmt: skip
"""How often a person on the pavement is of which category. Strollers and dogs come with an adult."""

WALKING_MPS: dict[Category, float] = {
    Category.ADULT: 1.35, Category.CHILD: 1.1, Category.CONSTRUCTION_WORKER: 1.2, Category.POLICE_OFFICER: 1.2,
    Category.PERSONAL_MOBILITY: 2.6, Category.WHEELCHAIR: 1.0,
}  # fmt: skip

PLACE_FACTORS: dict[Place, dict[str, float]] = {
    Place.DOWNTOWN: {"pedestrian": 1.5, "bus": 1.3, "bendy_bus": 1.5},
    Place.RESIDENTIAL: {"car": 0.8, "truck": 0.7, "trailer": 0.4, "bus": 0.7},
    Place.INDUSTRIAL: {"truck": 2.2, "trailer": 2.5, "construction_vehicle": 3.0, "pedestrian": 0.5, "bicycle": 0.6},
    Place.HIGHWAY: {"car": 1.2, "truck": 1.6, "trailer": 2.0, "pedestrian": 0.2, "bicycle": 0.2, "motorcycle": 1.3},
    Place.PARK: {"car": 0.8, "truck": 0.6, "trailer": 0.4, "pedestrian": 1.2, "bicycle": 2.0},
}


@dataclass(frozen=True, kw_only=True)
class Body:
    """One box with its looks."""

    category: Category
    size_lwh_m: tuple[float, float, float]
    look: Look


@dataclass(frozen=True, kw_only=True)
class Vehicle:
    """An individual: its body, and what it pulls at `hitch_gap_m` behind its rear face."""

    id: str
    breed: str
    body: Body
    towed: Body | None = None
    hitch_gap_m: float = 0.0

    @property
    def length_m(self) -> float:
        """From the front bumper to the very end."""
        towed = self.towed.size_lwh_m[0] if self.towed else 0.0
        return self.body.size_lwh_m[0] + self.hitch_gap_m + towed


@dataclass(frozen=True, kw_only=True)
class Walker:
    """A person who walks on the pavement, and what goes along (a stroller ahead, a child or a dog beside)."""

    id: str
    body: Body
    speed_mps: float
    companion: Body | None = None


def draw_vehicle(name: str, breed: str, *, rng: np.random.Generator) -> Vehicle:
    """Draw an individual of a breed."""
    kin = BREEDS[breed]
    kind = str(rng.choice(list(kin.kinds), p=_shares(list(kin.kinds.values()))))
    body = draw_body(kin.category, kind=kind, rng=rng, mean_lwh_m=kin.size_lwh_m)
    if kin.hauls is None:
        return Vehicle(id=name, breed=breed, body=body)
    category, length, gap = kin.hauls
    return Vehicle(
        id=name, breed=breed, body=body, towed=_towed(category, length, pulled_by=body, rng=rng), hitch_gap_m=gap
    )


def draw_walker(name: str, *, rng: np.random.Generator) -> Walker:
    """Draw a person on foot, sometimes with company."""
    category = list(PEOPLE)[rng.choice(len(PEOPLE), p=_shares(list(PEOPLE.values())))]
    speed = WALKING_MPS[category] * float(rng.uniform(0.8, 1.2))
    companion = None
    if category is Category.ADULT and rng.random() < 0.08:
        with_them = [Category.STROLLER, Category.CHILD, Category.ANIMAL][rng.choice(3, p=[0.4, 0.4, 0.2])]
        companion = draw_body(with_them, rng=rng)
        speed = min(speed, 1.25)
    return Walker(id=name, body=draw_body(category, rng=rng), speed_mps=speed, companion=companion)


def draw_body(
    category: Category,
    *,
    rng: np.random.Generator,
    kind: str | None = None,
    mean_lwh_m: tuple[float, float, float] | None = None,
) -> Body:
    """Draw a box and a look of a category, scattered a few percent around its mean size."""
    kind = kind or category.kinds[0]
    mean = np.array(mean_lwh_m or category.typical_size_lwh_m) * np.array(_KIND_SIZES.get(kind, (1.0, 1.0, 1.0)))
    size = mean * np.clip(rng.normal(1.0, [0.04, 0.025, 0.035]), 0.88, 1.12)
    look = Look(color_rgb=draw_color(category, kind=kind, rng=rng), kind=kind)
    return Body(category=category, size_lwh_m=_rounded(size), look=look)


def draw_color(category: Category, *, kind: str, rng: np.random.Generator) -> RGB:
    """Draw a main colour; some things have only one."""
    if (category, kind) in FIXED_COLORS:
        base = FIXED_COLORS[category, kind]
    elif category is Category.CONSTRUCTION_VEHICLE:
        base = PLANT_YELLOW if rng.random() < 0.75 else ORANGE
    elif category is Category.BARRIER:
        base = ((0.90, 0.55, 0.12), (0.88, 0.88, 0.86), (0.62, 0.61, 0.58))[rng.choice(3)]
    else:
        palette = _palette(category)
        base = palette[rng.choice(len(palette), p=_shares([share for share, _ in palette]))][1]
    color = np.clip(np.array(base) + rng.normal(0.0, 0.015, 3), 0.02, 0.98)
    return _rounded(color)


def _palette(category: Category) -> tuple[tuple[float, RGB], ...]:
    if category in {Category.TRUCK, Category.BUS, Category.BENDY_BUS, Category.TRAILER}:
        return HAULAGE
    people = {Category.ADULT, Category.CHILD, Category.PERSONAL_MOBILITY, Category.WHEELCHAIR, Category.STROLLER}
    return CLOTHES if category in people else PAINT


def _towed(category: Category, length_m: float, *, pulled_by: Body, rng: np.random.Generator) -> Body:
    _, width, height = pulled_by.size_lwh_m
    bus = category is Category.BENDY_BUS
    size = _rounded(np.array([length_m * rng.uniform(0.92, 1.08), width, height if bus else rng.uniform(3.3, 3.9)]))
    kind = "plain" if bus else str(rng.choice(category.kinds, p=[0.75, 0.25]))
    color = pulled_by.look.color_rgb if bus else draw_color(category, kind=kind, rng=rng)
    return Body(category=category, size_lwh_m=size, look=Look(color_rgb=color, kind=kind))


def _rounded(values: np.ndarray) -> tuple[float, float, float]:
    x, y, z = (round(float(value), 3) for value in values)
    return x, y, z


def _shares(weights: list[float]) -> np.ndarray:
    return np.array(weights) / sum(weights)
