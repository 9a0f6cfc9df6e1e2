"""Something that stands where it was put for the whole clip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64

from adapters.scene.sumo.fleet import Body
from datagen.scene import Actor, Posture, Trajectory


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A body at a place. at_m: middle of its footprint."""

    body: Body
    at_m: Float[np.ndarray, "2"]
    yaw_rad: float
    posture: Posture

    def as_actor(self, name: str, *, times_us: Int64[np.ndarray, "knots"]) -> Actor:
        """Return it as an actor that is there at `times_us`."""
        height = self.body.size_lwh_m[2]
        xyz = np.tile([self.at_m[0], self.at_m[1], height / 2], (len(times_us), 1))
        trajectory = Trajectory.from_xyz_yaw(times_us, xyz, yaw_rad=np.full(len(times_us), self.yaw_rad))
        return Actor(
            id=name,
            category=self.body.category,
            size_lwh_m=self.body.size_lwh_m,
            trajectory=trajectory,
            look=self.body.look,
            posture=self.posture,
        )
