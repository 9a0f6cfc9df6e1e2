r"""Vehicles as a few lofts each: body, tapered glass, wheels, lamps; told apart by outline first, then colour.

```
            roof ┌──────┐                 x ahead, z up; the outline of a body is a list of
       glass    /        \                stations (share of length, of half width, of height
   deck  ┌─────┘          └──────┐ hood   below and above), joined by `body`
         │  ( )             ( )  │
```

Measures are shares of the box; every mesh is stretched to its box at the end (`mesh.fitted`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from datagen.scene import Actor, Category
from datagen.sensors.mesh import (
    RGB,
    Material,
    Mesh,
    ball,
    block,
    circle,
    join,
    linear,
    loft,
    ring_x,
    ring_z,
    rod,
    wheel,
)

DARK: RGB = (0.03, 0.03, 0.035)
GLASS: RGB = (0.025, 0.03, 0.04)
WHITE: RGB = (0.75, 0.75, 0.75)
GREY: RGB = (0.3, 0.3, 0.31)
YELLOW: RGB = (0.75, 0.48, 0.03)
PALE: RGB = (0.8, 0.8, 0.72)

Size = tuple[float, float, float]
_PAINT = Material.PAINTWORK
_TRIM = Material.PLASTIC


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


def _mirrors(size: Size, *, x: float, z: float, color: RGB) -> Mesh:
    length, width, height = size
    spans = [(-width * 0.5, -width * 0.43), (width * 0.43, width * 0.5)]
    z_m = (z * height, z * height + 0.13)
    return join([block((x * length, x * length + 0.1), y, z_m, color, Material.PAINTWORK) for y in spans])


_GLASSHOUSES = {
    "sedan": ((-0.36, 0.2, 0.88), (-0.2, 0.06, 0.7)),
    "hatchback": ((-0.47, 0.22, 0.9), (-0.36, 0.08, 0.72)),
    "suv": ((-0.48, 0.2, 0.92), (-0.43, 0.1, 0.78)),
    "van": ((-0.49, 0.38, 0.94), (-0.47, 0.22, 0.84)),
}
_OUTLINES = {
    "sedan": [(-0.5, 0.86, 0.24, 0.54), (-0.47, 0.95, 0.15, 0.6), (0.2, 0.96, 0.13, 0.6), (0.44, 0.93, 0.15, 0.5)],
    "hatchback": [(-0.5, 0.88, 0.24, 0.56), (-0.46, 0.95, 0.15, 0.6), (0.22, 0.96, 0.13, 0.6), (0.44, 0.93, 0.15, 0.5)],
    "suv": [(-0.5, 0.9, 0.26, 0.56), (-0.48, 0.96, 0.17, 0.6), (0.2, 0.97, 0.16, 0.61), (0.45, 0.95, 0.18, 0.54)],
    "van": [(-0.5, 0.92, 0.2, 0.5), (-0.49, 0.96, 0.13, 0.53), (0.36, 0.97, 0.12, 0.53), (0.46, 0.94, 0.13, 0.42)],
}


def car(size: Size, color: RGB, *, kind: str) -> Mesh:
    """Return a passenger car: sedan, hatchback, suv or van; anything else is a sedan."""
    outline = kind if kind in _OUTLINES else "sedan"
    length, width, height = size
    stations = [*_OUTLINES[outline], (0.5, 0.82, 0.22, _OUTLINES[outline][-1][3] - 0.06)]
    base, top = _GLASSHOUSES[outline]
    radius = min(0.2 * height, 0.085 * length)
    lamp_z = (0.4, 0.49)
    bumpers = [
        block((x0 * length, x1 * length), (-0.44 * width, 0.44 * width), (0.16 * height, 0.3 * height), DARK, _TRIM)
        for x0, x1 in ((-0.502, -0.45), (0.45, 0.502))
    ]
    grille = block(
        (0.46 * length, 0.503 * length),
        (-0.24 * width, 0.24 * width),
        (0.34 * height, 0.43 * height),
        DARK,
        _TRIM,
    )
    return join(
        [
            body(stations, size, color),
            cabin(base, top, size, z=(stations[1][3] - 0.01, 1.0), color=color),
            axles(size, (-0.31, 0.31), radius_m=radius),
            lamps(size, z=lamp_z),
            _mirrors(size, x=base[1] - 0.06, z=0.6, color=color),
            *bumpers,
            grille,
        ]
    )


def taxi(size: Size, color: RGB) -> Mesh:
    """Return a sedan with a lit sign on the roof and a chequered band."""
    length, width, height = size
    low = (length, width, height * 0.92)
    sign = block(
        (-0.14 * length, -0.04 * length), (-0.2 * width, 0.2 * width), (0.9 * height, height), PALE, Material.LAMP
    )
    band = block(
        (-0.3 * length, 0.2 * length), (-0.487 * width, 0.487 * width), (0.4 * height, 0.46 * height), DARK, _PAINT
    )
    return join([car(low, color, kind="sedan"), sign, band])


def police(size: Size, color: RGB) -> Mesh:
    """Return a black-and-white sedan with a light bar."""
    length, width, height = size
    low = (length, width, height * 0.92)
    bars = [
        block((-0.1 * length, -0.04 * length), y, (0.91 * height, height), lamp, Material.BEACON)
        for y, lamp in (((-0.3 * width, 0.0), (0.7, 0.02, 0.02)), ((0.0, 0.3 * width), (0.02, 0.08, 0.8)))
    ]
    doors = block(
        (-0.2 * length, 0.18 * length), (-0.489 * width, 0.489 * width), (0.2 * height, 0.52 * height), WHITE, _PAINT
    )
    return join([car(low, color, kind="sedan"), doors, *bars])


def ambulance(size: Size, color: RGB) -> Mesh:
    """Return a high van with a box behind, a coloured stripe and beacons."""
    length, width, height = size
    parts = [_cab(size, color, x=(0.16, 0.5), top=0.8)]
    parts.append(_box_body(size, color, x=(-0.5, 0.2), z=(0.16, 0.96)))
    for z, paint in (((0.36, 0.46), (0.75, 0.15, 0.02)), ((0.48, 0.52), (0.02, 0.1, 0.5))):
        span = (z[0] * height, z[1] * height)
        parts.append(block((-0.503 * length, 0.19 * length), (-0.496 * width, 0.496 * width), span, paint, _PAINT))
    for x in (-0.48, 0.14):
        for side, lamp in ((-1, (0.8, 0.02, 0.02)), (1, (0.02, 0.1, 0.9))):
            y = sorted((side * 0.12 * width, side * 0.46 * width))
            x_m = (x * length, x * length + 0.25)
            parts.append(block(x_m, (y[0], y[1]), (0.955 * height, height), lamp, Material.BEACON))
    return join([*parts, axles(size, (-0.3, 0.33), radius_m=0.14 * height), lamps(size, z=(0.26, 0.33))])


def _cab(size: Size, color: RGB, *, x: tuple[float, float], top: float, sill: float = 0.45) -> Mesh:
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
    return join([lower, upper, grille, _mirrors(size, x=nose - 0.02, z=sill + 0.06, color=DARK)])


def _box_body(size: Size, color: RGB, *, x: tuple[float, float], z: tuple[float, float]) -> Mesh:
    length, width, height = size
    box = block(
        (x[0] * length, x[1] * length), (-0.49 * width, 0.49 * width), (z[0] * height, z[1] * height), color, _PAINT
    )
    doors = block(
        (x[0] * length - 0.01, x[0] * length + 0.01), (-0.015, 0.015), (z[0] * height, z[1] * height), DARK, _PAINT
    )
    return join([box, doors])


def _chassis(size: Size, *, x: tuple[float, float], z: tuple[float, float] = (0.12, 0.2)) -> Mesh:
    length, width, height = size
    return block(
        (x[0] * length, x[1] * length),
        (-0.4 * width, 0.4 * width),
        (z[0] * height, z[1] * height),
        DARK,
        Material.PLASTIC,
    )


def _box_truck(size: Size, color: RGB) -> Mesh:
    pale = tuple(0.25 * c + 0.55 for c in color)
    return join(
        [
            _cab(size, color, x=(0.24, 0.5), top=0.78),
            _box_body(size, (pale[0], pale[1], pale[2]), x=(-0.5, 0.22), z=(0.22, 1.0)),
            _chassis(size, x=(-0.49, 0.45)),
            axles(size, (-0.3, 0.36), radius_m=min(0.5, 0.16 * size[2])),
            lamps(size, z=(0.22, 0.29)),
        ]
    )


def _pickup(size: Size, color: RGB) -> Mesh:
    length, width, height = size
    stations = [(-0.5, 0.94, 0.24, 0.58), (0.22, 0.96, 0.22, 0.6), (0.45, 0.93, 0.22, 0.56), (0.5, 0.86, 0.28, 0.5)]
    bed = block(
        (-0.47 * length, -0.12 * length),
        (-0.4 * width, 0.4 * width),
        (0.5 * height, 0.585 * height),
        DARK,
        Material.PLASTIC,
    )
    return join(
        [
            body(stations, size, color),
            cabin((-0.14, 0.24, 0.9), (-0.1, 0.1, 0.76), size, z=(0.59, 1.0), color=color),
            bed,
            axles(size, (-0.3, 0.32), radius_m=0.21 * height),
            lamps(size, z=(0.42, 0.52)),
        ]
    )


def _lorry(size: Size, color: RGB) -> Mesh:
    length, width, height = size
    deck = block(
        (-0.5 * length, 0.24 * length), (-0.49 * width, 0.49 * width), (0.24 * height, 0.3 * height), GREY, _PAINT
    )
    load = loft(
        [
            ring_z(0.3 * height, -0.49 * length, 0.22 * length, 0.47 * width),
            ring_z(0.62 * height, -0.46 * length, 0.2 * length, 0.42 * width),
        ],
        (0.22, 0.16, 0.1),
        Material.STONE,
    )
    sides = block(
        (-0.5 * length, 0.23 * length), (-0.495 * width, 0.495 * width), (0.3 * height, 0.52 * height), color, _PAINT
    )
    return join(
        [
            _cab(size, color, x=(0.26, 0.5), top=1.0),
            deck,
            sides,
            load,
            _chassis(size, x=(-0.49, 0.45)),
            axles(size, (-0.36, -0.22, 0.36), radius_m=min(0.5, 0.16 * height)),
            lamps(size, z=(0.2, 0.27)),
        ]
    )


def _tanker(size: Size, color: RGB) -> Mesh:
    length, width, height = size
    rings = []
    for x, share in ((-0.5, 0.8), (-0.47, 1.0), (0.19, 1.0), (0.22, 0.8)):
        ring = circle((x * length, 0, 0), 1.0, axis="x", sides=12)
        ring[:, 1] *= 0.49 * width * share
        ring[:, 2] = ring[:, 2] * 0.37 * height * share + 0.61 * height
        rings.append(ring)
    return join(
        [
            _cab(size, color, x=(0.25, 0.5), top=0.92),
            loft(rings, (0.55, 0.56, 0.58), Material.METAL),
            _chassis(size, x=(-0.49, 0.45), z=(0.12, 0.26)),
            axles(size, (-0.38, -0.25, 0.36), radius_m=min(0.5, 0.15 * height)),
            lamps(size, z=(0.2, 0.27)),
        ]
    )


def _fire_engine(size: Size, color: RGB) -> Mesh:
    length, width, height = size
    parts = [
        _cab(size, color, x=(0.18, 0.5), top=0.88),
        _box_body(size, color, x=(-0.5, 0.18), z=(0.16, 0.84)),
        axles(size, (-0.3, 0.34), radius_m=min(0.5, 0.16 * height)),
        lamps(size, z=(0.2, 0.27)),
    ]
    stripe = ((-0.502 * length, 0.18 * length), (-0.498 * width, 0.498 * width), (0.36 * height, 0.42 * height))
    parts.append(block(*stripe, PALE, Material.REFLECTIVE))
    for x in (-0.42, -0.22, -0.02):
        shutter = ((x * length, (x + 0.16) * length), (-0.496 * width, 0.496 * width), (0.48 * height, 0.76 * height))
        parts.append(block(*shutter, (0.45, 0.46, 0.48), Material.METAL))
    for y in (-0.2, 0.2):
        ladder = ((-0.5 * length, 0.3 * length), (y - 0.04, y + 0.04), (0.86 * height, 0.93 * height))
        parts.append(block(*ladder, (0.6, 0.6, 0.6), Material.METAL))
    bar = ((0.26 * length, 0.32 * length), (-0.4 * width, 0.4 * width), (0.88 * height, height))
    parts.append(block(*bar, (0.02, 0.08, 0.9), Material.BEACON))
    return join(parts)


_TRUCKS: dict[str, Callable[[Size, RGB], Mesh]] = {
    "box": _box_truck,
    "pickup": _pickup,
    "lorry": _lorry,
    "tanker": _tanker,
    "fire_engine": _fire_engine,
}


def truck(size: Size, color: RGB, *, kind: str) -> Mesh:
    """Return a truck; short low boxes are pickups, whatever they are called, as in nuScenes."""
    if kind not in _TRUCKS:
        kind = "pickup" if size[2] < 2.2 else "box"
    return _TRUCKS[kind](size, color)


def bus(size: Size, color: RGB, *, kind: str) -> Mesh:
    """Return a bus: a long box with a band of windows, doors and a roof line."""
    length, width, height = size
    paint = YELLOW if kind == "school" else color
    stations = [(-0.5, 0.94, 0.12, 0.97), (0.47, 0.96, 0.1, 0.97), (0.5, 0.9, 0.12, 0.93)]
    parts = [body(stations, size, paint)]
    sill, top = (0.52, 0.84) if kind == "coach" else (0.42, 0.8)
    count = max(4, round(length / 1.6))
    for i in range(count):
        x0 = -0.48 + 0.9 * i / count
        window = ((x0 * length, (x0 + 0.9 / count) * length - 0.09), (-0.488 * width, 0.488 * width))
        parts.append(block(*window, (sill * height, top * height), GLASS, Material.GLASS))
    for x, y, low in ((0.5, 0.42, 0.36), (-0.5, 0.38, 0.5)):
        pane = ((x * length - 0.04, x * length + 0.012), (-y * width, y * width), (low * height, 0.84 * height))
        parts.append(block(*pane, GLASS, Material.GLASS))
    door = ((0.36 * length, 0.44 * length), (-0.489 * width, -0.3 * width), (0.12 * height, 0.8 * height))
    parts.append(block(*door, DARK, Material.GLASS))
    sign = ((0.5 * length - 0.03, 0.5 * length + 0.014), (-0.3 * width, 0.3 * width), (0.86 * height, 0.92 * height))
    parts.append(block(*sign, (0.7, 0.4, 0.05), Material.LAMP))
    if kind == "city":
        unit = ((-0.3 * length, 0.1 * length), (-0.3 * width, 0.3 * width), (0.96 * height, height))
        parts.append(block(*unit, WHITE, Material.ROOF))
    if kind == "school":
        band = ((-0.49 * length, 0.46 * length), (-0.487 * width, 0.487 * width), (0.3 * height, 0.34 * height))
        parts.append(block(*band, DARK, Material.PLASTIC))
    return join([*parts, axles(size, (-0.28, 0.32), radius_m=0.14 * height), lamps(size, z=(0.2, 0.28))])


def trailer(size: Size, color: RGB, *, kind: str) -> Mesh:
    """Return a semi-trailer: box or flatbed, wheels at the rear and legs in front."""
    length, width, height = size
    parts = [_chassis(size, x=(-0.48, 0.48), z=(0.2, 0.27))]
    if kind == "flatbed":
        deck = ((-0.5 * length, 0.5 * length), (-0.49 * width, 0.49 * width), (0.27 * height, 0.32 * height))
        parts.append(block(*deck, GREY, Material.METAL))
        for x0, x1, top in ((-0.42, -0.12, 0.8), (-0.08, 0.2, 0.62), (0.26, 0.44, 1.0)):
            crate = ((x0 * length, x1 * length), (-0.4 * width, 0.4 * width), (0.32 * height, top * height))
            parts.append(block(*crate, color, _PAINT))
    else:
        parts.append(_box_body(size, color, x=(-0.5, 0.5), z=(0.28, 1.0)))
    for y in (-0.3, 0.3):
        leg = ((0.26 * length, 0.28 * length), (y * width - 0.06, y * width + 0.06), (0.0, 0.28 * height))
        parts.append(block(*leg, GREY, Material.METAL))
    wheels = axles(size, (-0.42, -0.34, -0.26), radius_m=min(0.5, 0.13 * height))
    return join([*parts, wheels, lamps(size, z=(0.2, 0.25))])


def construction_vehicle(size: Size, color: RGB, *, kind: str) -> Mesh:
    """Return an excavator, a wheel loader or a road roller; anything else is an excavator."""
    makers = {"loader": _loader, "roller": _roller}
    return makers.get(kind, _excavator)(size, color)


def _excavator(size: Size, color: RGB) -> Mesh:
    length, width, height = size
    parts = []
    for side in (-1, 1):
        y = sorted((side * 0.5 * width, side * 0.3 * width))
        track = [(-0.42, 0.08), (-0.36, 0.0), (0.14, 0.0), (0.2, 0.08), (0.14, 0.24), (-0.36, 0.24)]
        rings = [[[x * length, edge, z * height] for x, z in track] for edge in y]
        parts.append(loft([_array(ring) for ring in rings], DARK, Material.RUBBER))
    house = ((-0.5 * length, 0.06 * length), (-0.44 * width, 0.44 * width), (0.27 * height, 0.56 * height))
    parts.append(block(*house, color, _PAINT))
    glass = ((-0.14 * length, 0.1 * length), (0.04 * width, 0.42 * width), (0.5 * height, 0.86 * height))
    parts.append(block(*glass, GLASS, Material.GLASS))
    roof = ((-0.16 * length, 0.11 * length), (0.02 * width, 0.44 * width), (0.86 * height, 0.9 * height))
    parts.append(block(*roof, color, _PAINT))
    boom_y = -0.12 * width
    joints = [(0.02, 0.5), (0.2, 0.97), (0.42, 0.62), (0.44, 0.24)]
    for (x0, z0), (x1, z1) in pairwise(joints):
        start, end = (x0 * length, boom_y, z0 * height), (x1 * length, boom_y, z1 * height)
        parts.append(rod(start, end, 0.15, color, _PAINT, sides=4))
    bucket = [ring_z(0.06 * height, 0.36 * length, 0.46 * length, 0.16 * width)]
    bucket.append(ring_z(0.26 * height, 0.4 * length, 0.5 * length, 0.16 * width))
    parts.append(loft([ring + _array([0, boom_y, 0]) for ring in bucket], GREY, Material.METAL))
    beacon = ball((0.0, 0.2 * width, 0.94 * height), (0.1, 0.1, 0.06 * height), (0.9, 0.4, 0.0), Material.BEACON)
    return join([*parts, beacon])


def _loader(size: Size, color: RGB) -> Mesh:
    length, width, height = size
    rear = ((-0.5 * length, -0.1 * length), (-0.34 * width, 0.34 * width), (0.2 * height, 0.55 * height))
    glass = ((-0.2 * length, 0.04 * length), (-0.26 * width, 0.26 * width), (0.55 * height, 0.95 * height))
    roof = ((-0.22 * length, 0.06 * length), (-0.3 * width, 0.3 * width), (0.95 * height, height))
    parts = [block(*rear, color, _PAINT), block(*glass, GLASS, Material.GLASS), block(*roof, color, _PAINT)]
    for side in (-0.22, 0.22):
        start, end = (-0.04 * length, side * width, 0.5 * height), (0.36 * length, side * width, 0.14 * height)
        parts.append(rod(start, end, 0.14, color, _PAINT, sides=4))
    front = ((-0.1 * length, 0.2 * length), (-0.25 * width, 0.25 * width), (0.2 * height, 0.5 * height))
    parts.append(block(*front, color, _PAINT))
    bucket = [
        _array([[0.3 * length, y * width, 0.1 * height], [0.5 * length, y * width, 0.02 * height]])
        for y in (-0.48, 0.48)
    ]
    scoop = [
        [*ring, _array([0.42 * length, ring[0][1], 0.1 * height]), _array([0.34 * length, ring[0][1], 0.4 * height])]
        for ring in bucket
    ]
    parts.append(loft([_array(ring) for ring in scoop], GREY, Material.METAL))
    beacon = ball((-0.1 * length, 0, height), (0.1, 0.1, 0.1), (0.9, 0.4, 0.0), Material.BEACON)
    return join([*parts, beacon, axles(size, (-0.33, 0.16), radius_m=0.23 * height)])


def _roller(size: Size, color: RGB) -> Mesh:
    length, width, height = size
    parts = []
    for x in (-0.34, 0.34):
        drum = [
            circle((x * length, y * width, 0.22 * height), 0.22 * height, axis="y", sides=14) for y in (-0.42, 0.42)
        ]
        parts.append(loft(drum, (0.4, 0.4, 0.42), Material.METAL))
    for y in (-0.47, 0.47):
        frame = ((-0.5 * length, 0.5 * length), (y * width - 0.06, y * width + 0.06), (0.18 * height, 0.36 * height))
        parts.append(block(*frame, color, _PAINT))
    deck = ((-0.44 * length, 0.44 * length), (-0.48 * width, 0.48 * width), (0.4 * height, 0.56 * height))
    roof = ((-0.24 * length, 0.24 * length), (-0.45 * width, 0.45 * width), (0.95 * height, height))
    parts += [block(*deck, color, _PAINT), block(*roof, color, _PAINT)]
    for x in (-0.22, 0.22):
        for y in (-0.42, 0.42):
            foot = (x * length, y * width, 0.5 * height)
            parts.append(rod(foot, (foot[0], foot[1], 0.96 * height), 0.05, DARK, Material.PLASTIC, sides=4))
    seat = ((-0.1 * length, 0.06 * length), (-0.15 * width, 0.15 * width), (0.56 * height, 0.72 * height))
    return join([*parts, block(*seat, DARK, Material.PLASTIC)])


def _array(points: object) -> Float[np.ndarray, "*shape"]:
    return np.asarray(points, dtype=np.float64)


def vehicle(actor: Actor) -> Mesh:
    """Return the mesh of a vehicle, not yet fitted: standing on z = 0, x ahead."""
    size, color, kind = actor.size_lwh_m, linear(actor.look.color_rgb), actor.look.kind
    match actor.category:
        case Category.CAR if kind == "taxi":
            return taxi(size, color)
        case Category.CAR:
            return car(size, color, kind=kind)
        case Category.POLICE:
            return police(size, color)
        case Category.AMBULANCE:
            return ambulance(size, color)
        case Category.TRUCK:
            return truck(size, color, kind=kind)
        case Category.BUS | Category.BENDY_BUS:
            return bus(size, color, kind=kind)
        case Category.TRAILER:
            return trailer(size, color, kind=kind)
        case _:
            return construction_vehicle(size, color, kind=kind)
