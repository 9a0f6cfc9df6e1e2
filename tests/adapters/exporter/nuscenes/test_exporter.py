"""What the devkit reads from an exported dataset is what the clips were."""

from __future__ import annotations

import hashlib
import json
import pickle
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nuscenes.can_bus.can_bus_api import NuScenesCanBus
from nuscenes.nuscenes import NuScenes
from nuscenes.utils.splits import create_splits_scenes, get_scenes_of_split
from pydantic import ValidationError

from adapters.exporter.nuscenes import NuScenesExporter, Settings, build
from adapters.exporter.nuscenes.fragment import description_of
from adapters.exporter.nuscenes.splits import PREDEFINED, assign
from adapters.exporter.nuscenes.tables import TABLES, read_table
from adapters.exporter.nuscenes.taxonomy import CATEGORY_NAMES, DETECTION_NAMES
from datagen.errors import ClipError, DatasetError
from datagen.scene import SE3, Scene

matplotlib.use("Agg")

VERSION = "v1.0-synth"


@pytest.fixture
def log(dataset: Path) -> NuScenes:
    """The dataset, as the devkit loads it."""
    return NuScenes(version=VERSION, dataroot=str(dataset), verbose=False)


def checksums(folder: Path) -> dict[str, str]:
    """Return file → hash of its bytes."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.md5(path.read_bytes()).hexdigest() for path in files}


# ------------------------------------------------------------------------------------------------- what is there


def test_all_13_tables_are_there(dataset: Path) -> None:
    assert {path.stem for path in (dataset / VERSION).glob("*.json")} >= set(TABLES)


def test_each_prompt_is_a_scene_with_its_number(log: NuScenes) -> None:
    assert [scene["name"] for scene in log.scene] == ["scene-2001", "scene-2002", "scene-2003"]
    assert [scene["nbr_samples"] for scene in log.scene] == [3, 3, 3]


def test_the_description_holds_the_prompt_and_the_ambience(log: NuScenes) -> None:
    assert log.scene[1]["description"] == "drive number 1; clear, day, downtown"


def test_a_clip_without_words_is_described_by_its_scene(make_clip) -> None:
    clip, _ = make_clip(0)
    assert description_of(clip) == "a straight street; clear, day, downtown"


def test_key_frames_are_samples_and_the_others_sweeps(log: NuScenes) -> None:
    folders = [(row["filename"].split("/")[0], row["is_key_frame"]) for row in log.sample_data]
    assert sorted(set(folders)) == [("samples", True), ("sweeps", False)]
    assert len(folders) == 3 * 6 * 7  # scenes, frames at 4 Hz in 1.5 s, sensors


def test_every_file_in_the_tables_is_the_clips_own(dataset: Path, log: NuScenes, tmp_path: Path) -> None:
    row = log.get("sample_data", log.sample[1]["data"]["CAM_BACK"])
    source = tmp_path / "clips" / "clip0000" / "frames" / "CAM_BACK" / "000002.jpg"
    assert (dataset / row["filename"]).samefile(source)
    assert row["filename"].endswith(f"__CAM_BACK__{row['timestamp']}.jpg")


def test_without_sweeps_only_key_frames_are_exported(make_clip, tmp_path) -> None:
    clip, labels = make_clip(0)
    folder = tmp_path / "fragment"
    folder.mkdir()
    build(Settings(sweeps=False)).write_fragment(clip, labels=labels, folder=folder)
    rows = [json.loads(line) for line in (folder / "sample_data.jsonl").read_text().splitlines()]
    assert all(row["is_key_frame"] for row in rows)
    assert len(rows) == 3 * 7


def test_where_each_clip_came_from_is_kept(dataset: Path) -> None:
    first = next(read_table(dataset / VERSION / "provenance.json"))
    assert (first["scene_name"], first["clip_id"], first["weather"]) == ("scene-2001", "clip0000", "clear")


# ------------------------------------------------------------------------------------------------------- geometry


def test_boxes_come_back_to_the_last_digit(log: NuScenes, street: Scene) -> None:
    sample = log.sample[1]
    boxes = {box.name: box for box in map(log.get_box, sample["anns"])}
    for actor in street.actors:
        if actor.id in ("van", "parked"):
            continue  # both are cars
        pose = actor.trajectory.pose_at(sample["timestamp"])
        box = boxes[CATEGORY_NAMES[actor.category]]
        length, width, height = actor.size_lwh_m
        assert np.array_equal(box.center, pose.translation_m)
        assert np.array_equal(box.wlh, [width, length, height])
        assert np.array_equal(box.orientation.elements, pose.quat_wxyz)


def test_poses_and_calibrations_come_back_to_the_last_digit(log: NuScenes, street: Scene, nuscenes_rig) -> None:
    row = log.get("sample_data", log.sample[2]["data"]["CAM_FRONT_LEFT"])
    pose = log.get("ego_pose", row["ego_pose_token"])
    assert pose["translation"] == street.ego.pose_at(row["timestamp"]).translation_m.tolist()
    calibrated = log.get("calibrated_sensor", row["calibrated_sensor_token"])
    camera = nuscenes_rig.cameras[0].resized(56, 32)
    assert calibrated["translation"] == camera.ego_SE3_cam.translation_m.tolist()
    assert calibrated["camera_intrinsic"] == camera.intrinsics_px.tolist()


def test_a_camera_that_fires_late_has_the_pose_of_its_own_instant(make_clip, exporter, tmp_path) -> None:
    clip, labels = make_clip(0)
    late = clip.timeline.camera_timestamp_us.copy()
    late[:, 1] += 20_000
    clip = replace(clip, timeline=replace(clip.timeline, camera_timestamp_us=late))
    log = exported(exporter, [(clip, labels)], tmp_path)
    front = log.get("sample_data", log.sample[0]["data"]["CAM_FRONT"])
    pose = log.get("ego_pose", front["ego_pose_token"])
    assert front["timestamp"] == log.sample[0]["timestamp"] + 20_000
    assert pose["translation"][0] == pytest.approx(80.0 + 10.0 * 0.02, abs=1e-9)  # 10 m/s for 20 ms


def test_the_devkits_velocity_is_the_labels(log: NuScenes, make_clip) -> None:
    _, labels = make_clip(0)
    stated = {label.world_SE3_box.translation_m.tobytes(): label.velocity_mps for label in labels}
    for row in log.sample_annotation:
        if row["sample_token"] in [sample["token"] for sample in log.sample[:3]]:
            key = np.array(row["translation"]).tobytes()
            assert log.box_velocity(row["token"])[:2] == pytest.approx(stated[key], abs=1e-6)


def test_boxes_at_a_sweep_are_interpolated_to_its_instant(log: NuScenes, street: Scene) -> None:
    sweep = next(row for row in log.sample_data if not row["is_key_frame"] and row["channel"] == "LIDAR_TOP")
    van = next(actor for actor in street.actors if actor.id == "truck")
    boxes = {box.name: box for box in log.get_boxes(sweep["token"])}
    expected = van.trajectory.pose_at(sweep["timestamp"]).translation_m
    assert boxes["vehicle.truck"].center == pytest.approx(expected, abs=1e-6)


# --------------------------------------------------------------------------------------------------------- chains


def test_an_actor_that_comes_late_and_leaves_early_has_a_chain_of_its_stay(make_clip, exporter, tmp_path) -> None:
    clip, labels = make_clip(0)
    labels = [label for label in labels if label.actor_id != "van" or label.frame == 2]
    log = exported(exporter, [(clip, labels)], tmp_path)
    counts = sorted(instance["nbr_annotations"] for instance in log.instance)
    assert counts == [1] + [3] * 11
    lone = next(instance for instance in log.instance if instance["nbr_annotations"] == 1)
    row = log.get("sample_annotation", lone["first_annotation_token"])
    assert (row["prev"], row["next"], lone["last_annotation_token"]) == ("", "", row["token"])


def test_a_channel_is_chained_through_samples_and_sweeps(log: NuScenes) -> None:
    row = log.get("sample_data", log.sample[0]["data"]["CAM_FRONT"])
    times, keys = [row["timestamp"]], [row["is_key_frame"]]
    while row["next"]:
        row = log.get("sample_data", row["next"])
        times.append(row["timestamp"])
        keys.append(row["is_key_frame"])
    assert np.diff(times).tolist() == [250_000] * 5
    assert keys == [True, False] * 3


# --------------------------------------------------------------------------------------------- what reads datasets


@pytest.mark.filterwarnings("ignore:Conversion of an array with ndim > 0:DeprecationWarning")  # the devkit's own
def test_render_sample_and_render_annotation_work(log: NuScenes, tmp_path: Path) -> None:
    log.render_sample(log.sample[0]["token"], out_path=str(tmp_path / "sample.png"), verbose=False)
    log.render_annotation(log.sample[0]["anns"][0], out_path=str(tmp_path / "annotation.png"))
    assert (tmp_path / "sample.png").stat().st_size > 10_000


def test_the_devkit_finds_the_splits(log: NuScenes) -> None:
    train, val, everything = (get_scenes_of_split(f"synth_{name}", log) for name in ("train", "val", "all"))
    assert (len(train), len(val)) == (2, 1)
    assert sorted(train + val) == everything == ["scene-2001", "scene-2002", "scene-2003"]


def test_the_devkit_reads_the_can_bus(dataset: Path) -> None:
    assert len(NuScenesCanBus(dataroot=str(dataset)).get_messages("scene-2003", "pose")) > 1


def test_all_ten_detection_classes_are_there(log: NuScenes) -> None:
    names = {CATEGORY_NAMES[category] for category in DETECTION_NAMES}
    assert {row["category_name"] for row in log.sample_annotation} <= names
    detected = {
        DETECTION_NAMES[category]
        for category, name in CATEGORY_NAMES.items()
        if name in {row["category_name"] for row in log.sample_annotation}
    }
    assert len(detected) == 10


# ---------------------------------------------------------------------------------------------------- the same again


def test_the_same_fragments_give_the_same_bytes(fragments, exporter, dataset, tmp_path) -> None:
    exporter.merge(fragments, tmp_path / "again")
    assert checksums(tmp_path / "again") == checksums(dataset)


def test_a_clip_that_moved_with_its_fragment_is_still_found(fragments, exporter, dataset, tmp_path) -> None:
    (tmp_path / "clips").rename(tmp_path / "elsewhere")
    moved = [tmp_path / "elsewhere" / path.relative_to(tmp_path / "clips") for path in fragments]
    exporter.merge(moved, tmp_path / "again")
    assert checksums(tmp_path / "again") == checksums(dataset)


def test_merging_again_replaces_the_dataset(fragments, exporter, dataset) -> None:
    exporter.merge(fragments[:1], dataset)
    assert [row["name"] for row in read_table(dataset / VERSION / "scene.json")] == ["scene-2001"]
    assert [path.name for path in dataset.parent.iterdir() if path.name.startswith(".")] == []


# ------------------------------------------------------------------------------------------------------- mistakes


def test_a_missing_frame_is_the_clips_error(make_clip, exporter, tmp_path) -> None:
    clip, labels = make_clip(0)
    clip.frame_path("CAM_FRONT", 3).unlink()
    with pytest.raises(ClipError, match="CAM_FRONT, frame 3, is missing"):
        exported(exporter, [(clip, labels)], tmp_path)


def test_a_nan_in_a_label_is_the_clips_error(make_clip, exporter, tmp_path) -> None:
    clip, labels = make_clip(0)
    nowhere = SE3(quat_wxyz=np.array([1.0, 0.0, 0.0, 0.0]), translation_m=np.array([np.nan, 0.0, 0.0]))
    labels[3] = replace(labels[3], world_SE3_box=nowhere)
    with pytest.raises(ClipError, match="sample_annotation is NaN"):
        exported(exporter, [(clip, labels)], tmp_path)


def test_a_label_between_key_frames_is_the_clips_error(make_clip, exporter, tmp_path) -> None:
    clip, labels = make_clip(0)
    with pytest.raises(ClipError, match="frame 1, not a key frame"):
        exported(exporter, [(clip, [replace(labels[0], frame=1)])], tmp_path)


def test_scenes_are_numbered_on_beyond_four_digits(make_clip, exporter, tmp_path) -> None:
    clip, labels = make_clip(0)
    clip = replace(clip, prompt=replace(clip.prompt, index=8000))
    assert [scene["name"] for scene in exported(exporter, [(clip, labels)], tmp_path).scene] == ["scene-10001"]


def test_a_failing_merge_leaves_the_old_dataset_and_nothing_half_written(
    fragments, exporter, dataset, tmp_path
) -> None:
    before = checksums(dataset)
    (tmp_path / "clips" / "clip0002" / "frames" / "CAM_BACK" / "000001.jpg").unlink()
    with pytest.raises(DatasetError, match=r"000001\.jpg: the file is missing"):
        exporter.merge(fragments, dataset)
    assert checksums(dataset) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clips", "dataset"]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda fragments: [], "no clip"),
        (lambda fragments: [fragments[0], fragments[0]], "scene-2001 is also the scene of"),
        (lambda fragments: [fragments[0].parent], "the fragment is incomplete"),
    ],
)
def test_fragments_that_make_no_dataset_are_refused(spoil, message, fragments, exporter, tmp_path) -> None:
    with pytest.raises(DatasetError, match=message):
        exporter.merge(spoil(fragments), tmp_path / "none")
    assert not (tmp_path / "none").exists()


# --------------------------------------------------------------------------------------------------------- splits


def test_the_names_that_are_refused_are_the_devkits() -> None:
    assert set(PREDEFINED) == set(create_splits_scenes())


@pytest.mark.parametrize(
    "splits", [{"train": 0.8}, {"mini_val": 0.1}, {"synth_all": 1.0}, {"a": 0.8, "b": 0.3}, {"a": 0.0}, {"a b": 0.5}]
)
def test_splits_that_cannot_be_are_refused(splits) -> None:
    with pytest.raises(ValidationError):
        Settings(splits=splits)


@pytest.mark.parametrize(("scenes", "counts"), [(1, (1, 0)), (2, (1, 1)), (3, (2, 1)), (10, (8, 2)), (101, (81, 20))])
def test_split_counts_are_sensible(scenes: int, counts: tuple[int, int]) -> None:
    names = [f"scene-{i:04d}" for i in range(scenes)]
    splits = assign(names, {"a": 0.8, "b": 0.2})
    assert (len(splits["a"]), len(splits["b"])) == counts
    assert sorted(splits["a"] + splits["b"]) == names == splits["synth_all"]


@given(st.integers(0, 60), st.lists(st.integers(1, 10), min_size=1, max_size=4))
def test_a_scene_is_in_at_most_one_split_and_few_scenes_are_shared_out(scenes: int, weights: list[int]) -> None:
    names = [f"scene-{i:04d}" for i in range(scenes)]
    splits = assign(names, {f"s{i}": weight / sum(weights) for i, weight in enumerate(weights)})
    assert splits.pop("synth_all") == names
    assert sorted(name for members in splits.values() for name in members) == names
    if scenes >= len(weights):
        assert all(splits.values())


def test_the_exporter_travels_to_the_workers(exporter) -> None:
    assert pickle.loads(pickle.dumps(exporter)).settings == exporter.settings


def exported(exporter: NuScenesExporter, clips, folder: Path) -> NuScenes:
    """Export clips and load the dataset."""
    fragments = []
    for number, (clip, labels) in enumerate(clips):
        fragment = folder / f"fragment{number}"
        fragment.mkdir()
        exporter.write_fragment(clip, labels=labels, folder=fragment)
        fragments.append(fragment)
    exporter.merge(fragments, folder / "exported")
    return NuScenes(version=VERSION, dataroot=str(folder / "exported"), verbose=False)
