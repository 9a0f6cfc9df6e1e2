"""Light and air: what the sun, the sky and the lamps send, by weather and time of day, and the sky as a picture.

All light is linear; 1.0 is a white sheet in the sun. The tables are tuned by eye, not measured.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Float32

from datagen.scene import Ambience, Light, Place, Weather
from datagen.sensors.mesh import RGB
from datagen.sensors.texture import noise, sampled

_WIDTH, _HEIGHT = 1536, 192


@dataclass(frozen=True, kw_only=True)
class Illumination:
    """The light of one scene.

    sun_elevation_rad: its azimuth is drawn per scene.  sun_rgb: zero when no sun casts shadows.
    sky_rgb, ground_rgb: what a surface facing up or down receives.  zenith_rgb, horizon_rgb: what one sees.
    haze_per_m: extinction of the air.  clouds: covered share.  lamps: 0 (off) to 1 (night).
    wet: 0 (dry) to 1 (mirror).  exposure: gain of the camera.
    """

    sun_elevation_rad: float
    sun_rgb: RGB
    sky_rgb: RGB
    ground_rgb: RGB
    zenith_rgb: RGB
    horizon_rgb: RGB
    glow_rgb: RGB
    haze_per_m: float
    clouds: float
    lamps: float
    wet: float
    exposure: float


_CLEAR = {
    Light.DAY: Illumination(
        sun_elevation_rad=0.75,
        sun_rgb=(1.2, 1.08, 0.9),
        sky_rgb=(0.4, 0.47, 0.6),
        ground_rgb=(0.24, 0.23, 0.21),
        zenith_rgb=(0.13, 0.28, 0.62),
        horizon_rgb=(0.62, 0.73, 0.85),
        glow_rgb=(0.5, 0.45, 0.35),
        haze_per_m=0.0016,
        clouds=0.35,
        lamps=0.0,
        wet=0.0,
        exposure=1.0,
    ),
    Light.DUSK: Illumination(
        sun_elevation_rad=0.13,
        sun_rgb=(0.75, 0.34, 0.13),
        sky_rgb=(0.25, 0.22, 0.29),
        ground_rgb=(0.14, 0.11, 0.1),
        zenith_rgb=(0.13, 0.15, 0.33),
        horizon_rgb=(0.72, 0.42, 0.28),
        glow_rgb=(0.9, 0.4, 0.1),
        haze_per_m=0.0025,
        clouds=0.4,
        lamps=0.55,
        wet=0.0,
        exposure=1.15,
    ),
    Light.NIGHT: Illumination(
        sun_elevation_rad=0.6,
        sun_rgb=(0.0, 0.0, 0.0),
        sky_rgb=(0.026, 0.029, 0.042),
        ground_rgb=(0.016, 0.015, 0.014),
        zenith_rgb=(0.004, 0.006, 0.014),
        horizon_rgb=(0.028, 0.026, 0.031),
        glow_rgb=(0.0, 0.0, 0.0),
        haze_per_m=0.0022,
        clouds=0.3,
        lamps=1.0,
        wet=0.0,
        exposure=1.3,
    ),
}


def illumination_of(ambience: Ambience) -> Illumination:
    """Return the light for a weather and time of day."""
    clear = _CLEAR[ambience.light]
    match ambience.weather:
        case Weather.OVERCAST:
            return _veiled(clear, grey=0.85, gain=1.15, haze_per_m=0.003)
        case Weather.RAIN:
            rainy = _veiled(clear, grey=0.9, gain=0.8, haze_per_m=0.008)
            return replace(rainy, wet=1.0, lamps=max(rainy.lamps, 0.35))
        case Weather.FOG:
            foggy = _veiled(clear, grey=0.95, gain=1.05, haze_per_m=0.032)
            return replace(foggy, lamps=max(foggy.lamps, 0.35), wet=0.15, clouds=0.0)
        case _:
            return clear


def _veiled(clear: Illumination, *, grey: float, gain: float, haze_per_m: float) -> Illumination:
    """Return light without a sun: its share comes from a grey sky instead."""

    def greyed(color: RGB, share: float) -> RGB:
        mean = sum(color) / 3
        red, green, blue = (gain * (share * mean + (1 - share) * channel) for channel in color)
        return red, green, blue

    sun = sum(clear.sun_rgb) / 3 * float(np.sin(clear.sun_elevation_rad))
    sky = greyed(clear.sky_rgb, grey * 0.8)
    lifted = (sky[0] + 0.3 * sun, sky[1] + 0.3 * sun, sky[2] + 0.3 * sun)
    horizon = greyed(clear.horizon_rgb, grey)
    zenith = greyed(clear.zenith_rgb, grey)
    high = (
        0.3 * zenith[0] + 0.65 * horizon[0],
        0.3 * zenith[1] + 0.65 * horizon[1],
        0.3 * zenith[2] + 0.65 * horizon[2],
    )
    return replace(
        clear,
        sun_rgb=(0.0, 0.0, 0.0),
        sky_rgb=lifted,
        ground_rgb=greyed(clear.ground_rgb, grey),
        zenith_rgb=high,
        horizon_rgb=horizon,
        glow_rgb=(0.0, 0.0, 0.0),
        haze_per_m=haze_per_m,
        clouds=1.0,
    )


class Sky:
    """The upper hemisphere as a picture: columns are azimuth, rows the square root of height, row 0 the horizon."""

    def __init__(self, ambience: Ambience, *, rng: np.random.Generator) -> None:
        self.light = illumination_of(ambience)
        azimuth = float(rng.uniform(-np.pi, np.pi))
        elevation = self.light.sun_elevation_rad
        flat = np.cos(elevation)
        self.sun = np.array([flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(elevation)], dtype=np.float32)
        picture = self._dome(rng)
        picture = _with_skyline(picture, self.light, place=ambience.place, rng=rng)
        self.picture = np.concatenate([picture, picture[:, :1]], axis=1)

    def at(self, directions: Float32[np.ndarray, "rays 3"]) -> Float32[np.ndarray, "rays 3"]:
        """Return what one sees along unit directions; below the horizon the horizon itself."""
        azimuth = np.arctan2(directions[:, 1], directions[:, 0])
        column = (azimuth / (2 * np.pi) % 1.0) * _WIDTH
        row = np.sqrt(np.clip(directions[:, 2], 0.0, 1.0)) * (_HEIGHT - 1)
        return sampled(self.picture, column, row)

    def _dome(self, rng: np.random.Generator) -> Float32[np.ndarray, "rows columns 3"]:
        light = self.light
        azimuth = 2 * np.pi * np.arange(_WIDTH) / _WIDTH
        z = ((np.arange(_HEIGHT) / (_HEIGHT - 1)) ** 2)[:, None] + 0 * azimuth
        flat = np.sqrt(np.maximum(0.0, 1 - z * z))
        x, y = flat * np.cos(azimuth), flat * np.sin(azimuth)
        share = np.exp(-z / 0.22)[..., None]
        toward = np.maximum(0.0, x * self.sun[0] + y * self.sun[1] + z * self.sun[2])[..., None]
        glow = np.array(light.glow_rgb) * (0.5 * toward**6 + 0.8 * toward**60 + 5.0 * toward**1500)
        dome = share * np.array(light.horizon_rgb) + (1 - share) * np.array(light.zenith_rgb) + glow
        cover = self._cover(x, y, z, rng=rng)[..., None]
        lit = 0.55 * np.array(light.sky_rgb) + 0.5 * np.array(light.sun_rgb) + 0.5 * np.array(light.horizon_rgb)
        shade = 0.92 if light.clouds < 1 else 1.0
        clouds = lit * shade if light.clouds < 1 else dome * (0.72 + 0.5 * cover)
        return (dome + np.minimum(cover, 0.9) * (clouds - dome) * (0.8 if light.clouds < 1 else 1.0)).astype(np.float32)

    def _cover(self, x: np.ndarray, y: np.ndarray, z: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
        """Return how far clouds cover each direction, in [0, 1]: noise on a plane overhead, fading at the horizon."""
        size = 512
        field = noise(rng, size=size, slope=1.6)
        column, row = (((part / (z + 0.12)) * 40) % size for part in (x, y))
        density = field[row.astype(int) % size, column.astype(int) % size]
        if self.light.clouds >= 1.0:
            return np.clip(0.55 + 0.18 * density, 0.0, 1.0)
        threshold = 1.3 - 2.6 * self.light.clouds
        return np.clip((density - threshold) * 0.9, 0.0, 1.0) * np.clip(z / 0.08, 0.0, 1.0)


def _with_skyline(
    picture: Float32[np.ndarray, "rows columns 3"], light: Illumination, *, place: Place, rng: np.random.Generator
) -> Float32[np.ndarray, "rows columns 3"]:
    """Return the sky with the silhouette of what lies beyond the drawn world: blocks, or hills and woods."""
    columns = np.arange(_WIDTH)
    if place in (Place.DOWNTOWN, Place.INDUSTRIAL):
        edges = np.cumsum(rng.integers(8, 30, size=_WIDTH // 8))
        heights = rng.uniform(0.01, 0.06 if place is Place.DOWNTOWN else 0.03, size=len(edges))
        top = heights[np.clip(np.searchsorted(edges, columns), 0, len(edges) - 1)]
    else:
        waves = sum(np.sin(k * columns * 2 * np.pi / _WIDTH + rng.uniform(0, 6)) / k for k in (3, 5, 11, 23, 47))
        top = 0.022 + 0.008 * np.asarray(waves)
    z = ((np.arange(_HEIGHT) / (_HEIGHT - 1)) ** 2)[:, None]
    veil = np.exp(-light.haze_per_m * 350)
    color = np.array(light.horizon_rgb) * (1 - veil * 0.55) + veil * 0.1 * np.array(light.sky_rgb)
    return np.where((z < top)[..., None], color, picture).astype(np.float32)


def hazed(
    color_rgb: Float32[np.ndarray, "rays 3"], distance_m: Float[np.ndarray, "rays"], *, light: Illumination
) -> Float32[np.ndarray, "rays 3"]:
    """Return colours seen through air: Beer and Lambert's law towards the colour of the horizon."""
    through = np.exp(-light.haze_per_m * distance_m).astype(np.float32)[:, None]
    return color_rgb * through + (1 - through) * np.array(light.horizon_rgb, dtype=np.float32)
