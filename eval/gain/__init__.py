"""Does synthetic data help? Arms trained on equal budgets, judged on held-out real data, with intervals.

    python -m eval gain recipes/experiments/gain_playground.yaml --arms real+perfect_look

Makes the datasets that recipes are named for, runs every trial that is missing (detectors × arms × seeds, through
the engine), compares each arm with the reference arm, and writes gain.md, gain.json and pictures into the run. Only
real data judges; generated data never does.
"""

from __future__ import annotations

import argparse
import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from datagen import pipeline
from datagen.engine import Store
from datagen.errors import DatagenError, InputError, did_you_mean
from eval.gain.compare import Result, compare, results_of
from eval.gain.page import verdict, write_page
from eval.gain.recipe import Data, GainRecipe, Real, load_recipe
from eval.gain.trials import base_of, looked_at, run_trials


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what can be asked on the command line."""
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--out", type=Path, default=Path("runs"), help="folder of all runs (default: %(default)s)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a key of the recipe")
    parser.add_argument("--arms", metavar="A,B", help="these arms only, beside the reference (default: all)")
    parser.add_argument("--address", help="of a Ray cluster (default: Ray is started here)")


def measure(chosen: argparse.Namespace) -> tuple[str, bool]:
    """Run an experiment and return its verdicts, and whether every trial came to an end."""
    recipe = load_recipe(chosen.recipe, overrides=chosen.set)
    if chosen.arms:
        recipe = with_arms(recipe, chosen.arms.split(","))
    recipe = made(recipe, out=chosen.out, address=chosen.address)
    page, lines, failed = gain(recipe, run_folder(recipe, chosen.out), address=chosen.address)
    told = "\n".join(lines) or "only the reference arm: there is nothing to compare"
    ending = f"\n{failed} trials failed; run again to repeat them" if failed else ""
    return f"{told}\npage  {page}{ending}", failed == 0


def with_arms(recipe: GainRecipe, names: Sequence[str]) -> GainRecipe:
    """Return the experiment with some of its arms and the reference. Raises InputError for one that is not there."""
    for name in names:
        if name not in recipe.arms:
            there = ", ".join(recipe.arms)
            raise InputError(f"--arms: no arm '{name}'; there are: {there}.{did_you_mean(name, recipe.arms)}")
    arms = {name: arm for name, arm in recipe.arms.items() if name in names or name == recipe.reference}
    wanted = {arm.synthetic for arm in arms.values()}
    return recipe.model_copy(
        update={
            "arms": arms,
            "synthetic": {name: data for name, data in recipe.synthetic.items() if name in wanted},
            "look_at": tuple(name for name in recipe.look_at if name in wanted),
        }
    )


def made(recipe: GainRecipe, *, out: Path, address: str | None = None) -> GainRecipe:
    """Return the experiment with every dataset in place: those that recipes make are made, if they are not there.

    Clips that failed are told and left out, as clips that a judge drops are. Raises InputError when a recipe ends
    without a dataset.
    """

    def placed(data: Data) -> Data:
        if data.recipe is None:
            return data
        job = pipeline.prepare(data.recipe, out=out, overrides=data.set)
        if not _is_made(job):
            print(f"{job.recipe.name}: {len(job.takes)} clips → {job.folder}", flush=True)
            totals = pipeline.run(job, address=address)
            if totals.failed:
                print(f"{job.recipe.name}: {totals.failed} clips failed; see datagen status {job.folder}", flush=True)
            if not job.dataset.is_dir():
                raise InputError(f"{data.recipe}: no clip was kept; see datagen status {job.folder}")
        return data.model_copy(update={"root": job.dataset, "recipe": None, "set": ()})

    for data in (recipe.real.train, recipe.real.val, *recipe.synthetic.values()):
        if data.recipe is not None and not data.is_over_train:
            pipeline.prepare(data.recipe, out=out, overrides=data.set)  # what is missing is told before hours of work
    train = placed(recipe.real.train)
    real = Real(train=train, val=placed(recipe.real.val))
    synthetic = {name: placed(data.over(train)) for name, data in recipe.synthetic.items()}
    return recipe.model_copy(update={"real": real, "synthetic": synthetic})


def _is_made(job: pipeline.Run) -> bool:
    """Say whether a dataset is there and of today's clips: their ids change with the weights that film them."""
    return job.dataset.is_dir() and not job.store.complete_ids().isdisjoint(take.id for take in job.takes)


def run_folder(recipe: GainRecipe, out: Path) -> Path:
    """Return the folder of an experiment: the same real data, the same folder, whatever arms and detectors it has."""
    kept = recipe.model_dump_json(include={"name", "real"})
    return out / f"{recipe.name}-{hashlib.sha256(kept.encode()).hexdigest()[:8]}"


def gain(recipe: GainRecipe, run: Path, *, address: str | None = None) -> tuple[Path, list[str], int]:
    """Run, compare and write; return the page, a verdict for each arm, and how many trials failed."""
    run.mkdir(parents=True, exist_ok=True)
    (run / "recipe.json").write_text(recipe.model_dump_json(indent=1), encoding="utf-8")
    trials, totals = run_trials(recipe, run, address=address)
    store = Store(run)
    bases = {
        detector: results_of([store.clip_folder(base.id)])[0]
        for detector in recipe.detectors
        if (base := base_of(recipe, run, detector))
    }
    results: dict[str, dict[str, list[Result]]] = defaultdict(lambda: defaultdict(list))
    for trial in trials:
        if store.clip_folder(trial.id).is_dir():
            (result,) = results_of([store.clip_folder(trial.id)])
            if trial.arm == recipe.reference:
                result = replace(result, report={**result.report, "looked_at": looked_at(recipe, trial, run)})
            results[trial.detector][trial.arm].append(result)
    if not results:
        raise DatagenError(
            f"no trial came to an end; what went wrong stands in {run / 'ledger'} (datagen status {run})"
        )
    comparisons = [
        compare(detector, arms[name], arms[recipe.reference], resamples=recipe.resamples, also=recipe.headlines)
        for detector, arms in results.items()
        for name in recipe.arms
        if name != recipe.reference and name in arms and recipe.reference in arms
    ]
    page = write_page(recipe, results, comparisons, run / "gain", bases=bases)
    return page, [verdict(comparison, recipe.headlines) for comparison in comparisons], totals.failed
