"""Who sets out, from where, along which way: individuals and their journeys in SUMO's words.

Everybody wanders: a random walk over the road graph, long enough for the whole simulation. Most are on the
road from the start; some enter later where roads begin at the network's rim.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from adapters.scene.sumo.fleet import BREEDS, PLACE_FACTORS, Vehicle, Walker, draw_vehicle, draw_walker
from adapters.scene.sumo.network import Network
from adapters.scene.sumo.roadmap import is_sidewalk

ENTER_LATER = 0.3
"""Share of the vehicles that enter at the rim."""
FASTEST_MPS = 25.0


def populate(
    network: Network, *, density: Mapping[str, float], span_s: float, rng: np.random.Generator
) -> tuple[dict[str, Vehicle], dict[str, Walker], list[str]]:
    """Draw everyone and write their journeys, sorted by departure as SUMO wants them.

    density: by breed and `pedestrian`, per kilometre and direction; the place and the hour change it somewhat.
    """
    edges = [edge for edge in network.net.getEdges(withInternal=False) if not edge.isSpecial()]
    kilometres = sum(edge.getLength() for edge in edges) / 1000.0
    factors = PLACE_FACTORS[network.place]
    liveliness = float(np.exp(rng.normal(0.0, 0.3)))
    counts = {
        name: int(rng.poisson(per_km * factors.get(name, 1.0) * liveliness * kilometres))
        for name, per_km in density.items()
    }
    vehicles = [
        draw_vehicle(f"{breed}-{number}", breed, rng=rng) for breed in BREEDS for number in range(counts.get(breed, 0))
    ]
    walkers = [draw_walker(f"pedestrian-{number}", rng=rng) for number in range(counts.get("pedestrian", 0))]
    journeys = [*_drives(vehicles, net=network.net, span_s=span_s, rng=rng)]
    journeys += _walks(walkers, net=network.net, span_s=span_s, rng=rng)
    lines = [line for _, line in sorted(journeys, key=lambda journey: journey[0])]
    return {one.id: one for one in vehicles}, {one.id: one for one in walkers}, lines


def _drives(
    vehicles: Sequence[Vehicle], *, net: Any, span_s: float, rng: np.random.Generator
) -> Iterator[tuple[float, str]]:
    """Yield departures and journeys of vehicles."""
    ways = _ways(net)
    edges = sorted(ways)
    lengths = np.array([net.getEdge(edge).getLength() for edge in edges])
    rims = [edge for edge in edges if len(net.getEdge(edge).getFromNode().getIncoming()) == 1]
    for vehicle in vehicles:
        enters = bool(rims) and rng.random() < ENTER_LATER
        start = str(rng.choice(rims)) if enters else edges[rng.choice(len(edges), p=lengths / lengths.sum())]
        depart_s = round(float(rng.uniform(0.0, span_s)), 1) if enters else 0.0
        route = _wander(start, ways=ways, net=net, length_m=FASTEST_MPS * span_s, rng=rng)
        yield depart_s, _driving(vehicle, route=route, depart_s=depart_s, enters=enters, rng=rng)


def _walks(
    walkers: Sequence[Walker], *, net: Any, span_s: float, rng: np.random.Generator
) -> Iterator[tuple[float, str]]:
    """Yield departures and journeys of people on foot."""
    paths = _paths(net)
    for walker in walkers if paths else ():
        start = str(rng.choice(sorted(paths)))
        route = _wander(start, ways=paths, net=net, length_m=2 * walker.speed_mps * span_s + 60.0, rng=rng)
        position_m = float(rng.uniform(0.05, 0.95)) * net.getEdge(start).getLength()
        yield 0.0, _walking(walker, route=route, position_m=position_m)


def _ways(net: Any) -> dict[str, list[str]]:
    """Return, for each edge that cars may use, the edges they may turn into."""
    ways: dict[str, list[str]] = {}
    for edge in net.getEdges(withInternal=False):
        if not edge.isSpecial():
            after = {
                way.getTo().getID()
                for ways_there in edge.getOutgoing().values()
                for way in ways_there
                if way.getFromLane().allows("passenger") and way.getToLane().allows("passenger")
            }
            ways[edge.getID()] = sorted(after)
    return ways


def _paths(net: Any) -> dict[str, list[str]]:
    """Return, for each edge with a sidewalk, the others that one can walk on to."""
    walkable = {
        edge.getID(): edge
        for edge in net.getEdges(withInternal=False)
        if not edge.isSpecial() and any(is_sidewalk(lane) for lane in edge.getLanes())
    }
    at_node: dict[str, list[str]] = defaultdict(list)
    for name, edge in walkable.items():
        if len(edge.getToNode().getIncoming()) > 1:
            at_node[edge.getToNode().getID()].append(name)
        if len(edge.getFromNode().getIncoming()) > 1:
            at_node[edge.getFromNode().getID()].append(name)
    return {
        name: sorted({near for end in (edge.getFromNode(), edge.getToNode()) for near in at_node[end.getID()]} - {name})
        for name, edge in walkable.items()
    }


def _wander(
    start: str, *, ways: Mapping[str, Sequence[str]], net: Any, length_m: float, rng: np.random.Generator
) -> list[str]:
    """Return a random walk over edges of at least `length_m`, shorter if it ends at the rim."""
    route, travelled = [start], 0.0
    while travelled < length_m and ways[route[-1]]:
        onwards = [edge for edge in ways[route[-1]] if len(route) < 2 or edge != route[-2]]
        if not onwards:
            break
        route.append(str(rng.choice(onwards)))
        travelled += net.getEdge(route[-1]).getLength()
    return route


def _driving(vehicle: Vehicle, *, route: list[str], depart_s: float, enters: bool, rng: np.random.Generator) -> str:
    kin = BREEDS[vehicle.breed]
    length, (_, width, height) = vehicle.length_m, vehicle.body.size_lwh_m
    narrow = width < 1.0
    pace = float(np.clip(rng.normal(1.0, 0.08), 0.8, 1.2))
    where = "base" if enters else "random_free"
    return (
        f'<vType id="type-{vehicle.id}" vClass="{kin.sumo_class}" length="{length:.2f}" width="{width:.2f}" '
        f'height="{height:.2f}" minGap="{1.2 if narrow else 2.2}" accel="{kin.accel_mps2}" decel="{kin.decel_mps2}" '
        f'emergencyDecel="8" maxSpeed="{kin.max_speed_mps}" speedFactor="{pace:.3f}" sigma="0.3" maxSpeedLat="0.9" '
        f'minGapLat="{0.5 if narrow else 0.6}" latAlignment="{"right" if kin.sumo_class == "bicycle" else "center"}" '
        f'jmIgnoreKeepClearTime="-1" lcSublane="0.5" lcPushy="0" lcMaxSpeedLatStanding="0" lcMaxSpeedLatFactor="0.3"/>'
        f'<vehicle id="{vehicle.id}" type="type-{vehicle.id}" depart="{depart_s}" departLane="best_prob" '
        f'departPos="{where}" departSpeed="desired"><route edges="{" ".join(route)}"/></vehicle>'
    )


def _walking(walker: Walker, *, route: list[str], position_m: float) -> str:
    _, width, _ = walker.body.size_lwh_m
    return (
        f'<vType id="type-{walker.id}" vClass="pedestrian" width="{max(width, 0.6):.2f}" length="0.5" minGap="0.4" '
        f'maxSpeed="{walker.speed_mps:.2f}" speedDev="0"/>'
        f'<person id="{walker.id}" type="type-{walker.id}" depart="0" departPos="{position_m:.1f}">'
        f'<walk edges="{" ".join(route)}"/></person>'
    )
