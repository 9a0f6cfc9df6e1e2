"""A slip road that joins a street from its outer side, runs beside it for a while, and ends.

```
   ──────────────────────────────────────────
    f1 →
    f0 →
   ─────────────────┬─────────────────┬──────
    slip road   ╭───╯  ramp  →        ╰╮  taper
   ─────────────╯──────────────────────╰─────
                a                 b
```
"""

from __future__ import annotations

import numpy as np

from datagen.scene import Area, Lane, Polygon
from datagen.scene.line import Line

SLIP_M, TAPER_M = 90.0, 40.0
"""Lengths of the slip road and of the taper behind the lane's end."""
_BEGINS, _ENDS = 0.38, 0.83
"""Where the lane beside the street begins and ends, as shares of the street's length."""
_APART_M = 11.0
"""How far aside the slip road begins."""


def ramp(axis: Line, outer: Lane, *, half_m: float, width_m: float) -> tuple[Lane, Area]:
    """Return the ramp to the right of a street and the taper behind its end.

    axis: the street's middle.  outer: its outermost lane, which the ramp leads onto.  half_m: from the middle to that
    lane's outer edge.
    """
    length = axis.length_m
    begins, ends = _BEGINS * length, _ENDS * length
    along = np.arange(begins - SLIP_M, ends + 1e-6, 3.0)
    apart = _APART_M * np.clip((begins - along) / SLIP_M, 0.0, 1.0) ** 2
    center = Line(axis.at(along, -(half_m + width_m / 2 + apart))[0])
    lane = Lane(
        id=f"{outer.id}-ramp",
        center_m=center.points_m,
        left_m=center.offset(width_m / 2).points_m,
        right_m=center.offset(-width_m / 2).points_m,
        left_neighbor=outer.id,
        speed_limit_mps=outer.speed_limit_mps,
    )
    last = float(along[-1])
    narrowing = np.arange(last, last + TAPER_M + 1e-6, 4.0)
    inner = axis.at(narrowing, np.full(len(narrowing), -half_m))[0]
    edge = axis.at(narrowing, -half_m - width_m * (1.0 - (narrowing - last) / TAPER_M))[0]
    return lane, Area(id=f"{lane.id}-taper", polygon=Polygon(exterior_m=np.concatenate([edge, inner[-2::-1]])))
