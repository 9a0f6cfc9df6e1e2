"""Judge `plain`: drops clips with broken pictures, or with too little in them; knows no classes, needs no weights.

Recipe keys: `judge: {use: plain, min_labels: 5}`.
"""

from __future__ import annotations

from collections.abc import Sequence

from adapters.judge._broken import JudgeSettings, complaints_of
from datagen.ports import Resources, Verdict
from datagen.scene import Clip, Label


class Settings(JudgeSettings):
    """What a clip must have to be kept."""


class PlainJudge:
    """Satisfies `datagen.ports.Judge`."""

    resources = Resources()

    def __init__(self, settings: Settings) -> None:
        self.settings, self.films = settings, settings.films

    def fingerprint(self) -> str:
        """There are no weights."""
        return ""

    def open(self) -> None:
        """There is nothing to load."""

    def judge(self, clip: Clip, *, labels: Sequence[Label]) -> Verdict:
        """Look for broken pictures."""
        return Verdict(complaints=complaints_of(clip, tuple(labels), settings=self.settings))


def build(settings: Settings) -> PlainJudge:
    """Return the judge."""
    return PlainJudge(settings)
