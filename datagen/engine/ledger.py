"""The ledger: what became of every item, in Parquet, so that nothing disappears.

`<run>/ledger/00000042.parquet`, each written once (beside its name first, then renamed) and never changed; the
newest row of an id counts: the one in the file with the highest number, and within a file an id stands once.
Compaction writes all newest rows into the next file and then removes the others, so a crash between the two
changes nothing.

| column     | type                  | is                                                              |
|------------|-----------------------|-----------------------------------------------------------------|
| id         | string                | the item                                                        |
| index      | int64                 | its place among the items given, from 0                         |
| state      | string                | done, dropped or failed                                         |
| stage      | string                | the last stage that touched it                                  |
| reason     | string                | why it was dropped, else empty                                  |
| error      | string                | one line, if it failed                                          |
| traceback  | string                | of the last attempt, if it failed with an exception             |
| attempts   | int32                 | made in the run that wrote the row                              |
| seconds    | map<string, double>   | stage → seconds of work in the last attempt                     |
| worker     | string                | host/pid of the process that touched it last                    |
| started    | timestamp[us, UTC]    | of the first attempt                                            |
| finished   | timestamp[us, UTC]    |                                                                 |
| facts      | map<string, string>   | what the caller wants kept: prompt, seed, recipe, versions …    |
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

State = Literal["done", "dropped", "failed"]

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("index", pa.int64()),
        ("state", pa.string()),
        ("stage", pa.string()),
        ("reason", pa.string()),
        ("error", pa.string()),
        ("traceback", pa.string()),
        ("attempts", pa.int32()),
        ("seconds", pa.map_(pa.string(), pa.float64())),
        ("worker", pa.string()),
        ("started", pa.timestamp("us", tz="UTC")),
        ("finished", pa.timestamp("us", tz="UTC")),
        ("facts", pa.map_(pa.string(), pa.string())),
    ]
)

FLUSH_ROWS = 500
FLUSH_SECONDS = 2.0
MOST_FILES = 64
RATE_WINDOW = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the ledger; the columns are described at the top of this file."""

    id: str
    index: int
    state: State
    attempts: int
    started: datetime
    finished: datetime
    stage: str = ""
    reason: str = ""
    error: str = ""
    traceback: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    worker: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the row as JSON, as it lies in the folder of a finished item."""
        values = asdict(self) | {"started": self.started.isoformat(), "finished": self.finished.isoformat()}
        return json.dumps(values, indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Row:
        """Read what `to_json` wrote. Raises ValueError, TypeError or KeyError for anything else."""
        values = json.loads(text)
        times = {key: datetime.fromisoformat(values[key]) for key in ("started", "finished")}
        return cls(**(values | times))

    def cells(self) -> dict[str, Any]:
        """Return the row as pyarrow takes it: maps as lists of pairs."""
        cells = {each.name: getattr(self, each.name) for each in fields(self)}
        return cells | {"seconds": list(self.seconds.items()), "facts": list(self.facts.items())}


class Ledger:
    """The one writer of a ledger's folder. Rows wait in memory for at most `FLUSH_SECONDS` of activity."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._waiting: dict[str, Row] = {}
        self._flushed_at = time.monotonic()

    def append(self, row: Row) -> None:
        """Add a row; it is on disk after the next flush."""
        self._waiting.pop(row.id, None)
        self._waiting[row.id] = row
        self.flush_if_due()

    def flush_if_due(self) -> None:
        """Write what waits if there is much of it or it has waited long enough."""
        if len(self._waiting) >= FLUSH_ROWS or time.monotonic() - self._flushed_at > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what waits, now."""
        self._flushed_at = time.monotonic()
        if not self._waiting:
            return
        self.write(pa.Table.from_pylist([row.cells() for row in self._waiting.values()], schema=SCHEMA))
        self._waiting = {}
        if len(_files(self.folder)) > MOST_FILES:
            self.compact()

    def compact(self) -> None:
        """Make one file of all, keeping the newest row of each id, in the order of `index`."""
        self.flush()
        files = _files(self.folder)
        if len(files) > 1:
            self.write(_read(files, SCHEMA.names).sort_by("index"))
            for file in files:
                file.unlink()

    def write(self, table: pa.Table) -> None:
        """Write rows (`SCHEMA`, an id at most once) as the newest file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        files = _files(self.folder)
        number = int(files[-1].stem) + 1 if files else 0
        unfinished = self.folder / f"{number:08d}.tmp"
        pq.write_table(table, unfinished, compression="zstd")
        unfinished.replace(unfinished.with_suffix(".parquet"))


def read(run: Path, columns: list[str] | None = None) -> pa.Table:
    """Return the newest row of every id in a run's ledger (`SCHEMA`, or the columns asked for); it may be growing.

    An absent ledger is an empty table.
    """
    for _ in range(10):  # a compaction may take files away between listing and reading
        try:
            return _read(_files(run / "ledger"), columns or SCHEMA.names)
        except FileNotFoundError:
            continue
    return _read(_files(run / "ledger"), columns or SCHEMA.names)


def _read(files: list[Path], columns: list[str]) -> pa.Table:
    if not files:
        return SCHEMA.empty_table().select(columns)
    wanted = list(dict.fromkeys([*columns, "id"]))
    tables = [pq.read_table(file, schema=SCHEMA, columns=wanted) for file in files]
    table = pa.concat_tables(tables)
    if len(files) > 1:
        places = pa.array(np.arange(len(table)))
        newest = pa.table({"id": table["id"], "place": places}).group_by("id").aggregate([("place", "max")])
        table = table.take(newest["place_max"])
    return table.select(columns)


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.parquet"))


@dataclass(frozen=True, kw_only=True)
class Summary:
    """A run at a glance.

    drops: reason → how many, the most frequent first.  failures: (id, stage, error) of the latest ten.
    clips_per_min: over the last ten minutes in which anything was finished.
    """

    done: int
    dropped: int
    failed: int
    drops: Mapping[str, int]
    failures: tuple[tuple[str, str, str], ...]
    clips_per_min: float
    finished: datetime | None


def summary(run: Path) -> Summary:
    """Sum up a run's ledger, finished or growing."""
    table = read(run, ["id", "state", "stage", "reason", "error", "finished"])
    states = _counts(table["state"])
    failed = table.filter(pc.equal(table["state"], "failed")).sort_by([("finished", "descending")]).slice(0, 10)
    latest = pc.max(table["finished"]).as_py()
    return Summary(
        done=states.get("done", 0),
        dropped=states.get("dropped", 0),
        failed=states.get("failed", 0),
        drops=_counts(table.filter(pc.equal(table["state"], "dropped"))["reason"]),
        failures=tuple((row["id"], row["stage"], row["error"]) for row in failed.to_pylist()),
        clips_per_min=_rate(table["finished"], latest),
        finished=latest.astimezone(UTC) if latest else None,
    )


def _counts(column: pa.ChunkedArray) -> dict[str, int]:
    counts = {each["values"]: each["counts"] for each in pc.value_counts(column).to_pylist()}
    return dict(sorted(counts.items(), key=lambda pair: -pair[1]))


def _rate(finished: pa.ChunkedArray, latest: datetime | None) -> float:
    """Items a minute among those finished within the window before the latest."""
    if latest is None:
        return 0.0
    recent = finished.filter(pc.greater(finished, pa.scalar(latest - RATE_WINDOW, SCHEMA.field("finished").type)))
    minutes = (latest - pc.min(recent).as_py()).total_seconds() / 60
    return (len(recent) - 1) / minutes if minutes > 0 else 0.0
