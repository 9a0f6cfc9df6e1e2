"""Motion between knots."""

from __future__ import annotations

import numpy as np

from datagen.scene import Trajectory


def run(times_s: list[float], x_m: list[float]) -> Trajectory:
    count = len(times_s)
    xyz = np.stack([np.array(x_m, dtype=float), np.zeros(count), np.zeros(count)], axis=-1)
    return Trajectory.from_xyz_yaw((np.array(times_s) * 1e6).astype(np.int64), xyz, yaw_rad=np.zeros(count))


def at_s(*seconds: float) -> np.ndarray:
    return (np.array(seconds) * 1e6).astype(np.int64)


def test_knots_come_back_exactly():
    x = [0.1, 1 / 3, 0.7]
    track = run([0.0, 0.5, 1.0], x)
    assert track.at(at_s(0.0, 0.5, 1.0))[0][:, 0].tolist() == x


def test_halfway_in_time_is_halfway_in_space():
    assert run([0.0, 1.0], [0.0, 10.0]).pose_at(500_000).translation_m[0] == 5.0


def test_a_track_is_held_outside_its_time_but_does_not_cover_it():
    track = run([1.0, 2.0], [0.0, 10.0])
    assert track.pose_at(0).translation_m[0] == 0.0
    assert track.covers(at_s(0.9, 1.0, 1.5, 2.0, 2.1)).tolist() == [False, True, True, True, False]


def test_a_gap_of_two_seconds_is_not_covered():
    track = run([0.0, 0.5, 2.5], [0.0, 5.0, 25.0])
    assert track.covers(at_s(0.25, 0.5, 1.0, 2.5)).tolist() == [True, True, False, True]


def test_velocity_is_distance_over_time_also_at_the_ends():
    track = run([0.0, 1.0], [0.0, 10.0])
    np.testing.assert_allclose(track.velocity_mps(at_s(0.0, 0.5, 1.0))[:, 0], 10.0)


def test_one_pose_stands_still():
    assert run([0.0], [3.0]).velocity_mps(at_s(0.0, 1.0)).tolist() == [[0, 0, 0], [0, 0, 0]]


def test_slack_reaches_a_little_beyond_the_knots():
    track = run([1.0, 2.0], [0.0, 10.0])
    assert track.covers(at_s(0.89, 0.95, 2.05, 2.11), slack_us=100_000).tolist() == [False, True, True, False]
    assert track.pose_at(950_000).translation_m[0] == 0.0, "held, not run on"
