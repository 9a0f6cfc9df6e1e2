"""Did it go where it was asked to: to another lane, round a corner, to the kerb or from it?"""

from __future__ import annotations

import numpy as np

from datagen.scene.plan import Manoeuvre
from datagen.traffic.events.view import across_lane, around_ego, askew, near_ego, relative, same_way, speed_of, turned
from datagen.traffic.tracks import Tracks


def cuts_in(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    """It comes from beside the ego's way (over 1.9 m off) onto it, 2 to 40 m ahead, from the side that was said."""
    along, across = around_ego(tracks, body)
    there = tracks.present[:, body]
    first = float(across[there][0])
    if act.side is not None and (first > 0) != (act.side == "left"):
        return False
    landed = there & (np.abs(across) < 1.2) & (along > 2.0) & (along < 40.0)
    return bool(abs(first) > 1.9 and landed.any())


def merges(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    """It comes from beside the ego's way onto it, ahead or behind, and drives there about as fast as the ego."""
    along, across = around_ego(tracks, body)
    there = tracks.present[:, body]
    first = float(across[there][0])
    if act.side is not None and (first > 0) != (act.side == "left"):
        return False
    joined = there & (np.abs(across) < 1.2) & (np.abs(along) > 2.0) & (np.abs(along) < 45.0)
    if abs(first) < 1.9 or not joined.any():
        return False
    apart = np.abs(tracks.speed_mps[joined, body] - tracks.speed_mps[joined, 0])
    return bool(np.min(apart) < max(4.0, 0.3 * float(np.median(tracks.speed_mps[:, 0]))))


def cuts_out(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    """It starts on the ego's way ahead of it and ends over 2.2 m beside it, on the side that was said."""
    along, across = around_ego(tracks, body)
    there = np.flatnonzero(tracks.present[:, body])
    first, last = there[0], there[-1]
    if act.side is not None and (across[last] > 0) != (act.side == "left"):
        return False
    return bool(abs(across[first]) < 1.3 and along[first] > 2.0 and abs(across[last]) > 2.2)


def changes_lane(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    """It ends over 2.4 m beside the lane it started on, and along it; the ego on the side that was said."""
    across = across_lane(tracks, body)
    shift = float(across[-1] - across[0])
    if askew(tracks, body) > 0.35 or abs(shift) < 2.4:
        return False
    return act.side is None or body != 0 or (shift > 0) == (act.side == "left")


def swerves(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    """It goes over 0.6 m aside and comes back by half of that or more, whatever it does then."""
    across = across_lane(tracks, body)
    leftwards = across - across[0]
    sides = {"left": leftwards, "right": -leftwards}
    wished = [sides[act.side]] if act.side is not None else list(sides.values())
    furthest = [np.maximum.accumulate(aside) for aside in wished]
    return any(bool(((far > 0.6) & (aside < 0.5 * far)).any()) for far, aside in zip(furthest, wished))


def overtakes(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    """An actor gets from behind the ego to ahead of it, within 8 m; the ego past somebody who goes its way."""
    del act
    if body == 0:
        heading = np.cos(tracks.yaw_rad[0] - tracks.yaw_rad[0, 0]) > 0.7
        others = np.flatnonzero(heading & (tracks.event if tracks.event.any() else ~tracks.parked))
        pairs = (around_ego(tracks, int(other))[0] for other in others if other != 0)
        return any(along[0] > 2.0 and along[-1] < 0.0 for along in pairs)
    along, across = (one[tracks.present[:, body]] for one in around_ego(tracks, body))
    return bool(along[0] < -1.0 and along.max() > 1.0 and np.abs(across).max() < 8.0)


def filters(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    """It gets past somebody who goes its way, less than 2.6 m beside it, middle to middle."""
    del act
    for other in range(len(tracks.ids)):
        if other == body or tracks.length_m[other] < 3.0:
            continue
        ahead, left = relative(tracks, body, other)
        beside = same_way(tracks, body, other) & (np.abs(ahead) < 2.5)
        passed = bool((ahead[:-1] > 0.0)[beside[:-1]].any() and (ahead < 0.0)[beside].any())
        if passed and np.abs(left[beside]).max() < 2.6:
            return True
    return False


def turns(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    """Its heading ends over 45 degrees to the side that was said, right if none was."""
    change = turned(tracks, body)
    return bool(abs(change) > np.deg2rad(45.0)) and (change > 0) == ((act.side or "right") == "left")


def turns_round(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    """Its heading changes by over 115 degrees."""
    del act
    return bool(abs(turned(tracks, body)) > np.deg2rad(115.0))


def comes_towards(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    """Ahead of the ego, it faces the way the ego goes there, or heads at first, and drives over 3 m nearer that way."""
    del act
    there = tracks.present[:, body]
    along = around_ego(tracks, body)[0][there]
    first = int(np.flatnonzero(there)[0])
    way, yaw = tracks.ego_way, tracks.yaw_rad[first, body]
    heading = way.at(way.project(tracks.xy_m[first, body][None])[0])[1][0]
    if np.cos(yaw - heading) < -0.5 and along[0] > 3.0 and along[0] - along[-1] > 3.0:
        return True
    before = np.array([np.cos(tracks.yaw_rad[first, 0]), np.sin(tracks.yaw_rad[first, 0])])
    ahead = (tracks.xy_m[there, body] - tracks.xy_m[first, 0]) @ before
    return bool(np.cos(yaw - tracks.yaw_rad[first, 0]) < -0.5 and ahead[0] > 3.0 and ahead[0] - ahead[-1] > 3.0)


def pulls_over(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    """It drives, goes over 0.25 m towards the kerb, and stands at last."""
    across, speed = across_lane(tracks, body), speed_of(tracks, body)
    wished = -1.0 if act.side != "left" else 1.0
    return bool(speed.max() > 1.0 and wished * (across[-1] - across[0]) > 0.25 and abs(speed[-1]) < 0.5)


def parks(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    """It drives, goes over 1.2 m towards the kerb, and stands at last, along the road."""
    across, speed = across_lane(tracks, body), speed_of(tracks, body)
    wished = -1.0 if act.side != "left" else 1.0
    aside = wished * (across[-1] - across[0]) > 1.2
    return bool(speed.max() > 1.0 and aside and abs(speed[-1]) < 0.5 and askew(tracks, body) < 0.2)


def pulls_out(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    """It stands at first, then drives over 1 m/s and goes over 0.8 m away from the kerb."""
    across, speed = across_lane(tracks, body), speed_of(tracks, body)
    wished = 1.0 if act.side != "left" else -1.0
    return bool(abs(speed[:3]).min() < 0.5 and speed[-1] > 1.0 and wished * (across[-1] - across[0]) > 0.8)


def is_parked(tracks: Tracks, body: int, act: Manoeuvre) -> bool:
    """It does not move, and the ego has not passed it when the clip starts."""
    del act
    moved = np.linalg.norm(tracks.xy_m[-1, body] - tracks.xy_m[0, body])
    along, _ = around_ego(tracks, body)
    return bool(moved < 0.1 and (along > -2.0)[near_ego(tracks, body)].any())
