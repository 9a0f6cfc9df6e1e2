"""What stands or lies on the road without moving by itself: cones, barriers, debris, carts, bicycle racks."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from datagen.scene import Actor, Category
from datagen.sensors.mesh import (
    RGB,
    Material,
    Mesh,
    block,
    circle,
    hoop,
    join,
    linear,
    loft,
    ring_z,
    rod,
    wheel,
)

_ORANGE: RGB = (0.9, 0.17, 0.01)
_WHITE: RGB = (0.85, 0.85, 0.85)
_GREY: RGB = (0.3, 0.3, 0.3)


def thing(actor: Actor, *, rng: np.random.Generator) -> Mesh:
    """Return the mesh of an object, not yet fitted: standing on z = 0."""
    color = linear(actor.look.color_rgb)
    match actor.category:
        case Category.TRAFFIC_CONE:
            return cone()
        case Category.BARRIER:
            return barrier(actor.size_lwh_m)
        case Category.PUSHABLE:
            return _cart(color)
        case Category.BICYCLE_RACK:
            return _rack(actor.size_lwh_m)
        case _:
            return _debris(color, rng=rng)


def cone() -> Mesh:
    """Return an orange cone with two white bands on a dark foot."""
    foot = block((-0.2, 0.2), (-0.2, 0.2), (0.0, 0.05), (0.04, 0.04, 0.04), Material.RUBBER)
    levels = ((0.05, _ORANGE), (0.38, _WHITE), (0.56, _ORANGE), (0.68, _WHITE), (0.8, _ORANGE), (1.0, _ORANGE))
    parts = [foot]
    for (low, color), (high, _) in pairwise(levels):
        rings = [circle((0, 0, z), 0.155 - 0.115 * z, axis="z", sides=8) for z in (low, high)]
        parts.append(loft(rings, color, Material.REFLECTIVE if color is _WHITE else Material.PLASTIC))
    return join(parts)


def barrier(size_lwh_m: tuple[float, float, float]) -> Mesh:
    """Return a barrier across the road: two boards striped orange and white on two feet."""
    length, width, height = size_lwh_m
    parts = []
    for side in (-0.42, 0.42):
        foot = ((-length / 2, length / 2), (side * width - 0.05, side * width + 0.05))
        parts.append(block(*foot, (0.0, 0.08 * height), _GREY, Material.METAL))
        post = ((-0.04, 0.04), (side * width - 0.04, side * width + 0.04))
        parts.append(block(*post, (0.0, 0.96 * height), _GREY, Material.METAL))
    stripes = max(4, round(width / 0.3))
    for low, high in ((0.22, 0.5), (0.66, 1.0)):
        for i in range(stripes):
            y = ((i / stripes - 0.5) * width, ((i + 1) / stripes - 0.5) * width)
            color = _ORANGE if i % 2 else _WHITE
            parts.append(block((-0.05, 0.05), y, (low * height, high * height), color, Material.REFLECTIVE))
    return join(parts)


def _cart(color: RGB) -> Mesh:
    wheels = [wheel(x, (y - 0.02, y + 0.02), 0.1, sides=8) for x in (-0.25, 0.25) for y in (-0.22, 0.22)]
    tub = loft([ring_z(0.3, -0.25, 0.25, 0.2), ring_z(0.9, -0.34, 0.34, 0.28)], color, Material.PLASTIC)
    handle = rod((-0.36, -0.26, 1.0), (-0.36, 0.26, 1.0), 0.025, _GREY, Material.METAL)
    arms = [rod((-0.3, y, 0.85), (-0.36, y, 1.0), 0.02, _GREY, Material.METAL) for y in (-0.25, 0.25)]
    return join([*wheels, tub, handle, *arms])


def _rack(size_lwh_m: tuple[float, float, float]) -> Mesh:
    """Return a stand with a few parked bicycles in it."""
    length, width, height = size_lwh_m
    bars = [rod((-length / 2, y, 0.35), (length / 2, y, 0.35), 0.03, _GREY, Material.METAL) for y in (-0.25, 0.25)]
    count = max(2, round(length / 0.5))
    colors: tuple[RGB, ...] = ((0.4, 0.03, 0.03), (0.03, 0.08, 0.35), (0.05, 0.2, 0.06), (0.1, 0.1, 0.1))
    parts = []
    for i in range(count):
        x = (i + 0.5) / count * length - length / 2
        parts.append(_leaning_bicycle(colors[i % 4], reach=width / 2, height=height).moved(x))
    ends = [
        rod((x, y, 0.0), (x, y, 0.35), 0.03, _GREY, Material.METAL)
        for x in (-length / 2, length / 2)
        for y in (-0.25, 0.25)
    ]
    return join([*bars, *ends, *parts])


def _leaning_bicycle(color: RGB, *, reach: float, height: float) -> Mesh:
    hoops = [hoop(x, 0.0, 0.33, 0.05, sides=10) for x in (-(reach - 0.33), reach - 0.33)]
    seat, head = (-0.25, 0, 0.8 * height), (0.4, 0, 0.85 * height)
    crank, rear, front = (-0.05, 0, 0.3), (-(reach - 0.33), 0, 0.33), (reach - 0.33, 0, 0.33)
    pairs = ((rear, seat), (crank, seat), (crank, head), (seat, head), (front, head), (head, (0.35, 0, height)))
    frame = [rod(a, b, 0.025, color, Material.PAINTWORK, sides=4) for a, b in pairs]
    return join([*hoops, *frame]).turned(np.pi / 2)


def _debris(color: RGB, *, rng: np.random.Generator) -> Mesh:
    """Return a heap: a slumped bag and a few boards."""
    sides = 9
    rings = []
    for z, radius in ((0.0, 0.5), (0.3, 0.42), (0.6, 0.26), (0.8, 0.1)):
        ring = circle((0, 0, z), radius, axis="z", sides=sides)
        ring[:, :2] *= 1 + 0.25 * rng.uniform(-1, 1, size=(sides, 1))
        rings.append(ring)
    heap = loft(rings, color, Material.STONE)
    boards = []
    for _ in range(3):
        a, b = rng.uniform(-0.5, 0.5, size=(2, 3)) * [1, 1, 0]
        start, end = (a[0], a[1], 0.05), (b[0] + 0.3, b[1], float(rng.uniform(0.4, 1.0)))
        boards.append(rod(start, end, 0.05, (0.3, 0.2, 0.1), Material.BARK, sides=4))
    return join([heap, *boards])
