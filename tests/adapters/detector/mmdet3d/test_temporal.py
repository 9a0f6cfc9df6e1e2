"""The info files of StreamPETR and BEVFormer: every field those read, in the frames they read them in."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from pyquaternion import Quaternion

from adapters.detector.mmdet3d.temporal import main

COMMON = {
    "token": str,
    "prev": str,
    "next": str,
    "scene_token": str,
    "frame_idx": int,
    "timestamp": int,
    "lidar_path": str,
    "lidar2ego_translation": list,
    "lidar2ego_rotation": list,
    "ego2global_translation": list,
    "ego2global_rotation": list,
    "cams": dict,
    "sweeps": list,
    "gt_boxes": np.ndarray,
    "gt_names": np.ndarray,
    "gt_velocity": np.ndarray,
    "num_lidar_pts": np.ndarray,
    "num_radar_pts": np.ndarray,
    "valid_flag": np.ndarray,
}
OWN = {
    "streampetr": dict.fromkeys(
        ("bboxes2d", "labels2d", "centers2d", "depths", "bboxes3d_cams", "bboxes_ignore", "visibilities"), list
    ),
    "bevformer": {"can_bus": np.ndarray},
}
CAMERA = {
    "data_path",
    "type",
    "sample_data_token",
    "timestamp",
    "sensor2ego_translation",
    "sensor2ego_rotation",
    "ego2global_translation",
    "ego2global_rotation",
    "sensor2lidar_rotation",
    "sensor2lidar_translation",
    "cam_intrinsic",
}


def written(made, folder: Path, form: str) -> list[dict]:
    root = folder / form
    shutil.copytree(made.root, root)
    assert main([str(root), "--format", form]) == 0
    (path,) = root.glob("*temporal*synth_all.pkl")
    content = pickle.loads(path.read_bytes())
    assert content["metadata"] == {"version": "v1.0-synth"}
    return content["infos"]


@pytest.mark.parametrize("form", OWN)
def test_every_field_is_there_in_its_type(made, tmp_path: Path, form: str) -> None:
    infos = written(made, tmp_path, form)
    schema = COMMON | OWN[form]
    for info in infos:
        assert {key: type(value) for key, value in info.items()} == schema
        assert len(info["cams"]) == 6
        assert all(set(camera) == CAMERA for camera in info["cams"].values())
        assert all(Path(camera["data_path"]).is_file() for camera in info["cams"].values())
        assert len({len(info[key]) for key in ("gt_boxes", "gt_names", "gt_velocity", "valid_flag")}) == 1
    assert [info["frame_idx"] for info in infos] == [0, 1, 2]
    assert [info["prev"] for info in infos] == ["", infos[0]["token"], infos[1]["token"]]
    assert [info["next"] for info in infos] == [infos[1]["token"], infos[2]["token"], ""]
    assert [bool(info["sweeps"]) for info in infos] == [False, True, True]


def test_streampetr_projects_boxes_onto_their_centres_in_the_pictures(made, tmp_path: Path) -> None:
    info = written(made, tmp_path, "streampetr")[1]
    checked = 0
    for at, camera in enumerate(info["cams"].values()):
        lidar2cam = np.eye(4)
        lidar2cam[:3, :3] = camera["sensor2lidar_rotation"].T
        lidar2cam[:3, 3] = -camera["sensor2lidar_rotation"].T @ camera["sensor2lidar_translation"]
        seen = info["gt_boxes"][:, :3] @ lidar2cam[:3, :3].T + lidar2cam[:3, 3]
        pixels = seen @ camera["cam_intrinsic"].T
        pixels = pixels[:, :2] / pixels[:, 2:]
        for center, depth in zip(info["centers2d"][at], info["depths"][at]):
            nearest = np.abs(np.column_stack([pixels, seen[:, 2]]) - [*center, depth]).max(axis=1).min()
            assert nearest < 0.05
            checked += 1
    assert checked > 5


def test_bevformer_has_the_boxes_of_old_mmdet3d_and_the_can_bus(made, tmp_path: Path) -> None:
    new, old = (written(made, tmp_path, form)[0] for form in ("streampetr", "bevformer"))
    np.testing.assert_allclose(old["gt_boxes"][:, 3:6], new["gt_boxes"][:, [4, 3, 5]])
    np.testing.assert_allclose(old["gt_boxes"][:, 6], -new["gt_boxes"][:, 6] - np.pi / 2)
    assert old["can_bus"].shape == (18,)
    np.testing.assert_allclose(old["can_bus"][:3], old["ego2global_translation"], atol=1e-3)
    angle = (Quaternion(old["can_bus"][3:7]).inverse * Quaternion(old["ego2global_rotation"])).radians
    assert abs(angle) < 1e-3
    np.testing.assert_allclose(old["can_bus"][13:16], [10.0, 0.0, 0.0], atol=0.1)
