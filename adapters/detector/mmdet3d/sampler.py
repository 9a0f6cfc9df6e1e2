"""Which entry is trained on next, where sources have weights and the share of synthetic ones changes over training.

```
   draw k ─ share(k) of synthetic ─▶ real or synthetic? ─▶ the next of its shuffled deck
```

The share is met to one sample at every moment (what is owed is carried over), not on average only; a deck holds
each entry as often as its source's weight says and is shuffled anew when it is used up.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from jaxtyping import Float, Int
from mmengine.dist import get_dist_info, sync_random_seed
from mmengine.registry import DATA_SAMPLERS
from torch.utils.data import Sampler

from adapters.detector.mmdet3d.dataset import Source
from datagen.errors import InputError

Schedule = Sequence[tuple[float, float]]
"""(progress of training from 0 to 1, synthetic samples for each real one), straight lines between."""


class Sources(Protocol):
    """A dataset that knows where its entries are from."""

    sources: Sequence[Source]
    source_of: Int[np.ndarray, "n"]

    def __len__(self) -> int: ...


@DATA_SAMPLERS.register_module()
class MixtureSampler(Sampler):
    """Draws entries without end, for loops that count iterations.

    Without a schedule, the share of synthetic entries is that of their weights. Processes of a distributed training
    take every n-th draw. Raises InputError when a schedule asks for what no source has.
    """

    def __init__(self, dataset: Sources, seed: int | None = None) -> None:
        self._dataset = dataset
        self._seed = sync_random_seed() if seed is None else seed
        self._rank, self._world_size = get_dist_info()
        self._weight = np.array([source.weight for source in dataset.sources])[dataset.source_of]
        self._synthetic = np.array([source.synthetic for source in dataset.sources])[dataset.source_of]
        self._schedule: Schedule | None = None
        self._draws = 1

    def follow(self, schedule: Schedule, *, draws: int) -> None:
        """Let the ratio of synthetic to real entries follow a schedule over a training of so many draws in all."""
        wants = {"synthetic": any(ratio > 0 for _, ratio in schedule), "real": True}
        has = {"synthetic": bool(self._synthetic.any()), "real": not self._synthetic.all()}
        for kind, wanted in wants.items():
            if wanted and not has[kind]:
                raise InputError(f"the schedule mixes synthetic with real entries, but no source is {kind}")
        self._schedule, self._draws = schedule, draws

    def share(self, draw: int) -> float:
        """Return the share of synthetic entries around a draw."""
        if self._schedule is None:
            return float(self._weight[self._synthetic].sum() / self._weight.sum())
        ratio = ratio_at(self._schedule, draw / self._draws)
        return ratio / (1.0 + ratio)

    def __len__(self) -> int:
        return len(self._dataset)

    def __iter__(self) -> Iterator[int]:
        yield from itertools.islice(self._draw(), self._rank, None, self._world_size)

    def _draw(self) -> Iterator[int]:
        rng = np.random.default_rng(self._seed)
        decks = {kind: _deck(np.flatnonzero(self._synthetic == kind), self._weight, rng) for kind in (False, True)}
        owed = 0.5
        for draw in itertools.count():
            owed += self.share(draw)
            synthetic = owed >= 1.0
            owed -= synthetic
            yield next(decks[synthetic])


def ratio_at(schedule: Schedule, progress: float) -> float:
    """Return the synthetic entries for each real one at a moment of training (0 to 1)."""
    at, ratios = zip(*schedule, strict=True)
    return float(np.interp(progress, at, ratios))


def _deck(entries: Int[np.ndarray, "n"], weight: Float[np.ndarray, "all"], rng: np.random.Generator) -> Iterator[int]:
    """Yield entries without end, each as often as its weight says, where a broken part is drawn by chance."""
    while len(entries):
        copies = np.floor(weight[entries] + rng.random(len(entries))).astype(np.int64)
        yield from rng.permutation(np.repeat(entries, copies)).tolist()
