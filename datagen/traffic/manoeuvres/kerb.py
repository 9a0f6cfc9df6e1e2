"""Manoeuvres to, from and along the kerb, and backwards. Each writes into a script."""

from __future__ import annotations

from datagen.traffic.manoeuvres.how import How
from datagen.traffic.script import Script, change_speed, shift


def pull_over(script: Script, how: How) -> Script:
    """Go to the edge of the road and stop there. side: the kerb's.  takes_s: 2.5 to 20 s.

    It slows to 5.5 m/s while it goes aside, and brakes to a stop once it is nearly there.
    """
    rate = how.limits.comfort_mps2
    slowed = min(5.5, script.speed_at(how.at_s))
    aside_s = max(how.takes_s - slowed / rate, 0.6 * how.takes_s)
    script = shift(script, at_s=how.at_s, takes_s=aside_s, by_m=how.lane_m)
    script = change_speed(script, at_s=how.at_s, speed_mps=slowed, rate_mps2=rate)
    return change_speed(script, at_s=how.at_s + 0.92 * aside_s, speed_mps=0.0, rate_mps2=rate)


def park(script: Script, how: How) -> Script:
    """Drive into a parking place at the kerb and stay. side: the kerb's.  takes_s: 2.5 to 20 s."""
    return pull_over(script, how)


def pull_out(script: Script, how: How) -> Script:
    """Drive off from the kerb into the lane. side: the kerb's.  speed_mps: afterwards, 2 to 40, else 6.

    takes_s: 2.5 to 20 s. It rolls for 0.4 s before it goes aside.
    """
    speed = min(max(how.act.speed_mps or 6.0, 2.0), how.limits.top_mps)
    rate = how.limits.accel_mps2 * (1.3 if how.act.hard else 1.0)
    script = change_speed(script, at_s=how.at_s, speed_mps=speed, rate_mps2=rate)
    return shift(script, at_s=how.at_s + 0.4, takes_s=how.takes_s, by_m=how.lane_m)


def reverse(script: Script, how: How) -> Script:
    """Stop and drive backwards. speed_mps: backwards, 0.5 to 3, else 1.5.  takes_s: 0.5 to 20 s."""
    back = min(max(how.act.speed_mps or 1.5, 0.5), 3.0)
    script = change_speed(script, at_s=how.at_s, speed_mps=-back, rate_mps2=how.limits.comfort_mps2)
    return change_speed(
        script, at_s=how.at_s + how.takes_s, speed_mps=0.0, rate_mps2=how.limits.comfort_mps2
    )  # fmt: skip
