"""A dataset counted: what is in it, how far away, how fast, in which weather. Censuses of parts add up.

A clip's census is taken by the worker that exports it and lies in its fragment; the merge adds them, so that the
dataset's (`<version>/census.json`) costs nothing more with a million clips. Any other nuScenes-format dataset is
counted from its tables, row by row.

| field      | is                                                                                           |
|------------|----------------------------------------------------------------------------------------------|
| scenes, samples, boxes, tracks | how many                                                                 |
| seconds    | from each scene's first key frame to its last, added up                                      |
| categories | nuScenes name → boxes                                                                        |
| tracks_of  | nuScenes name → tracks                                                                       |
| visibility | level ("1" to "4", "" where none is given) → boxes                                           |
| ambience   | `weather/light/place` → scenes                                                               |
| distance   | group → boxes by distance from the ego in the plane, bins of `DISTANCE_M`                    |
| speed      | group → boxes by speed, bins of `SPEED_MPS`; boxes of a track seen once are not counted      |
| ego_speed  | key frames by the ego's speed, bins of `SPEED_MPS`                                           |
| unseen     | boxes without a LiDAR or radar return: the devkit's evaluation leaves them out               |
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from adapters.exporter.nuscenes.tables import Row, read_lines, read_table
from adapters.exporter.nuscenes.taxonomy import CATEGORIES
from adapters.exporter.nuscenes.tokens import token_of
from datagen.scene import Group

DISTANCE_M = tuple(range(0, 105, 5))
"""Edges of the bins; what is farther counts in the last."""
SPEED_MPS = tuple(step / 2 for step in range(51))
"""Edges of the bins; what is faster counts in the last."""
CENSUS_FILE = "census.json"


@dataclass(kw_only=True)
class Census:
    """What a dataset holds (see the top of this file)."""

    scenes: int = 0
    samples: int = 0
    boxes: int = 0
    tracks: int = 0
    seconds: float = 0.0
    unseen: int = 0
    categories: dict[str, int] = field(default_factory=dict)
    tracks_of: dict[str, int] = field(default_factory=dict)
    visibility: dict[str, int] = field(default_factory=dict)
    ambience: dict[str, int] = field(default_factory=dict)
    distance: dict[str, list[int]] = field(default_factory=dict)
    speed: dict[str, list[int]] = field(default_factory=dict)
    ego_speed: list[int] = field(default_factory=lambda: [0] * (len(SPEED_MPS) - 1))

    def __add__(self, other: Census) -> Census:
        """Return the census of both together."""
        values = {}
        for each in fields(self):
            mine, theirs = getattr(self, each.name), getattr(other, each.name)
            values[each.name] = _sum(mine, theirs)
        return Census(**values)

    def to_json(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Census:
        """Read what `to_json` wrote. Raises TypeError or ValueError for anything else."""
        return cls(**json.loads(text))


def _sum(mine: Any, theirs: Any) -> Any:
    match mine:
        case dict():
            keys = sorted({*mine, *theirs})
            both = mine.keys() & theirs.keys()
            return {key: _sum(mine[key], theirs[key]) if key in both else (mine | theirs)[key] for key in keys}
        case list():
            return [one + other for one, other in zip(mine, theirs, strict=True)]
        case _:
            return mine + theirs


def census_of(table: Callable[[str], Iterable[Row]], *, ambience_of: Callable[[Row], str]) -> Census:
    """Count the rows of a dataset's tables, each of which is gone through once.

    table: name → rows.  ambience_of: scene row → `weather/light/place`.
    """
    scenes = list(table("scene"))
    samples = {row["token"]: (row["timestamp"], row["scene_token"]) for row in table("sample")}
    names = {row["token"]: row["name"] for row in table("category")}
    tracks = {row["token"]: names[row["category_token"]] for row in table("instance")}
    ego = _ego_xy(table)
    census = Census(scenes=len(scenes), samples=len(samples), tracks=len(tracks))
    census.tracks_of = _counted(tracks.values())
    census.ambience = _counted(ambience_of(row) for row in scenes)
    categories: Counter[str] = Counter()
    visibility: Counter[str] = Counter()
    places: dict[str, list[tuple[int, float, float]]] = defaultdict(list)
    distances: dict[str, list[float]] = defaultdict(list)
    for row in table("sample_annotation"):
        name, (x, y, *_) = tracks[row["instance_token"]], row["translation"]
        census.boxes += 1
        categories[name] += 1
        visibility[row["visibility_token"]] += 1
        census.unseen += row["num_lidar_pts"] + row["num_radar_pts"] == 0
        places[row["instance_token"]].append((samples[row["sample_token"]][0], x, y))
        if row["sample_token"] in ego:
            here = ego[row["sample_token"]]
            distances[_group(name)].append(float(np.hypot(x - here[0], y - here[1])))
    census.categories, census.visibility = _counted(categories), _counted(visibility)
    census.distance = {group: _histogram(values, DISTANCE_M) for group, values in sorted(distances.items())}
    census.speed = _speeds(places, tracks)
    drives: dict[str, list[tuple[int, float, float]]] = defaultdict(list)
    for token, (timestamp, scene) in samples.items():
        if token in ego:
            drives[scene].append((timestamp, *ego[token]))
    census.ego_speed = _histogram([speed for drive in drives.values() for speed in _speed_of(drive)], SPEED_MPS)
    census.seconds = round(sum((max(drive)[0] - min(drive)[0]) / 1e6 for drive in drives.values()), 6)
    return census


def dataset_census(root: Path, version: str) -> Census:
    """Return the census of a nuScenes-format dataset: the one it brings, or else counted from its tables.

    Raises DatasetError when a table is missing or broken.
    """
    brought = root / version / CENSUS_FILE
    if brought.is_file():
        return Census.from_json(brought.read_text(encoding="utf-8"))
    from adapters.scene.nuscenes.words import ambience_of

    def told(scene: Row) -> str:
        ambience = ambience_of(scene["description"])
        return f"{ambience.weather}/{ambience.light}/{ambience.place}"

    return census_of(lambda table: read_table(root / version / f"{table}.json"), ambience_of=told)


def fragment_census(rows: Mapping[str, Iterable[Row]]) -> Census:
    """Return the census of one clip's rows by table, its provenance among them."""
    (provenance,) = rows["provenance"]
    ambience = "/".join(provenance[key] for key in ("weather", "light", "place"))
    categories = [{"token": token_of("category", name), "name": name} for name in CATEGORIES]
    return census_of(lambda table: categories if table == "category" else rows[table], ambience_of=lambda _: ambience)


def read_fragment_census(fragment: Path) -> Census:
    """Return the census that lies in a clip's fragment; one without is counted."""
    brought = fragment / CENSUS_FILE
    if brought.is_file():
        return Census.from_json(brought.read_text(encoding="utf-8"))
    return fragment_census({path.stem: list(read_lines(path)) for path in fragment.glob("*.jsonl")})


def _ego_xy(table: Callable[[str], Iterable[Row]]) -> dict[str, tuple[float, float]]:
    """Return sample token → where the ego was when the LiDAR (or else any sensor's key frame) was taken."""
    lidar = {row["token"] for row in table("sensor") if row["channel"] == "LIDAR_TOP"}
    best = {row["token"] for row in table("calibrated_sensor") if row["sensor_token"] in lidar}
    pose_of: dict[str, str] = {}
    for row in table("sample_data"):
        if row["is_key_frame"] and (row["calibrated_sensor_token"] in best or row["sample_token"] not in pose_of):
            pose_of[row["sample_token"]] = row["ego_pose_token"]
    sample_of = defaultdict(list)
    for sample, pose in pose_of.items():
        sample_of[pose].append(sample)
    there = {}
    for row in table("ego_pose"):
        for sample in sample_of.get(row["token"], ()):
            there[sample] = (row["translation"][0], row["translation"][1])
    return there


def _speeds(places: Mapping[str, list[tuple[int, float, float]]], tracks: Mapping[str, str]) -> dict[str, list[int]]:
    speeds: dict[str, list[float]] = defaultdict(list)
    for token, track in places.items():
        speeds[_group(tracks[token])] += _speed_of(track)
    return {group: _histogram(values, SPEED_MPS) for group, values in sorted(speeds.items())}


def _speed_of(track: list[tuple[int, float, float]]) -> list[float]:
    """Return speeds between the sightings of a track that are at most 1.5 s apart, metres a second."""
    steps = pairwise(sorted(track))
    return [
        float(np.hypot(x1 - x0, y1 - y0) * 1e6 / (t1 - t0))
        for (t0, x0, y0), (t1, x1, y1) in steps
        if 0 < t1 - t0 <= 1.5e6
    ]


def _counted(words: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(words).items()))


def _group(name: str) -> str:
    category = CATEGORIES.get(name)
    return (category.group if category else Group.OBJECT).value


def _histogram(values: list[float], edges: tuple[float, ...]) -> list[int]:
    counts: list[int] = np.histogram(np.clip(values, edges[0], edges[-1]), bins=edges)[0].tolist()
    return counts
