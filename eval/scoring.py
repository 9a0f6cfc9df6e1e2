"""The devkit's own judges, DetectionEval and TrackingEval, on any dataset and any of its splits.

Both are run with their official configurations (`detection_cvpr_2019`, `tracking_nips_2019`). A class that does
not occur in a split has no average precision: the devkit counts it as 0, and its errors as 1. So scores are
reported twice: over the classes that occur (the devkit's formulas, told only of these), and over all ten as the
devkit has it. Of its seven tracking classes the devkit itself leaves out those that do not occur.

```
   mAP    mean over classes and distances 0.5, 1, 2, 4 m of the average precision
   m?E    mean over classes of the errors of true positives at 2 m: Translation, Scale, Orientation, Velocity, Attribute
   NDS    (5 mAP + Σ (1 − min(1, m?E))) / 10
   AMOTA  mean over classes and 40 recall thresholds of the recall-normalised tracking accuracy (Weng et al. 2020)
```
"""

from __future__ import annotations

import json
import tempfile
import unittest
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from copy import copy
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from datagen.errors import DatasetError, DependencyError

if TYPE_CHECKING:
    from nuscenes import NuScenes
    from nuscenes.eval.detection.data_classes import DetectionMetrics
    from nuscenes.eval.detection.evaluate import DetectionEval

DETECTION_CONFIG = "detection_cvpr_2019"
TRACKING_CONFIG = "tracking_nips_2019"
ERRORS = {
    "mATE": "trans_err",
    "mASE": "scale_err",
    "mAOE": "orient_err",
    "mAVE": "vel_err",
    "mAAE": "attr_err",
}
"""Our name → the devkit's."""

Answer = TypeVar("Answer")
Results = Mapping[str, list[dict[str, Any]]]
"""Sample token → boxes in the devkit's submission format; every sample of the split has its entry."""


@dataclass(frozen=True, kw_only=True)
class DetectionScores:
    """What DetectionEval says. Errors are NaN where no class that occurs has one.

    classes: that occur, with a box in range and a sensor's point on it; `mean_ap`, `nds` and `errors` are over these.
    devkit_mean_ap, devkit_nds: over all ten.  boxes: of the ground truth that were scored.
    ap_of: by class, mean over the four distances.
    """

    classes: tuple[str, ...]
    boxes: int
    mean_ap: float
    nds: float
    errors: Mapping[str, float]
    devkit_mean_ap: float
    devkit_nds: float
    ap_of: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class TrackingScores:
    """What TrackingEval says, over the classes that occur.

    amotp_m: mean distance of matched boxes over thresholds.  switches: identity switches, of all classes.
    amota_of: by class.
    """

    classes: tuple[str, ...]
    amota: float
    amotp_m: float
    recall: float
    mota: float
    switches: int
    amota_of: Mapping[str, float]


def open_dataset(dataset: Path, version: str) -> NuScenes:
    """Load a dataset with the devkit. Raises DatasetError when it does not load."""
    from nuscenes import NuScenes

    if not (dataset / version).is_dir():
        there = sorted(path.parent.name for path in dataset.glob("*/scene.json"))
        raise DatasetError(f"{dataset}: no version '{version}'; there are: {', '.join(there) or 'none'}")
    try:
        return NuScenes(version=version, dataroot=str(dataset), verbose=False)
    except (AssertionError, KeyError, OSError, ValueError) as error:
        raise DatasetError(f"{dataset / version}: the devkit does not load it ({error!r})") from error


def samples_of(nusc: NuScenes, split: str) -> list[str]:
    """Return the sample tokens of a split of `splits.json`, or of one the devkit knows. Raises DatasetError."""
    from nuscenes.utils.splits import get_scenes_of_split

    try:
        names = set(get_scenes_of_split(split, nusc))
    except ValueError as error:
        raise DatasetError(str(error)) from error
    scenes = {scene["token"] for scene in nusc.scene if scene["name"] in names}
    tokens = [sample["token"] for sample in nusc.sample if sample["scene_token"] in scenes]
    if not tokens:
        raise DatasetError(f"{nusc.dataroot}: split '{split}' has no samples in version '{nusc.version}'")
    return tokens


def score_detection(nusc: NuScenes, split: str, results: Results) -> DetectionScores:
    """Score boxes with `detection_name`, `detection_score` and `attribute_name`.

    Raises DatasetError when the devkit refuses the split or the boxes.
    """
    return judged_detection(nusc, split, results, ask=scores_of)


def judged_detection(nusc: NuScenes, split: str, results: Results, *, ask: Callable[[DetectionEval], Answer]) -> Answer:
    """Load predictions and ground truth into the devkit's judge, filtered as it does, and return what `ask` finds.

    Raises DatasetError when the devkit refuses the split or the boxes.
    """
    from nuscenes.eval.common.config import config_factory
    from nuscenes.eval.detection.evaluate import DetectionEval

    def evaluate(result_path: Path, output_dir: Path) -> Answer:
        config = config_factory(DETECTION_CONFIG)
        return ask(DetectionEval(nusc, config, str(result_path), split, output_dir=str(output_dir), verbose=False))

    return _judged(evaluate, results)


def scores_of(judge: DetectionEval) -> DetectionScores:
    """Return what a judge says of the boxes it holds."""
    truth = judge.gt_boxes.all
    there = {box.detection_name for box in truth}
    present = tuple(name for name in judge.cfg.class_names if name in there)
    of_all = judge.evaluate()[0]
    of_present = _of_classes(of_all, present)
    return DetectionScores(
        classes=present,
        boxes=len(truth),
        mean_ap=float(of_present.mean_ap),
        nds=float(of_present.nd_score),
        errors={ours: float(of_present.tp_errors[theirs]) for ours, theirs in ERRORS.items()},
        devkit_mean_ap=float(of_all.mean_ap),
        devkit_nds=float(of_all.nd_score),
        ap_of={name: float(of_present.mean_dist_aps[name]) for name in present},
    )


def _of_classes(metrics: DetectionMetrics, names: Sequence[str]) -> DetectionMetrics:
    """Return the devkit's metrics told of these classes alone: it reckons means when they are asked for."""
    from nuscenes.eval.detection.data_classes import DetectionMetrics

    config = copy(metrics.cfg)
    config.class_names = list(names)
    told = DetectionMetrics(config)
    for name in names:
        for distance_m in config.dist_ths:
            told.add_label_ap(name, distance_m, metrics.get_label_ap(name, distance_m))
        for error in ERRORS.values():
            told.add_label_tp(name, error, metrics.get_label_tp(name, error))
    return told


def score_tracking(nusc: NuScenes, split: str, results: Results) -> TrackingScores:
    """Score boxes with `tracking_name`, `tracking_id` and `tracking_score`.

    Raises DatasetError when the devkit refuses the split or the boxes; DependencyError without motmetrics.
    """
    from nuscenes.eval.common.config import config_factory

    try:
        from nuscenes.eval.tracking.evaluate import TrackingEval
    except unittest.SkipTest as error:  # what the devkit raises on import
        raise DependencyError("tracking is scored with motmetrics: pip install motmetrics==1.4.0 pandas") from error

    def evaluate(result_path: Path, output_dir: Path) -> TrackingScores:
        judge = TrackingEval(
            config_factory(TRACKING_CONFIG),
            str(result_path),
            split,
            str(output_dir),
            nusc.version,
            nusc.dataroot,
            verbose=False,
        )
        present = {box.tracking_name for scene in judge.tracks_gt.values() for boxes in scene.values() for box in boxes}
        metrics, _ = judge.evaluate()
        amota_of = {name: float(metrics.compute_metric("amota", name)) for name in sorted(present)}
        return TrackingScores(
            classes=tuple(amota_of),
            amota=metrics.compute_metric("amota"),
            amotp_m=metrics.compute_metric("amotp"),
            recall=metrics.compute_metric("recall"),
            mota=metrics.compute_metric("mota"),
            switches=int(metrics.compute_metric("ids")),
            amota_of=amota_of,
        )

    return _judged(evaluate, results)


def _judged(evaluate: Callable[[Path, Path], Answer], results: Results) -> Answer:
    """Hand results to the devkit by file, quietly, and translate what it raises."""
    if not any(results.values()):
        raise DatasetError("there is no box to score: nothing was predicted in any sample")
    meta = dict.fromkeys(("use_camera", "use_lidar", "use_radar", "use_map", "use_external"), False)
    with tempfile.TemporaryDirectory() as folder, _quiet():
        result_path = Path(folder) / "results.json"
        result_path.write_text(json.dumps({"meta": meta, "results": dict(results)}), encoding="utf-8")
        try:
            return evaluate(result_path, Path(folder) / "out")
        except (AssertionError, KeyError, ValueError) as error:
            raise DatasetError(f"the devkit cannot score this: {error!r}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide progress bars and the warnings of means over classes that have no such metric."""
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
