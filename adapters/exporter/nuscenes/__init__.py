"""Clips to a nuScenes-format dataset that the devkit, its map reader and mmdet3d accept as they are.

A clip's share is written when the clip is made (`fragment`), and one merge makes the dataset (`merge`); the
dataset can be checked (`validate`) and mixed with a real log (`augment`). Scenes are called
`scene-{first_scene + prompt.index}`, from 2001 on by default, beyond the names nuScenes itself uses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from adapters.exporter.nuscenes.augment import augment
from adapters.exporter.nuscenes.splits import checked_shares
from adapters.exporter.nuscenes.validate import Violation, validate
from datagen.scene import Clip, Label

__all__ = ["NuScenesExporter", "Settings", "Violation", "augment", "build", "validate"]


class Settings(BaseModel):
    """What a recipe may say beside `export.use: nuscenes`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")] = "v1.0-synth"
    """Name of the folder of the tables; what `NuScenes(version=...)` is given."""
    jpeg_quality: Annotated[int, Field(ge=1, le=95)] = 90
    full_size: bool = False
    """Store pictures at the rig's own size, enlarging what the film model made."""
    splits: dict[str, float] = {"synth_train": 0.8, "synth_val": 0.2}
    """Share of the scenes by split; `synth_all` always holds every scene."""
    first_scene: Annotated[int, Field(ge=1, le=9999)] = 2001
    """Number of the first prompt's scene."""
    sweeps: bool = True
    """Export the frames between key frames."""

    @field_validator("splits")
    @classmethod
    def _possible(cls, splits: Mapping[str, float]) -> Mapping[str, float]:
        return checked_shares(splits)


class NuScenesExporter:
    """An `Exporter` (see datagen.ports) of nuScenes' 13 tables and everything around them.

    What does the work is imported when it is asked for: whoever wants only the taxonomy gets no more than that.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.jpeg_quality = settings.jpeg_quality
        self.full_size = settings.full_size

    def write_fragment(self, clip: Clip, *, labels: Sequence[Label], folder: Path) -> None:
        """Write one clip's share of the dataset into `folder` (see `fragment`)."""
        from adapters.exporter.nuscenes.fragment import write_fragment

        settings = self.settings
        write_fragment(clip, labels=labels, folder=folder, first_scene=settings.first_scene, sweeps=settings.sweeps)

    def merge(self, fragments: Sequence[Path], dataset: Path, *, about: Mapping[str, str] | None = None) -> None:
        """Make one dataset of fragments (see `merge`)."""
        from adapters.exporter.nuscenes.merge import merge

        merge(fragments, dataset, version=self.settings.version, splits=self.settings.splits, about=about)


def build(settings: Settings) -> NuScenesExporter:
    """Build the exporter."""
    return NuScenesExporter(settings)
