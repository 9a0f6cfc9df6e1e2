"""Passenger cars by kind, told apart by outline first, then colour."""

from __future__ import annotations

from datagen.sensors.coachwork import DARK, PAINT, PALE, TRIM, WHITE, Size, axles, body, cabin, lamps, mirrors
from datagen.sensors.mesh import RGB, Material, Mesh, block, join

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
        block((x0 * length, x1 * length), (-0.44 * width, 0.44 * width), (0.16 * height, 0.3 * height), DARK, TRIM)
        for x0, x1 in ((-0.502, -0.45), (0.45, 0.502))
    ]
    grille = block(
        (0.46 * length, 0.503 * length),
        (-0.24 * width, 0.24 * width),
        (0.34 * height, 0.43 * height),
        DARK,
        TRIM,
    )
    return join(
        [
            body(stations, size, color),
            cabin(base, top, size, z=(stations[1][3] - 0.01, 1.0), color=color),
            axles(size, (-0.31, 0.31), radius_m=radius),
            lamps(size, z=lamp_z),
            mirrors(size, x=base[1] - 0.06, z=0.6, color=color),
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
        (-0.3 * length, 0.2 * length), (-0.487 * width, 0.487 * width), (0.4 * height, 0.46 * height), DARK, PAINT
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
        (-0.2 * length, 0.18 * length), (-0.489 * width, 0.489 * width), (0.2 * height, 0.52 * height), WHITE, PAINT
    )
    return join([car(low, color, kind="sedan"), doors, *bars])
