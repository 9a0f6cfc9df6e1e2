"""A log held in memory by the devkit, and the few ways scenes are asked out of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float
from nuscenes.nuscenes import NuScenes

from adapters.exporter.nuscenes.taxonomy import CATEGORIES
from adapters.scene.nuscenes.directions import Traffic
from adapters.scene.nuscenes.tables import TABLES, Record, check_records, read_table
from datagen.errors import LogError
from datagen.scene import Category, Group, Trajectory

LIDAR = "LIDAR_TOP"

Shots = tuple[Record, ...]
"""All sample_data of one scene's cameras and LIDAR_TOP, key frames and sweeps, in time."""

_DRIVING_MPS = 1.0
_EGO_WEIGHT = 3.0


def open_log(root: Path, version: str) -> NuScenes:
    """Read a log with the devkit. Raises LogError, naming the record, when its tables do not hold together."""
    try:
        nusc = NuScenes(version=version, dataroot=str(root), verbose=False)
    except (AssertionError, KeyError, ValueError, TypeError, OSError) as error:
        check_records(root, version, {table: read_table(root / version, table) for table in TABLES})
        raise LogError(f"{root / version}: the nuScenes devkit cannot read it ({error!r}).") from error
    check_records(root, version, {table: getattr(nusc, table) for table in TABLES})
    return nusc


def shots_by_scene(nusc: NuScenes, scenes: Collection[str]) -> dict[str, Shots]:
    """Return scene token → its shots, for these scene tokens."""
    scene_of = {sample["token"]: sample["scene_token"] for sample in nusc.sample if sample["scene_token"] in scenes}
    shots: dict[str, list[Record]] = {scene: [] for scene in scenes}
    for shot in nusc.sample_data:
        if shot["sample_token"] in scene_of and (shot["sensor_modality"] == "camera" or shot["channel"] == LIDAR):
            shots[scene_of[shot["sample_token"]]].append(shot)
    return {scene: tuple(sorted(taken, key=_instant_and_channel)) for scene, taken in shots.items()}


def _instant_and_channel(shot: Record) -> tuple[int, str]:
    return shot["timestamp"], shot["channel"]


def samples_of(nusc: NuScenes, shots: Shots) -> list[Record]:
    """Return the samples the shots belong to, in time."""
    tokens = dict.fromkeys(shot["sample_token"] for shot in shots)
    return sorted((nusc.get("sample", token) for token in tokens), key=lambda sample: sample["timestamp"])


def ego_of(nusc: NuScenes, shots: Shots) -> Trajectory:
    """Return the ego's poses at every instant a camera or the LiDAR fired; sensors that fired together share one."""
    poses = {shot["timestamp"]: nusc.get("ego_pose", shot["ego_pose_token"]) for shot in shots}
    return _trajectory(list(poses), list(poses.values()))


def tracks_of(nusc: NuScenes, samples: Sequence[Record]) -> dict[str, tuple[Record, ...]]:
    """Return instance token → its annotations in these samples, in time."""
    boxes: dict[str, list[Record]] = defaultdict(list)
    for sample in samples:
        for token in sample["anns"]:
            box = nusc.get("sample_annotation", token)
            boxes[box["instance_token"]].append(box)
    return {instance: tuple(track) for instance, track in boxes.items()}


def trajectory_of(nusc: NuScenes, track: Sequence[Record]) -> Trajectory:
    """Return the poses of one instance's boxes at their samples' instants.

    Raises LogError when two boxes share a sample.
    """
    times = [nusc.get("sample", box["sample_token"])["timestamp"] for box in track]
    for before, after, box in zip(times, times[1:], track[1:]):
        if before >= after:
            instance, sample = box["instance_token"], box["sample_token"]
            raise LogError(
                f"sample_annotation.json: '{box['token']}' is a second box of instance '{instance}'"
                f" in sample '{sample}'; leave one of them out."
            )
    return _trajectory(times, track)


def category_of(nusc: NuScenes, instance: str) -> Category:
    """Return what an instance is."""
    return CATEGORIES[nusc.get("category", nusc.get("instance", instance)["category_token"])["name"]]


def traffic_in(nusc: NuScenes, shots: Mapping[str, Shots]) -> Traffic:
    """Return where the ego and every vehicle and cycle drove in some scenes (token → shots), and which way."""
    parts = []
    for taken in shots.values():
        samples = samples_of(nusc, taken)
        times = np.array([sample["timestamp"] for sample in samples], dtype=np.int64)
        ego, quats = ego_of(nusc, taken).at(times)
        parts.append(_sightings(Trajectory(timestamp_us=times, translation_m=ego, quat_wxyz=quats), _EGO_WEIGHT))
        for instance, track in tracks_of(nusc, samples).items():
            if category_of(nusc, instance).group in (Group.VEHICLE, Group.CYCLE):
                parts.append(_sightings(trajectory_of(nusc, track), 1.0))
    rows = np.concatenate([np.zeros((0, 5)), *parts])
    return Traffic(xy_m=rows[:, :2], heading=rows[:, 2:4], weight=rows[:, 4])


def _sightings(driven: Trajectory, weight: float) -> Float[np.ndarray, "sightings 5"]:
    """Return x, y, unit heading and weight between knots, where something moved at driving speed."""
    steps = np.diff(driven.translation_m[:, :2], axis=0)
    length = np.linalg.norm(steps, axis=1)
    moving = length / np.maximum(np.diff(driven.timestamp_us) / 1e6, 1e-6) > _DRIVING_MPS
    middle = driven.translation_m[:-1, :2] + steps / 2
    heading = steps[moving] / length[moving, None]
    return np.column_stack([middle[moving], heading, np.full(int(moving.sum()), weight)])


def _trajectory(times: Sequence[int], records: Sequence[Record]) -> Trajectory:
    return Trajectory(
        timestamp_us=np.array(times, dtype=np.int64),
        translation_m=np.array([record["translation"] for record in records], dtype=np.float64),
        quat_wxyz=np.array([record["rotation"] for record in records], dtype=np.float64),
    )
