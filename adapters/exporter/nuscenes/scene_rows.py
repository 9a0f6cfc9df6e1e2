"""A dataset scene by scene, whatever order its tables are in and however large they are.

Tables hang together by token, and a real log's are sorted by nothing one could rely on. So the rows are first
dealt out by scene into a scratch database beside the dataset (SQLite, on disk; where temporary files lie if the
dataset cannot be written), then read back scene by scene.
Memory holds one scene, and a few words for every sample, instance and pose.
"""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float

from adapters.exporter.nuscenes.tables import Row, dump, read_table
from datagen.errors import DatasetError
from datagen.scene import SE3

Dealt = Iterable[tuple[int, str, str]]
"""Scene's index, kind of row, row as JSON."""


Matrix = Float[np.ndarray, "4 4"]
"""A rigid transform as a homogeneous matrix: each is used many times, so it is made once."""


@dataclass(frozen=True, kw_only=True)
class Shutter:
    """One picture or sweep: its row of `sample_data`, and from where it was taken."""

    row: Row
    channel: str
    intrinsics: list[list[float]]
    world_SE3_ego: Matrix
    ego_SE3_sensor: Matrix

    @cached_property
    def world_SE3_sensor(self) -> Matrix:
        """Where the sensor was."""
        return self.world_SE3_ego @ self.ego_SE3_sensor

    @cached_property
    def sensor_SE3_world(self) -> Matrix:
        """How the sensor sees the world."""
        return inverse(self.world_SE3_sensor)


@dataclass(frozen=True, kw_only=True)
class SceneRows:
    """The rows of one scene. `sample` is sorted by time; every list is in the order of its table.

    cameras: sample token → its pictures.  sweeps: all of LIDAR_TOP, also between samples, by time.
    boxes: sample token → annotations, each with `category_name`.
    """

    scene: Row
    sample: list[Row]
    cameras: dict[str, list[Shutter]]
    sweeps: list[Shutter]
    boxes: dict[str, list[Row]]


def scenes(dataset: Path, version: str) -> Iterator[SceneRows]:
    """Yield the scenes of a dataset in the order of their table.

    Raises DatasetError when a table is missing or broken, or a row refers to one that is not there.
    """
    tables = dataset / version
    beside = dataset if os.access(dataset, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=beside, prefix=".rows-") as scratch:
        connection = sqlite3.connect(Path(scratch) / "rows.sqlite")
        try:
            connection.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-65536;")
            connection.execute("CREATE TABLE dealt (scene INTEGER, kind TEXT, body TEXT)")
            sensors = _sensors(tables)
            rows = list(read_table(tables / "scene.json"))
            _deal_all(connection, tables, sensors, scenes=[row["token"] for row in rows])
            connection.execute("CREATE INDEX by_scene ON dealt (scene)")
            for index, scene in enumerate(rows):
                yield _scene(scene, connection, index, sensors=sensors)
        except KeyError as error:
            raise DatasetError(f"{tables}: a row refers to {error}, which is in no table") from error
        finally:
            connection.close()


def _deal_all(connection: sqlite3.Connection, tables: Path, sensors: dict[str, Row], *, scenes: list[str]) -> None:
    """Deal out the large tables, each needing the one before."""
    number = {token: index for index, token in enumerate(scenes)}
    of_sample: dict[str, int] = {}
    of_pose: dict[str, int] = {}

    def samples() -> Dealt:
        for row in read_table(tables / "sample.json"):
            of_sample[row["token"]] = number[row["scene_token"]]
            yield of_sample[row["token"]], "sample", dump(row)

    def data() -> Dealt:
        for row in read_table(tables / "sample_data.json"):
            sensor = sensors[row["calibrated_sensor_token"]]
            lidar = sensor["channel"] == "LIDAR_TOP"
            if lidar or (sensor["modality"] == "camera" and row["is_key_frame"]):
                scene = of_pose[row["ego_pose_token"]] = of_sample[row["sample_token"]]
                yield scene, "sweep" if lidar else "camera", dump(row)

    def poses() -> Dealt:
        for row in read_table(tables / "ego_pose.json"):
            if row["token"] in of_pose:
                yield of_pose[row["token"]], "pose", dump(row)

    def boxes() -> Dealt:
        category = {row["token"]: row["name"] for row in read_table(tables / "category.json")}
        name = {row["token"]: category[row["category_token"]] for row in read_table(tables / "instance.json")}
        for row in read_table(tables / "sample_annotation.json"):
            yield of_sample[row["sample_token"]], "box", dump({**row, "category_name": name[row["instance_token"]]})

    for part in (samples, data, poses, boxes):
        connection.executemany("INSERT INTO dealt VALUES (?, ?, ?)", part())
    connection.commit()


def _sensors(tables: Path) -> dict[str, Row]:
    """Return calibrated sensors by token, each with its channel, modality and place on the vehicle."""
    sensors = {row["token"]: row for row in read_table(tables / "sensor.json")}
    return {
        row["token"]: {
            **row,
            "channel": sensors[row["sensor_token"]]["channel"],
            "modality": sensors[row["sensor_token"]]["modality"],
            "ego_SE3_sensor": _matrix(row),
        }
        for row in read_table(tables / "calibrated_sensor.json")
    }


def _scene(scene: Row, connection: sqlite3.Connection, index: int, *, sensors: dict[str, Row]) -> SceneRows:
    """Read one scene back."""
    rows: dict[str, list[Row]] = defaultdict(list)
    for kind, body in connection.execute("SELECT kind, body FROM dealt WHERE scene = ? ORDER BY rowid", (index,)):
        rows[kind].append(json.loads(body))
    poses = {row["token"]: _matrix(row) for row in rows["pose"]}

    def shutter(row: Row) -> Shutter:
        sensor = sensors[row["calibrated_sensor_token"]]
        return Shutter(
            row=row,
            channel=sensor["channel"],
            intrinsics=sensor["camera_intrinsic"],
            world_SE3_ego=poses[row["ego_pose_token"]],
            ego_SE3_sensor=sensor["ego_SE3_sensor"],
        )

    cameras, boxes = defaultdict(list), defaultdict(list)
    for row in rows["camera"]:
        cameras[row["sample_token"]].append(shutter(row))
    for row in rows["box"]:
        boxes[row["sample_token"]].append(row)
    return SceneRows(
        scene=scene,
        sample=sorted(rows["sample"], key=lambda row: row["timestamp"]),
        cameras=cameras,
        sweeps=sorted((shutter(row) for row in rows["sweep"]), key=lambda sweep: sweep.row["timestamp"]),
        boxes=boxes,
    )


def inverse(matrix: Matrix) -> Matrix:
    """Return the inverse of a rigid transform."""
    inverted = np.eye(4)
    inverted[:3, :3] = matrix[:3, :3].T
    inverted[:3, 3] = -matrix[:3, :3].T @ matrix[:3, 3]
    return inverted


def _matrix(row: Row) -> Matrix:
    return SE3(quat_wxyz=np.array(row["rotation"]), translation_m=np.array(row["translation"])).matrix
