"""What predicates look at: where a body is as seen from the ego, and what it does by itself."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from datagen.traffic.tracks import Tracks

SIGHT_M = 45.0
"""Nobody sees what happens further away."""


def around_ego(tracks: Tracks, body: int) -> tuple[Float[np.ndarray, "times"], Float[np.ndarray, "times"]]:
    """Return how far ahead of the ego and how far left of its way a body is at each time, metres."""
    along, across = tracks.ego_way.project(tracks.xy_m[:, body])
    ego_along = tracks.ego_way.project(tracks.xy_m[:, 0])[0]
    return along - ego_along, across


def near_ego(tracks: Tracks, body: int) -> Bool[np.ndarray, "times"]:
    """Say when a body is there and within sight of the ego; of the ego itself: always."""
    distance = np.linalg.norm(tracks.xy_m[:, body] - tracks.xy_m[:, 0], axis=-1)
    return (distance < SIGHT_M) & tracks.present[:, body]


def speed_of(tracks: Tracks, body: int) -> Float[np.ndarray, "there"]:
    """Return its speed while it is there, m/s; negative is backwards."""
    return tracks.speed_mps[tracks.present[:, body], body]


def moving_speed_of(tracks: Tracks, body: int) -> Float[np.ndarray, "there"]:
    """Return how fast the middle of somebody moves, whichever way he faces, while he is there."""
    velocity = np.gradient(tracks.xy_m[:, body], tracks.step_s, axis=0)
    return np.linalg.norm(velocity, axis=-1)[tracks.present[:, body]]


def turned(tracks: Tracks, body: int) -> float:
    """Return by how much a heading changes from first to last, radians, left is positive."""
    yaw = np.unwrap(tracks.yaw_rad[tracks.present[:, body], body])
    return float(yaw[-1] - yaw[0])


def across_lane(tracks: Tracks, body: int) -> Float[np.ndarray, "there"]:
    """Return how far left of the lane it starts on a body is while it is there; zeros where there is no lane."""
    there = tracks.present[:, body]
    places = tracks.xy_m[there, body]
    course = tracks.course_from(places[0], float(tracks.yaw_rad[there, body][0]))
    return np.zeros(len(places)) if course is None else course.project(places)[1]


def askew(tracks: Tracks, body: int) -> float:
    """Return how askew to the lane it started on a body ends up, radians; 0 where there is no lane."""
    there = tracks.present[:, body]
    places, yaw = tracks.xy_m[there, body], tracks.yaw_rad[there, body]
    course = tracks.course_from(places[0], float(yaw[0]))
    if course is None:
        return 0.0
    along = course.project(places[-1:])[0]
    return float(abs(np.angle(np.exp(1j * (yaw[-1] - course.at(along)[1][0])))))


def same_way(tracks: Tracks, body: int, other: int) -> Bool[np.ndarray, "times"]:
    """Say when two bodies head the same way within 45 degrees and both are there."""
    facing = np.cos(tracks.yaw_rad[:, body] - tracks.yaw_rad[:, other]) > 0.7
    return facing & tracks.present[:, body] & tracks.present[:, other]


def relative(
    tracks: Tracks, body: int, other: int
) -> tuple[Float[np.ndarray, "times"], Float[np.ndarray, "times"]]:  # fmt: skip
    """Return how far ahead and to the left of a body another one is, in the body's own frame, metres."""
    offset = tracks.xy_m[:, other] - tracks.xy_m[:, body]
    cos, sin = np.cos(tracks.yaw_rad[:, body]), np.sin(tracks.yaw_rad[:, body])
    return offset[:, 0] * cos + offset[:, 1] * sin, offset[:, 1] * cos - offset[:, 0] * sin
