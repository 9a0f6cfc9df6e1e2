r"""Parts that all vehicles share: bodies, tapered glass, cabs, wheels, lamps; each a few lofts.

```
            roof ┌──────┐                 x ahead, z up; the outline of a body is a list of
       glass    /        \                stations (share of length, of half width, of height
   deck  ┌─────┘          └──────┐ hood   below and above), joined by `body`
         │  ( )             ( )  │
```

Measures are shares of the box; every mesh is stretched to its box at the end (`mesh.fitted`).
"""

from __future__ import annotations

from collections.abc import Sequence

from datagen.sensors.mesh import RGB, Material, Mesh, block, join, loft, ring_x, ring_z, wheel

DARK: RGB = (0.03, 0.03, 0.035)
GLASS: RGB = (0.025, 0.03, 0.04)
WHITE: RGB = (0.75, 0.75, 0.75)
GREY: RGB = (0.3, 0.3, 0.31)
YELLOW: RGB = (0.75, 0.48, 0.03)
PALE: RGB = (0.8, 0.8, 0.72)
Size = tuple[float, float, float]
PAINT = Material.PAINTWORK
TRIM = Material.PLASTIC


def body(stations: Sequence[tuple[float, float, float, float]], size: Size, color: RGB) -> Mesh:
    """Return a body lofted along its length; a station is (x, half width, bottom, top) in shares of the box."""
    length, width, height = size
    rings = [ring_x(x * length, y * width / 2, low * height, high * height) for x, y, low, high in stations]
    return loft(rings, color, Material.PAINTWORK)


def cabin(
    base: tuple[float, float, float], top: tuple[float, float, float], size: Size, *, z: tuple[float, float], color: RGB
) -> Mesh:
    """Return a glasshouse under a painted roof: base and top are (rear x, front x, half width), z is (sill, roof)."""
    length, width, height = size
    levels = [(z[0], base), (z[1] - 0.05, top)]
    glass = [ring_z(h * height, x0 * length, x1 * length, y * width / 2) for h, (x0, x1, y) in levels]
    roof = [ring_z(h * height, top[0] * length, top[1] * length, top[2] * width / 2) for h in (z[1] - 0.05, z[1])]
    pillars = [_pillar(base, top, size, z=z, share=share, color=color) for share in (0.03, 0.5, 0.97)]
    return join([loft(glass, GLASS, Material.GLASS), loft(roof, color, Material.PAINTWORK), *pillars])


def _pillar(
    base: tuple[float, float, float],
    top: tuple[float, float, float],
    size: Size,
    *,
    z: tuple[float, float],
    share: float,
    color: RGB,
) -> Mesh:
    length, width, height = size
    rings = []
    for level, (x0, x1, y) in ((z[0], base), (z[1] - 0.02, top)):
        x = (x0 + share * (x1 - x0)) * length
        rings.append(ring_z(level * height, x - 0.035, x + 0.035, y * width / 2 + 0.008))
    return loft(rings, color, Material.PAINTWORK)


def lamps(size: Size, *, z: tuple[float, float], wide: float = 0.2, front: float = 0.5, rear: float = -0.5) -> Mesh:
    """Return head-lamps, tail-lamps and number plates at the box's ends; z is the height span as a share."""
    length, width, height = size
    parts = []
    for side in (-1, 1):
        y = sorted((side * width * 0.48, side * width * (0.48 - wide)))
        z_m = (z[0] * height, z[1] * height)
        ahead = (front * length - 0.12, front * length + 0.005)
        behind = (rear * length - 0.005, rear * length + 0.12)
        parts.append(block(ahead, (y[0], y[1]), z_m, (0.85, 0.85, 0.8), Material.HEADLAMP))
        parts.append(block(behind, (y[0], y[1]), z_m, (0.45, 0.01, 0.01), Material.TAILLAMP))
    plate_z = ((z[0] - 0.13) * height, (z[0] - 0.13) * height + 0.12)
    for x in (front * length, rear * length):
        parts.append(block((x - 0.02, x + 0.008), (-0.26, 0.26), plate_z, PALE, Material.REFLECTIVE))
    return join(parts)


def axles(size: Size, xs: Sequence[float], *, radius_m: float) -> Mesh:
    """Return a pair of wheels at each share of the length, flush with the sides."""
    length, width, _ = size
    parts = []
    for x in xs:
        for side in (-1, 1):
            y = sorted((side * width / 2, side * (width / 2 - 0.22)))
            parts.append(wheel(x * length, (y[0], y[1]), radius_m))
    return join(parts)


def mirrors(size: Size, *, x: float, z: float, color: RGB) -> Mesh:
    """Return a mirror on either side, at shares of length and height."""
    length, width, height = size
    spans = [(-width * 0.5, -width * 0.43), (width * 0.43, width * 0.5)]
    z_m = (z * height, z * height + 0.13)
    return join([block((x * length, x * length + 0.1), y, z_m, color, Material.PAINTWORK) for y in spans])


def driver_cab(size: Size, color: RGB, *, x: tuple[float, float], top: float, sill: float = 0.45) -> Mesh:
    """Return a driver's cab with a windscreen that leans back and side windows."""
    length, width, height = size
    span = x[1] - x[0]
    nose = x[1] - 0.12 * span
    stations = [(x[0], 0.94, 0.14, sill), (nose, 0.94, 0.14, sill), (x[1], 0.88, 0.16, sill - 0.06)]
    lower = body(stations, size, color)
    upper = cabin((x[0], nose, 0.93), (x[0], x[1] - 0.32 * span, 0.88), size, z=(sill - 0.005, top), color=color)
    grille = block(
        ((x[1] - 0.02) * length, x[1] * length + 0.004),
        (-0.28 * width, 0.28 * width),
        ((sill - 0.2) * height, (sill - 0.1) * height),
        DARK,
        Material.PLASTIC,
    )
    return join([lower, upper, grille, mirrors(size, x=nose - 0.02, z=sill + 0.06, color=DARK)])


def box_body(size: Size, color: RGB, *, x: tuple[float, float], z: tuple[float, float]) -> Mesh:
    """Return a box with a line where its rear doors meet, between shares of length and height."""
    length, width, height = size
    box = block(
        (x[0] * length, x[1] * length), (-0.49 * width, 0.49 * width), (z[0] * height, z[1] * height), color, PAINT
    )
    doors = block(
        (x[0] * length - 0.01, x[0] * length + 0.01), (-0.015, 0.015), (z[0] * height, z[1] * height), DARK, PAINT
    )
    return join([box, doors])


def chassis(size: Size, *, x: tuple[float, float], z: tuple[float, float] = (0.12, 0.2)) -> Mesh:
    """Return the dark frame under a truck."""
    length, width, height = size
    return block(
        (x[0] * length, x[1] * length),
        (-0.4 * width, 0.4 * width),
        (z[0] * height, z[1] * height),
        DARK,
        Material.PLASTIC,
    )
