"""Trainer `hdmap`: prepares samples of places, once, then trains a map model on them.

Recipe keys beside those of `datagen.models.hdmap.training.HDMapLessons`: `log` and `held_out` (scene sources with maps,
such as `{use: sumo, networks: 400}`, which must not share a place), how many scenes of each and windows of a scene,
`duration_s` and `seed` of the traffic, and `samples`, a folder to keep prepared samples in.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from adapters.trainer.hdmap.samples import Places, Sample, prepare, samples_of
from datagen.models.hdmap.training import HDMapLessons, train_hdmap
from datagen.ports import PortRef

__all__ = ["HDMapTrainer", "Places", "Sample", "Settings", "build", "samples_of"]


class Settings(HDMapLessons):
    """What to learn from, and how.

    log, held_out: to learn from, and to look at only.  scenes, held_out_scenes: how many of them, of sources that have
    no end.  windows: samples of each scene, the first with its recorded traffic.  duration_s: of everybody's tracks.
    samples: where prepared samples are kept; by default beside the weights.
    """

    log: Annotated[dict[str, Any], PortRef("scene")]
    held_out: Annotated[dict[str, Any], PortRef("scene")]
    scenes: Annotated[int, Field(ge=1)] = 400
    held_out_scenes: Annotated[int, Field(ge=1)] = 16
    windows: Annotated[int, Field(ge=1)] = 24
    duration_s: Annotated[float, Field(gt=0, le=60)] = 8.0
    seed: int = 0
    samples: Path | None = None

    def places(self, *, unseen: bool) -> Places:
        """Return where the samples to learn from come from, or those to look at."""
        return Places(
            scenes=self.held_out if unseen else self.log,
            count=self.held_out_scenes if unseen else self.scenes,
            windows=self.windows,
            duration_s=self.duration_s,
            seed=self.seed,
        )


@dataclass(frozen=True)
class HDMapTrainer:
    """Trains as its settings say."""

    settings: Settings

    def train(self, out: Path, *, stop_after: int | None = None) -> Path:
        """See `datagen.ports.Trainer`."""
        settings = self.settings
        spec, kept = settings.full_spec(), settings.samples or out / "samples"
        pairs = prepare(settings.places(unseen=False), kept / "train", pixels=spec.pixels, coarse=spec.coarse)
        held_out = prepare(settings.places(unseen=True), kept / "held_out", pixels=spec.pixels, coarse=spec.coarse)
        lessons = HDMapLessons(**settings.model_dump(include=set(HDMapLessons.model_fields)))
        return train_hdmap(lessons, out, pairs=pairs, held_out=held_out, stop_after=stop_after)


def build(settings: Settings) -> HDMapTrainer:
    """Return the trainer."""
    return HDMapTrainer(settings)
