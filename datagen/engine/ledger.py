"""The ledger: what became of every item, in Parquet, so that nothing disappears.

```
<run>/ledger/000003-0.0000.parquet            session 3, what the driver wrote (the failed)
             000003-node7-4711.0001.parquet   session 3, the second shard of worker node7/4711
             000002-all.0000.parquet          all there was when session 2 was compacted
```

One writer for each process that works. A shard grows by being replaced as a whole, and is left alone once it has
`SHARD_ROWS` rows. The newest row of an id counts: of the last file by name, and an id stands once in a file. When a
session ends, its rows and all older ones become one file, and only then the others go: a crash between changes nothing.

| column     | type                  | is                                                              |
|------------|-----------------------|-----------------------------------------------------------------|
| id         | string                | the item                                                        |
| index      | int64                 | its place among the items given, from 0                         |
| state      | string                | done, dropped or failed                                         |
| stage      | string                | the last stage that touched it                                  |
| reason     | string                | why it was dropped, else empty                                  |
| error      | string                | one line, if it failed                                          |
| traceback  | string                | of the last attempt, if it failed with an exception             |
| attempts   | int32                 | made in the session that wrote the row                          |
| seconds    | map<string, double>   | stage → seconds of work in the last attempt                     |
| worker     | string                | host/pid of the process that touched it last                    |
| started    | timestamp[us, UTC]    | of the first attempt                                            |
| finished   | timestamp[us, UTC]    |                                                                 |
| facts      | map<string, string>   | provenance: recipe and its hash, code version, weights, seed …  |
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from datagen.engine.place import Place

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

SUFFIX = ".parquet"
FILE_NAME = re.compile(rf"\d{{6,}}-.+\.\d{{4,}}{re.escape(SUFFIX)}")
FLUSH_SECONDS = 2.0
SHARD_ROWS = 2000
READERS = 8


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


class Writer:
    """One process's shards. Rows wait in memory for some seconds; a thread writes them if nobody else does.

    name: `<session>-<who>`, in which nobody else writes.
    """

    def __init__(self, folder: Place, name: str) -> None:
        self.folder, self.name = folder, name
        self._shard = 0
        self._written = SCHEMA.empty_table()
        self._waiting: list[Row] = []
        self._lock = threading.RLock()
        self._timer: threading.Timer | None = None
        self._error: OSError | None = None

    def append(self, row: Row) -> None:
        """Add a row; it is on disk some seconds later. Raises OSError if an earlier one could not be written."""
        with self._lock:
            if self._error:
                raise self._error
            self._waiting.append(row)
            if self._timer is None:
                self._timer = threading.Timer(FLUSH_SECONDS, self._flush_later)
                self._timer.daemon = True
                self._timer.start()

    def flush(self) -> None:
        """Write what waits, now. Raises OSError; the rows go on waiting."""
        with self._lock:
            if self._timer:
                self._timer.cancel()
                self._timer = None
            if not self._waiting:
                return
            new = pa.Table.from_pylist([row.cells() for row in self._waiting], schema=SCHEMA)
            table = pa.concat_tables([self._written, new])
            self.folder.write_parquet(f"{self.name}.{self._shard:04d}{SUFFIX}", table)
            self._waiting, self._written, self._error = [], table, None
            if len(table) >= SHARD_ROWS:
                self._shard, self._written = self._shard + 1, SCHEMA.empty_table()

    def _flush_later(self) -> None:
        try:
            self.flush()
        except OSError as error:
            self._error = error


def compact(folder: Place, *, session: int) -> None:
    """Make one file of all, with the newest row of each id, in the order of `index`. No writer may be at work."""
    files = _files(folder)
    whole = f"{session:06d}-all.0000{SUFFIX}"
    if len(files) > 1:
        folder.write_parquet(whole, _read(folder, files, SCHEMA.names).sort_by("index"))
    for file in files:
        if len(files) > 1 and file != whole:
            folder.remove(file)


def last_session(folder: Place) -> int:
    """Return the highest session that has written here, 0 if none has."""
    return max((int(name.partition("-")[0]) for name in _files(folder)), default=0)


def read(run: Path | Place, columns: list[str] | None = None) -> pa.Table:
    """Return the newest row of every id in a run's ledger (`SCHEMA`, or the columns asked for); it may be growing.

    An absent ledger is an empty table.
    """
    folder = (run if isinstance(run, Place) else Place(run)) / "ledger"
    for _ in range(10):  # a compaction may take files away between listing and reading
        try:
            return _read(folder, _files(folder), columns or SCHEMA.names)
        except FileNotFoundError:
            continue
    return _read(folder, _files(folder), columns or SCHEMA.names)


def _read(folder: Place, files: list[str], columns: list[str]) -> pa.Table:
    """Read files in the order of their names: where an id stands in two, the later one counts."""
    if not files:
        return SCHEMA.empty_table().select(columns)
    wanted = list(dict.fromkeys([*columns, "id"]))
    with ThreadPoolExecutor(READERS) as readers:
        tables = readers.map(lambda file: folder.read_parquet(file, schema=SCHEMA, columns=wanted), files)
        table = pa.concat_tables(tables)
    places = pa.array(np.arange(len(table)))
    newest = pa.table({"id": table["id"], "place": places}).group_by("id").aggregate([("place", "max")])
    if len(newest) < len(table):
        table = table.take(newest["place_max"])
    return table.select(columns)


def _files(folder: Place) -> list[str]:
    return [name for name in folder.names() if FILE_NAME.fullmatch(name)]
