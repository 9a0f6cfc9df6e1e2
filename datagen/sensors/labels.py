"""Labels are derived, never typed in: from the poses, the sweep of the same instant and what the cameras see.

Conventions are those of the nuScenes devkit, so that it finds in the export what is written here: a point is in a
box if it is on or between its faces (`points_in_box`), and a velocity is the difference between the annotations
before and after (`box_velocity`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32

from datagen.scene import SE3, Actor, Label, Rig, Scene, Timeline, attribute_of, box_corners_m
from datagen.sensors.actors import seed_of
from datagen.sensors.lidar import sweep
from datagen.sensors.visibility import visibility
from datagen.sensors.world import World

_MAX_STEP_S = 1.5
"""The devkit joins annotations that are at most this far apart (twice as far across one in between)."""


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What the rig measured in one frame: the LiDAR sweep, and the labels where it is a key frame.

    sweep: x, y, z (LiDAR frame, metres), intensity (0-255), ring.
    """

    frame: int
    sweep: Float32[np.ndarray, "points 5"]
    labels: tuple[Label, ...]


def observe(
    scene: Scene, rig: Rig, *, timeline: Timeline, seed: int, frames: Sequence[int] | None = None
) -> Iterator[Observation]:
    """Yield sweep and labels of frames, in order, from one world built once; the same for the same seed.

    frames: indices into the timeline; by default all of them. Labels exist at key frames alone.
    """
    world = World(scene, seed=seed)
    for frame in range(len(timeline)) if frames is None else frames:
        timestamp_us = int(timeline.timestamp_us[frame])
        snapshot = world.at(timestamp_us)
        world_SE3_ego = scene.ego.pose_at(timestamp_us)
        rng = np.random.default_rng(seed_of("sweep", seed, frame))
        points = sweep(snapshot, rig.lidar, world_SE3_ego=world_SE3_ego, rng=rng)
        labels: tuple[Label, ...] = ()
        if timeline.is_keyframe[frame]:
            seen = visibility(snapshot, rig, world_SE3_ego=world_SE3_ego)
            shares = {key: value.share for key, value in seen.items()}
            labels = labels_of(scene, rig, timeline=timeline, frame=frame, sweep=points, visible=shares)
        yield Observation(frame=frame, sweep=points, labels=labels)


def labels_of(
    scene: Scene,
    rig: Rig,
    *,
    timeline: Timeline,
    frame: int,
    sweep: Float32[np.ndarray, "points 5"],
    visible: dict[str, float],
) -> tuple[Label, ...]:
    """Return the label of every actor that is there at one key frame; who is in no picture has `visible` 0."""
    timestamp_us = int(timeline.timestamp_us[frame])
    lidar_SE3_world = (scene.ego.pose_at(timestamp_us) @ rig.lidar.ego_SE3_lidar).inverse()
    labels = []
    for actor in scene.actors:
        if not actor.trajectory.covers(np.array([timestamp_us]))[0]:
            continue
        world_SE3_box = actor.trajectory.pose_at(timestamp_us)
        velocity = keyframe_velocity_mps(actor, timeline, frame=frame)
        inside = points_in_box(sweep[:, :3], lidar_SE3_world @ world_SE3_box, size_lwh_m=actor.size_lwh_m)
        labels.append(
            Label(
                actor_id=actor.id,
                category=actor.category,
                frame=frame,
                timestamp_us=timestamp_us,
                world_SE3_box=world_SE3_box,
                size_lwh_m=actor.size_lwh_m,
                velocity_mps=velocity,
                visible=visible.get(actor.id, 0.0),
                lidar_points=int(inside.sum()),
                attribute=attribute_of(actor, float(np.hypot(*velocity))),
            )
        )
    return tuple(labels)


def points_in_box(
    points_m: Float[np.ndarray, "points 3"], lidar_SE3_box: SE3, *, size_lwh_m: tuple[float, float, float]
) -> Bool[np.ndarray, "points"]:
    """Say which points lie in a box, faces included (nuscenes.utils.geometry_utils.points_in_box)."""
    corners = lidar_SE3_box.transform(box_corners_m(size_lwh_m))
    apart = points_m - corners[0]
    inside = np.ones(len(points_m), dtype=bool)
    for edge in (corners[4] - corners[0], corners[1] - corners[0], corners[3] - corners[0]):
        along = apart @ edge
        inside &= (along >= 0) & (along <= edge @ edge)
    return inside


def keyframe_velocity_mps(actor: Actor, timeline: Timeline, *, frame: int) -> tuple[float, float]:
    """Return (vx, vy) in the world from the neighbouring key frames at which the actor is there.

    As NuScenes.box_velocity: central over both neighbours if they are within 3 s of each other, one-sided at the
    ends within 1.5 s. Where the devkit would say NaN, the trajectory's own velocity stands in.
    """
    keys = timeline.keyframes
    times = timeline.timestamp_us[keys]
    there = np.flatnonzero(actor.trajectory.covers(times))
    place = int(np.searchsorted(there, int(np.searchsorted(keys, frame))))
    first, last = max(place - 1, 0), min(place + 1, len(there) - 1)
    start_us, end_us = times[there[first]], times[there[last]]
    span_s = (end_us - start_us) / 1e6
    if first == last or span_s > _MAX_STEP_S * (last - first):
        vx, vy, _ = actor.trajectory.velocity_mps(timeline.timestamp_us[[frame]])[0]
        return float(vx), float(vy)
    (start, end), _ = actor.trajectory.at(np.array([start_us, end_us]))
    vx, vy, _ = (end - start) / span_s
    return float(vx), float(vy)
