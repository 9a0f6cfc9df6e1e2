"""What no scene may do: run into each other, move as nothing moves, leave the road, go the wrong way.

Each rule looks at trajectories alone and returns what breaks it. They judge our scenes, SUMO's and the replay of
a log alike. Limits of motion: Waymax (Gulino et al. 2023), |a| > 10.4 m/s^2 or |curvature| > 0.3 1/m.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from jaxtyping import Bool, Float, Int
from shapely.geometry.base import BaseGeometry

from datagen.scene import Category, Group, HDMap, LaneKind
from datagen.traffic.limits import INFEASIBLE_ACCEL_MPS2, INFEASIBLE_CURVATURE, drives
from datagen.traffic.tracks import Tracks, outlines

_OVERLAP_STRIDE = 2
_SLACK_M = 0.05
_KERB_SLACK_M = 0.35
_LOOSE = (Category.PUSHABLE, Category.DEBRIS)


def overlaps(tracks: Tracks) -> list[tuple[str, str]]:
    """Return the pairs whose boxes overlap at any time (checked every 0.2 s), by separating axes.

    Two people may brush past each other; boxes are shrunk by 5 cm a side.
    """
    stride = slice(None, None, _OVERLAP_STRIDE)
    xy, yaw, present = tracks.xy_m[stride], tracks.yaw_rad[stride], tracks.present[stride]
    radius = np.hypot(tracks.length_m, tracks.width_m) / 2
    first, second = np.triu_indices(len(tracks.ids), k=1)
    soft = np.array([c.group in (Group.PERSON, Group.ANIMAL) or c in _LOOSE for c in tracks.categories])
    both = ~(soft[first] & soft[second])
    first, second = first[both], second[both]
    gap = xy[:, first] - xy[:, second]
    near = np.sum(gap**2, axis=-1) < (radius[first] + radius[second]) ** 2
    when, pair = np.nonzero(near & present[:, first] & present[:, second])
    if len(when) == 0:
        return []
    i, j = first[pair], second[pair]
    hit = _boxes_meet(tracks, gap[when, pair], yaw[when, i], yaw[when, j], i=i, j=j)
    return sorted({(tracks.ids[a], tracks.ids[b]) for a, b in zip(i[hit], j[hit])})


def _boxes_meet(
    tracks: Tracks,
    gap: Float[np.ndarray, "pairs 2"],
    yaw_i: Float[np.ndarray, "pairs"],
    yaw_j: Float[np.ndarray, "pairs"],
    *,
    i: np.ndarray,
    j: np.ndarray,
) -> Bool[np.ndarray, "pairs"]:
    """Separating axes of two boxes: they meet unless a side of either parts them."""

    def half(of: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return tracks.length_m[of] / 2 - _SLACK_M, tracks.width_m[of] / 2 - _SLACK_M

    (length_i, width_i), (length_j, width_j) = half(i), half(j)
    turn = yaw_j - yaw_i
    cos, sin = np.abs(np.cos(turn)), np.abs(np.sin(turn))

    def along(yaw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        c, s = np.cos(yaw), np.sin(yaw)
        return np.abs(gap[:, 0] * c + gap[:, 1] * s), np.abs(gap[:, 1] * c - gap[:, 0] * s)

    (ix, iy), (jx, jy) = along(yaw_i), along(yaw_j)
    return (
        (ix < length_i + length_j * cos + width_j * sin)
        & (iy < width_i + length_j * sin + width_j * cos)
        & (jx < length_j + length_i * cos + width_i * sin)
        & (jy < width_j + length_i * sin + width_i * cos)
    )


@dataclass(frozen=True, kw_only=True)
class Extremes:
    """The most that vehicles do, ever. Arrays of shape (vehicles,).

    columns: which bodies of the tracks.  accel_mps2, jerk_mps3: along the heading, absolute.  curvature: absolute, 1/m,
    while faster than 0.6 m/s.
    """

    columns: Int[np.ndarray, "vehicles"]
    accel_mps2: Float[np.ndarray, "vehicles"]
    jerk_mps3: Float[np.ndarray, "vehicles"]
    curvature: Float[np.ndarray, "vehicles"]


def extremes(tracks: Tracks) -> Extremes:
    """Return the hardest that each vehicle accelerates, jerks and steers, by differences of neighbouring times."""
    columns = np.flatnonzero(np.array([drives(category) for category in tracks.categories]) & ~tracks.parked)
    speed, yaw = tracks.speed_mps[:, columns], tracks.yaw_rad[:, columns]
    accel = np.diff(speed, axis=0) / tracks.step_s
    jerk = np.diff(accel, axis=0) / tracks.step_s
    travelled = np.maximum(np.abs(speed[:-1]) * tracks.step_s, 1e-6)
    turned = np.abs((np.diff(yaw, axis=0) + np.pi) % (2 * np.pi) - np.pi)
    curvature = np.where(np.abs(speed[:-1]) > 0.6, turned / travelled, 0.0)
    # A speed is a difference of neighbours: it means something only where they are there, too.
    present = tracks.present[:, columns]
    whole = present.copy()
    whole[1:] &= present[:-1]
    whole[:-1] &= present[1:]
    there = whole[:-1] & whole[1:]

    def most(values: Float[np.ndarray, "times vehicles"], where: Bool[np.ndarray, "times vehicles"]) -> np.ndarray:
        return np.max(np.abs(values), axis=0, where=where, initial=0.0)

    return Extremes(
        columns=columns,
        accel_mps2=most(accel, there),
        jerk_mps3=most(jerk, there[:-1] & there[1:]),
        curvature=most(curvature, there),
    )


def infeasible(tracks: Tracks) -> list[tuple[str, str]]:
    """Return (id, what) of vehicles that accelerate or steer as none can."""
    most, found = extremes(tracks), []
    for column, accel, bend in zip(most.columns, most.accel_mps2, most.curvature):
        if accel > INFEASIBLE_ACCEL_MPS2:
            found.append((tracks.ids[column], f"accelerates by {accel:.1f} m/s2"))
        if bend > INFEASIBLE_CURVATURE:
            found.append((tracks.ids[column], f"turns with a curvature of {bend:.2f} 1/m"))
    return found


def off_road(tracks: Tracks, surface: BaseGeometry) -> list[str]:
    """Return the vehicles of which a corner leaves the drivable surface by more than 0.35 m (every 0.5 s)."""
    wide = surface.buffer(_KERB_SLACK_M, join_style="mitre")
    shapely.prepare(wide)
    judged = np.array([c.group is Group.VEHICLE for c in tracks.categories]) & ~tracks.parked
    columns = np.flatnonzero(judged)
    if len(columns) == 0:
        return []
    stride = slice(None, None, max(1, round(0.5 / tracks.step_s)))
    corners = outlines(tracks, columns, times=stride)
    inside = shapely.contains_xy(wide, corners[..., 0], corners[..., 1]).all(axis=-1)
    gone = ~inside & tracks.present[stride][:, columns]
    return [tracks.ids[columns[k]] for k in np.flatnonzero(gone.any(axis=0))]


def wrong_way(tracks: Tracks, hdmap: HDMap) -> list[str]:
    """Return the vehicles that drive for a second or more (two looks) where no lane within 2.5 m goes their way.

    Where there is no lane at all within 2.5 m, at the kerb, those within 6 m count.
    """
    columns = np.flatnonzero(np.array([c.group is Group.VEHICLE for c in tracks.categories]) & ~tracks.parked)
    lanes = [lane for lane in hdmap.lanes if lane.kind is LaneKind.CAR]
    if len(columns) == 0 or not lanes:
        return []
    stride = slice(None, None, max(1, round(1.0 / tracks.step_s)))
    number = np.repeat(np.arange(len(lanes)), [len(lane.center_m) for lane in lanes])
    lines = shapely.linestrings(np.concatenate([lane.center_m for lane in lanes]), indices=number)
    knots, number = shapely.get_coordinates(shapely.simplify(lines, 0.05), return_index=True)
    within = number[1:] == number[:-1]
    start, step = knots[:-1][within], (knots[1:] - knots[:-1])[within]
    length = np.linalg.norm(step, axis=1)
    unit = step / length[:, None]
    points = tracks.xy_m[stride][:, columns]
    flat = points.reshape(-1, 2)
    x, y = flat[:, :1] - start[:, 0], flat[:, 1:] - start[:, 1]
    along = np.minimum(np.maximum(x * unit[:, 0] + y * unit[:, 1], 0.0), length)
    apart = (x - along * unit[:, 0]) ** 2 + (y - along * unit[:, 1]) ** 2
    # Beside the lanes, on a parking strip, the lanes next to it count.
    reach = np.where(apart.min(axis=1, keepdims=True) < 2.5**2, 2.5**2, 6.0**2)
    near = apart < reach
    yaw = tracks.yaw_rad[stride][:, columns].reshape(-1, 1)
    agrees = np.cos(yaw) * unit[:, 0] + np.sin(yaw) * unit[:, 1] > 0.0
    lost = (~(near & agrees).any(axis=1)).reshape(points.shape[:2])
    lost &= tracks.present[stride][:, columns] & (np.abs(tracks.speed_mps[stride][:, columns]) > 0.5)
    for_long = (lost[1:] & lost[:-1]).any(axis=0)
    return [tracks.ids[columns[k]] for k in np.flatnonzero(for_long)]


def visible_actors(tracks: Tracks, *, range_m: float = 50.0) -> int:
    """Return how many bodies beside the ego come within sight of it."""
    distance = np.linalg.norm(tracks.xy_m[:, 1:] - tracks.xy_m[:, :1], axis=-1)
    return int(((distance < range_m) & tracks.present[:, 1:]).any(axis=0).sum())
