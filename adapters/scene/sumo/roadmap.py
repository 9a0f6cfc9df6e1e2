"""SUMO's network as our HDMap: lanes with edges, paint between them, kerbs, walkways and crossings.

SUMO knows centre lines, widths and permissions; what is painted or built is derived here. Right-hand traffic.

```
   edge -A:  ◀── lane 1          lane i's left border is lane i+1's right border;
   ═══════ ROAD divider ═════    the left border of the last lane is where the other direction begins
   edge  A:  lane 1 ──▶
   - - - - - LANE divider - -
             lane 0 ──▶
   ─────────────────────────     parking strip (car park), bike lane, sidewalk further right
```
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import shapely
from jaxtyping import Float
from shapely.geometry.base import BaseGeometry

from adapters.scene.sumo.polyline import shifted_m, without_repeats
from datagen.scene import Area, Boundary, Divider, DividerKind, HDMap, Lane, LaneKind, Paint, Polygon

MARGIN_M = 60.0
"""From the edge of the canvas to the middle of the outermost roads."""
STOP_LINE_M = 0.5
GAP_M = 0.25
"""Slits narrower than twice this between drivable surfaces are closed."""


def hdmap_of(net: Any, *, location: str) -> HDMap:
    """Return the map of a sumolib net that was read with internal edges."""
    edges = sorted(net.getEdges(withInternal=True), key=lambda edge: str(edge.getID()))
    roads = [edge for edge in edges if not edge.isSpecial()]
    strips = {lane.getID(): lane for edge in edges for lane in edge.getLanes()}
    cycled = _bike_connectors(net, roads=roads)
    driven = [lane for lane in strips.values() if kind_of(lane) and not _on_foot(lane.getEdge())]
    lanes = tuple(_lane(lane) for lane in driven if not _bike_junction(lane) or lane.getID() in cycled)
    carparks = tuple(_area(lane) for edge in roads for lane in edge.getLanes() if is_parking(lane))
    crossings = tuple(_area(lane) for edge in edges if _of(edge, "crossing") for lane in edge.getLanes())
    junctions = tuple(_junctions(net))
    drivable = _drivable(net, strips=list(strips.values()))
    _, _, right, top = net.getBoundary()
    return HDMap(
        location=location,
        canvas_m=(float(np.ceil(right + MARGIN_M)), float(np.ceil(top + MARGIN_M))),
        lanes=lanes,
        dividers=tuple(divider for edge in roads for divider in _dividers(edge)),
        boundaries=tuple(_boundaries(drivable)),
        crossings=crossings,
        walkways=tuple(_walkways(edges)),
        junctions=junctions,
        stop_lines=tuple(line for edge in roads for line in _stop_lines(edge)),
        carparks=carparks,
        drivable=drivable,
    )


def kind_of(lane: Any) -> LaneKind | None:
    """Return whom a SUMO lane is for, or None if nobody drives there."""
    if lane.allows("passenger"):
        return LaneKind.CAR
    return LaneKind.BIKE if lane.allows("bicycle") else None


def is_parking(lane: Any) -> bool:
    """Say whether a lane is the parking strip of its road."""
    return kind_of(lane) is None and not lane.allows("pedestrian") and not _of(lane.getEdge(), "internal")


def is_sidewalk(lane: Any) -> bool:
    """Say whether a lane is a road's sidewalk."""
    return lane.allows("pedestrian") and kind_of(lane) is None


def center_of(lane: Any) -> Float[np.ndarray, "points 2"]:
    """Return a lane's centre line."""
    return without_repeats(np.array(lane.getShape(), dtype=np.float64)[:, :2])


def opposite_of(edge: Any) -> Any | None:
    """Return the edge of the other direction on the same road, if there is one."""
    back = [
        out
        for out in edge.getToNode().getOutgoing()
        if out.getToNode() is edge.getFromNode() and np.allclose(_left_border(out)[0], _left_border(edge)[-1], atol=1.0)
    ]
    return back[0] if back else None


def _of(edge: Any, function: str) -> bool:
    return str(edge.getFunction()) == function


def _on_foot(edge: Any) -> bool:
    return _of(edge, "crossing") or _of(edge, "walkingarea")


def _lane(lane: Any) -> Lane:
    center, width = center_of(lane), lane.getWidth()
    junction = _of(lane.getEdge(), "internal")
    after = [connection.getViaLaneID() or connection.getToLane().getID() for connection in _ways_on(lane)]
    return Lane(
        id=lane.getID(),
        center_m=center,
        left_m=shifted_m(center, width / 2),
        right_m=shifted_m(center, -width / 2),
        kind=kind_of(lane) or LaneKind.CAR,
        junction=junction,
        successors=tuple(dict.fromkeys(after)),
        left_neighbor=None if junction else _neighbor(lane, +1),
        right_neighbor=None if junction else _neighbor(lane, -1),
        speed_limit_mps=float(lane.getSpeed()),
    )


def _ways_on(lane: Any) -> list[Any]:
    """Return the connections from a lane to lanes of its own kind."""
    return [
        way for way in lane.getOutgoing() if kind_of(way.getToLane()) is kind_of(lane) and not _on_foot(way.getTo())
    ]


def _bike_connectors(net: Any, *, roads: list[Any]) -> set[str]:
    """Return the junction lanes that lead from bike lane to bike lane.

    SUMO has others, for cyclists who come from a car lane; they begin at its right border and are no lanes of a map.
    """
    found: set[str] = set()
    front = [
        way for edge in roads for lane in edge.getLanes() if kind_of(lane) is LaneKind.BIKE for way in _ways_on(lane)
    ]
    while front:
        via = front.pop().getViaLaneID()
        if via and via not in found:
            found.add(via)
            front += _ways_on(net.getLane(via))
    return found


def _bike_junction(lane: Any) -> bool:
    return kind_of(lane) is LaneKind.BIKE and _of(lane.getEdge(), "internal")


def _neighbor(lane: Any, step: int) -> str | None:
    lanes = lane.getEdge().getLanes()
    index = lane.getIndex() + step
    same = 0 <= index < len(lanes) and kind_of(lanes[index]) is kind_of(lane)
    return str(lanes[index].getID()) if same else None


def _dividers(edge: Any) -> Iterator[Divider]:
    lanes = edge.getLanes()
    for lane, left in pairwise(lanes):
        paint = _paint(lane, left)
        if paint is not None:
            line = shifted_m(center_of(lane), lane.getWidth() / 2)
            yield Divider(id=f"divider-{lane.getID()}", line_m=line, kind=DividerKind.LANE, paint=paint)
    back = opposite_of(edge)
    if back is not None and edge.getID() < back.getID():
        driving = sum(kind_of(lane) is LaneKind.CAR for lane in lanes)
        paint = Paint.DASHED_YELLOW if driving == 1 and edge.getSpeed() < 10.0 else Paint.DOUBLE_YELLOW
        yield Divider(id=f"divider-{edge.getID()}", line_m=_left_border(edge), kind=DividerKind.ROAD, paint=paint)


def _paint(lane: Any, left: Any) -> Paint | None:
    """Return what is painted between two neighbours, or None where one of them is a sidewalk."""
    if is_sidewalk(lane) or is_sidewalk(left):
        return None
    same = kind_of(lane) is kind_of(left)
    return Paint.DASHED_WHITE if same else Paint.SOLID_WHITE


def _left_border(edge: Any) -> Float[np.ndarray, "points 2"]:
    lane = edge.getLanes()[-1]
    return shifted_m(center_of(lane), lane.getWidth() / 2)


def _stop_lines(edge: Any) -> Iterator[Area]:
    """Yield the bar at the end of the edge's driving lanes, where it meets a real junction."""
    driving = [lane for lane in edge.getLanes() if kind_of(lane) is LaneKind.CAR]
    if len(edge.getToNode().getIncoming()) < 3 or not driving:
        return
    right = shifted_m(center_of(driving[0]), -driving[0].getWidth() / 2)
    left = shifted_m(center_of(driving[-1]), driving[-1].getWidth() / 2)
    back = [line[-1] + STOP_LINE_M * _unit(line[-2] - line[-1]) for line in (left, right)]
    yield Area(id=f"stop-{edge.getID()}", polygon=Polygon(exterior_m=np.stack([right[-1], left[-1], *back])))


def _walkways(edges: list[Any]) -> Iterator[Area]:
    for edge in edges:
        if _of(edge, "walkingarea"):
            for piece in _polygons(_outline(edge.getLanes()[0].getShape())):
                yield Area(id=f"walkway-{edge.getID()}", polygon=piece)
                break
        elif not edge.isSpecial():
            yield from (_area(lane, prefix="walkway-") for lane in edge.getLanes() if is_sidewalk(lane))


def _junctions(net: Any) -> Iterator[Area]:
    for node in sorted(net.getNodes(), key=lambda node: str(node.getID())):
        pieces = list(_polygons(_outline(node.getShape())))
        if len(node.getIncoming()) > 2 and pieces:
            yield Area(id=f"junction-{node.getID()}", polygon=pieces[0])


def _drivable(net: Any, *, strips: list[Any]) -> tuple[Area, ...]:
    """Return the roadway: lanes, parking strips and junctions, less what belongs to people on foot."""
    roadway = [_strip(lane) for lane in strips if not is_sidewalk(lane) and not _on_foot(lane.getEdge())]
    zebras = [_strip(lane) for lane in strips if _of(lane.getEdge(), "crossing")]
    squares = [_outline(node.getShape()) for node in net.getNodes()]
    walked = [_outline(lane.getShape()) for lane in strips if _of(lane.getEdge(), "walkingarea")]
    walked += [_strip(lane) for lane in strips if is_sidewalk(lane) and not lane.getEdge().isSpecial()]
    crossroads = shapely.union_all(squares).difference(shapely.union_all(walked))
    surface = shapely.union_all([*roadway, *zebras, crossroads], grid_size=1e-3)
    surface = surface.buffer(GAP_M, join_style="mitre").buffer(-2 * GAP_M, join_style="mitre").buffer(GAP_M)
    pieces = list(_polygons(surface.simplify(0.03)))
    return tuple(Area(id=f"drivable-{number}", polygon=piece) for number, piece in enumerate(pieces))


def _boundaries(drivable: tuple[Area, ...]) -> Iterator[Boundary]:
    for area in drivable:
        rings = [area.polygon.exterior_m, *area.polygon.holes_m]
        for number, ring in enumerate(rings):
            yield Boundary(id=f"boundary-{area.id}-{number}", line_m=np.concatenate([ring, ring[:1]]))


def _area(lane: Any, *, prefix: str = "") -> Area:
    center, half = center_of(lane), lane.getWidth() / 2
    ring = np.concatenate([shifted_m(center, half), shifted_m(center, -half)[::-1]])
    return Area(id=f"{prefix}{lane.getID()}", polygon=Polygon(exterior_m=ring))


def _strip(lane: Any) -> BaseGeometry:
    return shapely.LineString(center_of(lane)).buffer(lane.getWidth() / 2 + 0.01, cap_style="flat")


def _outline(points: list[tuple[float, ...]]) -> BaseGeometry:
    """Return a polygon of SUMO's outline, made valid; empty where there is none."""
    return shapely.Polygon([point[:2] for point in points]).buffer(0.0) if len(points) > 3 else shapely.Polygon()


def _polygons(geometry: BaseGeometry) -> Iterator[Polygon]:
    """Yield the pieces that are large enough to matter, the largest first."""
    pieces = [piece for piece in shapely.get_parts(geometry) if isinstance(piece, shapely.Polygon) and piece.area > 1]
    for piece in sorted(pieces, key=lambda piece: -piece.area):
        holes = tuple(_ring(hole) for hole in piece.interiors if shapely.Polygon(hole).area > 1.0)
        yield Polygon(exterior_m=_ring(piece.exterior), holes_m=holes)


def _ring(ring: shapely.LinearRing) -> Float[np.ndarray, "points 2"]:
    return np.array(ring.coords, dtype=np.float64)[:-1, :2]


def _unit(vector: Float[np.ndarray, "2"]) -> Float[np.ndarray, "2"]:
    return vector / max(float(np.linalg.norm(vector)), 1e-9)
