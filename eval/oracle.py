"""Does a dataset score what perfection scores? Its ground truth is handed to the judges as predictions.

A dataset whose own boxes do not reach mAP, NDS and AMOTA of 1 is broken somewhere: sample tokens, splits,
point counts, velocities, attributes, track ids or key-frame times. What the judges leave out of the ground truth
(boxes without a single LiDAR or radar point) is left out of the predictions; an unknown velocity is predicted as 0.

    python -m eval oracle runs/quickstart-0123abcd/dataset --split synth_val
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eval.scoring import (
    DETECTION_CONFIG,
    TRACKING_CONFIG,
    DetectionScores,
    Results,
    TrackingScores,
    open_dataset,
    samples_of,
    score_detection,
    score_tracking,
)

if TYPE_CHECKING:
    from nuscenes import NuScenes

PERFECT = 0.99
"""What mAP, NDS and AMOTA must reach over the classes that occur."""


@dataclass(frozen=True, kw_only=True)
class OracleScores:
    """The judges' verdict on a split's own ground truth."""

    dataset: Path
    version: str
    split: str
    samples: int
    detection: DetectionScores
    tracking: TrackingScores | None
    """None where no box is of a class that is tracked."""

    @property
    def passed(self) -> bool:
        """Whether it scores what perfection scores."""
        scores = [self.detection.mean_ap, self.detection.nds]
        return min(scores + ([self.tracking.amota] if self.tracking else [])) >= PERFECT

    def __str__(self) -> str:
        found = self.detection
        lines = [
            f"oracle: {self.dataset} {self.version}, split {self.split}, {self.samples} samples, {found.boxes} boxes",
            f"DetectionEval ({DETECTION_CONFIG}), {len(found.classes)} of 10 classes: {', '.join(found.classes)}",
            f"  mAP {found.mean_ap:.4f}  NDS {found.nds:.4f}  "
            + "  ".join(f"{name} {value:.4f}" for name, value in found.errors.items()),
            f"  over all ten as the devkit counts: mAP {found.devkit_mean_ap:.4f}  NDS {found.devkit_nds:.4f}",
        ]
        if self.tracking is None:
            return "\n".join([*lines, "TrackingEval: no box of a class that is tracked"])
        tracked = self.tracking
        return "\n".join(
            [
                *lines,
                f"TrackingEval ({TRACKING_CONFIG}), {len(tracked.classes)} of 7 classes: {', '.join(tracked.classes)}",
                f"  AMOTA {tracked.amota:.4f}  AMOTP {tracked.amotp_m:.4f} m  MOTA {tracked.mota:.4f}  "
                f"recall {tracked.recall:.4f}  switches {tracked.switches}",
            ]
        )


def oracle(dataset: Path, *, version: str = "v1.0-synth", split: str = "synth_all") -> OracleScores:
    """Score a split's ground truth against itself.

    Raises DatasetError when the dataset does not load, the split is not there, or nothing in it can be scored.
    """
    nusc = open_dataset(dataset, version)
    samples = samples_of(nusc, split)
    tracks = tracking_truth(nusc, samples)
    return OracleScores(
        dataset=dataset,
        version=version,
        split=split,
        samples=len(samples),
        detection=score_detection(nusc, split, detection_truth(nusc, samples)),
        tracking=score_tracking(nusc, split, tracks) if any(tracks.values()) else None,
    )


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Say what `python -m eval oracle` takes."""
    command.epilog = "example: python -m eval oracle runs/quickstart-0123abcd/dataset --split synth_val"
    command.add_argument("dataset", type=Path)
    command.add_argument("--version", default="v1.0-synth", help="folder of the tables (default: %(default)s)")
    command.add_argument("--split", default="synth_all", help="of splits.json (default: %(default)s)")


def measure(chosen: argparse.Namespace) -> tuple[OracleScores, bool]:
    """Run the oracle as the command line says."""
    scores = oracle(chosen.dataset, version=chosen.version, split=chosen.split)
    return scores, scores.passed


def detection_truth(nusc: NuScenes, samples: list[str]) -> Results:
    """Return the ground truth of samples in the detection task's submission format."""
    from nuscenes.eval.detection.utils import category_to_detection_name

    attributes = {row["token"]: row["name"] for row in nusc.attribute} | {"": ""}
    return {
        token: [
            {
                **_box(nusc, row),
                "detection_name": category_to_detection_name(row["category_name"]),
                "detection_score": 1.0,
                "attribute_name": attributes[(row["attribute_tokens"] or [""])[0]],
            }
            for row in _scored(nusc, token)
            if category_to_detection_name(row["category_name"])
        ]
        for token in samples
    }


def tracking_truth(nusc: NuScenes, samples: list[str]) -> Results:
    """Return the ground truth of samples in the tracking task's submission format."""
    from nuscenes.eval.common.config import config_factory
    from nuscenes.eval.detection.utils import category_to_detection_name

    tracked = config_factory(TRACKING_CONFIG).tracking_names
    return {
        token: [
            {
                **_box(nusc, row),
                "tracking_id": row["instance_token"],
                "tracking_name": category_to_detection_name(row["category_name"]),
                "tracking_score": 1.0,
            }
            for row in _scored(nusc, token)
            if category_to_detection_name(row["category_name"]) in tracked
        ]
        for token in samples
    }


def _scored(nusc: NuScenes, sample_token: str) -> list[dict[str, Any]]:
    """Return a sample's annotations that a sensor has at least one point on."""
    rows = [nusc.get("sample_annotation", token) for token in nusc.get("sample", sample_token)["anns"]]
    return [row for row in rows if row["num_lidar_pts"] + row["num_radar_pts"] != 0]


def _box(nusc: NuScenes, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "sample_token": row["sample_token"],
        "translation": row["translation"],
        "size": row["size"],
        "rotation": row["rotation"],
        "velocity": np.nan_to_num(nusc.box_velocity(row["token"])[:2]).tolist(),
    }
