"""The devkit's map reader on any of our locations, with what keeps it from working put right at run time.

nuscenes-devkit 1.2.0 knows four locations by name, and draws polygons with `descartes`, which cannot read the
polygons of the shapely it asks for (2.0). Both are settled in the loaded module; no file of it is changed.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from datagen.errors import DatasetError

if TYPE_CHECKING:
    from matplotlib.patches import PathPatch
    from nuscenes.map_expansion.map_api import NuScenesMap


def open_map(dataset: Path, location: str) -> NuScenesMap:
    """Open a location's map expansion with the devkit.

    Everything in the devkit works on it except what asks for nuScenes' own four names: `get_map_mask`
    and `render_map_mask` (use `explorer.get_map_geom` and `explorer.map_geom_to_mask`), and
    `BitMap(…, "semantic_prior")`. Raises DatasetError if the dataset has no such location.
    """
    from nuscenes.map_expansion import map_api

    there = sorted(path.stem for path in (dataset / "maps" / "expansion").glob("*.json"))
    if location not in there:
        raise DatasetError(f"{dataset}: no map expansion of '{location}'; there are: {', '.join(there) or 'none'}")
    if location not in map_api.locations:
        map_api.locations.append(location)
    map_api.descartes = SimpleNamespace(PolygonPatch=polygon_patch)
    return map_api.NuScenesMap(dataroot=str(dataset), map_name=location)


def polygon_patch(polygon: shapely.Polygon | shapely.MultiPolygon, **style: Any) -> PathPatch:
    """Return a matplotlib patch of a polygon with its holes, as `descartes.PolygonPatch` did before shapely 2."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path as Outline

    oriented = [shapely.geometry.polygon.orient(part) for part in shapely.get_parts(polygon)]
    rings = [ring for part in oriented for ring in (part.exterior, *part.interiors)]
    outlines = [Outline(np.asarray(ring.coords)[:, :2], closed=True) for ring in rings]
    return PathPatch(Outline.make_compound_path(*outlines), **style)
