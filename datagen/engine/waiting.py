"""The queue before a stage: which jobs go next, and together."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

from datagen.engine.jobs import Job


@dataclass(frozen=True)
class Passage:
    """A job and its item as it is now: the item itself before the first stage, then a reference to it."""

    job: Job
    item: Any


class Waiting:
    """Jobs in the order they came, taken out in batches."""

    def __init__(self, *, batch_size: int) -> None:
        self.batch_size = batch_size
        self._passages: deque[Passage] = deque()

    def __len__(self) -> int:
        return len(self._passages)

    def add(self, passage: Passage) -> None:
        """Put a job at the end."""
        self._passages.append(passage)

    def next_batch(self, *, more_may_come: bool, most: int | None = None) -> list[Passage]:
        """Take out a batch: a full one, or what there is if no more is on its way. A job that is alone goes alone.

        most: as many as so many at once, where that is several batches; a batch by default.
        """
        most = most or self.batch_size
        ready = 0
        while ready < min(len(self), most) and not self._passages[ready].job.alone:
            ready += 1
        cut_short = ready < len(self)  # by the batch's size, or by a job that goes alone
        if not cut_short and ready < self.batch_size and more_may_come:
            return []
        if cut_short or more_may_come:
            ready = ready // self.batch_size * self.batch_size or ready
        return [self._passages.popleft() for _ in range(max(ready, 1) if len(self) else 0)]
