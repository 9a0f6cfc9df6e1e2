"""LiDAR sweeps: one ray per beam and step, a return where it meets something bright enough.

Range noise is Gaussian along the ray. A return is lost with a probability that grows with range, rain and fog and
shrinks with the surface's reflectance; intensity is reflectance, dimmed by slant and by the air, on 0 to 255.
The sweep is an instant: the turn's own 50 ms are not smeared, so boxes and points agree exactly.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from datagen.scene import SE3, Lidar, Weather
from datagen.sensors.mesh import Material
from datagen.sensors.world import Snapshot

_REFLECTANCE = np.full(len(Material), 0.5, dtype=np.float32)
"""How much of a pulse comes back, beside the surface's own colour."""
_REFLECTANCE[Material.GLASS] = 0.06
_REFLECTANCE[Material.RUBBER] = 0.15
_REFLECTANCE[Material.REFLECTIVE] = 4.0
_REFLECTANCE[[Material.HEADLAMP, Material.TAILLAMP]] = 2.0
_REFLECTANCE[[Material.FOLIAGE, Material.GROUND]] = 0.9
_EXTINCTION_PER_M = {Weather.CLEAR: 0.0, Weather.OVERCAST: 0.0, Weather.RAIN: 0.008, Weather.FOG: 0.022}
_MIN_RANGE_M = 1.0


def sweep(
    snapshot: Snapshot, lidar: Lidar, *, world_SE3_ego: SE3, rng: np.random.Generator
) -> Float32[np.ndarray, "points 5"]:
    """Return x, y, z (LiDAR frame, metres), intensity (0-255) and ring of every return of one turn."""
    directions, ring = pulses(lidar)
    world_SE3_lidar = world_SE3_ego @ lidar.ego_SE3_lidar
    rays = (directions @ world_SE3_lidar.rotation.T).astype(np.float32)
    origin = world_SE3_lidar.translation_m.astype(np.float32)
    hits = snapshot.trace(np.tile(origin, (len(rays), 1)), rays)
    hit = np.flatnonzero((hits.face >= 0) & (hits.distance_m < lidar.max_range_m) & (hits.distance_m > _MIN_RANGE_M))
    distance, face = hits.distance_m[hit], hits.face[hit]
    slant = np.abs((snapshot.surfaces.normal[face] * rays[hit]).sum(axis=1))
    extinction = _EXTINCTION_PER_M[snapshot.world.scene.ambience.weather]
    through = np.exp(-2 * extinction * distance)
    bright = (
        _brightness(snapshot, face, points_m=origin + rays[hit] * distance[:, None]) * (0.3 + 0.7 * slant) * through
    )
    noise = rng.standard_normal(len(hit)) * lidar.range_noise_m
    chance = rng.uniform(size=len(hit))
    kept = chance > _lost(bright, distance, max_range_m=lidar.max_range_m)
    measured = (distance + noise)[kept, None] * directions[hit[kept]]
    intensity = np.clip(255 * bright[kept], 0.0, 255.0).round()
    return np.column_stack([measured, intensity, ring[hit[kept]]]).astype(np.float32)


def pulses(lidar: Lidar) -> tuple[np.ndarray, np.ndarray]:
    """Return unit directions in the LiDAR frame, (pulses, 3), and the ring of each, in firing order."""
    azimuth = -2 * np.pi * np.arange(lidar.azimuth_steps) / lidar.azimuth_steps
    azimuth, elevation = (part.ravel() for part in np.meshgrid(azimuth, lidar.elevation_rad, indexing="ij"))
    flat = np.cos(elevation)
    directions = np.stack([flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(elevation)], axis=-1)
    return directions, np.tile(np.arange(len(lidar.elevation_rad)), lidar.azimuth_steps)


def _brightness(
    snapshot: Snapshot, face: np.ndarray, *, points_m: Float32[np.ndarray, "points 3"]
) -> Float32[np.ndarray, "points"]:
    """Return the reflectance of what was hit, road paint included."""
    material = snapshot.surfaces.material[face]
    color = snapshot.surfaces.albedo_rgb[face].mean(axis=1)
    ground = np.flatnonzero(material == Material.GROUND)
    texture = snapshot.world.ground.at(points_m[ground, :2], np.full(len(ground), 0.1, dtype=np.float32))
    color[ground] = texture[:, :3].mean(axis=1)
    return np.clip(_REFLECTANCE[material] * (0.08 + color), 0.0, 1.0).astype(np.float32)


def _lost(
    bright: Float32[np.ndarray, "points"], distance_m: Float32[np.ndarray, "points"], *, max_range_m: float
) -> Float32[np.ndarray, "points"]:
    """Return the probability that a return is too faint: a few per cent near by, most of black things far off."""
    faint = np.exp(-bright / (0.004 + 0.12 * (distance_m / max_range_m) ** 2))
    return (0.02 + 0.95 * faint).astype(np.float32)
