"""From where SUMO says the front bumper is to how a body moves: no jumps in heading, no sideways slip.

A wheeled body is pulled by its front along the path and its rear axle follows (the tractrix, which is the
kinematic bicycle model with the steered wheel on the path). So headings are continuous by construction,
a body that stands keeps its heading, and a trailer is the same function again, pulled by the hitch:

```
      axle ●━━━━━━━━━━━━━━━━━● front      axle' = front' - wheelbase * unit(front' - axle)
            ╲  wheelbase     ╲ path
```
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d

from adapters.scene.sumo.fleet import Vehicle

STEP_S = 0.1
SMOOTHING_STEPS = 4.0
"""Sigma of the smoothing in time: SUMO's lanes are polylines and its speeds change in steps."""
AXLE_SHARE = 0.78
"""Of a vehicle's length lies between the front bumper and the rear axle."""


def smoothed(path_m: Float[np.ndarray, "steps 2"], *, sigma_steps: float = SMOOTHING_STEPS) -> Float[np.ndarray, "_ 2"]:
    """Return the path smoothed in time, continued evenly beyond its ends so that they stay in place."""
    pad = min(len(path_m) - 1, int(4 * sigma_steps))
    if pad < 1:
        return path_m
    before = 2 * path_m[0] - path_m[pad:0:-1]
    after = 2 * path_m[-1] - path_m[-2 : -pad - 2 : -1]
    padded = np.concatenate([before, path_m, after])
    return gaussian_filter1d(padded, sigma_steps, axis=0, mode="nearest")[pad:-pad]


def pulled(
    front_m: Float[np.ndarray, "steps 2"], *, wheelbase_m: float, start_yaw_rad: float
) -> Float[np.ndarray, "steps"]:
    """Return the heading (continuous, not wrapped) of a body whose front is pulled along a path."""
    axle_x = front_m[0, 0] - wheelbase_m * math.cos(start_yaw_rad)
    axle_y = front_m[0, 1] - wheelbase_m * math.sin(start_yaw_rad)
    yaw = np.empty(len(front_m))
    for step, (x, y) in enumerate(front_m.tolist()):
        heading = math.atan2(y - axle_y, x - axle_x)
        axle_x, axle_y = x - wheelbase_m * math.cos(heading), y - wheelbase_m * math.sin(heading)
        yaw[step] = heading
    return np.unwrap(yaw)


def behind(
    front_m: Float[np.ndarray, "steps 2"], yaw_rad: Float[np.ndarray, "steps"], *, by_m: float
) -> Float[np.ndarray, "steps 2"]:
    """Return the point `by_m` behind another along the heading."""
    return front_m - by_m * np.stack([np.cos(yaw_rad), np.sin(yaw_rad)], axis=-1)


def vehicle_poses(
    vehicle: Vehicle, front_m: Float[np.ndarray, "steps 2"], *, start_yaw_rad: float
) -> list[tuple[Float[np.ndarray, "steps 2"], Float[np.ndarray, "steps"]]]:
    """Return box centres and headings of a vehicle and, after it, of what it tows.

    front_m: smoothed positions of the front bumper.
    """
    length = vehicle.body.size_lwh_m[0]
    yaw = pulled(front_m, wheelbase_m=AXLE_SHARE * length, start_yaw_rad=start_yaw_rad)
    poses = [(behind(front_m, yaw, by_m=length / 2), yaw)]
    if vehicle.towed is not None:
        drawbar, towed = 0.65 * vehicle.hitch_gap_m, vehicle.towed.size_lwh_m[0]
        hitch = behind(front_m, yaw, by_m=length + vehicle.hitch_gap_m - drawbar)
        towed_yaw = pulled(hitch, wheelbase_m=drawbar + 0.72 * towed, start_yaw_rad=start_yaw_rad)
        poses.append((behind(hitch, towed_yaw, by_m=drawbar + towed / 2), towed_yaw))
    return poses


def is_feasible(
    position_m: Float[np.ndarray, "steps 2"],
    yaw_rad: Float[np.ndarray, "steps"],
    *,
    max_curvature_per_m: float = 0.3,
    max_acceleration_mps2: float = 10.4,
) -> bool:
    """Say whether a vehicle can move so; the limits are Waymax's (Gulino et al. 2023, kinematic infeasibility).

    Below 1 m/s curvature is taken against 1 m/s, as a ratio of two small numbers says nothing.
    """
    if len(position_m) < 3:
        return True
    speed = np.linalg.norm(np.gradient(position_m, STEP_S, axis=0), axis=1)
    curvature = np.abs(np.gradient(yaw_rad, STEP_S)) / np.maximum(speed, 1.0)
    acceleration = np.abs(np.gradient(speed, STEP_S))
    return bool(curvature.max() <= max_curvature_per_m and acceleration.max() <= max_acceleration_mps2)


def yaw_of_sumo(angle_deg: float) -> float:
    """Return our heading (radians, left of +x) of SUMO's (degrees, clockwise from north)."""
    return math.radians(90.0 - angle_deg)
