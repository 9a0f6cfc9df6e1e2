"""How a manoeuvre is to be driven once everything about it has been decided."""

from __future__ import annotations

from dataclasses import dataclass

from datagen.scene.plan import Manoeuvre
from datagen.traffic.limits import Limits


@dataclass(frozen=True, kw_only=True)
class How:
    """One manoeuvre of one driver.

    act: what the plan says.  at_s, takes_s: when it begins and how long it lasts, seconds into the clip.
    lane_m: signed shift to where it goes, left is positive: a lane, the gap between two lanes, or the kerb.
    """

    act: Manoeuvre
    at_s: float
    takes_s: float
    lane_m: float
    limits: Limits
