"""From prompted to kept: how many clips got past each stage, and why the others did not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from datagen.engine import read

PAST = {
    "plan": "planned",
    "simulate": "simulated",
    "map": "mapped",
    "scene": "staged",
    "film": "filmed",
    "label": "labelled",
    "judge": "judged",
    "export": "kept",
}
"""Stage → what a clip is that got past it; other stages go by their own name."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of the funnel. clips: how many got here.  lost: of those before, why they did not → how many."""

    name: str
    clips: int
    lost: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Ending:
    """What became of one prompt."""

    id: str
    index: int
    state: str
    stage: str
    why: str
    seconds: float
    facts: Mapping[str, str]


@dataclass(frozen=True)
class Books:
    """A run's ledger, in the recipe's order. Rows are taken out of the table only when they are shown."""

    table: pa.Table

    @classmethod
    def of(cls, run: Path) -> Books:
        """Read the ledger as it stands."""
        columns = ["id", "index", "state", "stage", "reason", "error", "seconds", "facts"]
        return cls(read(run, columns).sort_by("index"))

    @property
    def kept(self) -> pa.Table:
        """The rows of the clips that are in the dataset."""
        return self.table.filter(pc.equal(self.table["state"], "done"))

    @property
    def lost(self) -> pa.Table:
        """The rows of those that are not."""
        return self.table.filter(pc.not_equal(self.table["state"], "done"))

    def funnel(self) -> list[Step]:
        """Return the steps from `prompted` to `kept`."""
        lost = self.lost.select(["stage", "reason", "error"]).to_pylist()
        some = self.table.select(["seconds"]).slice(0, 1000).to_pylist(maps_as_pydicts="strict")
        stages = max((list(row["seconds"]) for row in some), key=len, default=[])
        stages += sorted({row["stage"] for row in lost if row["stage"]} - set(stages))
        reached = len(self.table)
        steps = [Step(name="prompted", clips=reached, lost={})]
        for stage in stages:
            why = [row["reason"] or f"failed: {row['error']}" for row in lost if row["stage"] == stage]
            reached -= len(why)
            steps.append(Step(name=PAST.get(stage, stage), clips=reached, lost=dict(Counter(why).most_common())))
        return steps


def endings(rows: pa.Table) -> list[Ending]:
    """Return rows of the ledger as what became of their prompts."""
    return [_ending(row) for row in rows.to_pylist(maps_as_pydicts="strict")]


def evenly(rows: pa.Table, most: int) -> pa.Table:
    """Return at most so many rows, evenly chosen, the first and the last among them."""
    if len(rows) <= most:
        return rows
    return rows.take(np.unique(np.linspace(0, len(rows) - 1, most).astype(int)))


def scores(facts: Mapping[str, str]) -> dict[str, float]:
    """Return the judge's scores among a clip's facts: those called `judge.<score>` that are numbers."""
    told = {key.removeprefix("judge."): value for key, value in facts.items() if key.startswith("judge.")}
    return {key: float(value) for key, value in told.items() if _is_number(value)}


def losses(steps: Sequence[Step]) -> list[tuple[str, str, int]]:
    """Return (step that was not reached, why, how many), the most frequent first."""
    rows = [(step.name, why, count) for step in steps for why, count in step.lost.items()]
    return sorted(rows, key=lambda row: -row[2])


def _ending(row: Mapping[str, Any]) -> Ending:
    return Ending(
        id=row["id"],
        index=row["index"],
        state=row["state"],
        stage=row["stage"],
        why=row["reason"] or row["error"],
        seconds=sum(row["seconds"].values()),
        facts=row["facts"],
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
