"""The report: one file that shows a whole run, without a network, from where it lies.

```
RUN/report.html      summary, funnel, distributions, and the first hundred clips: film with boxes, from above, origin
RUN/report-2.html    the next hundred, and so on
```

Distributions count the whole dataset; of very many clips some are shown, evenly chosen. Everything is read from
the ledger and the clips' own shares of the dataset's tables, so it costs no more than the clips that are shown.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import jinja2
from pydantic import BaseModel, ConfigDict, Field
from tqdm import tqdm

from adapters.exporter.nuscenes.census import Census, dataset_census
from adapters.viewer._footage import Footage, read_footage, travelled_m
from adapters.viewer.html import figures
from adapters.viewer.html.film import encode, mosaic_of, opened, still
from adapters.viewer.html.funnel import Books, Ending, endings, evenly, losses, scores
from adapters.viewer.html.reel import reel_of
from datagen import __version__
from datagen.engine import Store, summary
from datagen.errors import DatasetError

STILL_PX = (160, 90)
MOST_LOST = 200
GROUPS = (
    ("car", "car"),
    ("large", "truck, bus, trailer"),
    ("cycle", "two wheels"),
    ("person", "person"),
    ("object", "object"),
)


class Settings(BaseModel):
    """What may be chosen of a report."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    against: Path | None = None
    """A nuScenes-format dataset whose distributions are drawn beside the run's."""
    clips: Annotated[int, Field(ge=0)] = 300
    """At most so many clips are shown; of more, evenly chosen ones."""
    clips_per_page: Annotated[int, Field(ge=1)] = 100
    view_width_px: Annotated[int, Field(ge=64)] = 320
    """Views are shown no wider than this."""
    progress: bool = True


class HtmlViewer:
    """Writes `RUN/report.html`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def show(self, run: Path) -> Path:
        """Write a run's report and return its first page.

        Raises DatasetError when a clip or the dataset to compare with cannot be read.
        """
        books = Books.of(run)
        chosen = endings(evenly(books.kept, self.settings.clips))
        size = self.settings.clips_per_page
        pages = [chosen[start : start + size] for start in range(0, len(chosen), size)] or [[]]
        shared = _shared(run, books, shown=len(chosen), pages=len(pages))
        first = self._first(run, books)
        bar = tqdm(total=len(chosen), desc="report", unit="clip", delay=2.0, disable=not self.settings.progress)
        for number, page in enumerate(pages, start=1):
            clips = [self._clip(run, one, bar) for one in page]
            text = _template().render(**shared, **(first if number == 1 else {}), page=number, clips=clips)
            (run / page_name(number)).write_text(text, encoding="utf-8")
        bar.close()
        _remove_pages(run, beyond=len(pages))
        return run / page_name(1)

    def _first(self, run: Path, books: Books) -> dict[str, Any]:
        """Return what stands on the first page alone."""
        steps = books.funnel()
        made = _census(run / "dataset") if (run / "dataset").is_dir() else None
        real = _census(self.settings.against) if self.settings.against else None
        return {
            "tiles": _tiles(steps[0].clips, steps[-1].clips, made),
            "failed": books.lost["state"].to_pylist().count("failed"),
            "funnel": figures.funnel_figure(steps),
            "losses": losses(steps),
            "figures": _figures(made, real) if made else [],
            "against": self.settings.against.name if self.settings.against else "",
            "lost": [_lost(run, one) for one in endings(books.lost.slice(0, MOST_LOST))],
            "lost_count": len(books.lost),
            "recipe": (run / "recipe.yaml").read_text(encoding="utf-8"),
        }

    def _clip(self, run: Path, ending: Ending, bar: tqdm) -> dict[str, Any]:
        footage = read_footage(Store(run).clip_folder(ending.id))
        mosaic = mosaic_of(footage.views, view_width_px=self.settings.view_width_px)
        film = encode(footage.views, mosaic, rate_hz=footage.rate_hz)
        told = footage.provenance
        chips = [told["weather"], told["light"], told["place"]]
        chips += [f"{footage.boxes:,} boxes", f"{len(footage.tracks)} tracks", f"{travelled_m(footage.ego):.0f} m"]
        title = told["text"] or footage.description
        bar.update()
        return {
            "name": footage.name,
            "title": title,
            "chips": chips,
            "find": " ".join([footage.name, title, *chips[:3], *sorted({t.category for t in footage.tracks})]).lower(),
            "size": (mosaic.width, mosaic.height),
            "frames": len(footage.timestamp_us),
            "scores": sorted(scores(ending.facts).items()),
            "origin": list(_origin(footage, ending)),
            "reel": _json(reel_of(footage, mosaic)),
            "film": base64.b64encode(film).decode(),
        }


def build(settings: Settings) -> HtmlViewer:
    """Return the viewer."""
    return HtmlViewer(settings)


def page_name(number: int) -> str:
    """Return the file of a page, from 1."""
    return "report.html" if number == 1 else f"report-{number}.html"


def _shared(run: Path, books: Books, *, shown: int, pages: int) -> dict[str, Any]:
    """Return what stands on every page."""
    finished = summary(run).finished
    names = [one.facts.get("recipe", "") for one in endings(books.table.slice(0, 1))]
    return {
        "title": f"{run.name} · report",
        "run_name": run.name,
        "recipe_name": next(filter(None, names), run.name),
        "finished": f"{finished:%Y-%m-%d %H:%M} UTC" if finished else "",
        "version": __version__,
        "pages": pages,
        "page_name": page_name,
        "shown": shown,
        "kept": len(books.kept),
        "groups": GROUPS,
        "css": _resource("report.css"),
        "js": _resource("player.js"),
    }


def _remove_pages(run: Path, *, beyond: int) -> None:
    """Remove the pages of an earlier, longer report."""
    for path in run.glob("report-*.html"):
        number = path.stem.removeprefix("report-")
        if number.isdigit() and int(number) > beyond:
            path.unlink()


def _census(dataset: Path) -> Census:
    versions = sorted(table.parent.name for table in dataset.glob("*/scene.json"))
    if len(versions) != 1:
        found = ", ".join(versions) or "none"
        raise DatasetError(f"{dataset}: the folder of one dataset version is to be counted; versions found: {found}")
    return dataset_census(dataset, versions[0])


def _tiles(prompted: int, kept: int, made: Census | None) -> list[tuple[str, str]]:
    tiles = [(f"{kept:,} / {prompted:,}", "clips kept of those prompted")]
    if made:
        tiles += [
            (f"{made.samples:,}", "key frames"),
            (f"{made.boxes:,}", "boxes"),
            (f"{made.tracks:,}", "tracks"),
            (_duration(made.seconds), "driven"),
            (f"{len(made.categories)}", "categories"),
        ]
    return tiles


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _figures(made: Census, real: Census | None) -> list[tuple[str, str]]:
    drawn = [
        ("Boxes by category", figures.classes_figure(made, real)),
        ("Scenes by weather and light", figures.ambience_figure(made, real)),
        ("Distance of the boxes", figures.distance_figure(made, real)),
    ]
    words = {"vehicle": "Speed of vehicles", "person": "Speed of people", "cycle": "Speed of two-wheelers"}
    for group, caption in words.items():
        if sum(made.speed.get(group, ())):
            drawn.append((caption, figures.speed_figure(made, real, group=group)))
    return drawn


def _lost(run: Path, ending: Ending) -> dict[str, Any]:
    """Return one line of the table of what was not kept, with a picture where one was filmed."""
    films = sorted((Store(run).dropped_folder(ending.id) / "film").glob("CAM_FRONT*/*.jpg"))
    picture = base64.b64encode(still(opened(films[len(films) // 2], size_px=STILL_PX))).decode() if films else ""
    title = ending.facts.get("prompt") or f"clip {ending.index + 1}"
    told = {"id": ending.id, "stage": ending.stage, "state": ending.state, "why": ending.why}
    return {"title": title, "still": picture, **told}


def _origin(footage: Footage, ending: Ending) -> Iterator[tuple[str, str]]:
    """Yield what is known of where a clip came from, as key and value."""
    told = footage.provenance
    yield "clip", footage.clip_id
    yield "prompt", told["prompt_id"]
    yield "seed", str(told["seed"])
    yield "location", footage.location
    yield from ((f"value of {key}", str(value)) for key, value in told["values"].items())
    yield from ((key, str(value)) for key, value in told["source"].items())
    hidden = {"prompt", "prompt_id", "seed", "run", "recipe"} | set(told["source"])
    yield from (
        (key, value) for key, value in ending.facts.items() if key not in hidden and not key.startswith("value.")
    )
    yield "made in", f"{ending.seconds:.1f} s of work"


def _json(reel: Mapping[str, Any]) -> str:
    """Return JSON that may stand in a page's script element."""
    return json.dumps(reel, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")


def _resource(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


def _template() -> jinja2.Template:
    environment = jinja2.Environment(loader=jinja2.PackageLoader(__name__, "."), autoescape=True, trim_blocks=True)
    return environment.get_template("report.html.jinja")
