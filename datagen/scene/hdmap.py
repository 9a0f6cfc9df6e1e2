"""An HD map as vectors in the world frame: what is lawful where. The ground is the plane z = 0.

```
   walkway  ▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒
   boundary ━━━━━━━━━━━━━━━━━━━━━━━━━━━  edge of the drivable area (kerb)
   lane         ←──────── centre line      a lane points the way one drives on it
   divider  ═══════════════════════════  ROAD divider: between directions
   lane         centre line ────────▶
   divider  ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─  LANE divider: between lanes of one direction
   lane         centre line ────────▶
   boundary ━━━━━━━━━━━━━━━━━━━━━━━━━━━
```

World coordinates are non-negative, so that a map's raster and canvas start at (0, 0). Every element
has an id that is unique in its location and stays the same from run to run.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from jaxtyping import Float


class LaneKind(StrEnum):
    """Whom a lane is for."""

    CAR = "car"
    BIKE = "bike"


class DividerKind(StrEnum):
    """What a divider parts."""

    LANE = "lane"
    ROAD = "road"


class Paint(StrEnum):
    """How a divider is painted."""

    DASHED_WHITE = "dashed_white"
    SOLID_WHITE = "solid_white"
    DASHED_YELLOW = "dashed_yellow"
    DOUBLE_YELLOW = "double_yellow"
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class Polygon:
    """A simple polygon in the plane; rings are open (the first point is not repeated), metres."""

    exterior_m: Float[np.ndarray, "points 2"]
    holes_m: tuple[Float[np.ndarray, "_ 2"], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Lane:
    """A strip one vehicle wide, driven along its centre line.

    center_m: points from where one enters to where one leaves.
    left_m, right_m: its edges, seen in driving direction, same sense as the centre line.
    junction: it crosses a junction (a "lane connector" in nuScenes).
    successors: ids of lanes one may drive onto at its end.
    left_neighbor, right_neighbor: ids of lanes of the same direction one may change to, or None.
    """

    id: str
    center_m: Float[np.ndarray, "points 2"]
    left_m: Float[np.ndarray, "_ 2"]
    right_m: Float[np.ndarray, "_ 2"]
    kind: LaneKind = LaneKind.CAR
    junction: bool = False
    successors: tuple[str, ...] = ()
    left_neighbor: str | None = None
    right_neighbor: str | None = None
    speed_limit_mps: float = 13.9

    @property
    def polygon(self) -> Polygon:
        """The lane's area: left edge forth, right edge back."""
        return Polygon(exterior_m=np.concatenate([self.left_m, self.right_m[::-1]]))


@dataclass(frozen=True, kw_only=True)
class Divider:
    """A line between lanes; a ROAD divider parts directions."""

    id: str
    line_m: Float[np.ndarray, "points 2"]
    kind: DividerKind
    paint: Paint = Paint.DASHED_WHITE


@dataclass(frozen=True, kw_only=True)
class Boundary:
    """A line where the drivable area ends (a kerb)."""

    id: str
    line_m: Float[np.ndarray, "points 2"]


@dataclass(frozen=True, kw_only=True)
class Area:
    """A surface: crossing, walkway, junction, stop line, car park or drivable area, by the field it lies in."""

    id: str
    polygon: Polygon


@dataclass(frozen=True, kw_only=True)
class HDMap:
    """The map of one location, or the part of it that a scene needs.

    location: the place's name (`boston-seaport`, `sumo-1f2e3d4c`); same name, same world.
    canvas_m: (width, height); everything lies within [0, width] x [0, height].
    """

    location: str
    canvas_m: tuple[float, float]
    lanes: tuple[Lane, ...] = ()
    dividers: tuple[Divider, ...] = ()
    boundaries: tuple[Boundary, ...] = ()
    crossings: tuple[Area, ...] = ()
    walkways: tuple[Area, ...] = ()
    junctions: tuple[Area, ...] = ()
    stop_lines: tuple[Area, ...] = ()
    carparks: tuple[Area, ...] = ()
    drivable: tuple[Area, ...] = ()
