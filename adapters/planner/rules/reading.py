"""What is being read: an actor with its manoeuvres, and what was said before the word it belongs to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from adapters.planner.rules.scene_reader import SceneReader
from adapters.planner.rules.vocabulary import Token
from datagen.scene import Category
from datagen.scene.plan import Do

MOST_ACTORS, MOST_ACTS, MOST_ALIKE = 12, 6, 8
SIDED = {
    "cut_in", "cut_out", "merge", "lane_change", "turn", "swerve", "pull_over", "pull_out", "park", "cross", "jaywalk",
    "run_out", "overtake", "parked",
}  # fmt: skip
"""Manoeuvres with a side."""
ON_FOOT = {"cross", "jaywalk", "run_out", "walk", "walk_in_group"}
"""Manoeuvres of people."""


@dataclass
class Act:
    """A manoeuvre being read."""

    do: Do
    at_s: float | None = None
    when_gap_below_m: float | None = None
    when_ego_at_m: float | None = None
    side: Any = None
    speed_mps: float | None = None
    gap_m: float | None = None
    takes_s: float | None = None
    hard: bool = False
    when_clear: bool = False


@dataclass
class Who:
    """An actor (or the ego) being read."""

    category: Category = Category.CAR
    kind: str = "plain"
    color: Any = None
    count: int = 1
    where: Any = None
    gap_m: float | None = None
    pace: str | None = None
    ego: bool = False
    plural: bool = False
    grouped: bool = False
    comes: Any = None  # the side "from" which it was said to be
    named: str = ""
    with_him: list[Who] = field(default_factory=list)  # named before, joined by an "and"
    shares: bool = False  # what he does they do
    unnamed: bool = False  # only what it does was said
    anyone: bool = False  # "someone" may turn out to drive
    acts: list[Act] = field(default_factory=list)


@dataclass
class Pending:
    """What was said before the noun or verb it belongs to."""

    color: str | None = None
    count: float | None = None
    side: Any = None
    where: Any = None
    gap_m: float | None = None
    speed_mps: float | None = None
    at_s: float | None = None
    when_gap_below_m: float | None = None
    when_ego_at_m: float | None = None
    pace: str | None = None
    hard: bool = False
    definite: bool = False
    beside: bool = False
    when_clear: bool = False
    grouped: bool = False
    partner: Who | None = None
    acts: list[Act] = field(default_factory=list)

    def when(self, **more: Any) -> Pending:
        """Return what lives on into the next words: when something is to begin, and what else is named here."""
        return Pending(
            at_s=self.at_s, when_gap_below_m=self.when_gap_below_m, when_ego_at_m=self.when_ego_at_m,
            when_clear=self.when_clear, **more,
        )  # fmt: skip


@dataclass
class Reading:
    """How far one text has been read: who there is, who is spoken of, and what waits for its word.

    subject: of the clause.  act: what words now refine.  last: the last manoeuvre of all.  latest: the last one named.
    fresh: a clause has begun and nobody has been named in it.  denied: the next word stands behind a "no".
    before: the token before this one.  danger: it was asked for, but not which.
    listing: since the subject was named there were only commas: "bus, lane change left".
    without_parked: "no parked" has been read, and the noun is still to come.
    stranger: the clause holds a word nobody knows, perhaps a name.
    turned: a side that was named without anything it belongs to.
    """

    ego: Who = field(default_factory=lambda: Who(ego=True))
    actors: list[Who] = field(default_factory=list)
    subject: Who | None = None
    act: Act | None = None
    last: Act | None = None
    latest: Who | None = None
    pending: Pending = field(default_factory=Pending)
    fresh: bool = True
    denied: bool = False
    danger: bool = False
    without_parked: bool = False
    turned: Any = None
    listing: bool = False
    stranger: bool = False
    scene: SceneReader = field(default_factory=SceneReader)
    before: Token = field(default_factory=lambda: Token(kind="stop"))
