"""One location's map expansion as lanes and areas in our own nouns.

Real expansions differ in how much they hold: lanes with or without arc-line paths, connectors with a path or
with no more than a token, connectivity or none. What is missing is derived (`strips`, `directions`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from jaxtyping import Float
from nuscenes.map_expansion import map_api
from nuscenes.map_expansion.arcline_path_utils import discretize_lane

from adapters.scene.nuscenes.directions import Traffic, alongside, directed, onward
from adapters.scene.nuscenes.strips import Strip, along, joining, length_m, strip_of
from adapters.scene.nuscenes.tables import Record
from datagen.errors import LogError
from datagen.scene import Divider, DividerKind, Lane, LaneKind, Paint

OLDEST_VERSION = "1.3"
_LANE_WIDTH_M = 3.5
_RESOLUTION_M = 1.0
_SHORTEST_CONNECTOR_M = 0.5

AREA_LAYERS = {
    "crossings": "ped_crossing",
    "walkways": "walkway",
    "junctions": "road_segment",
    "stop_lines": "stop_line",
    "carparks": "carpark_area",
    "drivable": "drivable_area",
}
"""Field of HDMap → layer of the expansion; of road segments only those that are intersections."""


@dataclass(frozen=True, kw_only=True)
class Layers:
    """Everything one location's expansion holds. areas: field of HDMap → id → shape."""

    canvas_m: tuple[float, float]
    lanes: tuple[Lane, ...]
    dividers: tuple[Divider, ...]
    areas: Mapping[str, Mapping[str, shapely.Geometry]]


def read_layers(root: Path, location: str, *, traffic: Callable[[], Traffic]) -> Layers:
    """Read a location's expansion (version 1.3 or later).

    traffic: sightings, asked only where lanes have no direction of their own.
    Raises LogError when the file is not what the devkit can read.
    """
    path = root / "maps" / "expansion" / f"{location}.json"
    if location not in map_api.locations:
        map_api.locations.append(location)
    try:
        nusc_map = map_api.NuScenesMap(dataroot=str(root), map_name=location)
        return Layers(
            canvas_m=(float(nusc_map.canvas_edge[0]), float(nusc_map.canvas_edge[1])),
            lanes=tuple(_lanes(nusc_map, traffic)),
            dividers=tuple(_dividers(nusc_map)),
            areas={field: dict(_areas(nusc_map, layer)) for field, layer in AREA_LAYERS.items()},
        )
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise LogError(
            f"{path}: the nuScenes devkit cannot read it ({error!r}); copy the map expansion again."
        ) from error


def _lanes(nusc_map: Any, traffic: Callable[[], Traffic]) -> Iterable[Lane]:
    dividers = {layer: [_line(nusc_map, record) for record in getattr(nusc_map, layer)] for layer in _DIVIDER_LAYERS}
    strips = _directed_strips(nusc_map, traffic, dividers)
    if not any(_connected(nusc_map, token, way) for token in strips for way in ("incoming", "outgoing")):
        _connect(nusc_map, strips)
    strips |= _connector_strips(nusc_map, strips)
    right_of = alongside(strips, dividers["lane_divider"])
    left_of = {right: left for left, right in right_of.items()}
    records = {record["token"]: record for record in (*nusc_map.lane, *nusc_map.lane_connector)}
    connectors = {record["token"] for record in nusc_map.lane_connector}
    for token, strip in strips.items():
        yield Lane(
            id=token,
            center_m=strip.center_m,
            left_m=strip.left_m,
            right_m=strip.right_m,
            kind=LaneKind.BIKE if "BIKE" in str(records[token].get("lane_type", "")).upper() else LaneKind.CAR,
            junction=token in connectors,
            successors=tuple(_successors(nusc_map, token, strips)),
            left_neighbor=left_of.get(token),
            right_neighbor=right_of.get(token),
        )


def _directed_strips(
    nusc_map: Any, traffic: Callable[[], Traffic], dividers: Mapping[str, Sequence[Float[np.ndarray, "_ 2"]]]
) -> dict[str, Strip]:
    """Return the strips of the lanes proper: as their arc lines run, as their edges say, or by vote."""
    known: dict[str, Strip] = {}
    open_: dict[str, Strip] = {}
    for record in nusc_map.lane:
        start, end = (_edge(nusc_map, record.get(key)) for key in ("from_edge_line_token", "to_edge_line_token"))
        strip = strip_of(_ring(nusc_map, record["polygon_token"]), start_m=start, end_m=end)
        center = _arclines(nusc_map, record["token"])
        if center is not None:
            known[record["token"]] = _with_center(strip, center)
        elif strip is not None:
            (open_ if start is None or end is None else known)[record["token"]] = strip
    if not open_:
        return known
    links = {token: (_linked(nusc_map, token, "incoming"), _linked(nusc_map, token, "outgoing")) for token in open_}
    turned = directed(
        {**known, **open_},
        links=links,
        traffic=traffic(),
        lane_dividers=dividers["lane_divider"],
        road_dividers=dividers["road_divider"],
    )
    return known | {token: turned[token] for token in open_}


def _connect(nusc_map: Any, strips: Mapping[str, Strip]) -> None:
    """Give a map without connectivity the connectors that its lanes' positions make plain."""
    for before, after in onward(strips):
        token = f"{before}--{after}"
        nusc_map.lane_connector.append({"token": token})
        nusc_map.connectivity[token] = {"incoming": [before], "outgoing": [after]}
        nusc_map.connectivity.setdefault(before, {"incoming": [], "outgoing": []})["outgoing"].append(token)
        nusc_map.connectivity.setdefault(after, {"incoming": [], "outgoing": []})["incoming"].append(token)


def _with_center(strip: Strip | None, center: Float[np.ndarray, "points 2"]) -> Strip:
    """Return a strip around an arc line, with the outline's sides where they fit it."""
    if strip is None:
        return along(center, np.full(len(center), _LANE_WIDTH_M))
    if np.linalg.norm(strip.center_m[0] - center[0]) > np.linalg.norm(strip.center_m[-1] - center[0]):
        strip = strip.reversed()
    return replace(strip, center_m=center)


def _connector_strips(nusc_map: Any, lanes: Mapping[str, Strip]) -> dict[str, Strip]:
    """Return strips through junctions: along their arc lines, else a smooth curve from lane to lane."""
    strips: dict[str, Strip] = {}
    for record in nusc_map.lane_connector:
        token = record["token"]
        before, after = (
            next((lanes[name] for name in _connected(nusc_map, token, key) if name in lanes), None)
            for key in ("incoming", "outgoing")
        )
        center = _arclines(nusc_map, token)
        if center is not None:
            first, last = (end.width_m if end else _LANE_WIDTH_M for end in (before, after))
            strips[token] = along(center, np.linspace(first, last, num=len(center)))
        elif before is not None and after is not None and _apart(before, after) > _SHORTEST_CONNECTOR_M:
            strips[token] = joining(before, after)
    return strips


def _apart(before: Strip, after: Strip) -> float:
    return float(np.linalg.norm(after.center_m[0] - before.center_m[-1]))


def _successors(nusc_map: Any, token: str, strips: Mapping[str, Strip]) -> Iterable[str]:
    """Yield what one drives onto next; a connector too short to be a lane is stepped over."""
    for name in _connected(nusc_map, token, "outgoing"):
        if name in strips:
            yield name
        else:
            yield from (far for far in _connected(nusc_map, name, "outgoing") if far in strips)


def _connected(nusc_map: Any, token: str, way: str) -> list[str]:
    return list(nusc_map.connectivity.get(token, {}).get(way, ()))


def _linked(nusc_map: Any, token: str, way: str) -> list[str]:
    """Return the lanes one step away, through connectors."""
    near = _connected(nusc_map, token, way)
    return near + [far for name in near for far in _connected(nusc_map, name, way)]


def _arclines(nusc_map: Any, token: str) -> Float[np.ndarray, "points 2"] | None:
    path = nusc_map.arcline_path_3.get(token)
    if not path:
        return None
    points = np.array(discretize_lane(path, _RESOLUTION_M), dtype=np.float64)[:, :2]
    fresh = np.concatenate([[True], np.linalg.norm(np.diff(points, axis=0), axis=1) > 1e-3])
    return points[fresh] if fresh.sum() > 1 else None


def _ring(nusc_map: Any, polygon_token: str) -> Float[np.ndarray, "corners 2"]:
    nodes = (nusc_map.get("node", token) for token in nusc_map.get("polygon", polygon_token)["exterior_node_tokens"])
    return np.array([(node["x"], node["y"]) for node in nodes], dtype=np.float64).reshape(-1, 2)


def _edge(nusc_map: Any, line_token: str | None) -> Float[np.ndarray, "points 2"] | None:
    return _points(nusc_map, line_token) if line_token else None


def _line(nusc_map: Any, record: Record) -> Float[np.ndarray, "points 2"]:
    return _points(nusc_map, record["line_token"])


def _points(nusc_map: Any, line_token: str) -> Float[np.ndarray, "points 2"]:
    nodes = (nusc_map.get("node", token) for token in nusc_map.get("line", line_token)["node_tokens"])
    return np.array([(node["x"], node["y"]) for node in nodes], dtype=np.float64).reshape(-1, 2)


_DIVIDER_LAYERS = {"lane_divider": DividerKind.LANE, "road_divider": DividerKind.ROAD}
_ORDINARY_PAINT = {DividerKind.LANE: Paint.DASHED_WHITE, DividerKind.ROAD: Paint.DOUBLE_YELLOW}


def _dividers(nusc_map: Any) -> Iterable[Divider]:
    for layer, kind in _DIVIDER_LAYERS.items():
        for record in getattr(nusc_map, layer):
            line = _line(nusc_map, record)
            if len(line) > 1 and length_m(line) > 0:
                segments = [str(segment.get("segment_type", "")) for segment in record.get(f"{layer}_segments", ())]
                yield Divider(id=record["token"], line_m=line, kind=kind, paint=_paint(segments, kind))


def _paint(segment_types: Sequence[str], kind: DividerKind) -> Paint:
    """Return the paint that most segments have; an expansion that says nothing gets the ordinary one."""
    named = [word for word in segment_types if word]
    if not named:
        return _ORDINARY_PAINT[kind]
    word = max(dict.fromkeys(named), key=named.count)
    match ("YELLOW" in word, "DASHED" in word, "DOUBLE" in word):
        case _ if word == "NIL":
            return Paint.NONE
        case (True, True, _):
            return Paint.DASHED_YELLOW
        case (True, False, _):
            return Paint.DOUBLE_YELLOW
        case (False, True, _):
            return Paint.DASHED_WHITE
        case _:
            return Paint.SOLID_WHITE


def _areas(nusc_map: Any, layer: str) -> Iterable[tuple[str, shapely.Geometry]]:
    """Yield the id and shape of each record of a layer."""
    for record in getattr(nusc_map, layer):
        if layer == "road_segment" and not record.get("is_intersection"):
            continue
        tokens = record.get("polygon_tokens") or [record["polygon_token"]]
        shapes = [shapely.make_valid(nusc_map.extract_polygon(token)) for token in tokens]
        yield record["token"], shapely.union_all(shapes)
