"""Counting, on percepts that are known to be right or wrong."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from datagen.models.perception import BACKGROUND, CLASSES, OBJECT_CLASSES, ROAD, Percept
from datagen.models.perception.classes import FIRST_OBJECT, IGNORED
from datagen.models.perception.targets import SeenObject, Target
from eval.tally import SETS, Tally, tally_of

CAR, TRUCK = CLASSES.index("car"), CLASSES.index("truck")
SHAPE = (20, 40)


def target() -> Target:
    """Return a car of 4 x 8 pixels at 10 m and a truck of 6 x 10 at 40 m on a road, with an unknown corner."""
    classes = np.full(SHAPE, BACKGROUND, dtype=np.uint8)
    classes[10:] = ROAD
    classes[8:12, 4:12] = CAR
    classes[6:12, 24:34] = TRUCK
    classes[:3, :3] = IGNORED
    objects = (
        SeenObject(actor=0, label=CAR, distance_m=10.0, pixels=32, box=(8, 4, 12, 12)),
        SeenObject(actor=1, label=TRUCK, distance_m=40.0, pixels=60, box=(6, 24, 12, 34)),
    )
    return Target(classes=classes, objects=objects)


def distances() -> np.ndarray:
    distance = np.full(SHAPE, 20.0, dtype=np.float32)
    distance[8:12, 4:12], distance[6:12, 24:34] = 10.0, 40.0
    return distance


def percept(classes: np.ndarray, centers: dict[tuple[int, int, int], float]) -> Percept:
    """Return a percept that is sure of these classes and has these peaks: (label, row, column) → score."""
    logits = torch.full((1, len(CLASSES), *SHAPE), -10.0)
    logits.scatter_(1, torch.from_numpy(classes.astype(np.int64) % 255)[None, None], 10.0)
    heat = torch.full((1, len(OBJECT_CLASSES), *SHAPE), -10.0)
    for (label, row, column), score in centers.items():
        heat[0, label - FIRST_OBJECT, row, column] = float(np.log(score / (1 - score)))
    nothing = torch.zeros(1, 1)
    return Percept(classes=logits, centers=heat, weather=nothing, light=nothing, features=torch.zeros(1, 1, 10, 20))


def tally(classes: np.ndarray, centers: dict[tuple[int, int, int], float]) -> Tally:
    return tally_of(percept(classes, centers), [target()], distances_m=[distances()])


def test_who_says_what_is_there_scores_one_everywhere() -> None:
    found = tally(target().classes, {(CAR, 10, 8): 0.9, (TRUCK, 9, 29): 0.8})
    assert [found.iou(name) for name in ("vehicle", "car", "truck", "road")] == [1.0] * 4
    assert found.average_precision("vehicle") == 1.0
    assert [found.seen_at("vehicle", k) for k in (0, 2)] == [1.0, 1.0]
    assert np.isnan(found.iou("person")) and np.isnan(found.average_precision("person"))
    assert np.isnan(found.seen_at("vehicle", 1))


def test_a_truck_seen_as_a_car_is_a_vehicle_but_no_truck() -> None:
    said = target().classes.copy()
    said[said == TRUCK] = CAR
    found = tally(said, {})
    assert found.iou("vehicle") == 1.0
    assert found.iou("truck") == 0.0
    assert found.iou("car") == pytest.approx(32 / 92)


def test_half_a_car_halves_its_score_and_that_of_its_distance() -> None:
    said = target().classes.copy()
    said[8:10, 4:12] = BACKGROUND
    found = tally(said, {})
    assert found.iou("car") == 0.5
    assert [found.seen_at("vehicle", k) for k in (0, 2)] == [0.5, 1.0]


def test_what_is_said_of_unknown_pixels_counts_for_nothing() -> None:
    said = target().classes.copy()
    said[:3, :3] = CAR
    found = tally(said, {(CAR, 10, 8): 0.9, (TRUCK, 9, 29): 0.8, (CAR, 1, 1): 0.99})
    assert found.iou("car") == 1.0
    assert found.average_precision("vehicle") == 1.0


def test_precision_falls_with_peaks_beside_objects_and_second_peaks_on_them() -> None:
    beside = tally(target().classes, {(CAR, 10, 8): 0.9, (CAR, 2, 20): 0.95, (TRUCK, 9, 29): 0.8})
    assert beside.average_precision("vehicle") == pytest.approx((2 / 3 + 2 / 3) / 2)
    twice = tally(target().classes, {(TRUCK, 9, 29): 0.9, (TRUCK, 9, 27): 0.8, (CAR, 10, 8): 0.7})
    assert twice.average_precision("vehicle") == pytest.approx((1 + 2 / 3) / 2)


def test_counts_of_scenes_add_up() -> None:
    good, bad = tally(target().classes, {(CAR, 10, 8): 0.9}), tally(np.zeros(SHAPE, dtype=np.uint8), {})
    both = Tally.total([good, bad])
    assert both.iou("car") == 0.5
    assert both.average_precision("vehicle") == pytest.approx(0.25)
    assert (both.pixels == good.pixels + bad.pixels).all() and both.pixels.shape == (len(SETS), 3)
