"""Who gets which share of a machine, so that the workers always fit together and a run can never deadlock.

A machine is cut into lanes, one for each item worked on at one time. A lane has room for one worker of every stage:
if the stages ask for more cores together than a lane has (on the machine where lanes are narrowest), all requests
shrink alike. The requests only tell Ray where there is room; that no more workers compute at one time than there are
lanes is seen to by the driver. A pool starts with one worker and may grow to `most`.

GPUs: one worker of every stage fits on the cards there are, again by shrinking alike; then workers are added, of the
stage with the largest share first, as long as a card has room for them.

```
2 cores, 2 lanes     lane 0: plan .2 │ film .5 │ label .3      a pool that others wait for grows into lane 1
                     lane 1:         │ film .5 │
```
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from datagen.errors import InputError
from datagen.ports import Resources

GRAIN = 1e4
"""Ray counts resources in ten-thousandths."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """What each worker of a stage asks Ray for, how many threads it may use, and how many of it there may be.

    computes: whether it takes a lane while it works. A stage that asks for half a core or less mostly waits (for a
        network, a disk, a GPU), and must not be kept from feeding those that compute.
    """

    cpus: float
    gpus: float
    threads: int
    computes: bool
    most: int


@dataclass(frozen=True, kw_only=True)
class Node:
    """A machine's cores and cards."""

    cpus: float
    gpus: float = 0.0


def lanes(needs: Sequence[Resources], *, nodes: Sequence[Node]) -> int:
    """Return how many items the cores can work on at one time, given what the hungriest stage needs."""
    hungriest = max(1.0, *(need.cpus for need in needs))
    return max(1, sum(int(node.cpus / hungriest) for node in nodes))


def placement(needs: Sequence[Resources], *, nodes: Sequence[Node], workers: int) -> list[Share]:
    """Return each stage's share of a cluster on which `workers` items are worked on at one time."""
    cpu_scale = min(1.0, _lane_width(nodes, workers=workers) / max(sum(need.cpus for need in needs), 1e-9))
    cards = sum(int(node.gpus) for node in nodes)
    gpu_shares, most = _cards([need.gpus for need in needs], cards=cards, workers=workers)
    return [
        Share(
            cpus=_floor(need.cpus * cpu_scale),
            gpus=gpu,
            threads=max(1, int(need.cpus)),
            computes=need.cpus > 0.5,
            most=ceiling,
        )
        for need, gpu, ceiling in zip(needs, gpu_shares, most, strict=True)
    ]


def _lane_width(nodes: Sequence[Node], *, workers: int) -> float:
    """Return the cores of the narrowest lane, where each node has lanes by its cores."""
    cpus = sum(node.cpus for node in nodes)
    with_cores = [node for node in nodes if node.cpus > 0]
    return min((node.cpus / math.ceil(workers * node.cpus / cpus) for node in with_cores), default=1.0)


def _cards(wants: Sequence[float], *, cards: int, workers: int) -> tuple[list[float], list[int]]:
    """Return each stage's share of a card, and how many workers of it there may be."""
    if max(wants) > 1:
        raise InputError(f"a worker holds one GPU at most; asked for: {max(wants)}")
    if cards == 0:
        return [0.0] * len(wants), [workers] * len(wants)
    scale, shares = 1.0, [_floor(want) for want in wants]
    while (free := _left_free(shares, cards=cards)) is None:
        scale *= 0.95
        shares = [_floor(want * scale) for want in wants]
    most = [1 if share else workers for share in shares]
    for stage in sorted((s for s, share in enumerate(shares) if share), key=lambda s: -shares[s]):
        while most[stage] < workers and max(free) >= shares[stage]:
            free[free.index(max(free))] -= shares[stage]
            most[stage] += 1
    return shares, most


def _left_free(shares: Sequence[float], *, cards: int) -> list[float] | None:
    """Return what is free on each card when it holds one worker of each stage, or None if they do not all fit."""
    free = [1.0] * cards
    for share in sorted(shares, reverse=True):
        card = free.index(max(free))
        if free[card] < share:
            return None
        free[card] -= share
    return free


def _floor(value: float) -> float:
    """Round down to what Ray can count."""
    return int(value * GRAIN + 1e-6) / GRAIN
