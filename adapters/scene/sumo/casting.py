"""Who is the ego: a car that drives, with much going on around it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from adapters.scene.sumo.motion import STEP_S, behind, is_feasible, pulled, smoothed
from adapters.scene.sumo.traffic import Track, Traffic
from adapters.scene.sumo.worksites import Worksite
from datagen.scene import EGO_SE3_EGO_BOX, EGO_SIZE_LWH_M

EGO_FRONT_M = float(EGO_SE3_EGO_BOX.translation_m[0]) + EGO_SIZE_LWH_M[0] / 2
"""From the rear axle, where the ego frame is, to the front bumper, which SUMO tracks."""
AROUND_M = 45.0
RIM_M = 70.0
MIN_MEAN_SPEED_MPS = 2.5
MAX_CURVATURE_PER_M = 0.25
MAX_ACCELERATION_MPS2 = 6.0
"""The ego drives more smoothly than what is just possible."""

Path = tuple[Float[np.ndarray, "steps 2"], Float[np.ndarray, "steps"]]
"""Rear axle and heading."""


def choose_ego(
    traffic: Traffic,
    *,
    last_step: int,
    worksites: Sequence[Worksite],
    rims_m: Float[np.ndarray, "rims 2"],
    rng: np.random.Generator,
) -> tuple[str, Path] | None:
    """Return the ego's id and its path on steps 0 to `last_step`, or None if no car will do."""
    seconds = np.arange(0, last_step + 1, 10)
    names = sorted(traffic.tracks)
    where = np.stack([_positions(traffic.tracks[name], seconds) for name in names])
    breeds = [traffic.vehicles[name].breed if name in traffic.vehicles else "pedestrian" for name in names]
    sites = np.array([site.middle_m for site in worksites]).reshape(-1, 2)
    scores = {}
    for row, name in enumerate(names):
        if breeds[row] == "car" and _drives(traffic.tracks[name], last_step=last_step):
            interest = _interest(row, where=where, breeds=breeds, sites_m=sites, rims_m=rims_m)
            scores[name] = interest + 0.5 * float(rng.gumbel())
    for name in sorted(scores, key=lambda name: -scores[name]):
        path = ego_path(traffic.tracks[name], last_step=last_step)
        if is_feasible(*path, max_curvature_per_m=MAX_CURVATURE_PER_M, max_acceleration_mps2=MAX_ACCELERATION_MPS2):
            return name, path
    return None


def ego_path(track: Track, *, last_step: int) -> Path:
    """Return the ego frame's path on steps 0 to `last_step` for a SUMO track."""
    front = smoothed(track.front_m)
    yaw = pulled(front, wheelbase_m=EGO_FRONT_M, start_yaw_rad=track.start_yaw_rad)
    inside = slice(-track.first_step, last_step + 1 - track.first_step)
    return behind(front, yaw, by_m=EGO_FRONT_M)[inside], yaw[inside]


def _positions(track: Track, steps: np.ndarray) -> Float[np.ndarray, "steps 2"]:
    """Return where a track is at these steps, NaN where it is not."""
    at = steps - track.first_step
    there = (at >= 0) & (at < len(track.front_m))
    return np.where(there[:, None], track.front_m[np.clip(at, 0, len(track.front_m) - 1)], np.nan)


def _drives(track: Track, *, last_step: int) -> bool:
    """Say whether a track spans the clip, with room to settle in before it, and gets somewhere."""
    settled, end = -20, track.first_step + len(track.front_m) - 1
    if track.first_step > settled or end < last_step + 5:
        return False
    inside = track.front_m[-track.first_step : last_step + 1 - track.first_step]
    travelled = float(np.linalg.norm(np.diff(inside, axis=0), axis=1).sum())
    return travelled > MIN_MEAN_SPEED_MPS * last_step * STEP_S


def _interest(
    row: int,
    *,
    where: Float[np.ndarray, "tracks times 2"],
    breeds: Sequence[str],
    sites_m: Float[np.ndarray, "sites 2"],
    rims_m: Float[np.ndarray, "rims 2"],
) -> float:
    """Return how much a car would see: company, variety, distance, turns, worksites; not the edge of the world."""
    own = where[row]
    around = np.linalg.norm(where - own, axis=-1) < AROUND_M  # NaN compares false
    variety = len({breeds[other] for other in np.flatnonzero(around.any(axis=1))})
    travelled = float(np.linalg.norm(np.diff(own, axis=0), axis=1).sum())
    pace = travelled / max(len(own) - 1, 1)
    first, last = own[min(1, len(own) - 1)] - own[0], own[-1] - own[-2] if len(own) > 1 else own[0] * 0
    turn = abs(float(np.arctan2(first[0] * last[1] - first[1] * last[0], first @ last)))
    site = float((np.linalg.norm(own[:, None] - sites_m, axis=-1) < 25.0).any())
    rim = float((np.linalg.norm(own[:, None] - rims_m, axis=-1) < RIM_M).any())
    company = float(np.log1p(around.sum(axis=0).mean()))
    return company + 0.2 * variety + 0.12 * min(pace, 10.0) + 0.6 * (turn > 0.8) + 2.5 * site - 1.5 * rim
