"""Does a dataset keep nuScenes' rules? Ours first, which name the table, the token and the rule; then the devkit's.

In order, each step only when the one before found it possible: the tables are there and readable; rows have
their fields; the rules of `rules`, `media` and `expansions`; the devkit loads it; on the first sample of every
scene, the LiDAR points in a box are as many as its label says.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapters.exporter.nuscenes import media, rules
from adapters.exporter.nuscenes.expansions import expansions
from adapters.exporter.nuscenes.media import LIDAR_POINT_BYTES
from adapters.exporter.nuscenes.rules import Tables, Violation
from adapters.exporter.nuscenes.tables import TABLES, read_table
from datagen.errors import DatasetError, did_you_mean

if TYPE_CHECKING:
    from nuscenes.nuscenes import NuScenes

_PREDEFINED_SPLITS = ("mini", "trainval", "test")
"""Versions with these endings have their splits in the devkit."""

_UNREADABLE = frozenset({"table-there", "table-readable", "table-filled", "field"})
"""Where one of these rules is broken, the others cannot be looked at."""

_UNCOUNTABLE = frozenset({"token-unique", "reference", "finite", "quaternion-unit", "one-lidar", "path-inside"})
"""Where one of these rules is broken, the devkit cannot place boxes and points."""


def validate(dataset: Path, *, version: str | None = None, files: bool = True) -> list[Violation]:
    """Return every rule that a dataset breaks; an empty list when it is sound.

    version: may be None where there is only one.  files: look into pictures and sweeps, too.
    Raises DatasetError when there is no dataset, or no such version.
    """
    version = version_of(dataset, version)
    violations = _our_rules(dataset, version, files=files)  # lets go of the tables before the devkit loads them
    broken = {found.rule for found in violations}
    if broken.isdisjoint(_UNREADABLE):
        violations += _devkit(dataset, version, count=files and broken.isdisjoint(_UNCOUNTABLE))
    return violations


def _our_rules(dataset: Path, version: str, *, files: bool) -> list[Violation]:
    tables, violations = _load(dataset / version)
    if tables is None:
        return violations
    violations += rules.fields(tables)
    if violations:
        return violations
    for rule in rules.TABLE_RULES:
        violations += rule(tables)
    violations += _splits(dataset / version, tables)
    violations += media.paths(dataset, tables)
    violations += expansions(dataset, tables, version=version)
    if files:
        violations += media.files(dataset, tables)
    return violations


def version_of(dataset: Path, version: str | None) -> str:
    """Return the version to read: the one asked for, or the only one. Raises DatasetError saying what there is."""
    if not dataset.is_dir():
        raise DatasetError(f"{dataset}: no such folder; expected a nuScenes-format dataset")
    there = sorted(folder.parent.name for folder in dataset.glob("*/*.json") if folder.stem in TABLES)
    there = list(dict.fromkeys(there))
    if not there:
        content = sorted(entry.name for entry in dataset.iterdir())
        found = f"it holds {', '.join(content[:8])}" if content else "it is empty"
        raise DatasetError(f"{dataset}: holds no version of a nuScenes-format dataset ({found})")
    if version is None and len(there) > 1:
        raise DatasetError(f"{dataset}: holds several versions, say which: {', '.join(there)}")
    if version is not None and version not in there:
        raise DatasetError(
            f"{dataset}: has no version '{version}'; there are: {', '.join(there)}.{did_you_mean(version, there)}"
        )
    return version or there[0]


def _load(folder: Path) -> tuple[Tables | None, list[Violation]]:
    """Read all tables, or say which cannot be read."""
    tables, violations = {}, []
    for name in TABLES:
        path = folder / f"{name}.json"
        if not path.is_file():
            violations.append(Violation(table=name, token="", rule="table-there", message=f"{path} is missing"))
            continue
        try:
            tables[name] = list(read_table(path))
        except DatasetError as error:
            violations.append(Violation(table=name, token="", rule="table-readable", message=str(error)))
    for name in ("scene", "sample", "sample_data", "map"):
        if not tables.get(name, [True]):
            violations.append(Violation(table=name, token="", rule="table-filled", message="the table has no row"))
    return (None if violations else tables), violations


def _splits(folder: Path, tables: Tables) -> Iterator[Violation]:
    path = folder / "splits.json"
    if not path.is_file():
        if not folder.name.endswith(_PREDEFINED_SPLITS):
            yield Violation(table="splits", token="", rule="splits", message=f"{path} is missing")
        return
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        yield Violation(table="splits", token="", rule="splits", message=f"{path} is not JSON ({error})")
        return
    yield from rules.splits(tables, found)


def _devkit(dataset: Path, version: str, *, count: bool) -> Iterator[Violation]:
    """Let the devkit load the dataset, and count points as it does."""
    from nuscenes.nuscenes import NuScenes

    try:
        with contextlib.redirect_stdout(io.StringIO()):
            log = NuScenes(version=version, dataroot=str(dataset), verbose=False)
    except Exception as error:  # whatever it trips over, it does not load
        message = f"the devkit cannot load the dataset: {type(error).__name__}: {error}"
        yield Violation(table="devkit", token="", rule="devkit-loads", message=message)
        return
    if count:
        for scene in log.scene:
            yield from _point_counts(log, log.get("sample", scene["first_sample_token"]))


def _point_counts(log: NuScenes, sample: dict[str, Any]) -> Iterator[Violation]:
    from nuscenes.utils.data_classes import LidarPointCloud
    from nuscenes.utils.geometry_utils import points_in_box

    path, boxes, _ = log.get_sample_data(sample["data"]["LIDAR_TOP"])
    if not Path(path).is_file() or Path(path).stat().st_size % LIDAR_POINT_BYTES:
        return
    points = LidarPointCloud.from_file(path).points[:3]
    for box in boxes:
        stated = log.get("sample_annotation", box.token)["num_lidar_pts"]
        found = int(points_in_box(box, points).sum())
        if found != stated:
            message = f"num_lidar_pts is {stated}, the devkit counts {found}"
            yield Violation(table="sample_annotation", token=box.token, rule="points-counted", message=message)
