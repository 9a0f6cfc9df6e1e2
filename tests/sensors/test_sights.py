"""How far away what pixels show is: labelled things exactly, the rest by the wall that is assumed behind the road."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from datagen.scene import SE3
from datagen.sensors.masks import SKY, bare_world, mask_of
from datagen.sensors.sights import BACKDROP, BACKDROP_M, SETBACK_M, Sight, sight_of


def seen(scene, camera, now_us: int) -> Sight:
    return sight_of(bare_world(scene).at(now_us), camera, world_SE3_ego=scene.ego.pose_at(now_us))


def test_where_there_is_no_road_nothing_is_assumed(plain, standing, camera, now_us) -> None:
    scene = plain(standing("block", x_m=20.5, category="trailer", size_lwh_m=(1.0, 2.0, 2.0)))
    sight = seen(scene, camera, now_us)
    mask = mask_of(bare_world(scene).at(now_us), camera, world_SE3_ego=scene.ego.pose_at(now_us))
    assert np.array_equal(sight.owner, mask.owner)
    assert np.array_equal(sight.distance_m, mask.distance_m)


@pytest.fixture
def to_the_right(street, camera):
    """The camera turned to the right of a street that runs along x: the kerb is 1.75 m from its middle."""
    turned = replace(camera, ego_SE3_cam=SE3.from_yaw(0.0, 0.0, 0.0, -np.pi / 2) @ camera.ego_SE3_cam)
    return replace(street, actors=()), turned


def test_beside_a_road_stands_a_wall_of_limited_height(to_the_right) -> None:
    scene, camera = to_the_right
    sight = seen(scene, camera, scene.ego.start_us)
    wall = sight.owner == BACKDROP
    middle = sight.distance_m[:, 100][wall[:, 100]]
    # Tracks begin 3 m from the camera, which is off the road already: the wall is SETBACK_M behind that.
    level_m = 3 + SETBACK_M
    rise = (49.5 - np.flatnonzero(wall[:, 100])) / 100
    assert np.allclose(middle, level_m * np.hypot(1, rise), rtol=0.02)
    assert rise.max() * level_m <= BACKDROP_M
    assert rise.min() * level_m == pytest.approx(-1.5, abs=0.2), "below its foot is the ground before it"


def test_along_the_road_nothing_stands_before_what_labels_say(street, nuscenes_rig) -> None:
    now_us = street.ego.start_us
    (front,) = [camera for camera in nuscenes_rig.cameras if camera.channel == "CAM_FRONT"]
    sight = seen(street, front, now_us)
    mask = mask_of(bare_world(street).at(now_us), front, world_SE3_ego=street.ego.pose_at(now_us))
    kept = (mask.owner >= 0) | mask.road
    assert np.array_equal(sight.owner[kept], mask.owner[kept])
    assert (sight.owner == BACKDROP).any() and (sight.owner == SKY).any()
    assert np.isinf(sight.distance_m[sight.owner == SKY]).all()
