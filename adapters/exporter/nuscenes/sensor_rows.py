"""A clip's sensors as rows: what they are, where they sit, what they saw frame by frame, and whence."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Int64

from adapters.exporter.nuscenes.tables import Row, Rows, chain
from adapters.exporter.nuscenes.tokens import sample_token, token_of
from datagen.errors import ClipError
from datagen.scene import SE3, Clip

LIDAR_CHANNEL = "LIDAR_TOP"
"""What the devkit calls the LiDAR, and looks for; the rig may call it otherwise."""


def add_sensors(rows: Rows, clip: Clip, *, logfile: str, folder: Path, sweeps: bool) -> None:
    """Add the rows of every camera and of the LiDAR: sensor, calibrated_sensor, sample_data, ego_pose, media.

    logfile: begins the files' names.  folder: the fragment's, which `media` sources are relative to.
    sweeps: also the frames between key frames. Raises ClipError when a frame's file is missing or empty.
    """
    for channel in _channels(clip):
        _add_channel(rows, clip, channel, logfile=logfile, folder=folder, sweeps=sweeps)


@dataclass(frozen=True, kw_only=True)
class _Channel:
    """One sensor of the clip. timestamp_us: of all frames.  path: where a frame's file lies."""

    name: str
    modality: str
    ego_SE3_sensor: SE3
    intrinsics: list[list[float]]
    timestamp_us: Int64[np.ndarray, "frames"]
    path: Callable[[int], Path]
    width_px: int = 0
    height_px: int = 0

    @property
    def fileformat(self) -> str:
        return "jpg" if self.modality == "camera" else "pcd"

    @property
    def suffix(self) -> str:
        return ".jpg" if self.modality == "camera" else ".pcd.bin"


def _channels(clip: Clip) -> list[_Channel]:
    cameras = [
        _Channel(
            name=camera.channel,
            modality="camera",
            ego_SE3_sensor=camera.ego_SE3_cam,
            intrinsics=camera.intrinsics_px.tolist(),
            timestamp_us=clip.timeline.camera_timestamp_us[:, view],
            path=partial(clip.frame_path, camera.channel),
            width_px=camera.width_px,
            height_px=camera.height_px,
        )
        for view, camera in enumerate(clip.rig.cameras)
    ]
    lidar = _Channel(
        name=LIDAR_CHANNEL,
        modality="lidar",
        ego_SE3_sensor=clip.rig.lidar.ego_SE3_lidar,
        intrinsics=[],
        timestamp_us=clip.timeline.timestamp_us,
        path=clip.sweep_path,
    )
    return [*cameras, lidar]


def _add_channel(rows: Rows, clip: Clip, channel: _Channel, *, logfile: str, folder: Path, sweeps: bool) -> None:
    """Add one sensor's rows: what it is, where it sits, and its data, poses and files frame by frame."""
    sensor = token_of("sensor", channel.name)
    pose = {
        "translation": channel.ego_SE3_sensor.translation_m.tolist(),
        "rotation": channel.ego_SE3_sensor.quat_wxyz.tolist(),
        "camera_intrinsic": channel.intrinsics,
    }
    calibrated = token_of("calibrated_sensor", channel.name, *pose.values())
    rows["sensor"].append({"token": sensor, "channel": channel.name, "modality": channel.modality})
    rows["calibrated_sensor"].append({"token": calibrated, "sensor_token": sensor, **pose})

    frames = _exported_frames(clip, channel, sweeps=sweeps)
    data = [_data_row(clip, channel, frame, calibrated=calibrated, logfile=logfile) for frame in frames]
    chain(data)
    rows["sample_data"] += data
    rows["ego_pose"] += _pose_rows(clip, data)
    rows["media"] += [
        {"filename": row["filename"], "source": os.path.relpath(channel.path(frame), folder)}
        for frame, row in zip(frames, data, strict=True)
    ]


def _exported_frames(clip: Clip, channel: _Channel, *, sweeps: bool) -> list[int]:
    """Key frames, and those between if wanted; the LiDAR may have been fired at key frames only."""
    frames = []
    for frame in range(len(clip.timeline)):
        key = bool(clip.timeline.is_keyframe[frame])
        if not key and not sweeps:
            continue
        path = channel.path(frame)
        if not path.is_file() or path.stat().st_size == 0:
            if not key and channel.modality == "lidar" and not path.exists():
                continue
            state = "empty" if path.exists() else "missing"
            raise ClipError(f"clip {clip.id}: the file of {channel.name}, frame {frame}, is {state} ({path})")
        frames.append(frame)
    return frames


def _data_row(clip: Clip, channel: _Channel, frame: int, *, calibrated: str, logfile: str) -> Row:
    key = bool(clip.timeline.is_keyframe[frame])
    token = token_of("sample_data", clip.id, channel.name, frame)
    timestamp_us = int(channel.timestamp_us[frame])
    folder = "samples" if key else "sweeps"
    return {
        "token": token,
        "sample_token": sample_token(clip.id, _keyframe_of(clip, frame)),
        "ego_pose_token": token,
        "calibrated_sensor_token": calibrated,
        "timestamp": timestamp_us,
        "fileformat": channel.fileformat,
        "is_key_frame": key,
        "height": channel.height_px,
        "width": channel.width_px,
        "filename": f"{folder}/{channel.name}/{logfile}__{channel.name}__{timestamp_us}{channel.suffix}",
        "prev": "",
        "next": "",
    }


def _keyframe_of(clip: Clip, frame: int) -> int:
    """A sweep belongs to the sample that follows it, says the schema: the devkit interpolates boxes back from there.

    After the last sample it belongs to that.
    """
    keyframes = clip.timeline.keyframes
    following = min(int(np.searchsorted(keyframes, frame)), len(keyframes) - 1)
    return int(keyframes[following])


def _pose_rows(clip: Clip, data: list[Row]) -> list[Row]:
    timestamp_us = np.array([row["timestamp"] for row in data], dtype=np.int64)
    translation, quat = clip.scene.ego.at(timestamp_us)
    return [
        {"token": row["ego_pose_token"], "timestamp": row["timestamp"], "rotation": q, "translation": t}
        for row, q, t in zip(data, quat.tolist(), translation.tolist(), strict=True)
    ]
