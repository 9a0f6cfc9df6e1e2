"""mmdet3d's info files (version 1.1), so that a dataset can be trained on without running mmdet3d's converter.

One file per split, `nuscenes_infos_<split>.pkl`, of what `tools/create_data.py nuscenes` of mmdet3d 1.4 makes of the
same tables (`nuscenes_converter.py`, `update_infos_to_v2.py`), except that 2D boxes are clipped to the picture's
true size instead of 1600 x 900, and that it is written scene by scene. Its frames and orders, by key:

```
   instances      bbox_3d   lidar: x, y, z of the centre, l, w, h, yaw        velocity  lidar: vx, vy
   cam_instances  bbox_3d   cam: x, y, z of the centre, l, h, w, turn about y velocity  cam: vx, vz
   …2ego, ego2global, lidar2cam, lidar2sensor   4 x 4, points of the first frame to the second
```

The pickles hold nothing but dicts, lists, text and numbers: an unpickler that allows no class at all reads them.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import shapely
from jaxtyping import Float

from adapters.exporter.nuscenes.scene_rows import SceneRows, Shutter, scenes
from adapters.exporter.nuscenes.tables import Row, read_table
from adapters.exporter.nuscenes.taxonomy import CATEGORY_NAMES, DETECTION_NAMES
from datagen.errors import DatasetError
from datagen.scene.pose import rotation_from_quat
from datagen.scene.scene import box_corners_m

CLASSES = (
    "car",
    "truck",
    "trailer",
    "bus",
    "construction_vehicle",
    "bicycle",
    "motorcycle",
    "pedestrian",
    "traffic_cone",
    "barrier",
)
"""mmdet3d's labels, in its order."""
CLASS_OF = {CATEGORY_NAMES[category]: name for category, name in DETECTION_NAMES.items()}
"""nuScenes category → label; all others are -1, under their nuScenes name."""
ATTRIBUTES = (
    "cycle.with_rider",
    "cycle.without_rider",
    "pedestrian.moving",
    "pedestrian.standing",
    "pedestrian.sitting_lying_down",
    "vehicle.moving",
    "vehicle.parked",
    "vehicle.stopped",
    "None",
)
CAMERAS = ("CAM_FRONT", "CAM_FRONT_RIGHT", "CAM_FRONT_LEFT", "CAM_BACK", "CAM_BACK_LEFT", "CAM_BACK_RIGHT")
"""mmdet3d's order; a rig's other cameras follow by name."""
MAX_SWEEPS = 10
MAX_GAP_S = 1.5
"""The devkit takes no velocity from boxes further apart (twice this where it has both neighbours)."""

Info = dict[str, Any]


def write_infos(dataset: Path, version: str) -> None:
    """Write `<dataset>/nuscenes_infos_<split>.pkl` for every split of `<version>/splits.json`.

    Raises DatasetError when a table is broken or a sample has no LIDAR_TOP key frame.
    """
    tables = dataset / version
    splits: dict[str, list[str]] = json.loads((tables / "splits.json").read_text(encoding="utf-8"))
    attributes = {row["token"]: row["name"] for row in read_table(tables / "attribute.json")}
    with ExitStack() as stack:
        files = {
            split: stack.enter_context(InfoFile(dataset / f"nuscenes_infos_{split}.pkl", version=version))
            for split in splits
        }
        for scene in scenes(dataset, version):
            wanted = [files[split] for split, names in splits.items() if scene.scene["name"] in names]
            for info in scene_infos(scene, attributes=attributes) if wanted else ():
                for file in wanted:
                    file.append(info)


class InfoFile:
    """A pickle of `{data_list, metainfo}` that grows entry by entry; a context manager.

    Pickle protocol 3 has neither frames nor implicit memo numbers, so that whole pickles, without their first two
    bytes (protocol) and their last (stop), can stand one behind the other inside a list.
    """

    def __init__(self, path: Path, *, version: str) -> None:
        self.path = path
        self.version = version
        self.entries = 0
        self.categories = {name: index for index, name in enumerate(CLASSES)}

    def __enter__(self) -> InfoFile:
        self._file = self.path.open("wb")
        self._file.write(pickle.PROTO + b"\x03" + pickle.EMPTY_DICT + _body("data_list") + pickle.EMPTY_LIST)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        metainfo = {
            "categories": self.categories,
            "dataset": "nuscenes",
            "version": self.version,
            "info_version": "1.1",
        }
        self._file.write(pickle.SETITEM + _body("metainfo") + _body(metainfo) + pickle.SETITEM + pickle.STOP)
        self._file.close()

    def append(self, info: Info) -> None:
        """Append an entry, which gets its place in this file as `sample_idx`."""
        names = sorted(info["unlabelled"])
        self.categories.update((name, -1) for name in names)
        entry = {key: value for key, value in info.items() if key != "unlabelled"}
        self._file.write(_body({"sample_idx": self.entries, **entry}) + pickle.APPEND)
        self.entries += 1


def _body(value: object) -> bytes:
    return pickle.dumps(value, protocol=3)[2:-1]


def scene_infos(scene: SceneRows, *, attributes: dict[str, str], with_tokens: bool = False) -> Iterator[Info]:
    """Yield a scene's entries, without `sample_idx`; `unlabelled` holds the categories that have no label.

    with_tokens: every instance says, as `annotation_token`, which annotation it is.
    """
    velocities = _velocities(scene)
    key_sweeps = {sweep.row["sample_token"]: at for at, sweep in enumerate(scene.sweeps) if sweep.row["is_key_frame"]}
    for sample in scene.sample:
        if sample["token"] not in key_sweeps:
            raise DatasetError(f"{scene.scene['name']}: sample {sample['token']} has no LIDAR_TOP key frame")
        at = key_sweeps[sample["token"]]
        lidar = scene.sweeps[at]
        boxes = Boxes(
            scene.boxes.get(sample["token"], []),
            velocities=velocities,
            attributes=attributes,
            with_tokens=with_tokens,
        )
        cameras = sorted(scene.cameras.get(sample["token"], []), key=_camera_order)
        before = scene.sweeps[max(at - MAX_SWEEPS, 0) : at][::-1]
        yield {
            "token": sample["token"],
            "timestamp": sample["timestamp"] / 1e6,
            "ego2global": lidar.world_SE3_ego.tolist(),
            "images": {camera.channel: _image(camera, lidar) for camera in cameras},
            "lidar_points": {
                "num_pts_feats": 5,
                "lidar_path": Path(lidar.row["filename"]).name,
                "lidar2ego": lidar.ego_SE3_sensor.tolist(),
            },
            **({"lidar_sweeps": [_sweep(sweep, lidar) for sweep in before]} if before else {}),
            "instances": boxes.instances(lidar),
            "cam_instances": {camera.channel: boxes.camera_instances(camera) for camera in cameras},
            "unlabelled": {row["category_name"] for row in boxes.rows if row["category_name"] not in CLASS_OF},
        }


def _camera_order(camera: Shutter) -> tuple[int, str]:
    return (CAMERAS.index(camera.channel) if camera.channel in CAMERAS else len(CAMERAS), camera.channel)


def _image(camera: Shutter, lidar: Shutter) -> Info:
    return {
        "img_path": Path(camera.row["filename"]).name,
        "cam2img": camera.intrinsics,
        "cam2ego": camera.ego_SE3_sensor.tolist(),
        "sample_data_token": camera.row["token"],
        "timestamp": camera.row["timestamp"] / 1e6,
        "lidar2cam": (camera.sensor_SE3_world @ lidar.world_SE3_sensor).tolist(),
    }


def _sweep(sweep: Shutter, lidar: Shutter) -> Info:
    """Return an earlier sweep. mmdet3d replaces the folder of its path by the data prefix of samples or sweeps."""
    return {
        "timestamp": sweep.row["timestamp"] / 1e6,
        "ego2global": sweep.world_SE3_ego.tolist(),
        "sample_data_token": sweep.row["token"],
        "lidar_points": {
            "num_pts_feats": 5,
            "lidar_path": sweep.row["filename"],
            "lidar2ego": sweep.ego_SE3_sensor.tolist(),
            "lidar2sensor": (sweep.sensor_SE3_world @ lidar.world_SE3_sensor).tolist(),
        },
    }


def _velocities(scene: SceneRows) -> dict[str, Float[np.ndarray, "3"]]:
    """Return annotation token → velocity in the world without its z, by `NuScenes.box_velocity`'s rule.

    NaN where it cannot be told, which mmdet3d reads as 0.
    """
    time_us = {row["token"]: row["timestamp"] for row in scene.sample}
    boxes = {row["token"]: row for rows in scene.boxes.values() for row in rows}
    velocities = {}
    for token, row in boxes.items():
        first, last = boxes[row["prev"] or token], boxes[row["next"] or token]
        step_s = (time_us[last["sample_token"]] - time_us[first["sample_token"]]) / 1e6
        limit_s = MAX_GAP_S * (2 if row["prev"] and row["next"] else 1)
        known = 0 < step_s <= limit_s
        moved = np.subtract(last["translation"], first["translation"]) * [1.0, 1.0, 0.0]
        velocities[token] = moved / step_s if known else np.array([np.nan, np.nan, 0.0])
    return velocities


class Boxes:
    """The boxes of one sample, all at once."""

    def __init__(
        self,
        rows: Sequence[Row],
        *,
        velocities: dict[str, Float[np.ndarray, "3"]],
        attributes: dict[str, str],
        with_tokens: bool = False,
    ) -> None:
        self.rows = rows
        self.named: list[Info] = [{"annotation_token": row["token"]} if with_tokens else {} for row in rows]
        self.center_m = np.array([row["translation"] for row in rows]).reshape(-1, 3)
        self.rotation = rotation_from_quat(np.array([row["rotation"] for row in rows]).reshape(-1, 4))
        self.size_wlh_m = np.array([row["size"] for row in rows]).reshape(-1, 3)
        self.velocity_mps = np.array([velocities[row["token"]] for row in rows]).reshape(-1, 3)
        self.labels = [_label(row["category_name"]) for row in rows]
        names = [[attributes[token] for token in row["attribute_tokens"][:1]] or ["None"] for row in rows]
        self.attribute_labels = [ATTRIBUTES.index(name) for (name,) in names]

    def _seen_by(
        self, sensor: Shutter
    ) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3 3"], Float[np.ndarray, "n 3"]]:
        """Return centres, rotations and velocities in a sensor's frame."""
        turn, shift = sensor.sensor_SE3_world[:3, :3], sensor.sensor_SE3_world[:3, 3]
        return self.center_m @ turn.T + shift, turn @ self.rotation, self.velocity_mps @ turn.T

    def instances(self, lidar: Shutter) -> list[Info]:
        """Return the boxes as the LiDAR sees them."""
        center, rotation, velocity = self._seen_by(lidar)
        box = np.column_stack([center, self.size_wlh_m[:, [1, 0, 2]], _yaw(rotation)])
        return [
            {
                "bbox_3d": box[index].tolist(),
                "bbox_label": self.labels[index],
                "bbox_label_3d": self.labels[index],
                "bbox_3d_isvalid": row["num_lidar_pts"] + row["num_radar_pts"] > 0,
                "num_lidar_pts": row["num_lidar_pts"],
                "num_radar_pts": row["num_radar_pts"],
                "velocity": velocity[index, :2].tolist(),
                **self.named[index],
            }
            for index, row in enumerate(self.rows)
        ]

    def camera_instances(self, camera: Shutter) -> list[Info]:
        """Return the boxes of known classes that a camera sees, with their centre ahead of it."""
        center, rotation, velocity = self._seen_by(camera)
        box = np.column_stack([center, self.size_wlh_m[:, [1, 2, 0]], -_yaw(rotation)])
        intrinsics = np.array(camera.intrinsics)
        ahead = np.flatnonzero((np.array(self.labels, dtype=np.int64) >= 0) & (center[:, 2] > 0))
        corners = box_corners_m((1.0, 1.0, 1.0)) * self.size_wlh_m[ahead, None][..., [1, 0, 2]]
        corners = np.einsum("nij,nkj->nki", rotation[ahead], corners) + center[ahead, None]
        bounds = _picture_bounds(corners, intrinsics, width=camera.row["width"], height=camera.row["height"])
        pixel = center @ intrinsics.T
        return [
            {
                "bbox_label": self.labels[index],
                "bbox_label_3d": self.labels[index],
                "bbox": bound.tolist(),
                "bbox_3d_isvalid": True,
                "bbox_3d": box[index].tolist(),
                "velocity": velocity[index, 0::2].tolist(),
                "center_2d": (pixel[index, :2] / pixel[index, 2]).tolist(),
                "depth": float(center[index, 2]),
                "attr_label": self.attribute_labels[index],
                **self.named[index],
            }
            for index, bound in zip(ahead, bounds)
            if np.isfinite(bound).all()
        ]


def _label(category: str) -> int:
    return CLASSES.index(CLASS_OF[category]) if category in CLASS_OF else -1


def _yaw(rotation: Float[np.ndarray, "n 3 3"]) -> Float[np.ndarray, "n"]:
    """Return what pyquaternion calls yaw: the turn about z that comes before pitch and roll."""
    return np.arctan2(-rotation[:, 0, 1], rotation[:, 0, 0])


def _picture_bounds(
    corners_m: Float[np.ndarray, "n 8 3"], intrinsics: Float[np.ndarray, "3 3"], *, width: int, height: int
) -> Float[np.ndarray, "n 4"]:
    """Return x0, y0, x1, y1 of what of each box is in the picture, NaN where nothing is.

    It is the hull of the corners ahead of the camera, of which every box has one, cut by the picture's edge.
    """
    points = corners_m @ intrinsics.T
    with np.errstate(divide="ignore", invalid="ignore"):
        pixels = np.where(points[..., 2:] > 0, points[..., :2] / points[..., 2:], np.nan)
    bounds = np.full((len(pixels), 4), np.nan)
    if not len(pixels):
        return bounds
    low, high = np.nanmin(pixels, axis=1), np.nanmax(pixels, axis=1)
    near = np.flatnonzero((high > 0).all(axis=1) & (low < [width, height]).all(axis=1))
    box_of, corner = np.nonzero(np.isfinite(pixels[near, :, 0]))
    hulls = shapely.convex_hull(shapely.multipoints(pixels[near][box_of, corner], indices=box_of))
    cut = shapely.intersection(hulls, shapely.box(0, 0, width, height))
    bounds[near] = np.where(shapely.area(cut)[:, None] > 0, shapely.bounds(cut), np.nan)
    return bounds
