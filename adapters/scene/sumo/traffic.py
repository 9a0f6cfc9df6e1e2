"""Drive SUMO: put individuals on a network, let them find their rhythm, and write down where each one was.

libsumo is one simulation per process. It is started and closed for every scene, so that nothing of one scene
reaches the next; files lie in the attempt's own folder.
"""

from __future__ import annotations

import contextlib
import io
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from adapters.scene.sumo.fleet import BREEDS, PLACE_FACTORS, Vehicle, Walker, draw_vehicle, draw_walker
from adapters.scene.sumo.motion import STEP_S, yaw_of_sumo
from adapters.scene.sumo.network import Network, missing
from adapters.scene.sumo.roadmap import is_sidewalk
from adapters.scene.sumo.worksites import Worksite
from datagen.errors import ClipError, DependencyError

PRE_ROLL_S = 4.0
"""Recorded before the clip, so that smoothing and trailing bodies have settled when it begins."""
POST_ROLL_S = 2.0


@dataclass(frozen=True, kw_only=True)
class Track:
    """Where SUMO had one individual, on consecutive steps. front_m: front bumper (of people: the middle)."""

    first_step: int
    front_m: Float[np.ndarray, "steps 2"]
    start_yaw_rad: float


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Everyone's tracks; step 0 is the clip's first instant, earlier ones are negative."""

    vehicles: Mapping[str, Vehicle]
    walkers: Mapping[str, Walker]
    tracks: Mapping[str, Track]


@dataclass
class _Notes:
    first_step: int
    start_deg: float
    points: list[tuple[float, float]] = field(default_factory=list)


def simulate(
    network: Network,
    *,
    density: Mapping[str, float],
    worksites: Sequence[Worksite],
    warm_up_s: float,
    duration_s: float,
    workdir: Path,
    rng: np.random.Generator,
) -> Traffic:
    """Return the traffic of one scene.

    density: individuals per kilometre of road and direction, by breed and `pedestrian`.
    Raises ClipError when SUMO refuses, DependencyError when libsumo is missing.
    """
    vehicles, walkers, demand = _populate(network, density=density, span_s=warm_up_s + duration_s, rng=rng)
    (workdir / "net.xml").write_bytes(network.xml)
    blocks = [_blocking(site) for site in worksites]
    (workdir / "demand.rou.xml").write_text("<routes>\n" + "\n".join(blocks + demand) + "\n</routes>\n")
    seed = int(rng.integers(2**31 - 1))
    tracks = _record(workdir, seed=seed, warm_up_s=warm_up_s, duration_s=duration_s)
    return Traffic(
        vehicles=vehicles,
        walkers=walkers,
        tracks={name: track for name, track in tracks.items() if name in vehicles or name in walkers},
    )


def _populate(
    network: Network, *, density: Mapping[str, float], span_s: float, rng: np.random.Generator
) -> tuple[dict[str, Vehicle], dict[str, Walker], list[str]]:
    """Draw everyone and write their journeys, sorted by departure as SUMO wants them."""
    ways = _ways(network.net)
    edges = sorted(ways)
    lengths = np.array([network.net.getEdge(edge).getLength() for edge in edges])
    kilometres, shares = lengths.sum() / 1000.0, lengths / lengths.sum()
    factors = PLACE_FACTORS[network.place]
    liveliness = float(np.exp(rng.normal(0.0, 0.3)))
    counts = {
        name: rng.poisson(per_km * factors.get(name, 1.0) * liveliness * kilometres) for name, per_km in density.items()
    }
    vehicles: dict[str, Vehicle] = {}
    walkers: dict[str, Walker] = {}
    journeys: list[tuple[float, str]] = []
    rims = [edge for edge in edges if not network.net.getEdge(edge).getFromNode().getIncoming()[1:]]
    for breed in BREEDS:
        for number in range(counts.get(breed, 0)):
            vehicle = draw_vehicle(f"{breed}-{number}", breed, rng=rng)
            late = bool(rims) and rng.random() < 0.3
            start = str(rng.choice(rims)) if late else edges[rng.choice(len(edges), p=shares)]
            depart = round(float(rng.uniform(0.0, span_s)), 1) if late else 0.0
            route = _wander(start, ways=ways, net=network.net, length_m=25.0 * span_s, rng=rng)
            vehicles[vehicle.id] = vehicle
            journeys.append((depart, _driving(vehicle, route=route, depart_s=depart, enters=late, rng=rng)))
    paths = _paths(network.net)
    for number in range(counts.get("pedestrian", 0) if paths else 0):
        walker = draw_walker(f"pedestrian-{number}", rng=rng)
        start = str(rng.choice(sorted(paths)))
        route = _wander(start, ways=paths, net=network.net, length_m=2.5 * span_s + 60.0, rng=rng)
        walkers[walker.id] = walker
        position = float(rng.uniform(0.05, 0.95)) * network.net.getEdge(start).getLength()
        journeys.append((0.0, _walking(walker, route=route, position_m=position)))
    return vehicles, walkers, [line for _, line in sorted(journeys, key=lambda journey: journey[0])]


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
        f'jmIgnoreKeepClearTime="-1" lcSublane="0.5" lcPushy="0"/>'
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


def _blocking(site: Worksite) -> str:
    """Return a standing vehicle as long as the worksite: SUMO's drivers see it and change lanes in time."""
    if site.blocked_lane is None:
        return ""
    start, end = site.blocked_m
    return (
        f'<vType id="type-{site.id}" vClass="passenger" length="{end - start:.1f}" width="{site.width_m:.2f}" '
        f'minGap="1.0"/><vehicle id="{site.id}" type="type-{site.id}" depart="0" '
        f'departLane="{site.blocked_lane.rsplit("_", 1)[1]}" departPos="{end:.1f}" departSpeed="0">'
        f'<route edges="{site.edge}"/><stop lane="{site.blocked_lane}" endPos="{end:.1f}" duration="100000"/></vehicle>'
    )


def _record(workdir: Path, *, seed: int, warm_up_s: float, duration_s: float) -> dict[str, Track]:
    """Run the simulation and return the tracks around the clip."""
    libsumo = libsumo_module()
    first, last = round(-PRE_ROLL_S / STEP_S), round((duration_s + POST_ROLL_S) / STEP_S)
    options = [
        *("-n", str(workdir / "net.xml"), "-r", str(workdir / "demand.rou.xml"), "--seed", str(seed)),
        *("--step-length", str(STEP_S), "--lateral-resolution", "0.8", "--step-method.ballistic", "true"),
        *("--collision.action", "none", "--collision.check-junctions", "false", "--time-to-teleport", "-1"),
        *("--ignore-route-errors", "true", "--max-depart-delay", "8", "--extrapolate-departpos", "true"),
        *("--pedestrian.striping.stripe-width", "0.8", "--pedestrian.striping.jamtime", "30"),
        *("--no-warnings", "true", "--no-step-log", "true", "--message-log", str(workdir / "sumo.log")),
    ]
    notes: dict[str, _Notes] = {}
    try:
        with _running(libsumo, options):
            for _ in range(round(warm_up_s / STEP_S) + first):
                libsumo.simulationStep()
            for step in range(first, last + 1):
                libsumo.simulationStep()
                _write_down(libsumo.vehicle, notes, step=step)
                _write_down(libsumo.person, notes, step=step)
    except (libsumo.TraCIException, libsumo.exceptions.FatalTraCIError) as error:
        raise ClipError(f"SUMO refused: {error}; its log is {workdir / 'sumo.log'}") from error
    return {
        name: Track(
            first_step=note.first_step, front_m=np.array(note.points), start_yaw_rad=yaw_of_sumo(note.start_deg)
        )
        for name, note in sorted(notes.items())
    }


@contextlib.contextmanager
def _running(libsumo: Any, options: list[str]) -> Iterator[None]:
    """Hold the process's one simulation, and let go of it whatever happens."""
    if libsumo.simulation.isLoaded():
        libsumo.close()
    libsumo.start(["sumo", *options])
    try:
        yield
    finally:
        libsumo.close()


def _write_down(domain: Any, notes: dict[str, _Notes], *, step: int) -> None:
    for name in domain.getIDList():
        x, y = domain.getPosition(name)
        if x < -1e6:  # SUMO's word for "not on the road yet"
            continue
        note = notes.get(name)
        if note is None:
            note = notes[name] = _Notes(first_step=step, start_deg=domain.getAngle(name))
        if step == note.first_step + len(note.points):
            note.points.append((x, y))


def libsumo_module() -> Any:
    """Import libsumo without its greeting. Raises DependencyError where it is missing."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            import libsumo
    except ImportError as error:
        raise DependencyError(missing("libsumo")) from error
    return libsumo
