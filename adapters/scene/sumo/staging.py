"""From tracks to a scene: everyone near the ego's path, moving as bodies move, nobody inside another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from jaxtyping import Float, Int64
from scipy.spatial import cKDTree

from adapters.scene.sumo.fleet import Body, Vehicle, Walker
from adapters.scene.sumo.motion import STEP_S, is_feasible, pulled, smoothed, vehicle_poses
from adapters.scene.sumo.overlap import footprints, losers, overlapping_pairs
from adapters.scene.sumo.placed import Placed
from adapters.scene.sumo.traffic import Track, Traffic
from datagen.scene import EGO_SIZE_LWH_M, Actor, Category, Trajectory
from datagen.scene.scene import EGO_SE3_EGO_BOX

MAX_SPEED_MPS = {"vehicle": 45.0, "walker": 6.0}
"""A track that is faster than this jumped: SUMO moved someone by hand."""
PERSON_SPAN_M = 0.5
CHECK_EVERY_US = 200_000


@dataclass(frozen=True, kw_only=True)
class Cast:
    """The actors that are left. overlapping: boxes let go; impossible: tracks let go for how they moved."""

    actors: tuple[Actor, ...]
    overlapping: int
    impossible: int


def knots_us(start_us: int, last_step: int) -> Int64[np.ndarray, "knots"]:
    """Return the instants of steps 0 to `last_step`."""
    return start_us + np.arange(last_step + 1, dtype=np.int64) * round(STEP_S * 1e6)


def ego_trajectory(
    rear_m: Float[np.ndarray, "knots 2"], yaw_rad: Float[np.ndarray, "knots"], *, times_us: Int64[np.ndarray, "knots"]
) -> Trajectory:
    """Return the ego's motion on the ground."""
    ground = np.concatenate([rear_m, np.zeros((len(rear_m), 1))], axis=1)
    return Trajectory.from_xyz_yaw(times_us, ground, yaw_rad=yaw_rad)


def stage(
    traffic: Traffic,
    *,
    ego_name: str,
    ego: Trajectory,
    placed: Sequence[Placed],
    roadway: shapely.Geometry,
    radius_m: float,
    times_us: Int64[np.ndarray, "knots"],
) -> Cast:
    """Return everyone who comes within `radius_m` of the ego's path, without those that overlap."""
    moving: list[Actor] = []
    impossible = 0
    for name in sorted(set(traffic.tracks) - {ego_name}):
        bodies = _bodies(name, traffic, roadway=roadway)
        impossible += not bodies
        first_step = traffic.tracks[name].first_step
        for number, body in enumerate(bodies):
            moving += _in_clip(f"{name}.{number}", body, first_step=first_step, times_us=times_us)
    near = cKDTree(ego.translation_m[:, :2])
    moving = [actor for actor in moving if near.query(actor.trajectory.translation_m[:, :2])[0].min() < radius_m]
    each_second = times_us[:: round(1.0 / STEP_S)]
    still_us = np.unique(np.append(each_second, times_us[-1]))
    standing = [thing.as_actor(f"placed-{number}", times_us=still_us) for number, thing in enumerate(placed)]
    left = _without_overlaps(standing + moving, ego=ego, times_us=times_us)
    overlapping = len(moving) + len(standing) - len(left)
    return Cast(actors=left, overlapping=overlapping, impossible=impossible)


def _without_overlaps(
    actors: list[Actor], *, ego: Trajectory, times_us: Int64[np.ndarray, "knots"]
) -> tuple[Actor, ...]:
    ego_box = Actor(id="ego", category=Category.CAR, size_lwh_m=EGO_SIZE_LWH_M, trajectory=_box_of(ego))
    everyone = [ego_box, *actors]
    checked = times_us[:: round(CHECK_EVERY_US / (STEP_S * 1e6))]
    pairs = overlapping_pairs(footprints(everyone, checked))
    groups = [actor.id.split(".")[0] for actor in everyone]
    gone = losers(pairs, keep=[actor is ego_box for actor in everyone], group=groups)
    return tuple(actor for column, actor in enumerate(everyone) if column not in gone and actor is not ego_box)


def _box_of(ego: Trajectory) -> Trajectory:
    """Return the motion of the middle of the ego's box."""
    ahead = EGO_SE3_EGO_BOX.translation_m[0]
    yaw = ego.yaw_rad
    middle = ego.translation_m + ahead * np.stack([np.cos(yaw), np.sin(yaw), np.zeros_like(yaw)], axis=-1)
    return Trajectory(timestamp_us=ego.timestamp_us, translation_m=middle, quat_wxyz=ego.quat_wxyz)


Moving = tuple[Body, Float[np.ndarray, "steps 2"], Float[np.ndarray, "steps"]]
"""A body, its box's middle and its heading."""


def _bodies(name: str, traffic: Traffic, *, roadway: shapely.Geometry) -> list[Moving]:
    """Return how the boxes of one individual move; nothing if it moved as nothing can, or off the road.

    SUMO leads the front along the lane; in a narrow turn the middle of a long vehicle may cut the corner.
    """
    track = traffic.tracks[name]
    walker = traffic.walkers.get(name)
    step_m = np.linalg.norm(np.diff(track.front_m, axis=0), axis=1)
    if step_m.max(initial=0.0) > MAX_SPEED_MPS["walker" if walker else "vehicle"] * STEP_S:
        return []
    if walker:
        return _walking(walker, track)
    bodies = _driving(traffic.vehicles[name], track)
    possible = all(is_feasible(middle, yaw) for _, middle, yaw in bodies)
    on_road = all(shapely.contains_xy(roadway, middle[::5]).all() for _, middle, _ in bodies)
    return bodies if possible and on_road else []


def _driving(vehicle: Vehicle, track: Track) -> list[Moving]:
    poses = vehicle_poses(vehicle, smoothed(track.front_m), start_yaw_rad=track.start_yaw_rad)
    bodies = [vehicle.body, *([vehicle.towed] if vehicle.towed else [])]
    return [(body, center, yaw) for body, (center, yaw) in zip(bodies, poses)]


def _walking(walker: Walker, track: Track) -> list[Moving]:
    middle = smoothed(track.front_m)
    yaw = pulled(middle, wheelbase_m=PERSON_SPAN_M, start_yaw_rad=track.start_yaw_rad)
    bodies: list[Moving] = [(walker.body, middle, yaw)]
    if walker.companion is not None:
        bodies.append((walker.companion, middle + _beside(walker.companion, walker.body, yaw), yaw))
    return bodies


def _beside(companion: Body, body: Body, yaw: Float[np.ndarray, "steps"]) -> Float[np.ndarray, "steps 2"]:
    """Return where company is: a stroller is pushed ahead, a child or a dog walks beside."""
    ahead, left = (companion.size_lwh_m[0] + body.size_lwh_m[0]) / 2 + 0.05, 0.0
    if companion.category is not Category.STROLLER:
        ahead, left = 0.05, (companion.size_lwh_m[1] + body.size_lwh_m[1]) / 2 + 0.05
    cos, sin = np.cos(yaw), np.sin(yaw)
    return np.stack([ahead * cos - left * sin, ahead * sin + left * cos], axis=-1)


def _in_clip(name: str, moving: Moving, *, first_step: int, times_us: Int64[np.ndarray, "knots"]) -> Iterator[Actor]:
    """Yield the part of a motion that lies in the clip as an actor; nothing if there is none."""
    body, middle_m, yaw = moving
    start, stop = max(0, -first_step), min(len(middle_m), len(times_us) - first_step)
    if stop - start < 2:
        return
    height = np.full((stop - start, 1), body.size_lwh_m[2] / 2)
    yield Actor(
        id=name,
        category=body.category,
        size_lwh_m=body.size_lwh_m,
        trajectory=Trajectory.from_xyz_yaw(
            times_us[first_step + start : first_step + stop],
            np.concatenate([middle_m[start:stop], height], axis=1),
            yaw_rad=yaw[start:stop],
        ),
        look=body.look,
    )
