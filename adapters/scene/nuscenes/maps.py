"""The map around a recorded drive, from whatever the log has of it.

| the log has                                    | the scene gets                                            |
|------------------------------------------------|-----------------------------------------------------------|
| an expansion, version 1.3 or later             | all its layers; kerbs are the drivable area's outline      |
| one whose drivable area the ego itself leaves  | the same, with the drivable area of the mask picture added |
| an older expansion, or no expansions at all    | the drivable area of the mask picture, and a note          |
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import shapely
from jaxtyping import Float

from adapters.scene.nuscenes.directions import Traffic
from adapters.scene.nuscenes.expansion import OLDEST_VERSION, Layers, read_layers
from adapters.scene.nuscenes.masks import Mask, read_mask
from adapters.scene.nuscenes.tables import read_json
from datagen.errors import LogError, did_you_mean
from datagen.scene import Area, Boundary, HDMap, Lane, Polygon

COMPLETE_SHARE = 0.98
"""A drivable area that holds less than this part of the ego's own path is not complete."""

_SMALLEST_M2 = 0.5
_SEAM_M = 0.15
"""Gaps between neighbouring drivable areas narrower than twice this are drawing slips, not kerbs."""


def expansion_of(root: Path, location: str) -> Path | None:
    """Return a location's expansion, or None when the log has none, or one from before version 1.3.

    Raises LogError for a location that is no name, that is unknown where others are known, or whose file is broken.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", location):
        raise LogError(
            f"{root}: log.json: location '{location}' is no name of a place; expected one like boston-seaport."
        )
    known = sorted(path.stem for path in (root / "maps" / "expansion").glob("*.json"))
    if not known:
        return None
    if location not in known:
        raise LogError(
            f"{root}/maps/expansion: no map of location '{location}'; there are: {', '.join(known)}."
            f"{did_you_mean(location, known)} Add {location}.json, or remove the folder to do without lanes."
        )
    path = root / "maps" / "expansion" / f"{location}.json"
    return path if _version(path) >= _numbers(OLDEST_VERSION) else None


def _version(path: Path) -> tuple[int, ...]:
    content = read_json(path)
    if not isinstance(content, dict):
        raise LogError(f"{path}: not a map expansion; copy the file again.")
    return _numbers(str(content.get("version", "1.0")))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))


@dataclass
class Maps:
    """The maps of a log, each read once. mask_of: location → its mask picture.  traffic_of: → sightings there."""

    root: Path
    margin_m: float
    mask_of: Mapping[str, Path]
    traffic_of: Callable[[str], Traffic]
    _layers: dict[str, Layers | None] = field(default_factory=dict)
    _masks: dict[str, Mask] = field(default_factory=dict)

    def around(self, location: str, path_m: Float[np.ndarray, "points 2"]) -> tuple[HDMap, dict[str, str]]:
        """Return the map within `margin_m` of a path, in world coordinates, and notes on what it lacks."""
        patch = shapely.LineString(np.concatenate([path_m, path_m[:1] + 1e-3])).simplify(1.0).buffer(self.margin_m)
        layers = self._read(location)
        if layers is None:
            mask = self._mask(location)
            bare = Layers(canvas_m=mask.canvas_m, lanes=(), dividers=(), areas={})
            hdmap = _cut(bare, location, patch, drivable=mask.within(patch.bounds))
            return hdmap, {"map": "no lanes: the log has no map expansion of version 1.3; drivable area from its mask"}
        drivable = shapely.union_all(list(layers.areas["drivable"].values()))
        if shapely.contains_xy(drivable, path_m).mean() >= COMPLETE_SHARE:
            return _cut(layers, location, patch, drivable=drivable), {}
        completed = drivable.intersection(patch).union(self._mask(location).within(patch.bounds))
        note = {"map": "the expansion's drivable area is incomplete: completed from the log's map mask"}
        return _cut(layers, location, patch, drivable=completed), note

    def lanes(self, location: str) -> tuple[Lane, ...]:
        """Return all lanes of a location; none where the log has no expansion for it."""
        layers = self._read(location)
        return layers.lanes if layers else ()

    def _read(self, location: str) -> Layers | None:
        if location not in self._layers:
            there = expansion_of(self.root, location) is not None
            found = read_layers(self.root, location, traffic=lambda: self.traffic_of(location)) if there else None
            self._layers[location] = found
        return self._layers[location]

    def _mask(self, location: str) -> Mask:
        if location not in self._masks:
            self._masks[location] = read_mask(self.mask_of[location])
        return self._masks[location]


def _cut(layers: Layers, location: str, patch: shapely.Geometry, *, drivable: shapely.Geometry) -> HDMap:
    """Return what lies in a patch: lanes and dividers that reach into it whole, areas cut at its edge."""
    areas = {name: tuple(_areas(shapes, patch)) for name, shapes in layers.areas.items() if name != "drivable"}
    surface = _without_seams(drivable.intersection(patch))
    return HDMap(
        location=location,
        canvas_m=layers.canvas_m,
        lanes=_linked(lane for lane in layers.lanes if patch.intersects(shapely.LineString(lane.center_m))),
        dividers=tuple(one for one in layers.dividers if patch.intersects(shapely.LineString(one.line_m))),
        boundaries=tuple(_kerbs(surface, patch)),
        drivable=tuple(_areas({"drivable": surface}, patch)),
        **areas,
    )


def _linked(lanes: Iterable[Lane]) -> tuple[Lane, ...]:
    """Return lanes that speak of no lane outside."""
    inside = {lane.id: lane for lane in lanes}
    return tuple(
        replace(
            lane,
            successors=tuple(name for name in lane.successors if name in inside),
            left_neighbor=lane.left_neighbor if lane.left_neighbor in inside else None,
            right_neighbor=lane.right_neighbor if lane.right_neighbor in inside else None,
        )
        for lane in inside.values()
    )


def _without_seams(surface: shapely.Geometry) -> shapely.Geometry:
    return surface.buffer(_SEAM_M, join_style="mitre").buffer(-_SEAM_M, join_style="mitre").simplify(0.05)


def _areas(shapes: Mapping[str, shapely.Geometry], patch: shapely.Geometry) -> Iterator[Area]:
    """Yield the parts of shapes that lie in a patch; those that the patch cut are named after what is left.

    Other scenes at this location cut the same shape elsewhere, and the same name must mean the same area.
    """
    for name, shape in shapes.items():
        whole = patch.contains(shape) and shape.geom_type == "Polygon"
        for part in shapely.get_parts(shape if whole else shape.intersection(patch)):
            if part.geom_type == "Polygon" and part.area > _SMALLEST_M2:
                holes = tuple(_open_ring(hole) for hole in part.interiors)
                polygon = Polygon(exterior_m=_open_ring(part.exterior), holes_m=holes)
                yield Area(id=name if whole else _named_after(name, part), polygon=polygon)


def _kerbs(surface: shapely.Geometry, patch: shapely.Geometry) -> Iterator[Boundary]:
    """Yield the outline of a surface, save where the patch cut it."""
    outline = surface.boundary.intersection(patch.buffer(-2 * _SEAM_M))
    lines = shapely.get_parts(shapely.line_merge(outline) if outline.geom_type != "LineString" else outline)
    for line in lines:
        if line.geom_type == "LineString" and line.length > 1.0:
            yield Boundary(id=_named_after("kerb", line), line_m=np.asarray(line.coords, dtype=np.float64))


def _named_after(name: str, shape: shapely.Geometry) -> str:
    return f"{name}-{hashlib.sha256(shape.wkb).hexdigest()[:12]}"


def _open_ring(ring: shapely.LinearRing) -> Float[np.ndarray, "points 2"]:
    return np.asarray(ring.coords, dtype=np.float64)[:-1, :2]
