"""Tables of any root and version become entries; what is not there is named."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from adapters.detector.mmdet3d.components import NuScenesRoots, Source
from datagen.errors import DatasetError

CAMERA = {"load_type": "mv_image_based", "box_type_3d": "Camera", "modality": {"use_camera": True}}


def test_sources_are_joined_and_every_entry_knows_its_own(made) -> None:
    data = NuScenesRoots([made.source(), made.source(synthetic=True)], **CAMERA)
    once = NuScenesRoots([made.source()], **CAMERA)
    assert len(data) == 2 * len(once) > 0
    assert data.source_of.tolist() == [0] * len(once) + [1] * len(once)
    first, last = data.get_data_info(0), data.get_data_info(len(data) - 1)
    assert (first["synthetic"], last["synthetic"], last["source"]) == (False, True, 1)
    (image,) = first["images"].values()
    assert Path(image["img_path"]).is_file()


def test_only_boxes_that_a_sensor_has_points_on_are_trained_on(made) -> None:
    points = {row["token"]: row["num_lidar_pts"] for row in made.table("sample_annotation")}
    unseen = {token for token, count in points.items() if count == 0}
    every = NuScenesRoots([made.source()], test_mode=True, load_eval_anns=True, use_valid_flag=False, **CAMERA)
    data = NuScenesRoots([made.source()], **CAMERA)
    trained = {token for at in range(len(data)) for token in data.get_data_info(at)["ann_info"]["annotation_token"]}
    assert trained
    assert not trained & unseen
    assert len(every) == 3 * 6


def test_lidar_entries_are_the_labels_in_the_lidars_frame(made) -> None:
    data = NuScenesRoots([made.source()], modality={"use_lidar": True})
    assert len(data) == 3
    entry = data.get_data_info(0)
    world_SE3_lidar = np.array(entry["world_SE3_sensor"])
    rows = {row["token"]: row for row in made.table("sample_annotation")}
    boxes = entry["ann_info"]
    centers = boxes["gt_bboxes_3d"].gravity_center.numpy() @ world_SE3_lidar[:3, :3].T + world_SE3_lidar[:3, 3]
    wanted = [rows[token]["translation"] for token in boxes["annotation_token"]]
    np.testing.assert_allclose(centers, wanted, atol=1e-3)


def test_boxes_that_are_not_kept_are_left_out_everywhere(made) -> None:
    data = NuScenesRoots([made.source()], modality={"use_lidar": True})
    before = data.get_data_info(1)["ann_info"]
    data.keep_boxes = lambda entry, tokens: np.array([token != before["annotation_token"][0] for token in tokens])
    after = data.get_data_info(1)["ann_info"]
    assert len(after["gt_bboxes_3d"]) == len(before["gt_bboxes_3d"]) - 1
    np.testing.assert_array_equal(after["gt_labels_3d"], before["gt_labels_3d"][1:])


def test_boxes_too_far_to_be_learnt_are_left_out(made) -> None:
    def distances(farthest_m: float | None) -> np.ndarray:
        data = NuScenesRoots([made.source()], farthest_m=farthest_m, **CAMERA)
        infos = [data.get_data_info(at)["ann_info"] for at in range(len(data))]
        assert all(len(info["gt_bboxes_3d"]) == len(info["depths"]) == len(info["gt_bboxes"]) for info in infos)
        return np.concatenate([info["gt_bboxes_3d"].gravity_center.norm(dim=1).numpy() for info in infos])

    every = distances(None)
    limit_m = float(np.median(every))
    np.testing.assert_array_equal(distances(limit_m), every[every <= limit_m])


def test_what_is_missing_is_named_or_left_out_on_request(made, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no split 'synth_trian'; there are: .*Did you mean 'synth_train'\?"):
        NuScenesRoots([made.source() | {"split": "synth_trian"}], **CAMERA)
    copy = tmp_path / "copy"
    shutil.copytree(made.root, copy)
    picture = sorted((copy / "samples" / "CAM_FRONT").iterdir())[0]
    picture.unlink()
    source = made.source() | {"root": str(copy)}
    with pytest.raises(DatasetError, match=rf"1 sensor files .* are missing, such as .*{re.escape(picture.name)}"):
        NuScenesRoots([source], **CAMERA)
    left = NuScenesRoots([source | {"skip_missing": True}], test_mode=True, load_eval_anns=False, **CAMERA)
    assert len(left) == 2 * 6


def test_real_nuscenes_tables_become_entries(nuscenes_mini: Path) -> None:
    source = Source(root=nuscenes_mini, version="v1.0-mini", split="mini_val", skip_missing=True)
    fields = {key: getattr(source, key) for key in ("version", "split", "skip_missing")}
    data = NuScenesRoots([{"root": str(nuscenes_mini), **fields}], test_mode=True, load_eval_anns=False, **CAMERA)
    photographs = [Path(next(iter(data.get_data_info(at)["images"].values()))["img_path"]) for at in range(len(data))]
    assert len(data) == 12
    assert all(path.is_file() for path in photographs)
    assert json.loads(json.dumps(data.get_data_info(0)["world_SE3_sensor"]))[3] == [0.0, 0.0, 0.0, 1.0]
