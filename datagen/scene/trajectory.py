"""Motion: poses at times, exact at those times and interpolated between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int64

from datagen.scene.pose import SE3, quat_from_yaw, quat_slerp, rotation_from_quat

MAX_GAP_US = 1_100_000
"""Two poses further apart than this are not joined: in between, the thing was not there."""


@dataclass(frozen=True, kw_only=True)
class Trajectory:
    """Poses of one body frame in the world. All arrays are of shape (knots, ...); validity is `covers`.

    timestamp_us: strictly increasing.  quat_wxyz: unit.  translation_m: of the body's origin.
    """

    timestamp_us: Int64[np.ndarray, "knots"]
    translation_m: Float[np.ndarray, "knots 3"]
    quat_wxyz: Float[np.ndarray, "knots 4"]

    def __post_init__(self) -> None:
        assert len(self.timestamp_us) > 0, "a trajectory needs a pose"
        assert np.all(np.diff(self.timestamp_us) > 0), "timestamps must increase"
        assert np.isfinite(self.translation_m).all(), "a trajectory has no NaN; leave the knot out"
        assert np.isfinite(self.quat_wxyz).all(), "a trajectory has no NaN; leave the knot out"

    @classmethod
    def from_xyz_yaw(
        cls,
        timestamp_us: Int64[np.ndarray, "knots"],
        xyz_m: Float[np.ndarray, "knots 3"],
        *,
        yaw_rad: Float[np.ndarray, "knots"],
    ) -> Trajectory:
        """Return a trajectory that stands upright everywhere."""
        return cls(timestamp_us=timestamp_us, translation_m=xyz_m, quat_wxyz=quat_from_yaw(yaw_rad))

    @property
    def start_us(self) -> int:
        """Time of the first pose."""
        return int(self.timestamp_us[0])

    @property
    def end_us(self) -> int:
        """Time of the last pose."""
        return int(self.timestamp_us[-1])

    @property
    def yaw_rad(self) -> Float[np.ndarray, "knots"]:
        """Heading of the x axis at each knot."""
        x_axis = rotation_from_quat(self.quat_wxyz)[..., :, 0]
        return np.arctan2(x_axis[..., 1], x_axis[..., 0])

    def covers(self, timestamp_us: Int64[np.ndarray, "times"], *, slack_us: int = 0) -> Bool[np.ndarray, "times"]:
        """Say where the body is there: within `slack_us` of a knot, or between two at most MAX_GAP_US apart."""
        knots = self.timestamp_us
        after = np.clip(np.searchsorted(knots, timestamp_us, side="left"), 0, len(knots) - 1)
        before = np.clip(after - 1, 0, None)
        on_knot = np.minimum(abs(knots[after] - timestamp_us), abs(knots[before] - timestamp_us)) <= slack_us
        inside = (timestamp_us > knots[before]) & (timestamp_us < knots[after])
        return on_knot | (inside & (knots[after] - knots[before] <= MAX_GAP_US))

    def at(
        self, timestamp_us: Int64[np.ndarray, "times"]
    ) -> tuple[Float[np.ndarray, "times 3"], Float[np.ndarray, "times 4"]]:
        """Return translations and quaternions: exact on knots, linear and slerp between, held outside."""
        knots = self.timestamp_us
        if len(knots) == 1:
            shape = (len(timestamp_us), 1)
            return np.tile(self.translation_m[0], shape), np.tile(self.quat_wxyz[0], shape)
        after = np.clip(np.searchsorted(knots, timestamp_us, side="left"), 1, len(knots) - 1)
        before = after - 1
        span = (knots[after] - knots[before]).astype(np.float64)
        fraction = np.clip((timestamp_us - knots[before]) / span, 0.0, 1.0)
        start, end = self.translation_m[before], self.translation_m[after]
        translation = start + fraction[:, None] * (end - start)
        translation = np.where((fraction >= 1.0)[:, None], end, translation)
        return translation, quat_slerp(self.quat_wxyz[before], self.quat_wxyz[after], fraction)

    def pose_at(self, timestamp_us: int) -> SE3:
        """Return `world_SE3_body` at one time (see `at`)."""
        translation, quat = self.at(np.array([timestamp_us], dtype=np.int64))
        return SE3(quat_wxyz=quat[0], translation_m=translation[0])

    def velocity_mps(self, timestamp_us: Int64[np.ndarray, "times"]) -> Float[np.ndarray, "times 3"]:
        """Return velocities in the world frame by central difference over 0.1 s, one-sided at the ends."""
        if len(self.timestamp_us) == 1:
            return np.zeros((len(timestamp_us), 3))
        half_us = 50_000
        early = np.clip(timestamp_us - half_us, self.start_us, self.end_us)
        late = np.clip(timestamp_us + half_us, self.start_us, self.end_us)
        late = np.where(late == early, np.minimum(early + 1, self.end_us), late)
        early = np.where(late == early, late - 1, early)
        step_s = (late - early)[:, None] / 1e6
        return (self.at(late)[0] - self.at(early)[0]) / step_s
