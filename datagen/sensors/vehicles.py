"""From a vehicle's category and kind to its mesh."""

from __future__ import annotations

from datagen.scene import Actor, Category
from datagen.sensors.cars import car, police, taxi
from datagen.sensors.machines import construction_vehicle
from datagen.sensors.mesh import Mesh, linear
from datagen.sensors.trucks import ambulance, bus, trailer, truck


def vehicle(actor: Actor) -> Mesh:
    """Return the mesh of a vehicle, not yet fitted: standing on z = 0, x ahead."""
    size, color, kind = actor.size_lwh_m, linear(actor.look.color_rgb), actor.look.kind
    match actor.category:
        case Category.CAR if kind == "taxi":
            return taxi(size, color)
        case Category.CAR:
            return car(size, color, kind=kind)
        case Category.POLICE:
            return police(size, color)
        case Category.AMBULANCE:
            return ambulance(size, color)
        case Category.TRUCK:
            return truck(size, color, kind=kind)
        case Category.BUS | Category.BENDY_BUS:
            return bus(size, color, kind=kind)
        case Category.TRAILER:
            return trailer(size, color, kind=kind)
        case _:
            return construction_vehicle(size, color, kind=kind)
