"""One stage's workers as the driver sees them, and the actor that each of them is."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ray
from ray.actor import ActorHandle

from datagen.engine.jobs import Books
from datagen.engine.place import Place
from datagen.engine.placement import Share
from datagen.engine.post import Post, Ticket
from datagen.engine.session import PoolState, Session
from datagen.engine.stage import Describe, Report, whereabouts
from datagen.engine.store import Clerk
from datagen.engine.waiting import Waiting
from datagen.ports import Stage

THREAD_COUNTS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
CALL_SECONDS = 0.05
"""Calls are made of as many batches as it takes for them to last about this long: a call costs the driver 1 to 2 ms."""
MOST_BATCHES = 32


@dataclass(frozen=True, kw_only=True)
class Orders:
    """What an actor needs to know to make its post."""

    place: Place
    session: Session
    describe: Describe
    facts: Mapping[str, str]
    time_limit_s: float
    last: bool
    roams: bool


class Actor:
    """The actor: one post, opened once. Its methods' returns are all that leaves its process."""

    def __init__(self, stage: Stage, orders: Orders) -> None:
        self.node = str(ray.get_runtime_context().get_node_id())
        self.post = Post(
            stage,
            clerk=Clerk(orders.place, session=orders.session, who=whereabouts().replace("/", "-")),
            last=orders.last,
            describe=orders.describe,
            facts=orders.facts,
            time_limit_s=orders.time_limit_s,
            node=self.node,
            roams=orders.roams,
        )

    def open(self) -> str:
        """Open the stage, and return the node it is on."""
        self.post.open()
        return self.node

    def work(self, tickets: Sequence[Ticket], forget: Sequence[Path], *items: Any) -> Any:
        """Return the reports, then each item: as returns of their own, so that items stay with the actors."""
        self.post.forget(forget)
        size = self.post.stage.batch_size
        reports: list[Report] = []
        after: list[Any] = []
        for start in range(0, len(items), size):
            more = self.post.work(tickets[start : start + size], items[start : start + size])
            reports += more[0]
            after += more[1]
        if self.post.last:
            return reports
        return reports, *(None if report.settled else item for report, item in zip(reports, after, strict=True))

    def close(self) -> None:
        """Close the stage, and write the rows that wait."""
        self.post.close()


@dataclass(eq=False, kw_only=True)
class Worker:
    """An actor as the driver knows it. node: "" until it is open.  since: when it was opened."""

    actor: ActorHandle
    node: str = ""
    since: float = 0.0


class Pool:
    """One stage's workers, and the jobs that wait for them."""

    def __init__(self, stage: Stage, share: Share, *, books: Books, last: bool, roams: bool) -> None:
        self.stage = stage
        self.share = share
        self.waiting = Waiting(batch_size=stage.batch_size)
        self.idle: list[Worker] = []
        self.size = 0
        self.opening = 0
        self.opening_s = 0.0
        self.waited_s = 0.0
        self.failed_openings = 0
        self._item_s = CALL_SECONDS
        self._busy_s = self._alive_s = 0.0
        self._alive: set[Worker] = set()
        self._orders = Orders(
            place=books.clerk.place,
            session=books.clerk.session,
            describe=books.describe,
            facts=books.facts,
            time_limit_s=books.time_limit_s,
            last=last,
            roams=roams,
        )

    @property
    def is_last(self) -> bool:
        """Whether what passes here is done."""
        return self._orders.last

    @property
    def call_size(self) -> int:
        """How many items go into one call: a batch, or several where they take next to no time."""
        batches = int(CALL_SECONDS / max(self._item_s * self.stage.batch_size, 1e-9))
        return self.stage.batch_size * max(1, min(MOST_BATCHES, batches))

    @property
    def is_full(self) -> bool:
        """Whether one call for each worker waits."""
        return len(self.waiting) >= self.call_size * max(1, self.size)

    def hire(self) -> Worker:
        """Start one more actor; it is idle once its `open` has returned."""
        actor_class: Any = ray.remote(Actor)
        actor = actor_class.options(
            num_cpus=self.share.cpus,
            num_gpus=self.share.gpus,
            max_restarts=0,
            max_task_retries=0,
            scheduling_strategy="SPREAD",
            runtime_env={"env_vars": dict.fromkeys(THREAD_COUNTS, str(self.share.threads))},
        ).remote(self.stage, self._orders)
        self.size += 1
        self.opening += 1
        return Worker(actor=actor)

    def opened(self, worker: Worker, *, node: str, seconds: float) -> None:
        """A worker has opened its stage and may be called."""
        worker.node, worker.since = node, time.monotonic()
        self.opening -= 1
        self.opening_s = seconds
        self.failed_openings = 0
        self._alive.add(worker)
        self.idle.append(worker)

    def worked(self, seconds: float, *, items: int) -> None:
        """A call has taken that long."""
        self._busy_s += seconds
        self._item_s = 0.8 * self._item_s + 0.2 * seconds / items

    def lost(self, worker: Worker) -> None:
        """A worker is no more."""
        self.size -= 1
        if worker in self._alive:
            self._alive.remove(worker)
            self._alive_s += time.monotonic() - worker.since
        else:
            self.opening -= 1

    def may_use(self, most: int) -> None:
        """Set how many workers there may be, as the cluster has changed."""
        self.share = replace(self.share, most=most)

    def state(self) -> PoolState:
        """Return how the pool stands."""
        now = time.monotonic()
        return PoolState(
            name=self.stage.name,
            workers=self.size,
            most=self.share.most,
            cpus=self.share.cpus,
            gpus=self.share.gpus,
            threads=self.share.threads,
            busy_s=self._busy_s,
            alive_s=self._alive_s + sum(now - worker.since for worker in self._alive),
            waiting=len(self.waiting),
        )
