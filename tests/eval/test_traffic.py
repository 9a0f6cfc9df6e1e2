"""The census of traffic, on scenes whose figures can be checked by hand."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pytest

from datagen.errors import InputError
from datagen.scene import Actor, Ambience, Area, Category, HDMap, Lane, Polygon, Scene, Trajectory
from eval.traffic import census, ego_census, measure, read_ego_tracks, rows

TIMES_US = np.arange(0, 8_000_001, 500_000, dtype=np.int64)


def lane(name: str, y: float, *, back: bool = False) -> Lane:
    x = np.arange(0.0, 301.0, 5.0)[:: -1 if back else 1]
    side = -1.0 if back else 1.0

    def at(d: float) -> np.ndarray:
        return np.stack([x, np.full_like(x, y + d)], axis=1)

    return Lane(id=name, center_m=at(0.0), left_m=at(1.75 * side), right_m=at(-1.75 * side))


ROAD = HDMap(
    location="road",
    canvas_m=(300.0, 60.0),
    lanes=(lane("there", 28.0), lane("back", 31.5, back=True)),
    drivable=(Area(id="d", polygon=Polygon(exterior_m=np.array([[0, 26], [300, 26], [300, 33.5], [0, 33.5]], float))),),
)


def driven(x_m: np.ndarray, y_m: float, *, yaw: float = 0.0, z: float = 0.0) -> Trajectory:
    xyz = np.column_stack([x_m, np.full(len(x_m), y_m), np.full(len(x_m), z)])
    return Trajectory.from_xyz_yaw(TIMES_US[: len(x_m)], xyz, yaw_rad=np.full(len(x_m), yaw))


def scene(*others: Trajectory, ego_mps: float = 10.0) -> Scene:
    seconds = TIMES_US / 1e6
    actors = tuple(
        Actor(id=f"a{k}", category=Category.CAR, size_lwh_m=(4.0, 1.8, 1.6), trajectory=one)
        for k, one in enumerate(others)
    )
    ego = driven(20.0 + ego_mps * seconds, 28.0)
    return Scene(ego=ego, actors=actors, hdmap=ROAD, ambience=Ambience(), description="")


def test_steady_traffic_breaks_no_rule_and_its_gap_is_the_one_it_keeps() -> None:
    ahead = driven(20.0 + 1.368 + 20.0 + 10.0 * TIMES_US / 1e6, 28.0)
    counted = census("steady", [scene(ahead)])
    assert (counted.vehicles, counted.collided, counted.off_road, counted.wrong_way) == (2, 0, 0, 0)
    assert counted.speeds_mps == pytest.approx(10.0)
    assert counted.accel_mps2.max() == pytest.approx(0.0, abs=1e-6)
    assert counted.gaps_m == pytest.approx(20.0 - (4.0 + 4.084) / 2)
    assert counted.diversity_m == pytest.approx(0.0, abs=1e-6)


def test_collisions_wrong_ways_and_impossible_stops_are_counted() -> None:
    seconds = TIMES_US / 1e6
    through = driven(60.0 + 2.0 * seconds, 28.0)
    ghost = driven(100.0 + 8.0 * seconds, 31.5)
    wall = driven(150.0 + np.minimum(30.0 * seconds, 60.0), 31.5, yaw=0.0)
    counted = census("wild", [scene(through, ghost, wall)])
    assert counted.collided >= 2
    assert counted.wrong_way == 2
    assert (counted.accel_mps2 > 10.4).sum() == 1


def test_ego_tracks_are_read_and_where_there_is_no_map_nobody_leaves_the_road(tmp_path: Path) -> None:
    path = tmp_path / "egos.jsonl"
    way = [[5.0 * t, 0.1 * t, 0.0] for t in range(20)]
    line = {"ego": {"timestamps": [500_000 * t for t in range(20)], "trajectory": way}}
    path.write_text(json.dumps(line) + "\n", encoding="utf-8")
    counted = ego_census("egos", read_ego_tracks(path))
    assert (counted.vehicles, counted.mapped) == (1, 0)
    assert counted.speeds_mps == pytest.approx(np.hypot(10.0, 0.2))
    assert next(iter(list(rows([counted], counted))[1:])).split()[-2:] == ["0.0", "m"]


def test_a_line_without_a_track_is_named(tmp_path: Path) -> None:
    path = tmp_path / "egos.jsonl"
    path.write_text('{"ego": {"timestamps": [1, 2]}}\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"egos.jsonl:1: no `ego`"):
        list(read_ego_tracks(path))


def test_nothing_to_look_at_is_an_error() -> None:
    with pytest.raises(InputError, match="nothing to look at"):
        measure(argparse.Namespace(datasets=[], prompts=None, log=None, ego_tracks=None, version=None))
