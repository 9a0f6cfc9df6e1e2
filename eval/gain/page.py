"""The experiment as a page: gain.md for people, gain.json for programs, two pictures.

A number never stands without its protocol: data, splits, budget, seeds, judge, intervals.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from eval.gain.compare import Comparison, Difference, Result
from eval.gain.recipe import ENOUGH_SEEDS, Data, GainRecipe
from eval.scoring import DETECTION_CONFIG, TRACKING_CONFIG

_OF_ALL = {"mAP": "mean_ap", "NDS": "nds"}
"""Name on the page → in a trial's scores."""

CURVES = 3
"""So many headlines are drawn over training."""

Results = Mapping[str, Mapping[str, Sequence[Result]]]
"""Detector → arm → trials."""


def write_page(
    recipe: GainRecipe,
    results: Results,
    comparisons: Sequence[Comparison],
    folder: Path,
    *,
    bases: Mapping[str, Result] = MappingProxyType({}),
) -> Path:
    """Write gain.md, gain.json, curves.png and differences.png, and return the page.

    bases: detector → the training that its arms went on from, where there was one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    content = _numbers(recipe, results, comparisons, bases)
    (folder / "gain.json").write_text(json.dumps(_without_nan(content), indent=1) + "\n", encoding="utf-8")
    _draw_curves(results, recipe.headlines, folder / "curves.png")
    drawn = _draw_differences(comparisons, recipe.headlines, folder / "differences.png")
    page = folder / "gain.md"
    page.write_text("\n\n".join(_sections(recipe, results, comparisons, bases, drawn=drawn)) + "\n", encoding="utf-8")
    return page


def verdict(comparison: Comparison, headlines: Sequence[str]) -> str:
    """Return one sentence on an arm, which claims no more than its intervals do."""
    who = f"{comparison.detector}: {comparison.arm} against {comparison.reference}"
    if comparison.refused:
        return f"{who}: no gain is told: {comparison.refused}"
    told = [d for d in comparison.differences if d.metric in headlines]
    sentence = f"{who}: " + ", ".join(f"{d.metric} {_signed(d)}" for d in told)
    seeds = len(told[0].seeds) if told else 0
    return sentence if seeds >= ENOUGH_SEEDS else f"{sentence} — not enough seeds ({seeds} of {ENOUGH_SEEDS})"


def _signed(difference: Difference) -> str:
    interval = difference.interval
    between = f" [{interval[0]:+.4f}, {interval[1]:+.4f}]" if interval else " [no interval]"
    return f"{difference.difference:+.4f}{between}"


def _sections(
    recipe: GainRecipe,
    results: Results,
    comparisons: Sequence[Comparison],
    bases: Mapping[str, Result],
    *,
    drawn: bool,
) -> list[str]:
    real, budget = recipe.real, recipe.budget
    batch = budget.batch_size or "the detector's own"
    protocol = [
        f"- real: trained on {_named(real.train)}, judged on {_named(real.val)}",
        *(f"- synthetic `{key}`: {_named(data)}" for key, data in recipe.synthetic.items()),
        *(f"- before all arms: {_gone_on_from(detector, base, recipe)}" for detector, base in bases.items()),
        f"- every arm: {budget.iterations} iterations, batch {batch}, seeds {', '.join(map(str, recipe.seeds))}; "
        "real samples repeat as often as the budget asks",
        f"- judge: nuScenes devkit, {DETECTION_CONFIG} over the classes that occur; {TRACKING_CONFIG} on greedy "
        "velocity tracks",
        f"- intervals: 95 %, {recipe.resamples} resamples of seeds and scenes (tracking, distances: of seeds)",
    ]
    parts = [
        f"# {recipe.name}",
        "\n".join(protocol),
        "\n".join(f"- {verdict(each, recipe.headlines)}" for each in comparisons) or "-",
    ]
    parts += [
        "## Arms",
        _arms(results, recipe.headlines),
        "![Scores on the real validation split over training](curves.png)",
    ]
    for comparison in comparisons:
        if not comparison.refused:
            title = f"## {comparison.detector}: {comparison.arm} − {comparison.reference}"
            parts += [title, _table(comparison)]
    parts += ["![Differences with intervals](differences.png)"] if drawn else []
    looked = _looked_at(results)
    return [*parts, *(["## Generated data, seen by a detector trained on real data alone", looked] if looked else [])]


def _gone_on_from(detector: str, base: Result, recipe: GainRecipe) -> str:
    """Return what a detector had learnt before its arms went on."""
    iterations, batch = base.budget
    scores = ", ".join(f"{name} {_mean_and_spread([_headline(base.report, name)])}" for name in recipe.headlines)
    cost = _cost([base])
    return f"one {detector}, {iterations} iterations of {batch} on the real log alone, {cost} minutes: {scores}"


def _named(data: Data) -> str:
    """Return which dataset it is, without the folders of one machine."""
    assert data.root is not None
    where = data.root.parent.name if data.root.name == "dataset" else data.root.name
    return f"`{where}` {data.version} `{data.split}`"


def _arms(results: Results, headlines: Sequence[str]) -> str:
    heads = ("detector", "arm", "seeds", "iterations × batch", *headlines, "minutes")
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for detector, arms in results.items():
        for arm, trials in arms.items():
            budgets = sorted({f"{iterations} × {batch}" for iterations, batch in (each.budget for each in trials)})
            scores = [_mean_and_spread([_headline(each.report, name) for each in trials]) for name in headlines]
            cells = [detector, arm, str(len(trials)), ", ".join(budgets), *scores, _cost(trials)]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _headline(report: Mapping[str, Any], name: str) -> float | None:
    """Return a score of a trial (see `GainRecipe.headlines`); None where nothing was predicted or nothing is there."""
    if name == "AMOTA":
        return report["tracking"]["amota"] if report["tracking"] else None
    tag, score = name.split("/", 1) if ":" in name or name.startswith("event/") else ("", name)
    scores = report["slices"].get(tag) if tag else report["detection"]
    if not scores:
        return None
    if score in _OF_ALL:
        found: float = scores[_OF_ALL[score]]
        return found
    return scores["ap_of"].get(score.removesuffix("/AP"))


def _mean_and_spread(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "no predictions"
    missing = f" ({len(values) - len(known)} without predictions)" if len(known) < len(values) else ""
    spread = f" ± {np.std(known):.4f}" if len(values) > 1 else ""
    return f"{np.mean(known):.4f}{spread}{missing}"


def _cost(trials: Sequence[Result]) -> str:
    spent: dict[str, float] = defaultdict(float)
    for trial in trials:
        for device, seconds in trial.report["seconds"].items():
            spent[device] += seconds / 60
    return ", ".join(f"{minutes:.1f} ({device})" for device, minutes in spent.items())


def _table(comparison: Comparison) -> str:
    lines = ["| | arm | reference | difference | 95 % | over | seeds ahead | p |", "|---|---|---|---|---|---|---|---|"]
    for each in comparison.differences:
        between = f"{each.interval[0]:+.4f} … {each.interval[1]:+.4f}" if each.interval else "–"
        warning = "" if each.enough_seeds else " (not enough seeds)"
        lines.append(
            f"| {each.metric} | {each.arm:.4f} | {each.reference:.4f} | {each.difference:+.4f}{warning} | {between} "
            f"| {each.resampled} | {each.seeds_ahead[0]}:{each.seeds_ahead[1]} | {each.seeds_p:.2f} |"
        )
        if each.scenes_ahead is not None:
            lines.append(
                f"| {each.metric}, scene by scene | | | | | scenes | {each.scenes_ahead[0]}:{each.scenes_ahead[1]} "
                f"| {each.scenes_p:.3f} |"
            )
    return "\n".join(lines)


def _looked_at(results: Results) -> str:
    lines = ["| detector | data | mAP | NDS |", "|---|---|---|---|"]
    for detector, arms in results.items():
        for trials in arms.values():
            for name in sorted({name for each in trials for name in each.report.get("looked_at", ())}):
                seen = [each.report["looked_at"][name] for each in trials]
                scores = [_mean_and_spread([_headline(report, key) for report in seen]) for key in ("mAP", "NDS")]
                own = [_mean_and_spread([_headline(each.report, key) for each in trials]) for key in ("mAP", "NDS")]
                lines += [f"| {detector} | {name} | {' | '.join(scores)} |", f"| | real | {' | '.join(own)} |"]
    return "\n".join(lines) if len(lines) > 2 else ""


def _numbers(
    recipe: GainRecipe, results: Results, comparisons: Sequence[Comparison], bases: Mapping[str, Result]
) -> dict[str, Any]:
    names = tuple(dict.fromkeys(("mAP", "NDS", "AMOTA", *recipe.headlines)))
    return {
        "name": recipe.name,
        "seeds": list(recipe.seeds),
        "iterations": recipe.budget.iterations,
        "batch": recipe.budget.batch_size,
        "reference": recipe.reference,
        "protocol": {"detection": DETECTION_CONFIG, "tracking": TRACKING_CONFIG, "resamples": recipe.resamples},
        "base": {
            detector: {"budget": list(base.budget), **{name: _headline(base.report, name) for name in names}}
            for detector, base in bases.items()
        },
        "arms": [
            {
                "detector": detector,
                "arm": arm,
                "budgets": [list(each.budget) for each in trials],
                **{name: [_headline(each.report, name) for each in trials] for name in names},
                "slices": [
                    {
                        tag: {"mAP": scores["mean_ap"], "NDS": scores["nds"]}
                        for tag, scores in each.report["slices"].items()
                    }
                    for each in trials
                ],
                "seconds": [each.report["seconds"] for each in trials],
            }
            for detector, arms in results.items()
            for arm, trials in arms.items()
        ],
        "differences": [
            {**asdict(comparison), "verdict": verdict(comparison, recipe.headlines)} for comparison in comparisons
        ],
    }


def _without_nan(value: Any) -> Any:
    """Return the value with null for NaN, which JSON does not have."""
    match value:
        case float() if math.isnan(value):
            return None
        case dict():
            return {key: _without_nan(item) for key, item in value.items()}
        case list() | tuple():
            return [_without_nan(item) for item in value]
        case _:
            return value


def _told(trial: Result) -> set[str]:
    """Return what was noted of detection on the way."""
    return {key.removeprefix("detection/") for at in trial.report["curve"] for key in at}


def _draw_curves(results: Results, headlines: Sequence[str], path: Path) -> None:
    from matplotlib.figure import Figure

    drawable = {key for arms in results.values() for trials in arms.values() for each in trials for key in _told(each)}
    names = [name for name in headlines if name in drawable][:CURVES] or ["mAP"]
    figure = Figure(figsize=(4.2 * len(names) + 2, 3.2 * len(results)), layout="constrained")
    for row, (detector, arms) in enumerate(results.items()):
        for column, name in enumerate(names):
            axes = figure.add_subplot(len(results), len(names), len(names) * row + column + 1)
            for color, (arm, trials) in enumerate(arms.items()):
                for place, trial in enumerate(trials):
                    points = [
                        (at["iteration"], at[f"detection/{name}"])
                        for at in trial.report["curve"]
                        if f"detection/{name}" in at
                    ]
                    if points:
                        label = arm if place == 0 else None
                        axes.plot(*zip(*points), color=f"C{color}", alpha=0.7, marker=".", label=label)
            axes.set(title=f"{detector}: {name} on real validation", xlabel="iterations", ylim=(0, None))
            axes.spines[["top", "right"]].set_visible(False)
    labelled = {label: line for axes in figure.axes for line, label in zip(*axes.get_legend_handles_labels())}
    if labelled:
        figure.legend(labelled.values(), labelled.keys(), frameon=False, loc="outside right center")
    figure.savefig(path, dpi=110)


def _draw_differences(comparisons: Sequence[Comparison], headlines: Sequence[str], path: Path) -> bool:
    from matplotlib.figure import Figure

    drawn = [
        name for name in headlines if any(d.metric == name and d.interval for c in comparisons for d in c.differences)
    ]
    if not drawn:
        return False
    figure = Figure(figsize=(2.5 + 2.3 * len(drawn), 1.2 + 0.3 * len(comparisons)), layout="constrained")
    panels = figure.subplots(1, len(drawn), sharey=True, squeeze=False)[0]
    for axes, name in zip(panels, drawn):
        for row, comparison in enumerate(comparisons):
            for each in comparison.differences:
                if each.metric == name and each.interval:
                    axes.plot(each.interval, (row, row), color="C0", linewidth=2)
                    axes.plot(each.difference, row, "o", color="C0")
        axes.axvline(0.0, color="0.6", linewidth=1)
        axes.set_title(name, fontsize="medium")
        axes.locator_params(axis="x", nbins=4)
        axes.spines[["top", "right"]].set_visible(False)
    several = len({comparison.detector for comparison in comparisons}) > 1
    named = [f"{c.detector}, {c.arm}" if several else c.arm for c in comparisons]
    panels[0].set_yticks(range(len(comparisons)), named)
    panels[0].invert_yaxis()
    figure.supxlabel(f"difference to {comparisons[0].reference}, 95 % intervals", fontsize="medium")
    figure.savefig(path, dpi=110)
    return True
