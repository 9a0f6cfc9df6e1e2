"""Everybody else: traffic that follows its lane, parked cars, people on the walkways. It never spoils the event."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import shapely
from jaxtyping import Float

from datagen.scene import Category, Lane, LaneKind, Place, Posture
from datagen.scene.line import Line
from datagen.traffic.cast.kerbside import FROM_KERB_M, kerb_line
from datagen.traffic.cast.on_foot import pace_mps
from datagen.traffic.limits import limits_of
from datagen.traffic.looks import drawn
from datagen.traffic.needs import AT_KERB
from datagen.traffic.people import stand, walk
from datagen.traffic.role import Body, Role, body_of, driver_of
from datagen.traffic.route import GRID_M, Route
from datagen.traffic.script import WARM_UP_S, cruise
from datagen.traffic.setting import Setting

_MIX = {
    Category.CAR: 0.80,
    Category.TRUCK: 0.08,
    Category.BUS: 0.04,
    Category.MOTORCYCLE: 0.05,
    Category.AMBULANCE: 0.01,
    Category.POLICE: 0.01,
    Category.TRAILER: 0.01,
}
_PEOPLE = {Category.ADULT: 0.85, Category.CHILD: 0.1, Category.PERSONAL_MOBILITY: 0.03, Category.STROLLER: 0.02}
_SIGHT_M = 75.0
_ASIDE_M = 2.6
"""Whoever is further to the side of a lane's middle is not on it."""
_GAP_S, _GAP_M = (3.0, 7.5), 8.0
"""From when on and until when nobody comes so near to where somebody waits for a gap."""
_MINDS_M = 110.0
"""Whoever is further away than this is in nobody's way when the clip starts."""


def background(setting: Setting, event: Sequence[Role], *, density: float, rng: np.random.Generator) -> Iterator[Role]:
    """Yield traffic, parked cars and people around the ego.

    density: 1 is an ordinary street (some 12 who drive, 8 parked, 10 on foot), 0 is nobody.
    """
    if density <= 0:
        return
    yield from _traffic(setting, event, count=round(12 * density), rng=rng)
    if setting.plan.ambience.place is not Place.HIGHWAY:
        absent = setting.plan.absent
        riders = 0 if absent.cyclists else int(rng.binomial(3, min(0.5 * density, 1.0)))
        yield from _cyclists(setting, event, count=riders, rng=rng)
        yield from _parked(setting, event, count=0 if absent.parked else round(9 * density), rng=rng)
        share = {Place.DOWNTOWN: 1.0, Place.RESIDENTIAL: 0.7, Place.PARK: 0.9, Place.INDUSTRIAL: 0.4}
        count = 0 if absent.people else round(10 * density * share[setting.plan.ambience.place])
        yield from _people(setting, event, count=count, rng=rng)


def _traffic(setting: Setting, event: Sequence[Role], *, count: int, rng: np.random.Generator) -> Iterator[Role]:
    """Yield vehicles on free places of the lanes near the ego, each going straight on at its own pace."""
    taken = _Taken(setting, event)
    places = list(_places(setting, rng))
    made = 0
    for lane, route, s in places:
        if made >= count:
            return
        category = drawn(_MIX, rng=rng)
        body = body_of(f"traffic-{made}", category, kind=None, color=None, rng=rng)
        speed = setting_speed(setting, lane) * float(rng.uniform(0.85, 1.08))
        speed = min(speed, limits_of(category).top_mps)
        if not taken.is_free(route, s, body=body, speed=speed):
            continue
        script = cruise(setting.times_s, speed, limits=limits_of(category))
        role = Role(body=body, driver=driver_of(body, route, script, s_m=s, speed_mps=speed))
        taken.add(role)
        made += 1
        yield role


def _cyclists(setting: Setting, event: Sequence[Role], *, count: int, rng: np.random.Generator) -> Iterator[Role]:
    """Yield cyclists on bike lanes."""
    lanes = [lane for lane in setting.hdmap.lanes if lane.kind is LaneKind.BIKE and not lane.junction]
    taken = _Taken(setting, event)
    for number in range(count if lanes else 0):
        lane = lanes[int(rng.integers(len(lanes)))]
        route = setting.network.route(lane)
        if route is None:
            continue
        near = float(route.line.project(setting.route.line.at(setting.s_m)[0])[0][0])
        s = near + float(rng.uniform(-20.0, 45.0))
        body = body_of(f"cyclist-{number}", Category.BICYCLE, kind=None, color=None, rng=rng)
        speed = float(rng.uniform(3.5, 6.0))
        if s < 6.0 or not taken.is_free(route, s, body=body, speed=speed):
            continue
        script = cruise(setting.times_s, speed, limits=limits_of(Category.BICYCLE))
        role = Role(body=body, driver=driver_of(body, route, script, s_m=s, speed_mps=speed))
        taken.add(role)
        yield role


def setting_speed(setting: Setting, lane: Lane) -> float:
    """Return about how fast traffic flows on a lane: as the ego where it drives, else near the limit."""
    usual = 0.78 * lane.speed_limit_mps
    said = setting.speed_mps if setting.speed_mps > 4.0 else usual
    return float(min(said, lane.speed_limit_mps) if lane.id == setting.lane.id else 0.5 * (usual + said))


def _places(setting: Setting, rng: np.random.Generator) -> list[tuple[Lane, Route, float]]:
    """Return places on lanes around the ego, in random order, at least 14 m apart on each lane."""
    ego = setting.route.line.at(setting.s_m)[0]
    places = []
    for lane in setting.hdmap.lanes:
        if lane.junction or lane.kind is not LaneKind.CAR or setting.network.ends_early(lane):
            continue
        route = setting.network.route(lane)
        if route is None:
            continue
        at, aside = route.line.project(ego)
        if abs(float(aside[0])) > 90.0:
            continue
        length = Line(lane.center_m).length_m
        step = 15.0 + 0.9 * setting.speed_mps
        first = float(at[0]) - _SIGHT_M + float(rng.uniform(0.0, step))
        for s in np.arange(first, float(at[0]) + 2.2 * _SIGHT_M, step):
            jittered = float(s + rng.uniform(-3.0, 3.0))
            if 9.0 < jittered < length - 12.0:
                places.append((lane, route, jittered))
    halfway = setting.route.line.at(setting.ego_at(setting.duration_s / 2))[0][0]
    here = np.array(
        [route.line.points_m[min(round(s / GRID_M), len(route.line.points_m) - 1)] for _, route, s in places]
    )
    away = np.linalg.norm(here.reshape(-1, 2) - halfway, axis=1)
    order = np.argsort(away + rng.uniform(0.0, 30.0, len(places)))
    return [places[i] for i in order]


class _Taken:
    """Where somebody drives or is about to: background keeps out of it."""

    def __init__(self, setting: Setting, event: Sequence[Role]) -> None:
        self._setting = setting
        self._all: list[tuple[float, float, float, float]] = []
        for role in event:
            if role.driver is not None:
                self.add(role)
        self._walks = [role.walk for role in event if role.walk is not None and role.in_the_way]
        self._waiting = [role.walk for role in event if role.walk is not None and role.crossing is not None]
        # The stretch of the ego's direction where the event happens belongs to those who act in it.
        actors = [role for role in event if role.event and role.driver is not None]
        self._stage = [float(setting.route.line.project(_place(role))[0][0]) for role in actors]

    def add(self, role: Role) -> None:
        assert role.driver is not None
        x, y = _place(role)[0]
        self._all.append((x, y, role.driver.size_lwh_m[0], role.driver.speed_mps))

    def is_free(self, route: Route, s: float, *, body: Body, speed: float) -> bool:
        here, heading = route.line.at(s)
        if not self._off_stage(here, heading):
            return False
        others = np.array(self._all)
        size, other_speed = others[:, 2], others[:, 3]
        room = (body.size_lwh_m[0] + size) / 2 + 3.0
        # Nobody is nearer along the road than as the crow flies, less how far aside he is.
        most = room + 0.7 * speed + 2.0 * np.abs(speed - other_speed) + _ASIDE_M
        near = (others[:, 0] - here[0, 0]) ** 2 + (others[:, 1] - here[0, 1]) ** 2 < np.minimum(most, _MINDS_M) ** 2
        if not near.any():
            return self._clear_of_walks(route, s, speed)
        along, across = route.line.project(others[near, :2])
        room, other_speed = room[near], other_speed[near]
        closing = np.maximum(np.where(along > s, speed - other_speed, other_speed - speed), 0.0)
        blocked = (np.abs(across) < _ASIDE_M) & (np.abs(along - s) < room + 0.7 * speed + 2.0 * closing)
        return not blocked.any() and self._clear_of_walks(route, s, speed)

    def _off_stage(self, here: Float[np.ndarray, "1 2"], heading: Float[np.ndarray, "1"]) -> bool:
        """Say whether a place on the ego's side is behind the ego or well beyond all who act."""
        along, across = self._setting.route.line.project(here)
        ego_heading = self._setting.route.line.at(float(along[0]))[1]
        same_way = np.cos(heading[0] - ego_heading[0]) > 0.5
        if not same_way or abs(float(across[0])) > 6.0 or not self._stage:
            return True
        ego = float(self._setting.progress_m[0])
        low = min(ego, *self._stage) - 10.0 - self._setting.speed_mps
        return not low < float(along[0]) < max(ego, *self._stage) + 30.0

    def _clear_of_walks(self, route: Route, s: float, speed: float) -> bool:
        """Say whether one could still stop for those who cross the road, and leaves those a gap who wait for one."""
        for somebody in self._waiting:
            place = float(route.line.project(somebody.xy_m[:1])[0][0])
            if s + _GAP_S[0] * speed - _GAP_M < place < s + _GAP_S[1] * speed + _GAP_M:
                return False
        for somebody in self._walks:
            along, across = route.line.project(somebody.xy_m[::5])
            near = np.abs(across) < 3.0
            if np.any(near):
                place = float(np.median(along[near]))
                if -6.0 < place - s < speed**2 / 4.0 + 1.2 * speed + 8.0:
                    return False
        return True


def _place(role: Role) -> Float[np.ndarray, "1 2"]:
    assert role.driver is not None
    return role.driver.route.line.at(role.driver.s_m, role.driver.d_m)[0]


def _parked(setting: Setting, event: Sequence[Role], *, count: int, rng: np.random.Generator) -> Iterator[Role]:
    """Yield parked cars on the strips beside the ego's route."""
    middle = setting.ego_at(setting.duration_s / 2)
    grid = np.arange(middle - 45.0, middle + 60.0, 6.6)
    spots = [
        (side, *spot)
        for side in ("right", "left")
        for spot in kerb_line(setting, grid + rng.uniform(-0.4, 0.4, len(grid)), side=side)
    ]
    used = [tuple(role.walk.xy_m[0].tolist()) for role in event if role.walk is not None]
    crossing = [role.walk.xy_m for role in event if role.walk is not None and role.in_the_way]
    ways = np.concatenate(crossing) if crossing else np.empty((0, 2))
    free = list(_kept_free(setting, event))
    made = 0
    for index in rng.permutation(len(spots)):
        if made >= count:
            return
        side, s, kerb, inwards, yaw = spots[index]
        if any(side == free_side and low < s < high for free_side, low, high in free):
            continue
        category = Category.CAR if rng.random() < 0.93 else Category.TRUCK
        kind = "box" if category is Category.TRUCK else None
        body = body_of(f"parked-{made}", category, kind=kind, color=None, rng=rng)
        if body.size_lwh_m[1] > 2.3:
            continue
        xy = kerb + (body.size_lwh_m[1] / 2 + FROM_KERB_M) * inwards
        if shapely.contains_xy(setting.network.kept_clear, xy[0], xy[1]):
            continue
        reach = body.size_lwh_m[0] / 2
        x, y = float(xy[0]), float(xy[1])
        if any((x - a) ** 2 + (y - b) ** 2 < (reach + 4.2) ** 2 for a, b in used):
            continue
        if len(ways) and np.min((ways[:, 0] - x) ** 2 + (ways[:, 1] - y) ** 2) < (reach + 7.0) ** 2:
            continue
        used.append((x, y))
        made += 1
        lean = float(rng.normal(0.0, 0.012))
        yield Role(body=body, walk=stand(xy, yaw + lean, setting.times_s), posture=Posture.PARKED)


def _kept_free(setting: Setting, event: Sequence[Role]) -> Iterator[tuple[str, float, float]]:
    """Yield side and stretch of the kerbs, metres along the ego's route, where somebody pulls over or out."""
    for role in event:
        if role.driver is None or not any(act.do in (*AT_KERB, "swerve") for act in role.acts):
            continue
        here, heading = role.driver.route.line.at(role.driver.s_m, role.driver.d_m)
        start = float(setting.route.line.project(here)[0][0])
        comes = np.cos(float(heading[0]) - float(setting.route.line.at(start)[1][0])) < 0.0
        reach = role.driver.speed_mps * setting.duration_s + 25.0
        yield ("left", start - reach, start + 9.0) if comes else ("right", start - 9.0, start + reach)


def _people(setting: Setting, event: Sequence[Role], *, count: int, rng: np.random.Generator) -> Iterator[Role]:
    """Yield people who walk on lines parallel to the kerb, most of them, and some who stand."""
    tracks = setting.network.kerb_tracks
    middle = setting.route.line.at(setting.ego_at(setting.duration_s / 2))[0][0]
    tracks = (*tracks, *(Line(line.points_m[::-1]) for line in tracks))
    nearby = [np.flatnonzero(np.sum((line.points_m - middle) ** 2, axis=1) < 55.0**2) for line in tracks]
    walks = [role.walk.xy_m for role in event if role.walk is not None]
    paths = np.empty((len(walks) + count, len(setting.times_s), 2))
    paths[: len(walks)] = walks if walks else paths[:0]
    made = 0
    for _ in range(3 * count):
        if made >= count:
            return
        which = int(rng.integers(len(tracks)))
        line, near = tracks[which], nearby[which]
        if len(near) == 0:
            return
        start = float(line.along_m[near[int(rng.integers(len(near)))]])
        category = drawn(_PEOPLE, rng=rng)
        body = body_of(f"person-{made}", category, kind=None, color=None, rng=rng)
        speed = pace_mps(category, hard=False, rng=rng)
        if rng.random() < 0.15:
            xy, yaw = line.at(start)
            going = stand(xy[0], float(yaw[0]) + float(rng.uniform(-3.1, 3.1)), setting.times_s)
        else:
            start = float(np.clip(start, 2.0 + WARM_UP_S * speed, line.length_m - speed * (setting.duration_s + 3.0)))
            going = walk(line, setting.times_s, at_start_m=start, speed_mps=speed, sway=float(rng.uniform(0, 6.28)))
        there = len(walks) + made
        if np.min(np.sum((paths[:there] - going.xy_m) ** 2, axis=2), initial=np.inf) < 1.0:
            continue
        paths[there] = going.xy_m
        made += 1
        yield Role(body=body, walk=going)
