"""What light does on its way into the lens: halos round lamps, streaks of rain."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float, Float32

from datagen.scene import SE3, Camera
from datagen.sensors.lamps import LAMP_RGB, has_lights_on
from datagen.sensors.mesh import Material
from datagen.sensors.projection import in_picture, project
from datagen.sensors.sky import Illumination
from datagen.sensors.world import Snapshot

_HEAD = np.array([1.0, 0.94, 0.8], dtype=np.float32)
_TAIL = np.array([1.0, 0.06, 0.03], dtype=np.float32)
_RANGE_M = 110.0


def glows(
    light: Illumination, snapshot: Snapshot, camera: Camera, *, world_SE3_cam: SE3
) -> Float32[np.ndarray, "height width 3"]:
    """Return the halos of all lamps that the camera sees, to be added to its linear picture."""
    image = np.zeros((camera.height_px, camera.width_px, 3), dtype=np.float32)
    points, facing, color = _lamps(snapshot, light)
    if len(points) == 0:
        return image
    eye = world_SE3_cam.translation_m
    apart = points - eye
    distance = np.linalg.norm(apart, axis=1)
    pixels, depth = project(world_SE3_cam.inverse().transform(points), camera)
    toward = np.einsum("ij,ij->i", -apart / np.maximum(distance, 1e-6)[:, None], facing)
    toward = np.where(np.linalg.norm(facing, axis=1) > 0, np.clip(toward * 1.3, 0.0, 1.0), 1.0)
    seen = in_picture(pixels, depth, camera=camera) & (distance < _RANGE_M) & (toward > 0.05)
    chosen = np.flatnonzero(seen)
    clear = _unblocked(snapshot, eye, points[chosen])
    for index in chosen[clear]:
        focal = camera.intrinsics_px[0, 0]
        radius = max(0.9, 0.28 * focal / distance[index])
        power = toward[index] * np.exp(-light.haze_per_m * distance[index])
        _splat(image, pixels[index], radius_px=float(min(radius, 14.0)), color=color[index] * power)
    return image


def _unblocked(
    snapshot: Snapshot, eye_m: Float[np.ndarray, "3"], points_m: Float[np.ndarray, "points 3"]
) -> np.ndarray:
    """Say which points nothing hides from the eye, but for the lamp's own glass."""
    apart = points_m - eye_m
    distance = np.linalg.norm(apart, axis=1)
    directions = (apart / distance[:, None]).astype(np.float32)
    hits = snapshot.trace(np.tile(eye_m.astype(np.float32), (len(points_m), 1)), directions)
    return hits.distance_m > distance - 0.35


def _lamps(
    snapshot: Snapshot, light: Illumination
) -> tuple[Float[np.ndarray, "lamps 3"], Float[np.ndarray, "lamps 3"], Float32[np.ndarray, "lamps 3"]]:
    """Return where lamps burn, the way they face (zero for all round) and the colour of their halo."""
    points, facing, colors = [np.zeros((0, 3))], [np.zeros((0, 3))], [np.zeros((0, 3), dtype=np.float32)]
    dark = light.lamps if light.lamps > 0.2 else 0.0
    for body in snapshot.bodies:
        puppet = snapshot.world.puppets[body.index]
        driving = has_lights_on(body)
        for material, way, color in ((Material.HEADLAMP, 1.0, _HEAD), (Material.TAILLAMP, -1.0, _TAIL)):
            brake = 0.5 * body.braking * (material is Material.TAILLAMP)
            power = driving * dark * (0.9 if material is Material.HEADLAMP else 0.35) + brake
            local = puppet.lamps_m[material]
            if power < 0.02 or len(local) == 0:
                continue
            points.append(local @ body.rotation.T + body.center_m)
            facing.append(np.tile(way * body.rotation[:, 0], (len(local), 1)))
            colors.append(np.tile(color * np.float32(power), (len(local), 1)))
    street = snapshot.world.lamps_m
    if light.lamps > 0.4 and len(street):
        points.append(street)
        facing.append(np.zeros((len(street), 3)))
        colors.append(np.tile(LAMP_RGB * np.float32(0.7 * light.lamps), (len(street), 1)))
    return np.concatenate(points), np.concatenate(facing), np.concatenate(colors)


def _splat(
    image: Float32[np.ndarray, "height width 3"],
    pixel: Float[np.ndarray, "2"],
    *,
    radius_px: float,
    color: Float[np.ndarray, "3"],
) -> None:
    """Add a soft disc with a faint wide halo, in place."""
    reach = int(4 * radius_px) + 1
    column, row = int(pixel[0]), int(pixel[1])
    rows = np.arange(max(row - reach, 0), min(row + reach + 1, image.shape[0]))
    columns = np.arange(max(column - reach, 0), min(column + reach + 1, image.shape[1]))
    away = ((rows + 0.5 - pixel[1]) ** 2)[:, None] + (columns + 0.5 - pixel[0]) ** 2
    disc = np.exp(-away / (0.7 * radius_px**2)) + 0.16 * np.exp(-away / (4.0 * radius_px**2))
    image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] += (disc[..., None] * color).astype(np.float32)


def rained(
    image: Float32[np.ndarray, "height width 3"], light: Illumination, *, rng: np.random.Generator
) -> Float32[np.ndarray, "height width 3"]:
    """Return the picture behind streaks of falling rain and a slight veil."""
    height, width = image.shape[:2]
    streaks = np.zeros((height, width), dtype=np.uint8)
    count = height * width // 260
    for x, y, length, shade in zip(
        rng.uniform(0, width, count),
        rng.uniform(0, height, count),
        rng.uniform(0.03, 0.09, count) * height,
        rng.integers(40, 140, count),
    ):
        start = (round(x * 16), round(y * 16))
        end = (round((x - 0.12 * length) * 16), round((y + length) * 16))
        cv2.line(streaks, start, end, (int(shade),), 1, cv2.LINE_AA, 4)
    share = (streaks.astype(np.float32) / 255 * 0.32)[..., None]
    shine = np.array(light.horizon_rgb, dtype=np.float32) * 1.1 + 0.02
    return image * (1 - share) + shine * share
