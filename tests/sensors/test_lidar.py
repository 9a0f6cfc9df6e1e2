from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from datagen.scene import Ambience, Place, Weather
from datagen.sensors.lidar import pulses, sweep
from datagen.sensors.world import World


def swept(scene, rig, now_us: int, *, seed: int = 0) -> np.ndarray:
    return sweep(
        World(scene, seed=1).at(now_us),
        rig.lidar,
        world_SE3_ego=scene.ego.pose_at(now_us),
        rng=np.random.default_rng(seed),
    )


def noiseless(rig):
    return replace(rig, lidar=replace(rig.lidar, range_noise_m=0.0))


def test_a_sweep_is_float32_with_rings_and_intensities_in_range(plain, standing, lone_rig, now_us: int) -> None:
    points = swept(plain(standing("car", x_m=15.0)), lone_rig, now_us)
    assert points.dtype == np.float32
    assert points.shape[1] == 5
    assert set(np.unique(points[:, 4])) <= set(range(32))
    assert points[:, 3].min() >= 0 and points[:, 3].max() <= 255
    assert 15_000 < len(points) < 32 * 1084


def test_ring_0_is_the_lowest_beam_and_meets_the_ground_where_geometry_says(plain, lone_rig, now_us: int) -> None:
    points = swept(plain(), noiseless(lone_rig), now_us)
    lowest = points[points[:, 4] == 0]
    # 1.84 m up, 30.67 degrees down: 1.84 / tan(30.67) = 3.103 m away.
    assert np.hypot(lowest[:, 0], lowest[:, 1]) == pytest.approx(3.103, abs=0.01)
    assert lowest[:, 2] == pytest.approx(-1.84, abs=0.001)


def test_points_are_in_the_lidars_own_frame(plain, standing, lone_rig, now_us: int) -> None:
    # The LiDAR is turned by -90 degrees: ahead is its y axis.
    wall = standing("wall", x_m=10.0, category="bus", size_lwh_m=(0.4, 6.0, 6.0))
    points = swept(plain(wall), noiseless(lone_rig), now_us)
    high = points[points[:, 2] > 1.0]
    assert np.abs(high[:, 1] - 9.9).max() < 0.15
    assert np.abs(high[:, 0]).max() < 3.05


def test_range_noise_has_the_sigma_of_the_rig(plain, standing, lone_rig, now_us: int) -> None:
    points = swept(plain(), lone_rig, now_us)
    lowest = points[points[:, 4] == 0]
    distance = np.linalg.norm(lowest[:, :3].astype(float), axis=1)
    assert distance.std() == pytest.approx(0.02, rel=0.15)


def test_the_same_seed_gives_the_same_bytes(plain, standing, lone_rig, now_us: int) -> None:
    scene = plain(standing("car", x_m=15.0))
    assert swept(scene, lone_rig, now_us).tobytes() == swept(scene, lone_rig, now_us).tobytes()
    assert swept(scene, lone_rig, now_us, seed=1).tobytes() != swept(scene, lone_rig, now_us).tobytes()


def test_fog_swallows_returns(plain, lone_rig, now_us: int) -> None:
    foggy = plain(ambience=Ambience(weather=Weather.FOG, place=Place.HIGHWAY))
    far = [
        int((np.linalg.norm(swept(scene, lone_rig, now_us)[:, :2], axis=1) > 30).sum()) for scene in (foggy, plain())
    ]
    assert far[0] < 0.6 * far[1]


def test_every_pulse_of_a_turn_is_a_unit_vector(lone_rig) -> None:
    directions, ring = pulses(lone_rig.lidar)
    assert directions.shape == (32 * 1084, 3)
    assert np.linalg.norm(directions, axis=1) == pytest.approx(1.0)
    assert np.rad2deg(np.arcsin(directions[ring == 31][:, 2])) == pytest.approx(10.67)
