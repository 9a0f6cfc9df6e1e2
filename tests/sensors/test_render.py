from __future__ import annotations

import numpy as np
import pytest

from adapters.video.raycast import Raycast, Settings
from datagen.scene import Ambience, Category, Light, Place, Shot, Weather, regular_timeline
from datagen.sensors.render import Painter
from datagen.sensors.world import NOBODY, World


def filmed(scene, camera, now_us: int) -> np.ndarray:
    world = World(scene, seed=1)
    ego = scene.ego.pose_at(now_us)
    return Painter(world).picture(world.at(now_us), camera, world_SE3_ego=ego)


def test_a_red_car_is_red_where_it_stands(plain, standing, camera, now_us: int) -> None:
    # 10 m ahead, a van is 19 px wide and its rear fills the middle of the picture below the horizon.
    red = filmed(plain(standing("car", x_m=12.0, kind="van", color_rgb=(0.9, 0.05, 0.05))), camera, now_us)
    patch = red[56:60, 96:104].reshape(-1, 3).mean(axis=0)
    assert patch[0] > 2 * patch[1]


def test_the_sky_is_above_the_horizon_and_the_ground_below(plain, camera, now_us: int) -> None:
    picture = filmed(plain(), camera, now_us).astype(float)
    assert picture[:20].mean() > 1.3 * picture[60:].mean()
    assert picture[:20, :, 2].mean() > picture[:20, :, 0].mean()


@pytest.mark.parametrize(("weather", "light"), [(weather, light) for weather in Weather for light in Light])
def test_every_weather_and_light_can_be_filmed(plain, camera, now_us, weather, light) -> None:
    scene = plain(ambience=Ambience(weather=weather, light=light, place=Place.RESIDENTIAL))
    mean = filmed(scene, camera, now_us).mean()
    assert (mean < 80) if light is Light.NIGHT else (70 < mean < 220)


def test_nothing_unlabelled_stands_on_the_road_or_the_walkways(street) -> None:
    world = World(street, seed=1)
    surfaces = world.static_surfaces
    assert (surfaces.owner == NOBODY).all()
    x, y = np.meshgrid(np.arange(10.0, 230.0, 0.5), np.arange(40.5, 59.6, 0.5))
    low = np.stack([x.ravel(), y.ravel(), np.full(x.size, 2.2)], axis=-1).astype(np.float32)
    down = np.tile(np.array([0.0, 0.0, -1.0], dtype=np.float32), (len(low), 1))
    height = 2.2 - world.static.trace(low, down).distance_m
    assert height.max() < 0.15  # a kerb, at most


def test_nothing_unlabelled_stands_in_an_actors_way(plain, standing, now_us: int) -> None:
    scene = plain(*(standing(f"a{y}", x_m=20.0, y_m=float(y), category=Category.ADULT) for y in range(-30, 31, 3)))
    world = World(scene, seed=1)
    for actor in scene.actors:
        center = actor.trajectory.translation_m[0].astype(np.float32)[None]
        up = world.static.trace(center, np.array([[0.0, 0.0, 1.0]], dtype=np.float32))
        assert up.distance_m[0] > 2.0


def test_the_same_shot_gives_the_same_bytes_and_every_frame_of_every_camera(street, nuscenes_rig) -> None:
    timeline = regular_timeline(street.ego.start_us, 1.0, rate_hz=2.0, views=6)
    shot = Shot(clip_id="c", scene=street, rig=nuscenes_rig.resized(112, 64), timeline=timeline, seed=5)
    first, second = (list(Raycast(Settings()).film([shot])) for _ in range(2))
    assert [(frame.frame, frame.channel) for frame in first] == [
        (number, channel) for number in range(2) for channel in nuscenes_rig.channels
    ]
    assert all(a.image.tobytes() == b.image.tobytes() for a, b in zip(first, second))


def test_a_scene_with_nothing_in_it_still_has_a_street(plain, camera, now_us: int) -> None:
    assert filmed(plain(), camera, now_us).std() > 10


def test_who_is_labelled_first_at_an_instant_is_in_the_picture_shot_just_before(plain, standing, now_us: int) -> None:
    car = standing("car", x_m=12.0)
    world = World(plain(car), seed=1)
    first_us = car.trajectory.start_us
    assert [body.actor.id for body in world.at(first_us - 43_000).bodies] == ["car"]
    assert world.at(first_us - 400_000).bodies == []
