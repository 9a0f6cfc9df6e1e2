"""All motion of a scene as arrays, so that rules and metrics can look at everybody at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from datagen.scene import EGO_SE3_EGO_BOX, EGO_SIZE_LWH_M, Category, Lane, Posture, Scene, Trajectory
from datagen.scene.line import Line
from datagen.traffic.limits import rear_axle_m
from datagen.traffic.route import Network

_ONWARD_M = 60.0
"""So far ahead of where it ends the ego's way is continued."""


@dataclass(frozen=True, kw_only=True)
class Tracks:
    """Boxes of everybody over time; column 0 is the ego. All arrays are of shape (times, bodies, ...).

    xy_m, yaw_rad: of the boxes' middles; where `present` is False they are meaningless.
    length_m, width_m: of shape (bodies,).
    """

    network: Network
    ids: tuple[str, ...]
    categories: tuple[Category, ...]
    parked: Bool[np.ndarray, "bodies"]
    event: Bool[np.ndarray, "bodies"]
    step_s: float
    xy_m: Float[np.ndarray, "times bodies 2"]
    yaw_rad: Float[np.ndarray, "times bodies"]
    present: Bool[np.ndarray, "times bodies"]
    length_m: Float[np.ndarray, "bodies"]
    width_m: Float[np.ndarray, "bodies"]

    @classmethod
    def of(
        cls, scene: Scene, *, duration_s: float | None = None, step_s: float = 0.1, network: Network | None = None
    ) -> Tracks:
        """Return the tracks of a scene from its ego's first pose on, over `duration_s` or as long as the ego lasts.

        network: that of the scene's map, if there is one already.
        """
        end_us = scene.ego.end_us if duration_s is None else scene.ego.start_us + round(duration_s * 1e6)
        times = np.arange(scene.ego.start_us, min(end_us, scene.ego.end_us) + 1, round(step_s * 1e6), dtype=np.int64)
        ego_xyz, ego_quat = scene.ego.at(times)
        ego_yaw = _yaw(ego_quat)
        ahead = np.stack([np.cos(ego_yaw), np.sin(ego_yaw)], axis=-1) * EGO_SE3_EGO_BOX.translation_m[0]
        places = [(ego_xyz[:, :2] + ahead, ego_yaw, scene.ego.covers(times))]
        for actor in scene.actors:
            places.append(_places(actor.trajectory, times))
        sizes = [EGO_SIZE_LWH_M, *(actor.size_lwh_m for actor in scene.actors)]
        return cls(
            network=network or Network(scene.hdmap),
            ids=("ego", *(actor.id for actor in scene.actors)),
            categories=(Category.CAR, *(actor.category for actor in scene.actors)),
            parked=np.array([False, *(actor.posture is not Posture.ACTIVE for actor in scene.actors)]),
            event=np.array([False, *(actor.event for actor in scene.actors)]),
            step_s=step_s,
            xy_m=np.stack([place[0] for place in places], axis=1),
            yaw_rad=np.stack([place[1] for place in places], axis=1),
            present=np.stack([place[2] for place in places], axis=1),
            length_m=np.array([size[0] for size in sizes]),
            width_m=np.array([size[1] for size in sizes]),
        )

    @cached_property
    def rear_xy_m(self) -> Float[np.ndarray, "times bodies 2"]:
        """Where the rear axles are: the points a kinematic bicycle is about."""
        facing = np.stack([np.cos(self.yaw_rad), np.sin(self.yaw_rad)], axis=-1)
        back = np.array([rear_axle_m(length) for length in self.length_m])
        back[0] = EGO_SE3_EGO_BOX.translation_m[0]
        return self.xy_m - back[:, None] * facing

    @cached_property
    def velocity_mps(self) -> Float[np.ndarray, "times bodies 2"]:
        """Velocities of the rear axles, by central differences."""
        return np.gradient(self.rear_xy_m, self.step_s, axis=0)

    @cached_property
    def speed_mps(self) -> Float[np.ndarray, "times bodies"]:
        """Signed along the heading: negative is backwards."""
        facing = np.stack([np.cos(self.yaw_rad), np.sin(self.yaw_rad)], axis=-1)
        return np.sum(self.velocity_mps * facing, axis=-1)

    def column(self, name: str) -> int:
        """Return the column of a body."""
        return self.ids.index(name)

    def until_turned(self, name: str) -> Tracks:
        """Return the tracks up to where a body begins to leave its first heading by over 25 degrees."""
        column = self.column(name)
        there = np.flatnonzero(self.present[:, column])
        along = np.cos(self.yaw_rad[there, column] - self.yaw_rad[there[0], column])
        off = np.flatnonzero(along < np.cos(np.deg2rad(25.0)))
        if len(off) == 0:
            return self
        straight = np.flatnonzero(along[: off[0]] > np.cos(np.deg2rad(5.0)))
        return self.until(max(int(there[straight[-1]]) + 1, int(there[0]) + 3))

    def until(self, count: int) -> Tracks:
        """Return the tracks at the first `count` times."""
        cut = slice(0, count)
        return replace(self, xy_m=self.xy_m[cut], yaw_rad=self.yaw_rad[cut], present=self.present[cut])

    def course_from(self, xy_m: Float[np.ndarray, "2"], yaw_rad: float) -> Line | None:
        """Return the way on from the lane one is on, heading `yaw_rad`, or None where there is no such lane."""
        facing = np.array([np.cos(yaw_rad), np.sin(yaw_rad)])
        found: list[tuple[float, str, Lane]] = []
        for lane in self.network.hdmap.lanes:
            nearest = int(np.argmin(np.sum((lane.center_m - xy_m) ** 2, axis=1)))
            line = Line(lane.center_m)
            if line.tangent[min(nearest, len(line.tangent) - 1)] @ facing > 0.7:
                aside = abs(float(line.project(xy_m[None])[1][0]))
                off = float(np.linalg.norm(lane.center_m[nearest] - xy_m)) - 6.0
                found.append((max(aside, off), lane.id, lane))
        if not found:
            return None
        lane = min(found, key=lambda one: one[:2])[2]
        route = self.network.route(lane)
        return route.line if route is not None else Line(lane.center_m)

    @cached_property
    def ego_way(self) -> Line:
        """The way the ego's rear axle goes, as a line that continues along its lane, or straight where it has none."""
        points = self.rear_xy_m[:, 0]
        facing = np.array([np.cos(self.yaw_rad[:, 0]), np.sin(self.yaw_rad[:, 0])]).T
        kept = [points[0] - 1.0 * facing[0], points[0]]
        x, y = points[0].tolist()
        for point, (here_x, here_y) in zip(points[1:], points[1:].tolist()):
            if (here_x - x) ** 2 + (here_y - y) ** 2 > 0.3**2:
                kept.append(point)
                x, y = here_x, here_y
        last, yaw = kept[-1], float(self.yaw_rad[-1, 0])
        course = self.course_from(last, yaw)
        if course is None:
            return Line(np.stack([*kept, last + 1.0 * facing[-1]]))
        along, across = course.project(last[None])
        onward, headings = course.at(along[0] + np.arange(1.0, _ONWARD_M, 2.0), across[0])
        if np.cos(headings[0] - yaw) < 0.9:
            return Line(np.stack([*kept, last + 1.0 * facing[-1]]))
        return Line(np.concatenate([np.stack(kept), onward]))


def _places(
    trajectory: Trajectory, times: Int[np.ndarray, "times"]
) -> tuple[Float[np.ndarray, "times 2"], Float[np.ndarray, "times"], Bool[np.ndarray, "times"]]:
    """Return where a body is, its heading, and whether it is there; read off where all times in its span are knots."""
    knots = trajectory.timestamp_us
    at = np.minimum(knots.searchsorted(times), len(knots) - 1)
    there = knots[at] == times
    if there[(times >= knots[0]) & (times <= knots[-1])].all():
        w, z = trajectory.quat_wxyz[at, 0], trajectory.quat_wxyz[at, 3]
        upright = not np.any(trajectory.quat_wxyz[:, 1:3])
        yaw = 2.0 * np.arctan2(z, w) if upright else _yaw(trajectory.quat_wxyz[at])
        return trajectory.translation_m[at, :2], yaw, there
    xyz, quat = trajectory.at(times)
    return xyz[:, :2], _yaw(quat), trajectory.covers(times)


def outlines(
    tracks: Tracks, columns: Int[np.ndarray, "bodies"], *, times: slice | Int[np.ndarray, "times"] = slice(None)
) -> Float[np.ndarray, "times bodies 4 2"]:
    """Return the corners of boxes in the plane, anticlockwise from the front left one."""
    yaw = tracks.yaw_rad[times][:, columns]
    ahead = np.stack([np.cos(yaw), np.sin(yaw)], axis=-1) * (tracks.length_m[columns] / 2)[:, None]
    aside = np.stack([-np.sin(yaw), np.cos(yaw)], axis=-1) * (tracks.width_m[columns] / 2)[:, None]
    middle = tracks.xy_m[times][:, columns]
    return np.stack(
        [middle + ahead + aside, middle - ahead + aside, middle - ahead - aside, middle + ahead - aside], axis=2
    )


def _yaw(quat: Float[np.ndarray, "times 4"]) -> Float[np.ndarray, "times"]:
    w, x, y, z = np.moveaxis(quat, -1, 0)
    return np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
