"""Every broken log gets one LogError that names the place, before anything is made of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adapters.scene.nuscenes import Settings, build, tables
from datagen.errors import LogError

EditTable = Callable[[str, Callable[[list[dict[str, Any]]], object]], None]


def refusal(root: Path, **settings: Any) -> str:
    """Return the message that counting the scenes ends with."""
    with pytest.raises(LogError) as caught:
        build(Settings(root=root, **settings)).count()
    return str(caught.value)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    assert str(tmp_path / "nowhere") in refusal(tmp_path / "nowhere")


def test_a_folder_without_a_dataset_is_named(tmp_path: Path) -> None:
    assert "no nuScenes-format dataset" in refusal(tmp_path)


def test_an_unknown_version_gets_a_suggestion(tiny_log: Path) -> None:
    assert "Did you mean 'v1.0-tiny'?" in refusal(tiny_log, version="v1.0-tny")


def test_of_several_versions_one_must_be_chosen(tiny_log: Path) -> None:
    (tiny_log / "v2").mkdir()
    (tiny_log / "v2" / "scene.json").write_text("[]")
    assert "v1.0-tiny, v2" in refusal(tiny_log)
    assert build(Settings(root=tiny_log, version="v1.0-tiny")).count() == 2


def test_an_unknown_scene_gets_a_suggestion(tiny_log: Path) -> None:
    assert "no scene 'scene-0009'" in refusal(tiny_log, scenes=("scene-0009",))
    assert "Did you mean 'scene-0002'?" in refusal(tiny_log, scenes=("scene-002",))


def test_an_unknown_split_gets_a_suggestion(tiny_log: Path) -> None:
    assert "Did you mean 'mini_val'?" in refusal(tiny_log, split="minival")
    assert "no scene is left in split 'mini_val'" in refusal(tiny_log, split="mini_val")


@pytest.mark.parametrize("table", tables.TABLES)
def test_a_missing_table_is_named(tiny_log: Path, table: str) -> None:
    (tiny_log / "v1.0-tiny" / f"{table}.json").unlink()
    assert f"{table}.json" in refusal(tiny_log)


@pytest.mark.parametrize("table", tables.TABLES)
def test_a_truncated_table_is_named(tiny_log: Path, table: str) -> None:
    path = tiny_log / "v1.0-tiny" / f"{table}.json"
    path.write_bytes(path.read_bytes()[:-20])
    message = refusal(tiny_log)
    assert f"{table}.json" in message and "cut off" in message


@pytest.mark.parametrize("table", ["ego_pose", "calibrated_sensor", "sample_annotation"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, "1.0"])
def test_a_number_that_is_none_is_found_in_its_record(
    tiny_log: Path, edit_table: EditTable, table: str, value: object
) -> None:
    tokens: list[str] = []

    def spoil(records: list[dict[str, Any]]) -> None:
        tokens.append(records[2]["token"])
        records[2]["translation"][1] = value

    edit_table(table, spoil)
    message = refusal(tiny_log)
    assert f"{table}.json" in message and f"'{tokens[0]}'" in message


def test_a_nan_is_found_even_in_a_log_too_large_to_check_at_once(
    tiny_log: Path, edit_table: EditTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "DEEP_CHECK_BYTES", 0)
    edit_table("ego_pose", lambda records: records[1]["rotation"].__setitem__(0, float("nan")))
    assert "'scene-0001-s0-CAM_FRONT_LEFT' holds NaN" in refusal(tiny_log)


@pytest.mark.parametrize(
    ("table", "field"),
    [
        ("scene", "log_token"),
        ("scene", "first_sample_token"),
        ("sample", "scene_token"),
        ("sample_data", "ego_pose_token"),
        ("sample_data", "calibrated_sensor_token"),
        ("sample_data", "sample_token"),
        ("sample_annotation", "sample_token"),
        ("sample_annotation", "instance_token"),
        ("sample_annotation", "next"),
        ("instance", "category_token"),
        ("calibrated_sensor", "sensor_token"),
    ],
)
def test_a_reference_to_nothing_is_named(tiny_log: Path, edit_table: EditTable, table: str, field: str) -> None:
    edit_table(table, lambda records: records[0].__setitem__(field, "gone"))
    message = refusal(tiny_log)
    assert f"{table}.json" in message and field in message and "'gone'" in message


@pytest.mark.parametrize(
    ("table", "change", "words"),
    [
        ("sample_annotation", lambda r: r[0].__setitem__("size", [0.0, 1.0, 1.0]), "all positive"),
        ("ego_pose", lambda r: r[0].__setitem__("rotation", [0.0, 0.0, 0.0, 0.0]), "unit quaternion"),
        ("ego_pose", lambda r: r[0].pop("translation"), "finite numbers"),
        ("sample", lambda r: r[0].__setitem__("timestamp", 1.5), "whole microseconds"),
        ("sample", lambda r: r.append(r[0]), "repeats token"),
        ("category", lambda r: r[8].__setitem__("name", "vehicle.carr"), "Did you mean 'vehicle.car'?"),
        ("sample_annotation", lambda r: r[0].__setitem__("attribute_tokens", ["gone"]), "attribute 'gone'"),
        ("map", lambda r: r[0].__setitem__("log_tokens", []), "no map lists log"),
        ("log", lambda r: r[0].__setitem__("location", "tiny-twon"), "Did you mean 'tiny-town'?"),
        ("log", lambda r: r[0].__setitem__("location", "../../etc"), "no name of a place"),
    ],
)
def test_an_impossible_record_is_named(
    tiny_log: Path, edit_table: EditTable, table: str, change: Callable[[list[dict[str, Any]]], object], words: str
) -> None:
    edit_table(table, change)
    assert words in refusal(tiny_log)


def test_a_missing_map_mask_is_named(tiny_log: Path) -> None:
    (tiny_log / "maps" / "mask.png").unlink()
    assert "mask.png" in refusal(tiny_log)


def test_a_truncated_expansion_is_named(tiny_log: Path) -> None:
    path = tiny_log / "maps" / "expansion" / "tiny-town.json"
    path.write_text(path.read_text()[:-40])
    assert "tiny-town.json" in refusal(tiny_log)


def test_an_expansion_that_refers_to_nothing_is_named_when_it_is_read(tiny_log: Path) -> None:
    path = tiny_log / "maps" / "expansion" / "tiny-town.json"
    content = json.loads(path.read_text())
    content["lane"][0]["polygon_token"] = "gone"
    path.write_text(json.dumps(content))
    with pytest.raises(LogError, match=r"tiny-town\.json.*gone"):
        read_first(tiny_log)


def test_a_sample_without_one_camera_is_named_when_it_is_read(tiny_log: Path, edit_table: EditTable) -> None:
    edit_table("sample_data", lambda records: records.pop(1))
    with pytest.raises(LogError, match=r"sample 'scene-0001-s0' .* no key frame of CAM_FRONT_LEFT"):
        read_first(tiny_log)


def test_an_instance_that_an_edit_names_must_exist(tiny_log: Path) -> None:
    message = refusal(tiny_log, drop=({"instances": ["scene-0001-vann"]},))
    assert "Did you mean 'scene-0001-van'?" in message


def read_first(root: Path) -> None:
    """Read the first scene, past the checks of count()."""
    from adapters.scene.nuscenes.reader import LogReader

    LogReader.open(root, "v1.0-tiny", names=("scene-0001",), map_margin_m=50.0).scene("scene-0001")
