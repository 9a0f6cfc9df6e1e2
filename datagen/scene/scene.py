"""A scene: who is where when, on which road, in which light. It knows no picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import numpy as np
from jaxtyping import Float

from datagen.scene.ambience import Ambience
from datagen.scene.category import Category
from datagen.scene.hdmap import HDMap
from datagen.scene.pose import SE3
from datagen.scene.rig import Rig
from datagen.scene.timeline import Timeline
from datagen.scene.trajectory import Trajectory

EGO_SIZE_LWH_M = (4.084, 1.730, 1.562)
"""The Renault Zoe of nuScenes."""

EGO_SE3_EGO_BOX = SE3.from_yaw(1.368, 0.0, EGO_SIZE_LWH_M[2] / 2, 0.0)
"""The ego frame sits on the ground under the rear axle; its box is centred ahead of that."""


class Posture(StrEnum):
    """What cannot be seen from motion alone."""

    ACTIVE = "active"  # in traffic: moving, or about to
    PARKED = "parked"  # a vehicle nobody is about to move
    RIDERLESS = "riderless"  # a cycle with nobody on it
    SITTING = "sitting"  # a person sitting or lying


@dataclass(frozen=True, kw_only=True)
class Look:
    """The appearance of one track, the same in every view and frame.

    color_rgb: main colour, each in [0, 1].  kind: one of the category's kinds.
    """

    color_rgb: tuple[float, float, float] = (0.5, 0.5, 0.5)
    kind: str = "plain"


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Everything that gets a box. Its trajectory is `world_SE3_box`: the box's centre, x ahead.

    id: unique in the scene.  size_lwh_m: along the box's x, y, z.  event: it acts what the prompt asked for.
    """

    id: str
    category: Category
    size_lwh_m: tuple[float, float, float]
    trajectory: Trajectory
    look: Look = Look()
    posture: Posture = Posture.ACTIVE
    event: bool = False

    def corners_m(self, timestamp_us: int) -> Float[np.ndarray, "8 3"]:
        """Return the box's corners in the world at one time, in the order of `box_corners_m`."""
        return self.trajectory.pose_at(timestamp_us).transform(box_corners_m(self.size_lwh_m))


@dataclass(frozen=True, kw_only=True)
class Recording:
    """What a scene that was read from a log keeps of it: the sensors and the instants they fired.

    timeline: key frames.  pictures: (channel, shutter time in µs) → the log's own picture, key frames and sweeps.
    """

    rig: Rig
    timeline: Timeline
    pictures: Mapping[tuple[str, int], Path] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Ego, actors, map and ambience over one stretch of time.

    ego: `world_SE3_ego`, under the rear axle, on the ground.
    provenance: where it came from (source, log scene, network seed …), for the ledger and the export.
    recording: set when the scene was read from a log.
    """

    ego: Trajectory
    actors: tuple[Actor, ...]
    hdmap: HDMap
    ambience: Ambience
    description: str
    provenance: Mapping[str, str] = field(default_factory=dict)
    recording: Recording | None = None


def box_corners_m(size_lwh_m: tuple[float, float, float]) -> Float[np.ndarray, "8 3"]:
    """Return the corners of a box in its own frame, in the devkit's order.

    ```
            5────────4          x ahead, y left, z up
           /│       /│
          / │      / │          front face: 0 1 2 3
         1────────0  │          rear face:  4 5 6 7
         │  6─────│──7
         │ /      │ /           0 front left top,  1 front right top,
         2────────3             2 front right bottom, 3 front left bottom
    ```
    (drawn from ahead: the front face is near, so its left is at the right hand)
    """
    length, width, height = size_lwh_m
    x = length / 2 * np.array([1, 1, 1, 1, -1, -1, -1, -1])
    y = width / 2 * np.array([1, -1, -1, 1, 1, -1, -1, 1])
    z = height / 2 * np.array([1, 1, -1, -1, 1, 1, -1, -1])
    return np.stack([x, y, z], axis=-1)
