"""MOBIL: who gains by changing lanes does, unless it is unsafe or somebody acts there."""

from __future__ import annotations

import numpy as np
import pytest

from datagen.scene import Category
from datagen.scene.line import Line
from datagen.traffic.limits import limits_of
from datagen.traffic.mobil import _Beside, _gain, idm
from datagen.traffic.role import Role, body_of, driver_of
from datagen.traffic.route import Route
from datagen.traffic.script import cruise, times_s

NOBODY = {"ahead_m": np.inf, "ahead_mps": 0.0, "behind_m": np.inf, "behind_mps": 0.0}


@pytest.fixture
def car() -> Role:
    rng = np.random.default_rng(0)
    body = body_of("me", Category.CAR, kind=None, color=None, rng=rng)
    line = Line(np.stack([np.arange(200.0), np.zeros(200)], axis=1))
    script = cruise(times_s(8.0), 12.0, limits=limits_of(Category.CAR))
    return Role(body=body, driver=driver_of(body, Route(line), script, s_m=50.0, speed_mps=12.0))


def test_idm_by_hand() -> None:
    limits = limits_of(Category.CAR)
    # at the wished speed, 2 + 10 * 1.1 = 13 m behind one as fast: a (1 - 1 - 1) = -a
    assert idm(10.0, 10.0, gap_m=13.0, leader_mps=10.0, limits=limits) == pytest.approx(-2.2)
    assert idm(0.0, 10.0, gap_m=np.inf, leader_mps=0.0, limits=limits) == pytest.approx(2.2)


def test_behind_somebody_slow_it_pays_to_change(car: Role) -> None:
    slow = _Beside(**{**NOBODY, "ahead_m": 15.0, "ahead_mps": 6.0})
    gain = _gain(slow, _Beside(**NOBODY), car)
    assert gain is not None
    assert gain > 1.0


def test_on_a_free_lane_it_does_not(car: Role) -> None:
    assert _gain(_Beside(**NOBODY), _Beside(**NOBODY), car) is None


def test_nobody_changes_in_front_of_somebody_who_would_have_to_brake_hard(car: Role) -> None:
    slow = _Beside(**{**NOBODY, "ahead_m": 15.0, "ahead_mps": 6.0})
    fast_behind = _Beside(**{**NOBODY, "behind_m": 8.0, "behind_mps": 20.0})
    assert _gain(slow, fast_behind, car) is None
