"""The kerb: how far it is, where one may stand at it, and who stands there already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import shapely
from jaxtyping import Float

from datagen.scene import Lane
from datagen.scene.line import Line
from datagen.traffic.role import Body, Role
from datagen.traffic.setting import Setting

FROM_KERB_M = 0.25


def kerb_shift_m(setting: Setting, lane: Lane, *, at_m: float, body: Body) -> float:
    """Return how far left of a lane's middle one stands at the right kerb: negative.

    at_m: about where, metres along the ego's route. Stretches without room to park beside the lane count only
    where there are no others nearby.
    """
    line = Line(lane.center_m)
    middle = float(line.project(setting.route.line.at(at_m)[0])[0][0])
    rooms = [_to_edge_m(setting, line, middle + onward) for onward in (0.0, 6.0, -6.0, 12.0)]
    room = max((found for found in rooms if found is not None), default=1.75)
    swings = 0.022 * room * max(body.size_lwh_m[0] - 4.0, 0.0)  # the front of somebody long gets there before its rear
    return -max(room - body.size_lwh_m[1] / 2 - FROM_KERB_M - swings, 0.3)


def _to_edge_m(setting: Setting, line: Line, s_m: float) -> float | None:
    """Return how far the drivable surface reaches to the right of a line; None where it goes on for ever."""
    point, heading = line.at(s_m)
    rightwards = np.array([np.sin(heading[0]), -np.cos(heading[0])])
    probe = shapely.LineString([point[0], point[0] + 15.0 * rightwards])
    parts = shapely.get_parts(probe.intersection(setting.network.surface))
    inside = [part.length for part in parts if part.distance(shapely.Point(point[0])) < 0.1]
    return inside[0] if inside and inside[0] < 9.0 else None


def kerb_spot(
    setting: Setting, s_m: float, *, side: str, width_m: float
) -> tuple[Float[np.ndarray, "2"], float] | None:
    """Return where to park beside the ego's route at `s_m`, and heading which way; None where one may not."""
    point, heading = setting.route.line.at(s_m)
    leftwards = np.array([-np.sin(heading[0]), np.cos(heading[0])]) * (1 if side == "left" else -1)
    probe = shapely.LineString([point[0], point[0] + 30.0 * leftwards])
    for strip in setting.network.parking:
        met = strip.intersection(probe)
        if met.is_empty or met.length < 1.5:
            continue
        far = float(max((shapely.get_coordinates(met) - point[0]) @ leftwards))
        xy = point[0] + (far - width_m / 2 - FROM_KERB_M) * leftwards
        if shapely.contains_xy(setting.network.kept_clear, xy[0], xy[1]):
            return None
        return xy, float(heading[0]) + (np.pi if side == "left" else 0.0)
    return None


def kerb_line(
    setting: Setting, s_m: Float[np.ndarray, "places"], *, side: str
) -> Iterator[tuple[float, Float[np.ndarray, "2"], Float[np.ndarray, "2"], float]]:
    """Yield (s, kerb, inwards, yaw) at those places along the ego's route where there is a strip to park on.

    kerb: the strip's far edge.  inwards: unit vector from it to the road.  yaw: of whoever parks there.
    """
    points, headings = setting.route.line.at(s_m)
    outwards = np.stack([-np.sin(headings), np.cos(headings)], axis=1) * (1 if side == "left" else -1)
    probes = shapely.linestrings(np.stack([points, points + 30.0 * outwards], axis=1))
    taken = np.zeros(len(points), dtype=bool)
    for strip in setting.network.parking:
        met = shapely.intersection(strip, probes)
        for k in np.flatnonzero((shapely.length(met) >= 1.5) & ~taken):
            taken[k] = True
            far = float(np.max((shapely.get_coordinates(met[k]) - points[k]) @ outwards[k]))
            yaw = float(headings[k]) + (np.pi if side == "left" else 0.0)
            yield float(s_m[k]), points[k] + far * outwards[k], -outwards[k], yaw


def beside_road(
    setting: Setting, s_m: float, *, side: str, beyond_m: float
) -> tuple[Float[np.ndarray, "2"], float] | None:
    """Return a place `beyond_m` outside the kerb beside the ego's route, and the road's heading there."""
    point, heading = setting.route.line.at(s_m)
    leftwards = np.array([-np.sin(heading[0]), np.cos(heading[0])]) * (1 if side == "left" else -1)
    probe = shapely.LineString([point[0], point[0] + 40.0 * leftwards])
    parts = shapely.get_parts(probe.intersection(setting.network.surface))
    inside = [part for part in parts if part.distance(shapely.Point(point[0])) < 0.1]
    if not inside or inside[0].length > 30.0:
        return None
    return point[0] + (inside[0].length + beyond_m) * leftwards, float(heading[0])


def stands_near(xy: Float[np.ndarray, "2"], others: Sequence[Role], *, length_m: float) -> bool:
    """Say whether somebody stands or walks where a body of a length shall stand."""
    for other in others:
        if other.walk is not None:
            room = (length_m + other.body.size_lwh_m[0]) / 2 + 0.8
            if np.min(np.linalg.norm(other.walk.xy_m - xy, axis=1)) < room:
                return True
    return False
