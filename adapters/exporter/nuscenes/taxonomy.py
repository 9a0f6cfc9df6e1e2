"""Our words for what things are and do, and nuScenes' words for the same: the only place that knows both.

Read by the exporter (ours → theirs) and by whoever reads a nuScenes-format log (theirs → ours).
Source: the nuScenes schema and annotator instructions (nuscenes-devkit, docs/) and the devkit's
`category_to_detection_name` and `detection_name_to_rel_attributes`; the descriptions are our own words.
"""

from __future__ import annotations

from datagen.scene import Attribute, Category, Group

CATEGORY_NAMES: dict[Category, str] = {
    Category.ADULT: "human.pedestrian.adult",
    Category.CHILD: "human.pedestrian.child",
    Category.WHEELCHAIR: "human.pedestrian.wheelchair",
    Category.STROLLER: "human.pedestrian.stroller",
    Category.PERSONAL_MOBILITY: "human.pedestrian.personal_mobility",
    Category.POLICE_OFFICER: "human.pedestrian.police_officer",
    Category.CONSTRUCTION_WORKER: "human.pedestrian.construction_worker",
    Category.ANIMAL: "animal",
    Category.CAR: "vehicle.car",
    Category.MOTORCYCLE: "vehicle.motorcycle",
    Category.BICYCLE: "vehicle.bicycle",
    Category.BENDY_BUS: "vehicle.bus.bendy",
    Category.BUS: "vehicle.bus.rigid",
    Category.TRUCK: "vehicle.truck",
    Category.CONSTRUCTION_VEHICLE: "vehicle.construction",
    Category.AMBULANCE: "vehicle.emergency.ambulance",
    Category.POLICE: "vehicle.emergency.police",
    Category.TRAILER: "vehicle.trailer",
    Category.BARRIER: "movable_object.barrier",
    Category.TRAFFIC_CONE: "movable_object.trafficcone",
    Category.PUSHABLE: "movable_object.pushable_pullable",
    Category.DEBRIS: "movable_object.debris",
    Category.BICYCLE_RACK: "static_object.bicycle_rack",
}
"""Category → nuScenes name, in the order of nuScenes' own table."""

CATEGORIES: dict[str, Category] = {name: category for category, name in CATEGORY_NAMES.items()}
"""nuScenes name → Category."""

CATEGORY_DESCRIPTIONS: dict[Category, str] = {
    Category.ADULT: "A grown person on foot.",
    Category.CHILD: "A child on foot.",
    Category.WHEELCHAIR: "A wheelchair, with whoever sits in it.",
    Category.STROLLER: "A stroller, with whoever sits in it.",
    Category.PERSONAL_MOBILITY: "A skateboard, scooter, segway or the like, with its upright rider.",
    Category.POLICE_OFFICER: "A police officer on foot.",
    Category.CONSTRUCTION_WORKER: "A person working at a construction site.",
    Category.ANIMAL: "An animal of any kind.",
    Category.CAR: "A personal vehicle: sedan, hatchback, SUV, van, taxi.",
    Category.MOTORCYCLE: "A motorcycle, moped or scooter, with its rider if it has one.",
    Category.BICYCLE: "A bicycle, with its rider if it has one.",
    Category.BENDY_BUS: "One rigid section of an articulated bus.",
    Category.BUS: "A rigid bus or coach for more than ten people.",
    Category.TRUCK: "A vehicle for cargo: pickup, lorry, semi tractor.",
    Category.CONSTRUCTION_VEHICLE: "A vehicle for construction work: excavator, loader, crane.",
    Category.AMBULANCE: "An ambulance.",
    Category.POLICE: "A police vehicle.",
    Category.TRAILER: "A trailer, of a truck or car.",
    Category.BARRIER: "A temporary road barrier, one element of it.",
    Category.TRAFFIC_CONE: "A traffic cone.",
    Category.PUSHABLE: "A thing to push or pull: dolley, wheelbarrow, bin, shopping cart.",
    Category.DEBRIS: "A thing left on the road that is too large to drive over.",
    Category.BICYCLE_RACK: "A rack for bicycles, with the bicycles in it.",
}

ATTRIBUTE_NAMES: dict[Attribute, str] = {
    Attribute.VEHICLE_MOVING: "vehicle.moving",
    Attribute.VEHICLE_STOPPED: "vehicle.stopped",
    Attribute.VEHICLE_PARKED: "vehicle.parked",
    Attribute.CYCLE_WITH_RIDER: "cycle.with_rider",
    Attribute.CYCLE_WITHOUT_RIDER: "cycle.without_rider",
    Attribute.PERSON_SITTING: "pedestrian.sitting_lying_down",
    Attribute.PERSON_STANDING: "pedestrian.standing",
    Attribute.PERSON_MOVING: "pedestrian.moving",
}
"""Attribute → nuScenes name, in the order of nuScenes' own table."""

ATTRIBUTES: dict[str, Attribute] = {name: attribute for attribute, name in ATTRIBUTE_NAMES.items()}
"""nuScenes name → Attribute."""

ATTRIBUTE_DESCRIPTIONS: dict[Attribute, str] = {
    Attribute.VEHICLE_MOVING: "The vehicle moves.",
    Attribute.VEHICLE_STOPPED: "The vehicle stands, with a driver who means to move.",
    Attribute.VEHICLE_PARKED: "The vehicle stands, and nobody is about to move it.",
    Attribute.CYCLE_WITH_RIDER: "Somebody rides the bicycle or motorcycle.",
    Attribute.CYCLE_WITHOUT_RIDER: "Nobody is on the bicycle or motorcycle.",
    Attribute.PERSON_SITTING: "The person sits or lies.",
    Attribute.PERSON_STANDING: "The person stands.",
    Attribute.PERSON_MOVING: "The person moves.",
}

VISIBILITY_LEVELS: dict[str, tuple[str, float]] = {
    "1": ("v0-40", 0.4),
    "2": ("v40-60", 0.6),
    "3": ("v60-80", 0.8),
    "4": ("v80-100", 1.0),
}
"""Visibility token → (level, upper end of the visible share)."""

DETECTION_NAMES: dict[Category, str] = {
    Category.CAR: "car",
    Category.TRUCK: "truck",
    Category.BUS: "bus",
    Category.BENDY_BUS: "bus",
    Category.TRAILER: "trailer",
    Category.CONSTRUCTION_VEHICLE: "construction_vehicle",
    Category.ADULT: "pedestrian",
    Category.CHILD: "pedestrian",
    Category.CONSTRUCTION_WORKER: "pedestrian",
    Category.POLICE_OFFICER: "pedestrian",
    Category.MOTORCYCLE: "motorcycle",
    Category.BICYCLE: "bicycle",
    Category.TRAFFIC_CONE: "traffic_cone",
    Category.BARRIER: "barrier",
}
"""Category → the detection task's class; what is missing here is not scored."""

_ATTRIBUTE_FAMILIES: dict[Group, tuple[str, ...]] = {
    Group.VEHICLE: ("vehicle",),
    Group.CYCLE: ("cycle",),
    Group.PERSON: ("pedestrian",),
    Group.ANIMAL: (),
    Group.OBJECT: (),
}
_RIDDEN = (Category.PERSONAL_MOBILITY, Category.STROLLER, Category.WHEELCHAIR)


def visibility_token(visible: float) -> str:
    """Return the token ("1" to "4") of a visible share in [0, 1]; a share on a border takes the lower level."""
    return next((token for token, (_, upper) in VISIBILITY_LEVELS.items() if visible <= upper), "4")


def visible_share(token: str) -> float:
    """Return the middle of a visibility level, or 1.0 for a token that says nothing (logs may leave it empty)."""
    if token not in VISIBILITY_LEVELS:
        return 1.0
    upper = VISIBILITY_LEVELS[token][1]
    lower = max((end for _, end in VISIBILITY_LEVELS.values() if end < upper), default=0.0)
    return (lower + upper) / 2


def attribute_fits(attribute_name: str, category_name: str) -> bool:
    """Say whether a thing of this category may have this attribute (both nuScenes names).

    People who ride on wheels may be told apart as persons or as cycles.
    """
    category = CATEGORIES.get(category_name)
    if category is None or attribute_name not in ATTRIBUTES:
        return False
    families = _ATTRIBUTE_FAMILIES[category.group] + (("cycle",) if category in _RIDDEN else ())
    return attribute_name.split(".", maxsplit=1)[0] in families
