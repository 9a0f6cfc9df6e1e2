"""Recipe → stages → executor: the one file that knows the whole order.

```
recipe ─ prepare ─▶ Run(takes)      everything that can be wrong with the input is found here, before a byte is written
          run    ─▶ scene stages → film → label → judge → export, by the engine
                 ─▶ merge           fragments of the clips that are done → one dataset
```
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from datagen import __version__, plugins
from datagen.engine import Store, Totals, execute
from datagen.errors import InputError
from datagen.ports import Exporter, SceneSource, Stage, Take
from datagen.recipe import Recipe, check_words, dump, expand, find_rig, load, load_rig, recipe_hash
from datagen.scene import Prompt, Rig
from datagen.stages import FRAGMENT, Camerawork, ExportStage, FilmStage, JudgeStage, LabelStage

LOG_RIG = "log"
"""The recipe's word for the rig of the log a scene was read from."""


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


def run_folder(recipe: Recipe, *, out: Path) -> Path:
    """Return the folder a recipe's run has: the same recipe, the same folder."""
    return out / f"{recipe.name}-{recipe_hash(recipe)[:8]}"


def prepare(path: Path, *, out: Path, overrides: Sequence[str] = (), limit: int | None = None) -> Run:
    """Check everything a run needs and lay out its clips; writes nothing. Raises InputError."""
    recipe = load_recipe(path, overrides=overrides)
    source: SceneSource = plugins.build("scene", recipe.scene)
    check_words(recipe, needs_text=source.needs_text)
    exporter: Exporter = plugins.build("exporter", recipe.export)
    rig_path = None if recipe.rig == LOG_RIG else find_rig(recipe.rig, path)
    rig = None if rig_path is None else load_rig(rig_path)
    folder = run_folder(recipe, out=out)
    prompts = expand(recipe, count=source.count())[:limit]
    if not prompts:
        raise InputError(f"{path}: asks for no clip; give it prompts, or `scenes:`")
    settings = _deciding(recipe, rig_path)
    takes = [Take(id=clip_id(prompt, settings), prompt=prompt, workdir=folder / "work") for prompt in prompts]
    return Run(recipe=recipe, folder=folder, stages=_stages(recipe, source, exporter, rig), takes=tuple(takes))


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
        facts_of=_Facts(_provenance(run.recipe)),
        progress=progress,
    )
    merge(run)
    return totals


def merge(run: Run) -> int:
    """Make one dataset of the clips that are done, in the recipe's order, and return how many there are."""
    done = run.store.complete_ids()
    fragments = [run.store.clip_folder(take.id) / FRAGMENT for take in run.takes if take.id in done]
    if fragments:
        exporter: Exporter = plugins.build("exporter", run.recipe.export)
        exporter.merge(fragments, run.dataset)
    return len(fragments)


def clip_id(prompt: Prompt, settings: str) -> str:
    """Return the hash of everything that decides a clip's content."""
    content = json.dumps(asdict(prompt), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(f"{__version__}\n{settings}\n{content}".encode()).hexdigest()[:16]


def _stages(recipe: Recipe, source: SceneSource, exporter: Exporter, rig: Rig | None) -> tuple[Stage[Take, Take], ...]:
    camerawork = Camerawork(
        rig=rig,
        rate_hz=recipe.clip.rate_hz,
        jpeg_quality=exporter.jpeg_quality,
        full_size=exporter.full_size,
    )
    return (
        *source.stages(),
        FilmStage(recipe.film, camerawork=camerawork),
        LabelStage(),
        JudgeStage(broken_frames=recipe.judge.broken_frames, min_labels=recipe.judge.min_labels),
        ExportStage(recipe.export),
    )


def _deciding(recipe: Recipe, rig_path: Path | None) -> str:
    """Return the settings that every clip of a recipe depends on, and the rig's file, as one text."""
    every: dict[str, Any] = recipe.model_dump(mode="json", include={"clip", "scene", "film", "judge", "export"})
    rig = "" if rig_path is None else rig_path.read_text(encoding="utf-8")
    return json.dumps([every, rig], sort_keys=True, ensure_ascii=False)


def _provenance(recipe: Recipe) -> dict[str, str]:
    return {"recipe": recipe.name, "recipe_hash": recipe_hash(recipe), "code_version": __version__}


@dataclass(frozen=True)
class _Facts:
    """What the ledger says of every take, beside how its work went."""

    always: Mapping[str, str]

    def __call__(self, take: Take) -> dict[str, str]:
        values = {f"value.{key}": str(value) for key, value in take.prompt.values.items()}
        asked = {"prompt": take.prompt.text, "prompt_id": take.prompt.id, "seed": str(take.prompt.seed)}
        return {**self.always, **asked, **values, **take.notes}
