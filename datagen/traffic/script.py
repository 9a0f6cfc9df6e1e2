"""What a driver wants, step by step; `motion.drive` says what comes of it.

```
 wish speed   ────────╮ change_speed        offset      ╭───────  shift: a quintic, flat at both ends
                      ╰──────                     ──────╯
             0      at_s        D                 0   at_s        D
```
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from datagen.traffic.limits import Limits

PRESSING = 1.3
"""By how much the speed that somebody who tailgates would like exceeds that of whom he is behind."""
STEP_S = 0.1
WARM_UP_S = 1.0
"""Motion begins this long before the clip, so that nobody starts from nowhere and a short clip can begin midway."""
TAIL_S = 0.4
"""And it ends this long after, so that velocities at the last frame are differences, too."""


@dataclass(frozen=True, kw_only=True)
class Script:
    """What a driver wants. All arrays are of shape (steps,); `times_s` counts from the clip's start.

    wish_mps: speed it wants, negative is backwards.  slow_mps2, hurry_mps2: how hard it brakes and accelerates
    towards that.  offset_m: how far left of its route it wants to be; quintic pieces.
    """

    times_s: Float[np.ndarray, "steps"]
    wish_mps: Float[np.ndarray, "steps"]
    slow_mps2: Float[np.ndarray, "steps"]
    hurry_mps2: Float[np.ndarray, "steps"]
    offset_m: Float[np.ndarray, "steps"]

    def speed_at(self, time_s: float) -> float:
        """Return the speed it wants just before a time."""
        return float(self.wish_mps[max(int(np.searchsorted(self.times_s, time_s - 1e-9)) - 1, 0)])


@dataclass(frozen=True, kw_only=True)
class Cue:
    """What waits for its moment: once it comes, `write` is given the script and the time, and returns the new one.

    when_gap_below_m: bumper to bumper to the ego.  when_ego_at_m: driven by the ego since the clip's start.
    """

    write: Callable[[Script, float], Script]
    when_gap_below_m: float | None = None
    when_ego_at_m: float | None = None


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
    rises = speed_mps > script.speed_at(at_s)
    slow = script.slow_mps2 if rises else np.where(later, np.maximum(rate_mps2, script.slow_mps2), script.slow_mps2)
    hurry = np.where(later, np.maximum(rate_mps2, 0.5), script.hurry_mps2) if rises else script.hurry_mps2
    return replace(
        script, wish_mps=np.where(later, speed_mps, script.wish_mps), slow_mps2=slow, hurry_mps2=hurry
    )  # fmt: skip


def shift(script: Script, *, at_s: float, takes_s: float, by_m: float) -> Script:
    """Move `by_m` to the left along a quintic (Werling et al. 2010): no jump in speed or acceleration."""
    share = np.clip((script.times_s - at_s) / takes_s, 0.0, 1.0)
    return replace(script, offset_m=script.offset_m + by_m * (10 * share**3 - 15 * share**4 + 6 * share**5))


def shift_time_s(by_m: float, limits: Limits) -> float:
    """Return the least time for a shift: the quintic's peak acceleration, 5.77 d / T^2, is the lateral limit."""
    return float(np.sqrt(5.77 * abs(by_m) / limits.lateral_mps2))
