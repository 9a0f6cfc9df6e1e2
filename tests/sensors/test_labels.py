from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from nuscenes.utils.data_classes import Box
from nuscenes.utils.geometry_utils import points_in_box as devkit_points_in_box
from pyquaternion import Quaternion

from datagen.scene import Attribute, regular_timeline
from datagen.sensors.labels import keyframe_velocity_mps, observe

START_US = 1_767_225_600_000_000


@pytest.fixture
def timeline():
    return regular_timeline(START_US, 2.0, rate_hz=4.0, views=6)


@pytest.fixture
def observations(street, nuscenes_rig, timeline):
    return list(observe(street, nuscenes_rig, timeline=timeline, seed=3))


def test_every_frame_has_a_sweep_and_key_frames_have_labels(observations, timeline, street) -> None:
    assert [item.frame for item in observations] == list(range(8))
    assert [bool(item.labels) for item in observations] == timeline.is_keyframe.tolist()
    assert all(len(item.labels) == len(street.actors) for item in observations if item.labels)


def test_lidar_points_are_what_the_devkit_counts(observations, street, nuscenes_rig) -> None:
    counted = 0
    for item in observations:
        for label in item.labels:
            ego = street.ego.pose_at(label.timestamp_us)
            length, width, height = label.size_lwh_m
            box = Box(
                label.world_SE3_box.translation_m, [width, length, height], Quaternion(label.world_SE3_box.quat_wxyz)
            )
            for pose in (ego, nuscenes_rig.lidar.ego_SE3_lidar):  # as NuScenes.get_sample_data does
                box.translate(-pose.translation_m)
                box.rotate(Quaternion(pose.quat_wxyz).inverse)
            theirs = int(devkit_points_in_box(box, item.sweep[:, :3].T).sum())
            assert label.lidar_points == theirs
            counted += theirs
    assert counted > 500


def test_velocity_is_the_difference_of_neighbouring_key_frames(observations) -> None:
    for label in observations[4].labels:
        if label.actor_id == "van":
            assert label.velocity_mps == pytest.approx((10.0, 0.0), abs=1e-6)
            assert label.attribute is Attribute.VEHICLE_MOVING
        if label.actor_id == "parked":
            assert label.velocity_mps == (0.0, 0.0)
            assert label.attribute is Attribute.VEHICLE_PARKED


def test_velocity_is_one_sided_at_both_ends_of_an_accelerating_track(street, timeline) -> None:
    van = street.actors[0]
    times = START_US + np.arange(0, 2_000_001, 100_000, dtype=np.int64)
    seconds = (times - START_US) / 1e6
    xyz = np.stack([seconds**2, 0 * seconds, 0 * seconds + 1], axis=-1)
    moved = replace(van, trajectory=type(van.trajectory).from_xyz_yaw(times, xyz, yaw_rad=0 * seconds))
    # x = t^2 at key frames 0, 0.5, 1, 1.5: (0.25 - 0) / 0.5, (1 - 0) / 1, (2.25 - 1) / 0.5.
    speeds = [keyframe_velocity_mps(moved, timeline, frame=frame)[0] for frame in (0, 2, 6)]
    assert speeds == pytest.approx([0.5, 1.0, 2.5])


def test_an_actor_without_visible_pixels_still_has_a_label(street, nuscenes_rig, timeline) -> None:
    blind = replace(nuscenes_rig, cameras=nuscenes_rig.cameras[:1])
    first = next(observe(street, blind, timeline=timeline, seed=3, frames=[0]))
    assert {label.actor_id for label in first.labels} == {actor.id for actor in street.actors}
    assert any(label.visible == 0.0 for label in first.labels)
