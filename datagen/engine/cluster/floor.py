"""The driver's loop: admit, dispatch, collect."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import ActorUnavailableError, ObjectLostError, RayError, RayTaskError

from datagen.engine.cluster.connection import nodes
from datagen.engine.cluster.pool import Pool, Worker
from datagen.engine.jobs import Books, Job
from datagen.engine.placement import Node, lanes, placement
from datagen.engine.session import PoolState
from datagen.engine.stage import Failure
from datagen.engine.waiting import Passage
from datagen.errors import DatagenError

BEAT_SECONDS = 1.0
CENSUS_SECONDS = 5.0
CLOSING_SECONDS = 10.0
MERCY_SECONDS = 5.0
"""A stage is interrupted at its time limit (limits.py); one that does not react is killed so much later."""
MOST_FAILED_OPENINGS = 3
DOUBT_SECONDS = 45.0
"""Ray takes up to half a minute to say that a node is dead; until then its workers are only out of reach."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """What a worker was asked to do. While it opens, batch is empty and there is no deadline."""

    pool: int
    worker: Worker
    batch: list[Passage] = field(default_factory=list)
    items: list[ray.ObjectRef] = field(default_factory=list)
    since: float = field(default_factory=time.monotonic)
    deadline: float = float("inf")


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """A call whose worker is out of reach: its own fault, or its node's?"""

    call: Call
    failure: Failure
    until: float


class Floor:
    """All pools of a run at work.

    workers: how many items are worked on at one time.  fixed: whether that stays when the cluster grows or shrinks.
    roams: whether an item's scratch travels with it, as the nodes share no file system.
    """

    def __init__(self, pools: list[Pool], *, books: Books, workers: int, fixed: bool, roams: bool) -> None:
        self.pools = pools
        self.books = books
        self.workers = workers
        self.fixed, self.roams = fixed, roams
        self.calls: dict[ray.ObjectRef, Call] = {}
        self.computing = 0
        self.staff: list[Worker] = []
        self._stale: defaultdict[str, list[Path]] = defaultdict(list)
        self._doubts: list[Doubt] = []
        self._nodes: list[Node] = []
        self._home: str = ray.get_runtime_context().get_node_id()
        self._census_due = 0.0

    def work(self, jobs: Iterator[Job]) -> None:
        """Take all jobs through all pools."""
        job = next(jobs, None)
        if job is None:
            return
        for pool in range(len(self.pools)):
            self._hire(pool)
        while job or self._in_play():
            while job and not self.pools[0].is_full:
                self._begin(job)
                job = next(jobs, None)
            self._dispatch(source_dry=job is None)
            self._count_nodes()
            self._grow()
            self._collect()
            self.books.beat()

    def close(self) -> None:
        """Let idle workers close their stages, and end them all."""
        closing: list[Any] = [worker.actor.close.remote() for pool in self.pools for worker in pool.idle]
        try:
            if closing:
                ray.wait(closing, num_returns=len(closing), timeout=CLOSING_SECONDS)
        finally:
            for worker in self.staff:
                ray.kill(worker.actor)

    def state(self) -> tuple[int, Sequence[PoolState]]:
        """Return the number of nodes, and how each pool stands."""
        return max(1, len(self._nodes)), [pool.state() for pool in self.pools]

    def _in_play(self) -> bool:
        waiting = any(pool.waiting for pool in self.pools)
        return waiting or bool(self._doubts) or any(call.batch for call in self.calls.values())

    def _begin(self, job: Job) -> None:
        if self.roams and job.node:
            self._stale[job.node].append(job.workdir)
        self.pools[0].waiting.add(Passage(job, self.books.begin(job)))

    def _hire(self, pool: int) -> None:
        worker = self.pools[pool].hire()
        self.staff.append(worker)
        self.calls[worker.actor.open.remote()] = Call(pool=pool, worker=worker)

    def _dispatch(self, *, source_dry: bool) -> None:
        """Give idle workers work, those of later stages first."""
        for number in reversed(range(len(self.pools))):
            pool = self.pools[number]
            while pool.idle and self._has_lane(pool) and not self._is_full(number + 1):
                more_may_come = not source_dry or self._any_before(number)
                batch = pool.waiting.next_batch(more_may_come=more_may_come, most=self._fair(pool))
                if not batch:
                    break
                self._call(number, self._nearest(pool, batch), batch)

    def _fair(self, pool: Pool) -> int:
        """Return how many items one call may have, so that the others are not left without."""
        each = -(-len(pool.waiting) // max(1, pool.size))
        return max(pool.stage.batch_size, min(pool.call_size, each))

    def _nearest(self, pool: Pool, batch: list[Passage]) -> Worker:
        """Take an idle worker, if possible where the batch's files are."""
        if self.roams:
            near = next((worker for worker in pool.idle if worker.node == batch[0].job.node), None)
            if near:
                pool.idle.remove(near)
                return near
        return pool.idle.pop()

    def _call(self, number: int, worker: Worker, batch: list[Passage]) -> None:
        pool = self.pools[number]
        tickets = [passage.job.ticket for passage in batch]
        for passage in batch:
            if self.roams and passage.job.node not in ("", worker.node):
                self._stale[passage.job.node].append(passage.job.workdir)
        returns = 1 if pool.is_last else 1 + len(batch)
        method: Any = worker.actor.work.options(num_returns=returns)
        answer = method.remote(tickets, self._stale.pop(worker.node, []), *(passage.item for passage in batch))
        reports, *items = [answer] if pool.is_last else answer
        self.computing += pool.share.computes
        limit_s = self.books.time_limit_s * len(batch) * (2 if pool.stage.batch_size > 1 else 1)
        deadline = time.monotonic() + limit_s + MERCY_SECONDS
        self.calls[reports] = Call(pool=number, worker=worker, batch=batch, items=items, deadline=deadline)

    def _has_lane(self, pool: Pool) -> bool:
        return not pool.share.computes or self.computing < self.workers

    def _is_full(self, number: int) -> bool:
        return number < len(self.pools) and self.pools[number].is_full

    def _any_before(self, number: int) -> bool:
        """Whether anything in play has yet to reach this stage."""
        return (
            bool(self._doubts)
            or any(pool.waiting for pool in self.pools[:number])
            or any(call.batch and call.pool < number for call in self.calls.values())
        )

    def _grow(self) -> None:
        """Add a worker where jobs have waited beside idle cores for as long as opening one takes."""
        for number, pool in enumerate(self.pools):
            if self._is_short_of_workers(pool) and pool.waited_s > pool.opening_s:
                pool.waited_s = 0.0
                self._hire(number)

    def _is_short_of_workers(self, pool: Pool) -> bool:
        may_grow = pool.size < pool.share.most and not pool.opening
        return may_grow and pool.is_full and not pool.idle and self._has_lane(pool)

    def _count_nodes(self) -> None:
        """Use what has joined the cluster, and do without what has left it.

        Raises DatagenError if the driver's own node has left: without it Ray answers nothing any more.
        """
        if time.monotonic() < self._census_due:
            return
        self._census_due = time.monotonic() + CENSUS_SECONDS
        if not _is_alive(self._home):
            raise DatagenError("Ray's node on this machine has died; what is done is kept: run again to go on")
        there = nodes()
        if self.fixed or there == self._nodes or not there:
            self._nodes = there
            return
        self._nodes = there
        needs = [pool.stage.resources for pool in self.pools]
        self.workers = lanes(needs, nodes=there)
        for pool, share in zip(self.pools, placement(needs, nodes=there, workers=self.workers), strict=True):
            pool.may_use(share.most)

    def _collect(self) -> None:
        """Wait for something to happen, and act on all that has."""
        started = time.monotonic()
        short = [pool for pool in self.pools if self._is_short_of_workers(pool)]
        soonest = min((call.deadline for call in self.calls.values()), default=float("inf"))
        patience = max(0.0, min(BEAT_SECONDS, soonest - started))
        if not self.calls:
            time.sleep(patience)
        ready = ray.wait(list(self.calls), num_returns=1, timeout=patience)[0] if self.calls else []
        for pool in short:
            pool.waited_s += time.monotonic() - started
        if ready:
            for ref in ray.wait(list(self.calls), num_returns=len(self.calls), timeout=0)[0]:
                self._answered(ref, self.calls.pop(ref))
        self._resolve_doubts()
        now = time.monotonic()
        for ref in [ref for ref, call in self.calls.items() if call.deadline < now]:
            call = self.calls.pop(ref)
            self._replace(call, f"worked on it for more than {self.books.time_limit_s:g} s and was killed")

    def _answered(self, ref: ray.ObjectRef, call: Call) -> None:
        try:
            answer = ray.get(ref)
        except RayError as error:
            cause = error.cause if isinstance(error, RayTaskError) else error
            if call.batch and isinstance(cause, ObjectLostError):
                self._free(call)
                self._lost(call, Failure.of(error), excused=True)
            elif not isinstance(error, RayTaskError):
                what = f"lost its worker ({type(error).__name__}: {str(error).splitlines()[0]})"
                if call.batch and isinstance(error, ActorUnavailableError):
                    self._doubt(call, what, details=str(error))
                    return
                self._replace(call, what, details=str(error), excused=_is_nodes_fault(call.worker, error))
            elif call.batch:
                self._free(call)
                self._lost(call, Failure.of(error))
            else:
                raise cause if isinstance(cause, DatagenError) else DatagenError(str(error)) from None
            return
        if not call.batch:
            self.pools[call.pool].opened(call.worker, node=answer, seconds=time.monotonic() - call.since)
            return
        self._free(call)
        for place, (passage, report) in enumerate(zip(call.batch, answer, strict=True)):
            self._passed(call, passage.job, report=report, item=call.items[place] if call.items else None)

    def _passed(self, call: Call, job: Job, *, report: Any, item: ray.ObjectRef | None) -> None:
        name = self.pools[call.pool].stage.name
        if self.books.enter(job, report, stage=name, node=call.worker.node):
            self._begin(job)
        elif report.ended is None and not report.settled:
            self.pools[call.pool + 1].waiting.add(Passage(job, item))

    def _free(self, call: Call) -> None:
        """The worker is idle again."""
        pool = self.pools[call.pool]
        pool.idle.append(call.worker)
        pool.worked(time.monotonic() - call.since, items=len(call.batch))
        self.computing -= pool.share.computes

    def _doubt(self, call: Call, what: str, *, details: str) -> None:
        """Give a worker up that is out of reach, and wait to see whether its node is as well."""
        self._dismiss(call)
        if self.pools[call.pool].size == 0:
            self._hire(call.pool)
        failure = Failure(error=f"stage '{self.pools[call.pool].stage.name}' {what}", traceback=details)
        self._doubts.append(Doubt(call=call, failure=failure, until=time.monotonic() + DOUBT_SECONDS))

    def _resolve_doubts(self) -> None:
        for doubt in list(self._doubts):
            node_is_dead = not _is_alive(doubt.call.worker.node)
            if node_is_dead or time.monotonic() > doubt.until:
                self._doubts.remove(doubt)
                self._lost(doubt.call, doubt.failure, excused=node_is_dead)

    def _replace(self, call: Call, what: str, *, details: str = "", excused: bool = False) -> None:
        """Give a worker up, start another, and let its jobs begin again."""
        pool = self.pools[call.pool]
        self._dismiss(call)
        if not call.batch and not excused:
            pool.failed_openings += 1
            if pool.failed_openings >= MOST_FAILED_OPENINGS:
                times = f"{pool.failed_openings} times in a row"
                raise DatagenError(f"stage '{pool.stage.name}' cannot start: it {what}, {times}\n{details}")
        if not excused or pool.size == 0:  # what a node took with it grows again where there is room
            self._hire(call.pool)
        self._lost(call, Failure(error=f"stage '{pool.stage.name}' {what}", traceback=details), excused=excused)

    def _dismiss(self, call: Call) -> None:
        """End a worker, if it is not dead already."""
        pool = self.pools[call.pool]
        ray.kill(call.worker.actor)
        self.staff.remove(call.worker)
        pool.lost(call.worker)
        if call.batch:
            self.computing -= pool.share.computes

    def _lost(self, call: Call, failure: Failure, *, excused: bool = False) -> None:
        """Nothing came of a call: a job that was alone has failed an attempt; jobs in company are tried alone."""
        stage = self.pools[call.pool].stage.name
        company = len(call.batch) > 1
        for passage in call.batch:
            job = passage.job
            if company or excused:
                again = self.books.excuse(job, failure, stage=stage, alone=company and not excused)
            else:
                again = self.books.fail(job, failure, stage=stage)
            if again:
                self._begin(job)


def _is_nodes_fault(worker: Worker, error: RayError) -> bool:
    """Say whether a worker was lost because its machine was."""
    return "node has died" in str(error) or "node died" in str(error).lower() or not _is_alive(worker.node)


def _is_alive(node: str) -> bool:
    return not node or any(each["NodeID"] == node and each["Alive"] for each in ray.nodes())
