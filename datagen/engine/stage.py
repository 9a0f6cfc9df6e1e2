"""One batch in one stage, with nothing that can go wrong in it reaching the neighbours.

The engine knows nothing of driving. What it moves is an *item*: any dataclass with an `id` and a `workdir`
(`datagen.ports.Take` is one). This file is the only place where a stage's `run` is called, in this process or in
a Ray actor, so that an error, a drop and a success mean the same everywhere.
"""

from __future__ import annotations

import os
import socket
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from datagen.engine.limits import OutOfTime, is_disk_full, within
from datagen.errors import DatagenError
from datagen.ports import Dropped, Stage

ERROR_CHARACTERS = 500
TRACEBACK_CHARACTERS = 16_000


class Item(Protocol):
    """What is worked on: a dataclass (`dataclasses.replace` gives it its workdir) that is small and picklable."""

    @property
    def id(self) -> str:
        """Names the item in folders and ledger; the same content always has the same id."""
        ...

    @property
    def workdir(self) -> Path:
        """Where this attempt may write; what lies in it at the end is the result."""
        ...


Describe = Callable[[Any], Mapping[str, str]]
"""An item to the facts its ledger row shall hold. Called in the worker: a function of a module, and cheap."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why an attempt came to nothing: one line for lists, and the traceback if there is one."""

    error: str
    traceback: str = ""
    disk_full: bool = False
    """Not the item's fault, and the next one's as well: the run ends."""

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """Put an exception into words. The end of a long traceback is the telling part, so its head is cut."""
        words = str(error) if isinstance(error, OutOfTime) else f"{type(error).__name__}: {error}"
        trace = "".join(traceback.format_exception(error))[-TRACEBACK_CHARACTERS:]
        return cls(error=" ".join(words.split())[:ERROR_CHARACTERS], traceback=trace, disk_full=is_disk_full(error))


@dataclass(frozen=True, kw_only=True)
class Report:
    """What became of one item in one stage; the small thing that travels to the driver.

    ended: None if the item goes on.  seconds: its share of the batch's time.  worker: host/pid.
    settled: it lies where it belongs, with its row written.
    """

    ended: Dropped | Failure | None
    seconds: float
    worker: str
    facts: Mapping[str, str] = field(default_factory=dict)
    settled: bool = False


def attend(
    stage: Stage, batch: Sequence[Any], *, describe: Describe, time_limit_s: float
) -> tuple[list[Report], list[Any]]:
    """Run one batch; if it fails as a whole, run its items one by one, so that only the guilty one fails.

    time_limit_s: for each item (`within`).

    A stage may therefore meet an item's workdir with what its own failed try left there, and overwrites it.
    Returns a report and the item after the stage (or, where it ended, before the stage) for each item, in order.
    """
    started = time.perf_counter()
    try:
        with within(time_limit_s * len(batch), f"stage '{stage.name}' worked on it for more than {time_limit_s:g} s"):
            results = _results(stage, batch)
    except (Exception, SystemExit, OutOfTime) as error:
        if len(batch) > 1 and not is_disk_full(error):
            return _one_by_one(stage, batch, describe=describe, time_limit_s=time_limit_s)
        results = [Failure.of(error)] * len(batch)
    seconds = (time.perf_counter() - started) / len(batch)
    reports, items = [], []
    for before, result in zip(batch, results, strict=True):
        ended = result if isinstance(result, Dropped | Failure) else None
        item = before if ended else result
        reports.append(Report(ended=ended, seconds=seconds, worker=whereabouts(), facts=dict(describe(item))))
        items.append(item)
    return reports, items


def _one_by_one(
    stage: Stage, batch: Sequence[Any], *, describe: Describe, time_limit_s: float
) -> tuple[list[Report], list[Any]]:
    reports, items = [], []
    for item in batch:
        report, after = attend(stage, [item], describe=describe, time_limit_s=time_limit_s)
        reports += report
        items += after
    return reports, items


def _results(stage: Stage, batch: Sequence[Any]) -> list[Any]:
    """Run the batch and hold the stage to its contract: one result for each item, in order."""
    results = list(stage.run(batch))
    given = [item.id for item in batch]
    got = [
        item.id if isinstance(result, Dropped) else getattr(result, "id", None) for item, result in zip(batch, results)
    ]
    if got != given or len(results) != len(batch):
        raise DatagenError(
            f"stage '{stage.name}' must return one result for each item, in order; given {given}, got {got}"
        )
    return results


def enter(stage: Stage) -> None:
    """Open a stage.

    Raises the stage's own DatagenError, or one that names the stage: without it nothing can be made, so
    unlike an error in `run` this ends the whole run.
    """
    try:
        stage.open()
    except DatagenError:
        raise
    except Exception as error:
        raise DatagenError(f"stage '{stage.name}' cannot start: {Failure.of(error).error}") from error


def whereabouts() -> str:
    """Return host/pid of this process."""
    return f"{socket.gethostname()}/{os.getpid()}"
