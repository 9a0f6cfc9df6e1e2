"""The folder of a run, and how a result gets into it exactly once.

```
<run>/
  work/<session>/<id>.<attempt>/   scratch of one attempt; wiped when a run starts and when it ends
  clips/<id>/                      complete: it has done.json in it
  dropped/<id>/                    let go on purpose, kept to look at, with reason.json in it
  ledger/*.parquet                 one row for every item (ledger.py)
  session.json                     who works here (session.py)
```

The worker that ends an item settles it (`Clerk.settle`). `done.json` and `reason.json`, the seals, hold its ledger row:

    scratch ──▶ seal written ──▶ renamed to clips/ ──▶ ledger row
                              │                     └─ crash here: the next repair writes the row from the seal
                              └─ crash here: the scratch is wiped, the item is worked on again

On an object store there is no rename: the scratch lies on the worker's own disk, its files are put under `clips/<id>/`,
and the seal is put last. What has no seal is no clip. Who comes second with the same item finds a seal and goes.

Each attempt of each session has a scratch of its own, so that a worker that was given up but is still dying
cannot write into its successor's. The guarantee is against dying processes; against power loss it is the file system's.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from datagen.engine.ledger import Row, State, Writer, compact, last_session, read
from datagen.engine.place import Place
from datagen.engine.session import Session, read_session
from datagen.errors import DatagenError, InputError

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
SEALS: dict[State, tuple[str, str]] = {"done": ("clips", "done.json"), "dropped": ("dropped", "reason.json")}
"""state → (folder of such items, name of the row in it)"""

FINISHED = ("clips", "dropped", "ledger")
"""The folders that hold what is finished; nothing in them changes any more but the ledger."""

RECIPE = "recipe.yaml"
"""What was asked for, as it lies in a run's folder."""


class Clerk:
    """Settles items, and writes their rows: one for each process that works.

    who: names this process's ledger files.
    """

    def __init__(self, place: Place, *, session: Session, who: str) -> None:
        self.place, self.session = place, session
        self._ledger = Writer(place / "ledger", f"{session.number:06d}-{who}")

    @property
    def scratch_root(self) -> Path:
        """Where this session's attempts may write: in the run's folder, or on this node's own disk."""
        return work_folder(self.place) / self.session.id

    def settle(self, row: Row, *, scratch: Path) -> None:
        """Put an item where it belongs for good (a failed one leaves nothing but its row) and enter its row.

        Raises OSError, such as for a full disk.
        """
        if row.state in SEALS and not self.seal_of(row.id, row.state):
            self._put(row, scratch)
        self.discard(scratch)
        self._ledger.append(row)

    def discard(self, scratch: Path) -> None:
        """Remove what is left of an attempt, here and on its way between nodes."""
        shutil.rmtree(scratch, ignore_errors=True)
        if self.place.local is None:
            self.place.remove(self.away(scratch))

    def away(self, scratch: Path) -> str:
        """Return where a scratch lies while it travels between nodes that share no file system."""
        return f"work/{self.session.id}/{scratch.name}"

    def seal_of(self, id: str, state: State) -> Row | None:
        """Return the row an item was sealed with, or None: then there is no such item here."""
        kind, seal = SEALS[state]
        try:
            return Row.from_json(self.place.read(f"{kind}/{checked_id(id)}/{seal}").decode())
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def settled(self, id: str) -> Row | None:
        """Return the row an item was sealed with in whatever state, or None."""
        return next((row for state in SEALS if (row := self.seal_of(id, state))), None)

    def enter(self, row: Row) -> None:
        """Enter a row without touching any folder."""
        self._ledger.append(row)

    def flush(self) -> None:
        """Write the rows that wait. Raises OSError."""
        self._ledger.flush()

    def _put(self, row: Row, scratch: Path) -> None:
        kind, seal = SEALS[row.state]
        if self.place.local is None:
            shelf = self.place / kind
            shelf.upload(scratch, row.id)
            shelf.write(f"{row.id}/{seal}", row.to_json().encode())
            return
        (scratch / seal).write_text(row.to_json(), encoding="utf-8")
        target = self.place.local / kind / row.id
        target.parent.mkdir(exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)  # without a seal: no clip
        scratch.rename(target)


class Store:
    """A run's folder. Reading needs nothing; writing happens within `opened()`, by one driver at a time."""

    def __init__(self, root: Path | str | Place) -> None:
        self.place = root if isinstance(root, Place) else Place(root)

    def clip_folder(self, id: str) -> Path:
        """Return where the item lies when it is complete. Raises InputError for an id that is no plain name."""
        return self._local / "clips" / checked_id(id)

    def has_clip(self, id: str) -> bool:
        """Say whether the item is complete: a folder without its seal is none."""
        return (self.clip_folder(id) / SEALS["done"][1]).is_file()

    def dropped_folder(self, id: str) -> Path:
        """Return where the item lies when it was dropped."""
        return self._local / "dropped" / checked_id(id)

    def complete_ids(self) -> set[str]:
        """Return the ids that need no more work: done (folder and ledger row are there) or dropped (row)."""
        states = self._states()
        there = set((self.place / "clips").names())
        return {id for id, state in states.items() if state == "dropped" or (state == "done" and id in there)}

    @contextmanager
    def here(self) -> Iterator[Path]:
        """Yield a local folder with all that is finished: the run's own, or a copy of it that goes away again.

        What is new in a copy when the block ends well is put beside the rest.
        """
        if self.place.local:
            yield self.place.local
            return
        with tempfile.TemporaryDirectory(prefix="datagen.copy-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            for kind in FINISHED:
                if self.place.has(kind):
                    self.place.download(kind, folder / kind)
            if self.place.has(RECIPE):
                (folder / RECIPE).write_bytes(self.place.read(RECIPE))
            yield folder
            for made in sorted(folder.iterdir()):
                if made.is_dir() and made.name not in FINISHED:
                    self.place.upload(made, made.name)
                elif made.is_file() and made.name != RECIPE:
                    self.place.write(made.name, made.read_bytes())

    @contextmanager
    def opened(self, *, total: int | None = None) -> Iterator[Clerk]:
        """Hold the run's folder for writing: alone, with an empty `work/` and a ledger that agrees with the folders.

        Yields the driver's clerk. However the block is left, its rows are written; if it is left well, all rows
        become one file. Raises InputError if another process holds it, DatagenError if it cannot be written.
        """
        with self._locked():
            with writing(self.place):
                clerk = self._entered(total)
                clerk.session.write(self.place)
                self._wipe()
                self._repair(clerk)
            try:
                yield clerk
            finally:
                with writing(self.place):
                    clerk.flush()
                self._wipe()
            with writing(self.place):
                self._repair(clerk)
                compact(self.place / "ledger", session=clerk.session.number)

    @property
    def _local(self) -> Path:
        if self.place.local is None:
            raise InputError(f"{self.place} is not on this machine; copy it here first")
        return self.place.local

    def _entered(self, total: int | None) -> Clerk:
        now = datetime.now(UTC)
        last = read_session(self.place)
        number = 1 + max(last.number if last else 0, last_session(self.place / "ledger"))
        driver = f"{socket.gethostname()}/{os.getpid()}"
        if last and last.is_alive and self.place.local is None:
            raise InputError(
                f"{self.place} is being worked on by {last.driver}, last heard of {now - last.beat} ago; "
                "wait for it or stop it"
            )
        session = Session(number=number, id=uuid4().hex[:8], driver=driver, total=total, started=now, beat=now)
        return Clerk(self.place, session=session, who="0")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        if self.place.local is None:
            yield
            return
        with writing(self.place):
            self.place.local.mkdir(parents=True, exist_ok=True)
            lock = (self.place.local / ".lock").open("a")
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise InputError(
                    f"{self.place} is being worked on by another process; wait for it or stop it"
                ) from error
            yield

    def _repair(self, clerk: Clerk) -> None:
        """Enter the rows of items that were sealed by a process that died before its row was written."""
        states = self._states()
        for state, (kind, _) in SEALS.items():
            for id in (self.place / kind).names():
                if states.get(id) not in SEALS and ID.fullmatch(id) and (row := clerk.seal_of(id, state)):
                    clerk.enter(row)
        clerk.flush()

    def _states(self) -> dict[str, str]:
        table = read(self.place, ["id", "state"])
        return dict(zip(table["id"].to_pylist(), table["state"].to_pylist(), strict=True))

    def _wipe(self) -> None:
        shutil.rmtree(work_folder(self.place), ignore_errors=True)
        if self.place.local is None:
            self.place.remove("work")


def work_folder(place: Place) -> Path:
    """Return the folder of all scratches: a run's own, or its share of this node's temporary folder."""
    if place.local:
        return place.local / "work"
    return Path(tempfile.gettempdir()) / f"datagen-work-{sha256(place.where.encode()).hexdigest()[:12]}"


@contextmanager
def writing(place: Place) -> Iterator[None]:
    """Translate what the file system says: what cannot be written ends the run, as there is nothing to keep."""
    try:
        yield
    except OSError as error:
        raise DatagenError(
            f"{place} cannot be written: {error}. What is finished is kept; run again to go on."
        ) from error


def checked_id(id: str) -> str:
    """Return the id if it is a plain name. Raises InputError for one that could lead out of the run's folder."""
    if not ID.fullmatch(id):
        raise InputError(f"'{id}' cannot name a folder; an id is up to 128 letters, digits, - and _, no - or _ first")
    return id
