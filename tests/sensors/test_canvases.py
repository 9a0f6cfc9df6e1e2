from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from datagen.scene import Boundary, Category, HDMap, Light, Weather
from datagen.sensors.canvases import BOX_CHANNELS, box_canvas, map_canvas, proxy_painter
from datagen.sensors.world import World

CHANNELS = list(BOX_CHANNELS)


def boxes(scene, camera, now_us: int) -> np.ndarray:
    world_SE3_cam = scene.ego.pose_at(now_us) @ camera.ego_SE3_cam
    return box_canvas(World(scene, seed=1).at(now_us), camera, world_SE3_cam=world_SE3_cam)


def test_every_category_has_one_channel() -> None:
    members = [category for group in BOX_CHANNELS.values() for category in group]
    assert sorted(members) == sorted(Category)


def test_a_box_fills_the_pixels_its_corners_span(plain, standing, camera, now_us: int) -> None:
    # A 2 m cube whose rear is 20 m ahead: 100 * 1 / 20 = 5 px either side of column 100; the camera is 1.5 m up,
    # so from row 50 - 100 * 0.5 / 20 = 47.5 to row 50 + 100 * 1.5 / 20 = 57.5.
    canvas = boxes(plain(standing("c", x_m=21.0, size_lwh_m=(2.0, 2.0, 2.0))), camera, now_us)
    rows, columns = np.nonzero(canvas[..., CHANNELS.index("car")])
    assert (columns.min(), columns.max()) == pytest.approx((95, 105), abs=1)
    assert (rows.min(), rows.max()) == pytest.approx((47, 57), abs=1)
    assert canvas.sum() == canvas[..., CHANNELS.index("car")].sum()


def test_the_nearer_box_owns_the_pixel(plain, standing, camera, now_us: int) -> None:
    scene = plain(standing("far", x_m=30.0), standing("near", x_m=12.0, category="truck", size_lwh_m=(1.0, 6.0, 4.0)))
    canvas = boxes(scene, camera, now_us)
    assert canvas[..., CHANNELS.index("truck")].any()
    assert not canvas[..., CHANNELS.index("car")].any()


def test_a_box_behind_the_camera_is_not_drawn_and_one_around_it_does_no_harm(plain, standing, camera, now_us) -> None:
    assert not boxes(plain(standing("c", x_m=-15.0)), camera, now_us).any()
    assert boxes(plain(standing("c", x_m=1.0, size_lwh_m=(6.0, 3.0, 3.0))), camera, now_us).shape == (100, 200, 11)


def test_a_boundary_ten_metres_ahead_is_a_level_line(camera, plain, now_us: int) -> None:
    # 1.5 m below a camera of 100 px focal length, 10 m ahead: row 50 + 15.
    line = np.array([[110.0, 80.0], [110.0, 120.0]])
    hdmap = HDMap(location="m", canvas_m=(300.0, 300.0), boundaries=(Boundary(id="b", line_m=line),))
    world_SE3_cam = plain().ego.pose_at(now_us) @ camera.ego_SE3_cam
    canvas = map_canvas(hdmap, camera, world_SE3_cam=world_SE3_cam)
    rows, _ = np.nonzero(canvas[..., 0] > 128)
    assert set(rows.tolist()) <= {64, 65}
    assert not canvas[..., 1:].any()


def test_the_proxy_shows_a_track_in_its_colour_whatever_the_ambience(plain, standing, camera, now_us: int) -> None:
    scene = plain(standing("c", x_m=12.0, color_rgb=(0.1, 0.8, 0.1)))
    night = replace(scene, ambience=replace(scene.ambience, light=Light.NIGHT, weather=Weather.RAIN))
    pictures = []
    for each in (scene, night):
        painter = proxy_painter(each, seed=1)
        ego = each.ego.pose_at(now_us)
        pictures.append(painter.picture(painter.world.at(now_us), camera, world_SE3_ego=ego))
    assert pictures[0].tobytes() == pictures[1].tobytes()
    red, green, blue = pictures[0][49:54, 95:105].reshape(-1, 3).mean(axis=0)
    assert green > 2 * max(red, blue)


def test_the_proxy_shows_figures_where_they_are_asked_for(plain, standing, camera, now_us: int) -> None:
    scene = plain(standing("c", x_m=12.0, color_rgb=(0.1, 0.8, 0.1)))
    ego = scene.ego.pose_at(now_us)
    painters = [proxy_painter(scene, seed=1, figures=figures) for figures in (False, True)]
    block, figure = (each.picture(each.world.at(now_us), camera, world_SE3_ego=ego) for each in painters)
    seen = (block != figure).any(axis=-1)
    columns = np.nonzero(seen.any(axis=0))[0]
    boxed = box_canvas(painters[0].world.at(now_us), camera, world_SE3_cam=ego @ camera.ego_SE3_cam).any(axis=-1)
    assert seen.sum() > 0.2 * boxed.sum()
    reach = np.nonzero(boxed.any(axis=0))[0]
    assert reach.min() - 3 <= columns.min() and columns.max() <= reach.max() + 3
