"""The clips of a dataset as pictures: which files, when, and which clips of two datasets film the same scene."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from datagen.errors import DatasetError
from eval.scoring import open_dataset, samples_of

_SAME_PLACE_M = 0.05


@dataclass(frozen=True, kw_only=True)
class Clip:
    """One scene. channels: of each camera its pictures, in time, as (µs, file).  start: µs, x and y of the ego (m)."""

    name: str
    start: tuple[int, float, float]
    channels: Mapping[str, tuple[tuple[int, Path], ...]]

    def at_rate(self, rate_hz: float, frames: slice) -> dict[str, list[Path]]:
        """Return of each camera the pictures nearest to every 1 / rate_hz, of these numbers from `frames`.

        Raises DatasetError when the camera is slower than that.
        """
        return {
            channel: _evenly(shots, rate_hz, frames, what=f"{self.name} {channel}")
            for channel, shots in self.channels.items()
        }


def find_version(dataset: Path, version: str | None) -> str:
    """Return the version asked for, or the only one there is. Raises DatasetError."""
    there = sorted(path.parent.name for path in dataset.glob("*/scene.json"))
    if version is None and len(there) == 1:
        return there[0]
    if version is None or version not in there:
        raise DatasetError(f"{dataset}: versions are: {', '.join(there) or 'none'}; say which with --version")
    return version


def clips_of(dataset: Path, *, version: str | None = None, split: str | None = None) -> list[Clip]:
    """Return the clips of a dataset, or of a split of it. Raises DatasetError when it does not load."""
    nusc = open_dataset(dataset, find_version(dataset, version))
    chosen = set(samples_of(nusc, split)) if split else {sample["token"] for sample in nusc.sample}
    shots: dict[str, dict[str, list[tuple[int, Path]]]] = defaultdict(lambda: defaultdict(list))
    for row in nusc.sample_data:
        if row["sensor_modality"] == "camera" and row["sample_token"] in chosen:
            scene = nusc.get("sample", row["sample_token"])["scene_token"]
            shots[scene][row["channel"]].append((row["timestamp"], dataset / row["filename"]))
    return [
        Clip(
            name=scene["name"],
            start=_start(nusc, scene),
            channels={channel: tuple(sorted(taken)) for channel, taken in sorted(shots[scene["token"]].items())},
        )
        for scene in nusc.scene
        if scene["token"] in shots
    ]


def paired(real: Sequence[Clip], generated: Sequence[Clip]) -> list[tuple[Clip, Clip]]:
    """Return the clips of both that film the same scene: same instant, same place. Empty if none do."""
    by_start = defaultdict(list)
    for clip in real:
        by_start[clip.start[0]].append(clip)
    pairs = []
    for clip in generated:
        for other in by_start[clip.start[0]]:
            if np.hypot(clip.start[1] - other.start[1], clip.start[2] - other.start[2]) < _SAME_PLACE_M:
                pairs.append((other, clip))
                break
    return pairs


def list_sha256(files: Sequence[Path], *, root: Path) -> str:
    """Return the hash of a list of files: their names below `root` and their bytes."""
    digest = hashlib.sha256()
    for path in files:
        digest.update(
            json.dumps([path.relative_to(root).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()]).encode()
        )
    return digest.hexdigest()


def _start(nusc: Any, scene: Mapping[str, Any]) -> tuple[int, float, float]:
    sample = nusc.get("sample", scene["first_sample_token"])
    pose = nusc.get("ego_pose", nusc.get("sample_data", sample["data"]["LIDAR_TOP"])["ego_pose_token"])
    x_m, y_m, _ = pose["translation"]
    return sample["timestamp"], x_m, y_m


def _evenly(shots: Sequence[tuple[int, Path]], rate_hz: float, frames: slice, *, what: str) -> list[Path]:
    times = np.array([time for time, _ in shots])
    step_us = 1e6 / rate_hz
    count = int((times[-1] - times[0]) / step_us + 0.5) + 1
    wanted = times[0] + np.arange(count)[frames] * step_us
    nearest = np.abs(times[:, None] - wanted).argmin(axis=0)
    if len(set(nearest.tolist())) < len(nearest):
        raise DatasetError(
            f"{what}: films at {1e6 / np.median(np.diff(times)):.1f} Hz, not at {rate_hz:g}; lower --rate"
        )
    return [shots[i][1] for i in nearest]
