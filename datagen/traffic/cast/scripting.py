"""Manoeuvres of a plan, one after the other, written into one driver's script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from datagen.scene import Group, Lane
from datagen.scene.plan import Manoeuvre
from datagen.traffic.cast.kerbside import kerb_shift_m
from datagen.traffic.crossing import begins_s
from datagen.traffic.limits import limits_of
from datagen.traffic.manoeuvres import LIBRARY, How, Need, cues, need_s, starts_s, triggered
from datagen.traffic.needs import AT_KERB
from datagen.traffic.role import Body
from datagen.traffic.script import Cue, Script
from datagen.traffic.setting import Setting, neighbour_shift_m

_TRIGGER_SHARE = 0.3
"""A trigger that depends on how everybody drives is meant to come this far into the clip."""


@dataclass(frozen=True, kw_only=True)
class Way:
    """Where a driver is: on `lane`, and whether it acts upon the ego (or is the ego itself).

    at_m: about where on the ego's route a manoeuvre at the kerb takes place.
    """

    lane: Lane
    toward_ego: bool = False
    at_m: float = 0.0


def scripted(
    script: Script, acts: Sequence[Manoeuvre], way: Way, *, body: Body, setting: Setting, speed_mps: float
) -> tuple[Script, tuple[Cue, ...]]:
    """Write manoeuvres into a script; return it and the cues of those that wait for a trigger."""
    limits = limits_of(body.category)
    timed = [act for number, act in enumerate(acts) if _is_written(act, first=number == 0)]
    shifts = _shifts(timed, way, body=body, setting=setting)
    needs = _needs(timed, shifts, body=body, setting=setting, speed_mps=speed_mps)
    starts = starts_s([said_start_s(act, setting) for act in timed], needs, duration_s=setting.duration_s)
    steps = [
        How(act=act, at_s=at, takes_s=max(need, 0.5), lane_m=shift, limits=limits)
        for act, at, need, shift in zip(timed, starts, needs, shifts)
    ]
    now, later = cues(steps)
    for how in now:
        script = LIBRARY[how.act.do].write(script, how)
    return script, later


def start_of_s(acts: Sequence[Manoeuvre], which: Manoeuvre, *, body: Body, setting: Setting, speed_mps: float) -> float:
    """Return when one of the acts is expected to begin."""
    timed = [act for number, act in enumerate(acts) if _is_written(act, first=number == 0) or act is which]
    needs = _needs(timed, [3.5] * len(timed), body=body, setting=setting, speed_mps=speed_mps)
    starts = starts_s([said_start_s(act, setting) for act in timed], needs, duration_s=setting.duration_s)
    return next(at for act, at in zip(timed, starts) if act is which)


def said_start_s(act: Manoeuvre, setting: Setting) -> float | None:
    """Return when a manoeuvre of a driver is expected to begin, as far as the plan says."""
    if act.when_gap_below_m is not None:
        return _TRIGGER_SHARE * setting.duration_s
    return begins_s(act, setting, reach_m=0.0)


def _is_written(act: Manoeuvre, *, first: bool) -> bool:
    """Whoever waits first of all, and no one said until when, simply starts standing."""
    stands = act.do == "wait" and first and act.at_s is None and act.takes_s is None and not triggered(act)
    return act.do in LIBRARY and not stands


def _needs(
    acts: Sequence[Manoeuvre], shifts: Sequence[float], *, body: Body, setting: Setting, speed_mps: float
) -> list[float]:
    limits = limits_of(body.category)
    return [
        need_s(act, Need(speed_mps=speed_mps, lane_m=by, limits=limits, duration_s=setting.duration_s))
        for act, by in zip(acts, shifts)
    ]


def _shifts(acts: Sequence[Manoeuvre], way: Way, *, body: Body, setting: Setting) -> list[float]:
    """Return how far to the left each manoeuvre takes its driver from where the one before left him, metres."""
    here, offset, found = way.lane, 0.0, []
    for act in acts:
        if act.do == "swerve":
            found.append(_aside_m(act, here, body=body, setting=setting))
            continue
        if act.do in AT_KERB:
            to_kerb = kerb_shift_m(setting, here, at_m=way.at_m, body=body)
            target = 0.0 if act.do == "pull_out" else to_kerb
            found.append(-to_kerb if act.do == "pull_out" else target - offset)
            offset = target
            continue
        lane = _target(act, here, way, setting=setting)
        if lane is None:
            found.append(0.0)
            continue
        across = neighbour_shift_m(way.lane, lane)
        found.append(across - offset)
        here, offset = lane, across
    return found


def _target(act: Manoeuvre, here: Lane, way: Way, *, setting: Setting) -> Lane | None:
    """Return the lane a manoeuvre goes to, or None where it stays."""
    if act.do in ("cut_in", "merge"):
        return setting.lane if here is not setting.lane else None
    if act.do not in ("lane_change", "cut_out", "overtake") or (
        way.toward_ego and act.do == "overtake" and here is not setting.lane
    ):
        return None
    if way.toward_ego and here is not setting.lane and act.do == "lane_change":
        return setting.lane
    side = act.side or ("left" if here.left_neighbor in setting.lanes else "right")
    return setting.lanes.get(getattr(here, f"{side}_neighbor") or "")


def _aside_m(act: Manoeuvre, here: Lane, *, body: Body, setting: Setting) -> float:
    """Return how far a swerve goes: most of the way to the next lane where there is one, else within one's own."""
    side = act.side or ("left" if here.left_neighbor in setting.lanes else "right")
    room = getattr(here, f"{side}_neighbor") in setting.lanes
    slim = body.category.group is Group.CYCLE
    reach = 1.1 if slim else (1.9 if act.hard else 1.5) if room else 0.9
    return reach if side == "left" else -reach
