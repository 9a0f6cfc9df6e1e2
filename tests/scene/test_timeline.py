"""Key frames and the frames between them."""

from __future__ import annotations

import numpy as np
import pytest

from datagen.scene import Timeline, densified, regular_timeline


def test_eight_seconds_at_four_hertz_have_sixteen_key_frames():
    timeline = regular_timeline(0, 8.0, rate_hz=4.0, views=6)
    assert len(timeline) == 32
    assert len(timeline.keyframes) == 16
    assert np.diff(timeline.timestamp_us[timeline.keyframes]).tolist() == [500_000] * 15


@pytest.mark.parametrize("rate_hz", [2.0, 4.0, 12.0])
def test_densifying_a_log_keeps_its_instants(rate_hz):
    times = np.array([0, 500_123, 999_877], dtype=np.int64)
    log = Timeline(
        timestamp_us=times,
        is_keyframe=np.ones(3, dtype=bool),
        camera_timestamp_us=times[:, None] - np.array([[10_000, 43_000]]),
    )
    dense = densified(log, rate_hz)
    assert dense.timestamp_us[dense.keyframes].tolist() == times.tolist()
    assert dense.camera_timestamp_us[dense.keyframes].tolist() == log.camera_timestamp_us.tolist()
    assert len(dense) == 2 * round(rate_hz / 2) + 1
    assert (np.diff(dense.timestamp_us) > 0).all()
