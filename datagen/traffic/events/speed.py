"""Did the speed change as it was asked to?"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from datagen.scene.plan import Manoeuvre
from datagen.traffic.events.view import across_lane, moving_speed_of, speed_of
from datagen.traffic.limits import limits_of
from datagen.traffic.tracks import Tracks

_STANDS_MPS = 0.5


def keeps_lane(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    """It drives, and ends within 1.8 m of where it was across its lane, or where it has no lane."""
    del act
    return (
        bool(np.median(speed_of(tracks, body)) > 0.4) and float(abs(np.ptp(across_lane(tracks, body)[[0, -1]]))) < 1.8
    )


def keeps_speed(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    """It drives, and for four fifths of the time within 15 % (or 1 m/s) of its median speed."""
    del act
    speed = speed_of(tracks, body)
    usual = float(np.median(speed))
    return usual > 0.4 and float(np.mean(np.abs(speed - usual) < max(0.15 * usual, 1.0))) >= 0.8


def accelerates(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    """It gets 1.5 m/s faster."""
    del act
    speed = speed_of(tracks, body)
    return bool(np.max(speed - np.minimum.accumulate(speed)) > 1.5)


def brakes(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    """It gets 2 m/s slower (or by 30 % of its speed), at over 0.8 m/s^2; at over 3 m/s^2 where it was to be hard."""
    speed = speed_of(tracks, body)
    drop = np.max(np.maximum.accumulate(speed) - speed)
    hardest = np.min(np.diff(speed)) / tracks.step_s
    return bool(drop > min(2.0, 0.3 * float(speed.max())) and (hardest < -3.0 if act.hard else hardest < -0.8))


def stops_hard(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    """It comes from over 3 m/s to a stop, at over 55 % of what its category's brakes can do."""
    del act
    speed = speed_of(tracks, body)
    stood = np.flatnonzero(np.abs(speed) < _STANDS_MPS)
    before = speed[: stood[0]].max(initial=0.0) if len(stood) else 0.0
    hardest = np.min(np.diff(speed)) / tracks.step_s
    return bool(before > 3.0 and hardest < -0.55 * limits_of(tracks.categories[body]).brake_mps2)


def stops_and_goes(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    """It drives (over 1.2 m/s), stands and drives again; or stands, drives and stands again."""
    del act
    phases = [phase for phase in (_phase(v) for v in speed_of(tracks, body)) if phase is not None]
    changes = sum(a != b for a, b in pairwise(phases))
    return changes >= 2


def _phase(speed_mps: float) -> bool | None:
    """Say whether it drives, or neither drives nor stands."""
    return True if speed_mps > 1.2 else False if abs(speed_mps) < _STANDS_MPS else None


def waits(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    """It stands for over a quarter of the time."""
    del act
    return bool(np.mean(moving_speed_of(tracks, body) < 0.3) > 0.25)


def reverses(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    """It drives backwards for over half a metre."""
    del act
    speed = speed_of(tracks, body)
    return bool(-np.minimum(speed, 0.0).sum() * tracks.step_s > 0.5)
