"""What an actor's motion does not tell, from its attributes where the log has them, else from where it stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import shapely

from datagen.scene import Category, Group, HDMap, Posture, Trajectory

STILL_M = 0.5
"""A track that never leaves a circle of this radius does not move: annotations wobble by about half of it."""


def posture_of(category: Category, trajectory: Trajectory, *, attributes: Sequence[str], hdmap: HDMap) -> Posture:
    """Return an actor's posture over the whole scene.

    attributes: nuScenes names, of all its annotations; the most frequent telling one decides. A log without
    them (nuScenes' test split, our mini copy) leaves motion and place: who never moves is parked if it is a
    vehicle beside the lanes, riderless if it is a cycle; vehicles that stand on a lane wait in traffic.
    """
    told = Counter(_TOLD[name] for name in attributes if name in _TOLD)
    if told:
        return told.most_common(1)[0][0]
    if not is_still(trajectory):
        return Posture.ACTIVE
    match category.group:
        case Group.CYCLE:
            return Posture.RIDERLESS
        case Group.VEHICLE if not _on_a_lane(trajectory, hdmap):
            return Posture.PARKED
        case _:
            return Posture.ACTIVE


def is_still(trajectory: Trajectory) -> bool:
    """Say whether a track stays within STILL_M of its middle."""
    xy = trajectory.translation_m[:, :2]
    return bool(np.linalg.norm(xy - np.median(xy, axis=0), axis=1).max() <= STILL_M)


def _on_a_lane(trajectory: Trajectory, hdmap: HDMap) -> bool:
    spot = shapely.Point(np.median(trajectory.translation_m[:, :2], axis=0))
    return any(shapely.Polygon(lane.polygon.exterior_m).contains(spot) for lane in hdmap.lanes if not lane.junction)


_TOLD = {
    "vehicle.moving": Posture.ACTIVE,
    "vehicle.stopped": Posture.ACTIVE,
    "vehicle.parked": Posture.PARKED,
    "cycle.with_rider": Posture.ACTIVE,
    "cycle.without_rider": Posture.RIDERLESS,
    "pedestrian.moving": Posture.ACTIVE,
    "pedestrian.standing": Posture.ACTIVE,
    "pedestrian.sitting_lying_down": Posture.SITTING,
}
