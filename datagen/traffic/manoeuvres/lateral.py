"""Manoeuvres that go from one lane to another, or aside and back. Each writes into a script.

```
  ═══════════════════════════════        swerve   ╭──╮
      ╭────────  cut_in, merge                  ──╯  ╰──
  ────╯───────────────────────────       filter   ─────────  along the line between two lanes
   ▶ego     ╭──  cut_out
  ══════════╯════════════════════
```
"""

from __future__ import annotations

from datagen.traffic.manoeuvres.how import How
from datagen.traffic.script import Script, change_speed, shift


def lane_change(script: Script, how: How) -> Script:
    """Change one lane over. side: left or right.  speed_mps: afterwards, 0 to 40.  takes_s: 1.5 to 20 s."""
    return _then(shift(script, at_s=how.at_s, takes_s=how.takes_s, by_m=how.lane_m), how, how.limits.comfort_mps2)


def cut_in(script: Script, how: How) -> Script:
    """Change into the ego's lane just ahead of it. side: from left or right.  gap_m: 2 to 80 m, else 2.5 to 9."""
    return lane_change(script, how)


def merge(script: Script, how: How) -> Script:
    """Change into the ego's lane with room to spare, at its speed. side: from left or right.  gap_m: 2 to 80 m."""
    return lane_change(script, how)


def cut_out(script: Script, how: How) -> Script:
    """Leave the ego's lane from just ahead of it. side: to left or right.  gap_m: 2 to 80 m, else 6 to 11."""
    return lane_change(script, how)


def overtake(script: Script, how: How) -> Script:
    """Pass on the next lane. side: left or right.  speed_mps: 0 to 40, else what it takes to get past in the clip.

    An actor that overtakes the ego has its lane from the start (lane_m is 0); the ego changes over first.
    """
    shifted = shift(script, at_s=how.at_s, takes_s=min(how.takes_s, 3.0), by_m=how.lane_m)
    return _then(shifted, how, how.limits.accel_mps2)


def swerve(script: Script, how: How) -> Script:
    """Go aside and come back. side: left or right.  takes_s: there and back, 2 to 20 s."""
    half = how.takes_s / 2
    out = shift(script, at_s=how.at_s, takes_s=half, by_m=how.lane_m)
    return _then(shift(out, at_s=how.at_s + half, takes_s=half, by_m=-how.lane_m), how, how.limits.comfort_mps2)


def filter_between(script: Script, how: How) -> Script:
    """Ride along the line between two lanes. speed_mps: 0 to 40, else 3 to 5 m/s faster than those it passes."""
    return _then(shift(script, at_s=how.at_s, takes_s=how.takes_s, by_m=how.lane_m), how, how.limits.accel_mps2)


def _then(script: Script, how: How, rate_mps2: float) -> Script:
    """Take on the speed that was said."""
    if how.act.speed_mps is None:
        return script
    speed = min(how.act.speed_mps, how.limits.top_mps)
    return change_speed(script, at_s=how.at_s, speed_mps=speed, rate_mps2=rate_mps2)
