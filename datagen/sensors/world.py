"""The world of one scene as triangles under Embree: built once, then posed at any instant and asked by rays.

```
   World  ── ground, scenery: committed once ──┐
     │                                         ├─▶ trace: the nearer of two hits
     └─ at(t) ─▶ Snapshot ── actors at t ──────┘
```

The ego is not in it: it neither hides anything from its own cameras nor returns LiDAR pulses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from jaxtyping import Bool, Float, Float32, Int32, UInt8

from datagen.scene import SE3, Actor, Camera, Group, Scene
from datagen.sensors.actors import Puppet, seed_of
from datagen.sensors.buildings import Facade
from datagen.sensors.ground import KEEP_M, Canvas, ground_of
from datagen.sensors.projection import rays_through
from datagen.sensors.scenery import CELL_M, NO_SCENERY, scenery_of
from datagen.sensors.terrain import terrain_of

FAR_M = 1e30
NOBODY = -1
_SHADOW_M = 12.0
"""How far outside a picture an actor may stand and still cast a shadow into it; covers the camera's own place."""


@dataclass(frozen=True, kw_only=True)
class Hits:
    """What rays met. All arrays are of shape (rays,).

    distance_m: along the ray as it was given, in units of its direction's length; FAR_M where it met nothing.
    face: row of the snapshot's `Surfaces`, -1 for nothing.
    """

    distance_m: Float32[np.ndarray, "rays"]
    face: Int32[np.ndarray, "rays"]


@dataclass(frozen=True, kw_only=True)
class Surfaces:
    """What every triangle is: static ones first, then the actors'. All arrays are of shape (faces, ...).

    owner: index of the actor in the scene, NOBODY for what is not labelled.
    facade: index of the wall's window grid, -1 for none.
    """

    normal: Float32[np.ndarray, "faces 3"]
    albedo_rgb: Float32[np.ndarray, "faces 3"]
    material: UInt8[np.ndarray, "faces"]
    owner: Int32[np.ndarray, "faces"]
    facade: Int32[np.ndarray, "faces"]


class Soup:
    """Triangles committed to Embree; an empty soup is never hit."""

    def __init__(self, triangles_m: Float32[np.ndarray, "faces 3 3"]) -> None:
        self._scene = EmbreeScene() if len(triangles_m) else None
        if self._scene is not None:
            TriangleMesh(self._scene, np.ascontiguousarray(triangles_m))

    def trace(self, origins_m: Float32[np.ndarray, "rays 3"], directions: Float32[np.ndarray, "rays 3"]) -> Hits:
        """Return the first hit of each ray."""
        count = len(origins_m)
        if self._scene is None or count == 0:
            return Hits(distance_m=np.full(count, FAR_M, np.float32), face=np.full(count, -1, np.int32))
        found = self._scene.run(origins_m, directions, output=True)
        face = found["primID"].astype(np.int32)
        return Hits(distance_m=np.where(face < 0, np.float32(FAR_M), found["tfar"]), face=face)

    def blocks(
        self, origins_m: Float32[np.ndarray, "rays 3"], directions: Float32[np.ndarray, "rays 3"]
    ) -> Bool[np.ndarray, "rays"]:
        """Say which rays meet anything."""
        if self._scene is None or len(origins_m) == 0:
            return np.zeros(len(origins_m), dtype=bool)
        return self._scene.run(origins_m, directions, query="OCCLUDED") >= 0


class World:
    """One scene's geometry. Building it is the expensive part; snapshots of it are cheap.

    bare: nothing beside the road; what stood there is not known of a scene that was read back from a dataset.
    blocks: actors as blocks in their colour, instead of the figures of their kinds.
    """

    def __init__(self, scene: Scene, *, seed: int, bare: bool = False, blocks: bool = False) -> None:
        self.scene = scene
        self.seed = seed
        path = scene.ego.translation_m[:, :2]
        low, high = path.min(axis=0) - KEEP_M, path.max(axis=0) + KEEP_M
        self.terrain = terrain_of(scene, low_m=low, high_m=high)
        self.ground = ground_of(scene, seed=seed_of("ground", seed))
        canvas = Canvas.over(low, high, texel_m=CELL_M)
        rng = np.random.default_rng(seed_of("scenery", seed))
        scenery = NO_SCENERY if bare else scenery_of(scene, canvas=canvas, terrain=self.terrain, rng=rng)
        self.facades: tuple[Facade, ...] = scenery.facades
        self.lamps_m = scenery.lamps_m
        self.puppets = tuple(Puppet.of(actor, plain=blocks) for actor in scene.actors)
        ground = self.terrain.mesh()
        triangles = np.concatenate([ground.triangles_m, scenery.mesh.triangles_m])
        self.static = Soup(triangles)
        self.static_surfaces = Surfaces(
            normal=normals(triangles),
            albedo_rgb=np.concatenate([ground.albedo_rgb, scenery.mesh.albedo_rgb]),
            material=np.concatenate([ground.material, scenery.mesh.material]),
            owner=np.full(len(triangles), NOBODY, dtype=np.int32),
            facade=np.concatenate([np.full(len(ground), -1, dtype=np.int32), scenery.facade]),
        )

    def at(self, timestamp_us: int, *, camera: Camera | None = None) -> Snapshot:
        """Return the world with its actors where they are at one instant; who is not there then is left out.

        camera: keep only the actors that it may see or that may cast a shadow into its picture. For a rig whose
        cameras fire one by one, this is much cheaper than the whole world for each of them.
        """
        return Snapshot(self, timestamp_us, camera=camera)


SHUTTER_SLACK_US = 100_000
"""Cameras of a log fire up to 50 ms before the instant of the labels: who is labelled then is in their pictures too."""


@dataclass(frozen=True, kw_only=True)
class Body:
    """An actor that is there: its index in the scene, its pose as rotation and centre, and its brake lamps."""

    index: int
    actor: Actor
    rotation: Float[np.ndarray, "3 3"]
    center_m: Float[np.ndarray, "3"]
    braking: bool


class Snapshot:
    """The world at one instant. Rays are in the world frame, metres."""

    def __init__(self, world: World, timestamp_us: int, *, camera: Camera | None = None) -> None:
        self.world = world
        self.timestamp_us = timestamp_us
        present = np.array([timestamp_us], dtype=np.int64)
        world_SE3_ego = world.scene.ego.pose_at(timestamp_us)
        planes = _wedge(world_SE3_ego @ camera.ego_SE3_cam, camera) if camera else None
        self.bodies: list[Body] = []
        triangles, puppets = [], []
        for index, puppet in enumerate(world.puppets):
            actor = puppet.actor
            if not actor.trajectory.covers(present, slack_us=SHUTTER_SLACK_US)[0]:
                continue
            pose = actor.trajectory.pose_at(timestamp_us)
            apart = pose.translation_m - world_SE3_ego.translation_m
            if np.hypot(*apart[:2]) > KEEP_M + 20.0:
                continue
            radius = 0.5 * float(np.linalg.norm(actor.size_lwh_m))
            if planes is not None and (apart @ planes).min() < -(radius + _SHADOW_M):
                continue
            rotation = pose.rotation
            lit = actor.category.group in (Group.VEHICLE, Group.CYCLE) and puppet.braking(timestamp_us)
            body = Body(index=index, actor=actor, rotation=rotation, center_m=pose.translation_m, braking=lit)
            local = puppet.triangles_m(timestamp_us)
            triangles.append((local @ rotation.T.astype(np.float32) + pose.translation_m).astype(np.float32))
            puppets.append(puppet)
            self.bodies.append(body)
        moving = np.concatenate([np.zeros((0, 3, 3), np.float32), *triangles])
        self.actors_from = len(world.static_surfaces.owner)
        self.moving_triangles_m = moving
        self.moving = Soup(moving)
        self.surfaces = _with_actors(world.static_surfaces, moving, self.bodies, puppets=puppets)

    def trace(self, origins_m: Float32[np.ndarray, "rays 3"], directions: Float32[np.ndarray, "rays 3"]) -> Hits:
        """Return the nearest hit of each ray with anything."""
        still = self.world.static.trace(origins_m, directions)
        moving = self.moving.trace(origins_m, directions)
        nearer = moving.distance_m < still.distance_m
        return Hits(
            distance_m=np.where(nearer, moving.distance_m, still.distance_m),
            face=np.where(nearer, moving.face + np.int32(self.actors_from), still.face),
        )

    def blocked(
        self, origins_m: Float32[np.ndarray, "rays 3"], directions: Float32[np.ndarray, "rays 3"]
    ) -> Bool[np.ndarray, "rays"]:
        """Say which rays meet anything at all (shadows)."""
        blocked = self.world.static.blocks(origins_m, directions)
        open_ = np.flatnonzero(~blocked)
        blocked[open_] = self.moving.blocks(origins_m[open_], directions[open_])
        return blocked


def _wedge(world_SE3_cam: SE3, camera: Camera) -> Float[np.ndarray, "3 3"]:
    """Return inward normals, as columns, of the planes left and right of the picture and behind the camera."""
    corners = np.array([[0.0, camera.height_px / 2], [float(camera.width_px), camera.height_px / 2]])
    left, right = rays_through(corners, camera)
    inward = np.stack([[left[2], 0.0, -left[0]], [-right[2], 0.0, right[0]], [0.0, 0.0, 1.0]])
    inward /= np.linalg.norm(inward, axis=1, keepdims=True)
    return (inward @ world_SE3_cam.rotation.T).T


def normals(triangles_m: Float32[np.ndarray, "faces 3 3"]) -> Float32[np.ndarray, "faces 3"]:
    """Return unit normals; a triangle without area gets one that points up."""
    cross = np.cross(triangles_m[:, 1] - triangles_m[:, 0], triangles_m[:, 2] - triangles_m[:, 0])
    length = np.linalg.norm(cross, axis=1, keepdims=True)
    up = np.array([0.0, 0.0, 1.0], dtype=np.float32)
    return np.where(length > 1e-12, cross / np.maximum(length, 1e-12), up).astype(np.float32)


def _with_actors(
    static: Surfaces, triangles_m: Float32[np.ndarray, "faces 3 3"], bodies: list[Body], *, puppets: list[Puppet]
) -> Surfaces:
    meshes = [puppet.mesh for puppet in puppets]
    owners = [np.full(len(mesh), body.index, dtype=np.int32) for mesh, body in zip(meshes, bodies)]
    return Surfaces(
        normal=np.concatenate([static.normal, normals(triangles_m)]),
        albedo_rgb=np.concatenate([static.albedo_rgb, *(mesh.albedo_rgb for mesh in meshes)]),
        material=np.concatenate([static.material, *(mesh.material for mesh in meshes)]),
        owner=np.concatenate([static.owner, *owners]),
        facade=np.concatenate([static.facade, np.full(len(triangles_m), -1, dtype=np.int32)]),
    )
