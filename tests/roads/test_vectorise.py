"""Raster to vectors: what was drawn comes back, with lanes one can drive."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from adapters.trainer.hdmap.roadnet import read_roadnet
from datagen import plugins
from datagen.ports import Take
from datagen.roads.canvas import Canvas, square_canvas
from datagen.roads.raster import draw_map
from datagen.roads.vectorise import name_of, vectorised
from datagen.scene import DividerKind, HDMap, Prompt
from datagen.scene.line import Line

TOLERANCE_PX = 2
REAL_ROADS = Path(__file__).resolve().parents[3] / "shared" / "data" / "boston-roads"
REAL_LOG = REAL_ROADS.parent / "nuscenes-mini"


def iou(truth: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Intersection over union of two masks, where pixels up to TOLERANCE_PX apart count as the same."""
    a, b = truth > 0.5, other > 0.5
    if not a.any() or not b.any():
        return float(a.any() == b.any())
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * TOLERANCE_PX + 1,) * 2)
    near_a, near_b = (cv2.dilate(mask.astype(np.uint8), disc) > 0 for mask in (a, b))
    recall, precision = (a & near_b).sum() / a.sum(), (b & near_a).sum() / b.sum()
    return float(precision * recall / (precision + recall - precision * recall)) if precision * recall else 0.0


def round_trip(hdmap: HDMap, canvas: Canvas) -> tuple[HDMap, list[float]]:
    """Return the map read back, and the IoU of boundary, divider, crossing, drivable area and lanes."""
    raster = draw_map(hdmap, canvas)
    found = vectorised(raster, canvas, canvas_m=hdmap.canvas_m, location="back")
    again = draw_map(found, canvas)
    lanes = iou(np.hypot(*raster[4:]), np.hypot(*again[4:]))
    return found, [*(iou(raster[i], again[i]) for i in range(4)), lanes]


def test_a_crossroads_comes_back(crossroads: HDMap, on_junction: Canvas) -> None:
    found, figures = round_trip(crossroads, on_junction)
    assert min(figures) > 0.95, figures
    assert len(found.crossings) == len(crossroads.crossings)
    assert len(found.junctions) == 1


def test_lanes_point_the_way_they_are_driven(crossroads: HDMap, on_junction: Canvas) -> None:
    found, _ = round_trip(crossroads, on_junction)
    lanes = [lane for lane in found.lanes if not lane.junction]
    true = [Line(lane.center_m) for lane in crossroads.lanes if not lane.junction]
    for lane in lanes:
        line = Line(lane.center_m)
        at, heading = line.at(line.length_m / 2)
        aside = [abs(float(other.project(at)[1][0])) for other in true]
        nearest = true[int(np.argmin(aside))]
        towards = nearest.at(nearest.project(at)[0])[1]
        assert min(aside) < 0.5
        assert np.cos(heading - towards)[0] > 0.95


def test_every_lane_into_the_junction_leads_through_it(crossroads: HDMap, on_junction: Canvas) -> None:
    found, _ = round_trip(crossroads, on_junction)
    lanes = {lane.id: lane for lane in found.lanes}
    connectors = [lane for lane in found.lanes if lane.junction]
    entries = {name for lane in found.lanes if not lane.junction for name in lane.successors}
    assert entries == {lane.id for lane in connectors}
    assert len([lane for lane in lanes.values() if lane.successors and not lane.junction]) >= 6
    for connector in connectors:
        (onward,) = connector.successors
        assert np.allclose(connector.center_m[-1], lanes[onward].center_m[0], atol=1e-6)
        assert np.allclose(connector.center_m[0], lanes[connector.id.split(">")[0]].center_m[-1], atol=1e-6)


def test_lanes_are_as_wide_as_they_were(crossroads: HDMap, on_junction: Canvas) -> None:
    found, _ = round_trip(crossroads, on_junction)
    widths = [
        float(np.median(np.linalg.norm(lane.left_m - lane.right_m, axis=1)))
        for lane in found.lanes
        if not lane.junction and Line(lane.center_m).length_m > 10
    ]
    assert np.allclose(widths, 3.5, atol=0.5), widths


def test_directions_are_parted_by_road_dividers(crossroads: HDMap, on_junction: Canvas) -> None:
    found, _ = round_trip(crossroads, on_junction)
    kinds = [divider.kind for divider in found.dividers]
    assert kinds.count(DividerKind.ROAD) == 4  # one an arm
    assert DividerKind.LANE in kinds


def test_neighbours_are_mutual(crossroads: HDMap, on_junction: Canvas) -> None:
    found, _ = round_trip(crossroads, on_junction)
    lanes = {lane.id: lane for lane in found.lanes}
    beside = [lane for lane in lanes.values() if lane.left_neighbor]
    assert beside
    for lane in beside:
        assert lanes[lane.left_neighbor or ""].right_neighbor == lane.id


def test_nothing_lies_off_the_map(crossroads: HDMap) -> None:
    canvas = square_canvas(np.array([20.0, 20.0]), 0.4, pixels=256)
    found, _ = round_trip(crossroads, canvas)
    parts = [area.polygon.exterior_m for area in (*found.drivable, *found.crossings)]
    parts += [line.line_m for line in (*found.boundaries, *found.dividers)]
    for part in parts:
        assert (part > -0.5).all()


def test_a_blank_raster_is_a_map_without_roads(on_junction: Canvas) -> None:
    blank = np.zeros((6, 256, 256), dtype=np.float32)
    found = vectorised(blank, on_junction, canvas_m=(500.0, 500.0), location="none")
    assert not (found.lanes or found.drivable or found.boundaries or found.dividers or found.crossings)


def test_knots_of_badly_drawn_bands_are_no_lanes() -> None:
    canvas = Canvas(center_m=(50.0, 50.0), heading_rad=0.0, size_px=(32, 32), m_per_px=0.4)
    raster = np.zeros((6, 32, 32), dtype=np.float32)
    raster[3] = 1.0
    blot = ["..##.#", "..####", "###..#", ".#####", "##.###", "######", "#.##.#", ".#####"]
    raster[4, 10:18, 10:16] = [[mark == "#" for mark in row] for row in blot]
    hdmap = vectorised(raster, canvas, canvas_m=(100.0, 100.0), location="blot")
    assert all(np.isfinite(lane.left_m).all() for lane in hdmap.lanes)


def test_the_name_says_which_map_it_is(crossroads: HDMap, on_junction: Canvas) -> None:
    raster = draw_map(crossroads, on_junction)
    assert name_of(raster, on_junction) == name_of(raster.copy(), on_junction)
    assert name_of(raster, on_junction) != name_of(raster * 0.5, on_junction)


@pytest.mark.skipif(not REAL_ROADS.is_dir(), reason="needs ../shared/data/boston-roads")
def test_real_boston_comes_back() -> None:
    hdmap = read_roadnet(REAL_ROADS)
    rng = np.random.default_rng(0)
    streets = [lane for lane in hdmap.lanes if not lane.junction]
    figures = []
    for _ in range(8):
        lane = streets[int(rng.integers(len(streets)))]
        ahead = lane.center_m[-1] - lane.center_m[0]
        canvas = square_canvas(lane.center_m.mean(axis=0), float(np.arctan2(ahead[1], ahead[0])), pixels=256)
        figures.append(round_trip(hdmap, canvas)[1])
    assert np.min(np.mean(figures, axis=0)) > 0.95, figures


@pytest.mark.skipif(not REAL_LOG.is_dir(), reason="needs ../shared/data/nuscenes-mini")
def test_real_nuscenes_comes_back() -> None:
    (stage,) = plugins.build(
        "scene", {"use": "nuscenes", "root": REAL_LOG, "scenes": ["scene-0103", "scene-0916"]}
    ).stages()
    stage.open()
    figures = []
    for index in range(2):
        prompt = Prompt(id=str(index), index=index, text="", seed=0, duration_s=20.0)
        (take,) = stage.run([Take(id=str(index), prompt=prompt, workdir=REAL_LOG)])
        ego = take.scene.ego
        for knot in np.linspace(0, len(ego.timestamp_us) - 1, 3).astype(int):
            canvas = square_canvas(ego.translation_m[knot, :2], float(ego.yaw_rad[knot]), pixels=256)
            figures.append(round_trip(take.scene.hdmap, canvas)[1])
    assert np.min(np.mean(figures, axis=0)) > 0.95, figures


def test_bands_of_two_lanes_that_touch_where_a_road_ends_stay_two_lanes() -> None:
    canvas = square_canvas(np.array([100.0, 100.0]), 0.0, pixels=256)
    raster = np.zeros((6, 256, 256), dtype=np.float32)
    raster[3, 110:150, 20:256] = 1.0
    raster[4, 120:124, 40:256] = raster[4, 130:134, 40:256] = raster[4, 120:134, 36:40] = 1.0
    found = vectorised(raster, canvas, canvas_m=(200.0, 200.0), location="touching")
    ways = [float(lane.center_m[-1, 0] - lane.center_m[0, 0]) for lane in found.lanes if not lane.junction]
    assert len(ways) == 2
    assert min(ways) > 80.0
