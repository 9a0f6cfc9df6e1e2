"""Did people do what they were asked to?"""

from __future__ import annotations

import numpy as np
import shapely
from jaxtyping import Bool

from datagen.scene import EGO_SIZE_LWH_M, Group
from datagen.scene.plan import Manoeuvre
from datagen.traffic.events.view import SIGHT_M, around_ego, moving_speed_of
from datagen.traffic.tracks import Tracks, outlines

_TOGETHER_M = 3.0


def crosses(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    """It goes from one side of the ego's way to the other, ahead of it, from the side that was said.

    Who waits for a gap stands at first, and may cross behind the ego.
    """
    along, across = around_ego(tracks, body)
    nearest = -SIGHT_M if act.when_clear else 1.0
    if act.when_clear and not moving_speed_of(tracks, body)[0] < 0.3:
        return False
    ahead: Bool[np.ndarray, "times"] = (along > nearest) & (along < SIGHT_M) & tracks.present[:, body]
    flips = np.flatnonzero((np.sign(across[:-1]) != np.sign(across[1:])) & ahead[1:] & ahead[:-1])
    if len(flips) == 0 or np.ptp(across[ahead]) < 1.8:
        return False
    from_left = across[flips[0]] > 0
    return bool(act.side is None or from_left == (act.side == "left"))


def runs_out(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    """It crosses the ego's way ahead of it, and at first something stands between the ego and it."""
    if not crosses(tracks, body, act):
        return False
    across = around_ego(tracks, body)[1]
    flips = np.flatnonzero(np.sign(across[:-1]) != np.sign(across[1:]))
    before = range(0, int(flips[0]) + 1, 2)
    return any(_hidden(tracks, body, time) for time in before)


def _hidden(tracks: Tracks, body: int, time: int) -> bool:
    """Say whether another body's outline lies between the ego's front and somebody."""
    yaw = tracks.yaw_rad[time, 0]
    eye = tracks.xy_m[time, 0] + (EGO_SIZE_LWH_M[0] / 4) * np.array([np.cos(yaw), np.sin(yaw)])
    sight = shapely.LineString([eye, tracks.xy_m[time, body]])
    others = [k for k in range(1, len(tracks.ids)) if k != body and tracks.present[time, k] and tracks.width_m[k] > 0.9]
    if not others:
        return False
    shapes = shapely.polygons(outlines(tracks, np.array(others), times=np.array([time]))[0])
    return bool(shapely.intersects(shapes, sight).any())


def walks(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    """It goes at over 0.4 m/s on average."""
    del act
    there = tracks.xy_m[tracks.present[:, body], body]
    way = np.linalg.norm(np.diff(there, axis=0), axis=-1).sum()
    return bool(way > 0.4 * tracks.step_s * len(there))


def walks_in_group(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    """It walks, and two others keep within 3 m of it for 70 % of the time."""
    if not walks(tracks, body, act):
        return False
    people = [k for k, c in enumerate(tracks.categories) if c.group in (Group.PERSON, Group.ANIMAL) and k != body]
    apart = np.linalg.norm(tracks.xy_m[:, people] - tracks.xy_m[:, body, None], axis=-1)
    return int((np.mean(apart < _TOGETHER_M, axis=0) >= 0.7).sum()) >= 2
