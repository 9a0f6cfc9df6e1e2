"""A map read from a raster, as map models draw them, exported: the devkit finds its lanes and walks along them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
import shapely
from nuscenes import NuScenes
from nuscenes.map_expansion.map_api import NuScenesMap

from adapters.exporter.nuscenes import NuScenesExporter
from adapters.exporter.nuscenes.maps import open_map
from datagen.roads.canvas import canvas_around
from datagen.roads.furnish import furnished
from datagen.roads.raster import draw_map
from datagen.roads.vectorise import name_of, vectorised
from datagen.scene import Clip, HDMap, Label, Scene

mpl.use("Agg")


@pytest.fixture
def drawn(street: Scene) -> HDMap:
    """The street's map, through a raster and back."""
    canvas = canvas_around(street, m_per_px=0.4, multiple_px=16, most_m=204.8)
    raster = draw_map(furnished(street.hdmap), canvas)
    return vectorised(raster, canvas, canvas_m=street.hdmap.canvas_m, location=name_of(raster, canvas))


@pytest.fixture
def dataset_on(
    drawn: HDMap,
    street: Scene,
    make_clip: Callable[..., tuple[Clip, list[Label]]],
    exporter: NuScenesExporter,
    tmp_path: Path,
) -> Path:
    """The dataset of one clip on it."""
    clip, labels = make_clip(0, scene=replace(street, hdmap=drawn))
    fragment = clip.folder.parent / "fragment"
    fragment.mkdir()
    exporter.write_fragment(clip, labels=labels, folder=fragment)
    exporter.merge([fragment], tmp_path / "dataset")
    return tmp_path / "dataset"


def test_drawn_lanes_are_found_and_walked_along_their_centre_lines(dataset_on: Path, drawn: HDMap) -> None:
    nusc_map: NuScenesMap = open_map(dataset_on, drawn.location)
    assert drawn.lanes
    for lane in drawn.lanes:
        middle = shapely.LineString(lane.center_m).interpolate(0.5, normalized=True)
        token = nusc_map.get_closest_lane(middle.x, middle.y, radius=2)
        assert token
        walked = np.array(nusc_map.discretize_lanes([token], 0.5)[token])[:, :2]
        apart = shapely.distance(shapely.LineString(lane.center_m), shapely.points(walked))
        assert apart.max() < 0.05
        ahead, drives = walked[-1] - walked[0], lane.center_m[-1] - lane.center_m[0]
        assert ahead @ drives > 0.99 * np.linalg.norm(ahead) * np.linalg.norm(drives)


def test_drawn_layers_lie_around_the_ego_and_are_rendered(dataset_on: Path, drawn: HDMap, street: Scene) -> None:
    nusc_map: NuScenesMap = open_map(dataset_on, drawn.location)
    x, y = street.ego.translation_m[0, :2]
    layers = ["drivable_area", "lane", "ped_crossing", "walkway", "lane_divider", "road_divider"]
    found = nusc_map.get_records_in_patch((x - 50, y - 50, x + 50, y + 50), layers)
    assert all(found[layer] for layer in ("drivable_area", "lane", "walkway")), found
    version = next(path.parent.name for path in dataset_on.glob("*/scene.json"))
    nusc = NuScenes(version, str(dataset_on), verbose=False)
    poses, _, _ = nusc_map.render_egoposes_on_fancy_map(nusc, verbose=False)
    assert len(poses) == len(nusc.sample)
