"""One trial for each detector, arm and seed: learn, look at the real validation split, be scored by the devkit.

```
<run>/
  recipe.json
  clips/<trial>/       trial.json (numbers), matches.npz (for resampling scenes), weights.safetensors
  lessons/<trial>/     a training under way, from which a broken-off trial goes on; its curve stays
  looks/<trial>/       what the reference's detectors see in generated data, a file for each dataset
  ledger/              what became of every trial
```

Trials run as everything else does: through the engine, on Ray, one trial a worker. A trial's id is the hash of all
that decides it, so running again does what is missing, and changing an arm repeats that arm only.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from datagen import __version__, plugins
from datagen.engine import Store, Totals, execute
from datagen.errors import DatagenError, DatasetError
from datagen.ports import Detector, Dropped, Lesson, Portion, Resources
from eval import matching
from eval.gain.recipe import Arm, Budget, Data, GainRecipe
from eval.scoring import judged_detection, open_dataset, samples_of, score_tracking, scores_of
from eval.slices import score_slices, slices_of
from eval.tracker import tracks_of

TRIAL, MATCHES, LESSONS, LOOKS, CURVE = "trial.json", "matches.npz", "lessons", "looks", "curve.jsonl"
WEIGHTS = "weights.safetensors"
BASE = "base"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One training and its examination."""

    id: str
    workdir: Path
    detector: str
    settings: dict[str, Any]
    arm: str
    lesson: Lesson
    lessons: Path


def base_of(recipe: GainRecipe, run: Path, detector: str) -> Trial | None:
    """Return the training on the real log alone that every arm goes on from; None where arms begin from nothing."""
    if recipe.base is None:
        return None
    validation = _portion(recipe.real.val)
    lesson = _lesson(recipe.base, Arm(), recipe, name=BASE, seed=recipe.seeds[0], validation=validation)
    settings = recipe.detectors[detector]
    identity = _identity(settings, lesson)
    return Trial(
        id=identity,
        workdir=Path(),
        detector=detector,
        settings=settings,
        arm=BASE,
        lesson=lesson,
        lessons=run / LESSONS / identity,
    )


def trials_of(recipe: GainRecipe, run: Path) -> list[Trial]:
    """Return the trials of an experiment, the reference arm's first, so that others can be told against it."""
    arms = sorted(recipe.arms, key=lambda name: name != recipe.reference)
    validation = _portion(recipe.real.val)
    trials = []
    for detector, settings in recipe.detectors.items():
        base = base_of(recipe, run, detector)
        weights = Store(run).clip_folder(base.id) / WEIGHTS if base else None
        for seed in recipe.seeds:
            rival: Path | None = None
            for name in arms:
                arm = recipe.arms[name]
                lesson = _lesson(arm.budget or recipe.budget, arm, recipe, name=name, seed=seed, validation=validation)
                identity = _identity(settings, lesson, base=base)
                lessons = run / LESSONS / identity
                trials.append(
                    Trial(
                        id=identity,
                        workdir=Path(),
                        detector=detector,
                        settings=settings,
                        arm=name,
                        lesson=replace(lesson, rival=rival, weights=weights),
                        lessons=lessons,
                    )
                )
                rival = rival or lessons / CURVE
    return trials


def run_trials(recipe: GainRecipe, run: Path, *, address: str | None = None) -> tuple[list[Trial], Totals]:
    """Run what is missing of an experiment: the detectors that arms go on from first."""
    bases = [base for detector in recipe.detectors if (base := base_of(recipe, run, detector))]
    if bases and (failed := _run_missing(bases, recipe, run, address).failed):
        raise DatagenError(f"{failed} of {len(bases)} detectors that arms go on from failed; see {run / 'ledger'}")
    trials = trials_of(recipe, run)
    return trials, _run_missing(trials, recipe, run, address)


def _run_missing(trials: list[Trial], recipe: GainRecipe, run: Path, address: str | None) -> Totals:
    engine = recipe.engine
    return execute(
        trials,
        [TrialStage(resources=_resources(recipe))],
        store=Store(run),
        executor=engine.executor,
        address=address,
        workers=None if engine.workers == "auto" else engine.workers,
        attempts=engine.attempts,
        time_limit_s=engine.time_limit_s,
        describe=_facts,
    )


class TrialStage:
    """Learns, looks and scores."""

    name = "trial"
    batch_size = 1

    def __init__(self, *, resources: Resources) -> None:
        self.resources = resources

    def open(self) -> None:
        """Nothing is shared between trials."""

    def run(self, batch: Sequence[Trial]) -> list[Trial | Dropped]:
        """Run trials, each into its workdir."""
        return [_run(trial) for trial in batch]

    def close(self) -> None:
        """Nothing was taken."""


def _run(trial: Trial) -> Trial:
    detector: Detector = plugins.build("detector", trial.settings)
    trial.lessons.mkdir(parents=True, exist_ok=True)
    learned = detector.learn(trial.lesson, trial.lessons)
    weights = shutil.copy2(learned.weights, trial.workdir / WEIGHTS)
    report = {
        "detector": trial.detector,
        "arm": trial.arm,
        "seed": trial.lesson.seed,
        "iterations": learned.iterations,
        "batch_size": learned.batch_size,
        "seconds": dict(learned.seconds),
        "curve": [dict(point) for point in learned.curve],
        **examined(detector, trial.lesson.validation, Path(weights), matches=trial.workdir / MATCHES),
    }
    (trial.workdir / TRIAL).write_text(json.dumps(report, indent=1), encoding="utf-8")
    _tidy(trial.lessons)
    return trial


def looked_at(recipe: GainRecipe, trial: Trial, run: Path) -> dict[str, dict[str, Any]]:
    """Return what a finished trial's detector sees in the generated data the recipe asks about; asked once of each."""
    seen = {}
    for name in recipe.look_at:
        portion = _portion(recipe.synthetic[name])
        path = run / LOOKS / trial.id / f"{name}-{_fingerprint(portion)[:8]}.json"
        if not path.is_file():
            detector: Detector = plugins.build("detector", trial.settings)
            report = examined(detector, portion, Store(run).clip_folder(trial.id) / WEIGHTS)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(report), encoding="utf-8")
        seen[name] = json.loads(path.read_text(encoding="utf-8"))
    return seen


def _tidy(lessons: Path) -> None:
    """Leave nothing of a finished training but its curve, which other arms are told against."""
    for path in lessons.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != CURVE:
            path.unlink()


def examined(detector: Detector, portion: Portion, weights: Path, *, matches: Path | None = None) -> dict[str, Any]:
    """Return what the devkit says of a detector's boxes on a split; `detection` is None where it predicted nothing.

    matches: where to write which prediction met which truth.
    """
    nusc = open_dataset(portion.root, portion.version)
    found = detector.look(portion, weights)
    results = {token: list(found.get(token, ())) for token in samples_of(nusc, portion.split)}
    scenes = scenes_in(portion)
    whole: dict[str, Any] = {"scenes": scenes, "detection": None, "slices": {}, "tracking": None}
    if not any(results.values()):
        return whole

    def ask(judge: Any) -> dict[str, Any]:
        if matches is not None:
            matching.save(matches, matching.match(judge, scenes))
        tags = slices_of(nusc)
        sliced = score_slices(judge, tags)
        return {
            "detection": asdict(scores_of(judge)),
            "slice_scenes": {tag: sorted(inside.intersection(scenes)) for tag, inside in tags.items()},
            "slices": {tag: asdict(scores) for tag, scores in sliced.items()},
        }

    whole |= judged_detection(nusc, portion.split, results, ask=ask)
    tracks = tracks_of(nusc, results)
    if any(tracks.values()):
        whole["tracking"] = asdict(score_tracking(nusc, portion.split, tracks))
    return whole


def scenes_in(portion: Portion) -> list[str]:
    """Return the names of a split's scenes, in their table's order."""
    nusc = open_dataset(portion.root, portion.version)
    tokens = dict.fromkeys(nusc.get("sample", token)["scene_token"] for token in samples_of(nusc, portion.split))
    return [nusc.get("scene", token)["name"] for token in tokens]


def _lesson(budget: Budget, arm: Arm, recipe: GainRecipe, *, name: str, seed: int, validation: Portion) -> Lesson:
    portions = [_portion(recipe.real.train)] if arm.real else []
    if arm.synthetic:
        portions.append(replace(_portion(recipe.synthetic[arm.synthetic]), weight=arm.weight, synthetic=True))
    return Lesson(
        name=name,
        portions=tuple(portions),
        validation=validation,
        iterations=budget.iterations,
        batch_size=budget.batch_size,
        rate=budget.rate,
        evaluate_every=budget.evaluate_every,
        seed=seed,
        mix=arm.schedule,
        trust=arm.trust.how if arm.trust else None,
        trust_threshold=arm.trust.threshold if arm.trust else 0.5,
    )


def _portion(data: Data) -> Portion:
    assert data.root is not None, "datasets that recipes make are made before there are trials"
    return Portion(root=data.root, version=data.version, split=data.split, skip_missing=data.skip_missing)


def _identity(settings: dict[str, Any], lesson: Lesson, *, base: Trial | None = None) -> str:
    """Hash all that decides a trial: settings, lesson, what it goes on from, code, and the datasets' own tables."""
    tables = [_fingerprint(portion) for portion in (*lesson.portions, lesson.validation)]
    parts = [__version__, settings, asdict(lesson), base.id if base else None, tables]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _fingerprint(portion: Portion) -> str:
    """Hash what a dataset's scenes, splits and trust are; scene tokens of ours are hashes of their content."""
    tables = portion.root / portion.version
    digest = hashlib.sha256()
    for name in ("scene.json", "splits.json", "trust.json"):
        path = tables / name
        digest.update(path.read_bytes() if path.is_file() else b"")
    if not (tables / "scene.json").is_file():
        raise DatasetError(f"{portion.root}: no dataset of version '{portion.version}' (scene.json is missing)")
    return digest.hexdigest()


def _resources(recipe: GainRecipe) -> Resources:
    """Return what the hungriest detector needs."""
    needs = [plugins.build("detector", settings).resources for settings in recipe.detectors.values()]
    return Resources(cpus=max(need.cpus for need in needs), gpus=max(need.gpus for need in needs))


def _facts(trial: Trial) -> dict[str, str]:
    return {"detector": trial.detector, "arm": trial.arm, "seed": str(trial.lesson.seed)}
