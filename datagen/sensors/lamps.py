"""Light that does not come from the sky: street lamps, head-lamps, and what glows by itself.

```
     ego ═▶ ..::::::::::..      the low beam: a pool on the road that starts two metres ahead, widens and
              ..::::::::::::..  fades, and lights whatever stands in it up to the height of a bonnet
```
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float32, Int, UInt8

from datagen.scene import SE3, Category, Group, Posture
from datagen.sensors.mesh import Material
from datagen.sensors.sky import Illumination
from datagen.sensors.texture import sampled
from datagen.sensors.world import Body, Snapshot

_POOL_M = 9.0
_BEAM_RANGE_M = 45.0
_LIT_VEHICLES = 10
LAMP_RGB = np.array([1.0, 0.74, 0.42], dtype=np.float32)
BEAM_RGB = np.array([1.0, 0.95, 0.84], dtype=np.float32)


class LampLight:
    """What street lamps send to the ground, as a coarse picture of the area; on above it fades with height."""

    def __init__(self, lamps_m: Float[np.ndarray, "lamps 3"], *, strength: float) -> None:
        self.on = strength > 0.4 and len(lamps_m) > 0
        if not self.on:
            return
        self.low_m = lamps_m[:, :2].min(axis=0) - 3 * _POOL_M
        columns, rows = np.ceil(lamps_m[:, :2].max(axis=0) + 3 * _POOL_M - self.low_m).astype(int) + 1
        self.picture = np.zeros((rows, columns), dtype=np.float32)
        reach = int(2.5 * _POOL_M)
        for lamp in lamps_m:
            column, row = np.round(lamp[:2] - self.low_m).astype(int)
            rows_, columns_ = np.ogrid[
                max(row - reach, 0) : min(row + reach, rows), max(column - reach, 0) : min(column + reach, columns)
            ]
            away = (rows_ + self.low_m[1] - lamp[1]) ** 2 + (columns_ + self.low_m[0] - lamp[0]) ** 2
            patch = self.picture[rows_[:, 0][:, None], columns_[0]]
            self.picture[rows_, columns_] = patch + np.exp(-away / (2 * _POOL_M**2)) * 0.3 * strength

    def at(self, points_m: Float[np.ndarray, "points 3"]) -> Float32[np.ndarray, "points"]:
        """Return the light that street lamps send to points."""
        if not self.on:
            return np.zeros(len(points_m), dtype=np.float32)
        texel = points_m[:, :2] - self.low_m
        rows, columns = self.picture.shape
        x, y = texel[:, 0], texel[:, 1]
        inside = (x >= 0) & (y >= 0) & (x < columns) & (y < rows)
        height = np.clip(1.2 - points_m[:, 2] / 9.0, 0.0, 1.0)
        return (sampled(self.picture, x, y) * inside * height).astype(np.float32)


def beam(
    local_m: Float[np.ndarray, "points 3"], normal: Float[np.ndarray, "points 3"], *, ahead: Float[np.ndarray, "3"]
) -> Float32[np.ndarray, "points"]:
    """Return the light of a low beam at points given from the lamps' foot (x ahead, y left, z up)."""
    x, y, z = local_m[:, 0], local_m[:, 1], local_m[:, 2]
    lateral = np.exp(-((y / (1.1 + 0.2 * np.maximum(x, 0.0))) ** 2))
    reach = np.clip((x - 1.0) / 4.0, 0.0, 1.0) * np.exp(-np.maximum(x, 0.0) / 17.0)
    low = np.clip(1.0 - (z - 0.5 - 0.012 * x) / 0.9, 0.03, 1.0)
    facing = 0.28 + 0.72 * np.maximum(0.0, -(normal @ ahead))
    return (lateral * reach * low * facing).astype(np.float32)


def ego_beam(
    points_m: Float[np.ndarray, "points 3"], normal: Float[np.ndarray, "points 3"], *, world_SE3_ego: SE3
) -> Float32[np.ndarray, "points"]:
    """Return the light of the ego's head-lamps."""
    rotation = world_SE3_ego.rotation
    local = (points_m - world_SE3_ego.translation_m) @ rotation - np.array([3.2, 0.0, 0.0])
    return np.float32(2.4) * beam(local, normal, ahead=rotation[:, 0])


def vehicle_beams(
    points_m: Float[np.ndarray, "points 3"],
    normal: Float[np.ndarray, "points 3"],
    *,
    snapshot: Snapshot,
    eye_m: Float[np.ndarray, "3"],
) -> Float32[np.ndarray, "points"]:
    """Return the light of the nearest other vehicles' head-lamps."""
    total = np.zeros(len(points_m), dtype=np.float32)
    if len(points_m) == 0:
        return total
    shining = [body for body in snapshot.bodies if has_lights_on(body) and body.actor.category is not Category.TRAILER]
    shining.sort(key=lambda body: float(np.linalg.norm(body.center_m - eye_m)))
    x, y = np.ascontiguousarray(points_m[:, :2].T.astype(np.float32))
    for body in shining[:_LIT_VEHICLES]:
        length, _, height = body.actor.size_lwh_m
        lit_m = body.center_m + body.rotation[:, 0] * (length / 2 + _BEAM_RANGE_M / 2)
        near = within(x, y, center_m=lit_m, reach_m=_BEAM_RANGE_M / 2)
        local = (points_m[near] - body.center_m).astype(np.float32) @ body.rotation.astype(np.float32)
        local = local - np.array([length / 2, 0.0, -height / 2], dtype=np.float32)
        total[near] += beam(local, normal[near], ahead=body.rotation[:, 0]) * (local[:, 0] > 0)
    return total


def within(
    x: Float32[np.ndarray, "points"],
    y: Float32[np.ndarray, "points"],
    *,
    center_m: Float[np.ndarray, "_"],
    reach_m: float,
) -> Int[np.ndarray, "found"]:
    """Return the indices of points in a square about a centre; cheap when the whole cloud is elsewhere."""
    if (
        center_m[0] + reach_m < x.min()
        or center_m[0] - reach_m > x.max()
        or center_m[1] + reach_m < y.min()
        or center_m[1] - reach_m > y.max()
    ):
        return np.zeros(0, dtype=np.int64)
    close = np.flatnonzero(np.abs(x - np.float32(center_m[0])) < reach_m)
    return close[np.abs(y[close] - np.float32(center_m[1])) < reach_m]


def has_lights_on(body: Body) -> bool:
    """Say whether a vehicle's lights burn when it is dark: it is in traffic, not parked."""
    wheeled = body.actor.category.group in (Group.VEHICLE, Group.CYCLE)
    return wheeled and body.actor.posture is Posture.ACTIVE


def lamp_powers(
    material: UInt8[np.ndarray, "rays"],
    owner: Int[np.ndarray, "rays"],
    *,
    snapshot: Snapshot,
    light: Illumination,
) -> Float32[np.ndarray, "rays"]:
    """Return by how much surfaces that are lamps outshine their own colour."""
    count = len(snapshot.world.scene.actors) + 1
    driving, braking, flashing = np.zeros((3, count), dtype=np.float32)
    for body in snapshot.bodies:
        driving[body.index] = has_lights_on(body)
        braking[body.index] = body.braking
        active = body.actor.posture is Posture.ACTIVE
        flashing[body.index] = active and (snapshot.timestamp_us // 250_000 + body.index) % 2 == 0
    burning = driving * (light.lamps > 0.2) * (1.0 + light.lamps)
    table = np.zeros((len(Material), count), dtype=np.float32)
    table[Material.HEADLAMP] = 1.6 * burning + 0.25 * driving
    table[Material.TAILLAMP] = 0.6 * burning + 3.0 * braking
    table[Material.BEACON] = 0.15 + 2.5 * flashing
    table[Material.LAMP] = 0.25 + 2.2 * light.lamps
    return table[material, owner]
