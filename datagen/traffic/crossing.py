"""When and where somebody on foot is in the ego's way: late enough to be seen coming, early enough to be spared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from datagen.scene import Area, HDMap
from datagen.scene.plan import Manoeuvre
from datagen.traffic.junction import EGO_FRONT_M, stopping_m
from datagen.traffic.route import Route

if TYPE_CHECKING:
    from datagen.traffic.setting import Setting


def crossings_on(route: Route, hdmap: HDMap) -> list[tuple[float, Area]]:
    """Return the crossings a route leads over, with how far along, nearest first."""
    line = shapely.LineString(route.line.points_m)
    met = []
    for area in hdmap.crossings:
        shape = shapely.Polygon(area.polygon.exterior_m)
        if line.intersects(shape):
            met.append((float(line.project(line.intersection(shape).centroid)), area))
    return sorted(met, key=lambda pair: pair[0])


def crossing_time_s(duration_s: float) -> float:
    """Return when somebody who crosses is in the middle of the ego's way."""
    return 0.55 * duration_s


def crossing_reach_m(speed_mps: float, duration_s: float) -> float:
    """Return how far ahead of the ego's start people cross, so that it can yield to them at ease."""
    free_s = max(crossing_time_s(duration_s) - 2.6, 0.0)
    return min(stopping_m(speed_mps, warned_s=free_s, brake_mps2=2.5), 36.0)


def crossing_moment_s(act: Manoeuvre, setting: Setting, *, reach_m: float, pace_mps: float) -> float:
    """Return when to be in the middle of the ego's way: as said, or while the ego can still stop before it.

    A trigger is taken by where the ego is expected to be, since people do not wait for what traffic makes of it.
    """
    latest = setting.duration_s - 0.5
    begins = begins_s(act, setting, reach_m=reach_m)
    if begins is not None:
        return float(np.clip(begins + 1.5, 0.8, latest))
    when = crossing_time_s(setting.duration_s)
    speed = setting.speed_mps
    if speed > 1.0:
        seen_s = (reach_m - stopping_m(0.0, warned_s=0.0, brake_mps2=1.0) - speed**2 / 8.0) / speed
        when = min(when, seen_s + 1.2 + 2.2 / pace_mps)
    return float(np.clip(when, 0.5, latest))


def begins_s(act: Manoeuvre, setting: Setting, *, reach_m: float) -> float | None:
    """Return when a manoeuvre begins that was given a time or a trigger; None where it was not."""
    if act.when_ego_at_m is not None:
        return setting.ego_reaches_s(setting.s_m + act.when_ego_at_m)
    if act.when_gap_below_m is not None:
        return setting.ego_reaches_s(setting.s_m + reach_m - act.when_gap_below_m - EGO_FRONT_M)
    return act.at_s
