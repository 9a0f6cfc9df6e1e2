from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from adapters.scene.sumo.fleet import draw_body, draw_color
from adapters.scene.sumo.narration import (
    LIGHT_WORDS,
    PLACE_WORDS,
    WEATHER_WORDS,
    asked_for,
    describe,
    draw,
    draw_ambience,
)
from datagen.scene import Actor, Ambience, Area, Category, HDMap, Light, Place, Polygon, Trajectory, Weather

TIMES_US = np.arange(0, 4_000_001, 100_000, dtype=np.int64)
ZEBRA = np.array([[40.0, -5.0], [44.0, -5.0], [44.0, 5.0], [40.0, 5.0]])
SQUARE = np.array([[20.0, -9.0], [38.0, -9.0], [38.0, 9.0], [20.0, 9.0]])
CORNER = HDMap(
    location="corner",
    canvas_m=(100.0, 100.0),
    crossings=(Area(id="c", polygon=Polygon(exterior_m=ZEBRA)),),
    junctions=(Area(id="j", polygon=Polygon(exterior_m=SQUARE)),),
)


def moving(start, velocity, *, turn_rad: float = 0.0) -> Trajectory:
    seconds = TIMES_US[:, None] / 1e6
    xy = np.array(start, dtype=float) + seconds * np.array(velocity, dtype=float)
    xyz = np.concatenate([xy, np.zeros((len(xy), 1))], axis=1)
    return Trajectory.from_xyz_yaw(TIMES_US, xyz, yaw_rad=np.linspace(0.0, turn_rad, len(xy)))


def actor(category: Category, trajectory: Trajectory) -> Actor:
    return Actor(id=category.value, category=category, size_lwh_m=category.typical_size_lwh_m, trajectory=trajectory)


@pytest.mark.parametrize(
    ("text", "words", "answer"),
    [
        ("Rainy NIGHT downtown", WEATHER_WORDS, Weather.RAIN),
        ("Rainy NIGHT downtown", LIGHT_WORDS, Light.NIGHT),
        ("Rainy NIGHT downtown", PLACE_WORDS, Place.DOWNTOWN),
        ("a parked car", PLACE_WORDS, None),
        ("", LIGHT_WORDS, None),
    ],
)
def test_words_of_a_prompt_are_understood(text, words, answer):
    assert asked_for(text, words) is answer


def test_words_go_before_weights():
    look = draw_ambience(
        "fog",
        place=Place.PARK,
        weather={Weather.CLEAR: 1.0},
        light={Light.DUSK: 1.0},
        rng=np.random.default_rng(0),
    )
    assert look == Ambience(weather=Weather.FOG, light=Light.DUSK, place=Place.PARK, text="fog")


def test_draws_follow_the_weights_whatever_their_order():
    weights = {Weather.RAIN: 1.0, Weather.CLEAR: 3.0, Weather.FOG: 0.0}
    turned = dict(reversed(weights.items()))
    drawn = [draw(weights, rng=np.random.default_rng(seed)) for seed in range(400)]
    assert drawn == [draw(turned, rng=np.random.default_rng(seed)) for seed in range(400)]
    counts = Counter(drawn)
    assert counts[Weather.FOG] == 0
    assert 0.18 < counts[Weather.RAIN] / 400 < 0.32


def test_a_description_reads_like_nuscenes():
    ego = moving((0.0, 0.0), (10.0, 0.0), turn_rad=1.5)
    people = actor(Category.ADULT, moving((42.0, -4.0), (0.0, 1.5)))
    truck = actor(Category.TRUCK, moving((10.0, 3.0), (8.0, 0.0)))
    far = actor(Category.BUS, moving((500.0, 0.0), (0.0, 0.0)))
    look = Ambience(weather=Weather.RAIN, light=Light.NIGHT)
    text = describe(ego, actors=[people, truck, far], hdmap=CORNER, ambience=look)
    assert text == "Night, rain, turn left, peds on crosswalk, peds on sidewalk, truck"


def test_an_ego_that_stands_before_a_junction_waits():
    ego = moving((10.0, 0.0), (0.0, 0.0))
    assert describe(ego, actors=[], hdmap=CORNER, ambience=Ambience()) == "Wait at intersection, arrive at intersection"


def test_three_of_four_cars_are_black_white_or_grey():
    rng = np.random.default_rng(0)
    colors = np.array([draw_color(Category.CAR, kind="sedan", rng=rng) for _ in range(1000)])
    plain = np.ptp(colors, axis=1) < 0.1
    assert 0.68 < plain.mean() < 0.82


def test_bodies_scatter_around_their_class_mean():
    rng = np.random.default_rng(0)
    sizes = np.array([draw_body(Category.ADULT, rng=rng).size_lwh_m for _ in range(300)])
    np.testing.assert_allclose(sizes.mean(axis=0), Category.ADULT.typical_size_lwh_m, rtol=0.02)
    assert sizes.std(axis=0).min() > 0.01
