"""The instants of a clip: key frames, the frames between them, and when each camera fired."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Int64

KEYFRAME_RATE_HZ = 2.0
"""nuScenes annotates two frames a second."""


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """The instants of a clip. All arrays are of shape (frames, ...), frame 0 is a key frame.

    timestamp_us: the frame's reference instant, which is that of the LiDAR and of the labels.
    is_keyframe: labelled, a "sample" in nuScenes; the others are "sweeps".
    camera_timestamp_us: when each camera's shutter fired, columns in the rig's camera order.
    """

    timestamp_us: Int64[np.ndarray, "frames"]
    is_keyframe: Bool[np.ndarray, "frames"]
    camera_timestamp_us: Int64[np.ndarray, "frames views"]

    def __len__(self) -> int:
        return len(self.timestamp_us)

    @property
    def keyframes(self) -> Int64[np.ndarray, "keyframes"]:
        """Indices of the key frames."""
        return np.flatnonzero(self.is_keyframe)

    def first(self, duration_s: float) -> Timeline:
        """Return the frames that lie less than `duration_s` after the first."""
        keep = self.timestamp_us < self.timestamp_us[0] + round(duration_s * 1e6)
        return Timeline(
            timestamp_us=self.timestamp_us[keep],
            is_keyframe=self.is_keyframe[keep],
            camera_timestamp_us=self.camera_timestamp_us[keep],
        )

    def synchronized(self, views: int) -> Timeline:
        """Return the same frames for `views` cameras that all fire at the reference instant."""
        return replace(self, camera_timestamp_us=np.repeat(self.timestamp_us[:, None], views, axis=1))


def regular_timeline(start_us: int, duration_s: float, *, rate_hz: float, views: int) -> Timeline:
    """Return `duration_s * rate_hz` frames from `start_us` on; all sensors fire together.

    rate_hz: a multiple of KEYFRAME_RATE_HZ.
    """
    count = max(1, round(duration_s * rate_hz))
    timestamp_us = start_us + np.round(np.arange(count) * (1e6 / rate_hz)).astype(np.int64)
    every = round(rate_hz / KEYFRAME_RATE_HZ)
    return Timeline(
        timestamp_us=timestamp_us,
        is_keyframe=np.arange(count) % every == 0,
        camera_timestamp_us=np.repeat(timestamp_us[:, None], views, axis=1),
    )


def densified(timeline: Timeline, rate_hz: float) -> Timeline:
    """Return a log's key frames with frames evenly put between them, for a clip at `rate_hz`."""
    between = max(1, round(rate_hz / KEYFRAME_RATE_HZ))
    keys = timeline.keyframes
    if between == 1 or len(keys) == 1:
        return Timeline(
            timestamp_us=timeline.timestamp_us[keys],
            is_keyframe=timeline.is_keyframe[keys],
            camera_timestamp_us=timeline.camera_timestamp_us[keys],
        )

    def subdivide(times: Int64[np.ndarray, "keyframes *rest"]) -> Int64[np.ndarray, "frames *rest"]:
        steps = [times[:-1] + (np.diff(times, axis=0) * k) // between for k in range(between)]
        inner = np.stack(steps, axis=1).reshape(-1, *times.shape[1:])
        return np.concatenate([inner, times[-1:]])

    count = (len(keys) - 1) * between + 1
    return Timeline(
        timestamp_us=subdivide(timeline.timestamp_us[keys]),
        is_keyframe=np.arange(count) % between == 0,
        camera_timestamp_us=subdivide(timeline.camera_timestamp_us[keys]),
    )
