"""What is drawn: shares exact at every moment, weights kept, the same again for the same seed."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import numpy as np
import pytest

from adapters.detector.mmdet3d.components import MixtureSampler, Source
from adapters.detector.mmdet3d.sampler import ratio_at
from datagen.errors import DatasetError, InputError


class Entries:
    """Five real, three synthetic, two of a third source."""

    def __init__(self, *weights: float) -> None:
        kinds = (False, True, False)
        self.sources = [
            Source(root="x", version="v", split="s", weight=weight, synthetic=kind)
            for weight, kind in zip(weights, kinds)
        ]
        self.source_of = np.array([0] * 5 + [1] * 3 + [2] * 2)

    def __len__(self) -> int:
        return len(self.source_of)


def synthetic(draws: list[int]) -> list[bool]:
    return [5 <= draw < 8 for draw in draws]


def test_the_share_of_synthetic_entries_is_met_to_one_sample_at_every_moment() -> None:
    sampler = MixtureSampler(Entries(1, 1, 1), seed=0)
    sampler.follow([(0, 0.5), (1, 0.5)], draws=300)
    found = np.cumsum(synthetic(list(islice(iter(sampler), 300))))
    assert np.abs(found - np.arange(1, 301) / 3).max() <= 1.0


def test_a_schedule_changes_what_is_drawn_down_to_real_entries_only() -> None:
    sampler = MixtureSampler(Entries(1, 1, 1), seed=0)
    sampler.follow([(0, 3.0), (0.5, 3.0), (0.5, 0.0), (1, 0.0)], draws=200)
    found = synthetic(list(islice(iter(sampler), 200)))
    assert sum(found[:100]) == pytest.approx(75, abs=1)
    assert not any(found[101:])
    assert ratio_at([(0, 1.0), (1, 0.0)], 0.25) == 0.75


def test_weights_say_how_often_an_entry_is_drawn() -> None:
    counts = Counter(islice(iter(MixtureSampler(Entries(1, 2.5, 0.5), seed=3)), 13_500))
    each = 13_500 / (5 + 3 * 2.5 + 2 * 0.5)
    assert [counts[at] for at in range(5)] == pytest.approx([each] * 5, rel=0.05)
    assert [counts[at] for at in range(5, 8)] == pytest.approx([2.5 * each] * 3, rel=0.05)
    assert [counts[at] for at in range(8, 10)] == pytest.approx([0.5 * each] * 2, rel=0.15)


def test_a_seed_is_an_order_and_processes_share_it_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def drawn(seed: int) -> list[int]:
        return list(islice(iter(MixtureSampler(Entries(1, 1, 1), seed=seed)), 40))

    whole = drawn(1)
    assert whole == drawn(1) != drawn(2)
    parts = []
    for rank in range(2):
        monkeypatch.setattr("adapters.detector.mmdet3d.sampler.get_dist_info", lambda rank=rank: (rank, 2))
        parts.append(list(islice(iter(MixtureSampler(Entries(1, 1, 1), seed=1)), 20)))
    assert [draw for pair in zip(*parts) for draw in pair] == whole


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(DatasetError, match="weight of a source is 0"):
        Entries(1, 0, 1)
    only_real = Entries(1, 1, 1)
    only_real.source_of = np.zeros(4, dtype=np.int64)
    sampler = MixtureSampler(only_real, seed=0)
    with pytest.raises(InputError, match="no source is synthetic"):
        sampler.follow([(0, 1.0)], draws=10)
