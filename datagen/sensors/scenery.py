"""What stands beside the road: kerbs, buildings, trees, lamps, signals; never on it and in nobody's way.

Everything is placed along lines of equal distance from the road, so that it works on any map:

```
   ~~~~~~~~~~~~ trees, fences ~~~~~~~~~~~~     offset 9 m and more
   ▓▓▓▓▓▓  ▓▓▓▓▓▓▓▓▓  ▓▓▓▓  buildings          set back by the place
   ────|──────|──────|───── lamps, trees       half a metre off the walkway
   ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒ walkway
   ═══════════ road ═══════════                "taken" = road, walkways and everybody's path
```

Nothing here may be taken for something that is labelled: no vehicles, people, cones or barriers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np
from jaxtyping import Float, Float32, Int32, UInt8

from datagen.scene import Place, Polygon, Scene
from datagen.sensors.buildings import Facade, building
from datagen.sensors.ground import Canvas, paths, resampled, road_polygons, strips
from datagen.sensors.mesh import Material, Mesh, ball, block, join, loft, painted, ring_z, rod
from datagen.sensors.terrain import Terrain

CELL_M = 0.5
_LAMP_HEIGHT_M = 7.5


@dataclass(frozen=True, kw_only=True)
class Street:
    """What stands somewhere: how close, how far apart, how likely, by the place."""

    setback_m: float
    built: float
    floors: tuple[int, int]
    front_m: tuple[float, float]
    tree_every_m: float
    lamp_every_m: float
    second_trees: float


_STREETS = {
    Place.DOWNTOWN: Street(
        setback_m=1.5,
        built=0.93,
        floors=(3, 11),
        front_m=(11.0, 26.0),
        tree_every_m=19.0,
        lamp_every_m=27.0,
        second_trees=0.1,
    ),
    Place.RESIDENTIAL: Street(
        setback_m=6.0,
        built=0.72,
        floors=(1, 2),
        front_m=(9.0, 15.0),
        tree_every_m=14.0,
        lamp_every_m=33.0,
        second_trees=0.5,
    ),
    Place.INDUSTRIAL: Street(
        setback_m=8.0,
        built=0.6,
        floors=(1, 2),
        front_m=(22.0, 46.0),
        tree_every_m=55.0,
        lamp_every_m=38.0,
        second_trees=0.1,
    ),
    Place.HIGHWAY: Street(
        setback_m=26.0,
        built=0.2,
        floors=(2, 5),
        front_m=(15.0, 40.0),
        tree_every_m=48.0,
        lamp_every_m=42.0,
        second_trees=0.7,
    ),
    Place.PARK: Street(
        setback_m=30.0,
        built=0.12,
        floors=(1, 3),
        front_m=(10.0, 20.0),
        tree_every_m=9.0,
        lamp_every_m=30.0,
        second_trees=1.0,
    ),
}


@dataclass(frozen=True, kw_only=True)
class Scenery:
    """The static world without its ground.

    facade: index of each triangle's facade, -1 where it has none.
    lamps_m: where the street lamps shine from.
    """

    mesh: Mesh
    facade: Int32[np.ndarray, "faces"]
    facades: tuple[Facade, ...]
    lamps_m: Float[np.ndarray, "lamps 3"]


NO_SCENERY = Scenery(
    mesh=painted(np.zeros((0, 3, 3)), (0.0, 0.0, 0.0), Material.STONE),
    facade=np.zeros(0, dtype=np.int32),
    facades=(),
    lamps_m=np.zeros((0, 3)),
)


@dataclass
class _Site:
    """The building ground: what is taken already, and how far from the road every cell is."""

    canvas: Canvas
    away_m: Float32[np.ndarray, "rows columns"]
    taken: UInt8[np.ndarray, "rows columns"]
    terrain: Terrain
    meshes: list[Mesh] = field(default_factory=list)
    facade: list[Int32[np.ndarray, "_"]] = field(default_factory=list)
    facades: list[Facade] = field(default_factory=list)

    def free(self, xy_m: Float[np.ndarray, "points 2"]) -> bool:
        """Say whether every one of the points is on ground that nothing has taken."""
        column, row = np.round(self.canvas.texels(xy_m)).astype(int).T
        rows, columns = self.taken.shape
        if column.min() < 0 or row.min() < 0 or column.max() >= columns or row.max() >= rows:
            return False
        return not self.taken[row, column].any()

    def take(self, corners_m: Float[np.ndarray, "corners 2"]) -> None:
        """Mark a footprint as taken."""
        self.canvas.fill(self.taken, [Polygon(exterior_m=corners_m)], color=1)

    def put(self, mesh: Mesh, *, xy_m: Float[np.ndarray, "2"]) -> None:
        """Stand a mesh that was made round the origin on the ground at a point."""
        z = float(self.terrain.at(xy_m[None])[0])
        self.add(mesh.moved(float(xy_m[0]), float(xy_m[1]), z))

    def add(self, mesh: Mesh) -> None:
        """Keep a mesh that is where it belongs."""
        self.meshes.append(mesh)
        self.facade.append(np.full(len(mesh), -1, dtype=np.int32))


def scenery_of(scene: Scene, *, canvas: Canvas, terrain: Terrain, rng: np.random.Generator) -> Scenery:
    """Build what stands beside the road within the canvas, the same for the same scene and rng."""
    site = _site(scene, canvas, terrain=terrain)
    street = _STREETS[scene.ambience.place]
    _kerbs(site, scene)
    lamps_m = _put_lamps(site, street, rng=rng)
    _put_signals(site, scene)
    _put_buildings(site, street, place=scene.ambience.place, rng=rng)
    _put_trees(site, street, rng=rng)
    if not site.meshes:
        return NO_SCENERY
    facade = np.concatenate(site.facade)
    return Scenery(mesh=join(site.meshes), facade=facade, facades=tuple(site.facades), lamps_m=lamps_m)


def _site(scene: Scene, canvas: Canvas, *, terrain: Terrain) -> _Site:
    taken = np.zeros(canvas.shape, dtype=np.uint8)
    canvas.fill(taken, road_polygons(scene), color=1)
    road = taken.copy()
    hdmap = scene.hdmap
    canvas.fill(taken, (area.polygon for area in (*hdmap.walkways, *hdmap.crossings)), color=1)
    if not hdmap.walkways and scene.ambience.place not in (Place.HIGHWAY, Place.PARK):
        taken[cv2.distanceTransform(1 - road, cv2.DIST_L2, 3) * canvas.texel_m < 3.0] = 1
    away_m = cv2.distanceTransform(1 - taken, cv2.DIST_L2, 3) * canvas.texel_m
    for path in paths(scene):
        canvas.stroke(taken, path, color=1, width_m=5.0)
    for actor in scene.actors:
        points = actor.trajectory.translation_m[:, :2]
        reach = float(np.hypot(*actor.size_lwh_m[:2])) + 0.6
        canvas.stroke(taken, np.concatenate([points, points[-1:] + 0.01]), color=1, width_m=reach)
    return _Site(canvas=canvas, away_m=away_m.astype(np.float32), taken=taken, terrain=terrain)


def _lines_at(site: _Site, away_m: float) -> Iterator[Float[np.ndarray, "points 2"]]:
    """Yield the lines at one distance from the road, points about a metre apart."""
    inside = np.pad((site.away_m < away_m).astype(np.uint8), 1)
    contours, _ = cv2.findContours(inside, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    for contour in contours:
        points = (contour[:, 0].astype(np.float64) - 1) * site.canvas.texel_m + site.canvas.low_m
        if len(points) < 12:
            continue
        smooth = np.stack([cv2.blur(np.ascontiguousarray(points[:, [axis]]), (1, 9))[:, 0] for axis in (0, 1)], axis=-1)
        yield resampled(smooth, step_m=1.0)


def _spots(
    site: _Site, away_m: float, *, every_m: float, rng: np.random.Generator
) -> Iterator[tuple[Float[np.ndarray, "2"], Float[np.ndarray, "2"]]]:
    """Yield points at a distance from the road, spread along it, with the direction away from the road."""
    for line in _lines_at(site, away_m):
        at = rng.uniform(0.0, every_m)
        while at < len(line) - 1:
            index = int(at)
            along = line[min(index + 2, len(line) - 1)] - line[max(index - 2, 0)]
            normal = np.array([-along[1], along[0]]) / max(float(np.linalg.norm(along)), 1e-6)
            yield line[index], normal * _side(site, line[index], normal)
            at += every_m * rng.uniform(0.75, 1.3)


def _side(site: _Site, point_m: Float[np.ndarray, "2"], normal: Float[np.ndarray, "2"]) -> float:
    """Return 1 when the normal leads away from the road, else -1."""
    there = np.round(site.canvas.texels(point_m + np.outer([2.0, -2.0], normal))).astype(int)
    rows, columns = site.away_m.shape
    column, row = np.clip(there[:, 0], 0, columns - 1), np.clip(there[:, 1], 0, rows - 1)
    away = site.away_m[row, column]
    return 1.0 if away[0] >= away[1] else -1.0


def _kerbs(site: _Site, scene: Scene) -> None:
    """Lay kerb stones along the boundaries; where people cross they are lowered away."""
    if scene.ambience.place in (Place.HIGHWAY, Place.PARK):
        return
    crossings = np.zeros(site.canvas.shape, dtype=np.uint8)
    site.canvas.fill(crossings, (area.polygon for area in scene.hdmap.crossings), color=1)
    crossings = np.asarray(cv2.dilate(crossings, np.ones((5, 5), np.uint8)), dtype=np.uint8)
    low, high = site.canvas.low_m, site.canvas.low_m + site.canvas.texel_m * np.array(site.canvas.shape[::-1])
    for boundary in scene.hdmap.boundaries:
        if len(boundary.line_m) < 2:
            continue
        quads = strips(resampled(boundary.line_m, step_m=2.0), width_m=0.22)
        middle = quads.mean(axis=1)
        quads, middle = (part[((middle > low) & (middle < high)).all(axis=1)] for part in (quads, middle))
        column, row = np.round(site.canvas.texels(middle)).astype(int).T
        rows, columns = crossings.shape
        lowered = crossings[np.clip(row, 0, rows - 1), np.clip(column, 0, columns - 1)] > 0
        if not lowered.all():
            site.add(_stones(quads[~lowered], site.terrain))


def _stones(quads: Float[np.ndarray, "quads 4 2"], terrain: Terrain) -> Mesh:
    z = terrain.at(quads.reshape(-1, 2)).reshape(-1, 4, 1)
    low, high = np.concatenate([quads, z], axis=-1), np.concatenate([quads, z + 0.1], axis=-1)
    faces = [high[:, [0, 1, 2]], high[:, [0, 2, 3]]]
    for a, b in ((0, 1), (2, 3)):
        faces.append(np.stack([low[:, a], low[:, b], high[:, b]], axis=1))
        faces.append(np.stack([low[:, a], high[:, b], high[:, a]], axis=1))
    return painted(np.concatenate(faces), (0.42, 0.41, 0.39), Material.STONE)


def _put_lamps(site: _Site, street: Street, *, rng: np.random.Generator) -> Float[np.ndarray, "lamps 3"]:
    heads = []
    for point, outward in _spots(site, 1.2, every_m=street.lamp_every_m, rng=rng):
        if not site.free(_disc(point, 0.3)):
            continue
        arm = -outward * 2.2
        site.put(_street_lamp(arm), xy_m=point)
        site.take(_square(point, 0.6))
        ground = float(site.terrain.at(point[None])[0])
        heads.append([*(point + arm), ground + _LAMP_HEIGHT_M])
    return np.array(heads, dtype=np.float64).reshape(-1, 3)


def _street_lamp(arm: Float[np.ndarray, "2"]) -> Mesh:
    grey = (0.2, 0.21, 0.21)
    top = (0.3 * arm[0], 0.3 * arm[1], _LAMP_HEIGHT_M)
    mast = rod((0, 0, 0), (0, 0, _LAMP_HEIGHT_M - 0.7), 0.09, grey, Material.METAL, sides=6)
    bend = rod((0, 0, _LAMP_HEIGHT_M - 0.7), top, 0.06, grey, Material.METAL)
    reach = rod(top, (arm[0], arm[1], _LAMP_HEIGHT_M + 0.1), 0.05, grey, Material.METAL)
    head = ball((arm[0], arm[1], _LAMP_HEIGHT_M), (0.35, 0.35, 0.1), (0.8, 0.75, 0.6), Material.LAMP, sides=6)
    return join([mast, bend, reach, head])


def _put_signals(site: _Site, scene: Scene) -> None:
    """Stand a traffic light near the corners of every junction, on ground that is free."""
    for area in scene.hdmap.junctions:
        ring = area.polygon.exterior_m
        if np.ptp(ring, axis=0).max() < 10.0:
            continue
        corners = cv2.boxPoints(cv2.minAreaRect((ring - ring[0]).astype(np.float32))).astype(np.float64) + ring[0]
        center = corners.mean(axis=0)
        for corner in corners:
            outward = (corner - center) / max(float(np.linalg.norm(corner - center)), 1e-6)
            spot = next(
                (s for s in (corner + outward * d for d in np.arange(0, 9, 1.0)) if site.free(_disc(s, 0.4))), None
            )
            if spot is not None:
                site.put(_signal(float(np.arctan2(-outward[1], -outward[0]))), xy_m=spot)
                site.take(_square(spot, 0.6))


def _signal(yaw_rad: float) -> Mesh:
    pole = rod((0, 0, 0), (0, 0, 4.4), 0.08, (0.16, 0.17, 0.17), Material.METAL, sides=6)
    case = block((0.05, 0.35), (-0.18, 0.18), (3.3, 4.4), (0.03, 0.03, 0.03), Material.PLASTIC)
    colors = ((4.2, (0.8, 0.03, 0.02)), (3.85, (0.12, 0.08, 0.01)), (3.5, (0.01, 0.1, 0.05)))
    lights = [
        block((0.34, 0.37), (-0.11, 0.11), (z - 0.11, z + 0.11), color, Material.LAMP if z > 4 else Material.PLASTIC)
        for z, color in colors
    ]
    return join([pole, case, *lights]).turned(yaw_rad)


def _put_buildings(site: _Site, street: Street, *, place: Place, rng: np.random.Generator) -> None:
    """Fill lines of equal distance with houses side by side, then a second row behind them."""
    for row, away in enumerate((street.setback_m, street.setback_m + 22.0)):
        for line in _lines_at(site, away):
            at = 0.0
            while at < len(line) - street.front_m[0]:
                front = float(rng.uniform(*street.front_m))
                if rng.uniform() < street.built * (1.0 if row == 0 else 0.7):
                    _put_building(site, street, line, at, front, place=place, rng=rng)
                at += front * (1.0 + (0.04 if place is Place.DOWNTOWN else 0.4) * rng.uniform())


def _put_building(
    site: _Site,
    street: Street,
    line: Float[np.ndarray, "points 2"],
    at: float,
    front: float,
    *,
    place: Place,
    rng: np.random.Generator,
) -> None:
    start, end = line[int(at)], line[min(int(at + front), len(line) - 1)]
    chord = end - start
    width = float(np.linalg.norm(chord))
    if width < 0.8 * front:  # the line bends: a house here would stand in the road
        return
    along = chord / width
    normal = np.array([-along[1], along[0]])
    normal = normal * _side(site, (start + end) / 2, normal)
    depth = float(rng.uniform(9.0, 14.0)) * (1.8 if place is Place.INDUSTRIAL else 1.0)
    corners = np.stack([start, end, end + normal * depth, start + normal * depth]) + normal * 0.6
    if not site.free(_inside(corners)):
        return
    floors = int(rng.integers(street.floors[0], street.floors[1] + 1))
    foot_m = float(site.terrain.at(corners).min())
    house = building(corners, foot_m=foot_m, floors=floors, place=place, rng=rng)
    site.meshes.append(house.mesh)
    site.facade.append(np.where(house.wall >= 0, house.wall + len(site.facades), -1).astype(np.int32))
    site.facades += house.facades
    site.take(corners)


def _put_trees(site: _Site, street: Street, *, rng: np.random.Generator) -> None:
    rows = ((1.9, street.tree_every_m, 1.0), (9.0, 11.0, street.second_trees), (19.0, 12.0, street.second_trees))
    for away, every, likely in rows:
        for point, outward in _spots(site, away, every_m=every, rng=rng):
            spot = point + outward * float(rng.uniform(0.0, 0.3 * away))
            if rng.uniform() < likely and site.free(_disc(spot, 0.7)):
                site.put(_tree(rng), xy_m=spot)
                site.take(_square(spot, 1.0))


def _tree(rng: np.random.Generator) -> Mesh:
    """Return a tree of 5 to 9 metres: a trunk and a few overlapping crowns, the lowest out of everybody's way."""
    height = float(rng.uniform(5.0, 9.0))
    crown = height * float(rng.uniform(0.27, 0.36))
    tint = float(rng.uniform(0.7, 1.25))
    green = (0.055 * tint * float(rng.uniform(0.8, 1.5)), 0.13 * tint, 0.028 * tint)
    trunk = loft(
        [ring_z(z, -r, r, r) for z, r in ((0.0, 0.2), (height * 0.6, 0.1))], (0.11, 0.075, 0.05), Material.BARK
    )
    parts = [trunk]
    for i in range(4):
        angle = 2.4 * i + float(rng.uniform(0, 1))
        reach = crown * (0.0 if i == 0 else 0.5)
        z = height - crown * (0.75 if i == 0 else float(rng.uniform(0.8, 1.4)))
        radius = crown * (0.85 if i == 0 else float(rng.uniform(0.6, 0.75)))
        middle = (reach * np.cos(angle), reach * np.sin(angle), max(z, 2.4 + radius * 0.85))
        shade = tuple(channel * (0.85 + 0.1 * i) for channel in green)
        leaves = ball(
            middle, (radius, radius, radius * 0.85), (shade[0], shade[1], shade[2]), Material.FOLIAGE, sides=8
        )
        parts.append(leaves)
    return join(parts)


def _disc(point_m: Float[np.ndarray, "2"], radius_m: float) -> Float[np.ndarray, "points 2"]:
    angle = np.arange(8) * np.pi / 4
    return np.concatenate([point_m[None], point_m + radius_m * np.stack([np.cos(angle), np.sin(angle)], axis=-1)])


def _square(point_m: Float[np.ndarray, "2"], half_m: float) -> Float[np.ndarray, "4 2"]:
    return point_m + half_m * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])


def _inside(corners_m: Float[np.ndarray, "4 2"]) -> Float[np.ndarray, "points 2"]:
    """Return points about a cell apart, over a quadrilateral."""
    a, b, c, d = corners_m
    columns = max(3, int(np.linalg.norm(b - a) / CELL_M))
    rows = max(3, int(np.linalg.norm(d - a) / CELL_M))
    s, t = np.meshgrid(np.linspace(0, 1, columns), np.linspace(0, 1, rows))
    s, t = s.reshape(-1, 1), t.reshape(-1, 1)
    return (1 - s) * (1 - t) * a + s * (1 - t) * b + s * t * c + (1 - s) * t * d
