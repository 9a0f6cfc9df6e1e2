"""The playground's pictures: rays from a camera, shaded with numpy; deterministic to the byte.

```
   camera ─ primary rays ─▶ hits ─▶ surface (ground texture, facade, mesh) ─▶ light (sky, sun, lamps)
                              │                                                   │
              shadow rays ◀───┤ (sun)                            haze, glows, rain ┤
          reflection rays ◀───┘ (wet road)                                        ▼
                                              edges traced again with 4 rays ─▶ uint8 RGB
```
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Int32, UInt8

from datagen.scene import SE3, Camera, Group, box_corners_m
from datagen.sensors.actors import seed_of
from datagen.sensors.facades import Facades
from datagen.sensors.glow import glows, rained
from datagen.sensors.lamps import BEAM_RGB, LAMP_RGB, LampLight, ego_beam, lamp_powers, vehicle_beams, within
from datagen.sensors.mesh import Material
from datagen.sensors.projection import NEAR_M, pixel_rays, project, rays_through
from datagen.sensors.sky import Sky, hazed
from datagen.sensors.world import Hits, Snapshot, World

_CONTACT_M = 70.0
"""Farther than this the darkness under a vehicle is not drawn."""
_SUBPIXELS = ((-0.125, -0.375), (0.375, -0.125), (-0.375, 0.125), (0.125, 0.375))
_GAMMA = (255 * np.linspace(0.0, 1.0, 4096) ** (1 / 2.2) + 0.5).astype(np.uint8)
_GLOSS = np.zeros(len(Material), dtype=np.float32)
_GLOSS[[Material.PAINTWORK, Material.GLASS, Material.METAL]] = (0.35, 1.0, 0.3)

Directions = Float32[np.ndarray, "rays 3"]
Color = Float32[np.ndarray, "_ 3"]


@dataclass(frozen=True, kw_only=True)
class View:
    """One camera at one instant: what there is to see, from where, and how wide a pixel is at one metre."""

    snapshot: Snapshot
    eye_m: Float32[np.ndarray, "3"]
    world_SE3_ego: SE3
    pixel_rad: float


@dataclass(frozen=True, kw_only=True)
class Spots:
    """Where rays met a surface. All arrays are of shape (spots, ...); normals face the ray's origin.

    travelled_m: from the eye, mirrors included: what decides a pixel's width there, and the haze.
    """

    points_m: Float32[np.ndarray, "spots 3"]
    directions: Float32[np.ndarray, "spots 3"]
    normal: Float32[np.ndarray, "spots 3"]
    facing: Float32[np.ndarray, "spots"]
    travelled_m: Float32[np.ndarray, "spots"]
    face: Int32[np.ndarray, "spots"]
    material: UInt8[np.ndarray, "spots"]


class Painter:
    """The light of one world, and the way to film it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.sky = Sky(world.scene.ambience, rng=np.random.default_rng(seed_of("sky", world.seed)))
        self.light = self.sky.light
        self.facades = Facades(world.facades)
        self.lamplight = LampLight(world.lamps_m, strength=self.light.lamps)

    def picture(self, snapshot: Snapshot, camera: Camera, *, world_SE3_ego: SE3) -> UInt8[np.ndarray, "height width 3"]:
        """Return what the camera sees of the snapshot, RGB."""
        world_SE3_cam = world_SE3_ego @ camera.ego_SE3_cam
        view = View(
            snapshot=snapshot,
            eye_m=world_SE3_cam.translation_m.astype(np.float32),
            world_SE3_ego=world_SE3_ego,
            pixel_rad=1.0 / float(camera.intrinsics_px[0, 0]),
        )
        rotation = world_SE3_cam.rotation.astype(np.float32)
        shape = (camera.height_px, camera.width_px)
        directions = _turned(pixel_rays(camera).reshape(-1, 3), rotation)
        near = _actor_pixels(snapshot, camera, cam_SE3_world=world_SE3_cam.inverse())
        hits = _primary(view, directions, near=near)
        color = self._seen(view, directions, hits)
        if self.light.wet > 0.3:
            color += self._mirrored(view, directions, hits, shape=shape)
        edges = _edges(snapshot, hits, shape=shape)
        color[edges] = self._smoothed(view, camera, rotation, edges=edges, near=near)
        image = color.reshape(*shape, 3) + glows(self.light, snapshot, camera, world_SE3_cam=world_SE3_cam)
        if self.light.wet > 0.3:
            seed = seed_of("rain", self.world.seed, camera.channel, snapshot.timestamp_us)
            image = rained(image, self.light, rng=np.random.default_rng(seed))
        return developed(image, exposure=self.light.exposure)

    def _seen(self, view: View, directions: Directions, hits: Hits) -> Color:
        """Return the light that comes back along rays from the eye."""
        color = np.empty((len(directions), 3), dtype=np.float32)
        sky, solid = np.flatnonzero(hits.face < 0), np.flatnonzero(hits.face >= 0)
        color[sky] = self.sky.at(directions[sky])
        origins = np.broadcast_to(view.eye_m, (len(solid), 3))
        spots = _spots(view.snapshot, origins, directions[solid], hits=_at(hits, solid))
        color[solid] = self._shaded(view, spots)
        return color

    def _shaded(self, view: View, spots: Spots, *, shadows: bool = True) -> Color:
        """Return what surfaces send back: light received times reflectance, shine, own light, haze on the way."""
        albedo, glow, gloss = self._surface(view, spots)
        light = self._received(view, spots, shadows=shadows)
        color = albedo * light + glow
        shiny = np.flatnonzero(gloss > 0.01)
        color[shiny] += self._shine(spots, shiny) * gloss[shiny, None]
        return hazed(color, spots.travelled_m, light=self.light)

    def _surface(self, view: View, spots: Spots) -> tuple[Color, Color, Float32[np.ndarray, "spots"]]:
        """Return reflectance, own light and shine at each spot."""
        surfaces = view.snapshot.surfaces
        material = spots.material
        albedo = surfaces.albedo_rgb[spots.face]
        power = lamp_powers(material, surfaces.owner[spots.face], snapshot=view.snapshot, light=self.light)
        glow = albedo * power[:, None]
        gloss = _GLOSS[material]
        ground = np.flatnonzero(material == Material.GROUND)
        albedo[ground] = self._ground(view, spots, ground)
        leaves = np.flatnonzero((material == Material.FOLIAGE) | (material == Material.ROOF))
        albedo[leaves] *= _mottled(spots.points_m[leaves])[:, None]
        walls = np.flatnonzero(material == Material.WALL)
        if len(walls):
            width = spots.travelled_m[walls] * view.pixel_rad
            panes = self.facades.at(surfaces.facade[spots.face[walls]], spots.points_m[walls], width_m=width)
            share, sign = panes.share[:, None], panes.sign[:, None]
            albedo[walls] = albedo[walls] * (1 - share - sign) + 0.05 * share + sign * panes.sign_rgb
            glow[walls] = panes.glow_rgb * (share * panes.lit[:, None] * self.light.lamps * 0.75)
            glow[walls] += panes.sign_rgb * sign * self.light.lamps * 0.5
            gloss[walls] = 0.8 * panes.share
        return albedo, glow, gloss

    def _ground(self, view: View, spots: Spots, chosen: Int[np.ndarray, "ground"]) -> Float32[np.ndarray, "ground 3"]:
        """Return the ground's reflectance, averaged along the pixel's long footprint on it."""
        across = spots.travelled_m[chosen] * view.pixel_rad
        along = across / np.maximum(-spots.facing[chosen], 0.02)
        heading = spots.directions[chosen, :2]
        heading = heading / np.maximum(np.hypot(heading[:, 0], heading[:, 1]), 1e-6)[:, None]
        width = np.maximum(across, along / 8)
        found = self.world.ground.at(spots.points_m[chosen, :2], width, along_m=along[:, None] * heading)
        return found[:, :3] * (1.0 - 0.45 * min(self.light.wet, 1.0) * found[:, 3:])

    def _received(self, view: View, spots: Spots, *, shadows: bool) -> Color:
        """Return the light that falls on each spot: sky, sun, lamps."""
        light = self.light
        up = (0.5 + 0.5 * spots.normal[:, 2:]).astype(np.float32)
        total = up * _rgb(light.sky_rgb) + (1 - up) * _rgb(light.ground_rgb)
        total *= _openness(view.snapshot, spots)[:, None]
        if max(light.sun_rgb) > 0:
            total += self._sunlit(view, spots, shadows=shadows)[:, None] * _rgb(light.sun_rgb)
        if light.lamps > 0.4:
            total += self.lamplight.at(spots.points_m)[:, None] * LAMP_RGB
            beams = vehicle_beams(spots.points_m, spots.normal, snapshot=view.snapshot, eye_m=view.eye_m)
            beams += ego_beam(spots.points_m, spots.normal, world_SE3_ego=view.world_SE3_ego)
            total += (light.lamps * beams)[:, None] * BEAM_RGB
        return total

    def _sunlit(self, view: View, spots: Spots, *, shadows: bool) -> Float32[np.ndarray, "spots"]:
        sun = self.sky.sun
        share = np.maximum(0.0, spots.normal @ sun)
        # Leaves let light through, so that a crown's far side is not black.
        share = np.where(spots.material == Material.FOLIAGE, 0.35 + 0.65 * share, share)
        lit = np.flatnonzero(share > 0.0)
        if shadows and len(lit):
            origins = spots.points_m[lit] + spots.normal[lit] * (0.02 + 2e-4 * spots.travelled_m[lit, None])
            dark = view.snapshot.blocked(origins, np.tile(sun, (len(lit), 1)))
            share[lit[dark]] = 0.0
        return share.astype(np.float32)

    def _shine(self, spots: Spots, chosen: Int[np.ndarray, "shiny"]) -> Float32[np.ndarray, "shiny 3"]:
        """Return the sky mirrored in smooth surfaces, by Schlick's approximation of Fresnel's law (1994)."""
        directions, normal, facing = spots.directions[chosen], spots.normal[chosen], spots.facing[chosen]
        mirrored = directions - 2 * facing[:, None] * normal
        fresnel = 0.06 + 0.94 * (1 - np.abs(facing)) ** 5
        below = np.clip(0.5 - 4 * mirrored[:, 2:], 0.0, 1.0)
        seen = self.sky.at(mirrored) * (1 - below) + below * (0.35 * _rgb(self.light.ground_rgb))
        return seen * fresnel[:, None]

    def _mirrored(self, view: View, directions: Directions, hits: Hits, *, shape: tuple[int, int]) -> Color:
        """Return what a wet road mirrors: one ray for every sixth pixel, smeared upright."""
        height, width = shape
        rows, columns = np.mgrid[0:height:2, 0:width:3]
        chosen = (rows * width + columns).ravel()
        road = hits.face[chosen] >= 0
        road[road] = view.snapshot.surfaces.material[hits.face[chosen[road]]] == Material.GROUND
        pixels = chosen[road]
        spots = _spots(
            view.snapshot, np.broadcast_to(view.eye_m, (len(pixels), 3)), directions[pixels], hits=_at(hits, pixels)
        )
        color = self._reflection(view, spots)
        small = np.zeros((*rows.shape, 4), dtype=np.float32)
        small.reshape(-1, 4)[road] = np.concatenate([color, np.ones((len(color), 1), np.float32)], axis=1)
        smeared = cv2.GaussianBlur(small, (0, 0), sigmaX=0.7, sigmaY=2.2)
        large = cv2.resize(smeared, (width, height), interpolation=cv2.INTER_LINEAR).reshape(-1, 4)
        ground = hits.face >= 0
        ground[ground] = view.snapshot.surfaces.material[hits.face[ground]] == Material.GROUND
        return large[:, :3] / np.maximum(large[:, 3:], 0.05) * ground[:, None]

    def _reflection(self, view: View, spots: Spots) -> Color:
        """Return the mirror image in the road at each spot, already weighed by how much the road mirrors there."""
        up = spots.normal
        mirrored = spots.directions - 2 * spots.facing[:, None] * up
        origins = spots.points_m + up * 0.02
        hits = view.snapshot.trace(origins, np.ascontiguousarray(mirrored))
        color = self.sky.at(mirrored)
        solid = np.flatnonzero(hits.face >= 0)
        beyond = _spots(
            view.snapshot, origins[solid], mirrored[solid], hits=_at(hits, solid), before_m=spots.travelled_m[solid]
        )
        color[solid] = self._shaded(view, beyond, shadows=False)
        wet = self.world.ground.at(spots.points_m[:, :2], spots.travelled_m * view.pixel_rad)[:, 3]
        fresnel = 0.03 + 0.75 * (1 - np.abs(spots.facing)) ** 4
        haze = np.exp(-self.light.haze_per_m * spots.travelled_m)
        return (color * (fresnel * wet * self.light.wet * haze)[:, None]).astype(np.float32)

    def _smoothed(
        self,
        view: View,
        camera: Camera,
        rotation: Float32[np.ndarray, "3 3"],
        *,
        edges: Int[np.ndarray, "edges"],
        near: Bool[np.ndarray, "pixels"],
    ) -> Float32[np.ndarray, "edges 3"]:
        """Return pixels as the mean of four rays on a rotated grid."""
        middle = np.stack([edges % camera.width_px, edges // camera.width_px], axis=-1) + 0.5
        pixels = np.concatenate([middle + offset for offset in _SUBPIXELS])
        directions = _turned(rays_through(pixels, camera), rotation)
        hits = _primary(view, directions, near=np.tile(near[edges], len(_SUBPIXELS)))
        color = np.minimum(self._seen(view, directions, hits), 1.5)
        return color.reshape(len(_SUBPIXELS), -1, 3).mean(axis=0)


def developed(
    image: Float32[np.ndarray, "height width 3"], *, exposure: float = 1.0
) -> UInt8[np.ndarray, "height width 3"]:
    """Return a linear picture as sRGB bytes: highlights roll off above 0.75, gamma 2.2."""
    value = np.maximum(image * np.float32(exposure), 0.0)
    knee = np.float32(0.75)
    over = np.maximum(value - knee, 0.0)
    value = np.minimum(value, knee) + (1 - knee) * (over / (over + (1 - knee)))
    return _GAMMA[(value * 4095).astype(np.int32)]


def _rgb(color: tuple[float, float, float]) -> Float32[np.ndarray, "3"]:
    return np.array(color, dtype=np.float32)


def _at(hits: Hits, chosen: Int[np.ndarray, "rays"]) -> Hits:
    return Hits(distance_m=hits.distance_m[chosen], face=hits.face[chosen])


def _turned(rays: Float[np.ndarray, "rays 3"], rotation: Float32[np.ndarray, "3 3"]) -> Directions:
    """Return unit directions in the world. Written out: a matrix product may round by the number of threads."""
    x, y, z = (rays[:, axis, None].astype(np.float32) for axis in range(3))
    world = x * rotation[:, 0] + y * rotation[:, 1] + z * rotation[:, 2]
    return world / np.sqrt(_dot(world, world))[:, None]


def _dot(a: Directions, b: Directions) -> Float32[np.ndarray, "rays"]:
    """Return row-wise products; three columns at a time are five times faster than a reduction over three."""
    return a[:, 0] * b[:, 0] + a[:, 1] * b[:, 1] + a[:, 2] * b[:, 2]


def _primary(view: View, directions: Directions, *, near: Bool[np.ndarray, "rays"]) -> Hits:
    """Return what rays from the eye meet; only those in `near` ask the actors."""
    origins = np.tile(view.eye_m, (len(directions), 1))
    still = view.snapshot.world.static.trace(origins, directions)
    asked = np.flatnonzero(near)
    moving = view.snapshot.moving.trace(origins[asked], directions[asked])
    closer = moving.distance_m < still.distance_m[asked]
    distance, face = still.distance_m, still.face
    distance[asked[closer]] = moving.distance_m[closer]
    face[asked[closer]] = moving.face[closer] + np.int32(view.snapshot.actors_from)
    return Hits(distance_m=distance, face=face)


def _spots(
    snapshot: Snapshot,
    origins_m: Float32[np.ndarray, "rays 3"],
    directions: Directions,
    *,
    hits: Hits,
    before_m: Float32[np.ndarray, "rays"] | None = None,
) -> Spots:
    normal = snapshot.surfaces.normal[hits.face]
    facing = _dot(normal, directions)
    normal = np.where(facing[:, None] > 0, -normal, normal)
    return Spots(
        points_m=origins_m + directions * hits.distance_m[:, None],
        directions=directions,
        normal=normal,
        facing=-np.abs(facing),
        travelled_m=hits.distance_m if before_m is None else hits.distance_m + before_m,
        face=hits.face,
        material=snapshot.surfaces.material[hits.face],
    )


def _openness(snapshot: Snapshot, spots: Spots) -> Float32[np.ndarray, "spots"]:
    """Return how much of the sky each spot sees: less on the ground under and beside vehicles and people."""
    share = np.ones(len(spots.face), dtype=np.float32)
    ground = np.flatnonzero((spots.material == Material.GROUND) & (spots.travelled_m < _CONTACT_M))
    if len(ground) == 0:
        return share
    x, y = np.ascontiguousarray(spots.points_m[ground, :2].T)
    for body in snapshot.bodies:
        length, width, _ = body.actor.size_lwh_m
        reach = 0.5 * float(np.hypot(length, width)) + 0.7
        close = within(x, y, center_m=body.center_m, reach_m=reach)
        if len(close) == 0:
            continue
        apart = np.stack([x[close], y[close]], axis=-1) - body.center_m[:2].astype(np.float32)
        local = np.abs(apart @ body.rotation[:2, :2].astype(np.float32))
        outside = np.maximum(local[:, 0] - length / 2, local[:, 1] - width / 2)
        depth = 0.8 if body.actor.category.group is Group.VEHICLE else 0.45
        soft = min(0.5, 0.4 * width)
        share[ground[close]] *= 1 - depth * np.clip(0.5 - outside / (2 * soft), 0.0, 1.0)
    return share


def _mottled(points_m: Float32[np.ndarray, "spots 3"]) -> Float32[np.ndarray, "spots"]:
    """Return a factor around one that varies from hand's breadth to hand's breadth, for leaves and tiles."""
    cell = np.floor(points_m * 2.5).astype(np.int32)
    key = cell[:, 0] * 73856093 ^ cell[:, 1] * 19349663 ^ cell[:, 2] * 83492791
    return 0.75 + 0.5 * ((key & 1023).astype(np.float32) / 1023)


def _edges(snapshot: Snapshot, hits: Hits, *, shape: tuple[int, int]) -> Int[np.ndarray, "edges"]:
    """Return pixels where a neighbour shows another surface: another thing, another slope, or a leap in depth."""
    surfaces = snapshot.surfaces
    kind = np.where(hits.face >= 0, surfaces.material[hits.face] + 32 * (surfaces.owner[hits.face] + 1), -1)
    facing = np.where(hits.face >= 0, surfaces.facade[hits.face] + 1, 0)
    key = (kind * 8192 + facing).reshape(shape)
    depth = np.minimum(hits.distance_m, 1e4).reshape(shape)
    slope = np.round(surfaces.normal[hits.face].reshape(*shape, 3) @ np.array([3.0, 5.0, 7.0], dtype=np.float32))
    edge = np.zeros(shape, dtype=bool)
    for axis in (0, 1):
        first = (slice(None, -1), slice(None)) if axis == 0 else (slice(None), slice(None, -1))
        second = (slice(1, None), slice(None)) if axis == 0 else (slice(None), slice(1, None))
        differs = (key[first] != key[second]) | (slope[first] != slope[second])
        leap = np.abs(depth[first] - depth[second]) > 0.2 * np.minimum(depth[first], depth[second])
        differs |= leap & (kind.reshape(shape)[first] != 0) & (kind.reshape(shape)[second] != 0)
        edge[first] |= differs
        edge[second] |= differs
    return np.flatnonzero(edge)


def _actor_pixels(snapshot: Snapshot, camera: Camera, *, cam_SE3_world: SE3) -> Bool[np.ndarray, "pixels"]:
    """Say which pixels an actor may touch, a margin included: only their rays need ask the actors."""
    mask = np.zeros((camera.height_px, camera.width_px), dtype=bool)
    for body in snapshot.bodies:
        corners = box_corners_m(body.actor.size_lwh_m) @ body.rotation.T + body.center_m
        pixels, depth = project(cam_SE3_world.transform(corners), camera)
        if depth.max() < NEAR_M:
            continue
        if depth.min() < 4 * NEAR_M:  # it reaches past the picture plane: its outline is unbounded
            mask[:] = True
            break
        low, high = np.floor(pixels.min(axis=0)).astype(int) - 2, np.ceil(pixels.max(axis=0)).astype(int) + 2
        mask[max(low[1], 0) : max(high[1], 0), max(low[0], 0) : max(high[0], 0)] = True
    return mask.ravel()
