"""Which prediction met which truth, scene by scene, so that a score can be asked of any resampling of scenes.

The devkit matches greedily by confidence within a sample, so matches do not depend on which other samples there
are. They are made once; average precision and errors of a bootstrap sample are then sums over them, by the devkit's
formulas (nuscenes/eval/detection/algo.py), to the last digit where every scene counts once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float, Int

if TYPE_CHECKING:
    from nuscenes.eval.detection.evaluate import DetectionEval

DISTANCES_M = (0.5, 1.0, 2.0, 4.0)
ERRORS_AT = DISTANCES_M.index(2.0)
ERRORS = ("trans_err", "scale_err", "orient_err", "vel_err", "attr_err")
UNDEFINED = {"traffic_cone": ("orient_err", "vel_err", "attr_err"), "barrier": ("vel_err", "attr_err")}
RECALLS = np.linspace(0.0, 1.0, 101)
MIN_RECALL, MIN_PRECISION = 0.1, 0.1
AP_WEIGHT = 5.0


@dataclass(frozen=True, kw_only=True)
class ClassMatches:
    """All predictions of one class, the most confident first.

    scene: of each, as its place among the scenes.  hit: whether it met a truth within each distance.
    errors: of those that met one within 2 m, in the order of ERRORS; NaN elsewhere, and where the truth has none.
    truths: how many there are in each scene.
    """

    scene: Int[np.ndarray, "n"]
    confidence: Float[np.ndarray, "n"]
    hit: Bool[np.ndarray, "distances n"]
    errors: Float[np.ndarray, "n errors"]
    truths: Int[np.ndarray, "scenes"]


Matches = Mapping[str, ClassMatches]
"""Class that occurs → matches."""


@dataclass(frozen=True, kw_only=True)
class Resampled:
    """Scores over the classes that occur in a resampling; AP of a class that does not is NaN."""

    ap_of: Mapping[str, float]
    mean_ap: float
    nds: float


def match(judge: DetectionEval, scenes: Sequence[str]) -> dict[str, ClassMatches]:
    """Match what a judge holds. scenes: names, in the order that places refer to."""
    place = {name: at for at, name in enumerate(scenes)}
    nusc = judge.nusc
    scene_of = {
        token: place[nusc.get("scene", nusc.get("sample", token)["scene_token"])["name"]]
        for token in judge.gt_boxes.sample_tokens
    }
    truths: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    found: dict[str, list[Any]] = defaultdict(list)
    for box in judge.gt_boxes.all:
        truths[box.detection_name][box.sample_token].append(box)
    for box in judge.pred_boxes.all:
        found[box.detection_name].append(box)
    names = [name for name in judge.cfg.class_names if name in truths]
    return {name: _match_class(found[name], truths[name], scene_of, scenes=len(scenes)) for name in names}


def _match_class(
    found: list[Any], truths: Mapping[str, list[Any]], scene_of: Mapping[str, int], *, scenes: int
) -> ClassMatches:
    order = sorted(range(len(found)), key=lambda at: (found[at].detection_score, at), reverse=True)
    boxes = [found[at] for at in order]
    distance = {
        token: np.array(
            [[np.hypot(*np.subtract(one.translation, other.translation)[:2]) for one in here] for other in ours]
        )
        for token, here, ours in _by_sample(boxes, truths)
    }
    hit = np.zeros((len(DISTANCES_M), len(boxes)), dtype=bool)
    errors = np.full((len(boxes), len(ERRORS)), np.nan)
    for row, limit_m in enumerate(DISTANCES_M):
        free = {token: np.ones(len(here), dtype=bool) for token, here in truths.items()}
        turn: dict[str, int] = defaultdict(int)
        for at, box in enumerate(boxes):
            token = box.sample_token
            mine = turn[token]
            turn[token] += 1
            if token not in truths or not free[token].any():
                continue
            reach = np.where(free[token], distance[token][mine], np.inf)
            nearest = int(reach.argmin())
            if reach[nearest] < limit_m:
                free[token][nearest] = False
                hit[row, at] = True
                if row == ERRORS_AT:
                    errors[at] = _errors(truths[token][nearest], box)
    count = np.zeros(scenes, dtype=np.int64)
    for token, here in truths.items():
        count[scene_of[token]] += len(here)
    return ClassMatches(
        scene=np.array([scene_of[box.sample_token] for box in boxes], dtype=np.int64),
        confidence=np.array([box.detection_score for box in boxes], dtype=np.float64),
        hit=hit,
        errors=errors,
        truths=count,
    )


def _by_sample(boxes: list[Any], truths: Mapping[str, list[Any]]) -> list[tuple[str, list[Any], list[Any]]]:
    """Return (sample, truths, predictions in their order) of the samples that have both."""
    ours: dict[str, list[Any]] = defaultdict(list)
    for box in boxes:
        ours[box.sample_token].append(box)
    return [(token, here, ours[token]) for token, here in truths.items() if token in ours]


def _errors(truth: Any, box: Any) -> list[float]:
    from nuscenes.eval.common.utils import attr_acc, center_distance, scale_iou, velocity_l2, yaw_diff

    period = np.pi if truth.detection_name == "barrier" else 2 * np.pi
    return [
        center_distance(truth, box),
        1 - scale_iou(truth, box),
        yaw_diff(truth, box, period=period),
        velocity_l2(truth, box),
        1 - attr_acc(truth, box),
    ]


def score(matches: Matches, counts: Int[np.ndarray, "scenes"]) -> Resampled:
    """Return the scores of a resampling in which scene s occurs counts[s] times."""
    ap_of, errors = {}, []
    for name, found in matches.items():
        truths = int(found.truths @ counts)
        if truths == 0:
            ap_of[name] = float("nan")
            continue
        times = counts[found.scene]
        curves = [_precision(np.repeat(hit, times), truths) for hit in found.hit]
        ap_of[name] = float(np.mean([_average(curve) for curve in curves]))
        undefined = UNDEFINED.get(name, ())
        of_class = _mean_errors(found, times, truths)
        errors.append([np.nan if error in undefined else of_class[at] for at, error in enumerate(ERRORS)])
    known = [ap for ap in ap_of.values() if not np.isnan(ap)]
    mean_ap = float(np.mean(known)) if known else float("nan")
    table = np.array(errors).reshape(-1, len(ERRORS))
    defined = ~np.isnan(table).all(axis=0) if len(table) else np.zeros(len(ERRORS), dtype=bool)
    quality = sum(max(0.0, 1.0 - float(np.nanmean(table[:, at]))) for at in np.flatnonzero(defined))
    return Resampled(ap_of=ap_of, mean_ap=mean_ap, nds=(AP_WEIGHT * mean_ap + quality) / (AP_WEIGHT + len(ERRORS)))


def _precision(hit: Bool[np.ndarray, "n"], truths: int) -> Float[np.ndarray, "101"]:
    if not hit.any():
        return np.zeros(len(RECALLS))
    met = np.cumsum(hit).astype(float)
    return np.interp(RECALLS, met / truths, met / np.arange(1, len(hit) + 1), right=0)


def _average(precision: Float[np.ndarray, "101"]) -> float:
    beyond = np.clip(precision[round(100 * MIN_RECALL) + 1 :] - MIN_PRECISION, 0.0, None)
    return float(beyond.mean()) / (1.0 - MIN_PRECISION)


def _mean_errors(found: ClassMatches, times: Int[np.ndarray, "n"], truths: int) -> Float[np.ndarray, "errors"]:
    """Return each error's mean over the recalls that were reached beyond the least; 1 where none was."""
    hit = np.repeat(found.hit[ERRORS_AT], times)
    confidence = np.repeat(found.confidence, times)
    if not hit.any():
        return np.ones(len(ERRORS))
    at_recall = np.interp(RECALLS, np.cumsum(hit) / truths, confidence, right=0)
    reached = np.nonzero(at_recall)[0]
    first, last = round(100 * MIN_RECALL) + 1, int(reached[-1]) if len(reached) else 0
    if last < first:
        return np.ones(len(ERRORS))
    errors = np.repeat(found.errors, times, axis=0)[hit]
    running = np.stack([_running_mean(column) for column in errors.T])
    return np.array(
        [
            np.interp(at_recall[::-1], confidence[hit][::-1], means[::-1])[::-1][first : last + 1].mean()
            for means in running
        ]
    )


def _running_mean(values: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    known = ~np.isnan(values)
    if not known.any():
        return np.ones(len(values))
    count = np.cumsum(known)
    return np.divide(np.nancumsum(values), count, out=np.zeros(len(values)), where=count != 0)


def save(path: Path, matches: Matches) -> None:
    """Write matches as an `npz` of plain arrays."""
    fields = ("scene", "confidence", "hit", "errors", "truths")
    np.savez_compressed(path, **{f"{name}.{key}": getattr(of, key) for name, of in matches.items() for key in fields})


def load(path: Path) -> dict[str, ClassMatches]:
    """Read what `save` wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        names = list(dict.fromkeys(key.partition(".")[0] for key in arrays.files))
        return {
            name: ClassMatches(
                **{key: arrays[f"{name}.{key}"] for key in ("scene", "confidence", "hit", "errors", "truths")}
            )
            for name in names
        }
