"""What came of driving, as a scene has it: trajectories of boxes' middles, and actors."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64

from datagen.scene import Actor, Trajectory
from datagen.traffic.limits import rear_axle_m
from datagen.traffic.motion import Motion
from datagen.traffic.role import Role
from datagen.traffic.script import STEP_S, WARM_UP_S


def driven(role: Role, motion: Motion, column: int, *, times: Int64[np.ndarray, "steps"]) -> Trajectory | None:
    """Return the trajectory of a vehicle, as long as it is on its route; None if it leaves before the clip.

    column: its place in the motion.  times: of the steps after the warm-up, in microseconds.
    """
    driver, first = role.driver, round(WARM_UP_S / STEP_S)
    assert driver is not None
    yaw = motion.yaw_rad[first:, column]
    rear = np.stack([motion.x_m[first:, column], motion.y_m[first:, column]], axis=-1)
    if role.body.id == "ego":
        return Trajectory.from_xyz_yaw(times, upright(rear, 0.0), yaw_rad=yaw)
    length = driver.size_lwh_m[0]
    left = motion.along_m[first:, column] < driver.route.line.length_m - 0.8 * length
    count = len(left) if left.all() else int(np.argmin(left))
    if count < 5:
        return None
    facing = np.stack([np.cos(yaw), np.sin(yaw)], axis=-1)
    middle = rear + rear_axle_m(length) * facing
    xyz = upright(middle[:count], driver.size_lwh_m[2] / 2)
    return Trajectory.from_xyz_yaw(times[:count], xyz, yaw_rad=yaw[:count])


def actor_of(role: Role, trajectory: Trajectory) -> Actor:
    """Return a role as the actor it is in a scene."""
    body = role.body
    return Actor(
        id=body.id,
        category=body.category,
        size_lwh_m=body.size_lwh_m,
        trajectory=trajectory,
        look=body.look,
        posture=role.posture,
        event=role.event,
    )


def upright(xy: Float[np.ndarray, "n 2"], z_m: float) -> Float[np.ndarray, "n 3"]:
    """Return points of the plane at one height."""
    return np.concatenate([xy, np.full((len(xy), 1), z_m)], axis=1)
