"""Is one arm better than another? Paired differences with intervals, and what speaks against believing them.

```
   d = mean over seeds of ( score(arm, seed) − score(reference, seed) )
   interval   2.5 to 97.5 % of d over resamples: scenes are drawn anew for both arms alike, then seeds
   sign test  seeds (and scenes) on which the arm is ahead; two-sided, ties left out
```

mAP, NDS, per-class AP and the slices made of whole scenes are resampled over seeds and scenes, AMOTA and the slices
by distance over seeds only. A gain is not told where arms were trained on unequal budgets, and told with the words
"not enough seeds" where there are fewer than three.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import binomtest

from eval import matching
from eval.gain.recipe import ENOUGH_SEEDS

LEVEL = (2.5, 97.5)
TRACKING = {"AMOTA": "amota", "AMOTP": "amotp_m", "MOTA": "mota", "recall": "recall"}
"""Name on the page → in a trial's report."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """One finished trial: its report (`trial.json`), and its matches if anything was predicted."""

    report: Mapping[str, Any]
    matches: matching.Matches | None

    @property
    def budget(self) -> tuple[int, int]:
        """Iterations and batch size, as they were counted."""
        return self.report["iterations"], self.report["batch_size"]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """An arm against the reference in one number.

    arm, reference: means over the seeds both have.  seeds_ahead, scenes_ahead: (ahead, behind).
    interval: None where there is one seed and nothing to resample.
    """

    metric: str
    seeds: tuple[int, ...]
    arm: float
    reference: float
    difference: float
    interval: tuple[float, float] | None
    resampled: str
    seeds_ahead: tuple[int, int]
    seeds_p: float
    scenes_ahead: tuple[int, int] | None = None
    scenes_p: float | None = None

    @property
    def enough_seeds(self) -> bool:
        """Whether there are as many as a gain needs."""
        return len(self.seeds) >= ENOUGH_SEEDS


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """An arm against the reference with one detector. refused: why no gain is told, else empty."""

    detector: str
    arm: str
    reference: str
    refused: str
    differences: tuple[Difference, ...]


def compare(
    detector: str,
    arm: Sequence[Result],
    reference: Sequence[Result],
    *,
    resamples: int,
    also: Sequence[str] = (),
    seed: int = 0,
) -> Comparison:
    """Compare the trials of an arm with those of the reference arm, seed by seed.

    also: APs of classes within slices that are asked for, such as `light:night/car/AP`.
    """
    names = {"detector": detector, "arm": arm[0].report["arm"], "reference": reference[0].report["arm"]}
    budgets = {result.budget for result in (*arm, *reference)}
    if len(budgets) > 1:
        told = " and ".join(f"{iterations} iterations of {batch}" for iterations, batch in sorted(budgets))
        return Comparison(**names, refused=f"unequal budgets ({told})", differences=())
    ours, theirs = ({result.report["seed"]: result for result in results} for results in (arm, reference))
    seeds = [seed for seed in ours if seed in theirs]
    silent = [seed for seed in seeds if ours[seed].matches is None or theirs[seed].matches is None]
    seeds = [seed for seed in seeds if seed not in silent]
    if not seeds:
        why = f"nothing was predicted with seeds {silent}" if silent else "no seed in common"
        return Comparison(**names, refused=why, differences=())
    pairs = [(ours[seed], theirs[seed]) for seed in seeds]
    rng = np.random.default_rng(seed)
    return Comparison(**names, refused="", differences=tuple(_differences(seeds, pairs, resamples, also, rng)))


def _differences(
    seeds: list[int],
    pairs: list[tuple[Result, Result]],
    resamples: int,
    also: Sequence[str],
    rng: np.random.Generator,
) -> list[Difference]:
    scenes: list[str] = pairs[0][0].report["scenes"]
    draws = rng.multinomial(len(scenes), np.full(len(scenes), 1 / len(scenes)), size=resamples)
    picks = rng.integers(len(seeds), size=(resamples, len(seeds)))
    return [
        *_over_scenes(seeds, pairs, draws, picks, scenes, also=also),
        *_over_seeds(seeds, pairs, picks, also=also),
    ]


def _over_scenes(
    seeds: list[int],
    pairs: list[tuple[Result, Result]],
    draws: Int[np.ndarray, "resamples scenes"],
    picks: Int[np.ndarray, "resamples seeds"],
    scenes: list[str],
    *,
    also: Sequence[str],
) -> list[Difference]:
    """Return mAP, NDS, AP by class, and mAP and NDS of the slices made of whole scenes."""
    every = np.ones(len(scenes), dtype=np.int64)
    masks = {"": every} | _slices(pairs, scenes)
    found = []
    for tag, mask in masks.items():
        whole = [[_scores(result, mask) for result in pair] for pair in pairs]
        anew = [[[_scores(result, draw * mask) for draw in draws] for result in pair] for pair in pairs]
        classes = [f"{name}/AP" for name in pairs[0][1].matches or {}]
        names = ["mAP", "NDS", *(name for name in classes if not tag or f"{tag}/{name}" in also)]
        for name in names:
            point = np.array([[scores.get(name, np.nan) for scores in pair] for pair in whole])
            spread = np.array(
                [[[scores.get(name, np.nan) for scores in of_draws] for of_draws in pair] for pair in anew]
            )
            gains = spread[:, 0] - spread[:, 1]
            bootstrap = np.array([gains[pick, draw].mean() for draw, pick in enumerate(picks)])
            label = f"{tag}/{name}" if tag else name
            extra = _by_scene(pairs, len(scenes)) if label == "mAP" else {}
            found.append(_difference(label, seeds, point, bootstrap, "seeds and scenes", **extra))
    return found


def _slices(pairs: list[tuple[Result, Result]], scenes: list[str]) -> dict[str, Int[np.ndarray, "scenes"]]:
    tags: Mapping[str, list[str]] = pairs[0][0].report.get("slice_scenes", {})
    return {tag: np.array([int(name in inside) for name in scenes]) for tag, inside in tags.items() if inside}


def _scores(result: Result, counts: Int[np.ndarray, "scenes"]) -> dict[str, float]:
    assert result.matches is not None
    scores = matching.score(result.matches, counts)
    return {"mAP": scores.mean_ap, "NDS": scores.nds} | {f"{name}/AP": ap for name, ap in scores.ap_of.items()}


def _by_scene(pairs: list[tuple[Result, Result]], scenes: int) -> dict[str, Any]:
    """Return on how many scenes the arm is ahead, each scored alone and averaged over seeds."""
    gains = []
    for alone in np.eye(scenes, dtype=np.int64):
        scores = [[_scores(result, alone)["mAP"] for result in pair] for pair in pairs]
        gains.append(float(np.mean([ours - theirs for ours, theirs in scores])))
    ahead, behind, p = sign_test(gains)
    return {"scenes_ahead": (ahead, behind), "scenes_p": p}


def _over_seeds(
    seeds: list[int],
    pairs: list[tuple[Result, Result]],
    picks: Int[np.ndarray, "resamples seeds"],
    *,
    also: Sequence[str],
) -> list[Difference]:
    """Return tracking, and the slices by distance."""
    distances = sorted({tag for pair in pairs for tag in pair[1].report["slices"] if tag.startswith("distance:")})
    asked: dict[str, tuple[str, ...]] = {name: ("tracking", key) for name, key in TRACKING.items()}
    asked |= {f"{tag}/mAP": ("slices", tag, "mean_ap") for tag in distances}
    for name in also:
        tag, _, kind = name.removesuffix("/AP").partition("/")
        if tag in distances and name.endswith("/AP"):
            asked[name] = ("slices", tag, "ap_of", kind)
    found = []
    for name, path in asked.items():
        values = [[_value(result.report, path) for result in pair] for pair in pairs]
        if any(value is None for pair in values for value in pair):
            continue
        point = np.array(values, dtype=np.float64)
        gains = point[:, 0] - point[:, 1]
        found.append(_difference(name, seeds, point, gains[picks].mean(axis=1), "seeds"))
    return found


def _value(report: Mapping[str, Any], path: tuple[str, ...]) -> float | None:
    """Follow a path of keys; None where it ends early."""
    value: Any = report
    for key in path:
        value = (value or {}).get(key)
    return value


def _difference(
    metric: str,
    seeds: list[int],
    point: Float[np.ndarray, "seeds 2"],
    bootstrap: Float[np.ndarray, "resamples"],
    resampled: str,
    **extra: Any,
) -> Difference:
    gains = point[:, 0] - point[:, 1]
    ahead, behind, p = sign_test(gains.tolist())
    known = bootstrap[~np.isnan(bootstrap)]
    low, high = np.percentile(known, LEVEL) if len(known) else (np.nan, np.nan)
    resamplable = len(known) > 0 and (len(seeds) > 1 or resampled != "seeds")
    return Difference(
        metric=metric,
        seeds=tuple(seeds),
        arm=float(point[:, 0].mean()),
        reference=float(point[:, 1].mean()),
        difference=float(gains.mean()),
        interval=(float(low), float(high)) if resamplable else None,
        resampled=resampled,
        seeds_ahead=(ahead, behind),
        seeds_p=p,
        **extra,
    )


def sign_test(gains: Sequence[float]) -> tuple[int, int, float]:
    """Return how many gains are above 0, how many below, and the two-sided probability of so lopsided a split."""
    ahead, behind = sum(gain > 0 for gain in gains), sum(gain < 0 for gain in gains)
    p = float(binomtest(ahead, ahead + behind).pvalue) if ahead + behind else 1.0
    return ahead, behind, p


def results_of(folders: Sequence[Path]) -> list[Result]:
    """Read finished trials."""
    return [
        Result(
            report=json.loads((folder / "trial.json").read_text(encoding="utf-8")),
            matches=matching.load(folder / "matches.npz") if (folder / "matches.npz").is_file() else None,
        )
        for folder in folders
    ]
