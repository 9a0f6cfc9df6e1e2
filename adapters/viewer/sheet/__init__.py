"""Viewer `sheet`: one picture for every scene, to look at or to put into a document.

Everything is drawn from the exported dataset, through the devkit, so that what is seen is what a user gets.

```
RUN/sheets/scene-2001.png    six views at four key frames, one row with boxes, bird's-eye view
```
"""

from __future__ import annotations

from pathlib import Path

from nuscenes.nuscenes import NuScenes
from pydantic import BaseModel, ConfigDict
from tqdm import tqdm

from adapters.viewer.sheet.drawing import contact_sheet
from datagen.errors import DatasetError


class Settings(BaseModel):
    """There is nothing to choose."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SheetViewer:
    """Writes `RUN/sheets`."""

    def show(self, run: Path) -> Path:
        """Draw every scene of a run's dataset and return the folder. Raises DatasetError where there is none."""
        nusc = open_dataset(run / "dataset")
        folder = run / "sheets"
        folder.mkdir(exist_ok=True)
        for scene in tqdm(nusc.scene, desc="drawing", unit="scene"):
            contact_sheet(nusc, scene).save(folder / f"{scene['name']}.png")
        return folder


def build(settings: Settings) -> SheetViewer:
    """Return the viewer."""
    return SheetViewer()


def open_dataset(dataset: Path) -> NuScenes:
    """Open the only version that a dataset holds. Raises DatasetError."""
    versions = sorted(table.parent.name for table in dataset.glob("*/scene.json"))
    if len(versions) != 1:
        found = ", ".join(versions) or "none"
        raise DatasetError(f"{dataset}: one dataset version is to be shown, found: {found}; finish the run first")
    return NuScenes(version=versions[0], dataroot=str(dataset), verbose=False)
