from __future__ import annotations

import pytest

from datagen.sensors.visibility import visibility
from datagen.sensors.world import World

WALL = (0.4, 30.0, 5.0)
"""A very wide bus."""


def shares(scene, rig, now_us: int) -> dict:
    seen = visibility(World(scene, seed=1).at(now_us), rig, world_SE3_ego=scene.ego.pose_at(now_us))
    return {key: value.share for key, value in seen.items()}


def test_a_car_in_the_open_is_seen_whole(plain, standing, lone_rig, now_us: int) -> None:
    assert shares(plain(standing("car", x_m=15.0)), lone_rig, now_us) == {"car": 1.0}


def test_a_box_behind_the_camera_is_not_visible(plain, standing, lone_rig, now_us: int) -> None:
    assert shares(plain(standing("car", x_m=-15.0)), lone_rig, now_us) == {"car": 0.0}


def test_a_wall_hides_all_of_what_stands_behind_it(plain, standing, lone_rig, now_us: int) -> None:
    wall = standing("wall", x_m=10.0, category="bus", size_lwh_m=WALL)
    assert shares(plain(standing("car", x_m=20.0), wall), lone_rig, now_us)["car"] == 0.0


def test_a_wall_behind_a_car_hides_nothing_of_it(plain, standing, lone_rig, now_us: int) -> None:
    wall = standing("wall", x_m=30.0, category="bus", size_lwh_m=WALL)
    assert shares(plain(standing("car", x_m=20.0), wall), lone_rig, now_us)["car"] == 1.0


def test_a_wall_up_to_the_axis_hides_half(plain, standing, lone_rig, now_us: int) -> None:
    # The wheels of a bus 10 m wide end 4.92 m from its middle: on the camera's axis, which halves the car.
    wall = standing("wall", x_m=10.0, y_m=4.92, category="bus", size_lwh_m=(0.4, 10.0, 5.0))
    assert shares(plain(standing("car", x_m=20.0), wall), lone_rig, now_us)["car"] == pytest.approx(0.5, abs=0.08)


def test_the_ego_does_not_hide_what_its_cameras_see(plain, standing, nuscenes_rig, now_us: int) -> None:
    near = shares(plain(standing("cone", x_m=4.5, category="traffic_cone")), nuscenes_rig, now_us)
    assert near == {"cone": 1.0}


def test_an_actor_whose_track_has_ended_is_not_there(plain, standing, lone_rig, now_us: int) -> None:
    scene = plain(standing("car", x_m=15.0))
    later = now_us + 5_000_000
    seen = visibility(World(scene, seed=1).at(later), lone_rig, world_SE3_ego=scene.ego.pose_at(later))
    assert seen == {}


def test_amodal_pixels_are_those_of_the_projected_mesh(plain, standing, lone_rig, now_us: int) -> None:
    # A trailer's square end, 2 m wide and 2 m high, 20 m ahead: 100 px * 2 / 20 = 10 px each way, but for its wheels.
    block = standing("block", x_m=20.5, category="trailer", size_lwh_m=(1.0, 2.0, 2.0))
    scene = plain(block)
    seen = visibility(World(scene, seed=1).at(now_us), lone_rig, world_SE3_ego=scene.ego.pose_at(now_us))["block"]
    assert 70 < seen.amodal_px["CAM_FRONT"] < 105
    assert seen.best_channel == "CAM_FRONT"
