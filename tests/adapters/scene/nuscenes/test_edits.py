"""Edits do what they say, leave everybody else exactly as recorded, and never put anyone into anyone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from adapters.scene.nuscenes import Settings
from adapters.scene.nuscenes.clearance import Occupancy, footprints
from adapters.scene.nuscenes.edits import Add, Drop, Move, edited
from adapters.scene.nuscenes.reader import LogReader
from datagen.scene import Category, Posture, Scene


@pytest.fixture
def scene(tiny_log: Path) -> Scene:
    reader = LogReader.open(tiny_log, "v1.0-tiny", names=("scene-0001",), map_margin_m=120.0)
    return reader.scene("scene-0001")[0]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_without_edits_the_scene_is_the_very_same(scene: Scene) -> None:
    assert edited(scene, rng())[0] is scene


def test_drop_takes_a_category_away_and_nobody_else(scene: Scene) -> None:
    after, notes = edited(scene, rng(), drop=(Drop(categories=(Category.TRUCK, Category.ADULT)),))
    assert [actor.id for actor in after.actors] == ["scene-0001-van", "scene-0001-cone"]
    assert all(actor is scene.actors[k] for actor, k in zip(after.actors, (0, 3)))
    assert notes == {"edits": "dropped 2"}


@pytest.mark.parametrize(("share", "left"), [(0.0, 4), (0.5, 2), (1.0, 0)])
def test_drop_takes_the_share_that_is_asked(scene: Scene, share: float, left: int) -> None:
    assert len(edited(scene, rng(), drop=(Drop(share=share),))[0].actors) == left


def test_drop_by_instance_takes_exactly_that_one(scene: Scene) -> None:
    after, _ = edited(scene, rng(), drop=(Drop(instances=("scene-0001-van", "scene-0002-van")),))
    assert [actor.id for actor in after.actors] == [actor.id for actor in scene.actors[1:]]


def test_move_shifts_a_whole_track_along_its_heading(scene: Scene) -> None:
    after, _ = edited(scene, rng(), move=(Move(instances=("scene-0001-van",), max_m=3.0),))
    before, moved = scene.actors[0].trajectory, after.actors[0].trajectory
    offset = moved.translation_m - before.translation_m
    np.testing.assert_allclose(offset, np.broadcast_to(offset[0], offset.shape), atol=1e-12)
    assert 0.0 < np.linalg.norm(offset[0]) <= 3.0
    ahead = np.array([np.cos(before.yaw_rad[0]), np.sin(before.yaw_rad[0])])
    assert abs(offset[0, 0] * ahead[1] - offset[0, 1] * ahead[0]) < 1e-9 and offset[0, 2] == 0.0
    assert all(a is b for a, b in zip(after.actors[1:], scene.actors[1:]))


def test_who_finds_no_free_place_stays(scene: Scene) -> None:
    walled = replace(scene, actors=(scene.actors[0], replace(scene.actors[1], trajectory=scene.actors[0].trajectory)))
    after, notes = edited(walled, rng(), move=(Move(instances=("scene-0001-van",), max_m=1.0),))
    assert after.actors[0] is walled.actors[0] and notes["edits"] == "moved 0 of 1"


@pytest.mark.parametrize("category", [Category.CAR, Category.BICYCLE, Category.ADULT, Category.BARRIER])
def test_added_actors_stand_clear_of_everybody(scene: Scene, category: Category) -> None:
    after, notes = edited(scene, rng(), add=(Add(category=category, count=3),))
    new = after.actors[len(scene.actors) :]
    assert len(new) == 3, notes
    assert all(actor.event and actor.category is category for actor in new)
    occupancy = Occupancy.of(after)
    for actor in new:
        assert occupancy.is_free(actor.trajectory, actor.size_lwh_m, but=(actor.id,))


def test_an_added_vehicle_drives_along_its_lane_at_its_speed(scene: Scene) -> None:
    after, _ = edited(scene, rng(1), add=(Add(category=Category.CAR, kind="taxi", speed_mps=6.0),))
    taxi = after.actors[-1]
    assert taxi.look.kind == "taxi" and taxi.posture is Posture.ACTIVE
    times = taxi.trajectory.timestamp_us
    np.testing.assert_allclose(
        taxi.trajectory.velocity_mps(times)[:, 0], 6.0 * np.sign(taxi.trajectory.velocity_mps(times)[0, 0]), rtol=0.01
    )
    lane_centres = (44.75, 48.25, 51.75, 55.25)
    assert min(abs(taxi.trajectory.translation_m[0, 1] - y) for y in lane_centres) < 1e-6
    eastward = taxi.trajectory.translation_m[0, 1] < 50.0
    assert (np.cos(taxi.trajectory.yaw_rad[0]) > 0) == eastward


def test_an_added_standing_vehicle_is_parked_and_on_the_ground(scene: Scene) -> None:
    car = edited(scene, rng(), add=(Add(category=Category.CAR),))[0].actors[-1]
    assert car.posture is Posture.PARKED
    np.testing.assert_allclose(car.trajectory.translation_m[:, 2], car.size_lwh_m[2] / 2, atol=1e-9)


def test_added_people_walk_on_walkways(scene: Scene) -> None:
    walker = edited(scene, rng(), add=(Add(category=Category.CHILD, speed_mps=1.0),))[0].actors[-1]
    y = walker.trajectory.translation_m[:, 1]
    assert ((y > 39.0) & (y < 43.0)).all() or ((y > 57.0) & (y < 61.0)).all()


def test_a_scene_that_is_full_gets_fewer(scene: Scene) -> None:
    after, notes = edited(scene, rng(), add=(Add(category=Category.BUS, count=200, within_m=10.0),))
    added = len(after.actors) - len(scene.actors)
    assert 0 < added < 200 and notes["edits"] == f"added {added} of 200 bus"


def test_the_same_seed_makes_the_same_edits(scene: Scene) -> None:
    edits = {"drop": (Drop(share=0.3),), "move": (Move(share=0.5, max_m=2.0),), "add": (Add(category=Category.CAR),)}
    first, second, other = (edited(scene, rng(seed), **edits)[0] for seed in (5, 5, 6))
    assert [actor.id for actor in first.actors] == [actor.id for actor in second.actors]
    spots = [[actor.trajectory.translation_m[0].tolist() for actor in made.actors] for made in (first, second, other)]
    assert spots[0] == spots[1] != spots[2]


@pytest.mark.parametrize(
    "settings",
    [
        {"drop": [{"instances": ["a"], "share": 0.5}]},
        {"drop": [{"share": 1.5}]},
        {"drop": [{"category": "car"}]},
        {"move": [{"share": 0.5}]},
        {"add": [{"category": "car", "kind": "tank"}]},
        {"add": [{"category": "barrier", "speed_mps": 1.0}]},
        {"add": [{"category": "dragon"}]},
        {"map_margin_m": -1.0},
        {"colour": "red"},
    ],
)
def test_impossible_edits_are_refused(settings: dict) -> None:
    with pytest.raises(ValidationError):
        Settings(root=Path(), **settings)


def test_footprints_are_where_the_box_stands(scene: Scene) -> None:
    van = scene.actors[0]
    times = van.trajectory.timestamp_us[:1]
    (polygon,) = footprints(van.trajectory, van.size_lwh_m, times_us=times)
    assert polygon.area == pytest.approx(5.0 * 2.0)
    assert (polygon.centroid.x, polygon.centroid.y) == pytest.approx((60.0, 46.0))
