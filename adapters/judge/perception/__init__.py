"""Judge `perception`: a small network looks at the key frames, and what it sees is held against the labels.

Recipe keys: `judge: {use: perception, films: 2, bounds: {frames: 0.6}}`. Every score goes into the ledger as
`judge.<name>`, and every box's trust into the dataset. How good it is, and what it cannot see: docs/judge.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

import datagen
from adapters.judge._broken import JudgeSettings, complaints_of
from datagen.digest import file_sha256
from datagen.errors import InputError
from datagen.ports import Resources, Verdict
from datagen.scene import Clip, Label

if TYPE_CHECKING:
    from adapters.judge.perception.sight import Looker

SHIPPED = Path(datagen.__file__).parent / "weights" / "perception" / "perception.safetensors"
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Bounds(BaseModel):
    """Below these scores (above it, for `ghost`) a clip is not kept; `null` leaves a score out of the verdict."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    placed: Annotated[float, Field(ge=-1.0, le=1.0)] | None = 0.27
    """Do labels lie on what is seen? How much better they do than 2 m aside, in probability, in the mean."""
    missing: Share | None = 0.25
    """Is every labelled vehicle there? Of the one that is shown least: how likely its pixels show a vehicle."""
    ghost: Annotated[float, Field(ge=0.0)] | None = 90.0
    """Is anything there that is not labelled? Vehicle on empty road in 3 of 10 key frames, pixels of 112x64."""
    views: Share | None = 0.7
    """Is every view its camera's? Share of pixels that side with its labels, not a neighbour's, of the worst camera."""
    frames: Share | None = 0.62
    """Is every frame in its place? Share of pixels that side with their moment's labels, not a neighbour's."""
    overlap: Share | None = 0.93
    """Do neighbouring views agree? 1 less the difference of brightness of road that two cameras see."""
    steady: Share | None = 0.87
    """Do consecutive frames agree? The same, of road that one camera sees twice."""
    light: Share | None = 0.48
    """Probability of the labelled light: day, dusk or night."""
    weather: Share | None = 0.3
    """Probability of the labelled weather."""


class Settings(JudgeSettings):
    """What a clip must show to be kept.

    weights: of a perception network (`datagen train perception`); by default those that ship.
    """

    weights: Path | None = None
    bounds: Bounds = Bounds()


class PerceptionJudge:
    """Satisfies `datagen.ports.Judge`."""

    resources = Resources()

    def __init__(self, settings: Settings) -> None:
        self.settings, self.films = settings, settings.films
        self.looker: Looker | None = None

    def fingerprint(self) -> str:
        """Return the weights' hash. Raises InputError when there are none."""
        return file_sha256(self._weights())

    def _weights(self) -> Path:
        path = self.settings.weights or SHIPPED
        if not path.is_file():
            raise InputError(
                f"judge.weights: there are none at {path}; train some (`datagen train perception`),"
                " or take `judge: {use: plain}`"
            )
        return path

    def open(self) -> None:
        """Load the network."""
        from adapters.judge.perception.sight import Looker
        from datagen.models.perception import open_perception

        self.looker = Looker(open_perception(self._weights()))

    def judge(self, clip: Clip, *, labels: Sequence[Label]) -> Verdict:
        """Look at the clip, unless a picture is broken anyway."""
        from adapters.judge.perception.scores import verdict_of

        assert self.looker is not None, "open() comes first"
        if complaints := complaints_of(clip, tuple(labels), settings=self.settings):
            return Verdict(complaints=complaints)
        sight = self.looker.look(clip, labels)
        return verdict_of(sight, clip.scene, bounds=self.settings.bounds)


def build(settings: Settings) -> PerceptionJudge:
    """Return the judge; the network is loaded when it is opened."""
    return PerceptionJudge(settings)
