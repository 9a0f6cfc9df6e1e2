from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from datagen.scene import Category, Group, Trajectory
from datagen.sensors.actors import Puppet, mesh_of
from datagen.sensors.mesh import Material

LOOKS = [(category, kind) for category in Category for kind in category.kinds]


@pytest.mark.parametrize(("category", "kind"), LOOKS)
def test_a_mesh_lies_inside_its_box_and_touches_its_height(standing, category: Category, kind: str) -> None:
    actor = standing("a", x_m=10.0, category=category, kind=kind)
    points = mesh_of(actor).triangles_m.reshape(-1, 3)
    half = np.array(actor.size_lwh_m) / 2
    assert (np.abs(points) <= half + 1e-5).all()
    assert points[:, 2].min() == pytest.approx(-half[2], abs=1e-5)
    assert points[:, 2].max() > 0.96 * half[2]
    if category.group is not Group.PERSON:
        assert (np.ptp(points, axis=0) > 0.98 * 2 * half).all()


def test_the_track_colour_is_what_most_of_a_car_is_painted(standing) -> None:
    mesh = mesh_of(standing("a", x_m=10.0, color_rgb=(1.0, 0.0, 0.0)))
    paint = mesh.albedo_rgb[mesh.material == Material.PAINTWORK]
    assert (paint == [1.0, 0.0, 0.0]).all(axis=1).mean() > 0.9


def test_legs_stride_by_the_distance_travelled_and_stay_in_the_box(standing, now_us: int) -> None:
    walker = standing("w", x_m=10.0, category=Category.ADULT, speed_mps=1.5)
    puppet = Puppet.of(walker)
    feet = [np.ptp(puppet.triangles_m(now_us + step)[..., 0]) for step in range(0, 1_000_001, 50_000)]
    assert max(feet) > 1.25 * min(feet)
    for step in range(0, 1_000_001, 50_000):
        assert np.abs(puppet.triangles_m(now_us + step)[..., 0]).max() <= walker.size_lwh_m[0] / 2 + 1e-5


def test_who_stands_does_not_stride(standing, now_us: int) -> None:
    puppet = Puppet.of(standing("w", x_m=10.0, category=Category.ADULT))
    assert np.array_equal(puppet.triangles_m(now_us), puppet.triangles_m(now_us + 400_000))


def test_brake_lamps_burn_while_a_car_slows_down_and_not_before(standing, now_us: int) -> None:
    times = now_us + np.arange(0, 4_000_001, 100_000, dtype=np.int64)
    seconds = (times - now_us) / 1e6
    x = np.where(seconds < 2, 10 * seconds, 20 + 10 * (seconds - 2) - 1.5 * (seconds - 2) ** 2)
    xyz = np.stack([x, 0 * x, 0 * x + 0.85], axis=-1)
    car = replace(standing("c", x_m=0.0), trajectory=Trajectory.from_xyz_yaw(times, xyz, yaw_rad=np.zeros(len(times))))
    puppet = Puppet.of(car)
    assert not puppet.braking(now_us + 1_000_000)
    assert puppet.braking(now_us + 3_000_000)
