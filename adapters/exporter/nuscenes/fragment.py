"""One clip's share of the dataset: its rows as JSON lines, its map, its CAN bus, and where its files lie.

```
<fragment>/  scene sample sample_data ego_pose calibrated_sensor sensor log instance sample_annotation .jsonl
             media.jsonl        which file of the clip becomes which file of the dataset
             provenance.jsonl   what was asked for, and where the scene came from
             can_bus/  and what `maps` leaves
```

Files are named relative to the fragment, so that fragment and clip may move together. Tokens are hashes of
the clip's id and the row's place in it. Nothing outlives the clip: the memory held is one clip's rows.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64

from adapters.exporter.nuscenes import canbus, maps
from adapters.exporter.nuscenes.tables import Row, write_lines
from adapters.exporter.nuscenes.taxonomy import ATTRIBUTE_NAMES, CATEGORY_NAMES, visibility_token
from adapters.exporter.nuscenes.tokens import token_of
from datagen.errors import ClipError
from datagen.scene import SE3, Clip, Label

LIDAR_CHANNEL = "LIDAR_TOP"
"""What the devkit calls the LiDAR, and looks for; the rig may call it otherwise."""

FRAGMENT_TABLES = (
    "scene",
    "sample",
    "sample_data",
    "ego_pose",
    "calibrated_sensor",
    "sensor",
    "log",
    "instance",
    "sample_annotation",
    "media",
    "provenance",
)

Rows = dict[str, list[Row]]


def write_fragment(
    clip: Clip, *, labels: Sequence[Label], folder: Path, first_scene: int = 2001, sweeps: bool = True
) -> None:
    """Write one clip's share of the dataset into `folder`.

    first_scene: number of the scene of the recipe's first prompt.  sweeps: export the frames between key frames.
    Raises ClipError when a frame's file is missing or empty, a number is NaN, or a label is not at a key frame.
    """
    name = scene_name(clip, first_scene)
    rows = rows_of(clip, labels, scene_name=name, folder=folder, sweeps=sweeps)
    for table in FRAGMENT_TABLES:
        try:
            write_lines(folder / f"{table}.jsonl", rows[table])
        except ValueError as error:
            raise ClipError(
                f"clip {clip.id}: a number in table {table} is NaN or infinite; no row was exported"
            ) from error
    canbus.write_can_bus(name, clip, folder)
    maps.write_map_fragment(clip.scene.hdmap, folder)


def scene_name(clip: Clip, first_scene: int) -> str:
    """Return `scene-dddd`, the only form the devkit's CAN bus reader accepts. Raises ClipError beyond 9999."""
    number = first_scene + clip.prompt.index
    if number > 9999:
        raise ClipError(
            f"clip {clip.id}: scene number {number} has more than four digits, which the devkit's CAN bus reader "
            f"cannot read; lower export.first_scene or split the recipe"
        )
    return f"scene-{number:04d}"


def rows_of(clip: Clip, labels: Sequence[Label], *, scene_name: str, folder: Path, sweeps: bool) -> Rows:
    """Return all rows of one clip by table (see `write_fragment`)."""
    samples = _sample_rows(clip)
    logfile = _logfile(clip, scene_name)
    rows: Rows = defaultdict(list)
    rows["sample"] = samples
    rows["log"] = [_log_row(clip, logfile)]
    rows["scene"] = [_scene_row(clip, samples, scene_name=scene_name)]
    for channel in _channels(clip):
        _add_channel(rows, clip, channel, logfile=logfile, folder=folder, sweeps=sweeps)
    _add_labels(rows, clip, labels)
    rows["provenance"] = [_provenance_row(clip, scene_name=scene_name)]
    return rows


def description_of(clip: Clip) -> str:
    """Return what the scene shows: the prompt's words (or the scene's own), then its ambience."""
    ambience = clip.scene.ambience
    words = (clip.prompt.text or clip.scene.description).strip()
    look = f"{ambience.weather}, {ambience.light}, {ambience.place}"
    if words.endswith(look):
        return words
    return f"{words}; {look}" if words else look


def chain(rows: Sequence[Row]) -> None:
    """Link rows, given in the order of time, by `prev` and `next`."""
    for before, row, after in zip([None, *rows[:-1]], rows, [*rows[1:], None], strict=True):
        row["prev"] = before["token"] if before else ""
        row["next"] = after["token"] if after else ""


# ---------------------------------------------------------------------------------------------- scene and log


def _scene_token(clip: Clip) -> str:
    return token_of("scene", clip.id)


def _sample_token(clip: Clip, frame: int) -> str:
    return token_of("sample", clip.id, int(frame))


def _scene_row(clip: Clip, samples: list[Row], *, scene_name: str) -> Row:
    return {
        "token": _scene_token(clip),
        "log_token": token_of("log", clip.id),
        "nbr_samples": len(samples),
        "first_sample_token": samples[0]["token"],
        "last_sample_token": samples[-1]["token"],
        "name": scene_name,
        "description": description_of(clip),
    }


def _logfile(clip: Clip, scene_name: str) -> str:
    """A log is a drive: every clip is its own. The name begins all of its files' names, so it is unique."""
    start = datetime.fromtimestamp(int(clip.timeline.timestamp_us[0]) / 1e6, tz=UTC)
    return f"{scene_name.replace('scene-', 's')}-{token_of('log', clip.id)[:8]}-{start:%Y-%m-%d-%H-%M-%S}+0000"


def _log_row(clip: Clip, logfile: str) -> Row:
    start = datetime.fromtimestamp(int(clip.timeline.timestamp_us[0]) / 1e6, tz=UTC)
    return {
        "token": token_of("log", clip.id),
        "logfile": logfile,
        "vehicle": clip.rig.name,
        "date_captured": f"{start:%Y-%m-%d}",
        "location": clip.scene.hdmap.location,
    }


def _sample_rows(clip: Clip) -> list[Row]:
    rows = [
        {
            "token": _sample_token(clip, frame),
            "timestamp": int(clip.timeline.timestamp_us[frame]),
            "prev": "",
            "next": "",
            "scene_token": _scene_token(clip),
        }
        for frame in clip.timeline.keyframes
    ]
    chain(rows)
    return rows


def _provenance_row(clip: Clip, *, scene_name: str) -> Row:
    scene, prompt = clip.scene, clip.prompt
    return {
        "scene_token": _scene_token(clip),
        "scene_name": scene_name,
        "clip_id": clip.id,
        "prompt_id": prompt.id,
        "text": prompt.text,
        "seed": prompt.seed,
        "values": dict(sorted(prompt.values.items())),
        "weather": scene.ambience.weather.value,
        "light": scene.ambience.light.value,
        "place": scene.ambience.place.value,
        "source": dict(sorted(scene.provenance.items())),
        "event_instance_tokens": [token_of("instance", clip.id, actor.id) for actor in scene.actors if actor.event],
    }


# ------------------------------------------------------------------------------------------------------ sensors


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
        "sample_token": _sample_token(clip, _keyframe_of(clip, frame)),
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


# ------------------------------------------------------------------------------------------------------- labels


def _add_labels(rows: Rows, clip: Clip, labels: Sequence[Label]) -> None:
    tracks: dict[str, list[Label]] = defaultdict(list)
    for label in sorted(labels, key=lambda label: label.frame):
        if not clip.timeline.is_keyframe[label.frame]:
            raise ClipError(f"clip {clip.id}: the label of {label.actor_id} is at frame {label.frame}, not a key frame")
        tracks[label.actor_id].append(label)
    for actor_id, track in tracks.items():
        boxes = [_annotation_row(clip, label) for label in track]
        chain(boxes)
        rows["sample_annotation"] += boxes
        rows["instance"].append(_instance_row(clip, actor_id, boxes, name=CATEGORY_NAMES[track[0].category]))


def _annotation_row(clip: Clip, label: Label) -> Row:
    length, width, height = (float(side) for side in label.size_lwh_m)
    attributes = [token_of("attribute", ATTRIBUTE_NAMES[label.attribute])] if label.attribute else []
    return {
        "token": token_of("sample_annotation", clip.id, label.actor_id, int(label.frame)),
        "sample_token": _sample_token(clip, label.frame),
        "instance_token": token_of("instance", clip.id, label.actor_id),
        "visibility_token": visibility_token(label.visible),
        "attribute_tokens": attributes,
        "translation": label.world_SE3_box.translation_m.tolist(),
        "size": [width, length, height],
        "rotation": label.world_SE3_box.quat_wxyz.tolist(),
        "prev": "",
        "next": "",
        "num_lidar_pts": int(label.lidar_points),
        "num_radar_pts": 0,
    }


def _instance_row(clip: Clip, actor_id: str, boxes: list[Row], *, name: str) -> dict[str, Any]:
    return {
        "token": token_of("instance", clip.id, actor_id),
        "category_token": token_of("category", name),
        "nbr_annotations": len(boxes),
        "first_annotation_token": boxes[0]["token"],
        "last_annotation_token": boxes[-1]["token"],
    }
