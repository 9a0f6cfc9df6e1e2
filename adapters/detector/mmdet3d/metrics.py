"""The devkit's own evaluations as mmengine metrics, on any split of any version.

    val_evaluator = [
        dict(type="DevkitDetection", root="data/nuscenes", version="v1.0-trainval", split="val"),
        dict(type="DevkitTracking", root="data/nuscenes", version="v1.0-trainval", split="val"),
    ]

Both need `sample_token` and `world_SE3_sensor` among the `meta_keys` of what is predicted. Samples of the split that
nothing was predicted for count as empty. Where nothing was predicted at all there is no score: the metric says
`boxes: 0` and a warning, never a measured 0.
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from mmengine.registry import METRICS

from adapters.detector.mmdet3d.submission import boxes_of, united
from eval.scoring import (
    DetectionScores,
    Results,
    judged_detection,
    open_dataset,
    samples_of,
    score_tracking,
    scores_of,
)
from eval.slices import score_slices, slices_of
from eval.tracker import tracks_of

if TYPE_CHECKING:
    from nuscenes import NuScenes
    from nuscenes.eval.detection.evaluate import DetectionEval


class _Devkit(BaseMetric):
    """Gathers the boxes of a split, and what the devkit needs to score them."""

    def __init__(self, *, root: str, version: str, split: str, **settings: Any) -> None:
        super().__init__(**settings)
        self._root = Path(root)
        self._version = version
        self._split = split

    @cached_property
    def _nusc(self) -> NuScenes:
        return open_dataset(self._root, self._version)

    def process(self, data_batch: Any, data_samples: Sequence[Mapping[str, Any]]) -> None:
        """Note the boxes of a batch."""
        classes = (self.dataset_meta or {})["classes"]
        self.results += [
            {"token": sample["sample_token"], "boxes": boxes_of(sample, classes)} for sample in data_samples
        ]

    def _gathered(self, results: Sequence[Mapping[str, Any]]) -> Results:
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for result in results:
            found[result["token"]] += result["boxes"]
        return {token: united(found[token]) for token in samples_of(self._nusc, self._split)}

    def _has_boxes(self, results: Results) -> bool:
        if any(results.values()):
            return True
        print_log(f"{type(self).__name__}: nothing was predicted, so there is no score", "current", logging.WARNING)
        return False


@METRICS.register_module()
class DevkitDetection(_Devkit):
    """mAP, NDS and the five errors over the classes that occur; `<class>/AP`; with `slices`, `<slice>/mAP` and NDS.

    submission: where to write what was predicted, as the nuScenes server takes it.
    """

    default_prefix = "detection"

    def __init__(self, *, slices: bool = False, submission: str | None = None, **settings: Any) -> None:
        super().__init__(**settings)
        self._slices = slices
        self._submission = Path(submission) if submission else None

    def compute_metrics(self, results: list[dict[str, Any]]) -> dict[str, float]:
        """Score."""
        gathered = self._gathered(results)
        if self._submission:
            write_submission(self._submission, gathered)
        boxes = {"boxes": float(sum(len(found) for found in gathered.values()))}
        if not self._has_boxes(gathered):
            return boxes
        return boxes | judged_detection(self._nusc, self._split, gathered, ask=self._numbers)

    def _numbers(self, judge: DetectionEval) -> dict[str, float]:
        numbers = numbers_of(scores_of(judge))
        for tag, scores in score_slices(judge, slices_of(self._nusc)).items() if self._slices else ():
            numbers |= {f"{tag}/mAP": scores.mean_ap, f"{tag}/NDS": scores.nds}
        return numbers


@METRICS.register_module()
class DevkitTracking(_Devkit):
    """AMOTA, AMOTP, MOTA, recall and identity switches of the tracks that `eval.tracker` makes of the boxes."""

    default_prefix = "tracking"

    def compute_metrics(self, results: list[dict[str, Any]]) -> dict[str, float]:
        """Track and score."""
        tracks = tracks_of(self._nusc, self._gathered(results))
        if not self._has_boxes(tracks):
            return {"boxes": 0.0}
        scores = score_tracking(self._nusc, self._split, tracks)
        return {
            "AMOTA": scores.amota,
            "AMOTP": scores.amotp_m,
            "MOTA": scores.mota,
            "recall": scores.recall,
            "IDS": float(scores.switches),
        } | {f"{name}/AMOTA": value for name, value in scores.amota_of.items()}


def numbers_of(scores: DetectionScores) -> dict[str, float]:
    """Return scores as mmengine logs them."""
    whole = {"mAP": scores.mean_ap, "NDS": scores.nds, "devkit_mAP": scores.devkit_mean_ap}
    return whole | dict(scores.errors) | {f"{name}/AP": value for name, value in scores.ap_of.items()}


def write_submission(path: Path, results: Results) -> None:
    """Write predictions as the devkit and the nuScenes server take them."""
    meta = dict.fromkeys(("use_camera", "use_lidar", "use_radar", "use_map", "use_external"), False)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"meta": meta, "results": dict(results)}), encoding="utf-8")
