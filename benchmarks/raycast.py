"""Frames per second of the ray-caster, and where the time goes: tracing rays, or shading what they meet.

    OMP_NUM_THREADS=1 python benchmarks/raycast.py

One process films a street of forty actors with six cameras of 224 x 128 pixels, by weather and light. Figures are
per core: processor time of this process, so that what else the machine does is not counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import cv2
import numpy as np

from datagen.scene import (
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
    Light,
    Look,
    Paint,
    Polygon,
    Scene,
    Trajectory,
    Weather,
)
from datagen.sensors.render import Painter
from datagen.sensors.world import Soup, World

FRAMES = 6
T = TypeVar("T")
TIMES_US = np.arange(0, 5_000_001, 100_000, dtype=np.int64)
AMBIENCES = (
    Ambience(),
    Ambience(weather=Weather.OVERCAST),
    Ambience(light=Light.NIGHT),
    Ambience(weather=Weather.RAIN, light=Light.NIGHT),
)


def main() -> None:
    """Print one line per ambience."""
    cv2.setNumThreads(1)
    print(f"{'weather':10}{'light':8}{'world s':>8}{'frames/s':>10}{'trace %':>9}{'shade %':>9}")
    for ambience in AMBIENCES:
        build_s, frame_s, trace_s = _timed(street(ambience))
        share = 100 * trace_s / frame_s
        print(
            f"{ambience.weather:10}{ambience.light:8}{build_s:8.2f}{1 / frame_s:10.2f}{share:9.0f}{100 - share:9.0f}",
            flush=True,
        )


def _timed(scene: Scene) -> tuple[float, float, float]:
    """Return seconds for the world, for one six-view frame, and of those for tracing."""
    start = time.process_time()
    world = World(scene, seed=1)
    painter = Painter(world)
    build_s = time.process_time() - start
    spent = [0.0]
    _clocked(world.static, spent)
    start = time.process_time()
    for frame in range(FRAMES):
        timestamp_us = int(frame * 250_000)
        snapshot, ego = world.at(timestamp_us), scene.ego.pose_at(timestamp_us)
        _clocked(snapshot.moving, spent)
        for camera in cameras():
            painter.picture(snapshot, camera, world_SE3_ego=ego)
    return build_s, (time.process_time() - start) / FRAMES, spent[0] / FRAMES


def _clocked(soup: Soup, spent: list[float]) -> None:
    """Make every ray cast at a soup add its processor time to the list's only item."""

    def timed(cast: Callable[..., T]) -> Callable[..., T]:
        def run(*rays: np.ndarray) -> T:
            start = time.process_time()
            found = cast(*rays)
            spent[0] += time.process_time() - start
            return found

        return run

    vars(soup).update(trace=timed(soup.trace), blocks=timed(soup.blocks))


def street(ambience: Ambience) -> Scene:
    """Return a road of four lanes with parked, driving and walking actors."""
    rng = np.random.default_rng(0)
    actors = [_actor(f"car{i}", Category.CAR, x=20.0 + 11 * i, y=55.9, speed=0.0, rng=rng) for i in range(20)]
    actors += [_actor(f"ahead{i}", Category.CAR, x=95.0 + 14 * i, y=48.2, speed=9.0, rng=rng) for i in range(8)]
    actors += [_actor(f"walker{i}", Category.ADULT, x=60.0 + 9 * i, y=41.6, speed=1.3, rng=rng) for i in range(10)]
    actors += [_actor("bus", Category.BUS, x=105.0, y=51.7, speed=-8.0, rng=rng)]
    actors += [_actor("truck", Category.TRUCK, x=110.0, y=44.7, speed=9.0, rng=rng)]
    x = np.linspace(0.0, 240.0, 25)
    lines = [(50.0, DividerKind.ROAD, Paint.DOUBLE_YELLOW), (46.5, DividerKind.LANE, Paint.DASHED_WHITE)]
    hdmap = HDMap(
        location="bench",
        canvas_m=(240.0, 100.0),
        dividers=tuple(
            Divider(id=f"d{i}", line_m=np.stack([x, 0 * x + y], axis=-1), kind=kind, paint=paint)
            for i, (y, kind, paint) in enumerate(lines)
        ),
        boundaries=tuple(Boundary(id=f"b{y}", line_m=np.stack([x, 0 * x + y], axis=-1)) for y in (43.0, 57.0)),
        crossings=(Area(id="zebra", polygon=_rectangle(130.0, 43.0, 134.0, 57.0)),),
        walkways=(
            Area(id="south", polygon=_rectangle(0.0, 40.0, 240.0, 43.0)),
            Area(id="north", polygon=_rectangle(0.0, 57.0, 240.0, 60.0)),
        ),
        drivable=(Area(id="road", polygon=_rectangle(0.0, 43.0, 240.0, 57.0)),),
    )
    ego = _motion(80.0, 44.75, 0.0, 10.0)
    return Scene(ego=ego, actors=tuple(actors), hdmap=hdmap, ambience=ambience, description="bench")


def cameras() -> tuple[Camera, ...]:
    """Return six cameras at nuScenes' angles."""
    optical = SE3(quat_wxyz=np.array([0.5, -0.5, 0.5, -0.5]), translation_m=np.zeros(3))
    angles = ((55, 176.0), (0, 176.0), (-55, 176.0), (-110, 176.0), (180, 113.0), (110, 176.0))
    return tuple(
        Camera(
            channel=f"CAM_{angle}",
            ego_SE3_cam=SE3.from_yaw(1.0, 0.0, 1.55, float(np.deg2rad(angle))) @ optical,
            intrinsics_px=np.array([[focal, 0.0, 112.0], [0.0, focal, 66.0], [0.0, 0.0, 1.0]]),
            width_px=224,
            height_px=128,
        )
        for angle, focal in angles
    )


def _actor(name: str, category: Category, *, x: float, y: float, speed: float, rng: np.random.Generator) -> Actor:
    size = category.typical_size_lwh_m
    red, green, blue = rng.uniform(0.05, 0.95, size=3)
    kind = category.kinds[int(rng.integers(len(category.kinds)))]
    trajectory = _motion(x, y, size[2] / 2, speed)
    look = Look(color_rgb=(float(red), float(green), float(blue)), kind=kind)
    return Actor(id=name, category=category, size_lwh_m=size, trajectory=trajectory, look=look)


def _motion(x_m: float, y_m: float, z_m: float, speed_mps: float) -> Trajectory:
    along = x_m + speed_mps * TIMES_US / 1e6
    xyz = np.stack([along, 0 * along + y_m, 0 * along + z_m], axis=-1)
    return Trajectory.from_xyz_yaw(TIMES_US, xyz, yaw_rad=0 * along + (np.pi if speed_mps < 0 else 0.0))


def _rectangle(x0: float, y0: float, x1: float, y1: float) -> Polygon:
    return Polygon(exterior_m=np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]))


if __name__ == "__main__":
    main()
