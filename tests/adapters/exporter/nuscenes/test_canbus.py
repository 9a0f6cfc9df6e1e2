"""CAN bus poses, read by the devkit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from nuscenes.can_bus.can_bus_api import NuScenesCanBus

from adapters.exporter.nuscenes.canbus import GRAVITY_MPS2, pose_messages
from datagen.scene import Trajectory


def circle(radius_m: float, speed_mps: float, step_us: int = 100_000) -> Trajectory:
    """Return three seconds on a left turn."""
    time_us = np.arange(0, 3_000_001, step_us, dtype=np.int64)
    angle = speed_mps / radius_m * time_us / 1e6
    xyz = np.stack([radius_m * np.sin(angle), radius_m * (1 - np.cos(angle)), np.zeros_like(angle)], axis=-1)
    return Trajectory.from_xyz_yaw(time_us, xyz, yaw_rad=angle)


def column(messages, key):
    return np.array([message[key] for message in messages])


def test_a_turn_is_felt_to_the_left():
    times = np.arange(0, 3_000_001, 20_000, dtype=np.int64)
    messages = pose_messages(circle(20.0, 8.0), times)[5:-5]
    assert column(messages, "vel") == pytest.approx(np.tile([8.0, 0, 0], (len(messages), 1)), abs=0.01)
    assert column(messages, "accel") == pytest.approx(np.tile([0, 3.2, GRAVITY_MPS2], (len(messages), 1)), abs=0.05)
    assert column(messages, "rotation_rate") == pytest.approx(np.tile([0, 0, 0.4], (len(messages), 1)), abs=1e-3)


def test_braking_is_felt_backwards():
    time_us = np.arange(0, 2_000_001, 100_000, dtype=np.int64)
    seconds = time_us / 1e6
    xyz = np.stack([12 * seconds - 1.5 * seconds**2, np.zeros_like(seconds), np.zeros_like(seconds)], axis=-1)
    ego = Trajectory.from_xyz_yaw(time_us, xyz, yaw_rad=np.zeros_like(seconds))
    messages = pose_messages(ego, np.array([0, 1_000_000, 2_000_000]))
    assert column(messages, "vel")[:, 0] == pytest.approx([12.0, 9.0, 6.0])
    assert column(messages, "accel")[:, 0] == pytest.approx([-3.0, -3.0, -3.0], abs=1e-6)


def test_positions_are_the_ego_poses_themselves():
    ego = circle(20.0, 8.0)
    messages = pose_messages(ego, ego.timestamp_us)
    assert np.array_equal(column(messages, "pos"), ego.translation_m)
    assert np.array_equal(column(messages, "orientation"), ego.quat_wxyz)


def test_a_vehicle_that_stands_feels_only_its_weight():
    ego = Trajectory.from_xyz_yaw(np.array([0]), np.array([[5.0, 6.0, 0.0]]), yaw_rad=np.array([1.0]))
    (message,) = pose_messages(ego, np.array([0]))
    assert message["vel"] == [0.0, 0.0, 0.0]
    assert message["accel"] == pytest.approx([0.0, 0.0, GRAVITY_MPS2])
    assert message["rotation_rate"] == [0.0, 0.0, 0.0]


def test_the_devkit_reads_the_poses_of_a_dataset(dataset: Path):
    reader = NuScenesCanBus(dataroot=str(dataset))
    messages = reader.get_messages("scene-2001", "pose")
    utime = column(messages, "utime")
    assert set(messages[0]) == {"accel", "orientation", "pos", "rotation_rate", "utime", "vel"}
    assert set(np.diff(utime)) <= {20_000, 10_000}, "50 Hz, and the last frame's instant"
    assert utime[-1] - utime[0] == 1_250_000, "from the clip's first to its last frame"
    assert column(messages, "vel") == pytest.approx(np.tile([10.0, 0, 0], (len(messages), 1)), abs=1e-6)


def test_real_poses_have_the_same_fields_and_the_same_senses(nuscenes_mini: Path):
    """Rebuild a real scene's messages from its positions alone: speeds and turn rates must agree."""
    real = NuScenesCanBus(dataroot=str(nuscenes_mini)).get_messages("scene-0061", "pose")
    every = real[::5]
    ego = Trajectory(
        timestamp_us=column(every, "utime").astype(np.int64),
        translation_m=column(every, "pos"),
        quat_wxyz=column(every, "orientation"),
    )
    ours = pose_messages(ego, ego.timestamp_us)
    assert set(ours[0]) == set(real[0])
    assert np.median(np.abs(column(ours, "vel") - column(every, "vel"))) < 0.1
    assert np.median(np.abs(column(ours, "rotation_rate")[:, 2] - column(every, "rotation_rate")[:, 2])) < 0.02
    assert np.corrcoef(column(ours, "rotation_rate")[:, 2], column(every, "rotation_rate")[:, 2])[0, 1] > 0.9
    assert np.median(column(every, "accel")[:, 2]) == pytest.approx(GRAVITY_MPS2, abs=0.2)
