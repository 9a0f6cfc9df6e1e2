"""The census counts what is there, and the card says it in the hub's form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from adapters.exporter.nuscenes.card import Prompts, write_card
from adapters.exporter.nuscenes.census import CENSUS_FILE, Census, census_of, dataset_census, read_fragment_census
from adapters.exporter.nuscenes.tables import read_table

TABLES = {
    "scene": [{"token": "s"}],
    "sample": [{"token": f"k{i}", "timestamp": i * 500_000, "scene_token": "s"} for i in range(3)],
    "sensor": [{"token": "lidar", "channel": "LIDAR_TOP"}, {"token": "cam", "channel": "CAM_FRONT"}],
    "calibrated_sensor": [{"token": "on_roof", "sensor_token": "lidar"}, {"token": "ahead", "sensor_token": "cam"}],
    "sample_data": [
        {"sample_token": f"k{i}", "is_key_frame": True, "calibrated_sensor_token": of, "ego_pose_token": f"{of}{i}"}
        for i in range(3)
        for of in ("ahead", "on_roof")
    ],
    "ego_pose": [
        *({"token": f"on_roof{i}", "translation": [5.0 * i, 0.0, 0.0]} for i in range(3)),
        *({"token": f"ahead{i}", "translation": [999.0, 0.0, 0.0]} for i in range(3)),
    ],
    "category": [{"token": "c", "name": "vehicle.car"}, {"token": "p", "name": "human.pedestrian.adult"}],
    "instance": [{"token": "car", "category_token": "c"}, {"token": "walker", "category_token": "p"}],
    "sample_annotation": [
        *(
            {"instance_token": "car", "sample_token": f"k{i}", "translation": [11.0 + 6.0 * i, 0.0, 1.0]}
            | {"visibility_token": "4", "num_lidar_pts": 9, "num_radar_pts": 0}
            for i in range(3)
        ),
        {"instance_token": "walker", "sample_token": "k0", "translation": [0.0, 250.0, 1.0]}
        | {"visibility_token": "", "num_lidar_pts": 0, "num_radar_pts": 0},
    ],
}
"""An ego at 10 m/s behind a car at 12 m/s, and a person 250 m to the left, seen once."""


@pytest.fixture
def census() -> Census:
    """The census of that scene."""
    return census_of(TABLES.__getitem__, ambience_of=lambda _: "rain/night/downtown")


def test_a_scene_is_counted_as_by_hand(census):
    assert (census.scenes, census.samples, census.boxes, census.tracks) == (1, 3, 4, 2)
    assert census.seconds == 1.0
    assert census.unseen == 1
    assert census.categories == {"human.pedestrian.adult": 1, "vehicle.car": 3}
    assert census.visibility == {"": 1, "4": 3}
    assert census.ambience == {"rain/night/downtown": 1}


def test_distances_are_from_where_the_lidar_was(census):
    assert census.distance["vehicle"][2] == 3  # 11, 12 and 13 m lie in the bin from 10 to 15
    assert census.distance["person"][-1] == 1  # farther than the last edge counts in the last bin


def test_speeds_are_between_sightings(census):
    assert np.flatnonzero(census.speed["vehicle"]).tolist() == [24]  # 12 m/s, bins of half a metre a second
    assert sum(census.speed["vehicle"]) == 2
    assert sum(census.speed["person"]) == 0, "seen once"
    assert np.flatnonzero(census.ego_speed).tolist() == [20]


def test_parts_add_up_and_survive_the_disk(census):
    twice = census + census
    assert twice.boxes == 8
    assert twice.distance["vehicle"][2] == 6
    assert census + Census() == census
    assert Census.from_json(twice.to_json()) == twice


def test_the_merge_brings_what_the_tables_hold(dataset: Path, fragments: list[Path]):
    tables = dataset / "v1.0-synth"
    brought = dataset_census(dataset, "v1.0-synth")
    counted = census_of(
        lambda table: read_table(tables / f"{table}.json"), ambience_of=lambda _: next(iter(brought.ambience))
    )
    assert brought == counted
    (fragments[0] / CENSUS_FILE).rename(fragments[0] / "away")
    assert read_fragment_census(fragments[0]).boxes == sum(read_fragment_census(one).boxes for one in fragments) / 3


def test_the_card_opens_with_what_the_hub_reads(dataset: Path):
    text = (dataset / "README.md").read_text(encoding="utf-8")
    _, front, body = text.split("---\n", 2)
    told = YAML(typ="safe", pure=True).load(front)
    assert told["size_categories"] == ["n<1K"]
    assert "nuscenes" in told["tags"]
    assert "| `synth_all` | 3 |" in body
    assert "| drive number 1 | 1 |" in body
    assert f"| `vehicle.car` | {dataset_census(dataset, 'v1.0-synth').categories['vehicle.car']:,} |" in body


def test_a_prompt_cannot_leave_its_cell(tmp_path: Path):
    prompts = Prompts()
    prompts.add({"text": "a van | cuts\nin <b>", "source": {}})
    write_card(tmp_path, version="v1.0-x", census=Census(), prompts=prompts, splits={}, about={})
    assert "| a van \\| cuts in &lt;b> | 1 |" in (tmp_path / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("source", "told"), [("nuscenes", "CC BY-NC-SA 4.0"), ("sumo", "No recording was used")])
def test_layouts_of_a_log_bring_its_licence(tmp_path: Path, source: str, told: str):
    prompts = Prompts()
    prompts.add({"text": "", "source": {"source": source}})
    write_card(tmp_path, version="v1.0-x", census=Census(), prompts=prompts, splits={}, about={})
    assert told in (tmp_path / "README.md").read_text(encoding="utf-8")
