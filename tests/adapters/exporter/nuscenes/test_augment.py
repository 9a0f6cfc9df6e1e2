"""A real log and a synthetic dataset make one dataset that the devkit loads, and nothing of either is lost."""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from nuscenes.nuscenes import NuScenes
from nuscenes.utils.splits import get_scenes_of_split

from adapters.exporter.nuscenes import Settings, augment, build, validate
from adapters.exporter.nuscenes.tables import read_table
from datagen.errors import DatasetError
from datagen.scene import Scene

AUG = "v1.0-aug"
JUDGED = pa.schema(
    [(key, pa.string()) for key in ("token", "sample_token", "instance_token")] + [("trust", pa.float32())]
)
MakeDataset = Callable[..., Path]


@pytest.fixture
def make_dataset(make_clip, tmp_path: Path, shelf: Path) -> MakeDataset:
    """Return make_dataset(name, ids, first_scene=…, scene=…): a dataset with a clip per id, each of three samples.

    The same dataset is made once, and copied.
    """

    def make(name: str, ids: list[str], *, first_scene: int = 2001, scene: Scene | None = None) -> Path:
        made = shelf / f"{'-'.join(ids)}-{first_scene}-{scene.hdmap.location if scene else ''}"
        if not made.exists():
            exporter = build(Settings(first_scene=first_scene, version="v1.0-synth"))
            fragments = []
            for index, clip_id in enumerate(ids):
                clip, labels = make_clip(index, folder=tmp_path / "clips" / name, **({"scene": scene} if scene else {}))
                folder = tmp_path / "clips" / name / f"fragment-{clip_id}"
                folder.mkdir()
                exporter.write_fragment(replace(clip, id=clip_id), labels=labels, folder=folder)
                fragments.append(folder)
            exporter.merge(fragments, made)
        return Path(shutil.copytree(made, tmp_path / name))

    return make


@pytest.fixture
def real(make_dataset: MakeDataset) -> Path:
    """Two scenes, 101 and 102, in the place of a real log; its validation split is one of them."""
    return make_dataset("real", ["r0", "r1"], first_scene=101)


@pytest.fixture
def synth(make_dataset: MakeDataset, street: Scene) -> Path:
    """Three scenes, from 2001 on, in another place."""
    elsewhere = replace(street, hdmap=replace(street.hdmap, location="elsewhere"))
    return make_dataset("synth", ["s0", "s1", "s2"], scene=elsewhere)


def table(dataset: Path, name: str, version: str = AUG) -> list[dict]:
    return list(read_table(dataset / version / f"{name}.json"))


def splits_of(dataset: Path) -> dict[str, list[str]]:
    return json.loads((dataset / AUG / "splits.json").read_text())


def rewrite(dataset: Path, name: str, change: Callable[[list[dict]], None], version: str = "v1.0-synth") -> None:
    """Change a table on disk."""
    path = dataset / version / f"{name}.json"
    rows = json.loads(path.read_text())
    change(rows)
    path.write_text(json.dumps(rows))


# --------------------------------------------------------------------------------------------------- what is there


def test_every_row_of_both_is_in_one_set_of_tables(real: Path, synth: Path, tmp_path: Path) -> None:
    out = augment(real, synth, tmp_path / "aug")
    for name in ("scene", "sample", "sample_data", "ego_pose", "sample_annotation", "instance", "log"):
        parts = [table(root, name, "v1.0-synth") for root in (real, synth)]
        assert len(table(out, name)) == len(parts[0]) + len(parts[1])
    assert [len(table(out, name)) for name in ("sensor", "category", "attribute", "visibility")] == [7, 23, 8, 4]
    assert validate(out) == []


def test_the_devkit_loads_it_and_sees_both_maps(real: Path, synth: Path, tmp_path: Path) -> None:
    log = NuScenes(version=AUG, dataroot=str(augment(real, synth, tmp_path / "aug")), verbose=False)
    places = {log.get("log", scene["log_token"])["location"] for scene in log.scene}
    assert places == {"test-street", "elsewhere"}
    assert len(log.map) == 2
    assert {path.stem for path in (tmp_path / "aug" / "maps" / "expansion").iterdir()} == places


def test_training_gets_both_and_validation_stays_real(real: Path, synth: Path, tmp_path: Path) -> None:
    out = augment(real, synth, tmp_path / "aug")
    splits = splits_of(out)
    assert len(splits["train_real"]) == len(splits["val"]) == 1
    assert sorted(splits["train_real"] + splits["val"]) == ["scene-0101", "scene-0102"]
    assert splits["train_synth"] == ["scene-2001", "scene-2002", "scene-2003"]
    assert splits["train_aug"] == splits["train_real"] + splits["train_synth"]
    log = NuScenes(version=AUG, dataroot=str(out), verbose=False)
    assert get_scenes_of_split("val_real", log) == splits["val"]


def test_tokens_of_a_log_with_its_own_vocabulary_win(real: Path, synth: Path, tmp_path: Path) -> None:
    def rename(rows: list[dict]) -> None:
        for row in rows:
            row["token"] = "real-" + row["token"]

    for name, used_in, field in (
        ("sensor", "calibrated_sensor", "sensor_token"),
        ("category", "instance", "category_token"),
    ):
        rewrite(real, name, rename)
        rewrite(real, used_in, lambda rows, field=field: [row.update({field: "real-" + row[field]}) for row in rows])
    out = augment(real, synth, tmp_path / "aug")
    assert all(row["token"].startswith("real-") for row in table(out, "sensor") + table(out, "category"))
    assert all(row["category_token"].startswith("real-") for row in table(out, "instance"))
    assert validate(out) == []


def test_the_real_map_wins_where_both_have_one(real: Path, make_dataset, tmp_path: Path) -> None:
    synth = make_dataset("synth", ["s0"])
    (mask,) = table(synth, "map", "v1.0-synth")
    (synth / mask["filename"]).write_bytes(b"not the real one")
    out = augment(real, synth, tmp_path / "aug")
    (row,) = table(out, "map")
    assert (out / row["filename"]).samefile(real / row["filename"])
    assert len(row["log_tokens"]) == 3


def test_a_real_map_without_expansion_gets_the_synthetic_one(real: Path, make_dataset, tmp_path: Path) -> None:
    (real / "v1.0-synth" / "provenance.json").unlink()
    (real / "maps" / "expansion" / "test-street.json").unlink()
    out = augment(real, make_dataset("synth", ["s0"]), tmp_path / "aug")
    assert (out / "maps" / "expansion" / "test-street.json").is_file()
    assert validate(out) == []


def test_a_scene_name_that_is_taken_is_changed_and_reported(make_dataset, tmp_path: Path, caplog) -> None:
    real, synth = make_dataset("real", ["r0", "r1"]), make_dataset("synth", ["s0"])
    with caplog.at_level(logging.WARNING):
        out = augment(real, synth, tmp_path / "aug")
    assert [row["name"] for row in table(out, "scene")] == ["scene-2001", "scene-2002", "scene-2003"]
    assert "scene-2001 is in the real log, too: the synthetic scene is now scene-2003" in caplog.text
    assert splits_of(out)["train_synth"] == ["scene-2003"]
    assert (out / "can_bus" / "scene-2003_pose.json").samefile(synth / "can_bus" / "scene-2001_pose.json")
    assert table(out, "provenance")[-1]["scene_name"] == "scene-2003"


def test_the_same_inputs_give_the_same_bytes_and_stay_as_they_were(real: Path, synth: Path, tmp_path: Path) -> None:
    before = [checksums(root) for root in (real, synth)]
    first, second = (checksums(augment(real, synth, tmp_path / name)) for name in ("one", "two"))
    assert first == second
    assert [checksums(root) for root in (real, synth)] == before


def test_files_on_another_disk_are_linked_symbolically(real: Path, synth: Path, tmp_path: Path, monkeypatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    out = augment(real, synth, tmp_path / "aug")
    row = table(out, "sample_data")[0]
    assert (out / row["filename"]).is_symlink()
    assert (out / row["filename"]).samefile(real / row["filename"])


# ----------------------------------------------------------------------------------------------------------- ratio


@pytest.mark.parametrize(("ratio", "scenes"), [(0.2, 1), (1.0, 1), (2.0, 2), (3.0, 3), (None, 3)])
def test_the_ratio_is_of_real_training_samples(ratio, scenes, real: Path, synth: Path, tmp_path: Path) -> None:
    out = augment(real, synth, tmp_path / "aug", ratio=ratio)
    assert len(splits_of(out)["train_synth"]) == scenes
    assert len(table(out, "sample")) == 3 * (2 + scenes)
    assert validate(out) == []


def test_a_larger_ratio_holds_a_smaller_one(real: Path, synth: Path, tmp_path: Path) -> None:
    taken = [set(splits_of(augment(real, synth, tmp_path / str(r), ratio=r))["train_synth"]) for r in (1.0, 2.0, 3.0)]
    assert taken[0] < taken[1] < taken[2]


@pytest.mark.parametrize(("ratio", "message"), [(3.5, "at most 3.000"), (0.0, "above 0"), (float("nan"), "above 0")])
def test_a_ratio_that_cannot_be_is_refused(ratio, message, real: Path, synth: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=message):
        augment(real, synth, tmp_path / "aug", ratio=ratio)
    assert not (tmp_path / "aug").exists()


# -------------------------------------------------------------------------------------------------------- mistakes


def test_files_the_real_log_lacks_are_reported_once(real: Path, synth: Path, tmp_path: Path, caplog) -> None:
    for path in (real / "samples" / "CAM_BACK").iterdir():
        path.unlink()
    with caplog.at_level(logging.WARNING):
        out = augment(real, synth, tmp_path / "aug")
    assert [record.message for record in caplog.records if "missing" in record.message] == [
        f"6 of 84 sensor files of {real} are missing; they are missing here, too"
    ]
    assert {found.rule for found in validate(out)} == {"file-exists"}


def test_a_file_the_synthetic_dataset_lacks_is_an_error(real: Path, synth: Path, tmp_path: Path) -> None:
    next((synth / "sweeps" / "CAM_BACK").iterdir()).unlink()
    with pytest.raises(DatasetError, match="the file is missing"):
        augment(real, synth, tmp_path / "aug")
    assert [path.name for path in tmp_path.iterdir() if "aug" in path.name] == []


@pytest.mark.parametrize("whose", ["real", "synth"])
@pytest.mark.parametrize("filename", ["/etc/passwd", "../outside.jpg", "samples/../../outside.jpg", ""])
def test_a_filename_that_leaves_its_dataset_is_refused(
    whose, filename, real: Path, synth: Path, tmp_path: Path
) -> None:
    (tmp_path / "outside.jpg").write_bytes(b"secret")
    rewrite({"real": real, "synth": synth}[whose], "sample_data", lambda rows: rows[3].update(filename=filename))
    with pytest.raises(DatasetError, match="leaves the dataset"):
        augment(real, synth, tmp_path / "aug")
    assert [path.name for path in tmp_path.iterdir() if "aug" in path.name] == []


def test_an_output_that_exists_is_left_alone(real: Path, synth: Path) -> None:
    before = checksums(real)
    with pytest.raises(DatasetError, match="exists already"):
        augment(real, synth, real)
    assert checksums(real) == before


def test_a_scene_that_is_in_both_is_refused(real: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"scene-0101 \(.*\) is in .*, too"):
        augment(real, real, tmp_path / "aug")


def test_a_rule_the_synthetic_dataset_breaks_is_an_error(real: Path, synth: Path, tmp_path: Path) -> None:
    rewrite(synth, "sample_annotation", lambda rows: rows[0].update(size=[1.0, 0.0, 1.0]))
    with pytest.raises(DatasetError, match="size-positive"):
        augment(real, synth, tmp_path / "aug")
    assert not (tmp_path / "aug").exists()


def test_splits_that_do_not_say_what_to_validate_on_are_refused(real: Path, synth: Path, tmp_path: Path) -> None:
    (real / "v1.0-synth" / "splits.json").write_text('{"a_val": [], "b_val": []}')
    with pytest.raises(DatasetError, match="a_val, b_val"):
        augment(real, synth, tmp_path / "aug")


# --------------------------------------------------------------------------------------------------- the real thing


def test_real_nuscenes_mini_is_augmented(nuscenes_mini: Path, synth: Path, tmp_path: Path, caplog) -> None:
    with caplog.at_level(logging.WARNING):
        out = augment(nuscenes_mini, synth, tmp_path / "aug")
    splits = splits_of(out)
    assert [len(splits[name]) for name in ("train_real", "val", "train_aug")] == [8, 2, 11]
    log = NuScenes(version=AUG, dataroot=str(out), verbose=False)
    assert (len(log.scene), len(log.sample), len(log.sample_annotation)) == (13, 404 + 9, 18_538 + 3 * 36)
    assert len(log.category) == 23
    assert sum("sensor files" in record.message for record in caplog.records) == 1
    assert len([path for path in (out / "samples").glob("CAM_*/n0*") if path.stat().st_size]) == 18


def checksums(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.md5(path.read_bytes()).hexdigest() for path in files}


def test_what_the_judge_said_of_the_boxes_that_are_taken_comes_along(real: Path, synth: Path, tmp_path: Path) -> None:
    boxes = [table(root, "sample_annotation", "v1.0-synth") for root in (real, synth)]
    for root, rows in zip((real, synth), boxes, strict=True):
        trust = {row["token"]: 0.25 for row in rows}
        (root / "v1.0-synth" / "trust.json").write_text(json.dumps(trust))
        keys = ("token", "sample_token", "instance_token")
        said = [{key: row[key] for key in keys} | {"trust": 0.25} for row in rows]
        pq.write_table(pa.Table.from_pylist(said, schema=JUDGED), root / "v1.0-synth" / "judge.parquet")
    out = augment(real, synth, tmp_path / "aug", ratio=2.0)
    here = {row["token"] for row in table(out, "sample_annotation")}
    assert len(boxes[0]) < len(here) < len(boxes[0]) + len(boxes[1])
    assert set(json.loads((out / AUG / "trust.json").read_text())) == here
    assert set(pq.read_table(out / AUG / "judge.parquet")["token"].to_pylist()) == here


def test_a_merge_of_what_nobody_judged_says_nothing_of_trust(real: Path, synth: Path, tmp_path: Path) -> None:
    out = augment(real, synth, tmp_path / "aug")
    assert not list((out / AUG).glob("trust.json")) + list((out / AUG).glob("judge.parquet"))
