"""Targets, on masks drawn by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from datagen.models.perception import BACKGROUND, CLASSES, MARKING, ROAD
from datagen.models.perception.classes import FIRST_OBJECT, IGNORED
from datagen.models.perception.targets import Target, target_of
from datagen.models.perception.training import center_maps, focal_loss
from datagen.scene import Actor, Category, Trajectory

CAR = CLASSES.index("car")


def someone(category: Category) -> Actor:
    """Return an actor; where it is does not matter here."""
    nowhere = Trajectory.from_xyz_yaw(np.array([0]), np.zeros((1, 3)), yaw_rad=np.zeros(1))
    return Actor(id="a", category=category, size_lwh_m=(1.0, 1.0, 1.0), trajectory=nowhere)


def drawn(*, distance_m: float = 20.0, visible: float = 1.0, category: Category = Category.CAR) -> Target:
    """Return the target of a thing of 3 x 4 pixels on a road with a line."""
    owner = np.full((10, 20), -1, dtype=np.int32)
    owner[2:5, 6:10] = 0
    road = np.zeros((10, 20), dtype=bool)
    road[5:] = True
    paint = np.zeros_like(road)
    paint[7, :4] = True
    away = np.full((10, 20), 12.0, dtype=np.float32)
    away[5], away[owner == 0] = 50.0, distance_m
    return target_of(
        owner,
        distance_m=away,
        road=road,
        paint=paint,
        actors=[someone(category)],
        visible={"a": visible},
    )


def test_every_pixel_has_its_class_and_an_object_its_box() -> None:
    target = drawn()
    assert (target.classes[2:5, 6:10] == CAR).all() and (target.classes == CAR).sum() == 12
    assert target.classes[0, 0] == BACKGROUND and target.classes[9, 9] == ROAD and target.classes[7, 1] == MARKING
    (seen,) = target.objects
    assert (seen.label, seen.pixels, seen.distance_m, seen.box) == (CAR, 12, 20.0, (2, 6, 5, 10))


def test_road_that_buildings_may_hide_is_left_open() -> None:
    assert (drawn().classes[5] == IGNORED).all()


@pytest.mark.parametrize("why", [{"distance_m": 70.0}, {"visible": 0.2}, {"category": Category.ANIMAL}])
def test_what_is_far_hidden_or_of_no_class_is_left_open(why) -> None:
    target = drawn(**why)
    assert (target.classes[2:5, 6:10] == IGNORED).all()
    assert target.objects == ()


def test_a_centre_is_one_at_the_middle_of_its_box_and_falls_off() -> None:
    maps = center_maps(torch.tensor([[0.0, CAR, 2, 6, 5, 11]]), shape=(10, 20))
    channel = maps[CAR - FIRST_OBJECT]
    assert channel.max() == 1 and divmod(int(channel.argmax()), 20) == (3, 8)
    assert 0 < channel[3, 9] < 1 and channel[9, 19] < 1e-3
    assert maps.sum() == channel.sum()


def test_the_focal_loss_is_small_for_who_is_right_and_large_for_who_is_sure_and_wrong() -> None:
    target = center_maps(torch.tensor([[0.0, CAR, 2, 6, 5, 11]]), shape=(10, 20))[None]
    right = torch.where(target == 1, 6.0, -6.0)
    assert focal_loss(right, target) < 0.01
    assert focal_loss(-right, target) > 100 * focal_loss(right, target)
