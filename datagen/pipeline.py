"""Recipe → stages → executor: the one file that knows the whole order.

```
recipe ─ prepare ─▶ Run(takes)      everything that can be wrong with the input is found here, before a byte is written
          run    ─▶ scene stages → film → label → judge → export, by the engine
                 ─▶ merge           fragments of the clips that are done → one dataset
                 ─▶ report          the run on one page, report.html
```
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from datagen import __version__, plugins
from datagen.engine import Place, Store, Totals, execute
from datagen.engine import outlook as look_ahead
from datagen.errors import InputError
from datagen.ports import Exporter, Judge, SceneSource, Stage, Take, Trainer, VideoModel, Viewer
from datagen.recipe import (
    LOG,
    EngineSpec,
    Recipe,
    check_words,
    dump,
    expand,
    find_rig,
    load,
    load_rig,
    load_settings,
    recipe_hash,
)
from datagen.scene import Prompt, Rig
from datagen.stages import FRAGMENT, Camerawork, ExportStage, FilmStage, JudgeStage, LabelStage

JPEG_BYTES_PER_PIXEL = 0.33
"""Of ray-cast pictures of 224x128 at quality 90, without chroma subsampling; larger ones need less."""
LIDAR_BYTES_PER_RAY = 18.0
"""20 for each that returns, as nine in ten do."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """A recipe that was found sound, and the clips it asks for. `place` need not exist yet."""

    recipe: Recipe
    place: Place
    stages: tuple[Stage[Take, Take], ...]
    takes: tuple[Take, ...]

    @property
    def folder(self) -> Path:
        """Where it lies on this machine. Raises InputError for a run that is kept elsewhere, such as on S3."""
        if self.place.local is None:
            raise InputError(f"{self.place} is not on this machine; copy it here first")
        return self.place.local

    @property
    def store(self) -> Store:
        """Where its clips lie."""
        return Store(self.place)

    @property
    def dataset(self) -> Path:
        """Where its dataset lies once it is made."""
        return self.folder / "dataset"


def load_recipe(path: Path, *, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe and check it against the adapters it names. Raises RecipeError with all its mistakes."""
    return load(path, settings_of=plugins.settings_of, words_of=plugins.words, overrides=overrides)


def load_trainer(word: str, path: Path, *, overrides: Sequence[str] = ()) -> Trainer:
    """Build the trainer of that word as a training recipe says. Raises RecipeError with all the recipe's mistakes."""
    settings = plugins.settings_of("trainer", word)
    filled = load_settings(path, settings, settings_of=plugins.settings_of, words_of=plugins.words, overrides=overrides)
    trainer: Trainer = plugins.build("trainer", {"use": word, **filled})
    return trainer


def rig_of(recipe: Recipe, path: Path) -> Rig | None:
    """Return the rig a recipe at `path` names, or None where it takes the log's own."""
    return None if recipe.rig == LOG else load_rig(find_rig(recipe.rig, path))


def run_place(recipe: Recipe, rig: Rig | None, *, out: Path | str) -> Place:
    """Return where a recipe's run lies below `out`, a path or an address: the same content, the same place."""
    return Place(out) / f"{recipe.name}-{recipe_hash(recipe, rig)[:8]}"


def prepare(path: Path, *, out: Path | str, overrides: Sequence[str] = (), limit: int | None = None) -> Run:
    """Check everything a run needs and lay out its clips; writes nothing. Raises InputError."""
    recipe = load_recipe(path, overrides=overrides)
    source: SceneSource = plugins.build("scene", recipe.scene)
    check_words(recipe, needs_text=source.needs_text, file=str(path))
    rig = rig_of(recipe, path)
    prompts = expand(recipe, count=source.count())[:limit]
    if not prompts:
        raise InputError(f"{path}: asks for no clip; give it prompts, or `scenes:`")
    settings = recipe_hash(recipe.model_copy(update={"prompts": (), "scenes": None}), rig) + source.fingerprint()
    film: VideoModel = plugins.build("video", recipe.film)
    judge: Judge = plugins.build("judge", recipe.judge)
    settings += film.fingerprint() + judge.fingerprint()
    takes = [Take(id=clip_id(prompt, settings), prompt=prompt, workdir=Path()) for prompt in prompts]
    place = run_place(recipe, rig, out=out)
    return Run(
        recipe=recipe,
        place=place,
        stages=_stages(recipe, source, film=film, judge=judge, rig=rig),
        takes=tuple(takes),
    )


def run(run: Run, *, address: str | None = None, progress: bool = True) -> Totals:
    """Make every clip that is not there yet, then the dataset of all that are; running again resumes."""
    run.place.write("recipe.yaml", dump(run.recipe).encode())
    engine = run.recipe.engine
    totals = execute(
        run.takes,
        run.stages,
        store=run.store,
        executor=engine.executor,
        address=address,
        workers=None if engine.workers == "auto" else engine.workers,
        attempts=engine.attempts,
        time_limit_s=engine.time_limit_s,
        facts=provenance(run),
        describe=facts_of,
        progress=progress,
    )
    with run.store.here() as folder:
        here = replace(run, place=Place(folder))
        merge(here)
        report(here, progress=progress)
    return totals


def provenance(run: Run) -> dict[str, str]:
    """Return what every row of the ledger says of how its clip was made, beside the clip's own facts."""
    return {
        "recipe": run.recipe.name,
        "recipe_hash": recipe_hash(run.recipe, _film(run).camerawork.rig),
        "run": run.place.name,
        "code_version": __version__,
    }


def outlook(run: Run, *, address: str | None = None) -> list[str]:
    """Say what `run` would do: who would work on what, how many clips are left, and how much disk they take."""
    engine = run.recipe.engine
    workers = None if engine.workers == "auto" else engine.workers
    seen = look_ahead(run.stages, executor=engine.executor, address=address, workers=workers)
    there = run.store.complete_ids()
    left = sum(take.id not in there for take in run.takes)
    clip_mb = clip_bytes(run) / 1e6
    return [
        f"clips    {left} to make, {len(run.takes) - left} there already",
        *seen.lines(),
        f"disk     about {left * clip_mb:.0f} MB more: {clip_mb:.1f} MB a clip; the dataset only links its files",
    ]


def clip_bytes(run: Run) -> float:
    """Estimate a clip's size from its pictures and sweeps, its tables being small beside them."""
    film = _film(run)
    work, rig = film.camerawork, film.camerawork.rig
    frames = run.recipe.clip.duration_s * run.recipe.clip.rate_hz + 1
    width_px, height_px = film.model.picture_size_px
    cameras = [(camera.width_px, camera.height_px) for camera in rig.cameras] if rig else [(1600, 900)] * 6
    pixels = sum(w * h for w, h in cameras) if work.full_size else len(cameras) * width_px * height_px
    rays = rig.lidar.azimuth_steps * len(rig.lidar.elevation_rad) if rig else 32 * 1084
    return frames * (pixels * JPEG_BYTES_PER_PIXEL + rays * LIDAR_BYTES_PER_RAY)


def _film(run: Run) -> FilmStage:
    return next(stage for stage in run.stages if isinstance(stage, FilmStage))


def merge(run: Run) -> None:
    """Make one dataset of the clips that are done, in the recipe's order; none leaves no dataset."""
    done = [take.id for take in run.takes if run.store.has_clip(take.id)]
    fragments = [run.store.clip_folder(id) / FRAGMENT for id in done]
    if fragments:
        exporter: Exporter = plugins.build("exporter", run.recipe.export)
        exporter.merge(fragments, run.dataset, about=about(run))


def about(run: Run) -> dict[str, str]:
    """Return what the dataset's card says of a run. Nothing in it depends on when or where it ran."""
    recipe = run.recipe
    film: VideoModel = plugins.build("video", recipe.film)
    return {
        "name": recipe.name,
        "recipe": dump(recipe.model_copy(update={"engine": EngineSpec()})),
        "film": recipe.film["use"],
        "weights": film.fingerprint(),
        "code_version": __version__,
    }


def report(run: Run, *, progress: bool = True) -> Path:
    """Write a run's report, also that of a run that kept nothing, and return the file to open."""
    viewer: Viewer = plugins.build("viewer", {"use": "html", "progress": progress})
    return viewer.show(run.folder)


def clip_id(prompt: Prompt, settings: str) -> str:
    """Return the hash of everything that decides a clip's content."""
    content = json.dumps([__version__, settings, asdict(prompt)], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def facts_of(take: Take) -> dict[str, str]:
    """Return what the ledger says of a take, beside how its work went."""
    prompt = take.prompt
    values = {f"value.{key}": value for key, value in prompt.values.items()}
    return {"prompt": prompt.text, "prompt_id": prompt.id, "seed": str(prompt.seed), **values, **take.notes}


def _stages(
    recipe: Recipe, source: SceneSource, *, film: VideoModel, judge: Judge, rig: Rig | None
) -> tuple[Stage[Take, Take], ...]:
    exporter: Exporter = plugins.build("exporter", recipe.export)
    camerawork = Camerawork(
        rig=rig,
        rate_hz=recipe.clip.rate_hz,
        jpeg_quality=exporter.jpeg_quality,
        full_size=exporter.full_size,
    )
    filming, labelling = FilmStage(film, camerawork=camerawork), LabelStage()
    return (
        *source.stages(),
        filming,
        labelling,
        JudgeStage(judge, again=(filming, labelling)),
        ExportStage(exporter),
    )
