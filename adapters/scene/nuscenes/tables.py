"""The tables of a nuScenes-format log on disk: found, read and checked before anything is built on them.

A log of somebody else's making is the least trusted thing that enters the house, so every table, reference
and number that a scene will need is looked at here, and the first thing that is wrong is named by file,
record and field. The schema is that of nuScenes (nuscenes-devkit 1.2, docs/schema_nuscenes.md).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from adapters.exporter.nuscenes.taxonomy import CATEGORIES
from datagen.errors import LogError, did_you_mean

Record = dict[str, Any]

DEEP_CHECK_BYTES = 150_000_000
"""Logs up to this size are checked to the last reference before a run starts (a few seconds); of larger ones
the ends of the files and stray NaNs are checked then, and the rest when the first worker opens the log."""

REFERENCES: dict[str, dict[str, str]] = {
    "scene": {"log_token": "log", "first_sample_token": "sample", "last_sample_token": "sample"},
    "sample": {"scene_token": "scene", "prev": "sample", "next": "sample"},
    "sample_data": {
        "sample_token": "sample",
        "ego_pose_token": "ego_pose",
        "calibrated_sensor_token": "calibrated_sensor",
        "prev": "sample_data",
        "next": "sample_data",
    },
    "sample_annotation": {
        "sample_token": "sample",
        "instance_token": "instance",
        "visibility_token": "visibility",
        "prev": "sample_annotation",
        "next": "sample_annotation",
    },
    "instance": {
        "category_token": "category",
        "first_annotation_token": "sample_annotation",
        "last_annotation_token": "sample_annotation",
    },
    "calibrated_sensor": {"sensor_token": "sensor"},
}
"""table → field → table it points into."""

MAY_BE_EMPTY = frozenset({"prev", "next", "visibility_token"})

VECTORS: dict[str, dict[str, int]] = {
    "ego_pose": {"translation": 3, "rotation": 4},
    "calibrated_sensor": {"translation": 3, "rotation": 4},
    "sample_annotation": {"translation": 3, "rotation": 4, "size": 3},
}
"""table → field → how many finite numbers it holds."""

TEXTS: dict[str, tuple[str, ...]] = {
    "scene": ("name", "description"),
    "log": ("location", "logfile"),
    "sensor": ("channel", "modality"),
    "category": ("name",),
    "attribute": ("name",),
    "map": ("filename",),
    "visibility": (),
}

TABLES = tuple(sorted({*REFERENCES, *VECTORS, *TEXTS}))


def find_version(root: Path, version: str | None) -> str:
    """Return the version to read: the one asked for, or the only one there is.

    Raises LogError when the folder is missing, holds no version, several, or not the one asked for.
    """
    if not root.is_dir():
        raise LogError(f"{root}: no such folder; scene.root must hold a nuScenes-format dataset.")
    found = sorted(path.parent.name for path in root.glob("*/scene.json"))
    if not found:
        raise LogError(f"{root}: no nuScenes-format dataset here (no <version>/scene.json); check scene.root.")
    if version is None:
        if len(found) > 1:
            raise LogError(f"{root}: holds several versions ({', '.join(found)}); choose one with scene.version.")
        return found[0]
    if version not in found:
        there = ", ".join(found)
        raise LogError(f"{root}: no version '{version}'; there are: {there}.{did_you_mean(version, found)}")
    return version


def read_table(folder: Path, table: str) -> list[Record]:
    """Read one table of a version's folder. Raises LogError when it is missing, cut off or no table."""
    path = folder / f"{table}.json"
    records = read_json(path)
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise LogError(f"{path}: not a table: expected a list of records.")
    return records


def read_json(path: Path) -> Any:
    """Read a JSON file. Raises LogError when it is missing or not JSON to its end."""
    try:
        with path.open(encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError as error:
        raise LogError(
            f"{path}: missing; the log is incomplete, copy the file from where the log came from."
        ) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise LogError(f"{path}: broken or cut off ({error}); copy or unpack the file again.") from error
    except OSError as error:
        raise LogError(f"{path}: cannot be read ({error.strerror}).") from error


def check_log(root: Path, version: str) -> None:
    """Check what can be checked of a log in a few seconds. Raises LogError at the first thing that is wrong."""
    folder = root / version
    for table in TABLES:
        check_bytes(folder / f"{table}.json")
    if sum((folder / f"{table}.json").stat().st_size for table in TABLES) <= DEEP_CHECK_BYTES:
        check_records(root, version, {table: read_table(folder, table) for table in TABLES})


def check_bytes(path: Path) -> None:
    """Check, without parsing it, that a table is there, ends as a list does, and holds no NaN or Infinity."""
    if not path.is_file():
        raise LogError(f"{path}: missing; the log is incomplete, copy the file from where the log came from.")
    seen = b""
    with path.open("rb") as file:
        while block := file.read(1 << 22):
            window = seen[-4096:] + block
            if bad := re.search(rb"\bNaN\b|\bInfinity\b", window):
                raise LogError(
                    f"{path}: {_record_at(window, bad.start())} holds {bad[0].decode()}; mend or leave it out."
                )
            seen = window
    if not seen.rstrip().endswith(b"]"):
        raise LogError(f"{path}: broken or cut off (does not end with ']'); copy or unpack the file again.")


def _record_at(text: bytes, position: int) -> str:
    start = text.rfind(b"{", 0, position)
    end = text.find(b"}", position)
    token = re.search(rb'"token"\s*:\s*"([^"]*)"', text[max(start, 0) : end if end > 0 else len(text)])
    return f"record '{token[1].decode(errors='replace')}'" if token else "a record"


def check_records(root: Path, version: str, tables: Mapping[str, list[Record]]) -> None:
    """Check every token, reference, number and file that a scene is made of.

    tables: name → records, all of TABLES. Raises LogError naming file, record and field.
    """
    folder = root / version
    tokens = {table: _tokens(folder, table, tables[table]) for table in TABLES}
    for table, fields in TEXTS.items():
        for field in fields:
            _check_texts(folder / f"{table}.json", tables[table], field)
    for table, references in REFERENCES.items():
        for field, target in references.items():
            _check_references(folder / f"{table}.json", tables[table], field=field, target=target, known=tokens[target])
    for table, vectors in VECTORS.items():
        for field, length in vectors.items():
            _check_vectors(folder / f"{table}.json", tables[table], field=field, length=length)
    for table in ("sample", "sample_data"):
        _check_timestamps(folder / f"{table}.json", tables[table])
    _check_attributes(folder, tables["sample_annotation"], tokens["attribute"])
    _check_categories(folder, tables)
    _check_maps(root, folder, tables)


def _tokens(folder: Path, table: str, records: list[Record]) -> set[str]:
    tokens = {record.get("token") for record in records}
    if len(tokens) < len(records) or None in tokens:
        seen: set[Any] = set()
        for index, record in enumerate(records):
            token = record.get("token")
            if token is None or token in seen:
                problem = "has no token" if token is None else f"repeats token '{token}'"
                raise LogError(f"{folder / table}.json: record number {index} {problem}; tokens must be unique.")
            seen.add(token)
    return tokens  # type: ignore[return-value]


def _check_texts(path: Path, records: list[Record], field: str) -> None:
    for record in records:
        if not isinstance(record.get(field), str):
            raise LogError(f"{path}: record '{record['token']}' has no text in '{field}'; found {record.get(field)!r}.")


def _check_references(path: Path, records: list[Record], *, field: str, target: str, known: set[str]) -> None:
    allowed = known | {""} if field in MAY_BE_EMPTY else known
    for record in records:
        value = record.get(field)
        if not isinstance(value, str) or value not in allowed:
            raise LogError(
                f"{path}: record '{record['token']}' has {field} {value!r}, which {target}.json does not hold;"
                f" the tables do not belong together, unpack the log again."
            )


def _check_vectors(path: Path, records: list[Record], *, field: str, length: int) -> None:
    try:
        values = _numbers([record[field] for record in records]).reshape(len(records), length)
        good = np.isfinite(values).all(axis=1) & _is_possible(values, field)
    except (KeyError, TypeError, ValueError):
        good = np.array([_is_vector(record.get(field), length) for record in records])
    if not good.all():
        record = records[int(np.argmin(good))]
        raise LogError(
            f"{path}: record '{record['token']}' has {field} {record.get(field)!r};"
            f" expected {length} finite numbers{_EXPECTED.get(field, '')}. Mend the record or leave it out."
        )


def _numbers(rows: list[Any]) -> np.ndarray:
    """Return rows as floats. Raises TypeError for anything but numbers (numpy alone would read texts as well)."""
    values = np.array(rows) if rows else np.zeros(0)
    if values.dtype.kind not in "fiu":
        raise TypeError(f"not numbers: {values.dtype}")
    return values.astype(np.float64)


_EXPECTED = {"rotation": ", a unit quaternion", "size": ", all positive"}


def _is_possible(values: np.ndarray, field: str) -> np.ndarray:
    if field == "rotation":
        return np.abs(np.linalg.norm(values, axis=1) - 1.0) < 1e-3
    return (values > 0).all(axis=1) if field == "size" else np.ones(len(values), dtype=bool)


def _is_vector(value: Any, length: int) -> bool:
    return (
        isinstance(value, list)
        and len(value) == length
        and all(isinstance(number, int | float) and np.isfinite(number) for number in value)
    )


def _check_timestamps(path: Path, records: list[Record]) -> None:
    for record in records:
        if type(record.get("timestamp")) is not int:
            found = record.get("timestamp")
            raise LogError(f"{path}: record '{record['token']}' has timestamp {found!r}; expected whole microseconds.")


def _check_attributes(folder: Path, annotations: list[Record], known: set[str]) -> None:
    for record in annotations:
        for token in record.get("attribute_tokens") or ():
            if token not in known:
                raise LogError(
                    f"{folder}/sample_annotation.json: record '{record['token']}' has attribute '{token}',"
                    " which attribute.json does not hold; the tables do not belong together, unpack the log again."
                )


def _check_categories(folder: Path, tables: Mapping[str, list[Record]]) -> None:
    names = {record["token"]: record["name"] for record in tables["category"]}
    for token in dict.fromkeys(record["category_token"] for record in tables["instance"]):
        if names[token] not in CATEGORIES:
            raise LogError(
                f"{folder}/category.json: record '{token}' is called '{names[token]}', which is no category of"
                f" nuScenes.{did_you_mean(names[token], CATEGORIES)}"
            )


def _check_maps(root: Path, folder: Path, tables: Mapping[str, list[Record]]) -> None:
    mapped: set[str] = set()
    for record in tables["map"]:
        mapped.update(_tokens_of_logs(folder, record))
        if not (root / record["filename"]).is_file():
            raise LogError(
                f"{root / record['filename']}: missing, though map.json record '{record['token']}' names it;"
                " copy the folder maps/ of the log."
            )
    for record in tables["log"]:
        if record["token"] not in mapped:
            raise LogError(f"{folder}/map.json: no map lists log '{record['token']}' ({record['logfile']}).")


def _tokens_of_logs(folder: Path, record: Record) -> Iterable[str]:
    tokens = record.get("log_tokens")
    if not isinstance(tokens, list):
        raise LogError(f"{folder}/map.json: record '{record['token']}' has log_tokens {tokens!r}; expected a list.")
    return tokens
