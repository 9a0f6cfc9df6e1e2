"""The manoeuvre library: what drivers can be asked to do, each a small pure function from script to script.

`write` is that function; `needs_s` how long it takes, or as much of it as must be seen. What is not in here is done
by where somebody starts and which way he goes (`datagen.traffic.cast`): turn, u_turn, oncoming, parked, cross,
and everything people do on foot. Every manoeuvre, its parameters and a figure: docs/manoeuvres.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from datagen.scene.plan import Manoeuvre
from datagen.traffic.limits import Limits
from datagen.traffic.manoeuvres import kerb, lateral, speed
from datagen.traffic.manoeuvres.how import How
from datagen.traffic.script import Cue, Script, shift_time_s

__all__ = ["LEAST_S", "LIBRARY", "How", "Need", "Technique", "cues", "need_s", "starts_s", "triggered"]

_SEEN = 0.15
"""A manoeuvre is seen as one if all but this share of its time at either end lies in the clip."""


@dataclass(frozen=True, kw_only=True)
class Need:
    """What decides how long a manoeuvre takes: the speed before it, how far aside it goes, and the clip's length."""

    speed_mps: float
    lane_m: float
    limits: Limits
    duration_s: float


@dataclass(frozen=True, kw_only=True)
class Technique:
    """How a manoeuvre is driven."""

    write: Callable[[Script, How], Script]
    needs_s: Callable[[Manoeuvre, Need], float]


LEAST_S: Mapping[str, float] = {"u_turn": 5.0, "park": 5.0, "pull_over": 5.0, "stop_and_go": 4.0, "pull_out": 3.5}
"""Clips shorter than this cannot show these."""


def _of_lane(act: Manoeuvre, need: Need) -> float:
    usual = 4.2 if need.limits.curvature < 0.15 else 3.4  # somebody long swings out less if he takes his time
    said = act.takes_s if act.takes_s is not None else min(2.2 if act.hard else usual, 0.6 * need.duration_s)
    return max(shift_time_s(need.lane_m, need.limits), said)


def _of_swerve(act: Manoeuvre, need: Need) -> float:
    said = act.takes_s if act.takes_s is not None else min(2.4 if act.hard else 3.6, 0.7 * need.duration_s)
    return max(2.05 * shift_time_s(need.lane_m, need.limits), said)


def _of_passing(act: Manoeuvre, need: Need) -> float:
    return act.takes_s if act.takes_s is not None else max(1.2, 0.45 * need.duration_s)


def _of_braking(act: Manoeuvre, need: Need) -> float:
    target = speed.brake_to_mps(act, need.speed_mps)
    rate = speed.brake_rate(act, need.limits)
    return min((need.speed_mps - target) / rate + 0.4, max(1.4, 0.5 * need.duration_s)) + (act.takes_s or 0.0)


def _of_stopping(act: Manoeuvre, need: Need) -> float:
    del act
    return need.speed_mps / (0.85 * need.limits.brake_mps2) + 0.8


def _of_rounds(act: Manoeuvre, need: Need) -> float:
    return act.takes_s if act.takes_s is not None else min(5.0, 0.65 * need.duration_s)


def _of_speeding_up(act: Manoeuvre, need: Need) -> float:
    del act
    return min(3.0, max(1.4, 0.5 * need.duration_s))


def _of_kerb(act: Manoeuvre, need: Need) -> float:
    stops = 0.0 if act.do == "pull_out" else min(need.speed_mps, 5.5) / need.limits.comfort_mps2
    slowly = 1.35 if need.limits.curvature > 0.15 else 1.9
    least = shift_time_s(need.lane_m, need.limits)
    usual = max(slowly * least, min(3.4, 0.5 * need.duration_s)) + stops
    if act.do != "pull_out":  # somebody long has far to go, and shall stand before the clip ends
        usual = min(usual, max(0.85 * need.duration_s, 1.2 * least + stops))
    return max(act.takes_s if act.takes_s is not None else usual, 1.5)


def _of_reversing(act: Manoeuvre, need: Need) -> float:
    return need.speed_mps / need.limits.comfort_mps2 + (act.takes_s or min(3.0, 0.6 * need.duration_s))


def _at_once(act: Manoeuvre, need: Need) -> float:
    del need
    return act.takes_s or 0.0


LIBRARY: Mapping[str, Technique] = {
    "constant_speed": Technique(write=speed.constant_speed, needs_s=_at_once),
    "accelerate": Technique(write=speed.accelerate, needs_s=_of_speeding_up),
    "brake": Technique(write=speed.brake, needs_s=_of_braking),
    "emergency_stop": Technique(write=speed.emergency_stop, needs_s=_of_stopping),
    "stop_and_go": Technique(write=speed.stop_and_go, needs_s=_of_rounds),
    "wait": Technique(write=speed.wait, needs_s=_at_once),
    "lane_change": Technique(write=lateral.lane_change, needs_s=_of_lane),
    "cut_in": Technique(write=lateral.cut_in, needs_s=_of_lane),
    "cut_out": Technique(write=lateral.cut_out, needs_s=_of_lane),
    "merge": Technique(write=lateral.merge, needs_s=_of_lane),
    "overtake": Technique(write=lateral.overtake, needs_s=_of_passing),
    "swerve": Technique(write=lateral.swerve, needs_s=_of_swerve),
    "filter": Technique(write=lateral.filter_between, needs_s=_of_lane),
    "pull_over": Technique(write=kerb.pull_over, needs_s=_of_kerb),
    "pull_out": Technique(write=kerb.pull_out, needs_s=_of_kerb),
    "reverse": Technique(write=kerb.reverse, needs_s=_of_reversing),
    "park": Technique(write=kerb.park, needs_s=_of_kerb),
}
"""The manoeuvres that are written into a script."""


def need_s(act: Manoeuvre, need: Need) -> float:
    """Return how long a manoeuvre takes, or as much of it as must be seen; 0 for one that is not scripted."""
    technique = LIBRARY.get(act.do)
    return technique.needs_s(act, need) if technique is not None else 0.0


def triggered(act: Manoeuvre) -> bool:
    """Say whether a manoeuvre waits for something that is known only while driving."""
    return act.when_gap_below_m is not None or act.when_ego_at_m is not None


def cues(steps: Sequence[How]) -> tuple[tuple[How, ...], tuple[Cue, ...]]:
    """Part manoeuvres into those that begin by the clock and the cues that begin with a trigger.

    What follows a triggered manoeuvre keeps its distance in time from it.
    """
    starts = [k for k, how in enumerate(steps) if triggered(how.act)]
    pieces = [steps[a:b] for a, b in zip(starts, [*starts[1:], len(steps)])]
    return tuple(steps[: starts[0]] if starts else steps), tuple(map(_cue, pieces))


def _cue(piece: Sequence[How]) -> Cue:
    def write(script: Script, at_s: float) -> Script:
        for how in piece:
            later = How(
                act=how.act, at_s=at_s + how.at_s - piece[0].at_s, takes_s=how.takes_s, lane_m=how.lane_m,
                limits=how.limits,
            )  # fmt: skip
            script = LIBRARY[how.act.do].write(script, later)
        return script

    first = piece[0].act
    return Cue(write=write, when_gap_below_m=first.when_gap_below_m, when_ego_at_m=first.when_ego_at_m)


def starts_s(at_s: Sequence[float | None], needs_s: Sequence[float], *, duration_s: float) -> list[float]:
    """Return when each manoeuvre begins: when it says, else one after the other, spread so that all can be seen.

    needs_s: how long each takes. The last may begin so late only that most of it still lies in the clip, and a
    first one that is too long begins before the clip does.
    """
    spare = duration_s - sum(needs_s) - 0.2
    pause = float(np.clip(spare / (len(needs_s) + 1), 0.0, 1.2)) if needs_s else 0.0
    squeeze = min(1.0, (duration_s - 0.2) / max(sum(needs_s), 1e-6))
    starts, clock = [], pause
    for said, need in zip(at_s, needs_s):
        latest = duration_s - 0.1 - (1.0 - _SEEN) * need
        start = clock if said is None else max(said, 0.0)
        starts.append(max(min(start, latest), -_SEEN * need))
        clock = max(clock, starts[-1]) + need * squeeze + pause
    return starts
