"""Traffic on lanes that were drawn after a scene was driven: side streets and turnings are not left empty.

```
                 │ ↓ │ ↑ │
                 │ □ │   │        □  added: it keeps its lane, and its distance from all who are there already
   ──────────────┘   │ □ └──────
    ← ■          ■               ■  there already: it knows nothing of the added
   ──────────────┐   │   ┌──────
       ego → ∙∙∙∙∙∙∙∙∙∙∙∙∙∙∙∙     ∙  the way ahead of the ego stays as it is
```
Whoever would come near somebody of the scene, or breaks a rule, is left out again: the scene itself never changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import numpy as np
from jaxtyping import Bool, Float

from datagen.scene import Actor, Category, Lane, LaneKind, Scene
from datagen.scene.line import Line
from datagen.traffic import rules
from datagen.traffic.driven import actor_of, driven
from datagen.traffic.limits import drives, limits_of
from datagen.traffic.looks import drawn
from datagen.traffic.motion import Walkers, drive
from datagen.traffic.role import Role, body_of, driver_of
from datagen.traffic.route import Network, Route
from datagen.traffic.script import STEP_S, TAIL_S, WARM_UP_S, cruise, times_s
from datagen.traffic.tracks import Tracks

_MIX = {Category.CAR: 0.88, Category.TRUCK: 0.07, Category.MOTORCYCLE: 0.05}
_ORDINARY = 6
"""How many are added at a density of 1: half as many as drive on an ordinary street."""
_EVERY_M, _ENDS_M = 22.0, 10.0
"""Places on a lane are so far apart, and so far from its ends."""
_SIGHT_M = 80.0
_PACE = 0.75
"""Of the speed limit: how fast one drives on a side street."""
_FREE_M = 14.0
"""Nobody begins nearer than this to anybody who is there already."""
_AHEAD_M, _ASIDE_M = 50.0, 2.8
"""What lies so near ahead of the ego and so near to its way belongs to the scene."""
_ROOM_LW_M = (3.0, 0.8)
"""By so much an added vehicle is thought longer and wider when it is held against the others."""


def with_traffic_on(scene: Scene, *, density: float, rng: np.random.Generator) -> Scene:
    """Return the scene with vehicles added on the lanes of its map: up to six at a density of 1.

    Its actors come first and as they were; the added ones are called `drawn-lane-0`, `drawn-lane-1` …, with gaps where
    somebody was left out again.
    """
    network, tracks = Network(scene.hdmap), Tracks.of(scene, step_s=STEP_S)
    times = times_s((scene.ego.end_us - scene.ego.start_us) / 1e6 - TAIL_S)
    roles = list(islice(_drivers(network, tracks, times=times, rng=rng), round(_ORDINARY * density)))
    drivers = [role.driver for role in roles if role.driver is not None]
    if not drivers:
        return scene
    clip_us = scene.ego.start_us + np.round(times[round(WARM_UP_S / STEP_S) :] * 1e6).astype(np.int64)
    motion = drive(drivers, _there_already(tracks, len(times)), steps=len(times))
    added = []
    for column, role in enumerate(roles):
        trajectory = driven(role, motion, column, times=clip_us)
        if trajectory is not None:
            added.append(actor_of(role, trajectory))
    return _lawful(scene, added, network=network)


def _drivers(
    network: Network, tracks: Tracks, *, times: Float[np.ndarray, "steps"], rng: np.random.Generator
) -> Iterator[Role]:
    """Yield drivers on free places within sight of the ego, the lanes in random order."""
    taken, number = tracks.xy_m[0, tracks.present[0]], -1
    for lane, route, s in _places(network, tracks, rng=rng):
        here = route.line.at(s)[0]
        if np.min(np.linalg.norm(taken - here, axis=1), initial=np.inf) < _FREE_M:
            continue
        taken, number = np.concatenate([taken, here]), number + 1
        category = drawn(_MIX, rng=rng)
        body = body_of(f"drawn-lane-{number}", category, kind=None, color=None, rng=rng)
        speed = min(_PACE * lane.speed_limit_mps, limits_of(category).top_mps) * float(rng.uniform(0.8, 1.1))
        script = cruise(times, speed, limits=limits_of(category))
        yield Role(body=body, driver=driver_of(body, route, script, s_m=s, speed_mps=speed))


def _places(network: Network, tracks: Tracks, *, rng: np.random.Generator) -> list[tuple[Lane, Route, float]]:
    """Return places on lanes within sight of where the ego is halfway, in random order."""
    halfway = tracks.xy_m[len(tracks.xy_m) // 2, 0]
    found = []
    for lane in network.hdmap.lanes:
        if lane.junction or lane.kind is not LaneKind.CAR:
            continue
        route = network.route(lane)
        if route is None:
            continue
        length = Line(lane.center_m).length_m
        for s in np.arange(_ENDS_M + rng.uniform(0.0, _EVERY_M), length - _ENDS_M, _EVERY_M):
            if np.linalg.norm(route.line.at(s)[0][0] - halfway) < _SIGHT_M:
                found.append((lane, route, float(s)))
    return [found[k] for k in rng.permutation(len(found))]


def _there_already(tracks: Tracks, steps: int) -> Walkers:
    """Return everybody of the scene as discs, three along each vehicle, over warm-up, clip and what follows it."""
    first = round(WARM_UP_S / STEP_S)
    step = np.clip(np.arange(steps) - first, 0, len(tracks.xy_m) - 1)
    before = np.minimum(np.arange(steps) - first, 0)[:, None, None] * STEP_S
    moving = tracks.velocity_mps[step] * tracks.present[step][..., None]
    middle = tracks.xy_m[step] + before * moving
    facing = np.stack([np.cos(tracks.yaw_rad[step]), np.sin(tracks.yaw_rad[step])], axis=-1)
    ever = tracks.present[step]
    middle = np.where(ever[..., None], middle, 1e6)
    places, speeds, radii = [], [], []
    for column, category in enumerate(tracks.categories):
        long = tracks.length_m[column] if drives(category) else 0.0
        for share in (-0.35, 0.0, 0.35) if long else (0.0,):
            places.append(middle[:, column] + share * long * facing[:, column])
            speeds.append(moving[:, column])
            radii.append(tracks.width_m[column] / 2)
    return Walkers(xy_m=np.stack(places, axis=1), velocity_mps=np.stack(speeds, axis=1), radius_m=np.array(radii))


def _lawful(scene: Scene, added: list[Actor], *, network: Network) -> Scene:
    """Return the scene with those of the added who break no rule, are in nobody's way and not ahead of the ego."""
    if not added:
        return scene
    tracks = Tracks.of(replace(scene, actors=(*scene.actors, *added)), network=network)
    names = {actor.id for actor in added}
    bad = {name for name, _ in rules.infeasible(tracks)}
    bad |= {*rules.off_road(tracks, network.surface), *rules.wrong_way(tracks, scene.hdmap)}
    bad |= {name for name, near in zip(tracks.ids, _ahead_of_ego(tracks)) if near}
    is_new = np.array([name in names for name in tracks.ids])
    wide = replace(
        tracks,
        length_m=tracks.length_m + is_new * _ROOM_LW_M[0],
        width_m=tracks.width_m + is_new * _ROOM_LW_M[1],
    )
    for one, other in rules.overlaps(wide):
        if not {one, other} & bad:
            bad.add(other if other in names else one)
    kept = tuple(actor for actor in added if actor.id not in bad)
    return replace(scene, actors=(*scene.actors, *kept))


def _ahead_of_ego(tracks: Tracks) -> Bool[np.ndarray, "bodies"]:
    """Say who is ever on the ego's way, between a little behind it and `_AHEAD_M` ahead."""
    found = np.zeros(len(tracks.ids), dtype=bool)
    ego = tracks.ego_way.project(tracks.xy_m[:, 0])[0]
    for column in range(1, len(tracks.ids)):
        along, across = tracks.ego_way.project(tracks.xy_m[:, column])
        near = (along - ego > -_FREE_M) & (along - ego < _AHEAD_M) & (np.abs(across) < _ASIDE_M)
        found[column] = bool((near & tracks.present[:, column]).any())
    return found
