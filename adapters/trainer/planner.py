"""Trainer `planner`: generated text-plan pairs to a low-rank adapter for a chat model.

Example: `datagen train planner recipes/train/planner.yaml`.
"""

from __future__ import annotations

from pathlib import Path

from datagen.models.planner.training import PlannerTraining, train_planner


class Settings(PlannerTraining):
    """What `planner` recipes say."""


def build(settings: Settings) -> PlannerTrainer:
    """Return the trainer; nothing is loaded yet."""
    return PlannerTrainer(settings)


class PlannerTrainer:
    """Fine-tunes the planner's language model."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def train(self, out: Path, *, stop_after: int | None = None) -> Path:
        """Train, or go on training what lies in `out`; return the adapter's path."""
        return train_planner(self.settings, out, stop_after=stop_after)
