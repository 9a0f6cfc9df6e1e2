"""The executor for debugging: everything in this process, one item after another, breakpoints included.

It means the same as the cluster, with one exception: no time limit, as nobody is there to stop a stage that hangs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from itertools import islice
from typing import Any

from datagen.engine.jobs import Books, Job
from datagen.engine.stage import attend, enter
from datagen.ports import Stage


def run(items: Iterable[Any], stages: Sequence[Stage], *, books: Books) -> None:
    """Work on all items. Raises what a stage's `open` raises."""
    jobs = books.jobs(items)
    together = max(stage.batch_size for stage in stages)
    with ExitStack() as opened:
        for stage in stages:
            enter(stage)
            opened.callback(stage.close)
        while batch := list(islice(jobs, together)):
            while batch:
                batch = _attempt(batch, stages, books=books)


def _attempt(jobs: list[Job], stages: Sequence[Stage], *, books: Books) -> list[Job]:
    """Take jobs through all stages; return those that failed and are to begin again."""
    travelling = [(job, books.begin(job)) for job in jobs]
    again: list[Job] = []
    for stage in stages:
        arrived = []
        for start in range(0, len(travelling), stage.batch_size):
            batch = travelling[start : start + stage.batch_size]
            reports, items = attend(stage, [item for _, item in batch], describe=books.describe)
            for (job, _), report, item in zip(batch, reports, items, strict=True):
                if books.enter(job, report, stage=stage.name, last=stage is stages[-1]):
                    again.append(job)
                elif report.ended is None:
                    arrived.append((job, item))
        travelling = arrived
    return again
