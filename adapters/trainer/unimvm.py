"""Trainer `unimvm`: prepares the drives of a log, once, then trains UniMVM on them.

Recipe keys beside those of `datagen.models.unimvm.training`: `log` and `held_out` (scene sources with recordings,
such as `{use: nuscenes, root: …}`), `rate_hz`, `workers`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from adapters.video.unimvm.log import Preparation, prepare
from datagen.models.unimvm.training import UniMVMLessons, UniMVMTraining, train_unimvm
from datagen.ports import PortRef


class Settings(UniMVMLessons):
    """What to learn from, and how.

    log, held_out: to learn from, and to look at only.  rate_hz: frames a second.
    workers: processes that prepare drives; all cores by default.
    drives: where prepared drives are kept for every training that uses them; by default beside the weights.
    """

    log: Annotated[dict[str, Any], PortRef("scene")]
    held_out: Annotated[dict[str, Any], PortRef("scene")]
    rate_hz: Annotated[float, Field(gt=0, le=20)] = 4.0
    workers: Annotated[int, Field(ge=1)] | None = None
    drives: Path | None = None


@dataclass(frozen=True)
class UniMVMTrainer:
    """Trains as its settings say."""

    settings: Settings

    def train(self, out: Path, *, stop_after: int | None = None) -> Path:
        """See `datagen.ports.Trainer`."""
        settings = self.settings
        spec = settings.full_spec()
        drives = settings.drives or out / "drives"
        folders = {
            name: prepare(
                Preparation(
                    scenes=scenes,
                    folder=drives / name,
                    autoencoder=settings.autoencoder,
                    view_px=spec.view_px,
                    stride=spec.stride,
                    rate_hz=settings.rate_hz,
                    figures=spec.figures,
                    sights=bool(settings.carried),
                ),
                workers=settings.workers,
            )
            for name, scenes in (("train", settings.log), ("held_out", settings.held_out))
        }
        lessons = settings.model_dump(include=set(UniMVMLessons.model_fields))
        training = UniMVMTraining(**lessons, drives=folders["train"], held_out=folders["held_out"])
        return train_unimvm(training, out, stop_after=stop_after)


def build(settings: Settings) -> UniMVMTrainer:
    """Return the trainer."""
    return UniMVMTrainer(settings)
