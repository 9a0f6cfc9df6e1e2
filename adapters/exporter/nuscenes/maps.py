"""Maps in and out of a dataset: every clip brings its piece, the merge unites the pieces of each location.

```
   write_map_fragment   HDMap → <fragment>/map.jsonl.gz      in the workers, arcline paths fitted there
   merge_maps           fragments → maps/expansion/<location>.json   map expansion 1.3   (map_layers)
                                  → maps/<hash>.png                  mask                (map_mask)
   open_map             dataset, location → the devkit's NuScenesMap                 (devkit_map)
```

A piece is a gzipped file of JSON arrays, one a line: first `["location", name, [width, height]]`, then elements
`[layer, id, geometry]` and links `["successor", lane, lane]`, `["beside", left lane, right lane]`. Pieces of one
location are united by (layer, id); the same id must mean the same geometry. Memory holds one location at a time.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from adapters.exporter.nuscenes.arclines import arcline_path
from adapters.exporter.nuscenes.devkit_map import open_map
from adapters.exporter.nuscenes.map_layers import AREA_LAYERS, MapElements, expansion, rings_of
from adapters.exporter.nuscenes.map_mask import write_mask
from datagen.errors import DatasetError, InputError
from datagen.scene import HDMap, Lane, Polygon

__all__ = ["mask_name", "merge_maps", "open_map", "write_map_fragment"]

MAP_FILE = "map.jsonl.gz"
OFFICIAL_MASKS = {
    "singapore-onenorth": "53992ee3023e5494b90c316c183be829",
    "singapore-hollandvillage": "37819e65e09e5547b8a3ceaefba56bb2",
    "singapore-queenstown": "93406b464a165eaba6d9de76ca09f5da",
    "boston-seaport": "36092f0b03a857c6a3403e25b4b7aab3",
}
"""The names that the devkit's `BitMap` has built in for nuScenes' own four places."""

Row = list[Any]


def write_map_fragment(hdmap: HDMap, folder: Path) -> None:
    """Write one clip's map into its fragment folder.

    Raises InputError for a location whose name cannot be a file name.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", hdmap.location):
        raise InputError(f"location {hdmap.location!r} cannot be a file name; use letters, digits, '.', '_' and '-'")
    with (
        (folder / MAP_FILE).open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=6, mtime=0) as file,
    ):
        for row in _rows(hdmap):
            file.write(json.dumps(row, separators=(",", ":")).encode() + b"\n")


def merge_maps(fragment_folders: Sequence[Path], dataset: Path) -> dict[str, str]:
    """Write mask and expansion of every location that the fragments speak of.

    Returns location → mask file, relative to the dataset's root, sorted by location.
    Raises DatasetError if two fragments disagree about an element of the same location and id.
    """
    places: dict[str, list[Path]] = {}
    for folder in fragment_folders:
        places.setdefault(next(_read(folder))[1], []).append(folder)
    expansions = dataset / "maps" / "expansion"
    expansions.mkdir(parents=True, exist_ok=True)
    masks: dict[str, str] = {}
    for location, folders in sorted(places.items()):
        elements = _united(location, folders)
        text = json.dumps(expansion(elements), separators=(",", ":"))
        (expansions / f"{location}.json").write_text(text, encoding="utf-8")
        masks[location] = f"maps/{mask_name(location)}.png"
        polygons = [rings_of(area) for area in elements.layers["drivable"].values()]
        write_mask(dataset / masks[location], polygons, canvas_m=elements.canvas_m)
    return masks


def mask_name(location: str) -> str:
    """Return the name, without ending, of a location's mask: nuScenes' own for its four places."""
    return OFFICIAL_MASKS.get(location) or hashlib.md5(location.encode(), usedforsecurity=False).hexdigest()


def _rows(hdmap: HDMap) -> Iterator[Row]:
    """Yield a map as the lines of its piece."""
    yield ["location", hdmap.location, [float(side) for side in hdmap.canvas_m]]
    for lane in hdmap.lanes:
        yield ["lane", lane.id, _lane(lane)]
        yield from (["successor", lane.id, other] for other in lane.successors)
        if lane.left_neighbor is not None:
            yield ["beside", lane.left_neighbor, lane.id]
        if lane.right_neighbor is not None:
            yield ["beside", lane.id, lane.right_neighbor]
    for divider in hdmap.dividers:
        line = _points(divider.line_m)
        yield ["divider", divider.id, {"line": line, "kind": divider.kind.value, "paint": divider.paint.value}]
    for layer, field in AREA_LAYERS.items():
        yield from ([layer, area.id, _area(area.polygon)] for area in getattr(hdmap, field))


def _lane(lane: Lane) -> dict[str, Any]:
    """Return a lane as the expansion has it, the same to the bit for clips that read it in frames of their own."""
    return {
        "left": _points(lane.left_m),
        "right": _points(lane.right_m),
        "kind": lane.kind.value,
        "junction": lane.junction,
        "path": arcline_path(np.round(lane.center_m.astype(np.float64), 4)),
    }


def _area(polygon: Polygon) -> dict[str, Any]:
    return {"exterior": _points(polygon.exterior_m), "holes": [_points(hole) for hole in polygon.holes_m]}


def _points(line_m: Float[np.ndarray, "points 2"]) -> list[list[float]]:
    """Return points to a tenth of a millimetre: corners that two elements share stay one node."""
    rounded: list[list[float]] = (np.round(line_m.astype(np.float64), 4) + 0.0).tolist()
    return rounded


def _read(folder: Path) -> Iterator[Row]:
    """Yield the lines of one piece."""
    with gzip.open(folder / MAP_FILE, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _united(location: str, folders: Sequence[Path]) -> MapElements:
    """Return all that the pieces of one location hold."""
    elements = MapElements(location=location, canvas_m=(0.0, 0.0))
    origin: dict[tuple[str, str], Path] = {}
    for folder in folders:
        for kind, key, content in _read(folder):
            if kind == "location":
                width, height = elements.canvas_m
                elements.canvas_m = (max(width, content[0]), max(height, content[1]))
            elif kind in elements.links:
                elements.links[kind].add((key, content))
            elif elements.layers[kind].setdefault(key, content) != content:
                raise DatasetError(
                    f"location '{location}': {kind} '{key}' is not the same in {origin[kind, key]} and {folder}; "
                    "one location is one world: give different worlds different location names"
                )
            else:
                origin.setdefault((kind, key), folder)
    return elements
