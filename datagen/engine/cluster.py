"""The executor on Ray: each stage a pool of actors, items streaming through them, on one laptop or many nodes.

```
driver    items ─▶ waiting₀ ─▶ waiting₁ ─▶ … ─▶ store        knows jobs, refs, reports: small things
                      │   ▲       │   ▲
actors             stage₀ ·    stage₁ ·                      an item goes from actor to actor as an ObjectRef,
                                                             pixels as files in its workdir
```

- Later stages are served first and every queue is short, so what is begun gets finished before more is begun.
- At most `workers` actors compute at one time. A pool grows when its queue has been full beside idle cores for
  as long, in all, as opening one more worker takes: the rent-or-buy rule, at most twice the cost of foresight.
- Errors are caught in the actor (stage.py). What takes a whole actor down (a kill, memory, a time limit) is caught
  here: the actor is replaced, and its jobs begin again; a batch is split first, as only one of it is to blame.

This is the only file that imports Ray. Ray's own restarts and retries are off: there is one retry policy, in jobs.py.
"""

from __future__ import annotations

import logging
import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ray
from ray._private import ray_constants
from ray.actor import ActorHandle
from ray.exceptions import RayError, RayTaskError

from datagen.engine.jobs import Books, Job
from datagen.engine.placement import Share, lanes, placement
from datagen.engine.stage import Describe, Failure, attend, enter
from datagen.engine.waiting import Passage, Waiting
from datagen.errors import DatagenError, InputError
from datagen.ports import Stage

OBJECT_STORE_BYTES = 200 * 1024**2
"""Of the Ray that is started here: only scenes and reports travel through it."""

BEAT_SECONDS = 1.0
CLOSING_SECONDS = 10.0
MOST_FAILED_OPENINGS = 3
LONGEST_TEMP_FOLDER = 40
"""Characters. Ray puts Unix sockets some 60 characters below it, and their paths may have 107."""


def run(
    items: Iterable[Any],
    stages: Sequence[Stage],
    *,
    books: Books,
    address: str | None,
    workers: int | None,
    time_limit_s: float,
) -> None:
    """Work on all items. Raises what a stage's `open` raises, and InputError for a cluster that cannot be reached."""
    with connected(address):
        have = ray.cluster_resources()
        needs = [stage.resources for stage in stages]
        workers = workers or lanes(needs, cpus=have.get("CPU", 1.0))
        shares = placement(needs, cpus=have.get("CPU", 1.0), gpus=have.get("GPU", 0.0), workers=workers)
        pools = [_Pool(stage, share, describe=books.describe) for stage, share in zip(stages, shares, strict=True)]
        floor = _Floor(pools, books=books, workers=workers, time_limit_s=time_limit_s)
        try:
            floor.work(books.jobs(items))
        finally:
            floor.close()


@contextmanager
def connected(address: str | None = None) -> Iterator[None]:
    """Be connected to a Ray cluster: the one this process is in already, the one at `address`, or one of our own.

    What is started or connected here is shut down here. Raises InputError if nothing answers at `address`.
    """
    if ray.is_initialized():
        yield
        return
    address = address or os.environ.get("RAY_ADDRESS")
    with ExitStack() as stack:
        if address:
            stack.callback(ray.shutdown)
            _connect(address)
        else:
            folder = stack.enter_context(_temp_folder())
            stack.enter_context(_loopback())
            stack.callback(ray.shutdown)  # before the folder goes
            _start(folder)
        yield


def _connect(address: str) -> None:
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise InputError(f"no Ray cluster answers at '{address}': {error}") from error


def _start(folder: Path) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    ray.init(
        address="local",
        num_cpus=len(os.sched_getaffinity(0)),
        object_store_memory=OBJECT_STORE_BYTES,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
        _node_ip_address="127.0.0.1",
        _temp_dir=str(folder),
    )


@contextmanager
def _loopback() -> Iterator[None]:
    """Make Ray listen on 127.0.0.1 only.

    Ray replaces a loopback `_node_ip_address` by the machine's outer one, so that other nodes can join, and then
    all its servers listen to everybody. This switch of its own (it is how Ray runs where it cannot form clusters)
    is read once, at import, hence set here and not in the environment alone.
    """
    before, ray_constants.ENABLE_RAY_CLUSTER = ray_constants.ENABLE_RAY_CLUSTER, False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before


@contextmanager
def _temp_folder() -> Iterator[Path]:
    """Yield a folder for Ray's sockets and logs whose path is short enough for a Unix socket, and remove it."""
    parent = tempfile.gettempdir()
    parent = parent if len(parent) <= LONGEST_TEMP_FOLDER else "/tmp"
    with tempfile.TemporaryDirectory(prefix="datagen-", dir=parent, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


class _Worker:
    """The actor: one stage, opened once."""

    def __init__(self, stage: Stage, describe: Describe) -> None:
        self._stage = stage
        self._describe = describe

    def open(self) -> None:
        enter(self._stage)

    def work(self, *batch: Any) -> Any:
        """Return the reports, then each item: as returns of their own, so that items stay with the actors."""
        reports, items = attend(self._stage, batch, describe=self._describe)
        return reports, *items

    def close(self) -> None:
        self._stage.close()


class _Pool:
    """One stage's actors, and the jobs that wait for them."""

    def __init__(self, stage: Stage, share: Share, *, describe: Describe) -> None:
        self.stage = stage
        self.share = share
        self.waiting = Waiting(batch_size=stage.batch_size)
        self.idle: list[ActorHandle] = []
        self.size = 0
        self.opening = 0
        self.opening_s = 0.0
        self.waited_s = 0.0
        self.failed_openings = 0
        self._describe = describe

    @property
    def is_full(self) -> bool:
        """Whether one batch for each worker waits."""
        return self.waiting.is_full(workers=self.size)

    def hire(self) -> ActorHandle:
        """Start one more actor; it is idle once its `open` has returned."""
        threads = str(self.share.threads)
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        actor_class: Any = ray.remote(_Worker)
        actor = actor_class.options(
            num_cpus=self.share.cpus,
            num_gpus=self.share.gpus,
            max_restarts=0,
            max_task_retries=0,
            scheduling_strategy="SPREAD",
            runtime_env={"env_vars": dict.fromkeys(names, threads)},
        ).remote(self.stage, self._describe)
        self.size += 1
        self.opening += 1
        return actor


@dataclass(frozen=True, kw_only=True)
class _Call:
    """What an actor was asked to do. While it opens, batch is empty and there is no deadline."""

    pool: int
    actor: ActorHandle
    batch: list[Passage] = field(default_factory=list)
    items: list[ray.ObjectRef] = field(default_factory=list)
    since: float = field(default_factory=time.monotonic)
    deadline: float = float("inf")


class _Floor:
    """The driver's loop: admit, dispatch, collect."""

    def __init__(self, pools: list[_Pool], *, books: Books, workers: int, time_limit_s: float) -> None:
        self.pools = pools
        self.books = books
        self.workers = workers
        self.time_limit_s = time_limit_s
        self.calls: dict[ray.ObjectRef, _Call] = {}
        self.computing = 0
        self.actors: list[ActorHandle] = []

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
            self._grow()
            self._collect()
            self.books.flush_if_due()

    def close(self) -> None:
        """Let idle actors close their stages, and end them all."""
        closing: list[Any] = [actor.close.remote() for pool in self.pools for actor in pool.idle]
        try:
            if closing:
                ray.wait(closing, num_returns=len(closing), timeout=CLOSING_SECONDS)
        finally:
            for actor in self.actors:
                ray.kill(actor)

    def _in_play(self) -> bool:
        return any(pool.waiting for pool in self.pools) or any(call.batch for call in self.calls.values())

    def _begin(self, job: Job) -> None:
        self.pools[0].waiting.add(Passage(job, self.books.begin(job)))

    def _hire(self, pool: int) -> None:
        actor = self.pools[pool].hire()
        self.actors.append(actor)
        self.calls[actor.open.remote()] = _Call(pool=pool, actor=actor)

    def _dispatch(self, *, source_dry: bool) -> None:
        """Give idle actors work, those of later stages first."""
        for number in reversed(range(len(self.pools))):
            pool = self.pools[number]
            while pool.idle and self._has_lane(pool) and not self._is_full(number + 1):
                batch = pool.waiting.next_batch(more_may_come=not source_dry or self._any_before(number))
                if not batch:
                    break
                self._call(number, pool.idle.pop(), batch)

    def _call(self, number: int, actor: ActorHandle, batch: list[Passage]) -> None:
        pool = self.pools[number]
        reports, *items = self._work_refs(actor, [passage.item for passage in batch])
        self.computing += pool.share.computes
        self.calls[reports] = _Call(
            pool=number,
            actor=actor,
            batch=batch,
            items=items,
            deadline=time.monotonic() + self.time_limit_s * len(batch),
        )

    def _work_refs(self, actor: ActorHandle, items: list[Any]) -> list[ray.ObjectRef]:
        return actor.work.options(num_returns=1 + len(items)).remote(*items)

    def _has_lane(self, pool: _Pool) -> bool:
        return not pool.share.computes or self.computing < self.workers

    def _is_full(self, number: int) -> bool:
        return number < len(self.pools) and self.pools[number].is_full

    def _any_before(self, number: int) -> bool:
        """Whether anything in play has yet to reach this stage."""
        return any(pool.waiting for pool in self.pools[:number]) or any(
            call.batch and call.pool < number for call in self.calls.values()
        )

    def _grow(self) -> None:
        """Add a worker where jobs have waited beside idle cores for as long as opening one takes."""
        for number, pool in enumerate(self.pools):
            if self._is_short_of_workers(pool) and pool.waited_s > pool.opening_s:
                pool.waited_s = 0.0
                self._hire(number)

    def _is_short_of_workers(self, pool: _Pool) -> bool:
        may_grow = pool.size < pool.share.most and not pool.opening
        return may_grow and pool.is_full and not pool.idle and self._has_lane(pool)

    def _collect(self) -> None:
        """Wait for something to happen, and act on all that has."""
        started = time.monotonic()
        short = [pool for pool in self.pools if self._is_short_of_workers(pool)]
        soonest = min(call.deadline for call in self.calls.values())
        patience = max(0.0, min(BEAT_SECONDS, soonest - started))
        ready = ray.wait(list(self.calls), num_returns=1, timeout=patience)[0]
        for pool in short:
            pool.waited_s += time.monotonic() - started
        if ready:
            for ref in ray.wait(list(self.calls), num_returns=len(self.calls), timeout=0)[0]:
                self._answered(ref, self.calls.pop(ref))
        now = time.monotonic()
        for ref in [ref for ref, call in self.calls.items() if call.deadline < now]:
            call = self.calls.pop(ref)
            self._replace(call, f"worked on it for more than {self.time_limit_s:g} s and was stopped")

    def _answered(self, ref: ray.ObjectRef, call: _Call) -> None:
        pool = self.pools[call.pool]
        try:
            answer = ray.get(ref)
        except RayTaskError as error:
            if not call.batch:
                raise error.cause if isinstance(error.cause, DatagenError) else DatagenError(str(error)) from None
            self._free(call)
            self._lost(call, Failure.of(error))
            return
        except RayError as error:
            what = f"lost its worker ({type(error).__name__}: {str(error).splitlines()[0]})"
            self._replace(call, what, details=str(error))
            return
        self._free(call)
        if call.batch:
            for passage, report, item in zip(call.batch, answer, call.items, strict=True):
                self._passed(call.pool, passage.job, report=report, item=item)
        else:
            pool.opening -= 1
            pool.opening_s = time.monotonic() - call.since
            pool.failed_openings = 0

    def _passed(self, number: int, job: Job, *, report: Any, item: ray.ObjectRef) -> None:
        last = number == len(self.pools) - 1
        if self.books.enter(job, report, stage=self.pools[number].stage.name, last=last):
            self._begin(job)
        elif report.ended is None and not last:
            self.pools[number + 1].waiting.add(Passage(job, item))

    def _free(self, call: _Call) -> None:
        """The actor is idle again."""
        pool = self.pools[call.pool]
        pool.idle.append(call.actor)
        if call.batch:
            self.computing -= pool.share.computes

    def _replace(self, call: _Call, what: str, *, details: str = "") -> None:
        """Give an actor up, start another, and let its jobs begin again."""
        pool = self.pools[call.pool]
        ray.kill(call.actor)
        self.actors.remove(call.actor)
        pool.size -= 1
        if call.batch:
            self.computing -= pool.share.computes
        else:
            pool.opening -= 1
            pool.failed_openings += 1
            if pool.failed_openings >= MOST_FAILED_OPENINGS:
                times = f"{pool.failed_openings} times in a row"
                raise DatagenError(f"stage '{pool.stage.name}' cannot start: it {what}, {times}\n{details}")
        self._hire(call.pool)
        self._lost(call, Failure(error=f"stage '{pool.stage.name}' {what}", traceback=details))

    def _lost(self, call: _Call, failure: Failure) -> None:
        """Nothing came of a call: a job that was alone has failed an attempt; jobs in company are tried alone."""
        for passage in call.batch:
            job = passage.job
            if len(call.batch) > 1:
                self.books.excuse(job)
                self._begin(job)
            elif self.books.fail(job, failure, stage=self.pools[call.pool].stage.name):
                self._begin(job)
