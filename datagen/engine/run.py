"""The engine's one entrance: items and stages go in, folders and a ledger come out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager
from typing import Any, Literal

from datagen.engine import local
from datagen.engine.jobs import Books, Totals
from datagen.engine.limits import terminable
from datagen.engine.progress import Progress
from datagen.engine.stage import Describe
from datagen.engine.store import Store
from datagen.errors import InputError
from datagen.ports import Stage


def execute(
    items: Iterable[Any],
    stages: Sequence[Stage],
    *,
    store: Store,
    executor: Literal["ray", "local"] = "ray",
    address: str | None = None,
    workers: int | None = None,
    attempts: int = 2,
    time_limit_s: float = 900.0,
    facts: Mapping[str, str] | None = None,
    describe: Describe | None = None,
    progress: bool = True,
) -> Totals:
    """Take every item through all stages, once, and leave each in the store as done, dropped or failed.

    items: dataclasses with `id` and `workdir` (the engine sets it); asked for one by one, so there may be very many.
    executor: "local" is for debugging.  address: of a Ray cluster; None starts Ray on this machine, for this call.
    workers: how many items are worked on at one time; None for as many as there are cores.
    attempts: how often an item is tried before it is failed.  time_limit_s: for one item in one stage.
    facts: for every ledger row.  describe: item → more facts, called in the worker with the newest form of the item.
    Calling it again with the same store does what is missing; items that failed are tried again.
    Raises InputError for a store that is in use or an id that is no plain name, and DatagenError when a stage cannot
    start or the store cannot be written. Ctrl-C (or SIGTERM) leaves the store in order, and is raised on.
    """
    if not stages or min(attempts, workers or 1) < 1 or time_limit_s <= 0:
        raise InputError(
            f"need a stage, attempts ≥ 1, workers ≥ 1, time limit > 0 s; got {len(stages)} stages, "
            f"{attempts} attempts, {workers} workers, {time_limit_s} s"
        )
    total = len(items) if isinstance(items, Sized) else None
    shown = Progress(total=total, show=progress)
    try:
        with terminable(), store.opened(total=total) as clerk:
            books = Books(
                store,
                clerk,
                attempts=attempts,
                facts=facts or {},
                describe=describe or _nothing,
                progress=shown,
                time_limit_s=time_limit_s,
            )
            with _ending(books):
                if executor == "local":
                    local.run(items, stages, books=books)
                else:
                    from datagen.engine import cluster

                    cluster.run(items, stages, books=books, address=address, workers=workers)
    except KeyboardInterrupt:
        shown.close()
        shown.say("Stopped. What is finished is kept; run the same command again to go on.")
        raise
    shown.close()
    return books.totals()


@contextmanager
def _ending(books: Books) -> Iterator[None]:
    """Let everybody see how the session ended."""
    try:
        yield
    except KeyboardInterrupt:
        books.beat(ended="stopped")
        raise
    except BaseException as error:
        books.beat(ended=f"ended by {type(error).__name__}")
        raise
    books.beat(ended="finished")


def _nothing(item: Any) -> Mapping[str, str]:
    return {}
