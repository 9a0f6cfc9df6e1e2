"""Maps as the devkit reads them: a road that ends at a junction, drawn here, and D1's small dataset of the street.

```
  y
  90 ┤         │ n1 │ n2 │          n1 leads out, n2 leads in (from the north)
     │         │    │    │
  67 ┤═════════╪════╧════╪════
     │ w2 ◀────│ junction│          the road's four lanes: w1, w2 westwards, e1, e2 eastwards
  60 ┤ ═ ═ ═ ═ │         │          the island (a hole) lies inside the junction
     │ e1 ────▶│         │
  53 ┤═════════╧═════════╧
     0        100       114
```
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import shapely
from nuscenes import NuScenes
from nuscenes.map_expansion import arcline_path_utils
from nuscenes.utils.map_mask import MapMask

from adapters.exporter.nuscenes.maps import mask_name, merge_maps, open_map, write_map_fragment
from datagen.errors import DatasetError, InputError
from datagen.scene import Area, Divider, DividerKind, HDMap, Lane, LaneKind, Paint, Polygon

mpl.use("Agg")
ISLAND = np.array([[106.0, 58.0], [109.0, 58.0], [109.0, 61.0], [106.0, 61.0]])


def strip(name: str, center_m: np.ndarray, **more: object) -> Lane:
    """Return a lane 3.5 m wide along a centre line."""
    ahead = np.gradient(center_m, axis=0)
    left = np.stack([-ahead[:, 1], ahead[:, 0]], axis=-1) / np.linalg.norm(ahead, axis=1, keepdims=True)
    return Lane(id=name, center_m=center_m, left_m=center_m + 1.75 * left, right_m=center_m - 1.75 * left, **more)


def line(start: tuple[float, float], end: tuple[float, float], points: int = 6) -> np.ndarray:
    return np.linspace(start, end, points)


def turn(start: tuple[float, float], corner: tuple[float, float], end: tuple[float, float]) -> np.ndarray:
    """Return a quadratic Bézier curve, a turn across the junction."""
    t = np.linspace(0, 1, 15)[:, None]
    a, b, c = np.array([start, corner, end], dtype=np.float64)
    return (1 - t) ** 2 * a + 2 * t * (1 - t) * b + t**2 * c


def box(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], dtype=np.float64)


def area(name: str, exterior: np.ndarray, *holes: np.ndarray) -> Area:
    return Area(id=name, polygon=Polygon(exterior_m=exterior, holes_m=holes))


@pytest.fixture
def junction_map() -> HDMap:
    """Four lanes that end at a junction with two more to the north."""
    return HDMap(
        location="junction-1",
        canvas_m=(150.0, 100.0),
        lanes=(
            strip("e1", line((0, 58.25), (100, 58.25)), right_neighbor="e2", successors=("e1-n1",)),
            strip("e2", line((0, 54.75), (100, 54.75)), left_neighbor="e1"),
            strip("w1", line((100, 61.75), (0, 61.75)), right_neighbor="w2"),
            strip("w2", line((100, 65.25), (0, 65.25)), left_neighbor="w1", kind=LaneKind.BIKE),
            strip("n1", line((112.25, 67), (112.25, 90))),
            strip("n2", line((108.75, 90), (108.75, 67)), successors=("n2-w2",)),
            strip("e1-n1", turn((100, 58.25), (112.25, 58.25), (112.25, 67)), junction=True, successors=("n1",)),
            strip("n2-w2", turn((108.75, 67), (108.75, 65.25), (100, 65.25)), junction=True, successors=("w2",)),
        ),
        dividers=(
            Divider(id="middle", line_m=line((0, 60), (100, 60)), kind=DividerKind.ROAD, paint=Paint.DOUBLE_YELLOW),
            Divider(id="east", line_m=line((0, 56.5), (100, 56.5)), kind=DividerKind.LANE),
            Divider(id="west", line_m=line((0, 63.5), (100, 63.5)), kind=DividerKind.LANE, paint=Paint.SOLID_WHITE),
        ),
        crossings=(area("zebra", box(94, 53, 97, 67)),),
        walkways=(area("south", box(0, 50, 114, 53)), area("north", box(0, 67, 100, 70))),
        junctions=(area("j", box(100, 53, 114, 67)),),
        stop_lines=(area("stop-east", box(91, 53, 91.5, 60)), area("stop-north", box(107, 72, 110.5, 72.5))),
        carparks=(area("park", box(20, 70, 60, 80)),),
        drivable=(
            area("road", box(0, 53, 114, 67), ISLAND),
            area("arm", box(107, 67, 114, 90)),
        ),
    )


@pytest.fixture
def town(junction_map: HDMap, tmp_path: Path) -> Path:
    """A folder with the maps of a dataset."""
    return merged(tmp_path, junction_map)


@pytest.fixture(autouse=True)
def no_figures() -> Iterator[None]:
    yield
    plt.close("all")


def merged(folder: Path, *hdmaps: HDMap) -> Path:
    """Write every map as the fragment of a clip, and merge them."""
    fragments = []
    for index, hdmap in enumerate(hdmaps):
        fragments.append(folder / f"fragment{index}")
        fragments[-1].mkdir(parents=True)
        write_map_fragment(hdmap, fragments[-1])
    merge_maps(fragments, folder / "dataset")
    return folder / "dataset"


def centre_of(hdmap: HDMap, name: str) -> np.ndarray:
    return next(lane.center_m for lane in hdmap.lanes if lane.id == name)


def named(nusc_map, hdmap: HDMap) -> dict[str, str]:
    """Return our lane id → the devkit's token, found by asking for the closest lane to each lane's middle."""
    found = {}
    for lane in hdmap.lanes:
        middle = shapely.LineString(lane.center_m).interpolate(0.5, normalized=True)
        found[lane.id] = nusc_map.get_closest_lane(middle.x, middle.y, radius=2)
    return found


def test_every_lane_is_found_and_walked_along_its_own_centre_line(town, junction_map):
    nusc_map = open_map(town, "junction-1")
    tokens = named(nusc_map, junction_map)
    assert len(set(tokens.values())) == len(junction_map.lanes)
    walked = nusc_map.discretize_lanes(list(tokens.values()), 0.5)
    for lane in junction_map.lanes:
        poses = np.array(walked[tokens[lane.id]])
        apart = shapely.distance(shapely.LineString(lane.center_m), shapely.points(poses[:, :2]))
        assert apart.max() < 0.035
        assert poses[0, :2] == pytest.approx(lane.center_m[0], abs=1e-4)
        assert poses[-1, :2] == pytest.approx(lane.center_m[-1], abs=1e-4)
    heading = np.array(walked[tokens["w1"]])[:, 2]
    assert np.abs(np.abs(heading) - np.pi).max() < 1e-6, "w1 goes west"


def test_lanes_lead_where_ours_do(town, junction_map):
    nusc_map = open_map(town, "junction-1")
    tokens = named(nusc_map, junction_map)
    assert nusc_map.get_outgoing_lane_ids(tokens["e1"]) == [tokens["e1-n1"]]
    assert nusc_map.get_outgoing_lane_ids(tokens["e1-n1"]) == [tokens["n1"]]
    assert nusc_map.get_incoming_lane_ids(tokens["w2"]) == [tokens["n2-w2"]]
    assert nusc_map.get_outgoing_lane_ids(tokens["e2"]) == []
    connectors = {record["token"] for record in nusc_map.lane_connector}
    assert connectors == {tokens["e1-n1"], tokens["n2-w2"]}
    types = {name: nusc_map.get("lane", tokens[name])["lane_type"] for name in ("w1", "w2")}
    assert types == {"w1": "CAR", "w2": "BIKE"}


def test_points_lie_on_the_layers_they_should(town):
    nusc_map = open_map(town, "junction-1")
    on = {layer for layer, token in nusc_map.layers_on_point(95.0, 58.0).items() if token}
    assert on == {"drivable_area", "road_segment", "road_block", "lane", "ped_crossing"}
    on = {layer for layer, token in nusc_map.layers_on_point(110.0, 55.0).items() if token}
    assert on == {"drivable_area", "road_segment"}
    assert {layer for layer, token in nusc_map.layers_on_point(40.0, 75.0).items() if token} == {"carpark_area"}
    assert {layer for layer, token in nusc_map.layers_on_point(40.0, 51.0).items() if token} == {"walkway"}
    assert not nusc_map.layers_on_point(107.5, 59.5)["drivable_area"], "the island is a hole"


def test_a_patch_holds_what_lies_in_it(town):
    nusc_map = open_map(town, "junction-1")
    layers = [*nusc_map.non_geometric_layers, "lane_connector"]
    counts = {layer: len(found) for layer, found in nusc_map.get_records_in_patch((0, 0, 150, 100), layers).items()}
    assert counts == {
        "drivable_area": 2,
        "road_segment": 5,
        "road_block": 4,
        "lane": 6,
        "ped_crossing": 1,
        "walkway": 2,
        "stop_line": 2,
        "carpark_area": 1,
        "road_divider": 1,
        "lane_divider": 2,
        "traffic_light": 0,
        "lane_connector": 2,
    }
    near = nusc_map.get_records_in_patch((104, 70, 116, 80), layers)
    assert {layer for layer, found in near.items() if found} == {
        "drivable_area",
        "road_segment",
        "road_block",
        "lane",
        "stop_line",
    }


def test_road_blocks_hold_lanes_side_by_side(town):
    nusc_map = open_map(town, "junction-1")
    bounds = sorted(tuple(nusc_map.get_bounds("road_block", record["token"])) for record in nusc_map.road_block)
    assert bounds == [(0, 53, 100, 60), (0, 60, 100, 67), (107, 67, 110.5, 90), (110.5, 67, 114, 90)]
    assert sum(record["is_intersection"] for record in nusc_map.road_segment) == 1


def test_records_name_what_they_lie_on(town):
    nusc_map = open_map(town, "junction-1")
    (crossing,) = nusc_map.ped_crossing
    segment = nusc_map.get("road_segment", crossing["road_segment_token"])
    assert not segment["is_intersection"]
    assert nusc_map.get("drivable_area", segment["drivable_area_token"])["polygon_tokens"]
    for block in nusc_map.road_block:
        assert nusc_map.get("road_segment", block["road_segment_token"])["polygon_token"] == block["polygon_token"]


def test_a_stop_line_s_cue_is_the_crossing_beside_it(town):
    nusc_map = open_map(town, "junction-1")
    kinds = {record["stop_line_type"]: record["cue"] for record in nusc_map.stop_line}
    assert [cue["token"] for cue in kinds["PED_CROSSING"]] == [nusc_map.ped_crossing[0]["token"]]
    assert kinds["TURN_STOP"] == []


def test_edges_know_their_paint(town, junction_map):
    nusc_map = open_map(town, "junction-1")
    tokens = named(nusc_map, junction_map)

    def paint(lane: str, side: str) -> set[str]:
        segments = nusc_map.get("lane", tokens[lane])[f"{side}_lane_divider_segments"]
        return {segment["segment_type"] for segment in segments}

    assert paint("e1", "right") == {"DOUBLE_DASHED_WHITE"} == paint("e2", "left")
    assert paint("w1", "right") == {"SINGLE_SOLID_WHITE"}
    assert paint("e1", "left") == {"SINGLE_SOLID_YELLOW"}
    assert paint("e2", "right") == set(), "the kerb is not a divider"
    node = nusc_map.get("lane", tokens["e1"])["right_lane_divider_segment_nodes"][0]
    assert (node["x"], node["y"]) == (0.0, 56.5)


def test_what_follows_shares_the_nodes_of_the_edge(town, junction_map):
    nusc_map = open_map(town, "junction-1")
    lane = nusc_map.get("lane", named(nusc_map, junction_map)["e1"])
    ends = nusc_map.get("line", lane["to_edge_line_token"])["node_tokens"]
    neighbour = nusc_map.get("lane", named(nusc_map, junction_map)["e2"])
    assert set(ends) & set(neighbour["exterior_node_tokens"]), "lanes side by side share a corner"
    assert nusc_map.get_next_roads(98.0, 54.75)["road_segment"] is not None


def test_the_mask_is_white_where_one_can_drive(town, junction_map):
    mask = MapMask(str(town / "maps" / f"{mask_name('junction-1')}.png"))
    assert mask.mask().shape == (1000, 1500)
    assert set(np.unique(mask.mask())) == {0, 255}
    road = shapely.union_all([shapely.Polygon(a.polygon.exterior_m, a.polygon.holes_m) for a in junction_map.drivable])
    points = np.random.default_rng(0).uniform([0.1, 0.1], [149, 99], (20_000, 2))
    differs = mask.is_on_mask(points[:, 0], points[:, 1]) != shapely.contains_xy(road, points)
    assert shapely.distance(road.boundary, shapely.points(points[differs])).max(initial=0) < 0.15


def test_a_mask_is_the_same_in_one_band_or_many(town, junction_map, tmp_path, monkeypatch):
    monkeypatch.setattr("adapters.exporter.nuscenes.map_mask.BAND_ROWS", 37)
    name = f"maps/{mask_name('junction-1')}.png"
    again = merged(tmp_path / "bands", junction_map)
    one, many = (MapMask(str(root / name)).mask() for root in (town, again))
    assert np.array_equal(one, many)


def test_pieces_of_one_location_unite(junction_map, tmp_path):
    whole = open_map(merged(tmp_path / "whole", junction_map), "junction-1")
    west = replace(
        junction_map,
        canvas_m=(120.0, 100.0),
        lanes=junction_map.lanes[:5],
        drivable=junction_map.drivable[:1],
        crossings=(),
        junctions=(),
    )
    east = replace(junction_map, lanes=junction_map.lanes[3:], drivable=junction_map.drivable[1:])
    both = open_map(merged(tmp_path / "both", west, east), "junction-1")
    other_way = open_map(merged(tmp_path / "other", east, west), "junction-1")
    assert whole.json_obj == both.json_obj == other_way.json_obj


def test_clips_that_read_one_map_in_frames_of_their_own_unite(junction_map, tmp_path):
    far = np.array([552.779, 366.657])
    for index, noise_m in enumerate((0.0, 3e-13)):
        moved = tuple(
            replace(lane, **{name: getattr(lane, name) + far + noise_m for name in ("center_m", "left_m", "right_m")})
            for lane in junction_map.lanes
        )
        (tmp_path / str(index)).mkdir()
        write_map_fragment(replace(junction_map, lanes=moved), tmp_path / str(index))
    merge_maps([tmp_path / "0", tmp_path / "1"], tmp_path)


def test_the_same_maps_give_the_same_bytes(junction_map, tmp_path):
    roots = [merged(tmp_path / name, junction_map, junction_map) for name in ("a", "b")]
    for name in ("maps/expansion/junction-1.json", f"maps/{mask_name('junction-1')}.png"):
        assert (roots[0] / name).read_bytes() == (roots[1] / name).read_bytes()
    pieces = [root.parent / "fragment0" / "map.jsonl.gz" for root in roots]
    assert pieces[0].read_bytes() == pieces[1].read_bytes()


def test_locations_do_not_mix(junction_map, street_map, tmp_path):
    dataset = merged(tmp_path, junction_map, street_map)
    assert len(open_map(dataset, "junction-1").lane) == 6
    assert len(open_map(dataset, "test-street").lane) == 4
    assert len(list((dataset / "maps").glob("*.png"))) == 2


def test_one_location_must_be_one_world(junction_map, tmp_path):
    moved = replace(junction_map, crossings=(area("zebra", box(80, 53, 83, 67)),))
    with pytest.raises(DatasetError, match=r"'junction-1': ped_crossing 'zebra' is not the same in .*fragment0"):
        merged(tmp_path, junction_map, moved)


def test_a_location_that_is_no_file_name_is_refused(junction_map, tmp_path):
    for name in ("../elsewhere", "a/b", "", ".hidden"):
        with pytest.raises(InputError, match="cannot be a file name"):
            write_map_fragment(replace(junction_map, location=name), tmp_path)


def test_an_unknown_location_is_answered_with_those_there_are(town):
    with pytest.raises(DatasetError, match="no map expansion of 'boston'; there are: junction-1"):
        open_map(town, "boston")


def test_nuscenes_own_places_keep_the_mask_names_the_devkit_knows(junction_map, tmp_path):
    dataset = merged(tmp_path, replace(junction_map, location="boston-seaport"))
    from nuscenes.map_expansion.bitmap import BitMap

    bitmap = BitMap(str(dataset), "boston-seaport", "semantic_prior")
    assert bitmap.image.shape == (1000, 1500)


def test_a_map_without_a_road_has_an_empty_mask(tmp_path):
    dataset = merged(tmp_path, HDMap(location="nowhere", canvas_m=(20.0, 10.0)))
    nusc_map = open_map(dataset, "nowhere")
    assert nusc_map.lane == []
    assert nusc_map.get_closest_lane(5, 5) == ""
    assert MapMask(str(dataset / f"maps/{mask_name('nowhere')}.png")).mask().max() == 0


def test_curvature_is_the_turn_s(town, junction_map):
    nusc_map = open_map(town, "junction-1")
    path = nusc_map.get_arcline_path(named(nusc_map, junction_map)["e1-n1"])
    length = arcline_path_utils.length_of_lane(path)
    assert length == pytest.approx(shapely.LineString(centre_of(junction_map, "e1-n1")).length, abs=0.1)
    assert arcline_path_utils.get_curvature_at_distance_along_lane(length / 2, path) == pytest.approx(0.126, abs=0.05)


def test_the_devkit_draws_a_dataset_s_map_over_picture_and_poses(dataset: Path, tmp_path: Path):
    nusc = NuScenes(version="v1.0-synth", dataroot=str(dataset), verbose=False)
    nusc_map = open_map(dataset, "test-street")
    _, axes = nusc_map.render_map_in_image(
        nusc,
        nusc.sample[0]["token"],
        layer_names=["lane", "ped_crossing", "walkway"],
        min_polygon_area=1,
        verbose=False,
    )
    assert len(axes.patches) >= 5, "lanes, the crossing and the walkways are ahead"
    poses, _, _ = nusc_map.render_egoposes_on_fancy_map(nusc, verbose=False, out_path=str(tmp_path / "m.png"))
    assert len(poses) == 9
    assert (tmp_path / "m.png").stat().st_size > 10_000
    mask = nusc.map[0]["mask"]
    assert mask.is_on_mask(poses[:, 0], poses[:, 1]).all(), "the ego drives on the road"
