"""What must stay bounded however many clips there are: the object store, and what waits before a slow stage."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ray import cloudpickle

from datagen.engine import Store, execute
from datagen.engine.cluster.pool import CALL_SECONDS
from datagen.ports import Resources

cloudpickle.register_pickle_by_value(sys.modules[__name__])
SCENE_BYTES = 400_000
PIXEL_BYTES = 4_000_000


@dataclass(frozen=True, kw_only=True)
class Take:
    id: str
    workdir: Path = Path()
    scene: Any = None


@dataclass
class Plan:
    """Makes scenes as heavy as real ones, faster than they can be filmed.

    Both take longer than `CALL_SECONDS`: of items that take next to no time, several go into one call, on purpose.
    """

    name: str = "plan"
    batch_size: int = 1
    resources: Resources = field(default_factory=lambda: Resources(cpus=0.5))

    def open(self) -> None: ...

    def close(self) -> None: ...

    def run(self, batch: Sequence[Take]) -> list[Take]:
        time.sleep(1.2 * CALL_SECONDS)
        return [Take(id=take.id, workdir=take.workdir, scene=np.zeros(SCENE_BYTES, np.uint8)) for take in batch]


@dataclass
class Film(Plan):
    """Leaves pixels, ten times a scene, as files."""

    name: str = "film"
    resources: Resources = field(default_factory=Resources)

    def run(self, batch: Sequence[Take]) -> list[Take]:
        time.sleep(2 * CALL_SECONDS)
        for take in batch:
            (take.workdir / "pixels.raw").write_bytes(bytes(PIXEL_BYTES))
        return list(batch)


def stored_bytes() -> int:
    """Return what all object stores hold now."""
    import ray

    total, free = ray.cluster_resources(), ray.available_resources()
    return int(total["object_store_memory"] - free.get("object_store_memory", 0.0))


@pytest.mark.chaos
def test_pixels_never_enter_the_object_store_and_scenes_do_not_pile_up(tmp_path: Path) -> None:
    from datagen.engine.cluster import connected

    clips = 60
    asked = 0
    most_ahead = most_stored = 0
    store = Store(tmp_path / "run")

    def takes() -> Iterator[Take]:
        nonlocal asked, most_ahead, most_stored
        for number in range(clips):
            asked += 1
            finished = len((store.place / "clips").names())
            most_ahead = max(most_ahead, asked - finished)
            most_stored = max(most_stored, stored_bytes())
            yield Take(id=f"t{number}")

    with connected():
        totals = execute(takes(), [Plan(), Film()], store=store, workers=2, progress=False)
    assert totals.done == clips
    assert most_ahead <= 12, "a call for each worker in each queue, and those at work"
    assert most_stored < 12 * SCENE_BYTES * 2 < clips * SCENE_BYTES
    assert most_stored < 3 * PIXEL_BYTES
