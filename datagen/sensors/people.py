"""People, cycles and animals: a head, arms that swing and legs that stride, so that they read as alive at 20 pixels.

A stride follows the distance travelled, not the clock: feet do not slide, and who stands, stands.
"""

from __future__ import annotations

import numpy as np

from datagen.scene import Actor, Category, Posture
from datagen.sensors.mesh import RGB, Material, Mesh, ball, block, hoop, join, linear, loft, ring_z, rod, wheel

_SKINS: tuple[RGB, ...] = ((0.55, 0.36, 0.26), (0.42, 0.25, 0.16), (0.22, 0.12, 0.075), (0.62, 0.43, 0.33))
_TROUSERS: tuple[RGB, ...] = ((0.03, 0.04, 0.09), (0.03, 0.03, 0.03), (0.12, 0.1, 0.075), (0.08, 0.08, 0.09))
_HAIR: tuple[RGB, ...] = ((0.02, 0.015, 0.01), (0.08, 0.045, 0.02), (0.3, 0.21, 0.1), (0.2, 0.2, 0.2))
_DARK: RGB = (0.02, 0.02, 0.02)
_HI_VIS: RGB = (0.75, 0.62, 0.02)
_ORANGE: RGB = (0.9, 0.22, 0.01)


def person(actor: Actor, *, rng: np.random.Generator) -> Mesh:
    """Return someone on foot or on small wheels, not yet fitted: standing on z = 0, facing x."""
    color = linear(actor.look.color_rgb)
    match actor.category:
        case Category.STROLLER:
            return _stroller(color)
        case Category.WHEELCHAIR:
            return join([_sitter(color, rng=rng, seat_m=0.5), _chair()])
        case Category.PERSONAL_MOBILITY:
            return join([_walker(color, rng=rng).moved(z_m=0.12), _scooter()])
        case Category.CONSTRUCTION_WORKER:
            return _walker(_ORANGE, rng=rng, vest=_HI_VIS, hat=(0.8, 0.6, 0.02))
        case Category.POLICE_OFFICER:
            return _walker((0.02, 0.03, 0.09), rng=rng, vest=None, hat=(0.01, 0.015, 0.05))
        case _ if actor.posture is Posture.SITTING:
            return _sitter(color, rng=rng, seat_m=0.45)
        case _:
            return _walker(color, rng=rng)


def _pick(choices: tuple[RGB, ...], rng: np.random.Generator) -> RGB:
    return choices[int(rng.integers(len(choices)))]


def _walker(color: RGB, *, rng: np.random.Generator, vest: RGB | None = None, hat: RGB | None = None) -> Mesh:
    """Return a standing body of 1.75 m: limbs are marked to swing from hip and shoulder."""
    skin, trousers, hair = _pick(_SKINS, rng), _pick(_TROUSERS, rng), _pick(_HAIR, rng)
    parts = [_torso(color), _head(skin, hat or hair, brim=hat is not None)]
    if vest is not None:
        parts += [
            loft([ring_z(z, -0.145, 0.145, 0.21) for z in (0.98, 1.36)], vest, Material.REFLECTIVE),
            loft([ring_z(z, -0.15, 0.15, 0.215) for z in (1.1, 1.16)], (0.8, 0.8, 0.8), Material.REFLECTIVE),
        ]
    for side in (-1, 1):
        leg = loft(
            [np.add(ring_z(z, -r, r, r), (0, side * 0.095, 0)) for z, r in ((0.05, 0.06), (0.9, 0.1))],
            trousers,
            Material.CLOTH,
        )
        shoe = block((-0.08, 0.17), (side * 0.095 - 0.055, side * 0.095 + 0.055), (0.0, 0.08), _DARK, Material.RUBBER)
        parts.append(join([leg, shoe]).swinging(side, x_m=0.0, z_m=0.9))
        arm = loft(
            [np.add(ring_z(z, -r, r, r), (0, side * 0.25, 0)) for z, r in ((0.82, 0.042), (1.42, 0.062))],
            color,
            Material.CLOTH,
        )
        hand = ball((0, side * 0.25, 0.78), (0.05, 0.045, 0.07), skin, Material.SKIN, sides=5)
        parts.append(join([arm, hand]).swinging(-side, x_m=0.0, z_m=1.42))
    return join(parts)


def _torso(color: RGB) -> Mesh:
    levels = ((0.86, 0.11, 0.17), (1.1, 0.11, 0.165), (1.38, 0.13, 0.205), (1.47, 0.08, 0.12))
    return loft([ring_z(z, -depth, depth, half) for z, depth, half in levels], color, Material.CLOTH)


def _head(skin: RGB, hair: RGB, *, brim: bool) -> Mesh:
    face = ball((0.01, 0, 1.6), (0.1, 0.085, 0.13), skin, Material.SKIN, sides=7)
    cap = ball((-0.015, 0, 1.655), (0.115, 0.1, 0.095), hair, Material.CLOTH, sides=7)
    if not brim:
        return join([face, cap])
    return join([face, cap, loft([ring_z(z, -0.12, 0.19, 0.12) for z in (1.64, 1.665)], hair, Material.PLASTIC)])


def _sitter(color: RGB, *, rng: np.random.Generator, seat_m: float) -> Mesh:
    """Return a sitting body: thighs level, shins down."""
    skin, trousers, hair = _pick(_SKINS, rng), _pick(_TROUSERS, rng), _pick(_HAIR, rng)
    lift = seat_m - 0.86
    parts = [_torso(color).moved(z_m=lift), _head(skin, hair, brim=False).moved(z_m=lift)]
    for side in (-0.1, 0.1):
        thigh = rod((0, side, seat_m + 0.06), (0.42, side, seat_m + 0.08), 0.085, trousers, Material.CLOTH)
        shin = rod((0.42, side, seat_m + 0.06), (0.45, side, 0.0), 0.065, trousers, Material.CLOTH)
        arm = rod((0, side * 2.4, seat_m + 0.54), (0.3, side * 1.6, seat_m + 0.22), 0.05, color, Material.CLOTH)
        parts += [thigh, shin, arm]
    return join(parts)


def _chair() -> Mesh:
    wheels = [hoop(-0.02, y, 0.31, 0.04) for y in (-0.31, 0.31)]
    casters = [wheel(0.42, (y - 0.02, y + 0.02), 0.08, sides=8) for y in (-0.22, 0.22)]
    seat = block((-0.2, 0.3), (-0.24, 0.24), (0.44, 0.49), _DARK, Material.PLASTIC)
    back = block((-0.22, -0.17), (-0.24, 0.24), (0.44, 0.98), _DARK, Material.PLASTIC)
    return join([*wheels, *casters, seat, back])


def _scooter() -> Mesh:
    wheels = [wheel(x, (-0.03, 0.03), 0.1, sides=8) for x in (-0.42, 0.46)]
    deck = block((-0.4, 0.36), (-0.08, 0.08), (0.09, 0.13), _DARK, Material.PLASTIC)
    stem = rod((0.45, 0, 0.1), (0.36, 0, 1.1), 0.025, (0.3, 0.3, 0.3), Material.METAL)
    bar = rod((0.36, -0.25, 1.1), (0.36, 0.25, 1.1), 0.02, _DARK, Material.RUBBER)
    return join([*wheels, deck, stem, bar])


def _stroller(color: RGB) -> Mesh:
    wheels = [wheel(x, (y - 0.025, y + 0.025), 0.13, sides=8) for x in (-0.25, 0.35) for y in (-0.24, 0.24)]
    tub = loft([ring_z(0.4, -0.15, 0.32, 0.2), ring_z(0.72, -0.25, 0.42, 0.24)], color, Material.CLOTH)
    hood = loft([ring_z(0.72, -0.28, 0.1, 0.24), ring_z(0.98, -0.2, 0.02, 0.19)], color, Material.CLOTH)
    frame = [rod((0.3, y, 0.13), (-0.5, y, 1.05), 0.02, (0.3, 0.3, 0.3), Material.METAL) for y in (-0.22, 0.22)]
    bar = rod((-0.5, -0.24, 1.05), (-0.5, 0.24, 1.05), 0.025, _DARK, Material.RUBBER)
    return join([*wheels, tub, hood, *frame, bar])


def cycle(actor: Actor, *, rng: np.random.Generator) -> Mesh:
    """Return a bicycle or motorcycle, ridden unless nobody is on it."""
    color = linear(actor.look.color_rgb)
    ridden = actor.posture is Posture.ACTIVE
    if actor.category is Category.BICYCLE:
        return join([_bicycle(color), *([_rider(color, rng=rng, hip=(-0.16, 1.02))] if ridden else [])])
    machine = _motorcycle(color)
    return join([machine, *([_rider(_DARK, rng=rng, hip=(-0.25, 0.86), helmet=color)] if ridden else [])])


def _bicycle(color: RGB) -> Mesh:
    rear, front, crank, seat, head = (-0.52, 0, 0.34), (0.54, 0, 0.34), (-0.06, 0, 0.3), (-0.2, 0, 0.9), (0.38, 0, 0.9)
    pairs = ((rear, crank), (rear, seat), (crank, seat), (crank, head), (seat, head), (front, head))
    frame = [rod(a, b, 0.022, color, Material.PAINTWORK, sides=4) for a, b in pairs]
    bar = rod((0.36, -0.28, 1.02), (0.36, 0.28, 1.02), 0.018, _DARK, Material.RUBBER, sides=4)
    saddle = block((-0.32, -0.08), (-0.07, 0.07), (0.9, 0.96), _DARK, Material.PLASTIC)
    lamp = block((-0.56, -0.52), (-0.03, 0.03), (0.68, 0.74), (0.5, 0.01, 0.01), Material.TAILLAMP)
    ahead = block((0.42, 0.47), (-0.03, 0.03), (0.88, 0.95), (0.8, 0.8, 0.8), Material.HEADLAMP)
    stem = rod(head, (0.36, 0, 1.02), 0.02, _DARK, Material.METAL, sides=4)
    hoops = [hoop(x, 0.0, 0.34, 0.05) for x in (-0.52, 0.54)]
    return join([*hoops, *frame, bar, stem, saddle, lamp, ahead])


def _motorcycle(color: RGB) -> Mesh:
    wheels = [wheel(x, (-0.08, 0.08), 0.32) for x in (-0.68, 0.72)]
    tank = loft([ring_z(0.62, -0.2, 0.38, 0.13), ring_z(0.95, -0.12, 0.32, 0.15)], color, Material.PAINTWORK)
    engine = block((-0.3, 0.3), (-0.17, 0.17), (0.22, 0.62), (0.08, 0.08, 0.085), Material.METAL)
    seat = loft([ring_z(0.68, -0.85, -0.1, 0.13), ring_z(0.82, -0.8, -0.12, 0.12)], _DARK, Material.PLASTIC)
    fork = rod((0.72, 0, 0.32), (0.42, 0, 1.02), 0.05, (0.35, 0.35, 0.36), Material.METAL)
    bar = rod((0.38, -0.37, 1.05), (0.38, 0.37, 1.05), 0.025, _DARK, Material.RUBBER)
    screen = loft([ring_z(0.9, 0.44, 0.56, 0.15), ring_z(1.22, 0.34, 0.38, 0.12)], color, Material.PAINTWORK)
    ahead = block((0.5, 0.62), (-0.09, 0.09), (0.84, 0.98), (0.85, 0.85, 0.8), Material.HEADLAMP)
    lamp = block((-0.92, -0.84), (-0.08, 0.08), (0.72, 0.8), (0.5, 0.01, 0.01), Material.TAILLAMP)
    return join([*wheels, tank, engine, seat, fork, bar, screen, ahead, lamp])


def _rider(color: RGB, *, rng: np.random.Generator, hip: tuple[float, float], helmet: RGB | None = None) -> Mesh:
    """Return someone leaning forward from the hip (x, z), hands on the bar, feet below."""
    skin, trousers = _pick(_SKINS, rng), _pick(_TROUSERS, rng)
    x, z = hip
    upper = [_torso(color).moved(x, 0.0, z - 0.86), _head(skin, helmet or _DARK, brim=False).moved(x, 0.0, z - 0.86)]
    if helmet is not None:
        shell = ball((x, 0, z + 0.76), (0.15, 0.14, 0.16), helmet, Material.PAINTWORK, sides=7)
        upper.append(shell)
    parts = [join(upper).tilted(0.35, about_xz_m=hip)]
    for side, knee_z in ((-1, z - 0.12), (1, z - 0.32)):
        knee = (x + 0.42, side * 0.16, knee_z)
        foot = (x + 0.16, side * 0.14, knee_z - 0.42)
        parts.append(rod((x, side * 0.1, z), knee, 0.085, trousers, Material.CLOTH))
        parts.append(rod(knee, foot, 0.06, trousers, Material.CLOTH))
        parts.append(rod((x + 0.18, side * 0.22, z + 0.48), (0.36, side * 0.26, 1.03), 0.05, color, Material.CLOTH))
    return join(parts)


def animal(actor: Actor) -> Mesh:
    """Return a four-legged animal with head, ears and tail."""
    color = linear(actor.look.color_rgb)
    trunk = ball((0, 0, 0.6), (0.42, 0.16, 0.19), color, Material.CLOTH)
    head = ball((0.5, 0, 0.86), (0.16, 0.1, 0.12), color, Material.CLOTH, sides=6)
    neck = rod((0.32, 0, 0.65), (0.46, 0, 0.85), 0.09, color, Material.CLOTH)
    tail = rod((-0.4, 0, 0.65), (-0.58, 0, 0.9), 0.035, color, Material.CLOTH)
    ears = [rod((0.45, y, 0.95), (0.43, y, 1.05), 0.03, color, Material.CLOTH, sides=4) for y in (-0.06, 0.06)]
    legs = [
        rod((x, y, 0.55), (x, y, 0.0), 0.05, color, Material.CLOTH).swinging(way, x_m=x, z_m=0.55)
        for x, y, way in ((-0.3, -0.1, 1), (-0.3, 0.1, -1), (0.3, -0.1, -1), (0.3, 0.1, 1))
    ]
    return join([trunk, head, neck, tail, *ears, *legs])
