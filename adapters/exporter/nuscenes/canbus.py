"""CAN bus poses: how the ego moved, fifty times a second, as `NuScenesCanBus` reads them.

A pose message holds `utime`, `pos` and `orientation` in the map's frame, and `vel`, `accel` and
`rotation_rate` in the vehicle's own. As in nuScenes, `vel` is the speed ahead alone, and `accel` is what an
inertial unit feels: standing still it reads 9.8 m/s² upwards.

Positions are the ego's trajectory itself, the same that the ego poses hold; derivatives are those of the
smooth curve through its knots. nuScenes' other messages (wheel speeds, steering wheel, pedals, routes) belong
to a real vehicle's parts that we do not simulate: they are left out rather than invented.
Source: nuscenes-devkit, `can_bus/README.md`.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int64
from scipy.interpolate import CubicSpline
from scipy.spatial.transform import Rotation, RotationSpline

from datagen.scene import Clip, Trajectory

PERIOD_US = 20_000
GRAVITY_MPS2 = 9.81


def write_can_bus(scene_name: str, clip: Clip, folder: Path) -> None:
    """Write `<folder>/can_bus/<scene_name>_pose.json` for the time the clip covers.

    scene_name: `scene-` and four digits, or the devkit will not read it.
    """
    times = clip.timeline.timestamp_us
    utime = np.unique(np.append(np.arange(times[0], times[-1], PERIOD_US), times[-1]))
    messages = pose_messages(clip.scene.ego, utime)
    (folder / "can_bus").mkdir(exist_ok=True)
    (folder / "can_bus" / f"{scene_name}_pose.json").write_text(json.dumps(messages), encoding="utf-8")


def pose_messages(ego: Trajectory, utime: Int64[np.ndarray, "times"]) -> list[dict[str, int | list[float]]]:
    """Return a pose message for each time."""
    translation, quat = ego.at(utime)
    velocity, acceleration, rate = _derivatives(ego, utime)
    vehicle_SO3_world = Rotation.from_quat(np.roll(quat, -1, axis=-1)).inv()
    ahead = vehicle_SO3_world.apply(velocity) * [1.0, 0.0, 0.0]
    felt = vehicle_SO3_world.apply(acceleration + np.array([0.0, 0.0, GRAVITY_MPS2]))
    return [
        {
            "accel": felt[index].tolist(),
            "orientation": quat[index].tolist(),
            "pos": translation[index].tolist(),
            "rotation_rate": rate[index].tolist(),
            "utime": int(time),
            "vel": ahead[index].tolist(),
        }
        for index, time in enumerate(utime)
    ]


def _derivatives(
    ego: Trajectory, utime: Int64[np.ndarray, "times"]
) -> tuple[Float[np.ndarray, "times 3"], Float[np.ndarray, "times 3"], Float[np.ndarray, "times 3"]]:
    """Return velocity and acceleration in the world, and the turn rate in the vehicle's frame.

    They come from cubic splines through the trajectory's knots; outside of these the ego stands.
    """
    knots = ego.timestamp_us
    zero = np.zeros((len(utime), 3))
    if len(knots) < 2:
        return zero, zero, zero
    knots_s, times_s = (knots - knots[0]) / 1e6, (np.clip(utime, knots[0], knots[-1]) - knots[0]) / 1e6
    inside = ((utime >= knots[0]) & (utime <= knots[-1]))[:, None]
    curve = CubicSpline(knots_s, ego.translation_m, bc_type="natural" if len(knots) < 4 else "not-a-knot")
    turn = RotationSpline(knots_s, Rotation.from_quat(np.roll(ego.quat_wxyz, -1, axis=-1)))
    velocity, acceleration, rate = curve(times_s, 1), curve(times_s, 2), turn(times_s, order=1)
    return np.where(inside, velocity, 0.0), np.where(inside, acceleration, 0.0), np.where(inside, rate, 0.0)
