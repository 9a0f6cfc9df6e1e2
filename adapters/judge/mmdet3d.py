"""Judge `mmdet3d`: your own 3D detector looks at the clip, and what it finds is held against the labels.

Recipe keys: `judge: {use: mmdet3d, config: fcos3d, checkpoint: fcos3d.safetensors, found: 0.5, unlabelled: 2}`.

```
   clip ── exported as a dataset of one scene ── detector ──▶ boxes with scores
   label ── best score of its kind within `near_m` ──▶ trust          found: share of labels with trust ≥ ½
   box of a high score with no label within `near_m`                  unlabelled: of these, for each key frame
```

A detector is as sure as it was trained to be, so `found` and `unlabelled` have no defaults: take them from clips of
your log that are filmed again as they are.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from adapters.exporter.nuscenes.taxonomy import DETECTION_NAMES
from adapters.exporter.nuscenes.tokens import sample_token
from adapters.judge._broken import JudgeSettings, complaints_of
from datagen import plugins
from datagen.digest import file_sha256
from datagen.errors import InputError
from datagen.ports import Detector, Portion, Resources, Verdict
from datagen.scene import Clip, Label

_KINDS: dict[str, tuple[str, ...]] = {
    "vehicle": ("car", "truck", "bus", "trailer", "construction_vehicle"),
    "person": ("pedestrian",),
    "cycle": ("motorcycle", "bicycle"),
    "object": ("traffic_cone", "barrier"),
}
_KIND_OF = {name: kind for kind, names in _KINDS.items() for name in names}
_VERSION, _SPLIT = "v1.0-judge", "synth_all"


class Settings(JudgeSettings):
    """Which detector, and what its findings mean.

    config: a word of the detector's `configs`, or the path of a config file.  options: `key.path=value`, on top of it.
    """

    config: str = "fcos3d_small"
    options: tuple[str, ...] = ()
    checkpoint: Path
    """The detector's weights, as safetensors."""
    sure: Annotated[float, Field(gt=0.0, le=1.0)] = 0.3
    """Score from which the detector is taken at its word."""
    near_m: Annotated[float, Field(gt=0.0)] = 4.0
    """Between centres, on the ground, for a box to be the label's: the devkit's largest matching distance."""
    reach_m: Annotated[float, Field(gt=0.0)] = 40.0
    """What is farther from the ego is not judged."""
    visible: Annotated[float, Field(ge=0.0, le=1.0)] = 0.6
    """What a label says is less visible than this is not judged."""
    found: Annotated[float, Field(ge=0.0, le=1.0)] | None = None
    """Drop clips of whose labels a smaller share is found."""
    unlabelled: Annotated[float, Field(ge=0.0)] | None = None
    """Drop clips with more sure boxes without a label for each key frame."""


class Mmdet3dJudge:
    """Satisfies `datagen.ports.Judge`."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.films = settings, settings.films
        self.detector: Detector = plugins.build(
            "detector", {"use": "mmdet3d", "model": settings.config, "options": settings.options}
        )
        self.resources: Resources = self.detector.resources

    def fingerprint(self) -> str:
        """Return the checkpoint's hash. Raises InputError when there is none."""
        try:
            return file_sha256(self.settings.checkpoint)
        except OSError as error:
            raise InputError(f"judge.checkpoint: {self.settings.checkpoint}: {error.strerror}") from error

    def open(self) -> None:
        """The detector loads its weights when it looks."""

    def judge(self, clip: Clip, *, labels: Sequence[Label]) -> Verdict:
        """Let the detector look at the clip's key frames, unless a picture is broken anyway."""
        if complaints := complaints_of(clip, tuple(labels), settings=self.settings):
            return Verdict(complaints=complaints)
        with tempfile.TemporaryDirectory(prefix="datagen-judge-") as folder:
            dataset = _dataset(clip, labels, Path(folder))
            portion = Portion(root=dataset, version=_VERSION, split=_SPLIT)
            boxes = self.detector.look(portion, self.settings.checkpoint)
        return verdict_of(clip, labels, boxes=boxes, settings=self.settings)


def build(settings: Settings) -> Mmdet3dJudge:
    """Return the judge; mmdet3d is imported when it looks."""
    return Mmdet3dJudge(settings)


def verdict_of(
    clip: Clip, labels: Sequence[Label], *, boxes: Mapping[str, Sequence[Mapping[str, Any]]], settings: Settings
) -> Verdict:
    """Hold boxes (sample token → boxes in the submission format) against labels; see the module."""
    by_frame: dict[int, list[Label]] = defaultdict(list)
    for label in labels:
        by_frame[label.frame].append(label)
    trust: dict[tuple[str, int], float] = {}
    unlabelled = 0
    for frame in clip.timeline.keyframes.tolist():
        ego_m = clip.scene.ego.pose_at(int(clip.timeline.timestamp_us[frame])).translation_m[:2]
        seen = [
            box
            for box in boxes.get(sample_token(clip.id, frame), ())
            if np.hypot(*(np.array(box["translation"][:2]) - ego_m)) <= settings.reach_m
        ]
        for label in by_frame[frame]:
            away_m = float(np.hypot(*(label.world_SE3_box.translation_m[:2] - ego_m)))
            if label.category in DETECTION_NAMES and away_m <= settings.reach_m and label.visible >= settings.visible:
                trust[label.actor_id, frame] = _trust(label, seen, settings=settings)
        unlabelled += sum(_is_alone(box, by_frame[frame], settings=settings) for box in seen)
    scores = {"unlabelled": unlabelled / max(1, len(clip.timeline.keyframes))}
    if trust:
        scores["found"] = float(np.mean([value >= 0.5 for value in trust.values()]))
    said = []
    if settings.found is not None and scores.get("found", 1.0) < settings.found:
        said.append(f"the detector finds {scores['found']:.0%} of the labels; judge.found is {settings.found:.0%}")
    if settings.unlabelled is not None and scores["unlabelled"] > settings.unlabelled:
        said.append(
            f"the detector finds {scores['unlabelled']:.2g} things without a label in a key frame;"
            f" judge.unlabelled is {settings.unlabelled:g}"
        )
    return Verdict(scores=scores, complaints=tuple(said), trust=trust)


def _trust(label: Label, seen: Sequence[Mapping[str, Any]], *, settings: Settings) -> float:
    """Return the best score of a box of the label's kind near it: ½ from where the detector is sure, at most 1."""
    kind = _KIND_OF[DETECTION_NAMES[label.category]]
    near = [
        float(box["detection_score"])
        for box in seen
        if _KIND_OF[box["detection_name"]] == kind and _apart_m(box, label) <= settings.near_m
    ]
    return min(1.0, 0.5 * max(near, default=0.0) / settings.sure)


def _is_alone(box: Mapping[str, Any], labels: Sequence[Label], *, settings: Settings) -> bool:
    sure = box["detection_score"] >= settings.sure
    return bool(sure) and all(_apart_m(box, label) > settings.near_m for label in labels)


def _apart_m(box: Mapping[str, Any], label: Label) -> float:
    return float(np.hypot(*(np.array(box["translation"][:2]) - label.world_SE3_box.translation_m[:2])))


def _dataset(clip: Clip, labels: Sequence[Label], folder: Path) -> Path:
    """Export the clip as a dataset of its own; its scene's number does not matter."""
    exporter = plugins.build("exporter", {"use": "nuscenes", "version": _VERSION, "splits": {}})
    fragment = folder / "fragment"
    fragment.mkdir()
    here = replace(clip, prompt=replace(clip.prompt, index=0))
    exporter.write_fragment(here, labels=labels, folder=fragment)
    exporter.merge([fragment], folder / "dataset")
    return folder / "dataset"
