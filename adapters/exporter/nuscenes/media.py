"""The rules a dataset's files must keep: where they lie, that they are whole, and that they are what the tables say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from PIL import Image
from tqdm import tqdm

from adapters.exporter.nuscenes.folders import within
from adapters.exporter.nuscenes.rules import Tables, Violation
from adapters.exporter.nuscenes.tables import Row
from datagen.errors import DatasetError

LIDAR_POINT_BYTES = 20
"""x, y, z, intensity and ring, float32."""


def paths(dataset: Path, tables: Tables) -> Iterator[Violation]:
    """Filenames stay within the dataset; key frames lie under samples/, the others under sweeps/."""
    for row in tables["sample_data"]:
        if not _stays(dataset, row["filename"]):
            yield _broken("sample_data", row, "path-inside", f"'{row['filename']}' leaves the dataset")
        elif row["filename"].split("/", maxsplit=1)[0] != ("samples" if row["is_key_frame"] else "sweeps"):
            yield _broken("sample_data", row, "file-place", f"'{row['filename']}': key frames lie under samples/")
    for row in tables["map"]:
        if not _stays(dataset, row["filename"]):
            yield _broken("map", row, "path-inside", f"'{row['filename']}' leaves the dataset")


def files(dataset: Path, tables: Tables) -> Iterator[Violation]:
    """Files are there, not empty, and whole: pictures decode to the size stated, sweeps hold whole points."""
    for row in tables["map"]:
        if _stays(dataset, row["filename"]) and not (dataset / row["filename"]).is_file():
            yield _broken("map", row, "file-exists", f"{row['filename']} is missing")
    rows = [row for row in tables["sample_data"] if _stays(dataset, row["filename"])]
    for row in tqdm(rows, desc="files", unit="file", delay=1.0, leave=False):
        problem = _problem(dataset / row["filename"], row)
        if problem is not None:
            rule, message = problem
            yield _broken("sample_data", row, rule, f"{row['filename']} {message}")


def _problem(path: Path, row: Row) -> tuple[str, str] | None:
    """Return what is wrong with a file as (rule, message), or None."""
    if not path.is_file():
        return "file-exists", "is missing"
    size = path.stat().st_size
    if size == 0:
        return "file-empty", "is empty"
    if row["fileformat"] == "jpg":
        return _picture_problem(path, (row["width"], row["height"]))
    if path.name.endswith(".bin") and size % LIDAR_POINT_BYTES:
        return "lidar-size", f"has {size} bytes, which is no multiple of {LIDAR_POINT_BYTES}"
    return None


def _picture_problem(path: Path, stated: tuple[int, int]) -> tuple[str, str] | None:
    try:
        with Image.open(path) as picture:
            picture.load()
            size = picture.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        return "picture-readable", f"cannot be decoded ({error})"
    if size != stated:
        return "picture-size", f"is {size[0]}x{size[1]}, the table says {stated[0]}x{stated[1]}"
    return None


def _stays(dataset: Path, filename: str) -> bool:
    try:
        within(dataset, filename)
    except DatasetError:
        return False
    return True


def _broken(table: str, row: Row, rule: str, message: str) -> Violation:
    return Violation(table=table, token=row["token"], rule=rule, message=message)
