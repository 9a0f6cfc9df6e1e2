"""mmdet3d's info files against what the devkit says of the same dataset."""

from __future__ import annotations

import io
import json
import pickle
import pickletools
import shutil
from pathlib import Path

import numpy as np
import pytest
from nuscenes import NuScenes
from nuscenes.utils.data_classes import LidarPointCloud
from nuscenes.utils.geometry_utils import BoxVisibility, points_in_box, view_points
from pyquaternion import Quaternion

from adapters.exporter.nuscenes.infos import ATTRIBUTES, CAMERAS, CLASS_OF, CLASSES, write_infos
from datagen.errors import DatasetError

PICTURE_PX = (56, 32)


class NothingAllowed(pickle.Unpickler):
    """Reads pickles that name no class and no function."""

    def find_class(self, module: str, name: str) -> None:
        raise AssertionError(f"the pickle wants {module}.{name}")


def load(path: Path) -> dict:
    return NothingAllowed(io.BytesIO(path.read_bytes())).load()


@pytest.fixture
def nusc(dataset: Path) -> NuScenes:
    return NuScenes(version="v1.0-synth", dataroot=str(dataset), verbose=False)


@pytest.fixture
def infos(dataset: Path) -> dict:
    return load(dataset / "nuscenes_infos_synth_all.pkl")


def test_there_is_a_file_for_every_split_that_names_no_class(dataset: Path):
    splits = json.loads((dataset / "v1.0-synth" / "splits.json").read_text())
    files = {path.name: path for path in dataset.glob("*.pkl")}
    assert set(files) == {f"nuscenes_infos_{split}.pkl" for split in splits}
    for split, scenes in splits.items():
        path = files[f"nuscenes_infos_{split}.pkl"]
        assert len(load(path)["data_list"]) == 3 * len(scenes)
        assert not {op.name for op, _, _ in pickletools.genops(path.read_bytes())} & {"GLOBAL", "REDUCE", "INST"}


def test_the_header_is_mmdet3d_s(infos):
    meta = infos["metainfo"]
    assert (meta["dataset"], meta["version"], meta["info_version"]) == ("nuscenes", "v1.0-synth", "1.1")
    assert list(meta["categories"].items())[:2] == [("car", 0), ("truck", 1)]
    assert len(CLASSES) == 10


def test_entries_are_the_samples_in_order(infos, nusc):
    assert [info["token"] for info in infos["data_list"]] == [sample["token"] for sample in nusc.sample]
    assert [info["sample_idx"] for info in infos["data_list"]] == list(range(9))
    keys = {"sample_idx", "token", "timestamp", "ego2global", "images", "lidar_points", "instances", "cam_instances"}
    for index, info in enumerate(infos["data_list"]):
        assert set(info) - {"lidar_sweeps"} == keys
        assert info["timestamp"] == nusc.sample[index]["timestamp"] / 1e6
        assert tuple(info["images"]) == CAMERAS


def test_points_of_the_lidar_lie_in_their_boxes(infos, nusc, dataset: Path):
    """mmdet3d's boxes: centre, length, width, height, and a yaw about the LiDAR's z."""
    checked = 0
    for info in infos["data_list"]:
        cloud = LidarPointCloud.from_file(str(dataset / "samples/LIDAR_TOP" / info["lidar_points"]["lidar_path"]))
        for instance in info["instances"]:
            x, y, z, length, width, height, yaw = instance["bbox_3d"]
            offset = cloud.points[:3].T - [x, y, z]
            along = offset[:, 0] * np.cos(yaw) + offset[:, 1] * np.sin(yaw)
            across = -offset[:, 0] * np.sin(yaw) + offset[:, 1] * np.cos(yaw)
            inside = (abs(along) <= length / 2) & (abs(across) <= width / 2) & (abs(offset[:, 2]) <= height / 2)
            assert inside.sum() == instance["num_lidar_pts"]
            assert instance["bbox_3d_isvalid"] is (instance["num_lidar_pts"] > 0)
            checked += 1
    assert checked == len(nusc.sample_annotation)


def test_boxes_and_velocities_are_the_devkit_s_in_the_lidar_frame(infos, nusc):
    for info, sample in zip(infos["data_list"], nusc.sample):
        _, boxes, _ = nusc.get_sample_data(sample["data"]["LIDAR_TOP"])
        sensor = nusc.get("sample_data", sample["data"]["LIDAR_TOP"])
        world_to_ego = Quaternion(nusc.get("ego_pose", sensor["ego_pose_token"])["rotation"]).inverse
        ego_to_lidar = Quaternion(nusc.get("calibrated_sensor", sensor["calibrated_sensor_token"])["rotation"]).inverse
        for instance, box, token in zip(info["instances"], boxes, sample["anns"], strict=True):
            expected = [*box.center, *box.wlh[[1, 0, 2]], box.orientation.yaw_pitch_roll[0]]
            assert instance["bbox_3d"] == pytest.approx(expected, abs=1e-6)
            assert instance["bbox_label"] == CLASSES.index(CLASS_OF[box.name])
            velocity = ego_to_lidar.rotate(world_to_ego.rotate([*nusc.box_velocity(token)[:2], 0.0]))
            assert instance["velocity"] == pytest.approx(velocity[:2], abs=1e-5, nan_ok=True)


def test_camera_boxes_are_the_devkit_s_cut_at_the_true_picture_size(infos, nusc):
    width, height = PICTURE_PX
    seen = 0
    for info, sample in zip(infos["data_list"], nusc.sample):
        for channel, instances in info["cam_instances"].items():
            _, boxes, intrinsics = nusc.get_sample_data(
                sample["data"][channel], box_vis_level=BoxVisibility.NONE, selected_anntokens=sample["anns"]
            )
            by_center = {tuple(np.round(box.center, 6)): box for box in boxes}
            for instance in instances:
                box = by_center[tuple(np.round(instance["bbox_3d"][:3], 6))]
                assert instance["bbox_3d"][3:6] == pytest.approx(box.wlh[[1, 2, 0]])
                assert instance["bbox_3d"][6] == pytest.approx(-box.orientation.yaw_pitch_roll[0])
                assert instance["depth"] == pytest.approx(box.center[2])
                center = view_points(box.center[:, None], intrinsics, normalize=True)[:2, 0]
                assert instance["center_2d"] == pytest.approx(center)
                x0, y0, x1, y1 = instance["bbox"]
                assert 0 <= x0 < x1 <= width
                assert 0 <= y0 < y1 <= height
                if (box.corners()[2] > 0).all():
                    corners = view_points(box.corners(), intrinsics, normalize=True)[:2]
                    hull = [*corners.min(axis=1), *corners.max(axis=1)]
                    if min(hull[:2]) >= 0 and hull[2] <= width and hull[3] <= height:
                        assert instance["bbox"] == pytest.approx(hull)
                annotation = nusc.get("sample_annotation", box.token)
                names = [nusc.get("attribute", token)["name"] for token in annotation["attribute_tokens"]]
                assert ATTRIBUTES[instance["attr_label"]] == (names or ["None"])[0]
                seen += 1
    assert seen > 100


def test_a_point_goes_from_lidar_to_camera_through_the_world(infos, nusc):
    info, sample = infos["data_list"][1], nusc.sample[1]
    for channel, image in info["images"].items():
        _, in_lidar, _ = nusc.get_sample_data(sample["data"]["LIDAR_TOP"])
        _, in_camera, intrinsics = nusc.get_sample_data(
            sample["data"][channel], box_vis_level=BoxVisibility.NONE, selected_anntokens=sample["anns"]
        )
        lidar_points = np.array([[*box.center, 1.0] for box in in_lidar])
        camera_points = np.array([box.center for box in in_camera])
        assert (lidar_points @ np.array(image["lidar2cam"]).T)[:, :3] == pytest.approx(camera_points, abs=1e-6)
        assert np.allclose(image["cam2img"], intrinsics)
        assert image["sample_data_token"] == sample["data"][channel]


def test_sweeps_are_the_ten_before_newest_first(infos, nusc, dataset: Path):
    first, second = infos["data_list"][:2]
    assert "lidar_sweeps" not in first, "nothing comes before a scene's first sample"
    times = [sweep["timestamp"] for sweep in second["lidar_sweeps"]]
    assert times == sorted(times, reverse=True)
    assert all(time < second["timestamp"] for time in times)
    for sweep in second["lidar_sweeps"]:
        assert (dataset / sweep["lidar_points"]["lidar_path"]).is_file()
    key_sweep = next(sweep for sweep in second["lidar_sweeps"] if sweep["timestamp"] == first["timestamp"])
    cloud = LidarPointCloud.from_file(str(dataset / key_sweep["lidar_points"]["lidar_path"]))
    cloud.transform(np.linalg.inv(key_sweep["lidar_points"]["lidar2sensor"]))
    standing = 0
    for box in nusc.get_sample_data(nusc.sample[1]["data"]["LIDAR_TOP"])[1]:
        annotation = nusc.get("sample_annotation", box.token)
        if np.linalg.norm(nusc.box_velocity(box.token)) < 1e-6:
            before = nusc.get("sample_annotation", annotation["prev"])
            assert points_in_box(box, cloud.points[:3]).sum() == before["num_lidar_pts"]
            standing += 1
    assert standing >= 4, "what stands is where it was, once the ego's own motion is taken out"


def test_tables_in_any_order_give_the_same_entries(dataset: Path, infos):
    """A real log's tables are sorted by nothing."""
    tables = dataset / "v1.0-synth"
    rng = np.random.default_rng(0)
    for table in ("sample", "sample_data", "ego_pose", "calibrated_sensor", "instance"):
        rows = json.loads((tables / f"{table}.json").read_text())
        rng.shuffle(rows)
        (tables / f"{table}.json").write_text(json.dumps(rows))
    write_infos(dataset, "v1.0-synth")
    shuffled = load(dataset / "nuscenes_infos_synth_all.pkl")
    assert shuffled["metainfo"] == infos["metainfo"]
    assert all(map(_same, shuffled["data_list"], infos["data_list"]))


def test_a_sample_without_its_sweep_is_named(dataset: Path):
    tables = dataset / "v1.0-synth"
    rows = json.loads((tables / "sample_data.json").read_text())
    kept = [row for row in rows if not (row["filename"].startswith("samples/LIDAR_TOP"))]
    (tables / "sample_data.json").write_text(json.dumps(kept))
    with pytest.raises(DatasetError, match=r"scene-2001: sample \w+ has no LIDAR_TOP key frame"):
        write_infos(dataset, "v1.0-synth")


def test_a_row_that_refers_to_nothing_is_an_error_of_ours(dataset: Path):
    tables = dataset / "v1.0-synth"
    (tables / "ego_pose.json").write_text("[]")
    with pytest.raises(DatasetError, match="refers to"):
        write_infos(dataset, "v1.0-synth")


def test_real_nuscenes_gets_its_infos(nuscenes_mini: Path, tmp_path: Path):
    shutil.copytree(nuscenes_mini / "v1.0-mini", tmp_path / "v1.0-mini")
    (tmp_path / "v1.0-mini").chmod(0o755)
    (tmp_path / "v1.0-mini" / "splits.json").write_text(json.dumps({"two": ["scene-0103", "scene-0916"]}))
    write_infos(tmp_path, "v1.0-mini")
    infos = load(tmp_path / "nuscenes_infos_two.pkl")
    nusc = NuScenes(version="v1.0-mini", dataroot=str(nuscenes_mini), verbose=False)
    assert len(infos["data_list"]) == 81
    assert set(infos["metainfo"]["categories"].values()) == {*range(10), -1}
    for info in infos["data_list"][::20]:
        sample = nusc.get("sample", info["token"])
        _, boxes, _ = nusc.get_sample_data(sample["data"]["LIDAR_TOP"])
        expected = [[*box.center, *box.wlh[[1, 0, 2]], box.orientation.yaw_pitch_roll[0]] for box in boxes]
        found = np.array([instance["bbox_3d"] for instance in info["instances"]])
        assert found == pytest.approx(np.array(expected), abs=1e-6)


def _same(left: object, right: object) -> bool:
    """Compare nested entries; NaN equals NaN."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, float) and isinstance(right, float):
        return bool(np.array_equal(left, right, equal_nan=True))
    return left == right
