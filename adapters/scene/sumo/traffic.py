"""Drive SUMO: put individuals on a network, let them find their rhythm, and write down where each one was.

libsumo is one simulation per process. It is started and closed for every scene, so that nothing of one scene
reaches the next; files lie in the attempt's own folder.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from adapters.scene.sumo.demand import populate
from adapters.scene.sumo.fleet import Vehicle, Walker
from adapters.scene.sumo.motion import STEP_S, yaw_of_sumo
from adapters.scene.sumo.network import Network, missing
from adapters.scene.sumo.worksites import Worksite
from datagen.errors import ClipError, DependencyError

PRE_ROLL_S = 4.0
"""Recorded before the clip, so that smoothing and trailing bodies have settled when it begins."""
POST_ROLL_S = 2.0
NET, DEMAND, LOG = "net.xml", "demand.rou.xml", "sumo.log"


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
    vehicles, walkers, demand = populate(network, density=density, span_s=warm_up_s + duration_s, rng=rng)
    blocks = [_blocking(site) for site in worksites]
    seed = int(rng.integers(2**31 - 1))
    with tempfile.TemporaryDirectory(prefix="sumo-", dir=workdir) as folder:
        (Path(folder) / NET).write_bytes(network.xml)
        (Path(folder) / DEMAND).write_text("<routes>\n" + "\n".join(blocks + demand) + "\n</routes>\n")
        tracks = _record(Path(folder), seed=seed, warm_up_s=warm_up_s, duration_s=duration_s)
    return Traffic(
        vehicles=vehicles,
        walkers=walkers,
        tracks={name: track for name, track in tracks.items() if name in vehicles or name in walkers},
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


def _record(folder: Path, *, seed: int, warm_up_s: float, duration_s: float) -> dict[str, Track]:
    """Run the simulation and return the tracks around the clip."""
    libsumo = libsumo_module()
    first, last = round(-PRE_ROLL_S / STEP_S), round((duration_s + POST_ROLL_S) / STEP_S)
    options = [
        *("-n", str(folder / NET), "-r", str(folder / DEMAND), "--seed", str(seed)),
        *("--step-length", str(STEP_S), "--lateral-resolution", "0.8", "--step-method.ballistic", "true"),
        *("--collision.action", "none", "--collision.check-junctions", "false", "--time-to-teleport", "-1"),
        *("--ignore-route-errors", "true", "--max-depart-delay", "8", "--extrapolate-departpos", "true"),
        *("--pedestrian.striping.stripe-width", "0.8", "--pedestrian.striping.jamtime", "30"),
        *("--no-warnings", "true", "--no-step-log", "true", "--message-log", str(folder / LOG)),
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
        log = (folder / LOG).read_text()[-500:] if (folder / LOG).exists() else ""
        raise ClipError(f"SUMO refused: {error}; its log ends with: {log}") from error
    return {
        name: Track(
            first_step=note.first_step, front_m=np.array(note.points), start_yaw_rad=yaw_of_sumo(note.start_deg)
        )
        for name, note in sorted(notes.items())
    }


@contextlib.contextmanager
def _running(libsumo: Any, options: list[str]) -> Iterator[None]:
    """Hold the process's one simulation, and let go of it whatever happens."""
    try:
        libsumo.start(["sumo", *options])
        yield
    finally:
        if libsumo.simulation.isLoaded():
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
