"""Trainer `hdmap`: places to samples, seeded traffic that keeps to the lanes, road-network folders."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from adapters.trainer.hdmap.roadnet import read_roadnet
from adapters.trainer.hdmap.samples import Places, prepare, samples_of
from adapters.trainer.hdmap.traffic import Roads, seeded_traffic
from datagen.errors import InputError
from datagen.models.hdmap.pairs import Pairs, read_pair
from datagen.roads.furnish import furnished
from datagen.roads.lawful import lawfulness
from datagen.roads.reference import reference_road
from datagen.scene import HDMap, Place
from datagen.scene.line import Line
from datagen.scene.plan import PlanRoad


@pytest.fixture(scope="module")
def crossroads() -> HDMap:
    rng = np.random.default_rng(1)
    wish = PlanRoad(lanes=2, junction=True, crossing=True)
    return furnished(reference_road(wish, place=Place.DOWNTOWN, length_m=260.0, rng=rng))


def write_roadnet(folder: Path) -> Path:
    """Write a street of two lanes that lead on to two others, in the tables' form."""
    folder.mkdir()
    tables: dict[str, list[dict[str, object]]] = {
        name: [] for name in ("polygon", "lane", "intersection", "laneSection", "segment")
    }
    for start in (100.0, 160.0):
        for lane, low in (("right", 50.0), ("left", 53.5)):
            name = f"{lane}-{start:g}"
            x0, x1, high = start, start + 60.0, low + 3.5
            ring = [(x0, low), (x0, high), (x1, high), (x1, low), (x0, low)]
            text = ", ".join(f"{x} {y}" for x, y in ring)
            tables["polygon"].append({"id": name, "polygon": f"POLYGON (({text}))"})
            tables["lane"].append({"id": name})
            other = f"left-{start:g}_sec" if lane == "right" else None
            back = f"right-{start:g}_sec" if lane == "left" else None
            tables["laneSection"].append({"id": f"{name}_sec", "laneToLeft": other, "laneToRight": back})
            tables["segment"].append({"start": f"POINT ({x0} {low})", "end": f"POINT ({x1} {low})", "polygonId": name})
    for name, rows in tables.items():
        (folder / f"{name}.json").write_text(json.dumps(rows))
    return folder


def test_seeded_traffic_is_lawful_where_it_drives(crossroads: HDMap) -> None:
    roads, middle = Roads(crossroads), crossroads.junctions[0].polygon.exterior_m.mean(axis=0)
    from datagen.roads.canvas import square_canvas

    for seed in range(3):
        tracks = seeded_traffic(roads, middle, duration_s=6.0, rng=np.random.default_rng(seed))
        assert len(tracks) >= 4
        found = lawfulness(crossroads, tracks, square_canvas(middle, 0.0, pixels=256))
        assert found.share > 0.9, found.reasons


def test_the_same_seed_gives_the_same_traffic(crossroads: HDMap) -> None:
    roads, middle = Roads(crossroads), crossroads.junctions[0].polygon.exterior_m.mean(axis=0)
    one, again = (seeded_traffic(roads, middle, duration_s=4.0, rng=np.random.default_rng(5)) for _ in range(2))
    assert len(one) == len(again)
    assert all(np.array_equal(a.xy_m, b.xy_m) for a, b in zip(one, again))


def test_a_road_network_has_lanes_that_lead_on_and_neighbours(tmp_path: Path) -> None:
    hdmap = read_roadnet(write_roadnet(tmp_path / "net"))
    lanes = {lane.id: lane for lane in hdmap.lanes}
    assert lanes["right-100"].successors == ("right-160",)
    assert lanes["right-100"].left_neighbor == "left-100"
    assert lanes["left-160"].right_neighbor == "right-160"
    line = Line(lanes["right-100"].center_m)
    assert np.allclose(line.points_m[:, 1], 51.75)
    assert np.allclose(line.tangent, [1.0, 0.0])
    assert np.allclose(lanes["right-100"].left_m[:, 1], 53.5)
    assert len(hdmap.dividers) == 2
    assert len(hdmap.boundaries) >= 1


def test_what_is_no_road_network_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a folder of road-network tables"):
        read_roadnet(tmp_path)


def test_places_become_pairs_once(tmp_path: Path) -> None:
    places = Places(roadnet=write_roadnet(tmp_path / "net"), windows=3, duration_s=4.0)
    folder = prepare(places, tmp_path / "samples", pixels=64)
    pairs = Pairs.under(folder, pixels=64)
    assert len(pairs.paths) == 3
    assert pairs.places == {"net"}
    pair = read_pair(pairs.paths[0])
    assert pair.traffic[0].any()
    assert pair.truth[3].mean() > 0.02
    written = pairs.paths[0].stat().st_mtime_ns
    assert prepare(places, folder, pixels=64) == folder
    assert pairs.paths[0].stat().st_mtime_ns == written
    with pytest.raises(InputError, match="samples of other places"):
        prepare(places.model_copy(update={"seed": 1}), folder, pixels=64)


def test_samples_are_centred_on_an_ego_that_looks_ahead(tmp_path: Path) -> None:
    places = Places(roadnet=write_roadnet(tmp_path / "net"), windows=4, duration_s=4.0)
    for sample in samples_of(places, pixels=64):
        ego = sample.tracks[0]
        half = len(ego.xy_m) // 2
        assert np.allclose(sample.canvas.to_pixels(ego.xy_m[half]), 32.0)
        assert np.cos(ego.yaw_rad[half] - sample.canvas.heading_rad) == pytest.approx(1.0)


def test_places_are_one_kind_or_the_other() -> None:
    with pytest.raises(InputError, match="either"):
        next(samples_of(Places(), pixels=64))
