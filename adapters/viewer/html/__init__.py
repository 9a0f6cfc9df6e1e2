"""Pictures of a run to look at: for every scene a contact sheet and a moving strip, on one page without a network.

Everything is drawn from the exported dataset, through the devkit, so that what is seen is what a user gets.

```
RUN/view/index.html        the page
RUN/view/scene-2001.png    contact sheet: six views at four key frames, one row with boxes, bird's-eye view
RUN/view/scene-2001.webp   the six views, moving
```
"""

from __future__ import annotations

from pathlib import Path

import jinja2
from nuscenes.nuscenes import NuScenes
from pydantic import BaseModel, ConfigDict
from tqdm import tqdm

from adapters.viewer.html.sheet import contact_sheet, strip
from datagen.errors import DatasetError


class Settings(BaseModel):
    """There is nothing to choose."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class HtmlViewer:
    """Writes `RUN/view`."""

    def show(self, run: Path) -> Path:
        """Draw every scene of a run's dataset and return the page. Raises DatasetError where there is none."""
        nusc = open_dataset(run / "dataset")
        folder = run / "view"
        folder.mkdir(exist_ok=True)
        for scene in tqdm(nusc.scene, desc="drawing", unit="scene"):
            contact_sheet(nusc, scene).save(folder / f"{scene['name']}.png")
            first, *rest, step_ms = strip(nusc, scene)
            first.save(folder / f"{scene['name']}.webp", save_all=True, append_images=rest, duration=step_ms, loop=0)
        page = folder / "index.html"
        page.write_text(_page(nusc, title=run.name), encoding="utf-8")
        return page


def build(settings: Settings) -> HtmlViewer:
    """Return the viewer."""
    return HtmlViewer()


def open_dataset(dataset: Path) -> NuScenes:
    """Open the only version that a dataset holds. Raises DatasetError."""
    versions = sorted(table.parent.name for table in dataset.glob("*/scene.json"))
    if len(versions) != 1:
        found = ", ".join(versions) or "none"
        raise DatasetError(f"{dataset}: one dataset version is to be shown, found: {found}; finish the run first")
    return NuScenes(version=versions[0], dataroot=str(dataset), verbose=False)


def _page(nusc: NuScenes, *, title: str) -> str:
    environment = jinja2.Environment(loader=jinja2.PackageLoader(__name__, "."), autoescape=True)
    boxes = {scene["name"]: _count_boxes(nusc, scene) for scene in nusc.scene}
    return environment.get_template("page.html.jinja").render(title=title, scenes=nusc.scene, boxes=boxes)


def _count_boxes(nusc: NuScenes, scene: dict) -> int:
    total, token = 0, scene["first_sample_token"]
    while token:
        sample = nusc.get("sample", token)
        total, token = total + len(sample["anns"]), sample["next"]
    return total
