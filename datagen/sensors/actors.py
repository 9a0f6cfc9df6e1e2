"""From an actor to the triangles that stand for it at one instant."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64

from datagen.scene import Actor, Group
from datagen.sensors.mesh import Material, Mesh, block, fitted, join, linear, pitched
from datagen.sensors.objects import thing
from datagen.sensors.people import animal, cycle, person
from datagen.sensors.vehicles import vehicle

BRAKING_MPS2 = -0.6
"""Decelerating more than this lights the brake lamps."""
_STRIDE_M = 1.5


def seed_of(*words: object) -> int:
    """Return a number that depends on the words alone, the same on every machine and in every process."""
    digest = hashlib.sha256("\x1f".join(str(word) for word in words).encode()).digest()
    return int.from_bytes(digest[:8], "little")


def mesh_of(actor: Actor) -> Mesh:
    """Return the actor's mesh at rest in its box frame: inside the box, touching its extents."""
    rng = np.random.default_rng(seed_of("look", actor.id))
    match actor.category.group:
        case Group.VEHICLE:
            mesh = vehicle(actor)
        case Group.CYCLE:
            mesh = cycle(actor, rng=rng)
        case Group.PERSON:
            mesh = person(actor, rng=rng)
        case Group.ANIMAL:
            mesh = animal(actor)
        case Group.OBJECT:
            mesh = thing(actor, rng=rng)
    upright = actor.category.group is Group.PERSON
    return fitted(mesh, actor.size_lwh_m, stout=1.15 if upright else np.inf)


def block_of(actor: Actor) -> Mesh:
    """Return the actor's box in its colour, its front marked pale over dark, its rear red."""
    length, width, height = actor.size_lwh_m
    z = (-height / 2, height / 2)
    body = block((-length / 2, length / 2), (-width / 2, width / 2), z, linear(actor.look.color_rgb), Material.STONE)
    inner = 0.42 * width
    marks = (
        ((0.49, 0.502), (0.1, 0.4), (0.02, 0.02, 0.03)),
        ((0.49, 0.502), (-0.3, -0.1), (0.85, 0.85, 0.75)),
        ((-0.502, -0.49), (-0.3, -0.1), (0.6, 0.01, 0.01)),
    )
    panels = [
        block((x[0] * length, x[1] * length), (-inner, inner), (h[0] * height, h[1] * height), color, Material.STONE)
        for x, h, color in marks
    ]
    return fitted(join([body, *panels]), actor.size_lwh_m)


@dataclass(frozen=True, kw_only=True)
class Puppet:
    """An actor with its mesh at rest and the distance it has travelled at each knot of its trajectory.

    reach_rad: how far its limbs swing.  lamps_m: the centres of its head- and tail-lamps in the box frame.
    """

    actor: Actor
    mesh: Mesh
    travelled_m: Float[np.ndarray, "knots"]
    reach_rad: float
    lamps_m: dict[Material, Float[np.ndarray, "_ 3"]]

    @classmethod
    def of(cls, actor: Actor, *, plain: bool = False) -> Puppet:
        """Return the puppet of an actor; plain: as a block."""
        mesh = block_of(actor) if plain else mesh_of(actor)
        steps = np.linalg.norm(np.diff(actor.trajectory.translation_m[:, :2], axis=0), axis=1)
        return cls(
            actor=actor,
            mesh=mesh,
            travelled_m=np.concatenate([[0.0], np.cumsum(steps)]),
            reach_rad=_reach(mesh, actor.size_lwh_m[0]),
            lamps_m={lamp: _lamps_m(mesh, lamp) for lamp in (Material.HEADLAMP, Material.TAILLAMP)},
        )

    def triangles_m(self, timestamp_us: int) -> Float[np.ndarray, "faces 3 3"]:
        """Return the triangles in the box frame, limbs where the stride has them."""
        if not self.mesh.swing.any():
            return self.mesh.triangles_m
        travelled = np.interp(timestamp_us, self.actor.trajectory.timestamp_us, self.travelled_m)
        phase = 2 * np.pi * travelled / _STRIDE_M + seed_of("phase", self.actor.id) % 628 / 100
        speed = float(speeds_mps(self.actor, np.array([timestamp_us]))[0])
        angle = self.reach_rad * min(1.0, speed) * np.sin(phase) * self.mesh.swing
        return pitched(self.mesh.triangles_m, angle.astype(np.float32), pivot_m=self.mesh.pivot_m)

    def braking(self, timestamp_us: int) -> bool:
        """Say whether the brake lamps are lit: slowing down, or standing in traffic."""
        before, after = speeds_mps(self.actor, np.array([timestamp_us - 200_000, timestamp_us + 200_000]))
        return bool((after - before) / 0.4 < BRAKING_MPS2)


def _reach(mesh: Mesh, length_m: float) -> float:
    """Return the largest swing, up to 35 degrees, that keeps every limb inside the box lengthwise."""
    limb = mesh.swing != 0
    for reach in np.linspace(0.6, 0.0, 13) if limb.any() else ():
        angle = np.full(int(limb.sum()), reach, dtype=np.float32)
        swung = [pitched(mesh.triangles_m[limb], way * angle, pivot_m=mesh.pivot_m[limb]) for way in (-1, 1)]
        if np.abs(np.stack(swung)[..., 0]).max() <= length_m / 2:
            return float(reach)
    return 0.0


def _lamps_m(mesh: Mesh, lamp: Material) -> Float[np.ndarray, "_ 3"]:
    """Return the centre of each lamp of one material: one on a cycle's axis, else one per side."""
    corners = mesh.triangles_m[mesh.material == lamp].reshape(-1, 3).astype(np.float64)
    sides = [corners[corners[:, 1] * side > 0] for side in (-1, 1)]
    if len(corners) and np.abs(corners[:, 1]).max() < 0.2:
        sides = [corners]
    return np.array([side.mean(axis=0) for side in sides if len(side)]).reshape(-1, 3)


def speeds_mps(actor: Actor, timestamp_us: Int64[np.ndarray, "times"]) -> Float[np.ndarray, "times"]:
    """Return the actor's speed over ground."""
    return np.linalg.norm(actor.trajectory.velocity_mps(timestamp_us)[:, :2], axis=1)
