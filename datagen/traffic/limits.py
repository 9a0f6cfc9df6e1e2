"""What a body can do: accelerations, jerk, steering. Everybody moves within these, whatever was asked for."""

from __future__ import annotations

from dataclasses import dataclass

from datagen.scene import Category, Group

INFEASIBLE_ACCEL_MPS2 = 10.4
"""Beyond it no road vehicle follows (Waymax, Gulino et al. 2023, kinematics infeasibility metric)."""
INFEASIBLE_CURVATURE = 0.3
"""1/m; the same metric's limit of steering."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one category does at most, and what it does at ease.

    comfort_mps2 brakes at ease, brake_mps2 in an emergency; lateral_mps2 in curves; curvature in 1/m and how fast
    the wheel turns it, 1/m per second.
    """

    accel_mps2: float = 2.2
    comfort_mps2: float = 2.5
    brake_mps2: float = 8.0
    jerk_mps3: float = 15.0
    lateral_mps2: float = 3.2
    curvature: float = 0.19
    curvature_rate: float = 0.25
    top_mps: float = 40.0


_HEAVY = Limits(
    accel_mps2=1.3, comfort_mps2=2.0, brake_mps2=6.5, jerk_mps3=12.0, lateral_mps2=2.4, curvature=0.14,
    curvature_rate=0.15, top_mps=34.0,
)  # fmt: skip
_LIMITS = {
    Category.TRUCK: _HEAVY,
    Category.BUS: _HEAVY,
    Category.BENDY_BUS: _HEAVY,
    Category.TRAILER: _HEAVY,
    Category.CONSTRUCTION_VEHICLE: Limits(
        accel_mps2=1.0, comfort_mps2=1.8, brake_mps2=5.0, jerk_mps3=10.0, lateral_mps2=2.0, curvature=0.14,
        curvature_rate=0.15, top_mps=12.0,
    ),
    Category.MOTORCYCLE: Limits(accel_mps2=3.5, brake_mps2=8.0, lateral_mps2=4.0, curvature=0.25, curvature_rate=0.4),
    Category.BICYCLE: Limits(
        accel_mps2=1.2, comfort_mps2=1.8, brake_mps2=4.5, lateral_mps2=2.5, curvature=0.28, curvature_rate=0.5,
        top_mps=10.0,
    ),
}  # fmt: skip


def limits_of(category: Category) -> Limits:
    """Return the limits of a category that drives."""
    return _LIMITS.get(category, Limits())


def drives(category: Category) -> bool:
    """Say whether a category moves as a vehicle does."""
    return category.group in (Group.VEHICLE, Group.CYCLE)


def walks(category: Category) -> bool:
    """Say whether a category moves on feet (or as freely as one that does)."""
    return category.group in (Group.PERSON, Group.ANIMAL)


def rear_axle_m(length_m: float) -> float:
    """Return how far the rear axle lies behind the middle of a body of this length."""
    return 0.29 * length_m
