"""Manoeuvres in which only the speed changes. Each writes what its driver wants into a script."""

from __future__ import annotations

import numpy as np

from datagen.scene.plan import Manoeuvre
from datagen.traffic.limits import Limits
from datagen.traffic.manoeuvres.how import How
from datagen.traffic.script import Script, change_speed


def constant_speed(script: Script, how: How) -> Script:
    """Drive on at one speed. speed_mps: 0 to 40 m/s, else the present one."""
    speed = how.act.speed_mps if how.act.speed_mps is not None else script.speed_at(how.at_s)
    return change_speed(
        script, at_s=how.at_s, speed_mps=min(speed, how.limits.top_mps), rate_mps2=how.limits.comfort_mps2
    )


def accelerate(script: Script, how: How) -> Script:
    """Go faster. speed_mps: 0 to 40 m/s and at least 2.5 m/s more than now, else 1.5 times it and 2 m/s."""
    speed = script.speed_at(how.at_s)
    target = how.act.speed_mps if how.act.speed_mps is not None else speed * 1.5 + 2.0
    target = min(max(target, speed + 2.5), how.limits.top_mps)
    rate = how.limits.accel_mps2 * (1.6 if how.act.hard else 1.2)
    return change_speed(script, at_s=how.at_s, speed_mps=target, rate_mps2=rate)


def brake(script: Script, how: How) -> Script:
    """Go slower, or stop. speed_mps: 0 to 40 m/s, else 35 % of the present speed, or 0 if hard.

    takes_s: how long it stays slow, 0.5 to 20 s, before it goes on as before; else for good.
    """
    before = script.speed_at(how.at_s)
    slowed = change_speed(
        script, at_s=how.at_s, speed_mps=brake_to_mps(how.act, before), rate_mps2=brake_rate(how.act, how.limits)
    )
    return slowed if how.act.takes_s is None else _goes_on(slowed, how, speed_mps=before)


def emergency_stop(script: Script, how: How) -> Script:
    """Stop as hard as the category can: 0.85 of its braking limit (cars 6.8 m/s^2, lorries 5.5 m/s^2)."""
    return change_speed(script, at_s=how.at_s, speed_mps=0.0, rate_mps2=0.85 * how.limits.brake_mps2)


def stop_and_go(script: Script, how: How) -> Script:
    """Stop and start again and again. speed_mps: between stops, 1.5 to 40 m/s, else 4.  takes_s: a round, 2 to 20 s.

    Half of each round it wants to stand; its speed is what its category reaches in the other half, if that is less.
    """
    half = max(how.takes_s, 2.0) / 2
    speed = max(min(how.act.speed_mps or 4.0, how.limits.accel_mps2 * half), 1.5)
    rate = how.limits.comfort_mps2
    for start in np.arange(how.at_s, float(script.times_s[-1]), 2 * half):
        script = change_speed(script, at_s=float(start), speed_mps=0.0, rate_mps2=rate)
        script = change_speed(script, at_s=float(start) + half, speed_mps=speed, rate_mps2=rate)
    return script


def wait(script: Script, how: How) -> Script:
    """Stand. takes_s: how long, 0.5 to 20 s, before it drives on; else for good."""
    before = script.speed_at(how.at_s)
    stood = change_speed(script, at_s=how.at_s, speed_mps=0.0, rate_mps2=how.limits.comfort_mps2)
    return stood if how.act.takes_s is None else _goes_on(stood, how, speed_mps=max(before, 5.0))


def _goes_on(script: Script, how: How, *, speed_mps: float) -> Script:
    assert how.act.takes_s is not None
    return change_speed(
        script, at_s=how.at_s + how.act.takes_s, speed_mps=speed_mps, rate_mps2=how.limits.accel_mps2
    )  # fmt: skip


def brake_to_mps(act: Manoeuvre, speed_mps: float) -> float:
    """Return the speed braking ends with: as said, a stop if hard, else 35 % of what it was."""
    if act.speed_mps is not None:
        return min(act.speed_mps, max(speed_mps - 2.5, 0.0))
    return 0.0 if act.hard else 0.35 * speed_mps


def brake_rate(act: Manoeuvre, limits: Limits) -> float:
    """Return how hard it brakes, m/s^2."""
    return 0.85 * limits.brake_mps2 if act.hard else 1.4 * limits.comfort_mps2
