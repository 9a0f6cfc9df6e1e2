"""The 13 tables as files: read and written row by row, because a log's largest tables need not fit in memory.

In a dataset a table is one JSON array, `<version>/<table>.json`. In a clip's fragment it is JSON lines, one row
a line, so that merging is appending. Floats are written with all their digits (Python's `repr`), keys in the
order of the schema, so that the same rows give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from datagen.errors import DatasetError

Row = dict[str, Any]
Rows = dict[str, list[Row]]
"""Table → rows."""

TABLES = (
    "category",
    "attribute",
    "visibility",
    "instance",
    "sensor",
    "calibrated_sensor",
    "ego_pose",
    "log",
    "scene",
    "sample",
    "sample_data",
    "sample_annotation",
    "map",
)
"""In the devkit's order."""

_CHUNK_CHARS = 1 << 20
_LONGEST_CHARS = 1 << 20
"""No string or number in a table is longer: what cannot be decoded and has as much behind it is broken, not cut."""


def dump(row: Row) -> str:
    """Return a row as one line of JSON. Raises ValueError for NaN and infinity."""
    return json.dumps(row, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def chain(rows: Sequence[Row]) -> None:
    """Link rows, given in the order of time, by `prev` and `next`."""
    for before, row, after in zip([None, *rows[:-1]], rows, [*rows[1:], None], strict=True):
        row["prev"] = before["token"] if before else ""
        row["next"] = after["token"] if after else ""


def write_lines(path: Path, rows: Iterable[Row]) -> None:
    """Write rows as JSON lines."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(dump(row) + "\n" for row in rows)


def read_lines(path: Path) -> Iterator[Row]:
    """Yield the rows of a file of JSON lines."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


class TableWriter:
    """Writes one table of a dataset, row by row; a context manager."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0

    def __enter__(self) -> TableWriter:
        self._file: TextIO = self.path.open("w", encoding="utf-8", newline="\n")
        self._file.write("[")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.write("\n]\n")
        self._file.close()

    def write(self, row: Row) -> None:
        """Append a row."""
        self.write_text(dump(row))

    def write_text(self, text: str) -> None:
        """Append a row that is JSON already."""
        self._file.write(("\n" if self.rows == 0 else ",\n") + text)
        self.rows += 1


def write_table(path: Path, rows: Iterable[Row]) -> None:
    """Write a whole table."""
    with TableWriter(path) as table:
        for row in rows:
            table.write(row)


def read_table(path: Path) -> Iterator[Row]:
    """Yield the rows of a dataset's table without holding the file in memory.

    Raises DatasetError, naming the file, when it is missing, not JSON, or not an array of objects.
    """
    decoder = json.JSONDecoder()
    with _opened(path) as file:
        text, at = _skip(file, "", 0, path=path, of=" \t\r\n")
        if text[at : at + 1] != "[":
            raise DatasetError(f"{path}: expected a JSON array of rows, found {text[at : at + 20]!r}")
        text, at = _skip(file, text, at + 1, path=path, of=" \t\r\n")
        while text[at : at + 1] != "]":
            row, text, at = _next_row(decoder, file, text, at, path=path)
            yield row
            text, at = _skip(file, text, at, path=path, of=" \t\r\n,")


def _opened(path: Path) -> TextIO:
    try:
        return path.open(encoding="utf-8")
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror})") from error


def _read(file: TextIO, path: Path) -> str:
    try:
        return file.read(_CHUNK_CHARS)
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path}: is not UTF-8 text ({error.reason} at byte {error.start})") from error


def _skip(file: TextIO, text: str, at: int, *, path: Path, of: str) -> tuple[str, int]:
    """Move on to the next character that is not in `of`, reading on as needed."""
    while True:
        while at < len(text) and text[at] in of:
            at += 1
        if at < len(text):
            return text, at
        text, at = _read(file, path), 0
        if not text:
            raise DatasetError(f"{path}: ends in the middle (is the file truncated?)")


def _next_row(decoder: json.JSONDecoder, file: TextIO, text: str, at: int, *, path: Path) -> tuple[Row, str, int]:
    """Decode the row that starts at `at`, reading on while it is not complete."""
    while True:
        try:
            row, end = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            more = _read(file, path) if len(text) - error.pos <= _LONGEST_CHARS else ""
            if not more:
                raise DatasetError(
                    f"{path}: is not valid JSON ({error.msg}: {text[error.pos : error.pos + 20]!r})"
                ) from error
            text, at = text[at:] + more, 0
            continue
        if not isinstance(row, dict):
            raise DatasetError(f"{path}: expected rows that are objects, found {str(row)[:20]!r}")
        return row, text, end
