"""Construction vehicles: excavator, wheel loader, road roller."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from jaxtyping import Float

from datagen.sensors.coachwork import DARK, GLASS, GREY, PAINT, Size, axles
from datagen.sensors.mesh import RGB, Material, Mesh, ball, block, circle, join, loft, ring_z, rod


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
    parts.append(block(*house, color, PAINT))
    glass = ((-0.14 * length, 0.1 * length), (0.04 * width, 0.42 * width), (0.5 * height, 0.86 * height))
    parts.append(block(*glass, GLASS, Material.GLASS))
    roof = ((-0.16 * length, 0.11 * length), (0.02 * width, 0.44 * width), (0.86 * height, 0.9 * height))
    parts.append(block(*roof, color, PAINT))
    boom_y = -0.12 * width
    joints = [(0.02, 0.5), (0.2, 0.97), (0.42, 0.62), (0.44, 0.24)]
    for (x0, z0), (x1, z1) in pairwise(joints):
        start, end = (x0 * length, boom_y, z0 * height), (x1 * length, boom_y, z1 * height)
        parts.append(rod(start, end, 0.15, color, PAINT, sides=4))
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
    parts = [block(*rear, color, PAINT), block(*glass, GLASS, Material.GLASS), block(*roof, color, PAINT)]
    for side in (-0.22, 0.22):
        start, end = (-0.04 * length, side * width, 0.5 * height), (0.36 * length, side * width, 0.14 * height)
        parts.append(rod(start, end, 0.14, color, PAINT, sides=4))
    front = ((-0.1 * length, 0.2 * length), (-0.25 * width, 0.25 * width), (0.2 * height, 0.5 * height))
    parts.append(block(*front, color, PAINT))
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
        parts.append(block(*frame, color, PAINT))
    deck = ((-0.44 * length, 0.44 * length), (-0.48 * width, 0.48 * width), (0.4 * height, 0.56 * height))
    roof = ((-0.24 * length, 0.24 * length), (-0.45 * width, 0.45 * width), (0.95 * height, height))
    parts += [block(*deck, color, PAINT), block(*roof, color, PAINT)]
    for x in (-0.22, 0.22):
        for y in (-0.42, 0.42):
            foot = (x * length, y * width, 0.5 * height)
            parts.append(rod(foot, (foot[0], foot[1], 0.96 * height), 0.05, DARK, Material.PLASTIC, sides=4))
    seat = ((-0.1 * length, 0.06 * length), (-0.15 * width, 0.15 * width), (0.56 * height, 0.72 * height))
    return join([*parts, block(*seat, DARK, Material.PLASTIC)])


def _array(points: object) -> Float[np.ndarray, "*shape"]:
    return np.asarray(points, dtype=np.float64)
