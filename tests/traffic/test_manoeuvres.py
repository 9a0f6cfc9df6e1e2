"""What manoeuvres write, and when cues write it."""

from __future__ import annotations

import numpy as np
import pytest

from datagen.scene import Category
from datagen.scene.line import Line
from datagen.scene.plan import Manoeuvre
from datagen.traffic.limits import limits_of
from datagen.traffic.manoeuvres import LIBRARY, How, Need, cues, need_s, starts_s
from datagen.traffic.people import making_way, walk
from datagen.traffic.script import STEP_S, cruise, times_s

TIMES = times_s(8.0)
CAR = limits_of(Category.CAR)


def how(do: str, *, at_s: float = 2.0, takes_s: float = 3.0, lane_m: float = 3.5, **said: object) -> How:
    act = Manoeuvre.model_validate({"do": do, **said})
    return How(act=act, at_s=at_s, takes_s=takes_s, lane_m=lane_m, limits=CAR)


def test_a_lane_change_ends_on_the_other_lane() -> None:
    script = LIBRARY["lane_change"].write(cruise(TIMES, 10.0, limits=CAR), how("lane_change"))
    assert script.offset_m[TIMES < 2.0].max() == 0.0
    assert script.offset_m[TIMES > 5.01] == pytest.approx(3.5)


def test_a_swerve_comes_back() -> None:
    script = LIBRARY["swerve"].write(cruise(TIMES, 10.0, limits=CAR), how("swerve", lane_m=1.5))
    assert script.offset_m.max() == pytest.approx(1.5, abs=0.01)
    assert script.offset_m[-1] == pytest.approx(0.0, abs=1e-9)


def test_stop_and_go_wants_to_stand_and_to_go_in_turns() -> None:
    script = LIBRARY["stop_and_go"].write(cruise(TIMES, 4.0, limits=CAR), how("stop_and_go", takes_s=4.0))
    assert script.speed_at(3.9) == 0.0
    assert script.speed_at(5.9) == 4.0
    assert script.speed_at(7.9) == 0.0


def test_reversing_ends() -> None:
    script = LIBRARY["reverse"].write(cruise(TIMES, 0.0, limits=CAR), how("reverse"))
    assert script.speed_at(4.0) == -1.5
    assert script.speed_at(6.0) == 0.0


def test_what_follows_a_trigger_keeps_its_distance_in_time() -> None:
    steps = (
        how("accelerate", at_s=0.5),
        how("brake", at_s=2.0, when_gap_below_m=9.0),
        how("lane_change", at_s=4.0),
    )
    now, (cue,) = cues(steps)
    assert [step.act.do for step in now] == ["accelerate"]
    assert cue.when_gap_below_m == 9.0
    script = cue.write(cruise(TIMES, 10.0, limits=CAR), 3.0)
    assert script.speed_at(3.0) == 10.0
    assert script.speed_at(3.5) == 3.5
    assert script.offset_m[np.searchsorted(TIMES, 5.0 - 1e-6)] == pytest.approx(0.0)
    assert script.offset_m[-1] == pytest.approx(3.5)


def test_all_manoeuvres_of_a_clip_can_be_seen() -> None:
    starts = starts_s([None, None, 100.0], [2.0, 2.0, 2.0], duration_s=8.0)
    assert starts == sorted(starts)
    assert starts[-1] + 0.85 * 2.0 <= 8.0


@pytest.mark.parametrize("do", sorted(LIBRARY))
def test_every_technique_keeps_the_script_finite_and_says_how_long_it_takes(do: str) -> None:
    act = Manoeuvre.model_validate({"do": do})
    needed = need_s(act, Need(speed_mps=9.0, lane_m=3.5, limits=CAR, duration_s=8.0))
    script = LIBRARY[do].write(cruise(TIMES, 9.0, limits=CAR), how(do, takes_s=max(needed, 0.5)))
    assert 0.0 <= needed < 12.0
    assert np.isfinite(np.stack([script.wish_mps, script.slow_mps2, script.hurry_mps2, script.offset_m])).all()
    assert np.abs(np.diff(script.offset_m)).max() < 0.5


def test_two_who_meet_on_the_walkway_make_way_and_go_on() -> None:
    there = Line(np.array([[0.0, 0.0], [40.0, 0.0]]))
    back = Line(np.array([[40.0, 0.05], [0.0, 0.05]]))
    walks = [walk(line, TIMES, at_start_m=14.0, speed_mps=1.4) for line in (there, back)]
    alone = np.linalg.norm(walks[0].xy_m - walks[1].xy_m, axis=1).min()
    made = making_way(walks, [0.35, 0.35], step_s=STEP_S)
    assert np.linalg.norm(made[0].xy_m - made[1].xy_m, axis=1).min() > alone + 0.2
    assert made[0].xy_m[-1] == pytest.approx(walks[0].xy_m[-1], abs=0.3)
    assert np.linalg.norm(made[0].velocity_mps, axis=1).max() < 2.5
