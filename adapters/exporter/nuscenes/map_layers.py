"""The tables of the nuScenes map expansion, version 1.3, as `NuScenesMap` reads them.

```
   node  ◀── line     ◀── road_divider, lane_divider, edge lines of lanes and road blocks
   node  ◀── polygon  ◀── drivable_area, road_segment, road_block, lane, lane_connector, ped_crossing, …
```

Elements that share a corner share its node, as in nuScenes: that is how `get_next_roads` finds what follows.
Our map has no road segments: junctions become segments with `is_intersection`; each row of lanes side by side
becomes a road block, and a segment of the same outline. It has no traffic lights: that layer is empty.
Source: nuscenes-devkit, `map_expansion/map_api.py`, and nuScenes' own files.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from jaxtyping import Float

from datagen.scene import DividerKind, LaneKind, Paint

AREA_LAYERS = {
    "ped_crossing": "crossings",
    "walkway": "walkways",
    "junction": "junctions",
    "stop_line": "stop_lines",
    "carpark": "carparks",
    "drivable": "drivable",
}
"""Layer of a piece → field of HDMap."""
SEGMENT_TYPES = {
    Paint.DASHED_WHITE: "DOUBLE_DASHED_WHITE",
    Paint.SOLID_WHITE: "SINGLE_SOLID_WHITE",
    Paint.DASHED_YELLOW: "SINGLE_SOLID_YELLOW",
    Paint.DOUBLE_YELLOW: "SINGLE_SOLID_YELLOW",
    Paint.NONE: "NIL",
}
"""nuScenes knows NIL, DOUBLE_DASHED_WHITE, SINGLE_SOLID_WHITE, DOUBLE_SOLID_WHITE, SINGLE_ZIGZAG_WHITE and
SINGLE_SOLID_YELLOW; our two other yellows go by its one."""
BESIDE_M = 0.3
"""A divider this close to a lane's edge is that edge's paint."""
CUE_M = 6.0
"""A stop line this close to a crossing is there because of it."""

Content = dict[str, Any]
Record = dict[str, Any]


@dataclass(kw_only=True)
class MapElements:
    """What is known of one location: `layers[layer][id]` is an element, `links[kind]` are pairs of lane ids."""

    location: str
    canvas_m: tuple[float, float]
    layers: dict[str, dict[str, Content]] = field(
        default_factory=lambda: {layer: {} for layer in ("lane", "divider", *AREA_LAYERS)}
    )
    links: dict[str, set[tuple[str, str]]] = field(default_factory=lambda: {"successor": set(), "beside": set()})


@dataclass(kw_only=True)
class Geometry:
    """The node, line and polygon tables in the making; tokens are hashes of the location and what is named."""

    location: str
    nodes: dict[str, Record] = field(default_factory=dict)
    lines: dict[str, Record] = field(default_factory=dict)
    polygons: dict[str, Record] = field(default_factory=dict)
    _node_at: dict[tuple[float, float], str] = field(default_factory=dict)

    def token(self, *name: str) -> str:
        """Return the token of something, by its name within the location."""
        return str(uuid.uuid5(uuid.NAMESPACE_OID, "/".join(("nuscenes-map", self.location, *name))))

    def node(self, point: Sequence[float]) -> str:
        """Return the token of the node at a point."""
        x, y = point
        token = self._node_at.get((x, y))
        if token is None:
            token = self._node_at[x, y] = self.token("node", f"{x:.4f}", f"{y:.4f}")
            self.nodes[token] = {"token": token, "x": x, "y": y}
        return token

    def line(self, points: Sequence[Sequence[float]], *name: str) -> str:
        """Add a line and return its token."""
        token = self.token("line", *name)
        self.lines[token] = {"token": token, "node_tokens": [self.node(point) for point in points]}
        return token

    def polygon(self, rings: Sequence[Sequence[Sequence[float]]], *name: str) -> str:
        """Add a polygon, exterior first, and return its token."""
        token = self.token("polygon", *name)
        exterior, *holes = [[self.node(point) for point in ring] for ring in rings]
        self.polygons[token] = {
            "token": token,
            "exterior_node_tokens": exterior,
            "holes": [{"node_tokens": hole} for hole in holes],
        }
        return token


def expansion(elements: MapElements) -> dict[str, Any]:
    """Return one location's map expansion, ready for JSON."""
    geometry = Geometry(location=elements.location)
    blocks = lane_rows(elements)
    roads = _roads(elements, geometry, blocks=blocks)
    tables = {
        **roads,
        "lane": _lanes(elements, geometry),
        "lane_connector": _connectors(elements, geometry),
        "ped_crossing": _within(_areas(elements, geometry, "ped_crossing"), roads, geometry, field="road_segment"),
        "walkway": _areas(elements, geometry, "walkway"),
        "stop_line": _within(_stop_lines(elements, geometry), roads, geometry, field="road_block"),
        "carpark_area": _within(_carparks(elements, geometry), roads, geometry, field="road_block"),
        "traffic_light": [],
        **_dividers(elements, geometry),
        "arcline_path_3": {
            geometry.token("lane", key): lane["path"] for key, lane in sorted(elements.layers["lane"].items())
        },
        "connectivity": _connectivity(elements, geometry),
    }
    return {
        "version": "1.3",
        "canvas_edge": list(elements.canvas_m),
        "polygon": list(geometry.polygons.values()),
        "line": list(geometry.lines.values()),
        "node": list(geometry.nodes.values()),
        **tables,
    }


def lane_rows(elements: MapElements) -> list[list[str]]:
    """Return the ids of lanes that lie side by side, left to right, outside of junctions; no row is empty."""
    lanes = {key for key, lane in elements.layers["lane"].items() if not lane["junction"]}
    right_of = {left: right for left, right in sorted(elements.links["beside"]) if left in lanes and right in lanes}
    leftmost = sorted(lanes - set(right_of.values()))
    rows = []
    for first in leftmost:
        row = [first]
        while (following := right_of.get(row[-1])) is not None:
            row.append(following)
        rows.append(row)
    return rows


def rings_of(area: Content) -> list[Float[np.ndarray, "points 2"]]:
    """Return an area's exterior and its holes."""
    return [np.asarray(ring, dtype=np.float64) for ring in (area["exterior"], *area["holes"])]


def _areas(elements: MapElements, geometry: Geometry, layer: str) -> list[Record]:
    """Return the records of a layer whose elements are no more than a polygon."""
    return [
        {
            "token": geometry.token(layer, key),
            "polygon_token": geometry.polygon((area["exterior"], *area["holes"]), layer, key),
        }
        for key, area in sorted(elements.layers[layer].items())
    ]


def _roads(elements: MapElements, geometry: Geometry, *, blocks: list[list[str]]) -> dict[str, list[Record]]:
    """Return drivable areas, road segments and road blocks."""
    drivable = [
        {"token": record["token"], "polygon_tokens": [record["polygon_token"]]}
        for record in _areas(elements, geometry, "drivable")
    ]
    junctions = [{**record, "is_intersection": True} for record in _areas(elements, geometry, "junction")]
    segments, road_blocks = [], []
    for row in blocks:
        first, last = elements.layers["lane"][row[0]], elements.layers["lane"][row[-1]]
        polygon = geometry.polygon([first["left"] + last["right"][::-1]], "road_block", row[0])
        segment = geometry.token("road_segment", row[0])
        segments.append({"token": segment, "polygon_token": polygon, "is_intersection": False})
        road_blocks.append(
            {
                "token": geometry.token("road_block", row[0]),
                "polygon_token": polygon,
                "from_edge_line_token": geometry.line([first["left"][0], last["right"][0]], "block_from", row[0]),
                "to_edge_line_token": geometry.line([first["left"][-1], last["right"][-1]], "block_to", row[0]),
                "road_segment_token": segment,
            }
        )
    road_segments = _within([*junctions, *segments], {"drivable_area": drivable}, geometry, field="drivable_area")
    return {"drivable_area": drivable, "road_segment": road_segments, "road_block": road_blocks}


def _lanes(elements: MapElements, geometry: Geometry) -> list[Record]:
    """Return the lanes outside of junctions."""
    paint = _PaintIndex(elements)
    lanes = [(key, lane) for key, lane in sorted(elements.layers["lane"].items()) if not lane["junction"]]
    return [
        {
            "token": geometry.token("lane", key),
            "polygon_token": geometry.polygon([lane["left"] + lane["right"][::-1]], "lane", key),
            "lane_type": "CAR" if lane["kind"] == LaneKind.CAR else "BIKE",
            "from_edge_line_token": geometry.line([lane["left"][0], lane["right"][0]], "lane_from", key),
            "to_edge_line_token": geometry.line([lane["left"][-1], lane["right"][-1]], "lane_to", key),
            "left_lane_divider_segments": _segments(lane["left"], geometry, types=paint.along(lane["left"])),
            "right_lane_divider_segments": _segments(lane["right"], geometry, types=paint.along(lane["right"])),
        }
        for key, lane in lanes
    ]


def _connectors(elements: MapElements, geometry: Geometry) -> list[Record]:
    """Return the lanes across junctions."""
    return [
        {
            "token": geometry.token("lane", key),
            "polygon_token": geometry.polygon([lane["left"] + lane["right"][::-1]], "lane", key),
        }
        for key, lane in sorted(elements.layers["lane"].items())
        if lane["junction"]
    ]


def _connectivity(elements: MapElements, geometry: Geometry) -> dict[str, dict[str, list[str]]]:
    """Return what leads to and from every lane, among the lanes that are known."""
    lanes = elements.layers["lane"]
    table: dict[str, dict[str, list[str]]] = {
        geometry.token("lane", key): {"incoming": [], "outgoing": []} for key in sorted(lanes)
    }
    for key, following in sorted(elements.links["successor"]):
        if key in lanes and following in lanes:
            table[geometry.token("lane", key)]["outgoing"].append(geometry.token("lane", following))
            table[geometry.token("lane", following)]["incoming"].append(geometry.token("lane", key))
    return table


def _dividers(elements: MapElements, geometry: Geometry) -> dict[str, list[Record]]:
    """Return road and lane dividers."""
    tables: dict[str, list[Record]] = {"road_divider": [], "lane_divider": []}
    for key, divider in sorted(elements.layers["divider"].items()):
        line = geometry.line(divider["line"], "divider", key)
        record: Record = {"token": geometry.token("divider", key), "line_token": line}
        if divider["kind"] == DividerKind.ROAD:
            tables["road_divider"].append({**record, "road_segment_token": None})
        else:
            types = [SEGMENT_TYPES[Paint(divider["paint"])]] * len(divider["line"])
            segments = _segments(divider["line"], geometry, types=types)
            tables["lane_divider"].append({**record, "lane_divider_segments": segments})
    return tables


def _stop_lines(elements: MapElements, geometry: Geometry) -> list[Record]:
    """Return stop lines: for the crossing beside them, or else of a junction."""
    crossings = sorted(elements.layers["ped_crossing"].items())
    outlines = [shapely.Polygon(area["exterior"]) for _, area in crossings]
    records = []
    for record, (_, area) in zip(_areas(elements, geometry, "stop_line"), sorted(elements.layers["stop_line"].items())):
        near = shapely.distance(shapely.Polygon(area["exterior"]), outlines) <= CUE_M if outlines else []
        cues = [geometry.token("ped_crossing", key) for (key, _), is_near in zip(crossings, near) if is_near]
        kind = "PED_CROSSING" if cues else "TURN_STOP"
        records.append({**record, "stop_line_type": kind, "ped_crossing_tokens": cues, "traffic_light_tokens": []})
    return records


def _carparks(elements: MapElements, geometry: Geometry) -> list[Record]:
    """Return car parks, each with the direction of its longest side in [0, pi)."""
    records = []
    for record, (_, area) in zip(_areas(elements, geometry, "carpark"), sorted(elements.layers["carpark"].items())):
        ring = rings_of(area)[0]
        sides = np.roll(ring, -1, axis=0) - ring
        x, y = sides[np.argmax(np.linalg.norm(sides, axis=1))]
        records.append({**record, "orientation": float(np.arctan2(y, x) % np.pi)})
    return records


def _within(records: list[Record], tables: dict[str, list[Record]], geometry: Geometry, *, field: str) -> list[Record]:
    """Return the records with `<field>_token`: the element of that table each lies on, or "" if on none."""
    hosts = tables[field]
    outlines = shapely.STRtree([_outline(host, geometry) for host in hosts])
    points = [shapely.point_on_surface(_outline(record, geometry)) for record in records]
    found = [outlines.query(point, predicate="intersects") for point in points]
    return [
        {**record, f"{field}_token": hosts[min(matches)]["token"] if len(matches) else ""}
        for record, matches in zip(records, found)
    ]


def _outline(record: Record, geometry: Geometry) -> shapely.Polygon:
    """Return a record's polygon, mended where it crosses itself."""
    token = record.get("polygon_token") or record["polygon_tokens"][0]
    nodes = [geometry.nodes[node] for node in geometry.polygons[token]["exterior_node_tokens"]]
    return shapely.make_valid(shapely.Polygon([(node["x"], node["y"]) for node in nodes]))


def _segments(points: Sequence[Sequence[float]], geometry: Geometry, *, types: Sequence[str]) -> list[Record]:
    """Return the nodes of a divider with the paint that begins at each."""
    return [{"node_token": geometry.node(point), "segment_type": kind} for point, kind in zip(points, types)]


class _PaintIndex:
    """Finds the paint along a lane's edge."""

    def __init__(self, elements: MapElements) -> None:
        dividers = [divider for _, divider in sorted(elements.layers["divider"].items())]
        self.types = [SEGMENT_TYPES[Paint(divider["paint"])] for divider in dividers]
        self.tree = shapely.STRtree([shapely.LineString(divider["line"]) for divider in dividers])

    def along(self, edge: Sequence[Sequence[float]]) -> list[str]:
        """Return the type at each point of an edge, NIL where nothing is painted; empty if nothing is anywhere."""
        found = self.tree.query_nearest(shapely.points(edge), max_distance=BESIDE_M, all_matches=False)
        if not found.size:
            return []
        types = ["NIL"] * len(edge)
        for point, divider in found.T:
            types[point] = self.types[divider]
        return types
