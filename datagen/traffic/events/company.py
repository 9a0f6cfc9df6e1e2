"""Did it do what takes two: follow, tailgate, yield?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from datagen.scene.plan import Manoeuvre
from datagen.traffic.events.view import relative, same_way
from datagen.traffic.tracks import Tracks

_AT_LEAST_MPS = 2.0
"""Below it a gap in time says nothing."""


def follows(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    """For half the time it is 0.5 to 4 s behind the same vehicle in its lane (of others: the ego or an actor)."""
    del act
    return any(np.mean((gap > 0.5) & (gap < 4.0)) >= 0.5 for gap in _time_gaps(tracks, body))


def tailgates(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    """For half the time it is less than 1 s behind the same vehicle in its lane (of others: the ego or an actor)."""
    del act
    return any(np.mean(gap < 1.0) >= 0.5 for gap in _time_gaps(tracks, body))


def yields(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    """It slows by 30 % or stands while somebody crosses its way, 1 to 30 m ahead."""
    del act
    speed = tracks.speed_mps[:, body]
    for other in range(len(tracks.ids)):
        if other == body:
            continue
        ahead, left = relative(tracks, body, other)
        there = tracks.present[:, body] & tracks.present[:, other] & (ahead > 1.0) & (ahead < 30.0)
        over = np.flatnonzero(
            (np.sign(left[:-1]) != np.sign(left[1:])) & there[:-1] & there[1:] & ~_turning(tracks, body)
        )
        for when in over:
            around = speed[max(when - 20, 0) : when + 20]
            if around.min() < max(0.7 * speed[: when + 20].max(), 0.5):
                return True
    return False


def _turning(tracks: Tracks, body: int) -> np.ndarray:
    """Say when it turns so fast that others cross its heading because of that."""
    return np.abs(np.diff(np.unwrap(tracks.yaw_rad[:, body]))) / tracks.step_s > 0.25


def _time_gaps(tracks: Tracks, body: int) -> Iterator[Float[np.ndarray, "times"]]:
    """Yield, for each vehicle ahead in its lane, the gap in seconds bumper to bumper; inf where it is not ahead.

    Of others than the ego: for the ego and those who act.
    """
    others = [k for k in range(len(tracks.ids)) if k != body and (body == 0 or k == 0 or tracks.event[k])]
    speed = np.maximum(np.abs(tracks.speed_mps[:, body]), _AT_LEAST_MPS)
    for other in others:
        if tracks.length_m[other] < 1.5:
            continue
        ahead, left = relative(tracks, body, other)
        gap = ahead - (tracks.length_m[body] + tracks.length_m[other]) / 2
        # On a bend the leader is aside of where one points.
        behind = same_way(tracks, body, other) & (ahead > 0.0) & (np.abs(left) < 1.5 + 0.01 * ahead**2)
        yield np.where(behind, np.maximum(gap, 0.0) / speed, np.inf)
