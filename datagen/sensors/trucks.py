"""Trucks, buses, trailers and ambulances: a cab, and what it carries or pulls."""

from __future__ import annotations

from collections.abc import Callable

from datagen.sensors.coachwork import (
    DARK,
    GLASS,
    GREY,
    PAINT,
    PALE,
    WHITE,
    YELLOW,
    Size,
    axles,
    body,
    box_body,
    cabin,
    chassis,
    driver_cab,
    lamps,
)
from datagen.sensors.mesh import RGB, Material, Mesh, block, circle, join, loft, ring_z


def ambulance(size: Size, color: RGB) -> Mesh:
    """Return a high van with a box behind, a coloured stripe and beacons."""
    length, width, height = size
    parts = [driver_cab(size, color, x=(0.16, 0.5), top=0.8)]
    parts.append(box_body(size, color, x=(-0.5, 0.2), z=(0.16, 0.96)))
    for z, paint in (((0.36, 0.46), (0.75, 0.15, 0.02)), ((0.48, 0.52), (0.02, 0.1, 0.5))):
        span = (z[0] * height, z[1] * height)
        parts.append(block((-0.503 * length, 0.19 * length), (-0.496 * width, 0.496 * width), span, paint, PAINT))
    for x in (-0.48, 0.14):
        for side, lamp in ((-1, (0.8, 0.02, 0.02)), (1, (0.02, 0.1, 0.9))):
            y = sorted((side * 0.12 * width, side * 0.46 * width))
            x_m = (x * length, x * length + 0.25)
            parts.append(block(x_m, (y[0], y[1]), (0.955 * height, height), lamp, Material.BEACON))
    return join([*parts, axles(size, (-0.3, 0.33), radius_m=0.14 * height), lamps(size, z=(0.26, 0.33))])


def _box_truck(size: Size, color: RGB) -> Mesh:
    pale = tuple(0.25 * c + 0.55 for c in color)
    return join(
        [
            driver_cab(size, color, x=(0.24, 0.5), top=0.78),
            box_body(size, (pale[0], pale[1], pale[2]), x=(-0.5, 0.22), z=(0.22, 1.0)),
            chassis(size, x=(-0.49, 0.45)),
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
        (-0.5 * length, 0.24 * length), (-0.49 * width, 0.49 * width), (0.24 * height, 0.3 * height), GREY, PAINT
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
        (-0.5 * length, 0.23 * length), (-0.495 * width, 0.495 * width), (0.3 * height, 0.52 * height), color, PAINT
    )
    return join(
        [
            driver_cab(size, color, x=(0.26, 0.5), top=1.0),
            deck,
            sides,
            load,
            chassis(size, x=(-0.49, 0.45)),
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
            driver_cab(size, color, x=(0.25, 0.5), top=0.92),
            loft(rings, (0.55, 0.56, 0.58), Material.METAL),
            chassis(size, x=(-0.49, 0.45), z=(0.12, 0.26)),
            axles(size, (-0.38, -0.25, 0.36), radius_m=min(0.5, 0.15 * height)),
            lamps(size, z=(0.2, 0.27)),
        ]
    )


def _fire_engine(size: Size, color: RGB) -> Mesh:
    length, width, height = size
    parts = [
        driver_cab(size, color, x=(0.18, 0.5), top=0.88),
        box_body(size, color, x=(-0.5, 0.18), z=(0.16, 0.84)),
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
    parts = [chassis(size, x=(-0.48, 0.48), z=(0.2, 0.27))]
    if kind == "flatbed":
        deck = ((-0.5 * length, 0.5 * length), (-0.49 * width, 0.49 * width), (0.27 * height, 0.32 * height))
        parts.append(block(*deck, GREY, Material.METAL))
        for x0, x1, top in ((-0.42, -0.12, 0.8), (-0.08, 0.2, 0.62), (0.26, 0.44, 1.0)):
            crate = ((x0 * length, x1 * length), (-0.4 * width, 0.4 * width), (0.32 * height, top * height))
            parts.append(block(*crate, color, PAINT))
    else:
        parts.append(box_body(size, color, x=(-0.5, 0.5), z=(0.28, 1.0)))
    for y in (-0.3, 0.3):
        leg = ((0.26 * length, 0.28 * length), (y * width - 0.06, y * width + 0.06), (0.0, 0.28 * height))
        parts.append(block(*leg, GREY, Material.METAL))
    wheels = axles(size, (-0.42, -0.34, -0.26), radius_m=min(0.5, 0.13 * height))
    return join([*parts, wheels, lamps(size, z=(0.2, 0.25))])
