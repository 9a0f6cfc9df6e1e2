"""Info files for detectors that look at several frames and live in repositories of their own: StreamPETR, BEVFormer.

    python -m adapters.detector.mmdet3d.temporal runs/night/dataset --format streampetr

writes `nuscenes2d_temporal_infos_<split>.pkl` for every split of the dataset (with `--format bevformer`:
`nuscenes_infos_temporal_<split>.pkl`), each `{infos: [...], metadata: {version}}`. An entry of `infos`:

| key | is |
|---|---|
| token, prev, next, scene_token, frame_idx | samples of a scene in order; frame_idx from 0; '' at the ends |
| timestamp | µs |
| lidar_path, lidar2ego_*, ego2global_* | translation in metres, rotation as a quaternion wxyz |
| cams | channel → data_path, type, sample_data_token, timestamp, sensor2ego_*, ego2global_*, |
|      | sensor2lidar_rotation (3 x 3), sensor2lidar_translation, cam_intrinsic (3 x 3) |
| sweeps | the same of up to ten earlier LiDAR sweeps, the newest first; none at the first sample of a scene |
| gt_boxes | n x 7, in the LiDAR's frame; see below |
| gt_names, gt_velocity, num_lidar_pts, num_radar_pts, valid_flag | of the same boxes; velocity NaN where unknown |
| bboxes2d, labels2d, centers2d, depths, bboxes3d_cams, bboxes_ignore, visibilities | (StreamPETR) a list by camera |
| can_bus | (BEVFormer) 18 numbers: position, quaternion, acceleration, rotation rate, velocity, two for the angle |

`gt_boxes` are x, y, z, length, width, height, yaw for StreamPETR (mmdet3d 1.0), and x, y, z, width, length, height,
−yaw − π/2 for BEVFormer (mmdet3d 0.17). What the two repositories read was taken from their dataset classes
(exiawsh/StreamPETR, fundamentalvision/BEVFormer); they were not run here, as they need compiled mmcv of 2022.
"""

from __future__ import annotations

import argparse
import json
import pickle
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from adapters.exporter.nuscenes.folders import within
from adapters.exporter.nuscenes.infos import CLASSES, MAX_SWEEPS, scene_infos
from adapters.exporter.nuscenes.scene_rows import SceneRows, Shutter, scenes
from adapters.exporter.nuscenes.tables import Row, read_table
from adapters.exporter.nuscenes.validate import version_of
from datagen.errors import DatagenError
from datagen.scene.pose import quat_from_rotation

Format = Literal["streampetr", "bevformer"]
FILES: Mapping[Format, str] = {
    "streampetr": "nuscenes2d_temporal_infos_{split}.pkl",
    "bevformer": "nuscenes_infos_temporal_{split}.pkl",
}
LEAST_PX = 1.0
"""A picture's boxes thinner than this are left out."""

Info = dict[str, Any]


def write_temporal_infos(dataset: Path, version: str, form: Format) -> list[Path]:
    """Write the info files of every split of `splits.json`, and return them. Raises DatasetError for broken tables."""
    tables = dataset / version
    splits: dict[str, list[str]] = json.loads((tables / "splits.json").read_text(encoding="utf-8"))
    attributes = {row["token"]: row["name"] for row in read_table(tables / "attribute.json")}
    infos: dict[str, list[Info]] = {split: [] for split in splits}
    for scene in scenes(dataset, version):
        made = list(temporal_infos(scene, dataset, attributes=attributes, form=form))
        for split, names in splits.items():
            infos[split] += made if scene.scene["name"] in names else []
    paths = []
    for split, entries in infos.items():
        paths.append(dataset / FILES[form].format(split=split))
        with paths[-1].open("wb") as file:
            pickle.dump({"infos": entries, "metadata": {"version": version}}, file, protocol=4)
    return paths


def temporal_infos(scene: SceneRows, root: Path, *, attributes: dict[str, str], form: Format) -> Iterator[Info]:
    """Yield a scene's entries in order of time."""
    messages = _can_bus(root, scene.scene["name"])
    sweeps = scene.sweeps
    key_sweeps = {sweep.row["sample_token"]: at for at, sweep in enumerate(sweeps) if sweep.row["is_key_frame"]}
    infos = list(scene_infos(scene, attributes=attributes, with_tokens=True))
    for frame, (sample, info) in enumerate(zip(scene.sample, infos, strict=True)):
        at = key_sweeps[sample["token"]]
        lidar = sweeps[at]
        cameras = {camera.channel: camera for camera in scene.cameras.get(sample["token"], ())}
        ordered = {channel: cameras[channel] for channel in info["images"]}
        boxes = scene.boxes.get(sample["token"], [])
        yield {
            "token": sample["token"],
            "prev": scene.sample[frame - 1]["token"] if frame else "",
            "next": scene.sample[frame + 1]["token"] if frame + 1 < len(scene.sample) else "",
            "scene_token": scene.scene["token"],
            "frame_idx": frame,
            "timestamp": sample["timestamp"],
            "lidar_path": str(within(root, lidar.row["filename"])),
            **_placed("lidar2ego", lidar.ego_SE3_sensor),
            **_placed("ego2global", lidar.world_SE3_ego),
            "cams": {
                channel: _seen_from(camera, lidar, root) | {"cam_intrinsic": np.array(camera.intrinsics)}
                for channel, camera in ordered.items()
            },
            "sweeps": [
                _seen_from(sweep, lidar, root, kind="lidar") for sweep in sweeps[max(at - MAX_SWEEPS, 0) : at][::-1]
            ],
            **_labels(info["instances"], boxes, form),
            **(
                {"can_bus": _can_bus_at(messages, sample["timestamp"])}
                if form == "bevformer"
                else _pictures(info["cam_instances"], boxes)
            ),
        }


def _placed(name: str, matrix: np.ndarray) -> Info:
    return {
        f"{name}_translation": matrix[:3, 3].tolist(),
        f"{name}_rotation": quat_from_rotation(matrix[:3, :3]).tolist(),
    }


def _seen_from(sensor: Shutter, lidar: Shutter, root: Path, *, kind: str | None = None) -> Info:
    lidar_SE3_sensor = lidar.sensor_SE3_world @ sensor.world_SE3_sensor
    return {
        "data_path": str(within(root, sensor.row["filename"])),
        "type": kind or sensor.channel,
        "sample_data_token": sensor.row["token"],
        "timestamp": sensor.row["timestamp"],
        **_placed("sensor2ego", sensor.ego_SE3_sensor),
        **_placed("ego2global", sensor.world_SE3_ego),
        "sensor2lidar_rotation": lidar_SE3_sensor[:3, :3],
        "sensor2lidar_translation": lidar_SE3_sensor[:3, 3],
    }


def _labels(instances: Sequence[Info], rows: Sequence[Row], form: Format) -> Info:
    boxes = np.array([box["bbox_3d"] for box in instances], dtype=np.float64).reshape(-1, 7)
    if form == "bevformer":
        boxes = np.concatenate([boxes[:, :3], boxes[:, [4, 3, 5]], -boxes[:, 6:] - np.pi / 2], axis=1)
    names = [
        CLASSES[box["bbox_label_3d"]] if box["bbox_label_3d"] >= 0 else row["category_name"]
        for box, row in zip(instances, rows, strict=True)
    ]
    return {
        "gt_boxes": boxes,
        "gt_names": np.array(names, dtype=str),
        "gt_velocity": np.array([box["velocity"] for box in instances], dtype=np.float64).reshape(-1, 2),
        "num_lidar_pts": np.array([box["num_lidar_pts"] for box in instances], dtype=np.int64),
        "num_radar_pts": np.array([box["num_radar_pts"] for box in instances], dtype=np.int64),
        "valid_flag": np.array([box["bbox_3d_isvalid"] for box in instances], dtype=bool),
    }


def _pictures(views: Mapping[str, Sequence[Info]], rows: Sequence[Row]) -> Info:
    """Return what every camera sees, as lists by camera."""
    visibility = {row["token"]: row["visibility_token"] for row in rows}
    found: Info = {
        key: []
        for key in ("bboxes2d", "labels2d", "centers2d", "depths", "bboxes3d_cams", "bboxes_ignore", "visibilities")
    }
    for view in views.values():
        boxes = [box for box in view if np.subtract(box["bbox"][2:], box["bbox"][:2]).min() >= LEAST_PX]
        found["bboxes2d"].append(np.array([box["bbox"] for box in boxes], dtype=np.float32).reshape(-1, 4))
        found["labels2d"].append(np.array([box["bbox_label"] for box in boxes], dtype=np.int64))
        found["centers2d"].append(np.array([box["center_2d"] for box in boxes], dtype=np.float32).reshape(-1, 2))
        found["depths"].append(np.array([box["depth"] for box in boxes], dtype=np.float32))
        found["bboxes3d_cams"].append(np.array([box["bbox_3d"] for box in boxes], dtype=np.float32).reshape(-1, 7))
        found["bboxes_ignore"].append(np.zeros((0, 4), dtype=np.float32))
        found["visibilities"].append([visibility[box["annotation_token"]] for box in boxes])
    return found


def _can_bus(root: Path, scene_name: str) -> list[Info]:
    path = root / "can_bus" / f"{scene_name}_pose.json"
    messages: list[Info] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    return messages


def _can_bus_at(messages: Sequence[Info], time_us: int) -> np.ndarray:
    """Return the last message not after a moment; zeros where there is none, as for scenes without CAN bus."""
    known = [message for message in messages if message["utime"] <= time_us] or list(messages[:1])
    if not known:
        return np.zeros(18)
    parts = ("pos", "orientation", "accel", "rotation_rate", "vel")
    return np.concatenate([*(np.asarray(known[-1][part], dtype=np.float64) for part in parts), np.zeros(2)])


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the info files of one dataset."""
    parser = argparse.ArgumentParser(prog="python -m adapters.detector.mmdet3d.temporal")
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--format", choices=sorted(FILES), required=True, help="whose dataset class will read them")
    parser.add_argument("--version", help="such as v1.0-synth (default: the only one there)")
    chosen = parser.parse_args(arguments)
    try:
        version = version_of(chosen.dataset, chosen.version)
        for path in write_temporal_infos(chosen.dataset, version, chosen.format):
            print(path)
    except DatagenError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
