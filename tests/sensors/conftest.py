"""An empty plain with one camera or LiDAR on it, so that every figure can be checked by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from datagen.scene import (
    SE3,
    Actor,
    Ambience,
    Camera,
    Category,
    HDMap,
    Lidar,
    Look,
    Place,
    Rig,
    Scene,
    Trajectory,
)

NOW_US = 1_767_225_601_000_000
OPTICAL = SE3(quat_wxyz=np.array([0.5, -0.5, 0.5, -0.5]), translation_m=np.zeros(3))


@pytest.fixture
def camera() -> Camera:
    """A camera 1.5 m above the ego's origin looking ahead: 200 x 100 pixels, focal length 100 px."""
    return Camera(
        channel="CAM_FRONT",
        ego_SE3_cam=SE3.from_yaw(0.0, 0.0, 1.5, 0.0) @ OPTICAL,
        intrinsics_px=np.array([[100.0, 0.0, 100.0], [0.0, 100.0, 50.0], [0.0, 0.0, 1.0]]),
        width_px=200,
        height_px=100,
    )


@pytest.fixture
def lone_rig(camera: Camera) -> Rig:
    """That camera and an upright 32-beam LiDAR above it."""
    lidar = Lidar(
        channel="LIDAR_TOP",
        ego_SE3_lidar=SE3.from_yaw(0.0, 0.0, 1.84, -np.pi / 2),
        elevation_rad=np.deg2rad(np.linspace(-30.67, 10.67, 32)),
    )
    return Rig(name="lone", cameras=(camera,), lidar=lidar)


@pytest.fixture
def now_us() -> int:
    """An instant at which everything in these scenes is there."""
    return NOW_US


@pytest.fixture
def standing() -> Callable[..., Actor]:
    """Make an actor that stands still, x metres ahead of the ego."""
    return _standing


def _standing(
    name: str,
    *,
    x_m: float,
    y_m: float = 0.0,
    category: Category | str = Category.CAR,
    size_lwh_m: tuple[float, float, float] | None = None,
    yaw_rad: float = 0.0,
    kind: str | None = None,
    color_rgb: tuple[float, float, float] = (0.8, 0.1, 0.1),
    speed_mps: float = 0.0,
) -> Actor:
    category = Category(category)
    size = size_lwh_m or category.typical_size_lwh_m
    times = NOW_US + np.array([-2_000_000, -1_000_000, 0, 1_000_000, 2_000_000], dtype=np.int64)
    xyz = np.tile([100.0 + x_m, 100.0 + y_m, size[2] / 2], (5, 1))
    xyz[:, 0] += speed_mps * (times - NOW_US) / 1e6
    trajectory = Trajectory.from_xyz_yaw(times, xyz, yaw_rad=np.full(5, yaw_rad))
    look = Look(color_rgb=color_rgb, kind=kind or category.kinds[0])
    return Actor(id=name, category=category, size_lwh_m=size, trajectory=trajectory, look=look)


@pytest.fixture
def plain() -> Callable[..., Scene]:
    """Make a scene of an ego at (100, 100) looking along x, an empty map and the actors given."""

    def make(*actors: Actor, ambience: Ambience | None = None) -> Scene:
        times = NOW_US + np.array([-2_000_000, 0, 2_000_000], dtype=np.int64)
        ego = Trajectory.from_xyz_yaw(times, np.tile([100.0, 100.0, 0.0], (3, 1)), yaw_rad=np.zeros(3))
        return Scene(
            ego=ego,
            actors=actors,
            hdmap=HDMap(location="plain", canvas_m=(300.0, 300.0)),
            ambience=ambience or Ambience(place=Place.HIGHWAY),
            description="a plain",
        )

    return make
