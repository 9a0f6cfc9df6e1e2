"""The folder of a run, and how a result gets into it exactly once.

```
<run>/
  work/<session>/<id>.<attempt>/   scratch of one attempt; wiped when a run starts and when it ends
  clips/<id>/                      complete: renamed here from its scratch, with done.json in it
  dropped/<id>/                    let go on purpose, kept to look at, with reason.json in it
  ledger/*.parquet                 one row for every item (ledger.py)
```

`done.json` and `reason.json` hold the item's ledger row. They are written before the rename, the ledger after it:

    work ──▶ write done.json ──▶ rename to clips/ ──▶ ledger row
                              │                    └─ crash here: the next run writes the row from done.json
                              └─ crash here: the scratch is wiped, the item is worked on again

Each attempt of each session has a scratch of its own, so that a worker that was given up but is still dying
cannot write into its successor's. The guarantee is against dying processes; against power loss it is the file system's.
"""

from __future__ import annotations

import fcntl
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from datagen.engine.ledger import Ledger, Row, read
from datagen.errors import DatagenError, InputError

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
SEALS = {"done": ("clips", "done.json"), "dropped": ("dropped", "reason.json")}
"""state → (folder of such items, name of the row in it)"""


class Store:
    """A run's folder. Reading needs nothing; writing happens within `opened()`, by one process at a time."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.ledger = Ledger(self.root / "ledger")
        self._session = uuid4().hex[:8]

    def clip_folder(self, id: str) -> Path:
        """Return where the item lies when it is complete. Raises InputError for an id that is no plain name."""
        return self.root / "clips" / checked_id(id)

    def dropped_folder(self, id: str) -> Path:
        """Return where the item lies when it was dropped."""
        return self.root / "dropped" / checked_id(id)

    def complete_ids(self) -> set[str]:
        """Return the ids that need no more work: done (folder and ledger row are there) or dropped (row)."""
        states = self._states()
        there = self._folders("clips")
        return {id for id, state in states.items() if state == "dropped" or (state == "done" and id in there)}

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Hold the run's folder for writing: alone, with an empty `work/` and a ledger that agrees with the folders.

        However the block is left, the ledger is flushed.
        Raises InputError if another process holds it, DatagenError if it cannot be written.
        """
        with self._locked():
            self._wipe()
            self._repair()
            try:
                yield
            finally:
                self.flush()
                self._wipe()
            with self._writing():
                self.ledger.compact()

    def scratch(self, id: str, *, attempt: int) -> Path:
        """Return a new, empty folder for one attempt, and remove the one of the attempt before."""
        work = self.root / "work" / self._session
        shutil.rmtree(work / f"{checked_id(id)}.{attempt - 1}", ignore_errors=True)
        folder = work / f"{id}.{attempt}"
        with self._writing():
            folder.mkdir(parents=True)
        return folder

    def settle(self, row: Row, *, scratch: Path) -> None:
        """Put an item where it belongs for good (a failed one leaves nothing but its row) and enter its row.

        Raises DatagenError if the disk is full.
        """
        with self._writing():
            if row.state in SEALS:
                kind, seal = SEALS[row.state]
                (scratch / seal).write_text(row.to_json(), encoding="utf-8")
                target = self.root / kind / checked_id(row.id)
                target.parent.mkdir(exist_ok=True)
                shutil.rmtree(target, ignore_errors=True)  # left by a run whose ledger was lost
                scratch.rename(target)
            else:
                shutil.rmtree(scratch, ignore_errors=True)
            self.ledger.append(row)

    def flush(self, *, if_due: bool = False) -> None:
        """Write the ledger rows that wait in memory, or only if they have waited long enough."""
        with self._writing():
            self.ledger.flush_if_due() if if_due else self.ledger.flush()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._writing():
            self.root.mkdir(parents=True, exist_ok=True)
            lock = (self.root / ".lock").open("a")
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise InputError(
                    f"{self.root} is being worked on by another process; wait for it or stop it"
                ) from error
            yield

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Translate what the file system says: a full disk ends the run, as there is nothing it could still keep."""
        try:
            yield
        except OSError as error:
            raise DatagenError(
                f"{self.root} cannot be written: {error}. What is finished is kept; run again to go on."
            ) from error

    def _repair(self) -> None:
        """Enter the rows of folders that were renamed into place just before a crash."""
        states = self._states()
        for state, (kind, seal) in SEALS.items():
            for id in sorted(self._folders(kind)):
                if states.get(id) != state and (row := _sealed(self.root / kind / id / seal)):
                    self.ledger.append(row)
        self.flush()

    def _states(self) -> dict[str, str]:
        table = read(self.root, ["id", "state"])
        return dict(zip(table["id"].to_pylist(), table["state"].to_pylist(), strict=True))

    def _folders(self, kind: str) -> set[str]:
        folder = self.root / kind
        return {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()

    def _wipe(self) -> None:
        shutil.rmtree(self.root / "work", ignore_errors=True)


def checked_id(id: str) -> str:
    """Return the id if it is a plain name. Raises InputError for one that could lead out of the run's folder."""
    if not ID.fullmatch(id):
        raise InputError(f"'{id}' cannot name a folder; an id is up to 128 letters, digits, - and _, no - or _ first")
    return id


def _sealed(path: Path) -> Row | None:
    """Return the row in a done.json or reason.json, or None if none can be read: then the item is made again."""
    try:
        return Row.from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError, KeyError):
        return None
