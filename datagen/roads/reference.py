"""The lanes a plan is driven on, before anybody has drawn the rest of the map.

A street along x, its middle at y = 0; a junction crosses it with a street along y, or it bends to one side, or a slip
road joins it (`ramp`). It is laid for right-hand traffic, and mirrored where one drives on the left.

```
                      │ ↓ │ ↑ │
                      │   │   │  junction of half size (hx, hy)
   ───────────────────╯   ·   ╰──────────────
    ▒ parking strip ▒     ·      ▒▒▒▒▒▒▒▒▒▒
    ←  lane b1            ·          lane b0
   ══════════════════ · · + · · ═════════════  y = 0
       lane f1  →         ·
       lane f0  →         ·
    ▒ parking strip ▒     ·
   ───────────────────╮   ·   ╭──────────────
```

Lanes of one direction are numbered from the kerb. The whole is then turned by a heading and moved so that
all coordinates are positive.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from datagen.roads.ramp import ramp
from datagen.scene import Area, HDMap, Lane, LaneKind, Place, Polygon
from datagen.scene.line import Line
from datagen.scene.mirror import mirrored_map
from datagen.scene.plan import PlanRoad, Side

LANE_WIDTH_M = 3.5
BIKE_WIDTH_M = 1.8
PARKING_WIDTH_M = 2.5
MARGIN_M = 45.0
"""Between the road and the edge of the map: room for walkways, houses and people."""
_CORNER_M = 7.0
"""From the end of the kerb to the kerb of the crossing street."""
_SIDE_STREET_M = 90.0
_KAPPA = 0.5523
"""Control distance of the cubic Bézier curve that comes closest to a quarter circle, in radii."""

_MIRRORED: dict[Side | None, Side | None] = {"left": "right", "right": "left", None: None}

Point = Float[np.ndarray, "2"]
Points = Float[np.ndarray, "_ 2"]


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The cross-section of a street, the same on both sides of its middle; from the middle to the kerb."""

    lanes: int
    bike: bool
    parking: bool
    speed_limit_mps: float

    @property
    def lanes_m(self) -> float:
        """From the middle to the outer edge of the outermost car lane."""
        return self.lanes * LANE_WIDTH_M

    @property
    def half_m(self) -> float:
        """From the middle to the kerb."""
        return self.lanes_m + self.bike * BIKE_WIDTH_M + self.parking * PARKING_WIDTH_M


@dataclass(frozen=True, kw_only=True)
class _Arm:
    """A piece of street; its own lanes run along its axis, the others come back."""

    name: str
    axis: Line
    profile: Profile


def reference_road(
    road: PlanRoad, *, place: Place, length_m: float, rng: np.random.Generator, parking: bool = False
) -> HDMap:
    """Return lanes, crossings, parking strips (`carparks`) and junctions of a street.

    length_m: of the street; a crossing, a junction or a bend lies a little beyond its middle. It is straight but for
    the bend that `road.curve` asks for.
    parking: there must be room to park, even where there usually is none.
    """
    if road.drive_on == "left":
        road = road.model_copy(update={"curve": _MIRRORED[road.curve]})
    profile = _profile(road, place, rng)
    profile = replace(profile, parking=profile.parking or parking)
    middle = length_m * rng.uniform(0.5, 0.6)
    if road.ramp and not road.junction:
        profile = replace(profile, parking=False, bike=False)
    if road.junction:
        flat = _with_junction(profile, length_m, middle, rng)
    else:
        straight = Line(np.array([[0.0, 0.0], [length_m, 0.0]]))
        axis = straight if road.curve is None else _bent(road.curve, place=place, length_m=length_m, rng=rng)
        arm = _Arm(name="m", axis=axis, profile=profile)
        flat = _empty(
            lanes=_lanes(arm), carparks=_parking(arm), crossings=(_zebra(arm, middle),) if road.crossing else ()
        )
        flat = _with_ramp(flat, arm) if road.ramp else flat
    flat = mirrored_map(flat) if road.drive_on == "left" else flat
    return _placed(flat, heading_rad=rng.uniform(-np.pi, np.pi))


def _profile(road: PlanRoad, place: Place, rng: np.random.Generator) -> Profile:
    kerbside = place not in (Place.HIGHWAY, Place.PARK)
    limits = {
        Place.HIGHWAY: 30.0,
        Place.RESIDENTIAL: 8.4,
        Place.PARK: 8.4,
        Place.INDUSTRIAL: 13.9,
        Place.DOWNTOWN: 13.9,
    }
    return Profile(
        lanes=road.lanes,
        bike=place in (Place.DOWNTOWN, Place.PARK) and bool(rng.random() < 0.6),
        parking=kerbside,
        speed_limit_mps=limits[place],
    )


def _with_ramp(flat: HDMap, arm: _Arm) -> HDMap:
    """Return a street with a slip road that joins its first direction."""
    outer, *others = flat.lanes
    lane, taper = ramp(arm.axis, outer, half_m=arm.profile.lanes_m, width_m=LANE_WIDTH_M)
    return replace(flat, lanes=(replace(outer, right_neighbor=lane.id), *others, lane), drivable=(taper,))


_RADII_M = {Place.HIGHWAY: (250.0, 400.0), Place.RESIDENTIAL: (32.0, 50.0), Place.PARK: (32.0, 50.0)}


def _bent(curve: Side, *, place: Place, length_m: float, rng: np.random.Generator) -> Line:
    """Return an axis that bends by 40 to 70 degrees from its middle on, a point every 2 m.

    Curvature rises and falls linearly over a fifth of the bend at either end, as a clothoid's does.
    """
    radius = float(rng.uniform(*_RADII_M.get(place, (45.0, 90.0))))
    angle = np.deg2rad(float(rng.uniform(40.0, 70.0))) * (1.0 if curve == "left" else -1.0)
    along = np.arange(0.0, length_m + 1e-6, 1.0)
    bend_m = abs(angle) * radius / 0.8
    share = (along - 0.42 * length_m) / bend_m
    curvature = np.clip(np.minimum(share, 1.0 - share) / 0.2, 0.0, 1.0) * np.sign(angle) / radius
    heading = np.concatenate([[0.0], np.cumsum((curvature[1:] + curvature[:-1]) / 2)])
    step = np.stack([np.cos(heading), np.sin(heading)], axis=1)
    points = np.concatenate([np.zeros((1, 2)), np.cumsum((step[1:] + step[:-1]) / 2, axis=0)])
    return Line(points[::2])


def _with_junction(main: Profile, length_m: float, middle: float, rng: np.random.Generator) -> HDMap:
    side = replace(main, lanes=int(rng.integers(1, min(main.lanes, 2) + 1)))
    half_x, half_y = side.half_m + _CORNER_M, main.half_m + _CORNER_M
    center = np.array([middle, 0.0])

    def arm(name: str, outward: tuple[float, float], inner_m: float, length_m: float) -> _Arm:
        """It starts far out and ends where the junction begins."""
        end = center + np.array(outward) * inner_m
        profile = main if outward[1] == 0.0 else side
        return _Arm(name=name, axis=Line(np.stack([end + np.array(outward) * length_m, end])), profile=profile)

    arms = [
        arm("w", (-1.0, 0.0), half_x, middle - half_x),
        arm("e", (1.0, 0.0), half_x, length_m - middle - half_x),
        arm("s", (0.0, -1.0), half_y, _SIDE_STREET_M),
        arm("n", (0.0, 1.0), half_y, _SIDE_STREET_M),
    ]
    ways = {street.name: (_there(street), _back(street)) for street in arms}
    lanes = [lane for there, back in ways.values() for lane in (*there, *back)]
    connectors = [
        connector
        for one in arms
        for other in arms
        if other is not one
        for connector in _connectors(one, other, entries=ways[one.name][0], exits=ways[other.name][1])
    ]
    corner = np.array([[-half_x, -half_y], [half_x, -half_y], [half_x, half_y], [-half_x, half_y]])
    return _empty(
        lanes=(*_with_successors(lanes, connectors), *connectors),
        carparks=tuple(strip for street in arms for strip in _parking(street)),
        crossings=tuple(_zebra(street, street.axis.length_m - 2.5) for street in arms),
        junctions=(Area(id="junction", polygon=Polygon(exterior_m=center + _cross(main.half_m, side.half_m, corner))),),
    )


def _empty(**fields: tuple[object, ...]) -> HDMap:
    return HDMap(location="", canvas_m=(0.0, 0.0), **fields)  # type: ignore[arg-type]


def _lanes(arm: _Arm) -> tuple[Lane, ...]:
    return (*_there(arm), *_back(arm))


def _there(arm: _Arm) -> list[Lane]:
    return _one_way(arm, arm.axis, "f")


def _back(arm: _Arm) -> list[Lane]:
    return _one_way(arm, Line(arm.axis.points_m[::-1]), "b")


def _one_way(arm: _Arm, axis: Line, way: str) -> list[Lane]:
    """Return the lanes that run along `axis`, to its right."""
    profile = arm.profile
    count = profile.lanes
    line = axis.resampled(5.0 if len(axis.points_m) == 2 else 2.0)

    def lane(name: str, center_d: float, width: float, kind: LaneKind) -> Lane:
        return Lane(
            id=f"{arm.name}-{way}{name}",
            center_m=line.offset(center_d).points_m,
            left_m=line.offset(center_d + width / 2).points_m,
            right_m=line.offset(center_d - width / 2).points_m,
            kind=kind,
            speed_limit_mps=profile.speed_limit_mps,
        )

    def name_of(number: int) -> str | None:
        return f"{arm.name}-{way}{number}" if 0 <= number < count else None

    lanes = []
    for number in range(count):
        car = lane(str(number), -(count - number - 0.5) * LANE_WIDTH_M, LANE_WIDTH_M, LaneKind.CAR)
        lanes.append(replace(car, left_neighbor=name_of(number + 1), right_neighbor=name_of(number - 1)))
    if profile.bike:
        lanes.append(lane("k", -(profile.lanes_m + BIKE_WIDTH_M / 2), BIKE_WIDTH_M, LaneKind.BIKE))
    return lanes


def _parking(arm: _Arm) -> tuple[Area, ...]:
    if not arm.profile.parking:
        return ()
    outer = arm.profile.half_m
    inner = outer - PARKING_WIDTH_M
    return (
        Area(id=f"{arm.name}-pr", polygon=_band(arm.axis, -outer, -inner)),
        Area(id=f"{arm.name}-pl", polygon=_band(arm.axis, inner, outer)),
    )


def _band(axis: Line, low_m: float, high_m: float) -> Polygon:
    return Polygon(exterior_m=np.concatenate([axis.offset(low_m).points_m, axis.offset(high_m).points_m[::-1]]))


def _zebra(arm: _Arm, at_m: float) -> Area:
    """Return the crossing over a street, kerb to kerb, 4 m deep, its middle `at_m` along."""
    ends = arm.axis.at(np.array([at_m - 2.0, at_m + 2.0]))[0]
    return Area(id=f"{arm.name}-zebra", polygon=_band(Line(ends), -arm.profile.half_m, arm.profile.half_m))


def _cross(main_half: float, side_half: float, corner: Points) -> Points:
    """Return the outline of two crossing streets with corners cut by quarter circles, anticlockwise about (0, 0)."""
    half_x, half_y = corner[2]
    angle = np.linspace(0.0, np.pi / 2, 9)[:, None]
    # The kerb at the corner (+x, +y): a quarter circle about that corner of the junction, from east to north.
    arc = np.array([half_x, half_y]) - _CORNER_M * np.concatenate([np.sin(angle), np.cos(angle)], axis=1)
    assert np.allclose(arc[0], [half_x, main_half])
    assert np.allclose(arc[-1], [side_half, half_y])
    mirror_x, mirror_y = np.array([-1.0, 1.0]), np.array([1.0, -1.0])
    return np.concatenate([arc, (arc * mirror_x)[::-1], -arc, (arc * mirror_y)[::-1]])


def _connectors(origin: _Arm, target: _Arm, *, entries: list[Lane], exits: list[Lane]) -> list[Lane]:
    """Return the lanes that lead from one arm of a junction (its `entries`) into another (its `exits`)."""
    ahead, onward = origin.axis.tangent[0], -target.axis.tangent[0]
    turn = ahead[0] * onward[1] - ahead[1] * onward[0]
    pairs: list[tuple[Lane, Lane]] = []
    if abs(turn) < 0.5:
        pairs = [(a, b) for a, b in zip(entries, exits)]
    elif turn < 0:
        pairs = [(entries[0], exits[0])]
    else:
        count = origin.profile.lanes - 1, target.profile.lanes - 1
        pairs = [(entries[count[0]], exits[count[1]])]
    return [_connector(a, b) for a, b in pairs]


def _connector(entry: Lane, leave: Lane) -> Lane:
    def curve(start: Point, end: Point) -> Points:
        ahead, onward = Line(entry.center_m).tangent[-1], Line(leave.center_m).tangent[0]
        gap = end - start
        forth, back = abs(gap @ ahead), abs(gap @ onward)
        if abs(ahead @ onward) > 0.5:
            forth = back = forth / 3 / _KAPPA
        steps = np.linspace(0.0, 1.0, 17)[:, None]
        control = start, start + _KAPPA * forth * ahead, end - _KAPPA * back * onward, end
        weight = (1 - steps) ** 3, 3 * steps * (1 - steps) ** 2, 3 * steps**2 * (1 - steps), steps**3
        return sum(w * c for w, c in zip(weight, control))

    return Lane(
        id=f"{entry.id}>{leave.id}",
        center_m=curve(entry.center_m[-1], leave.center_m[0]),
        left_m=curve(entry.left_m[-1], leave.left_m[0]),
        right_m=curve(entry.right_m[-1], leave.right_m[0]),
        kind=entry.kind,
        junction=True,
        successors=(leave.id,),
        speed_limit_mps=entry.speed_limit_mps,
    )


def _with_successors(lanes: list[Lane], connectors: list[Lane]) -> list[Lane]:
    onward: dict[str, list[str]] = {}
    for connector in connectors:
        onward.setdefault(connector.id.split(">")[0], []).append(connector.id)
    return [replace(lane, successors=tuple(onward.get(lane.id, ()))) for lane in lanes]


def _placed(flat: HDMap, *, heading_rad: float) -> HDMap:
    """Turn a map about the origin and move it so that it has MARGIN_M on all sides; name it by what it holds."""
    cos, sin = np.cos(heading_rad), np.sin(heading_rad)
    turn = np.array([[cos, -sin], [sin, cos]])
    outline = np.concatenate([points for lane in flat.lanes for points in (lane.left_m, lane.right_m)]) @ turn.T
    shift = MARGIN_M - outline.min(axis=0)
    size = np.ceil(outline.max(axis=0) + shift + MARGIN_M)

    def move(points: Points) -> Points:
        return points @ turn.T + shift

    def area(item: Area) -> Area:
        return replace(item, polygon=Polygon(exterior_m=move(item.polygon.exterior_m)))

    lanes = tuple(
        replace(lane, center_m=move(lane.center_m), left_m=move(lane.left_m), right_m=move(lane.right_m))
        for lane in flat.lanes
    )
    digest = hashlib.sha256(b"".join(np.round(lane.center_m, 3).tobytes() for lane in lanes)).hexdigest()[:8]
    return replace(
        flat,
        location=f"straight-{digest}",
        canvas_m=(float(size[0]), float(size[1])),
        lanes=lanes,
        crossings=tuple(map(area, flat.crossings)),
        carparks=tuple(map(area, flat.carparks)),
        junctions=tuple(map(area, flat.junctions)),
        drivable=tuple(map(area, flat.drivable)),
    )
