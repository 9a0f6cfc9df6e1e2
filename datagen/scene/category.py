"""What an actor can be: a closed list, with a typical size and the kinds each category comes in.

The names are ours; adapters translate them to those of a dataset's taxonomy.
"""

from __future__ import annotations

from enum import StrEnum


class Group(StrEnum):
    """What moves alike and is drawn alike."""

    VEHICLE = "vehicle"
    CYCLE = "cycle"
    PERSON = "person"
    ANIMAL = "animal"
    OBJECT = "object"


class Category(StrEnum):
    """The class of an actor; as fine as the finest taxonomy we export to."""

    CAR = "car"
    TRUCK = "truck"
    BUS = "bus"
    BENDY_BUS = "bendy_bus"
    TRAILER = "trailer"
    CONSTRUCTION_VEHICLE = "construction_vehicle"
    AMBULANCE = "ambulance"
    POLICE = "police"
    MOTORCYCLE = "motorcycle"
    BICYCLE = "bicycle"
    ADULT = "adult"
    CHILD = "child"
    CONSTRUCTION_WORKER = "construction_worker"
    POLICE_OFFICER = "police_officer"
    PERSONAL_MOBILITY = "personal_mobility"
    STROLLER = "stroller"
    WHEELCHAIR = "wheelchair"
    ANIMAL = "animal"
    BARRIER = "barrier"
    TRAFFIC_CONE = "traffic_cone"
    PUSHABLE = "pushable"
    DEBRIS = "debris"
    BICYCLE_RACK = "bicycle_rack"

    @property
    def group(self) -> Group:
        """What moves alike and is drawn alike."""
        return _GROUPS[self]

    @property
    def typical_size_lwh_m(self) -> tuple[float, float, float]:
        """Length, width and height of an ordinary one, metres (close to the class means of nuScenes)."""
        return _SIZES_LWH_M[self]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The looks it comes in; the first is the ordinary one."""
        return _KINDS.get(self, ("plain",))


_PEOPLE = (
    Category.ADULT,
    Category.CHILD,
    Category.CONSTRUCTION_WORKER,
    Category.POLICE_OFFICER,
    Category.PERSONAL_MOBILITY,
    Category.STROLLER,
    Category.WHEELCHAIR,
)
_OBJECTS = (
    Category.BARRIER,
    Category.TRAFFIC_CONE,
    Category.PUSHABLE,
    Category.DEBRIS,
    Category.BICYCLE_RACK,
)
_GROUPS: dict[Category, Group] = {
    **dict.fromkeys(Category, Group.VEHICLE),
    **dict.fromkeys(_PEOPLE, Group.PERSON),
    **dict.fromkeys(_OBJECTS, Group.OBJECT),
    Category.MOTORCYCLE: Group.CYCLE,
    Category.BICYCLE: Group.CYCLE,
    Category.ANIMAL: Group.ANIMAL,
}
_SIZES_LWH_M: dict[Category, tuple[float, float, float]] = {
    Category.CAR: (4.6, 1.9, 1.7),
    Category.TRUCK: (7.0, 2.5, 2.9),
    Category.BUS: (11.2, 2.9, 3.5),
    Category.BENDY_BUS: (9.2, 2.9, 3.3),
    Category.TRAILER: (12.3, 2.9, 3.9),
    Category.CONSTRUCTION_VEHICLE: (6.4, 2.8, 3.2),
    Category.AMBULANCE: (6.0, 2.2, 2.7),
    Category.POLICE: (4.9, 1.9, 1.6),
    Category.MOTORCYCLE: (2.1, 0.8, 1.5),
    Category.BICYCLE: (1.7, 0.6, 1.6),
    Category.ADULT: (0.7, 0.7, 1.75),
    Category.CHILD: (0.5, 0.5, 1.3),
    Category.CONSTRUCTION_WORKER: (0.7, 0.7, 1.75),
    Category.POLICE_OFFICER: (0.7, 0.7, 1.8),
    Category.PERSONAL_MOBILITY: (1.1, 0.6, 1.75),
    Category.STROLLER: (1.0, 0.6, 1.1),
    Category.WHEELCHAIR: (1.1, 0.7, 1.4),
    Category.ANIMAL: (0.8, 0.35, 0.6),
    Category.BARRIER: (0.5, 2.5, 1.0),
    Category.TRAFFIC_CONE: (0.4, 0.4, 1.07),
    Category.PUSHABLE: (0.7, 0.6, 1.05),
    Category.DEBRIS: (0.9, 0.9, 0.6),
    Category.BICYCLE_RACK: (3.0, 1.8, 1.2),
}
_KINDS: dict[Category, tuple[str, ...]] = {
    Category.CAR: ("sedan", "hatchback", "suv", "van", "taxi"),
    Category.TRUCK: ("box", "pickup", "lorry", "tanker", "fire_engine"),
    Category.BUS: ("city", "coach", "school"),
    Category.TRAILER: ("box", "flatbed"),
    Category.CONSTRUCTION_VEHICLE: ("excavator", "loader", "roller"),
}
