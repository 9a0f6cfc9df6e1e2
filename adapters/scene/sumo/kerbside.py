"""What stands beside the road: parked cars in the parking strips, bicycles and people on the pavement."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from adapters.scene.sumo.fleet import draw_body, draw_vehicle
from adapters.scene.sumo.network import Network
from adapters.scene.sumo.placed import Placed
from adapters.scene.sumo.polyline import arc_length_m, point_at
from adapters.scene.sumo.roadmap import center_of, is_parking, is_sidewalk
from datagen.scene import Category, Posture

CLEAR_OF_CROSSING_M = 7.0
PARKED_BREEDS = {"car": 0.90, "truck": 0.06, "motorcycle": 0.03, "trailer": 0.01}

LOWER = 0.7
"""Height of someone who sits, or of a bicycle without its rider, against the ordinary."""

Near = Callable[[np.ndarray], bool]
"""Whether a place is near enough to the ego's path to matter."""


def draw_kerbside(
    network: Network, *, near: Near, parked_share: float, standing_per_km: float, rng: np.random.Generator
) -> list[Placed]:
    """Return what stands beside the roads near the ego's path.

    parked_share: of the parking spaces that are taken.  standing_per_km: groups of people or bicycles, by sidewalk.
    """
    things: list[Placed] = []
    for edge in sorted(network.net.getEdges(withInternal=False), key=lambda edge: str(edge.getID())):
        for lane in edge.getLanes() if not edge.isSpecial() else ():
            if not any(near(point) for point in center_of(lane)):
                continue
            if is_parking(lane):
                things += _parked(lane, share=parked_share * float(rng.uniform(0.5, 1.3)), rng=rng)
            elif is_sidewalk(lane):
                things += _on_pavement(lane, per_km=standing_per_km, rng=rng)
    return [thing for thing in things if near(thing.at_m)]


def _parked(lane: Any, *, share: float, rng: np.random.Generator) -> Iterator[Placed]:
    """Fill a parking strip from its start, space by space."""
    line = center_of(lane)
    s, end = CLEAR_OF_CROSSING_M + rng.uniform(0.0, 3.0), arc_length_m(line)[-1] - CLEAR_OF_CROSSING_M
    while True:
        breed = str(rng.choice(list(PARKED_BREEDS), p=list(PARKED_BREEDS.values())))
        vehicle = draw_vehicle("parked", breed, rng=rng)
        length, width, _ = vehicle.body.size_lwh_m
        if s + vehicle.length_m > end:
            return
        if rng.random() < share and width < lane.getWidth() + 0.2:
            towed = [(vehicle.towed, length + vehicle.hitch_gap_m)] if vehicle.towed else []
            back = s + vehicle.length_m
            left = float(rng.normal(0.0, 0.07)) - max(0.0, (lane.getWidth() - width) / 2 - 0.25)
            for body, ahead in [(vehicle.body, 0.0), *towed]:
                middle = back - ahead - body.size_lwh_m[0] / 2
                (at,), (yaw,) = point_at(line, np.array([middle]), left_m=left)
                posture = Posture.RIDERLESS if breed == "motorcycle" else Posture.PARKED
                yield Placed(body=body, at_m=at, yaw_rad=float(yaw + rng.normal(0.0, 0.012)), posture=posture)
        s += vehicle.length_m + rng.uniform(0.7, 1.8)


def _on_pavement(lane: Any, *, per_km: float, rng: np.random.Generator) -> Iterator[Placed]:
    """Put groups along a sidewalk: bicycles by the kerb, people by the walls."""
    line = center_of(lane)
    total, half = float(arc_length_m(line)[-1]), lane.getWidth() / 2
    for _ in range(rng.poisson(per_km * total / 1000.0)):
        s = float(rng.uniform(0.05, 0.95)) * total
        what = str(rng.choice(["people", "bicycles", "rack", "clutter"], p=[0.62, 0.24, 0.06, 0.08]))
        if what == "people":
            yield from _group(line, s=s, left=-half + 0.3, rng=rng)
        elif what == "bicycles":
            yield from _bicycles(line, s=s, left=half - 0.35, rng=rng)
        else:
            category = Category.BICYCLE_RACK if what == "rack" else Category.PUSHABLE
            yield _beside(line, category, s=s, left=half - 1.0, turn_rad=0.0, posture=Posture.ACTIVE, rng=rng)


def _group(line: np.ndarray, *, s: float, left: float, rng: np.random.Generator) -> Iterator[Placed]:
    """A few people who talk or wait, now and then one who sits, a child, or a policeman."""
    for number in range(int(rng.integers(1, 5))):
        category = [Category.ADULT, Category.CHILD, Category.POLICE_OFFICER][rng.choice(3, p=[0.9, 0.07, 0.03])]
        posture = Posture.SITTING if rng.random() < 0.12 else Posture.ACTIVE
        turn = float(rng.uniform(-np.pi, np.pi))
        yield _beside(line, category, s=s + 0.95 * number, left=left, turn_rad=turn, posture=posture, rng=rng)


def _bicycles(line: np.ndarray, *, s: float, left: float, rng: np.random.Generator) -> Iterator[Placed]:
    """Bicycles that lean in a row along the kerb."""
    for number in range(int(rng.integers(1, 5))):
        turn = float(rng.normal(0.0, 0.05)) + np.pi * float(rng.integers(2))
        at = s + 2.1 * number
        yield _beside(line, Category.BICYCLE, s=at, left=left, turn_rad=turn, posture=Posture.RIDERLESS, rng=rng)


def _beside(
    line: np.ndarray,
    category: Category,
    *,
    s: float,
    left: float,
    turn_rad: float,
    posture: Posture,
    rng: np.random.Generator,
) -> Placed:
    (at,), (yaw,) = point_at(line, np.array([s]), left_m=left)
    body = draw_body(category, rng=rng)
    if posture is Posture.SITTING or category is Category.BICYCLE:
        length, width, height = body.size_lwh_m
        body = replace(body, size_lwh_m=(length, width, round(height * LOWER, 3)))
    return Placed(body=body, at_m=at, yaw_rad=float(yaw) + turn_rad, posture=posture)
