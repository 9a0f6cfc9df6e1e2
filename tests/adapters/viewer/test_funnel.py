"""The funnel: every prompt is counted once, where it ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from adapters.viewer.html.funnel import Books, endings, evenly, losses, scores
from datagen.engine import Store, execute
from datagen.ports import Dropped, Resources


@dataclass(frozen=True, kw_only=True)
class Item:
    """A clip in the making, as the engine needs it."""

    id: str
    number: int
    workdir: Path = Path()


class Sieve:
    """Drops what its number divides by one divisor, and fails on another."""

    resources = Resources()
    batch_size = 1

    def __init__(self, name: str, *, drop: int, fail: int = 10**9) -> None:
        self.name, self.drop, self.fail = name, drop, fail

    def open(self) -> None: ...

    def close(self) -> None: ...

    def run(self, batch: Sequence[Item]) -> Sequence[Item | Dropped]:
        return [self._one(item) for item in batch]

    def _one(self, item: Item) -> Item | Dropped:
        if item.number % self.fail == 0:
            raise RuntimeError("the lens broke")
        return Dropped(reason=f"divisible by {self.drop}") if item.number % self.drop == 0 else item


@pytest.fixture
def books(tmp_path: Path) -> Books:
    """Twenty prompts: 10 are dropped at `plan`, one fails and three more are dropped at `judge`."""
    items = [Item(id=f"clip{number}", number=number) for number in range(1, 21)]
    stages = [Sieve("plan", drop=2), Sieve("film", drop=10**9), Sieve("judge", drop=3, fail=7)]
    execute(
        items,
        stages,
        store=Store(tmp_path),
        executor="local",
        attempts=1,
        progress=False,
        describe=lambda item: {"prompt": f"number {item.number}", "judge.agreement": str(item.number / 20)},
    )
    return Books.of(tmp_path)


def test_clips_are_counted_where_they_ended(books):
    steps = books.funnel()
    assert [(step.name, step.clips) for step in steps] == [
        ("prompted", 20),
        ("planned", 10),
        ("filmed", 10),
        ("judged", 6),  # 1 3 5 7 9 11 13 15 17 19, less 3 9 15 and less 7
    ]
    assert [count for _, _, count in losses(steps)] == [10, 3, 1]
    assert losses(steps)[2][1].startswith("failed: ")
    assert "the lens broke" in losses(steps)[2][1]


def test_kept_and_lost_are_all_there_is_in_the_recipes_order(books):
    kept, lost = endings(books.kept), endings(books.lost)
    assert [one.facts["prompt"] for one in kept] == [f"number {number}" for number in (1, 5, 11, 13, 17, 19)]
    assert len(kept) + len(lost) == 20
    assert [one.index for one in lost] == sorted(one.index for one in lost)


def test_of_many_clips_evenly_chosen_ones_are_shown(books):
    assert [one.id for one in endings(evenly(books.kept, 3))] == ["clip1", "clip11", "clip19"]
    assert evenly(books.kept, 6) is not None
    assert len(evenly(books.kept, 0)) == 0


def test_the_judges_scores_are_told_from_other_facts(books):
    assert scores(endings(books.kept)[0].facts) == {"agreement": 0.05}
    assert scores({"judge.why": "no car", "seed": "3"}) == {}
