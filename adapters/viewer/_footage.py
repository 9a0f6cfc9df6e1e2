"""A finished clip as a viewer needs it, read from the clip's own share of the dataset's tables.

```
RUN/clips/<id>/fragment/*.jsonl ─┬─▶ instants, poses, cameras      one row of every array per frame
                                 ├─▶ tracks                        boxes at key frames, as trajectories
                                 └─▶ pictures and sweeps by path
RUN/clips/<id>/fragment/map.jsonl.gz ──▶ what the road looks like
```

The dataset's tables are these rows copied, so what is seen here is what a user of the dataset gets; and one clip
costs the same in a run of ten clips and of a million.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int64

from adapters.exporter.nuscenes.maps import MAP_FILE
from adapters.exporter.nuscenes.tables import Row, read_lines
from adapters.exporter.nuscenes.taxonomy import CATEGORIES
from adapters.exporter.nuscenes.tokens import token_of
from datagen.errors import DatasetError
from datagen.scene import SE3, Category, Trajectory

LIDAR = "LIDAR_TOP"
_CATEGORY_OF_TOKEN = {token_of("category", name): category for name, category in CATEGORIES.items()}


@dataclass(frozen=True, kw_only=True)
class View:
    """One camera: its pictures, and where it was when it took each of them. Arrays are of shape (frames, ...)."""

    channel: str
    width_px: int
    height_px: int
    intrinsics_px: Float[np.ndarray, "3 3"]
    timestamp_us: Int64[np.ndarray, "frames"]
    world_SE3_cam: Float[np.ndarray, "frames 4 4"]
    pictures: tuple[Path, ...]


@dataclass(frozen=True, kw_only=True)
class Track:
    """One labelled thing. Its trajectory's knots are its annotations; levels and points are theirs.

    event: it acts what the prompt asked for.  visibility: nuScenes' level, "1" (least) to "4", by annotation.
    """

    token: str
    category: Category
    size_lwh_m: tuple[float, float, float]
    trajectory: Trajectory
    visibility: tuple[str, ...]
    lidar_points: tuple[int, ...]
    event: bool


@dataclass(frozen=True, kw_only=True)
class RoadShape:
    """A piece of the map. layer: drivable, walkway, ped_crossing, carpark, … or `divider/<kind>/<paint>`.

    rings_m: an area's outline and its holes, or one line.
    """

    layer: str
    rings_m: tuple[Float[np.ndarray, "_ 2"], ...]


@dataclass(frozen=True, kw_only=True)
class Footage:
    """One clip of a run, with everything that can be looked at."""

    clip_id: str
    name: str
    description: str
    location: str
    provenance: Row
    timestamp_us: Int64[np.ndarray, "frames"]
    is_keyframe: Bool[np.ndarray, "frames"]
    ego: Trajectory
    views: tuple[View, ...]
    world_SE3_lidar: Float[np.ndarray, "frames 4 4"]
    sweeps: tuple[Path, ...]
    tracks: tuple[Track, ...]
    road: tuple[RoadShape, ...]

    @property
    def rate_hz(self) -> float:
        """Frames a second, on average; 2 for a single frame."""
        span_us = int(self.timestamp_us[-1] - self.timestamp_us[0])
        return (len(self.timestamp_us) - 1) * 1e6 / span_us if span_us else 2.0

    def presence(self, track: Track) -> Bool[np.ndarray, "frames"]:
        """Say at which frames a track has a box. After the last key frame boxes are held, as the devkit holds them."""
        last_key_us = self.timestamp_us[self.is_keyframe][-1]
        held = (self.timestamp_us > last_key_us) & (track.trajectory.end_us == last_key_us)
        return track.trajectory.covers(self.timestamp_us) | held

    @property
    def boxes(self) -> int:
        """How many annotations it has."""
        return sum(len(track.visibility) for track in self.tracks)


def read_footage(clip_folder: Path) -> Footage:
    """Read a finished clip of a run. Raises DatasetError, naming the folder, when it is not one of nuScenes' kind."""
    fragment = clip_folder / "fragment"
    try:
        return _read(fragment)
    except (OSError, KeyError, IndexError, ValueError) as error:
        raise DatasetError(
            f"{fragment}: cannot be shown ({type(error).__name__}: {error}); the clip was not exported with"
            " `export.use: nuscenes`, or by another version: remove the clip's folder and run the recipe again"
        ) from error


def _read(fragment: Path) -> Footage:
    scene, log, provenance = (next(read_lines(fragment / f"{table}.jsonl")) for table in ("scene", "log", "provenance"))
    samples = {row["token"]: row["timestamp"] for row in read_lines(fragment / "sample.jsonl")}
    shots = _shots(fragment)
    if LIDAR not in shots:
        raise KeyError(LIDAR)
    frames = [row["timestamp"] for row in shots[LIDAR]]
    ego = [row["ego_pose"] for row in shots[LIDAR]]
    return Footage(
        clip_id=provenance["clip_id"],
        name=scene["name"],
        description=scene["description"],
        location=log["location"],
        provenance=provenance,
        timestamp_us=np.array(frames, dtype=np.int64),
        is_keyframe=np.array([row["is_key_frame"] for row in shots[LIDAR]], dtype=bool),
        ego=Trajectory(
            timestamp_us=np.array(frames, dtype=np.int64),
            translation_m=np.array([pose["translation"] for pose in ego], dtype=np.float64),
            quat_wxyz=np.array([pose["rotation"] for pose in ego], dtype=np.float64),
        ),
        views=tuple(_view(fragment, channel, rows) for channel, rows in _cameras(shots).items()),
        world_SE3_lidar=_poses(shots[LIDAR]),
        sweeps=tuple(fragment / row["source"] for row in shots[LIDAR]),
        tracks=tuple(_tracks(fragment, samples, events=set(provenance["event_instance_tokens"]))),
        road=tuple(_road(fragment)),
    )


def _shots(fragment: Path) -> Mapping[str, Sequence[Row]]:
    """Return channel → its sample_data in time, each with its pose, calibration and the path of its file."""
    sensors = {row["token"]: row["channel"] for row in read_lines(fragment / "sensor.jsonl")}
    calibrated = {row["token"]: row for row in read_lines(fragment / "calibrated_sensor.jsonl")}
    poses = {row["token"]: row for row in read_lines(fragment / "ego_pose.jsonl")}
    sources = {row["filename"]: row["source"] for row in read_lines(fragment / "media.jsonl")}
    shots: dict[str, list[Row]] = defaultdict(list)
    for row in read_lines(fragment / "sample_data.jsonl"):
        calibration = calibrated[row["calibrated_sensor_token"]]
        more = {
            "calibration": calibration,
            "ego_pose": poses[row["ego_pose_token"]],
            "source": sources[row["filename"]],
        }
        shots[sensors[calibration["sensor_token"]]].append(row | more)
    return {channel: sorted(rows, key=lambda row: row["timestamp"]) for channel, rows in shots.items()}


def _cameras(shots: Mapping[str, Sequence[Row]]) -> Mapping[str, Sequence[Row]]:
    """Return the cameras' shots, each with as many frames as the LiDAR's."""
    frames = len(shots[LIDAR])
    cameras = {channel: rows for channel, rows in shots.items() if rows[0]["fileformat"] == "jpg"}
    for channel, rows in cameras.items():
        if len(rows) != frames:
            raise ValueError(f"{channel} has {len(rows)} pictures, {LIDAR} {frames} sweeps")
    return cameras


def _view(fragment: Path, channel: str, rows: Sequence[Row]) -> View:
    return View(
        channel=channel,
        width_px=rows[0]["width"],
        height_px=rows[0]["height"],
        intrinsics_px=np.array(rows[0]["calibration"]["camera_intrinsic"], dtype=np.float64),
        timestamp_us=np.array([row["timestamp"] for row in rows], dtype=np.int64),
        world_SE3_cam=_poses(rows),
        pictures=tuple(fragment / row["source"] for row in rows),
    )


def _poses(rows: Sequence[Row]) -> Float[np.ndarray, "frames 4 4"]:
    """Return where a sensor was in the world at each of its shots."""
    return np.stack([(_pose(row["ego_pose"]) @ _pose(row["calibration"])).matrix for row in rows])


def _pose(row: Row) -> SE3:
    return SE3(quat_wxyz=np.array(row["rotation"]), translation_m=np.array(row["translation"], dtype=np.float64))


def _tracks(fragment: Path, samples: Mapping[str, int], *, events: set[str]) -> Iterator[Track]:
    boxes: dict[str, list[Row]] = defaultdict(list)
    for row in read_lines(fragment / "sample_annotation.jsonl"):
        boxes[row["instance_token"]].append(row | {"timestamp": samples[row["sample_token"]]})
    for instance in read_lines(fragment / "instance.jsonl"):
        rows = sorted(boxes[instance["token"]], key=lambda row: row["timestamp"])
        width, length, height = rows[0]["size"]
        yield Track(
            token=instance["token"],
            category=_CATEGORY_OF_TOKEN[instance["category_token"]],
            size_lwh_m=(length, width, height),
            trajectory=Trajectory(
                timestamp_us=np.array([row["timestamp"] for row in rows], dtype=np.int64),
                translation_m=np.array([row["translation"] for row in rows], dtype=np.float64),
                quat_wxyz=np.array([row["rotation"] for row in rows], dtype=np.float64),
            ),
            visibility=tuple(row["visibility_token"] for row in rows),
            lidar_points=tuple(row["num_lidar_pts"] for row in rows),
            event=instance["token"] in events,
        )


def _road(fragment: Path) -> Iterator[RoadShape]:
    with gzip.open(fragment / MAP_FILE, "rt", encoding="utf-8") as lines:
        for layer, _, content in map(json.loads, lines):
            if layer == "divider":
                kind = f"divider/{content['kind']}/{content['paint']}"
                yield RoadShape(layer=kind, rings_m=(np.array(content["line"], dtype=np.float64),))
            elif layer == "lane":
                edges = [np.array(content[side], dtype=np.float64) for side in ("left", "right")]
                yield RoadShape(layer="lane", rings_m=(np.concatenate([edges[0], edges[1][::-1]]),))
            elif isinstance(content, dict) and "exterior" in content:
                rings = [content["exterior"], *content["holes"]]
                yield RoadShape(layer=layer, rings_m=tuple(np.array(ring, dtype=np.float64) for ring in rings))


def travelled_m(ego: Trajectory) -> float:
    """Return the length of a path, metres."""
    return float(sum(np.linalg.norm(after - before) for before, after in pairwise(ego.translation_m)))
