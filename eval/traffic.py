"""Does traffic move as real traffic does? Rules broken, motion nobody can make, and how far from a real log.

Everything is looked at every STEP_S, as often as a log is labelled, by the same code for every dataset: ours, a
simulator's, and the replay of a real log, which is the floor. Only vehicles that move at some time count.

| figure     | is                                                                                            |
|------------|-----------------------------------------------------------------------------------------------|
| collision  | share of vehicles whose box meets somebody's at any time (boxes shrunk by 5 cm a side)         |
| off-road   | share of vehicles of which a corner leaves the drivable surface by more than 0.35 m            |
| wrong way  | share of vehicles that drive for a second against every lane near them                        |
| accel, bend| share of vehicles beyond Waymax's limits: 10.4 m/s^2, 0.3 1/m (Gulino et al. 2023)             |
| jerk       | share of vehicles beyond nuPlan's comfort limit: 8.37 m/s^3 (Karnchanachari et al. 2024)       |
| W speed, gap, accel | Wasserstein distance to the log's distribution: m/s, m, m/s^2                        |
| diversity  | mean distance of two tracks at the same age, each in the frame it starts in, m                |

    python -m eval traffic --prompts eval/prompts/development.yaml --log nuscenes
    python -m eval traffic runs/quickstart-0123abcd/dataset --log nuscenes --ego-tracks scenes.jsonl
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.stats import wasserstein_distance

from datagen import plugins
from datagen.errors import InputError
from datagen.scene import Scene, Trajectory
from datagen.traffic import rules
from datagen.traffic.limits import INFEASIBLE_ACCEL_MPS2, INFEASIBLE_CURVATURE
from datagen.traffic.tracks import Tracks
from eval.prompts import scenes_of

STEP_S = 0.5
JERKY_MPS3 = 8.37
_MOVING_MPS = 0.5
_GAP_M = 50.0
"""Whoever is further ahead is not followed."""
_SPAN_S = 4.0
"""Tracks are compared over so long."""
_MOST_TRACKS = 400


@dataclass(frozen=True, kw_only=True)
class Census:
    """What one dataset's traffic does. Samples are of moving vehicles, one every STEP_S.

    mapped: those of the vehicles that drive where there is a map.
    """

    name: str
    scenes: int
    vehicles: int
    mapped: int
    collided: int
    off_road: int
    wrong_way: int
    accel_mps2: Float[np.ndarray, "vehicles"]
    jerk_mps3: Float[np.ndarray, "vehicles"]
    curvature: Float[np.ndarray, "vehicles"]
    speeds_mps: Float[np.ndarray, "samples"]
    accels_mps2: Float[np.ndarray, "samples"]
    gaps_m: Float[np.ndarray, "gaps"]
    tracks_m: Float[np.ndarray, "tracks times 2"]

    @property
    def diversity_m(self) -> float:
        """Mean distance of two tracks at the same age, each in the frame it starts in."""
        count = len(self.tracks_m)
        if count < 2:
            return 0.0
        first, second = np.triu_indices(count, k=1)
        return float(np.linalg.norm(self.tracks_m[first] - self.tracks_m[second], axis=-1).mean())


def census(name: str, scenes: Iterable[Scene]) -> Census:
    """Count a dataset's traffic. Raises InputError when it has no scene."""
    parts = [_part(Tracks.of(scene, step_s=STEP_S)) for scene in scenes]
    if not parts:
        raise InputError(f"{name}: no scene to look at; name a dataset with at least one.")

    def joined(key: str) -> np.ndarray:
        return np.concatenate([part[key] for part in parts])

    tracks = joined("tracks")
    chosen = np.linspace(0, len(tracks) - 1, min(len(tracks), _MOST_TRACKS)).astype(int) if len(tracks) else slice(0)
    return Census(
        name=name,
        scenes=len(parts),
        vehicles=sum(part["vehicles"] for part in parts),
        mapped=sum(part["mapped"] for part in parts),
        collided=sum(part["collided"] for part in parts),
        off_road=sum(part["off_road"] for part in parts),
        wrong_way=sum(part["wrong_way"] for part in parts),
        accel_mps2=joined("accel"),
        jerk_mps3=joined("jerk"),
        curvature=joined("curvature"),
        speeds_mps=joined("speeds"),
        accels_mps2=joined("accels"),
        gaps_m=joined("gaps"),
        tracks_m=tracks[chosen],
    )


def _part(tracks: Tracks) -> dict[str, Any]:
    """Return one scene's share of the counts and samples."""
    most = rules.extremes(tracks)
    driving = [
        column for column in most.columns if np.nanmax(np.abs(_speeds(tracks, column)), initial=0.0) > _MOVING_MPS
    ]
    keep = np.isin(most.columns, driving)
    speeds = [_speeds(tracks, column) for column in driving]
    moving = [speed[np.abs(speed) > _MOVING_MPS] for speed in speeds]
    accels = [np.diff(speed) / tracks.step_s for speed in speeds]
    paths = [path for column in driving if (path := _path(tracks, column)) is not None]
    times = round(_SPAN_S / STEP_S) + 1
    names, network = {tracks.ids[column] for column in driving}, tracks.network
    mapped = not network.surface.is_empty
    return {
        "vehicles": len(driving),
        "collided": len(names.intersection(name for pair in rules.overlaps(tracks) for name in pair)),
        "mapped": mapped * len(driving),
        "off_road": mapped * len(names.intersection(rules.off_road(tracks, network.surface))),
        "wrong_way": mapped * len(names.intersection(rules.wrong_way(tracks, network.hdmap))),
        "accel": most.accel_mps2[keep],
        "jerk": most.jerk_mps3[keep],
        "curvature": most.curvature[keep],
        "speeds": np.concatenate([np.empty(0), *moving]),
        "accels": np.concatenate([np.empty(0), *accels]),
        "gaps": np.concatenate([np.empty(0), *(_gaps(tracks, column) for column in driving)]),
        "tracks": np.stack(paths) if paths else np.empty((0, times, 2)),
    }


def _speeds(tracks: Tracks, column: int) -> Float[np.ndarray, "there"]:
    """Return speeds at the times whose neighbours are there, too: others are no differences."""
    present = tracks.present[:, column].copy()
    present[1:] &= tracks.present[:-1, column]
    present[:-1] &= tracks.present[1:, column]
    return tracks.speed_mps[present, column]


def _gaps(tracks: Tracks, column: int) -> Float[np.ndarray, "gaps"]:
    """Return the gaps to whoever is next ahead in one's lane, bumper to bumper, where there is somebody."""
    offset = tracks.xy_m - tracks.xy_m[:, column, None]
    cos, sin = np.cos(tracks.yaw_rad[:, column, None]), np.sin(tracks.yaw_rad[:, column, None])
    ahead, left = offset[..., 0] * cos + offset[..., 1] * sin, offset[..., 1] * cos - offset[..., 0] * sin
    same_way = np.cos(tracks.yaw_rad - tracks.yaw_rad[:, column, None]) > 0.8
    gap = ahead - (tracks.length_m + tracks.length_m[column]) / 2
    counts = tracks.present & tracks.present[:, column, None] & same_way & (np.abs(left) < 1.5) & (gap > 0.0)
    counts &= (tracks.length_m > 1.5)[None] & (np.abs(tracks.speed_mps[:, column, None]) > _MOVING_MPS)
    nearest = np.where(counts, gap, np.inf).min(axis=1)
    return nearest[nearest < _GAP_M]


def _path(tracks: Tracks, column: int) -> Float[np.ndarray, "times 2"] | None:
    """Return the first _SPAN_S of a track in the frame it starts in, or None where it is shorter."""
    times = round(_SPAN_S / STEP_S) + 1
    there = np.flatnonzero(tracks.present[:, column])
    if len(there) < times or there[times - 1] - there[0] != times - 1:
        return None
    span = there[:times]
    offset, yaw = tracks.xy_m[span, column] - tracks.xy_m[span[0], column], tracks.yaw_rad[span[0], column]
    return offset @ np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]])


def ego_census(name: str, egos: Iterable[Trajectory]) -> Census:
    """Count tracks of an ego alone: no map, nobody beside it."""
    from datagen.scene import Ambience, HDMap

    nowhere = HDMap(location="nowhere", canvas_m=(1.0, 1.0))
    scenes = (Scene(ego=ego, actors=(), hdmap=nowhere, ambience=Ambience(), description="") for ego in egos)
    return census(name, scenes)


def read_ego_tracks(path: Path) -> Iterator[Trajectory]:
    """Yield the ego's way of each line of a JSON-lines file: `ego.timestamps` in µs, `ego.trajectory` in m.

    Headings are those of the way itself. Raises InputError when a line has neither.
    """
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            ego = json.loads(line).get("ego", {})
            points = np.array(ego.get("trajectory", []), dtype=np.float64)
            if points.ndim != 2 or len(points) != len(ego.get("timestamps", ())):
                raise InputError(f"{path}:{number}: no `ego` with as many `timestamps` as places in `trajectory`.")
            yield _along_its_way(np.array(ego["timestamps"], dtype=np.int64), points)


def _along_its_way(times: np.ndarray, points: Float[np.ndarray, "knots _"]) -> Trajectory:
    step = np.gradient(points[:, :2], axis=0)
    yaw = np.unwrap(np.arctan2(step[:, 1], step[:, 0]))
    going = np.linalg.norm(step, axis=1) > 0.25
    held = np.interp(np.arange(len(yaw)), np.flatnonzero(going), yaw[going]) if going.any() else np.zeros(len(yaw))
    return Trajectory.from_xyz_yaw(times, np.column_stack([points[:, :2], np.zeros(len(points))]), yaw_rad=held)


def rows(counts: Iterable[Census], log: Census | None) -> Iterator[str]:
    """Yield a table of the figures, one line a dataset."""
    yield (
        f"{'dataset':<28}{'scenes':>7}{'vehicles':>9}{'collision':>10}{'off-road':>9}{'wrong way':>10}{'accel':>7}"
        f"{'bend':>7}{'jerk':>7}{'speed m/s':>10}{'W speed':>8}{'W gap':>7}{'W accel':>8}{'diversity':>10}"
    )
    for one in counts:
        yield _row(one, log)


def _row(one: Census, log: Census | None) -> str:
    def share(count: float, of: int) -> str:
        return f"{100 * count / of:.2f} %" if of else "-"

    def apart(ours: np.ndarray, theirs: np.ndarray | None) -> str:
        return f"{wasserstein_distance(ours, theirs):.2f}" if theirs is not None and len(ours) and len(theirs) else "-"

    speeds, gaps, accels = (log.speeds_mps, log.gaps_m, log.accels_mps2) if log else (None, None, None)
    mean = f"{one.speeds_mps.mean():.1f}" if len(one.speeds_mps) else "-"
    return (
        f"{one.name[-27:]:<28}{one.scenes:>7}{one.vehicles:>9}{share(one.collided, one.vehicles):>10}"
        f"{share(one.off_road, one.mapped):>9}{share(one.wrong_way, one.mapped):>10}"
        f"{share((one.accel_mps2 > INFEASIBLE_ACCEL_MPS2).sum(), one.vehicles):>7}"
        f"{share((one.curvature > INFEASIBLE_CURVATURE).sum(), one.vehicles):>7}"
        f"{share((one.jerk_mps3 > JERKY_MPS3).sum(), one.vehicles):>7}{mean:>10}"
        f"{apart(one.speeds_mps, speeds):>8}{apart(one.gaps_m, gaps):>7}"
        f"{apart(one.accels_mps2, accels):>8}{one.diversity_m:>8.1f} m"
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what may be asked."""
    parser.add_argument("datasets", type=Path, nargs="*", metavar="DATASET", help="in nuScenes format: ours, SUMO's")
    parser.add_argument("--log", type=Path, help="a real log in nuScenes format: the floor, and what is compared with")
    parser.add_argument("--ego-tracks", type=Path, help="JSON lines with real ego tracks (timestamps, places)")
    parser.add_argument(
        "--prompts", type=Path, help="drive these prompts (as `eval prompts` has them, planner rules), and look at that"
    )
    parser.add_argument("--version", help="folder of the datasets' tables; found by itself when there is only one")


def measure(chosen: argparse.Namespace) -> tuple[str, bool]:
    """Return the table; it passes when no generated vehicle does what none can.

    Raises InputError when nothing was named.
    """
    if not chosen.datasets and chosen.log is None and chosen.ego_tracks is None and chosen.prompts is None:
        raise InputError("eval traffic: nothing to look at; name a DATASET, --prompts, --log or --ego-tracks.")
    ours = [census(f"driven {chosen.prompts.stem}", scenes_of(chosen.prompts))] if chosen.prompts is not None else []
    ours += [census(_name(path), _scenes(path, chosen.version)) for path in chosen.datasets]
    floors = []
    log = None
    if chosen.log is not None:
        replay = list(_scenes(chosen.log, None))
        log = census(f"log {_name(chosen.log)}", replay)
        floors = [log]
        if len(replay) > 1:
            halves = census("log, one half", replay[::2]), census("log, other half", replay[1::2])
            floor = wasserstein_distance(halves[0].speeds_mps, halves[1].speeds_mps)
            floors = [log, halves[0], halves[1]]
    if chosen.ego_tracks is not None:
        floors.append(ego_census(f"egos {chosen.ego_tracks.stem}", read_ego_tracks(chosen.ego_tracks)))
    lines = [f"traffic: every {STEP_S} s, moving vehicles; the log's halves show how far real is from real"]
    lines += rows([*ours, *floors], log)
    if log is not None and len(floors) > 2:
        lines.append(f"W speed of the log's halves against each other: {floor:.2f} m/s")
    bad = sum(
        int((one.accel_mps2 > INFEASIBLE_ACCEL_MPS2).sum() + (one.curvature > INFEASIBLE_CURVATURE).sum())
        for one in ours
    )
    return "\n".join(lines), bad == 0


def _name(path: Path) -> str:
    return path.parent.name if path.name == "dataset" else path.name


def _scenes(root: Path, version: str | None) -> Iterator[Scene]:
    """Yield a dataset's scenes (`recorded_scenes` of its adapter)."""
    recorded = plugins.load("scene", "nuscenes").recorded_scenes(root, version=version)
    return (one.scene for one in recorded)
