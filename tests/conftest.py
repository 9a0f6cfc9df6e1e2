"""What many rooms' tests need: array shapes checked at run time, a small street, and where real data lies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from jaxtyping import install_import_hook

for room in ("scene", "ports", "traffic", "roads", "sensors"):
    install_import_hook(f"datagen.{room}", "beartype.beartype")

from datagen.scene import (  # noqa: E402
    SE3,
    Actor,
    Ambience,
    Area,
    Boundary,
    Camera,
    Category,
    Divider,
    DividerKind,
    HDMap,
    Lane,
    Lidar,
    Look,
    Paint,
    Polygon,
    Posture,
    Prompt,
    Rig,
    Scene,
    Trajectory,
)

REPO = Path(__file__).resolve().parent.parent
DATA = REPO.parent / "shared" / "data"
START_US = 1_767_225_600_000_000
TIMES_US = START_US + np.arange(0, 5_000_001, 100_000, dtype=np.int64)


@pytest.fixture(scope="session")
def nuscenes_mini() -> Path:
    """Real nuScenes-mini tables; the test is skipped where they are not."""
    root = DATA / "nuscenes-mini"
    if not root.is_dir():
        pytest.skip("real data is not beside the repository (../shared/data/nuscenes-mini)")
    return root


@pytest.fixture
def prompt() -> Prompt:
    """An ordinary prompt."""
    return Prompt(id="p0", index=0, text="day, a van ahead", seed=7, duration_s=4.0)


@pytest.fixture
def street_map() -> HDMap:
    """A straight road of two lanes each way along x, from x = 0 to 240, its middle at y = 50, with a crossing."""
    return HDMap(
        location="test-street",
        canvas_m=(240.0, 100.0),
        lanes=(
            straight_lane("east_left", y_m=48.25, forward=True, right="east_right"),
            straight_lane("east_right", y_m=44.75, forward=True, left="east_left"),
            straight_lane("west_left", y_m=51.75, forward=False, right="west_right"),
            straight_lane("west_right", y_m=55.25, forward=False, left="west_left"),
        ),
        dividers=(
            Divider(id="middle", line_m=along(50.0), kind=DividerKind.ROAD, paint=Paint.DOUBLE_YELLOW),
            Divider(id="east", line_m=along(46.5), kind=DividerKind.LANE),
            Divider(id="west", line_m=along(53.5), kind=DividerKind.LANE),
        ),
        boundaries=(Boundary(id="south", line_m=along(43.0)), Boundary(id="north", line_m=along(57.0))),
        crossings=(Area(id="zebra", polygon=rectangle(130.0, 43.0, 134.0, 57.0)),),
        walkways=(
            Area(id="walk_south", polygon=rectangle(0.0, 40.0, 240.0, 43.0)),
            Area(id="walk_north", polygon=rectangle(0.0, 57.0, 240.0, 60.0)),
        ),
        drivable=(Area(id="road", polygon=rectangle(0.0, 43.0, 240.0, 57.0)),),
    )


@pytest.fixture
def street(street_map: HDMap) -> Scene:
    """Five seconds on the street: the ego follows a van at 10 m/s among one actor of every detection class."""
    ego = moving(x_m=80.0, y_m=44.75, z_m=0.0, speed_mps=10.0)
    actors = (
        actor(
            "van", Category.CAR, x_m=100.0, y_m=44.75, speed_mps=10.0, look=Look(color_rgb=(0.9, 0.9, 0.9), kind="van")
        ),
        actor("truck", Category.TRUCK, x_m=112.0, y_m=48.25, speed_mps=9.0),
        actor("bus", Category.BUS, x_m=170.0, y_m=51.75, speed_mps=-8.0),
        actor("trailer", Category.TRAILER, x_m=70.0, y_m=48.25, speed_mps=9.0),
        actor("digger", Category.CONSTRUCTION_VEHICLE, x_m=120.0, y_m=58.6, speed_mps=0.0),
        actor("parked", Category.CAR, x_m=105.0, y_m=55.6, speed_mps=0.0, posture=Posture.PARKED),
        actor("motorcycle", Category.MOTORCYCLE, x_m=92.0, y_m=48.0, speed_mps=11.0),
        actor("bicycle", Category.BICYCLE, x_m=95.0, y_m=43.8, speed_mps=5.0),
        actor("walker", Category.ADULT, x_m=110.0, y_m=41.5, speed_mps=1.4),
        actor("waiting", Category.CHILD, x_m=129.0, y_m=42.5, speed_mps=0.0),
        actor("barrier", Category.BARRIER, x_m=115.0, y_m=57.5, speed_mps=0.0),
        actor("cone", Category.TRAFFIC_CONE, x_m=108.0, y_m=43.3, speed_mps=0.0),
    )
    return Scene(ego=ego, actors=actors, hdmap=street_map, ambience=Ambience(), description="a straight street")


@pytest.fixture
def nuscenes_rig() -> Rig:
    """Six cameras at nuScenes' angles (rounded), 224x128 pixels, and a 32-beam LiDAR."""
    places = {
        "CAM_FRONT_LEFT": (1.52, 0.49, 55.0, 176.0),
        "CAM_FRONT": (1.70, 0.02, 0.0, 176.0),
        "CAM_FRONT_RIGHT": (1.55, -0.49, -55.0, 176.0),
        "CAM_BACK_RIGHT": (1.01, -0.48, -110.0, 176.0),
        "CAM_BACK": (0.03, 0.0, 180.0, 113.0),
        "CAM_BACK_LEFT": (1.04, 0.48, 110.0, 176.0),
    }
    cameras = tuple(
        Camera(
            channel=channel,
            ego_SE3_cam=SE3.from_yaw(x, y, 1.55, float(np.deg2rad(yaw))) @ optical(),
            intrinsics_px=np.array([[focal, 0.0, 112.0], [0.0, focal, 66.0], [0.0, 0.0, 1.0]]),
            width_px=224,
            height_px=128,
        )
        for channel, (x, y, yaw, focal) in places.items()
    )
    lidar = Lidar(
        channel="LIDAR_TOP",
        ego_SE3_lidar=SE3.from_yaw(0.94, 0.0, 1.84, float(-np.pi / 2)),
        elevation_rad=np.deg2rad(np.linspace(-30.67, 10.67, 32)),
    )
    return Rig(name="test", cameras=cameras, lidar=lidar)


def optical() -> SE3:
    """Turn an upright frame (x ahead, z up) into a camera's (z ahead, y down)."""
    return SE3(quat_wxyz=np.array([0.5, -0.5, 0.5, -0.5]), translation_m=np.zeros(3))


def along(y_m: float) -> np.ndarray:
    """Return a line along x at `y_m`, with a point every 10 m."""
    x = np.arange(0.0, 240.1, 10.0)
    return np.stack([x, np.full_like(x, y_m)], axis=-1)


def rectangle(x0: float, y0: float, x1: float, y1: float) -> Polygon:
    """Return an axis-aligned rectangle."""
    return Polygon(exterior_m=np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]))


def straight_lane(name: str, *, y_m: float, forward: bool, left: str | None = None, right: str | None = None) -> Lane:
    """Return a lane 3.5 m wide along x, or against it."""
    flip = slice(None) if forward else slice(None, None, -1)
    half = 1.75 if forward else -1.75
    return Lane(
        id=name,
        center_m=along(y_m)[flip],
        left_m=along(y_m + half)[flip],
        right_m=along(y_m - half)[flip],
        left_neighbor=left,
        right_neighbor=right,
    )


def moving(*, x_m: float, y_m: float, z_m: float, speed_mps: float) -> Trajectory:
    """Return a straight run along x; a negative speed runs, and looks, towards -x."""
    seconds = (TIMES_US - START_US) / 1e6
    xyz = np.stack([x_m + speed_mps * seconds, np.full_like(seconds, y_m), np.full_like(seconds, z_m)], axis=-1)
    yaw = np.full_like(seconds, np.pi if speed_mps < 0 else 0.0)
    return Trajectory.from_xyz_yaw(TIMES_US, xyz, yaw_rad=yaw)


def actor(
    name: str,
    category: Category,
    *,
    x_m: float,
    y_m: float,
    speed_mps: float,
    look: Look | None = None,
    posture: Posture = Posture.ACTIVE,
) -> Actor:
    """Return an actor of typical size on a straight run."""
    size = category.typical_size_lwh_m
    return Actor(
        id=name,
        category=category,
        size_lwh_m=size,
        trajectory=moving(x_m=x_m, y_m=y_m, z_m=size[2] / 2, speed_mps=speed_mps),
        look=look or Look(color_rgb=(0.2, 0.4, 0.7), kind=category.kinds[0]),
        posture=posture,
    )
