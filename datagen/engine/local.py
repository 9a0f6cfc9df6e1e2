"""The executor for debugging: everything in this process, one item after another, breakpoints included.

It means the same as the cluster, with one exception: a stage that hangs inside a library, where Python cannot
interrupt it, is waited for, as nobody is there to kill the process.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from itertools import islice
from time import monotonic
from typing import Any

from datagen.engine.jobs import Books, Job
from datagen.engine.post import Post
from datagen.engine.session import PoolState
from datagen.ports import Stage


def run(items: Iterable[Any], stages: Sequence[Stage], *, books: Books) -> None:
    """Work on all items. Raises what a stage's `open` raises."""
    posts = [books.post(stage, last=stage is stages[-1]) for stage in stages]
    busy = _Busy(stages)
    books.watch(lambda: (1, busy.states()))
    jobs = books.jobs(items)
    together = max(stage.batch_size for stage in stages)
    with ExitStack() as opened:
        for post in posts:
            post.open()
            opened.callback(post.close)
        while batch := list(islice(jobs, together)):
            while batch:
                batch = _attempt(batch, posts, books=books, busy=busy)
                books.beat()


class _Busy:
    """How long each stage has worked."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        self.seconds = {stage.name: 0.0 for stage in stages}
        self._since = monotonic()

    def states(self) -> list[PoolState]:
        """Return each stage as a pool of one."""
        threads, alive_s = len(os.sched_getaffinity(0)), monotonic() - self._since
        return [
            PoolState(name=name, workers=1, most=1, cpus=1, gpus=0, threads=threads, busy_s=busy_s, alive_s=alive_s)
            for name, busy_s in self.seconds.items()
        ]


def _attempt(jobs: list[Job], posts: Sequence[Post], *, books: Books, busy: _Busy) -> list[Job]:
    """Take jobs through all stages; return those that failed and are to begin again."""
    travelling = [(job, books.begin(job)) for job in jobs]
    again: list[Job] = []
    for post in posts:
        name, size, arrived = post.stage.name, post.stage.batch_size, []
        for start in range(0, len(travelling), size):
            batch = travelling[start : start + size]
            reports, items = post.work([job.ticket for job, _ in batch], [item for _, item in batch])
            for (job, _), report, item in zip(batch, reports, items, strict=True):
                busy.seconds[name] += report.seconds
                if books.enter(job, report, stage=name):
                    again.append(job)
                elif report.ended is None and not report.settled:
                    arrived.append((job, item))
        travelling = arrived
    return again
