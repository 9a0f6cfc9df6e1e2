"""The books of one run: which items are to be done, what became of each, and whether it gets another try.

Both executors work from these books, so that resume, retries, drops and failures cannot differ between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from datagen.engine.ledger import Row, State
from datagen.engine.progress import Progress
from datagen.engine.stage import Describe, Failure, Report
from datagen.engine.store import Store
from datagen.ports import Dropped


@dataclass(frozen=True, kw_only=True)
class Totals:
    """How a run ended. skipped: settled by an earlier run.  failures: (id, error) of each that failed in this one."""

    done: int
    dropped: int
    failed: int
    skipped: int
    failures: tuple[tuple[str, str], ...]


@dataclass(eq=False, kw_only=True)
class Job:
    """One item on its way through the stages. An attempt is the way from the first stage on, in an empty workdir.

    item: as it was given.  scratches: folders used so far; more than attempts if neighbours brought one down.
    alone: it was in a batch that took its worker down, so from now on it travels in batches of one.
    """

    index: int
    item: Any
    attempts: int = 0
    scratches: int = 0
    alone: bool = False
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    workdir: Path = Path()
    stage: str = ""
    worker: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)


class Books:
    """Keeps account of the jobs of one run in its store.

    attempts: how often a job is tried in all.  facts: for every row.  describe: item → facts for its row.
    """

    def __init__(
        self, store: Store, *, attempts: int, facts: Mapping[str, str], describe: Describe, progress: Progress
    ) -> None:
        self.describe = describe
        self._store = store
        self._attempts = attempts
        self._facts = dict(facts)
        self._progress = progress
        self._counts: dict[str, int] = {"done": 0, "dropped": 0, "failed": 0, "skipped": 0}
        self._failures: list[tuple[str, str]] = []

    def jobs(self, items: Iterable[Any]) -> Iterator[Job]:
        """Yield a job for each item that nobody has settled yet, asking for items as they are needed."""
        known = self._store.complete_ids()
        for index, item in enumerate(items):
            if item.id in known:
                self._counts["skipped"] += 1
                self._progress.skipped()
            else:
                known.add(item.id)
                yield Job(index=index, item=item, facts=dict(self.describe(item)))

    def begin(self, job: Job) -> Any:
        """Begin the job's next attempt: return its item with a new, empty workdir."""
        job.attempts += 1
        job.scratches += 1
        job.workdir = self._store.scratch(job.item.id, attempt=job.scratches)
        job.seconds = {}
        return replace(job.item, workdir=job.workdir)

    def enter(self, job: Job, report: Report, *, stage: str, last: bool) -> bool:
        """Enter what a stage made of a job. Returns whether the job is to begin again.

        A job that is dropped, or has passed the last stage, is settled.
        """
        job.stage, job.worker, job.facts = stage, report.worker, report.facts
        job.seconds[stage] = report.seconds
        if isinstance(report.ended, Failure):
            return self.fail(job, report.ended, stage=stage)
        if isinstance(report.ended, Dropped):
            self._settle(job, "dropped", reason=report.ended.reason)
        elif last:
            self._settle(job, "done")
        return False

    def fail(self, job: Job, failure: Failure, *, stage: str) -> bool:
        """Enter a failed attempt. Returns whether there is another; if not, the job is settled as failed."""
        job.stage = stage
        if job.attempts < self._attempts:
            return True
        self._failures.append((job.item.id, failure.error))
        self._settle(job, "failed", error=failure.error, traceback=failure.traceback)
        return False

    def excuse(self, job: Job) -> None:
        """Take back an attempt that came to nothing through a neighbour in the batch; the job goes on alone."""
        job.attempts -= 1
        job.alone = True

    def flush_if_due(self) -> None:
        """Let the ledger write what has waited long enough."""
        self._store.flush(if_due=True)

    def totals(self) -> Totals:
        """Return how the run stands."""
        return Totals(**self._counts, failures=tuple(self._failures))

    def _settle(self, job: Job, state: State, *, reason: str = "", error: str = "", traceback: str = "") -> None:
        row = Row(
            id=job.item.id,
            index=job.index,
            state=state,
            stage=job.stage,
            reason=reason,
            error=error,
            traceback=traceback,
            attempts=job.attempts,
            seconds=job.seconds,
            worker=job.worker,
            started=job.started,
            finished=datetime.now(UTC),
            facts=self._facts | dict(job.facts),
        )
        self._store.settle(row, scratch=job.workdir)
        self._counts[state] += 1
        self._progress.settled(state=state)
