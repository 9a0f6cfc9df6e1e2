"""What drivers want, step by step: each manoeuvre is a small function that writes into a script.

```
 wish speed   ────────╮ brake              offset      ╭───────  lane change: a quintic, flat at both ends
                      ╰──────                    ──────╯
             0      at_s        D                0   at_s        D
```
A script says what a driver wants; `motion.drive` says what comes of it, within the limits of the vehicle and
with regard to whoever is in the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from datagen.scene.plan import Manoeuvre
from datagen.traffic.limits import Limits
from datagen.traffic.motion import STEP_S

WARM_UP_S = 1.0
"""Motion begins this long before the clip, so that nobody starts from nowhere and a short clip can begin midway."""
TAIL_S = 0.4
"""And it ends this long after, so that velocities at the last frame are differences, too."""
_SEEN = 0.15
"""A lane change is seen as one if all but this share of its time at either end lies in the clip."""


@dataclass(frozen=True, kw_only=True)
class Script:
    """What a driver wants. All arrays are of shape (steps,); `times_s` counts from the clip's start.

    wish_mps, slow_mps2, hurry_mps2, offset_m: see `motion.Driver`.
    """

    times_s: Float[np.ndarray, "steps"]
    wish_mps: Float[np.ndarray, "steps"]
    slow_mps2: Float[np.ndarray, "steps"]
    hurry_mps2: Float[np.ndarray, "steps"]
    offset_m: Float[np.ndarray, "steps"]


def times_s(duration_s: float) -> Float[np.ndarray, "steps"]:
    """Return the steps of a clip: from WARM_UP_S before it to TAIL_S after."""
    steps = round((WARM_UP_S + duration_s + TAIL_S) / STEP_S) + 1
    return np.arange(steps) * STEP_S - WARM_UP_S


def cruise(times: Float[np.ndarray, "steps"], speed_mps: float, *, limits: Limits, offset_m: float = 0.0) -> Script:
    """Drive on at one speed, `offset_m` left of the route."""
    one = np.ones(len(times))
    return Script(
        times_s=times,
        wish_mps=one * min(speed_mps, limits.top_mps),
        slow_mps2=one * limits.comfort_mps2,
        hurry_mps2=one * limits.accel_mps2,
        offset_m=one * offset_m,
    )


def change_speed(script: Script, *, at_s: float, speed_mps: float, rate_mps2: float) -> Script:
    """Want another speed from `at_s` on and go there at about `rate_mps2`, up or down."""
    later = script.times_s >= at_s - 1e-9
    return replace(
        script,
        wish_mps=np.where(later, speed_mps, script.wish_mps),
        slow_mps2=np.where(later, np.maximum(rate_mps2, script.slow_mps2), script.slow_mps2),
        hurry_mps2=np.where(later, np.maximum(rate_mps2, 0.5), script.hurry_mps2)
        if speed_mps > 0
        else script.hurry_mps2,
    )


def shift(script: Script, *, at_s: float, takes_s: float, by_m: float) -> Script:
    """Move `by_m` to the left along a quintic (Werling et al. 2010): no jump in speed or acceleration."""
    share = np.clip((script.times_s - at_s) / takes_s, 0.0, 1.0)
    return replace(script, offset_m=script.offset_m + by_m * (10 * share**3 - 15 * share**4 + 6 * share**5))


def shift_time_s(by_m: float, limits: Limits) -> float:
    """Return the least time for a shift: the quintic's peak acceleration, 5.77 d / T^2, is the lateral limit."""
    return float(np.sqrt(5.77 * abs(by_m) / limits.lateral_mps2))


def starts_s(manoeuvres: Sequence[Manoeuvre], needs_s: Sequence[float], *, duration_s: float) -> list[float]:
    """Return when each begins: when it says, else one after the other, spread so that all can be seen in the clip.

    needs_s: how long each takes. The last may begin so late only that most of it still lies in the clip, and a
    first one that is too long begins before the clip does.
    """
    spare = duration_s - sum(needs_s) - 0.2
    pause = float(np.clip(spare / (len(needs_s) + 1), 0.0, 1.2)) if needs_s else 0.0
    squeeze = min(1.0, (duration_s - 0.2) / max(sum(needs_s), 1e-6))
    starts, clock = [], pause
    for manoeuvre, need in zip(manoeuvres, needs_s):
        latest = duration_s - 0.1 - (1.0 - _SEEN) * need
        start = clock if manoeuvre.at_s is None else max(manoeuvre.at_s, 0.0)
        starts.append(max(min(start, latest), -_SEEN * need))
        clock = max(clock, starts[-1]) + need * squeeze + pause
    return starts


def need_s(manoeuvre: Manoeuvre, *, speed_mps: float, lane_m: float, limits: Limits, duration_s: float) -> float:
    """Return how long a manoeuvre takes, or as much of it as must be seen."""
    match manoeuvre.do:
        case "cut_in" | "lane_change":
            least = shift_time_s(lane_m, limits)
            return max(least, min(2.2 if manoeuvre.hard else 3.4, 0.6 * duration_s))
        case "overtake":
            return max(1.2, 0.45 * duration_s)
        case "brake":
            target = brake_to_mps(manoeuvre, speed_mps)
            return min((speed_mps - target) / brake_rate(manoeuvre, limits) + 0.4, max(1.4, 0.5 * duration_s))
        case "accelerate":
            return min(3.0, max(1.4, 0.5 * duration_s))
        case _:
            return 0.0


def brake_to_mps(manoeuvre: Manoeuvre, speed_mps: float) -> float:
    """Return the speed braking ends with: as said, a stop if hard, else 35 % of what it was."""
    if manoeuvre.speed_mps is not None:
        return min(manoeuvre.speed_mps, max(speed_mps - 2.5, 0.0))
    return 0.0 if manoeuvre.hard else 0.35 * speed_mps


def brake_rate(manoeuvre: Manoeuvre, limits: Limits) -> float:
    """Return how hard it brakes, m/s^2."""
    return 0.85 * limits.brake_mps2 if manoeuvre.hard else 1.4 * limits.comfort_mps2


def written(
    script: Script,
    manoeuvre: Manoeuvre,
    *,
    at_s: float,
    takes_s: float,
    lane_m: float,
    limits: Limits,
) -> Script:
    """Write one manoeuvre into a script. lane_m: signed shift to the lane it goes to, left is positive."""
    speed = float(script.wish_mps[-1])
    match manoeuvre.do:
        case "brake":
            return change_speed(
                script, at_s=at_s, speed_mps=brake_to_mps(manoeuvre, speed), rate_mps2=brake_rate(manoeuvre, limits)
            )
        case "accelerate":
            target = manoeuvre.speed_mps if manoeuvre.speed_mps is not None else speed * 1.5 + 2.0
            target = min(max(target, speed + 2.5), limits.top_mps)
            rate = limits.accel_mps2 * (1.6 if manoeuvre.hard else 1.2)
            return change_speed(script, at_s=at_s, speed_mps=target, rate_mps2=rate)
        case "cut_in" | "lane_change":
            script = shift(script, at_s=at_s, takes_s=takes_s, by_m=lane_m)
            if manoeuvre.speed_mps is None:
                return script
            return change_speed(script, at_s=at_s, speed_mps=manoeuvre.speed_mps, rate_mps2=limits.comfort_mps2)
        case "overtake":
            script = shift(script, at_s=at_s, takes_s=min(takes_s, 3.0), by_m=lane_m)
            if manoeuvre.speed_mps is None:
                return script
            return change_speed(script, at_s=at_s, speed_mps=manoeuvre.speed_mps, rate_mps2=limits.accel_mps2)
        case _:
            return script
