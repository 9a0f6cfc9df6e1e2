"""Does synthetic data help? Arms trained on equal budgets, judged on held-out real data, with intervals.

    python -m eval gain recipes/experiments/gain_small.yaml

Makes the datasets that recipes are named for, runs every trial that is missing (detectors × arms × seeds, through
the engine), compares each arm with the reference arm, and writes gain.md, gain.json and pictures into the run. Only
real data judges; generated data never does.
"""

from __future__ import annotations

import argparse
import hashlib
from collections import defaultdict
from pathlib import Path

from datagen import pipeline
from datagen.engine import Store
from datagen.errors import DatagenError, InputError
from eval.gain.compare import Result, compare, results_of
from eval.gain.page import verdict, write_page
from eval.gain.recipe import Data, GainRecipe, Real, load_recipe
from eval.gain.trials import run_trials


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what can be asked on the command line."""
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--out", type=Path, default=Path("runs"), help="folder of all runs (default: %(default)s)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a key of the recipe")
    parser.add_argument("--address", help="of a Ray cluster (default: Ray is started here)")


def measure(chosen: argparse.Namespace) -> tuple[str, bool]:
    """Run an experiment and return its verdicts, and whether every trial came to an end."""
    recipe = made(load_recipe(chosen.recipe, overrides=chosen.set), out=chosen.out, address=chosen.address)
    page, lines, failed = gain(recipe, run_folder(recipe, chosen.out), address=chosen.address)
    told = "\n".join(lines) or "only the reference arm: there is nothing to compare"
    ending = f"\n{failed} trials failed; run again to repeat them" if failed else ""
    return f"{told}\npage  {page}{ending}", failed == 0


def made(recipe: GainRecipe, *, out: Path, address: str | None = None) -> GainRecipe:
    """Return the experiment with every dataset in place: those that recipes make are made, if they are not there.

    Raises InputError when a recipe ends without a dataset, or with clips that failed.
    """

    def placed(data: Data) -> Data:
        if data.recipe is None:
            return data
        job = pipeline.prepare(data.recipe, out=out, overrides=data.set)
        if not job.dataset.is_dir():
            print(f"{job.recipe.name}: {len(job.takes)} clips → {job.folder}", flush=True)
            totals = pipeline.run(job, address=address)
            if totals.failed or not job.dataset.is_dir():
                raise InputError(f"{data.recipe}: {totals.failed} clips failed; see datagen status {job.folder}")
        return data.model_copy(update={"root": job.dataset, "recipe": None, "set": ()})

    real = Real(train=placed(recipe.real.train), val=placed(recipe.real.val))
    return recipe.model_copy(
        update={"real": real, "synthetic": {name: placed(data) for name, data in recipe.synthetic.items()}}
    )


def run_folder(recipe: GainRecipe, out: Path) -> Path:
    """Return the folder of an experiment: the same data and detectors, the same folder, whatever arms it has."""
    kept = recipe.model_dump_json(include={"name", "real", "synthetic"})
    return out / f"{recipe.name}-{hashlib.sha256(kept.encode()).hexdigest()[:8]}"


def gain(recipe: GainRecipe, run: Path, *, address: str | None = None) -> tuple[Path, list[str], int]:
    """Run, compare and write; return the page, a verdict for each arm, and how many trials failed."""
    run.mkdir(parents=True, exist_ok=True)
    (run / "recipe.json").write_text(recipe.model_dump_json(indent=1), encoding="utf-8")
    trials, totals = run_trials(recipe, run, address=address)
    store = Store(run)
    results: dict[str, dict[str, list[Result]]] = defaultdict(lambda: defaultdict(list))
    for trial in trials:
        if store.clip_folder(trial.id).is_dir():
            results[trial.detector][trial.arm] += results_of([store.clip_folder(trial.id)])
    if not results:
        raise DatagenError(
            f"no trial came to an end; what went wrong stands in {run / 'ledger'} (datagen status {run})"
        )
    comparisons = [
        compare(detector, arms[name], arms[recipe.reference], resamples=recipe.resamples)
        for detector, arms in results.items()
        for name in recipe.arms
        if name != recipe.reference and name in arms and recipe.reference in arms
    ]
    page = write_page(recipe, results, comparisons, run / "gain")
    return page, [verdict(comparison) for comparison in comparisons], totals.failed
