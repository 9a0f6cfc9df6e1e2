"""Triangles with a colour and a material, and the one primitive everything here is built from: the loft.

```
   ring 0        ring 1      ring 2          A loft joins rings of equally many points by quads and
     ┌───┐         ┌─────┐     ┌───┐         closes both ends: a box is two rectangles, a wheel two
     │   │ ──────▶ │     │ ──▶ │   │         circles, a car body six rectangles along its length.
     └───┘         └─────┘     └───┘
```

Shading turns normals towards the viewer, so the sense of a ring does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cache

import numpy as np
from jaxtyping import Float, Float32, Int8, UInt8

RGB = tuple[float, float, float]
Ring = Float[np.ndarray, "points 3"]
Point = Sequence[float | int]
"""x, y and z in metres."""


class Material(IntEnum):
    """What a surface is made of; decides shine, light and LiDAR return, while the colour is the triangle's."""

    GROUND = 0
    PAINTWORK = 1
    GLASS = 2
    RUBBER = 3
    METAL = 4
    PLASTIC = 5
    CLOTH = 6
    SKIN = 7
    FOLIAGE = 8
    BARK = 9
    WALL = 10
    ROOF = 11
    STONE = 12
    REFLECTIVE = 13
    HEADLAMP = 14
    TAILLAMP = 15
    BEACON = 16
    LAMP = 17


@dataclass(frozen=True, kw_only=True)
class Mesh:
    """Triangles in metres. All arrays are of shape (faces, ...).

    albedo_rgb: linear reflectance.  swing: which way a limb swings about the y axis (-1, 0 or 1).
    pivot_m: x and z of the joint that the limb hangs from.
    """

    triangles_m: Float[np.ndarray, "faces 3 3"]
    albedo_rgb: Float[np.ndarray, "faces 3"]
    material: UInt8[np.ndarray, "faces"]
    swing: Int8[np.ndarray, "faces"]
    pivot_m: Float[np.ndarray, "faces 2"]

    def __len__(self) -> int:
        return len(self.triangles_m)

    def moved(self, x_m: float = 0.0, y_m: float = 0.0, z_m: float = 0.0) -> Mesh:
        """Return the mesh shifted."""
        shift = np.array([x_m, y_m, z_m], dtype=np.float32)
        return replace(self, triangles_m=self.triangles_m + shift, pivot_m=self.pivot_m + shift[[0, 2]])

    def turned(self, yaw_rad: float) -> Mesh:
        """Return the mesh turned about +z (not for meshes with limbs)."""
        cos, sin = np.cos(yaw_rad), np.sin(yaw_rad)
        rotation = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]], dtype=np.float32)
        return replace(self, triangles_m=self.triangles_m @ rotation.T)

    def tilted(self, pitch_rad: float, *, about_xz_m: tuple[float, float] = (0.0, 0.0)) -> Mesh:
        """Return the mesh turned about the y axis through a point; positive lowers the front."""
        angle = np.full(len(self), pitch_rad, dtype=np.float32)
        pivot = np.tile(np.array(about_xz_m, dtype=np.float32), (len(self), 1))
        return replace(self, triangles_m=pitched(self.triangles_m, angle, pivot_m=pivot))

    def swinging(self, way: int, *, x_m: float, z_m: float) -> Mesh:
        """Return the mesh as a limb hanging from (x, z)."""
        pivot = np.tile(np.array([x_m, z_m], dtype=np.float32), (len(self), 1))
        return replace(self, swing=np.full(len(self), way, dtype=np.int8), pivot_m=pivot)


def pitched(
    triangles_m: Float[np.ndarray, "faces 3 3"],
    angle_rad: Float[np.ndarray, "faces"],
    *,
    pivot_m: Float[np.ndarray, "faces 2"],
) -> Float[np.ndarray, "faces 3 3"]:
    """Return each triangle turned by its own angle about the y axis through its own pivot."""
    cos, sin = np.cos(angle_rad)[:, None], np.sin(angle_rad)[:, None]
    x = triangles_m[..., 0] - pivot_m[:, :1]
    z = triangles_m[..., 2] - pivot_m[:, 1:]
    turned = triangles_m.copy()
    turned[..., 0] = cos * x + sin * z + pivot_m[:, :1]
    turned[..., 2] = cos * z - sin * x + pivot_m[:, 1:]
    return turned


def join(meshes: Sequence[Mesh]) -> Mesh:
    """Return one mesh of many."""
    return Mesh(
        triangles_m=np.concatenate([mesh.triangles_m for mesh in meshes]),
        albedo_rgb=np.concatenate([mesh.albedo_rgb for mesh in meshes]),
        material=np.concatenate([mesh.material for mesh in meshes]),
        swing=np.concatenate([mesh.swing for mesh in meshes]),
        pivot_m=np.concatenate([mesh.pivot_m for mesh in meshes]),
    )


def painted(triangles_m: Float[np.ndarray, "faces 3 3"], albedo_rgb: RGB, material: Material) -> Mesh:
    """Return bare triangles as a mesh of one colour and material."""
    count = len(triangles_m)
    return Mesh(
        triangles_m=triangles_m.astype(np.float32),
        albedo_rgb=np.tile(np.array(albedo_rgb, dtype=np.float32), (count, 1)),
        material=np.full(count, material, dtype=np.uint8),
        swing=np.zeros(count, dtype=np.int8),
        pivot_m=np.zeros((count, 2), dtype=np.float32),
    )


def loft(rings: Sequence[Ring], albedo_rgb: RGB, material: Material, *, closed: bool = False) -> Mesh:
    """Return the skin over rings of equally many points; closed: the last joins the first, without end caps."""
    stack = np.stack(rings).astype(np.float32)
    lower, upper = (stack, np.roll(stack, -1, axis=0)) if closed else (stack[:-1], stack[1:])
    a, b = lower, np.roll(lower, -1, axis=1)
    c, d = np.roll(upper, -1, axis=1), upper
    sides = np.stack([np.stack([a, b, c], axis=2), np.stack([a, c, d], axis=2)]).reshape(-1, 3, 3)
    if closed:
        return painted(sides, albedo_rgb, material)
    caps = [_fan(stack[0]), _fan(stack[-1])]
    return painted(np.concatenate([sides, *caps]), albedo_rgb, material)


def _fan(ring: Ring) -> Float[np.ndarray, "faces 3 3"]:
    first = np.broadcast_to(ring[0], (len(ring) - 2, 3))
    return np.stack([first, ring[1:-1], ring[2:]], axis=1)


def linear(color_rgb: RGB) -> RGB:
    """Return the reflectance that shows as an sRGB colour (gamma 2.2)."""
    red, green, blue = (float(channel) ** 2.2 for channel in color_rgb)
    return red, green, blue


def ring_x(x_m: float, half_y_m: float, z0_m: float, z1_m: float) -> Ring:
    """Return an upright rectangle across the x axis."""
    y, z = half_y_m, (z0_m, z1_m)
    return np.array([[x_m, -y, z[0]], [x_m, y, z[0]], [x_m, y, z[1]], [x_m, -y, z[1]]])


def ring_z(z_m: float, x0_m: float, x1_m: float, half_y_m: float) -> Ring:
    """Return a level rectangle."""
    y = half_y_m
    return np.array([[x0_m, -y, z_m], [x1_m, -y, z_m], [x1_m, y, z_m], [x0_m, y, z_m]])


def circle(center_m: Point, radius_m: float, *, axis: str, sides: int = 10) -> Ring:
    """Return a circle across the named axis."""
    return _unit_circle(axis, sides) * radius_m + np.asarray(center_m)


@cache
def _unit_circle(axis: str, sides: int) -> Float[np.ndarray, "points 3"]:
    angle = 2 * np.pi * (np.arange(sides) + 0.5) / sides
    flat = np.stack([np.cos(angle), np.sin(angle), np.zeros(sides)], axis=-1)
    return flat[:, {"x": [2, 0, 1], "y": [0, 2, 1], "z": [0, 1, 2]}[axis]]


def block(
    x_m: tuple[float, float], y_m: tuple[float, float], z_m: tuple[float, float], albedo_rgb: RGB, material: Material
) -> Mesh:
    """Return a box between bounds."""
    half = (y_m[1] - y_m[0]) / 2
    rings = [ring_z(z, x_m[0], x_m[1], half) + np.array([0, (y_m[0] + y_m[1]) / 2, 0]) for z in z_m]
    return loft(rings, albedo_rgb, material)


def rod(
    start_m: Point,
    end_m: Point,
    radius_m: float,
    albedo_rgb: RGB,
    material: Material,
    *,
    sides: int = 5,
) -> Mesh:
    """Return a round bar between two points."""
    a, b = np.asarray(start_m, dtype=float), np.asarray(end_m, dtype=float)
    along = (b - a) / np.linalg.norm(b - a)
    across = np.cross(along, [0.0, 1.0, 0.0] if abs(along[1]) < 0.9 else [1.0, 0.0, 0.0])
    across /= np.linalg.norm(across)
    third = np.cross(along, across)
    angle = 2 * np.pi * np.arange(sides)[:, None] / sides
    ring = radius_m * (np.cos(angle) * across + np.sin(angle) * third)
    return loft([ring + a, ring + b], albedo_rgb, material)


def ball(center_m: Point, radii_m: Point, albedo_rgb: RGB, material: Material, *, sides: int = 8) -> Mesh:
    """Return an ellipsoid."""
    stretched = _unit_ball(sides) * np.asarray(radii_m, dtype=np.float32) + np.asarray(center_m, dtype=np.float32)
    return painted(stretched, albedo_rgb, material)


@cache
def _unit_ball(sides: int) -> Float32[np.ndarray, "faces 3 3"]:
    latitude = np.linspace(-np.pi / 2, np.pi / 2, sides // 2 + 2)[1:-1]
    levels = [(-0.98, 0.2), *((float(np.sin(a)), float(np.cos(a))) for a in latitude), (0.98, 0.2)]
    rings = [circle((0, 0, z), r, axis="z", sides=sides) for z, r in levels]
    return loft(rings, (0.0, 0.0, 0.0), Material.STONE).triangles_m


def wheel(x_m: float, y_m: tuple[float, float], radius_m: float, *, sides: int = 12) -> Mesh:
    """Return a tyre with a pale hub, standing on z = 0 between two values of y."""
    tyre = loft(
        [circle((x_m, y, radius_m), radius_m, axis="y", sides=sides) for y in y_m], (0.02, 0.02, 0.022), Material.RUBBER
    )
    out = 0.004
    faces = (y_m[0] - out, y_m[1] + out)
    hub = loft(
        [circle((x_m, y, radius_m), radius_m * 0.55, axis="y", sides=8) for y in faces],
        (0.35, 0.35, 0.36),
        Material.METAL,
    )
    return join([tyre, hub])


def hoop(x_m: float, y_m: float, radius_m: float, thick_m: float, *, sides: int = 14) -> Mesh:
    """Return a bicycle wheel: a thin ring standing on z = 0."""
    inner, half = radius_m - thick_m, thick_m / 2
    shape = [(radius_m, -half), (radius_m, half), (inner, half), (inner, -half)]
    rings = [circle((x_m, y_m + dy, radius_m), r, axis="y", sides=sides) for r, dy in shape]
    return loft(rings, (0.03, 0.03, 0.03), Material.RUBBER, closed=True)


FILL = 0.985
"""The share of its box a mesh fills: returns from a flush face, which carry range noise, stay mostly inside."""


def fitted(mesh: Mesh, size_lwh_m: tuple[float, float, float], *, stout: float = np.inf) -> Mesh:
    """Return the mesh stretched to fill a box centred at the origin, standing on its bottom.

    stout: how much wider than in its own proportions it may become; boxes of people are wider than they are.
    """
    points = mesh.triangles_m.reshape(-1, 3)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = np.asarray(size_lwh_m) * FILL / np.maximum(high - low, 1e-6)
    scale[:2] = np.minimum(scale[:2], stout * scale[2])
    scale = scale.astype(np.float32)
    shift = (-(low + high) / 2 * scale).astype(np.float32)
    shift[2] = -low[2] * scale[2] - size_lwh_m[2] / 2
    pivot = mesh.pivot_m * scale[[0, 2]] + shift[[0, 2]]
    return replace(mesh, triangles_m=mesh.triangles_m * scale + shift, pivot_m=pivot)
