"""Boxes to tracks: greedy matching on velocities, in the manner of CenterPoint (Yin et al., CVPR 2021, section 4.3).

For each key frame, the boxes of a class, the most confident first: a box is moved back by its own velocity to the
time of the frame before and takes the closest track that is still free and within the class's reach; else it begins
one. A track that found no box moves on with its velocity for up to `max_age` frames.

```
   t − Δ          t
     ● ◀──── v Δ ──■    the closest track to where the box came from
```
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from eval.scoring import Results

if TYPE_CHECKING:
    from nuscenes import NuScenes

REACH_M = {
    "car": 4.0,
    "truck": 4.0,
    "bus": 5.5,
    "trailer": 3.0,
    "pedestrian": 1.0,
    "motorcycle": 13.0,
    "bicycle": 3.0,
}
"""How far the place a box came from may be from a track; these seven classes are tracked."""
MAX_AGE = 3
"""Frames a track lives without a box (CenterPoint's setting at 2 Hz)."""

Box = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class _Track:
    id: int
    name: str
    center_m: Float[np.ndarray, "2"]
    velocity_mps: Float[np.ndarray, "2"]
    age: int = 0


def track(frames: Sequence[tuple[float, Sequence[Box]]], *, first_id: int = 0) -> list[list[dict[str, Any]]]:
    """Return the boxes of each frame of one scene in the tracking task's submission format.

    frames: (time in seconds, boxes in the detection task's format), by time. Boxes of classes that are not tracked
    are left out. Track ids count from `first_id`.
    """
    tracks: list[_Track] = []
    next_id = first_id
    before_s = frames[0][0] if frames else 0.0
    tracked = []
    for time_s, boxes in frames:
        step_s, before_s = time_s - before_s, time_s
        free = tracks
        now: list[_Track] = []
        rows = []
        for box in sorted(boxes, key=lambda box: -box["detection_score"]):
            if box["detection_name"] not in REACH_M:
                continue
            found = _closest(box, free, step_s)
            free = [track for track in free if track is not found]
            number = found.id if found else next_id
            next_id += found is None
            now.append(_of(box, number))
            rows.append(_row(box, number))
        lost = [_moved(track, step_s) for track in free if track.age < MAX_AGE]
        tracks = now + lost
        tracked.append(rows)
    return tracked


def _closest(box: Box, tracks: Sequence[_Track], step_s: float) -> _Track | None:
    came_from = np.asarray(box["translation"][:2]) - _velocity(box) * step_s
    distance = {
        index: float(np.linalg.norm(track.center_m - came_from))
        for index, track in enumerate(tracks)
        if track.name == box["detection_name"]
    }
    index = min(distance, key=distance.__getitem__, default=None)
    return tracks[index] if index is not None and distance[index] <= REACH_M[box["detection_name"]] else None


def _of(box: Box, number: int) -> _Track:
    return _Track(
        id=number,
        name=box["detection_name"],
        center_m=np.asarray(box["translation"][:2], dtype=np.float64),
        velocity_mps=_velocity(box),
    )


def _moved(track: _Track, step_s: float) -> _Track:
    return replace(track, center_m=track.center_m + track.velocity_mps * step_s, age=track.age + 1)


def _velocity(box: Box) -> Float[np.ndarray, "2"]:
    return np.nan_to_num(np.asarray(box["velocity"], dtype=np.float64))


def _row(box: Box, number: int) -> dict[str, Any]:
    shared = ("sample_token", "translation", "size", "rotation", "velocity")
    return {
        **{key: box[key] for key in shared},
        "tracking_id": str(number),
        "tracking_name": box["detection_name"],
        "tracking_score": box["detection_score"],
    }


def tracks_of(nusc: NuScenes, results: Results) -> dict[str, list[dict[str, Any]]]:
    """Return detections as tracks, scene by scene; `results` has an entry for every sample of the scenes it is about.

    Track ids of different scenes differ.
    """
    scenes: dict[str, list[Mapping[str, Any]]] = {}
    for token in results:
        sample = nusc.get("sample", token)
        scenes.setdefault(sample["scene_token"], []).append(sample)
    tracked: dict[str, list[dict[str, Any]]] = {}
    for scene in scenes.values():
        samples = sorted(scene, key=lambda sample: sample["timestamp"])
        frames = [(sample["timestamp"] / 1e6, results[sample["token"]]) for sample in samples]
        rows = track(frames, first_id=sum(len(found) for found in tracked.values()))
        tracked |= {sample["token"]: found for sample, found in zip(samples, rows, strict=True)}
    return tracked
