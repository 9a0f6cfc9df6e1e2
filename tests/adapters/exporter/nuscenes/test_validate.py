"""A sound dataset breaks no rule; each way of breaking one is found, named, and nothing else is."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from adapters.exporter.nuscenes import validate
from adapters.exporter.nuscenes.rules import Violation
from datagen.errors import DatasetError

VERSION = "v1.0-synth"
Row = dict[str, Any]
Tables = dict[str, list[Row]]


@pytest.fixture
def dataset(shelf: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A copy, to be spoilt, of the dataset of three clips of three samples."""
    if not (shelf / "three clips").exists():
        fragments, exporter = (request.getfixturevalue(name) for name in ("fragments", "exporter"))
        exporter.merge(fragments, shelf / "three clips")
    return Path(shutil.copytree(shelf / "three clips", tmp_path / "dataset"))


@pytest.fixture
def tables(dataset: Path) -> Iterator[Tables]:
    """The dataset's tables, to be spoilt: what is changed here is on disk when `broken` looks."""
    yield {path.stem: json.loads(path.read_text()) for path in sorted((dataset / VERSION).glob("*.json"))}


@pytest.fixture
def broken(dataset: Path, tables: Tables) -> Callable[[], list[Violation]]:
    """Return broken(): write the tables and validate."""

    def look() -> list[Violation]:
        for name, rows in tables.items():
            (dataset / VERSION / f"{name}.json").write_text(json.dumps(rows))
        return validate(dataset, version=VERSION)

    return look


def rules(violations: list[Violation]) -> set[str]:
    return {violation.rule for violation in violations}


def path_of(dataset: Path, tables: Tables, suffix: str) -> tuple[Row, Path]:
    """Return a key frame's row whose file ends in `suffix`, and the file."""
    row = next(row for row in tables["sample_data"] if row["is_key_frame"] and row["filename"].endswith(suffix))
    return row, dataset / row["filename"]


def test_an_exported_dataset_is_sound(dataset: Path) -> None:
    assert validate(dataset) == []


# ---------------------------------------------------------------------------------------------------------- tables

SPOIL: dict[str, tuple[str, str, Callable[[Tables], Row | str]]] = {}
"""Name → (table, rule, what spoils the tables and returns the row, or token, that is to be named)."""


def spoils(table: str, rule: str) -> Callable[[Callable[[Tables], Row | str]], Callable[[Tables], Row | str]]:
    def register(change: Callable[[Tables], Row | str]) -> Callable[[Tables], Row | str]:
        SPOIL[change.__name__] = (table, rule, change)
        return change

    return register


def change(rows: list[Row], index: int, **values: Any) -> Row:
    rows[index].update(values)
    return rows[index]


@spoils("category", "token-unique")
def a_token_comes_twice(tables: Tables) -> Row:
    tables["category"].append({**tables["category"][4], "name": "vehicle.hovercraft"})
    return tables["category"][4]


@spoils("instance", "reference")
def a_category_is_not_there(tables: Tables) -> Row:
    return change(tables["instance"], 0, category_token="0" * 32)


@spoils("sample_data", "reference")
def an_ego_pose_is_not_there(tables: Tables) -> Row:
    return change(tables["sample_data"], 5, ego_pose_token="0" * 32)


@spoils("sample_annotation", "reference")
def an_attribute_is_not_there(tables: Tables) -> Row:
    return change(tables["sample_annotation"], 0, attribute_tokens=["0" * 32])


@spoils("sample", "chain")
def next_and_prev_do_not_undo_each_other(tables: Tables) -> Row:
    change(tables["sample"], 2, prev=tables["sample"][0]["token"])
    return tables["sample"][1]


@spoils("sample_data", "time-order")
def time_runs_backwards_in_a_channel(tables: Tables) -> Row:
    rows = tables["sample_data"]
    rows[1]["timestamp"] = rows[2]["timestamp"] + 5
    return rows[1]


@spoils("sample", "time-order")
def two_samples_are_at_one_time(tables: Tables) -> Row:
    return change(tables["sample"], 0, timestamp=tables["sample"][1]["timestamp"])


@spoils("scene", "bounds")
def a_scene_counts_wrong(tables: Tables) -> Row:
    return change(tables["scene"], 0, nbr_samples=4)


@spoils("instance", "bounds")
def an_instance_begins_elsewhere(tables: Tables) -> Row:
    row = tables["instance"][0]
    return change(tables["instance"], 0, first_annotation_token=row["last_annotation_token"])


@spoils("sample", "one-lidar")
def a_sample_has_no_lidar(tables: Tables) -> Row:
    return remove_last_key_frame(tables, "LIDAR_TOP")


@spoils("sample", "all-cameras")
def a_sample_lacks_a_camera(tables: Tables) -> Row:
    return remove_last_key_frame(tables, "CAM_BACK")


def remove_last_key_frame(tables: Tables, channel: str) -> Row:
    """Take the last key frame of a scene, and the sweep after it, out of a channel."""
    rows = [row for row in tables["sample_data"] if f"/{channel}/" in row["filename"]][:6]
    gone = [row["token"] for row in rows[4:]]
    tables["sample_data"][:] = [row for row in tables["sample_data"] if row["token"] not in gone]
    rows[3]["next"] = ""
    return tables["sample"][2]


@spoils("sample_annotation", "finite")
def a_box_is_nowhere(tables: Tables) -> Row:
    return change(tables["sample_annotation"], 3, translation=[1.0, float("nan"), 0.0])


@spoils("ego_pose", "finite")
def the_ego_is_infinitely_far(tables: Tables) -> Row:
    return change(tables["ego_pose"], 3, translation=[float("inf"), 0.0, 0.0])


@spoils("calibrated_sensor", "quaternion-unit")
def a_rotation_is_no_rotation(tables: Tables) -> Row:
    return change(tables["calibrated_sensor"], 1, rotation=[1.0, 0.1, 0.0, 0.0])


@spoils("calibrated_sensor", "intrinsic")
def a_camera_has_no_intrinsics(tables: Tables) -> Row:
    return change(tables["calibrated_sensor"], 1, camera_intrinsic=[])


@spoils("sample_annotation", "one-attribute")
def a_box_has_two_attributes(tables: Tables) -> Row:
    token = tables["sample_annotation"][0]["attribute_tokens"][0]
    return change(tables["sample_annotation"], 0, attribute_tokens=[token, token])


@spoils("sample_annotation", "attribute-class")
def a_van_sits(tables: Tables) -> Row:
    sitting = next(row for row in tables["attribute"] if row["name"] == "pedestrian.sitting_lying_down")
    return change(tables["sample_annotation"], 0, attribute_tokens=[sitting["token"]])


@spoils("sample_annotation", "visibility-known")
def a_visibility_is_unknown(tables: Tables) -> Row:
    return change(tables["sample_annotation"], 0, visibility_token="5")


@spoils("sample_annotation", "points-counted")
def a_box_has_other_points_than_it_says(tables: Tables) -> Row:
    return change(tables["sample_annotation"], 0, num_lidar_pts=999)


@spoils("sample_data", "path-inside")
def a_filename_leaves_the_dataset(tables: Tables) -> Row:
    return change(tables["sample_data"], 0, filename="../samples/CAM_FRONT/x.jpg")


@spoils("sample_data", "path-inside")
def a_filename_is_absolute(tables: Tables) -> Row:
    return change(tables["sample_data"], 1, filename="/etc/hostname")


@spoils("scene", "name-unique")
def two_scenes_have_one_name(tables: Tables) -> Row:
    tables["splits"] = {"synth_all": ["scene-2001", "scene-2003"]}  # type: ignore[assignment]
    return change(tables["scene"], 1, name="scene-2001")


@spoils("splits", "splits")
def a_split_names_an_unknown_scene(tables: Tables) -> str:
    tables["splits"]["synth_train"].append("scene-0001")  # type: ignore[call-overload]
    return ""


@spoils("splits", "splits")
def splits_are_no_lists(tables: Tables) -> str:
    tables["splits"] = {"synth_train": "scene-2001"}  # type: ignore[assignment]
    return ""


@spoils("scene", "field")
def a_scene_has_no_description(tables: Tables) -> Row:
    del tables["scene"][0]["description"]
    return tables["scene"][0]


@spoils("sample_annotation", "field")
def a_size_has_two_sides(tables: Tables) -> Row:
    return change(tables["sample_annotation"], 7, size=[1.0, 2.0])


@spoils("map", "table-filled")
def there_is_no_map(tables: Tables) -> str:
    tables["map"] = []
    return ""


@pytest.mark.parametrize("name", SPOIL)
def test_a_broken_rule_is_named_with_its_table_and_token(name: str, tables: Tables, broken) -> None:
    table, rule, spoil = SPOIL[name]
    named = spoil(tables)
    found = broken()
    token = named if isinstance(named, str) else named["token"]
    assert (table, token, rule) in [(violation.table, violation.token, violation.rule) for violation in found]
    assert rules(found) - {"devkit-loads"} == {rule}  # the devkit may stumble over it, too


def test_a_size_of_nothing_is_found(tables: Tables, broken) -> None:
    row = change(tables["sample_annotation"], 0, size=[0.0, 4.0, 2.0])
    found = broken()
    assert rules(found) == {"size-positive", "points-counted"}  # nothing fits in it, either
    assert {violation.token for violation in found} == {row["token"]}


def test_a_log_on_no_map_is_found_by_us_and_by_the_devkit(tables: Tables, broken) -> None:
    tables["map"][0]["log_tokens"].pop()
    found = broken()
    assert rules(found) == {"log-map", "devkit-loads"}
    assert found[0].token == tables["log"][-1]["token"]


def test_a_chain_in_two_pieces_is_found(tables: Tables, broken) -> None:
    rows = [row for row in tables["sample_annotation"] if row["instance_token"] == tables["instance"][0]["token"]]
    rows[0]["next"] = rows[1]["prev"] = ""
    found = broken()
    assert rules(found) == {"chain"}
    assert "2 beginnings" in found[0].message


def test_a_chain_that_strays_to_another_instance_is_found(tables: Tables, broken) -> None:
    one, two = (
        [row for row in tables["sample_annotation"] if row["instance_token"] == instance["token"]]
        for instance in tables["instance"][:2]
    )
    for first, last in ((one[0], two[1]), (two[0], one[1])):
        first["next"], last["prev"] = last["token"], first["token"]
    found = broken()
    assert rules(found) == {"chain"}
    assert "another chain" in found[0].message


# ----------------------------------------------------------------------------------------------------------- files


def test_a_missing_file_is_found(dataset: Path, tables: Tables, broken) -> None:
    row, path = path_of(dataset, tables, ".jpg")
    path.unlink()
    assert [(found.token, found.rule) for found in broken()] == [(row["token"], "file-exists")]


def test_an_empty_file_is_found(dataset: Path, tables: Tables, broken) -> None:
    row, path = path_of(dataset, tables, ".bin")
    path.write_bytes(b"")
    found = broken()
    assert ("file-empty", row["token"]) in [(violation.rule, violation.token) for violation in found]
    assert rules(found) <= {"file-empty", "points-counted"}


def test_a_truncated_picture_is_found(dataset: Path, tables: Tables, broken) -> None:
    row, path = path_of(dataset, tables, ".jpg")
    path.write_bytes(path.read_bytes()[:-300])
    assert [(found.token, found.rule) for found in broken()] == [(row["token"], "picture-readable")]


def test_a_file_that_is_no_picture_is_found(dataset: Path, tables: Tables, broken) -> None:
    row, path = path_of(dataset, tables, ".jpg")
    path.write_bytes(b"<html>404</html>")
    assert [(found.token, found.rule) for found in broken()] == [(row["token"], "picture-readable")]


def test_a_picture_of_another_size_is_found(dataset: Path, tables: Tables, broken) -> None:
    row, path = path_of(dataset, tables, ".jpg")
    Image.fromarray(np.zeros((10, 20, 3), np.uint8)).save(path)
    found = broken()
    assert [(violation.token, violation.rule) for violation in found] == [(row["token"], "picture-size")]
    assert "is 20x10, the table says 56x32" in found[0].message


def test_half_a_lidar_point_is_found(dataset: Path, tables: Tables, broken) -> None:
    row, path = path_of(dataset, tables, ".bin")
    path.write_bytes(path.read_bytes()[:-7])
    assert [(found.token, found.rule) for found in broken()] == [(row["token"], "lidar-size")]


def test_a_key_frame_among_the_sweeps_is_found(dataset: Path, tables: Tables, broken) -> None:
    row, path = path_of(dataset, tables, ".jpg")
    row["filename"] = row["filename"].replace("samples/", "sweeps/")
    path.rename(dataset / row["filename"])
    assert [(found.token, found.rule) for found in broken()] == [(row["token"], "file-place")]


def test_a_missing_map_mask_is_found_by_us_and_by_the_devkit(dataset: Path, tables: Tables, broken) -> None:
    (dataset / tables["map"][0]["filename"]).unlink()
    assert rules(broken()) == {"file-exists", "devkit-loads"}


def test_a_map_expansion_that_is_missing_or_broken_is_found(dataset: Path) -> None:
    path = dataset / "maps" / "expansion" / "test-street.json"
    path.write_text('{"version": "1.3"}')
    assert rules(validate(dataset)) == {"expansion"}
    path.unlink()
    (found,) = validate(dataset)
    assert "no map expansion of 'test-street'" in found.message


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '[{"pos": [0, 0, 0]}]', '[{"utime": 2}, {"utime": 1}]'])
def test_a_can_bus_without_poses_is_found(content: str | None, dataset: Path, tables: Tables) -> None:
    path = dataset / "can_bus" / "scene-2002_pose.json"
    path.unlink()
    if content is not None:
        path.write_text(content)
    assert [(found.token, found.rule) for found in validate(dataset)] == [(tables["scene"][1]["token"], "can-bus")]


def test_a_log_that_is_not_ours_needs_neither_expansion_nor_can_bus(dataset: Path) -> None:
    (dataset / VERSION / "provenance.json").unlink()
    for folder in ("can_bus", "maps/expansion"):
        for path in (dataset / folder).iterdir():
            path.unlink()
    assert validate(dataset) == []


def test_pictures_are_not_opened_when_that_is_not_asked_for(dataset: Path, tables: Tables) -> None:
    _, path = path_of(dataset, tables, ".jpg")
    path.write_bytes(b"")
    assert validate(dataset, files=False) == []


# ---------------------------------------------------------------------------------------- what is not even a table


def test_a_table_that_is_missing_is_named(dataset: Path) -> None:
    (dataset / VERSION / "ego_pose.json").unlink()
    assert [(found.table, found.rule) for found in validate(dataset)] == [("ego_pose", "table-there")]


@pytest.mark.parametrize("content", ["", "[", '[{"token": 1},', "{}", "[1, 2]", '[{"token": "x"', "[{]", "\udcff"])
def test_a_table_that_is_not_json_rows_is_named(dataset: Path, content: str) -> None:
    (dataset / VERSION / "sample.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    assert [(found.table, found.rule) for found in validate(dataset)] == [("sample", "table-readable")]


def test_splits_that_are_missing_or_not_json_are_found(dataset: Path) -> None:
    path = dataset / VERSION / "splits.json"
    path.write_text("{")
    assert rules(validate(dataset)) == {"splits"}
    path.unlink()
    assert rules(validate(dataset)) == {"splits"}


def test_a_folder_that_holds_no_dataset_is_an_error_that_says_what_it_holds(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no such folder"):
        validate(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="it is empty"):
        validate(tmp_path / "empty")
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "beach.jpg").touch()
    with pytest.raises(DatasetError, match=r"it holds beach\.jpg"):
        validate(tmp_path / "holiday")


def test_an_unknown_version_is_an_error_that_says_which_there_are(dataset: Path) -> None:
    with pytest.raises(DatasetError, match=re.escape("there are: v1.0-synth. Did you mean 'v1.0-synth'?")):
        validate(dataset, version="v1.0-snyth")


def test_of_two_versions_one_must_be_named(dataset: Path) -> None:
    (dataset / "v2").mkdir()
    (dataset / "v2" / "scene.json").write_text("[]")
    with pytest.raises(DatasetError, match=r"several versions, say which: v1\.0-synth, v2"):
        validate(dataset)
    assert validate(dataset, version=VERSION) == []


# ---------------------------------------------------------------------------------------------------- the real thing


def test_real_nuscenes_mini_breaks_no_rule_but_those_its_readme_says(nuscenes_mini: Path) -> None:
    found = validate(nuscenes_mini)
    missing = [violation for violation in found if violation.rule == "file-exists"]
    assert rules(found) == {"visibility-known", "file-exists", "points-counted"}
    assert all(violation.table == "sample_data" for violation in missing)
