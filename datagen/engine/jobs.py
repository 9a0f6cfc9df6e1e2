"""The books of one run: which items are to be done, what became of each, and whether it gets another try.

Both executors work from these books, so that resume, retries, drops and failures cannot differ between them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from datagen.engine.ledger import State
from datagen.engine.post import Post, Ticket
from datagen.engine.progress import Progress
from datagen.engine.session import PoolState
from datagen.engine.stage import Describe, Failure, Report
from datagen.engine.store import Clerk, Store, checked_id, writing
from datagen.errors import DatagenError
from datagen.ports import Dropped, Stage

BEAT_SECONDS = 5.0
MOST_EXCUSES = 10


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
    node: where its scratch is up to date; "" at the beginning of an attempt.  excuses: attempts that did not count.
    """

    index: int
    item: Any
    attempts: int = 0
    scratches: int = 0
    alone: bool = False
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    workdir: Path = Path()
    node: str = ""
    worker: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    excuses: int = 0

    @property
    def ticket(self) -> Ticket:
        """What goes with the item to its next stage."""
        return Ticket(
            index=self.index, attempts=self.attempts, started=self.started, seconds=self.seconds, node=self.node
        )


class Books:
    """Keeps account of the jobs of one session.

    clerk: the driver's.  attempts: how often a job is tried in all.  facts: for every row.
    describe: item → facts for its row.
    """

    def __init__(
        self,
        store: Store,
        clerk: Clerk,
        *,
        attempts: int,
        facts: Mapping[str, str],
        describe: Describe,
        progress: Progress,
        time_limit_s: float,
    ) -> None:
        self.clerk, self.describe, self.facts, self.time_limit_s = clerk, describe, dict(facts), time_limit_s
        self._known = store.complete_ids()
        self._attempts = attempts
        self._progress = progress
        self._counts: dict[str, int] = {"done": 0, "dropped": 0, "failed": 0, "skipped": 0}
        self._failures: list[tuple[str, str]] = []
        self._beat_due = 0.0
        self._state: Callable[[], tuple[int, Sequence[PoolState]]] = lambda: (1, ())

    def jobs(self, items: Iterable[Any]) -> Iterator[Job]:
        """Yield a job for each item that nobody has settled yet, asking for items as they are needed."""
        for index, item in enumerate(items):
            if checked_id(item.id) in self._known:
                self._counts["skipped"] += 1
                self._progress.skipped()
            else:
                self._known.add(item.id)
                yield Job(index=index, item=item, facts=dict(self.describe(item)))

    def post(self, stage: Stage, *, last: bool) -> Post:
        """Return a post in this process, which writes as the driver does."""
        return Post(
            stage,
            clerk=self.clerk,
            last=last,
            describe=self.describe,
            facts=self.facts,
            time_limit_s=self.time_limit_s,
        )

    def begin(self, job: Job) -> Any:
        """Begin the job's next attempt: return its item with a new workdir, which the first stage's worker makes."""
        if job.scratches:
            self.clerk.discard(job.workdir)
        job.attempts += 1
        job.scratches += 1
        job.workdir = self.clerk.scratch_root / f"{job.item.id}.{job.scratches}"
        job.node, job.seconds = "", {}
        return replace(job.item, workdir=job.workdir)

    def enter(self, job: Job, report: Report, *, stage: str, node: str = "here") -> bool:
        """Enter what a stage made of a job. Returns whether the job is to begin again."""
        job.worker, job.facts, job.node = report.worker, report.facts, node
        job.seconds[stage] = report.seconds
        if report.settled:
            self._count("dropped" if isinstance(report.ended, Dropped) else "done")
        elif isinstance(report.ended, Failure):
            return self.fail(job, report.ended, stage=stage)
        return False

    def fail(self, job: Job, failure: Failure, *, stage: str) -> bool:
        """Enter a failed attempt. Returns whether there is another; if not, the job is settled as failed.

        Where its worker had settled it before it died, it has not failed at all.
        Raises DatagenError for a full disk: nothing could be made any more.
        """
        if failure.disk_full:
            raise DatagenError(
                f"{failure.error} (clip {job.item.id}, stage '{stage}'). What is finished is kept; "
                f"make room for {self.clerk.place} and run again to go on."
            )
        if sealed := self.clerk.settled(job.item.id):
            self.clerk.enter(sealed)
            self._count(sealed.state)
            return False
        if job.attempts < self._attempts:
            return True
        report = Report(ended=failure, seconds=job.seconds.get(stage, 0.0), worker=job.worker, facts=job.facts)
        row = job.ticket.row(job.item, state="failed", stage=stage, report=report, facts=self.facts)
        with writing(self.clerk.place):
            self.clerk.settle(replace(row, error=failure.error, traceback=failure.traceback), scratch=job.workdir)
        self._failures.append((job.item.id, failure.error))
        self._count("failed")
        return False

    def excuse(self, job: Job, failure: Failure, *, stage: str, alone: bool = False) -> bool:
        """Enter an attempt that came to nothing through no fault of the job: a neighbour's, a node's.

        Too many of them do count, as the job may be to blame after all. Returns whether it begins again.
        """
        job.alone = job.alone or alone
        job.excuses += 1
        if job.excuses > MOST_EXCUSES:
            return self.fail(job, failure, stage=stage)
        job.attempts -= 1
        return True

    def watch(self, state: Callable[[], tuple[int, Sequence[PoolState]]]) -> None:
        """Set who knows the number of nodes and how each pool stands."""
        self._state = state

    def beat(self, *, ended: str = "") -> None:
        """Let everybody see how the session stands, if it is time again; a hiccup of the file system is forgiven."""
        if time.monotonic() < self._beat_due and not ended:
            return
        self._beat_due = time.monotonic() + BEAT_SECONDS
        nodes, stages = self._state()
        said = replace(self.clerk.session, beat=datetime.now(UTC), nodes=nodes, stages=tuple(stages), ended=ended)
        with suppress(OSError):
            said.write(self.clerk.place)

    def totals(self) -> Totals:
        """Return how the run stands."""
        return Totals(**self._counts, failures=tuple(self._failures))

    def _count(self, state: State) -> None:
        self._counts[state] += 1
        self._progress.settled(state=state)
