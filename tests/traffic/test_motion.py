"""Vehicles keep their lane, their distance and their limits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from datagen.scene import Category, Lane
from datagen.traffic.limits import limits_of, rear_axle_m
from datagen.traffic.motion import Driver, Motion, Walkers, drive
from datagen.traffic.people import walk
from datagen.traffic.route import Route
from datagen.traffic.script import STEP_S, Script, change_speed, cruise, shift, shift_time_s

TIMES = np.arange(0.0, 10.0, STEP_S)
SIZE = (4.6, 1.9, 1.7)
NOBODY = Walkers(xy_m=np.empty((len(TIMES), 0, 2)), velocity_mps=np.empty((len(TIMES), 0, 2)), radius_m=np.empty(0))


def lane(points: np.ndarray) -> Lane:
    return Lane(id="l", center_m=points, left_m=points, right_m=points)


STRAIGHT = Route.along((lane(np.array([[0.0, 0.0], [400.0, 0.0]])),))


def driver(
    name: str, script: Script, *, s_m: float, speed: float, route: Route = STRAIGHT, hold: float = np.inf
) -> Driver:
    return Driver(
        id=name,
        category=Category.CAR,
        size_lwh_m=SIZE,
        route=route,
        s_m=s_m,
        d_m=float(script.offset_m[0]),
        speed_mps=speed,
        script=script,
        hold_m=hold,
    )


def cruising(speed: float) -> Script:
    return cruise(TIMES, speed, limits=limits_of(Category.CAR))


def run(*drivers: Driver, walkers: Walkers = NOBODY) -> Motion:
    return drive(drivers, walkers, steps=len(TIMES))


def test_a_free_car_keeps_speed_and_line() -> None:
    motion = run(driver("a", cruising(10.0), s_m=5.0, speed=10.0))
    assert motion.x_m[-1, 0] == pytest.approx(5.0 + 10.0 * TIMES[-1], abs=0.2)
    assert np.abs(motion.y_m).max() < 1e-6


def test_a_follower_stops_behind_one_that_stops() -> None:
    leader = change_speed(cruising(12.0), at_s=2.0, speed_mps=0.0, rate_mps2=7.0)
    motion = run(driver("l", leader, s_m=40.0, speed=12.0), driver("f", cruising(12.0), s_m=15.0, speed=12.0))
    gap = motion.x_m[:, 0] - motion.x_m[:, 1] - SIZE[0]
    assert motion.speed_mps[-1, 0] == 0.0
    assert motion.speed_mps[-1, 1] < 0.3
    assert gap.min() > 0.8
    accel = np.diff(motion.speed_mps[:, 1]) / STEP_S
    assert accel.min() > -8.5


def test_whoever_leaves_a_lane_does_not_brake_for_the_lorry_he_has_left_behind_his_shoulder() -> None:
    # While it still stands askew in its new lane, the lorry beside it is not in its way.
    out = shift(cruising(9.0), at_s=0.5, takes_s=2.6, by_m=3.5)
    lorry = replace(
        driver("l", cruising(3.5), s_m=42.0, speed=3.5), size_lwh_m=(9.2, 2.5, 3.5), category=Category.TRUCK
    )
    car = replace(driver("a", out, s_m=5.0, speed=9.0), bold=True)
    motion = run(lorry, car)
    assert motion.speed_mps[:, 1].min() > 7.0
    assert motion.x_m[-1, 1] > motion.x_m[-1, 0] + 5.0


def test_nobody_passes_his_stop_line() -> None:
    motion = run(driver("a", cruising(11.0), s_m=5.0, speed=11.0, hold=60.0))
    nose = motion.x_m[:, 0] + SIZE[0] / 2 + rear_axle_m(SIZE[0])
    assert motion.speed_mps[-1, 0] < 0.3
    assert 54.0 < nose[-1] < 60.0


def test_a_lane_change_lands_on_the_other_lane_without_overshoot() -> None:
    takes = shift_time_s(3.5, limits_of(Category.CAR))
    script = shift(cruising(10.0), at_s=2.0, takes_s=takes, by_m=3.5)
    motion = run(driver("a", script, s_m=5.0, speed=10.0))
    assert motion.y_m[-1, 0] == pytest.approx(3.5, abs=0.05)
    assert motion.y_m.max() < 3.7
    assert np.abs(motion.yaw_rad[-1, 0]) < 0.01


def test_a_bend_is_taken_slowly_and_within_a_metre_of_its_middle() -> None:
    angle = np.linspace(-np.pi / 2, 0.0, 30)
    arc = np.array([60.0, 12.0]) + 12.0 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    way = np.concatenate([[[0.0, 0.0]], arc, [[72.0, 80.0]]])
    route = Route.along((lane(way),))
    motion = run(driver("a", cruising(10.0), s_m=5.0, speed=10.0, route=route))
    xy = np.stack([motion.x_m[:, 0], motion.y_m[:, 0]], axis=1)
    assert np.abs(route.line.project(xy)[1]).max() < 0.5
    speed, yaw = motion.speed_mps[:, 0], np.unwrap(motion.yaw_rad[:, 0])
    assert (speed[:-1] * np.abs(np.diff(yaw)) / STEP_S).max() < 4.4  # lateral acceleration
    assert yaw[-1] == pytest.approx(np.pi / 2, abs=0.05)


def test_cars_yield_to_whoever_walks_into_their_way() -> None:
    from datagen.scene.line import Line

    person = walk(Line(np.array([[60.0, -8.0], [60.0, 8.0]])), TIMES, at_start_m=3.0, speed_mps=1.4)
    walkers = Walkers(xy_m=person.xy_m[:, None], velocity_mps=person.velocity_mps[:, None], radius_m=np.array([0.35]))
    motion = run(driver("a", cruising(9.0), s_m=15.0, speed=9.0), walkers=walkers)
    nose = motion.x_m[:, 0] + SIZE[0] / 2 + rear_axle_m(SIZE[0])
    in_the_way = np.abs(person.xy_m[:, 1]) < 1.4
    assert (nose[in_the_way] < 59.5).all()
    assert motion.speed_mps[:, 0].min() < 6.0


def test_the_motion_is_that_of_a_bicycle() -> None:
    script = shift(cruising(8.0), at_s=1.0, takes_s=3.0, by_m=-3.5)
    motion = run(driver("a", script, s_m=5.0, speed=8.0))
    step = np.stack([np.diff(motion.x_m[:, 0]), np.diff(motion.y_m[:, 0])], axis=1)
    middle = (motion.yaw_rad[1:, 0] + motion.yaw_rad[:-1, 0]) / 2
    sideways = step[:, 1] * np.cos(middle) - step[:, 0] * np.sin(middle)
    assert np.abs(sideways).max() < 1e-6  # the rear axle never slips
