"""A label: what is true about one actor at one key frame. Always derived, never typed in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from datagen.scene.category import Category, Group
from datagen.scene.pose import SE3
from datagen.scene.scene import Actor, Posture

MOVING_MPS = 0.3
"""Slower than this is standing."""


class Attribute(StrEnum):
    """What a labelled thing does; at most one, of the right group."""

    VEHICLE_MOVING = "vehicle.moving"
    VEHICLE_STOPPED = "vehicle.stopped"
    VEHICLE_PARKED = "vehicle.parked"
    CYCLE_WITH_RIDER = "cycle.with_rider"
    CYCLE_WITHOUT_RIDER = "cycle.without_rider"
    PERSON_MOVING = "person.moving"
    PERSON_STANDING = "person.standing"
    PERSON_SITTING = "person.sitting"


@dataclass(frozen=True, kw_only=True)
class Label:
    """One box at one key frame.

    frame: index in the clip's timeline.  velocity_mps: in the world, (vx, vy).
    visible: share of the actor's pixels, over all cameras, that nothing hides, in [0, 1].
    lidar_points: returns of that frame's sweep inside the box.
    trust: how surely the pictures show it, from 0 to 1, as the judge says; None where nobody judged.
    """

    actor_id: str
    category: Category
    frame: int
    timestamp_us: int
    world_SE3_box: SE3
    size_lwh_m: tuple[float, float, float]
    velocity_mps: tuple[float, float]
    visible: float
    lidar_points: int
    attribute: Attribute | None
    trust: float | None = None


def attribute_of(actor: Actor, speed_mps: float) -> Attribute | None:
    """Return the attribute that an actor at `speed_mps` has, or None for groups that have none."""
    moving = speed_mps > MOVING_MPS
    match actor.category.group:
        case Group.VEHICLE if moving:
            return Attribute.VEHICLE_MOVING
        case Group.VEHICLE:
            parked = actor.posture is Posture.PARKED
            return Attribute.VEHICLE_PARKED if parked else Attribute.VEHICLE_STOPPED
        case Group.CYCLE:
            ridden = actor.posture is Posture.ACTIVE
            return Attribute.CYCLE_WITH_RIDER if ridden else Attribute.CYCLE_WITHOUT_RIDER
        case Group.PERSON if moving:
            return Attribute.PERSON_MOVING
        case Group.PERSON:
            sitting = actor.posture is Posture.SITTING
            return Attribute.PERSON_SITTING if sitting else Attribute.PERSON_STANDING
        case _:
            return None
