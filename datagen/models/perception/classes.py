"""What a pixel can be: the ten classes of the nuScenes detection task, the road, what is painted on it, and the rest.

As in that task, police cars, ambulances, animals, things on wheels and bicycle racks belong to no class: their pixels
are neither right nor wrong.
"""

from __future__ import annotations

from datagen.scene import Category

OBJECT_CLASSES: dict[str, tuple[Category, ...]] = {
    "car": (Category.CAR,),
    "truck": (Category.TRUCK,),
    "bus": (Category.BUS, Category.BENDY_BUS),
    "trailer": (Category.TRAILER,),
    "construction_vehicle": (Category.CONSTRUCTION_VEHICLE,),
    "pedestrian": (Category.ADULT, Category.CHILD, Category.CONSTRUCTION_WORKER, Category.POLICE_OFFICER),
    "motorcycle": (Category.MOTORCYCLE,),
    "bicycle": (Category.BICYCLE,),
    "traffic_cone": (Category.TRAFFIC_CONE,),
    "barrier": (Category.BARRIER,),
}
CLASSES = ("background", "road", "marking", *OBJECT_CLASSES)
BACKGROUND, ROAD, MARKING = range(3)
FIRST_OBJECT = 3
IGNORED = 255
"""Target of a pixel that counts for nothing."""

GROUPS: dict[str, tuple[str, ...]] = {
    "vehicle": ("car", "truck", "bus", "trailer", "construction_vehicle"),
    "person": ("pedestrian",),
    "cycle": ("motorcycle", "bicycle"),
    "object": ("traffic_cone", "barrier"),
}
"""What is measured together: a van seen as a truck is still a vehicle."""

_CLASS_OF = {
    category: FIRST_OBJECT + index for index, members in enumerate(OBJECT_CLASSES.values()) for category in members
}


def class_of(category: Category) -> int | None:
    """Return the index in CLASSES, or None for what the detection task leaves out."""
    return _CLASS_OF.get(category)
