"""Did it happen? One predicate a manoeuvre, from the trajectories alone.

```
        │ ego's way, continued straight
        │   ┌──┐
        │   │  │  across: metres to the left of the ego's way
        │   └──┘  along:  metres ahead of the ego on it
        ▲ ego
```
An event counts only if it happens within SIGHT_M of the ego, inside the clip.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float

from datagen.scene.plan import Manoeuvre
from datagen.traffic.tracks import Tracks

SIGHT_M = 45.0

Check = Callable[[Tracks, int, Manoeuvre], bool]


def missed(tracks: Tracks, name: str, *, act: Manoeuvre) -> str | None:
    """Return why a manoeuvre of a body does not count as done, or None if it was done and could be seen."""
    body = tracks.column(name)
    if not tracks.present[:, body].any():
        return f"{name} is never there"
    if not _CHECKS[act.do](tracks, body, act):
        return f"{name} does not {act.do.replace('_', ' ')}"
    distance = np.linalg.norm(tracks.xy_m[:, body] - tracks.xy_m[:, 0], axis=-1)
    if not ((distance < SIGHT_M) & tracks.present[:, body]).any():
        return f"{name} is never in sight of the ego"
    return None


def _around_ego(tracks: Tracks, body: int) -> tuple[Float[np.ndarray, "times"], Float[np.ndarray, "times"]]:
    """Return how far ahead of the ego and how far left of its way a body is at each time."""
    along, across = tracks.ego_way.project(tracks.xy_m[:, body])
    ego_along = tracks.ego_way.project(tracks.xy_m[:, 0])[0]
    return along - ego_along, across


def _turned(tracks: Tracks, body: int) -> float:
    """Return by how much a heading changes from first to last, radians, left is positive."""
    there = tracks.present[:, body]
    yaw = np.unwrap(tracks.yaw_rad[there, body])
    return float(yaw[-1] - yaw[0])


def _shifted(tracks: Tracks, body: int) -> float:
    """Return how far left of the lane it starts on a body ends up, metres."""
    there = np.flatnonzero(tracks.present[:, body])
    ends = tracks.xy_m[there[[0, -1]], body]
    course = tracks.lane_from(ends[0], float(tracks.yaw_rad[there[0], body]))
    if course is None:
        return 0.0
    across = course.project(ends)[1]
    return float(across[1] - across[0])


def _drives_on(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    del act
    return float(np.median(tracks.speed_mps[:, body])) > 0.4


def _brakes(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    speed = tracks.speed_mps[tracks.present[:, body], body]
    drop = np.max(np.maximum.accumulate(speed) - speed)
    hardest = np.min(np.diff(speed)) / tracks.step_s
    return bool(drop > min(2.0, 0.3 * float(speed.max())) and (hardest < -3.0 if act.hard else hardest < -0.8))


def _accelerates(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    del act
    speed = tracks.speed_mps[tracks.present[:, body], body]
    return bool(np.max(speed - np.minimum.accumulate(speed)) > 1.5)


def _waits(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    del act
    velocity = np.linalg.norm(np.gradient(tracks.xy_m[:, body], tracks.step_s, axis=0), axis=-1)
    return bool(np.mean(velocity < 0.3) > 0.25)


def _cuts_in(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    along, across = _around_ego(tracks, body)
    from_left = across[0] > 0
    if act.side is not None and from_left != (act.side == "left"):
        return False
    landed = (np.abs(across) < 1.2) & (along > 2.0) & (along < 40.0)
    return bool(abs(across[0]) > 1.9 and landed.any())


def _changes_lane(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    shift = _shifted(tracks, body)
    if abs(_turned(tracks, body)) > 0.35 or abs(shift) < 2.4:
        return False
    return act.side is None or body != 0 or (shift > 0) == (act.side == "left")


def _overtakes(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    del act
    if body == 0:
        same_way = np.cos(tracks.yaw_rad[0] - tracks.yaw_rad[0, 0]) > 0.7
        others = np.flatnonzero(same_way & (tracks.event if tracks.event.any() else ~tracks.parked))
        pairs = (_around_ego(tracks, int(other))[0] for other in others if other != 0)
        return any(along[0] > 2.0 and along[-1] < 0.0 for along in pairs)
    along, across = _around_ego(tracks, body)
    return bool(along[0] < -1.0 and along[-1] > 1.0 and np.abs(across).max() < 8.0)


def _turns(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    turned = _turned(tracks, body)
    wished = act.side or "right"
    return abs(turned) > np.deg2rad(45.0) and (turned > 0) == (wished == "left")


def _comes_towards(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    del act
    facing = np.cos(tracks.yaw_rad[:, body] - tracks.yaw_rad[:, 0])
    along, _ = _around_ego(tracks, body)
    return bool(facing[0] < -0.5 and along[0] > 3.0 and along[0] - along[-1] > 3.0)


def _is_parked(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    del act
    moved = np.linalg.norm(tracks.xy_m[-1, body] - tracks.xy_m[0, body])
    along, _ = _around_ego(tracks, body)
    return bool(moved < 0.1 and (along > -2.0).any())


def _crosses(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    """Go from one side of the ego's way to the other, ahead of it."""
    along, across = _around_ego(tracks, body)
    ahead: Bool[np.ndarray, "times"] = (along > 1.0) & (along < SIGHT_M)
    flips = np.flatnonzero((np.sign(across[:-1]) != np.sign(across[1:])) & ahead[1:])
    if len(flips) == 0 or np.ptp(across[ahead]) < 1.8:
        return False
    from_left = across[flips[0]] > 0
    return bool(act.side is None or from_left == (act.side == "left"))


def _walks(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    del act
    way = np.linalg.norm(np.diff(tracks.xy_m[:, body], axis=0), axis=-1).sum()
    return bool(way > 0.4 * tracks.step_s * len(tracks.xy_m))


_CHECKS: dict[str, Check] = {
    "keep_lane": _drives_on,
    "accelerate": _accelerates,
    "brake": _brakes,
    "wait": _waits,
    "cut_in": _cuts_in,
    "lane_change": _changes_lane,
    "overtake": _overtakes,
    "turn": _turns,
    "oncoming": _comes_towards,
    "parked": _is_parked,
    "cross": _crosses,
    "jaywalk": _crosses,
    "walk": _walks,
}
