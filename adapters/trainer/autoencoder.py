"""Trainer `autoencoder`: pictures to latents and back, on any folder of pictures (see `datagen.models.autoencoder`)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from datagen.models.autoencoder.training import AutoencoderTraining, train_autoencoder

Settings = AutoencoderTraining


@dataclass(frozen=True)
class AutoencoderTrainer:
    """Trains as its settings say."""

    settings: Settings

    def train(self, out: Path, *, stop_after: int | None = None) -> Path:
        """See `datagen.ports.Trainer`."""
        return train_autoencoder(self.settings, out, stop_after=stop_after)


def build(settings: Settings) -> AutoencoderTrainer:
    """Return the trainer."""
    return AutoencoderTrainer(settings)
