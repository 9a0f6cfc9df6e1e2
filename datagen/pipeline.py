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
from dataclasses import asdict, dataclass
from pathlib import Path

from datagen import __version__, plugins
from datagen.engine import Store, Totals, execute
from datagen.errors import InputError
from datagen.ports import Exporter, SceneSource, Stage, Take, Trainer, VideoModel, Viewer
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


@dataclass(frozen=True, kw_only=True)
class Run:
    """A recipe that was found sound, and the clips it asks for. `folder` need not exist yet."""

    recipe: Recipe
    folder: Path
    stages: tuple[Stage[Take, Take], ...]
    takes: tuple[Take, ...]

    @property
    def store(self) -> Store:
        """Where its clips lie."""
        return Store(self.folder)

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


def run_folder(recipe: Recipe, rig: Rig | None, *, out: Path) -> Path:
    """Return the folder a recipe's run has: the same content, the same folder."""
    return out / f"{recipe.name}-{recipe_hash(recipe, rig)[:8]}"


def prepare(path: Path, *, out: Path, overrides: Sequence[str] = (), limit: int | None = None) -> Run:
    """Check everything a run needs and lay out its clips; writes nothing. Raises InputError."""
    recipe = load_recipe(path, overrides=overrides)
    source: SceneSource = plugins.build("scene", recipe.scene)
    check_words(recipe, needs_text=source.needs_text, file=str(path))
    rig = rig_of(recipe, path)
    prompts = expand(recipe, count=source.count())[:limit]
    if not prompts:
        raise InputError(f"{path}: asks for no clip; give it prompts, or `scenes:`")
    settings = recipe_hash(recipe.model_copy(update={"prompts": (), "scenes": None}), rig)
    film: VideoModel = plugins.build("video", recipe.film)
    settings += film.fingerprint()
    takes = [Take(id=clip_id(prompt, settings), prompt=prompt, workdir=Path()) for prompt in prompts]
    folder = run_folder(recipe, rig, out=out)
    return Run(recipe=recipe, folder=folder, stages=_stages(recipe, source, film=film, rig=rig), takes=tuple(takes))


def run(run: Run, *, address: str | None = None, progress: bool = True) -> Totals:
    """Make every clip that is not there yet, then the dataset of all that are; running again resumes."""
    run.folder.mkdir(parents=True, exist_ok=True)
    (run.folder / "recipe.yaml").write_text(dump(run.recipe), encoding="utf-8")
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
        facts={"recipe": run.recipe.name, "run": run.folder.name, "code_version": __version__},
        describe=facts_of,
        progress=progress,
    )
    merge(run)
    report(run, progress=progress)
    return totals


def merge(run: Run) -> None:
    """Make one dataset of the clips that are done, in the recipe's order; none leaves no dataset."""
    folders = [run.store.clip_folder(take.id) for take in run.takes]
    fragments = [folder / FRAGMENT for folder in folders if folder.is_dir()]
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


def _stages(recipe: Recipe, source: SceneSource, *, film: VideoModel, rig: Rig | None) -> tuple[Stage[Take, Take], ...]:
    exporter: Exporter = plugins.build("exporter", recipe.export)
    camerawork = Camerawork(
        rig=rig,
        rate_hz=recipe.clip.rate_hz,
        jpeg_quality=exporter.jpeg_quality,
        full_size=exporter.full_size,
    )
    return (
        *source.stages(),
        FilmStage(film, camerawork=camerawork),
        LabelStage(),
        JudgeStage(broken_frames=recipe.judge.broken_frames, min_labels=recipe.judge.min_labels),
        ExportStage(exporter),
    )
