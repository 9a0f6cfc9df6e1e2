"""Houses: walls whose windows are painted by the shader, under flat or pitched roofs.

A wall carries no triangles for its windows; it carries a `Facade`, the measures of their grid, and the shader
integrates the grid over each pixel, so that a far street does not flicker.

```
    ┌──────────────────┐ roof
    │ ▢  ▢  ▢  ▢  ▢  ▢ │ ─┐ storey_m      u: metres along the wall from its left end
    │ ▢  ▢  ▢  ▢  ▢  ▢ │ ─┘               v: metres above its foot
    │▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓│ shop windows
    └──────────────────┘
       └──┘ bay_m
```
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int32

from datagen.scene import Place
from datagen.sensors.mesh import RGB, Material, Mesh, block, join, loft, painted

_WALLS = {
    Place.DOWNTOWN: ((0.36, 0.17, 0.11), (0.45, 0.4, 0.32), (0.4, 0.41, 0.42), (0.55, 0.5, 0.4), (0.25, 0.26, 0.29)),
    Place.RESIDENTIAL: ((0.62, 0.57, 0.45), (0.45, 0.22, 0.15), (0.6, 0.6, 0.58), (0.5, 0.45, 0.28), (0.3, 0.4, 0.45)),
    Place.INDUSTRIAL: ((0.4, 0.42, 0.45), (0.3, 0.35, 0.42), (0.5, 0.47, 0.4), (0.36, 0.2, 0.14)),
    Place.HIGHWAY: ((0.45, 0.44, 0.4), (0.36, 0.38, 0.4)),
    Place.PARK: ((0.45, 0.3, 0.2), (0.55, 0.52, 0.45)),
}
_ROOFS: tuple[RGB, ...] = ((0.24, 0.08, 0.05), (0.11, 0.1, 0.1), (0.2, 0.13, 0.08))


@dataclass(frozen=True, kw_only=True)
class Facade:
    """The window grid of one wall. origin_m is its lower left corner (z: the foot), tangent runs along it."""

    origin_m: tuple[float, float, float]
    tangent: tuple[float, float]
    bay_m: float
    storey_m: float
    window: tuple[float, float]
    """Width and height of a window as shares of bay and storey."""
    height_m: float
    shop: bool
    seed: int


@dataclass(frozen=True, kw_only=True)
class House:
    """A mesh in the world; wall: for each face the index of its facade, -1 for roofs."""

    mesh: Mesh
    wall: Int32[np.ndarray, "faces"]
    facades: list[Facade]


def building(
    corners_m: Float[np.ndarray, "4 2"], *, foot_m: float, floors: int, place: Place, rng: np.random.Generator
) -> House:
    """Return a house on a footprint, standing at the height `foot_m`."""
    palette = _WALLS[place]
    tint, bright = palette[int(rng.integers(len(palette)))], float(rng.uniform(0.85, 1.15))
    color = (tint[0] * bright, tint[1] * bright, tint[2] * bright)
    storey = {Place.INDUSTRIAL: 4.2, Place.RESIDENTIAL: 2.8}.get(place, 3.2)
    height = floors * storey + 0.8
    bay, *window = _style(place, rng=rng)
    seed = int(rng.integers(1 << 30))
    walls, facades = [], []
    for i in range(4):
        a, b = corners_m[i], corners_m[(i + 1) % 4]
        face = np.array([[*a, foot_m - 2], [*b, foot_m - 2], [*b, foot_m + height], [*a, foot_m + height]])
        walls.append(painted(np.stack([face[[0, 1, 2]], face[[0, 2, 3]]]), color, Material.WALL))
        length = max(float(np.linalg.norm(b - a)), 1e-3)
        facades.append(
            Facade(
                origin_m=(float(a[0]), float(a[1]), foot_m),
                tangent=(float((b - a)[0] / length), float((b - a)[1] / length)),
                bay_m=length / max(1, round((length - 0.6) / bay)),
                storey_m=storey,
                window=(window[0], window[1]),
                height_m=height,
                shop=place is Place.DOWNTOWN,
                seed=seed + i,
            )
        )
    pitched = place in (Place.RESIDENTIAL, Place.PARK)
    if pitched:
        roof = _gable(corners_m, height=foot_m + height, color=_ROOFS[seed % 3])
    else:
        roof = _flat(corners_m, height=foot_m + height, rng=rng)
    wall = np.concatenate([np.repeat(np.arange(4), 2), np.full(len(roof), -1)]).astype(np.int32)
    return House(mesh=join([*walls, roof]), wall=wall, facades=facades)


def _style(place: Place, *, rng: np.random.Generator) -> tuple[float, float, float]:
    """Return bay width and the window's shares of bay and storey."""
    if place is Place.INDUSTRIAL:
        return float(rng.uniform(4.0, 6.0)), 0.6, 0.25
    if place is Place.DOWNTOWN and rng.uniform() < 0.3:
        return float(rng.uniform(1.6, 2.2)), 0.86, 0.72  # a curtain wall
    return float(rng.uniform(2.2, 3.2)), float(rng.uniform(0.42, 0.58)), float(rng.uniform(0.5, 0.6))


def _flat(corners_m: Float[np.ndarray, "4 2"], *, height: float, rng: np.random.Generator) -> Mesh:
    """Return a flat roof with a cornice that stands out a little, and a machine room."""
    center = corners_m.mean(axis=0)
    rings = []
    for z in (height - 0.35, height + 0.25):
        ring = center + (corners_m - center) * 1.015
        rings.append(np.concatenate([ring, np.full((4, 1), z)], axis=1))
    cornice = loft(rings, (0.3, 0.29, 0.27), Material.ROOF)
    x, y = center
    room = block((x - 2, x + 2), (y - 1.5, y + 1.5), (height, height + 2.4), (0.3, 0.3, 0.3), Material.ROOF)
    return join([cornice, room]) if rng.uniform() < 0.6 else cornice


def _gable(corners_m: Float[np.ndarray, "4 2"], *, height: float, color: RGB) -> Mesh:
    """Return a pitched roof whose ridge runs along the front, with eaves."""
    center = corners_m.mean(axis=0)
    a, b, c, d = center + (corners_m - center) * 1.07
    rise = 0.32 * float(np.linalg.norm(d - a))
    left, right = (a + d) / 2, (b + c) / 2
    low = height - 0.15
    rings = [
        np.array([[*a, low], [*left, low + rise], [*d, low]]),
        np.array([[*b, low], [*right, low + rise], [*c, low]]),
    ]
    return loft(rings, color, Material.ROOF)
