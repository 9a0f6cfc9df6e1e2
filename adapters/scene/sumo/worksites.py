"""Roads under repair: a closed lane with cones, barriers, workers and a machine.

```
   lane 1   ────────────────────────────────────────▶ traffic moves over
            ·  ▲     ▬▬  ▬▬  ▬▬  ▬▬  ▬▬   ▲             ▲ cone   ▬ barrier
   lane 0     ▲  ▲       ☻   [machine]  ☻   ▲           closed from the taper to the end
   kerb     ▲━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
```
A site closes the right-hand driving lane of a road that has another one, or a parking strip. For SUMO the
closed stretch is a vehicle that stands there (`traffic.py`), so its drivers change lanes as they would.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from adapters.scene.sumo.fleet import Body, draw_body
from adapters.scene.sumo.network import Network
from adapters.scene.sumo.placed import Placed
from adapters.scene.sumo.polyline import arc_length_m, point_at
from adapters.scene.sumo.roadmap import center_of, is_parking, kind_of
from datagen.scene import Category, Group, LaneKind, Posture

TAPER_M = 14.0
END_M = 4.0
CLEAR_OF_JUNCTION_M = 22.0
BARRIER_EVERY_M = 2.9
CONE_EVERY_M = 3.2


@dataclass(frozen=True, kw_only=True)
class Worksite:
    """One closed stretch.

    line_m: centre line of the closed strip.  width_m: of the strip.
    span_m: from the taper's start to the end, along the line.
    blocked_lane: the driving lane that is closed, None if only parking is.  blocked_m: `span_m` as SUMO measures it.
    """

    id: str
    edge: str
    line_m: Float[np.ndarray, "points 2"]
    width_m: float
    span_m: tuple[float, float]
    blocked_lane: str | None
    blocked_m: tuple[float, float]

    @property
    def fence_m(self) -> float:
        """How far left of the middle the fence stands: on a parking strip's line, inside a driving lane's."""
        return self.width_m / 2 - (0.05 if self.blocked_lane is None else 0.35)

    @property
    def middle_m(self) -> Float[np.ndarray, "2"]:
        """The middle of the closed stretch."""
        return point_at(self.line_m, np.array([sum(self.span_m) / 2]))[0][0]


def draw_worksites(network: Network, *, rng: np.random.Generator) -> list[Worksite]:
    """Close stretches of about every fourth road that can spare one."""
    sites = []
    for edge in sorted(network.net.getEdges(withInternal=False), key=lambda edge: str(edge.getID())):
        if edge.isSpecial() or edge.getLength() < 2 * CLEAR_OF_JUNCTION_M + 45.0 or rng.random() > 0.3:
            continue
        driving = [lane for lane in edge.getLanes() if kind_of(lane) is LaneKind.CAR]
        strips = [lane for lane in edge.getLanes() if is_parking(lane)]
        if len(driving) > 1:
            sites.append(_site(driving[0], blocks=True, rng=rng))
        elif strips:
            sites.append(_site(strips[0], blocks=False, rng=rng))
    return sites


def _site(lane: Any, *, blocks: bool, rng: np.random.Generator) -> Worksite:
    line = center_of(lane)
    total = float(arc_length_m(line)[-1])
    length = float(rng.uniform(38.0, min(70.0, total - 2 * CLEAR_OF_JUNCTION_M)))
    start = float(rng.uniform(CLEAR_OF_JUNCTION_M, total - CLEAR_OF_JUNCTION_M - length))
    scale = lane.getLength() / total  # SUMO's length of a lane may differ from its geometry's
    return Worksite(
        id=f"site-{lane.getID()}",
        edge=lane.getEdge().getID(),
        line_m=line,
        width_m=float(lane.getWidth()),
        span_m=(start, start + length),
        blocked_lane=lane.getID() if blocks else None,
        blocked_m=(start * scale, (start + length) * scale),
    )


def furnish(site: Worksite, *, rng: np.random.Generator) -> list[Placed]:
    """Return everything that stands on a worksite."""
    machines = list(_machines(site, rng=rng))
    things = [*_taper(site, rng=rng), *_fence(site, rng=rng), *(placed for placed, _ in machines)]
    return [*things, *_workers(site, taken_m=[span for _, span in machines], rng=rng)]


def _taper(site: Worksite, *, rng: np.random.Generator) -> Iterator[Placed]:
    """Cones from the kerb to the far border, and a few to close the end."""
    start, end = site.span_m
    half = site.width_m / 2 - 0.35
    across = np.linspace(-half, half, 6)
    along = np.concatenate([np.linspace(start, start + TAPER_M, 6), np.full(3, end)])
    for s, left in zip(along, [*across, -half, 0.0, half]):
        yield _on(site, Category.TRAFFIC_CONE, s=float(s), left=float(left), rng=rng)


def _fence(site: Worksite, *, rng: np.random.Generator) -> Iterator[Placed]:
    """Yield the barriers or cones that part the site from traffic."""
    barriers = rng.random() < 0.65
    category = Category.BARRIER if barriers else Category.TRAFFIC_CONE
    every = BARRIER_EVERY_M if barriers else CONE_EVERY_M
    for s in np.arange(site.span_m[0] + TAPER_M + 3.0, site.span_m[1] - 2.0, every):
        if barriers or rng.random() < 0.95:
            turn = np.pi / 2 if barriers else 0.0
            yield _on(site, category, s=float(s), left=site.fence_m, rng=rng, turn_rad=turn)


def _machines(site: Worksite, *, rng: np.random.Generator) -> Iterator[tuple[Placed, tuple[float, float]]]:
    """Yield a construction vehicle, sometimes a truck, and what lies about, with the stretch that each takes."""
    start, end = site.span_m
    narrow = site.width_m < 3.0
    kind = "roller" if narrow else str(rng.choice(Category.CONSTRUCTION_VEHICLE.kinds))
    turned = float(rng.choice([0.0, np.pi])) + float(rng.normal(0.0, 0.03))
    middle = float(rng.uniform(0.5, 0.6)) * (end - start - TAPER_M) + start + TAPER_M
    yield _inside(site, Category.CONSTRUCTION_VEHICLE, s=middle, rng=rng, kind=kind, turn_rad=turned)
    if end - middle > 18.0 and rng.random() < 0.5:
        yield _inside(site, Category.TRUCK, s=end - 6.5, rng=rng, kind="pickup" if narrow else "lorry")
    for category, share, ahead in ((Category.DEBRIS, 0.4, 2.5), (Category.PUSHABLE, 0.3, 4.5)):
        if rng.random() < share:
            yield _inside(site, category, s=start + TAPER_M + ahead, rng=rng)


def _workers(site: Worksite, *, taken_m: Sequence[tuple[float, float]], rng: np.random.Generator) -> Iterator[Placed]:
    """Yield people at work where there is room between the machines, a step apart from each other."""
    free = np.arange(site.span_m[0] + TAPER_M + 1.0, site.span_m[1] - 1.5, 1.1)
    free = np.array([s for s in free if not any(low - 0.5 < s < high + 0.5 for low, high in taken_m)])
    count = min(int(rng.integers(2, 5)), len(free))
    for s in rng.choice(free, count, replace=False) if count else ():
        left, turn = rng.uniform(-site.width_m / 2 + 0.5, site.fence_m - 0.75), rng.uniform(-np.pi, np.pi)
        yield _on(site, Category.CONSTRUCTION_WORKER, s=float(s), left=float(left), rng=rng, turn_rad=float(turn))


def _inside(
    site: Worksite,
    category: Category,
    *,
    s: float,
    rng: np.random.Generator,
    kind: str | None = None,
    turn_rad: float = 0.0,
) -> tuple[Placed, tuple[float, float]]:
    """Place something just inside the fence; also return the stretch it takes."""
    body = draw_body(category, kind=kind, rng=rng)
    length, width, height = body.size_lwh_m
    width = min(width, site.width_m - 0.2)
    body = replace(body, size_lwh_m=(length, round(width, 3), height))
    left = site.fence_m - 0.45 - width / 2
    return _on(site, body, s=s, left=left, turn_rad=turn_rad, rng=rng), (s - length / 2, s + length / 2)


def _on(
    site: Worksite,
    what: Category | Body,
    *,
    s: float,
    left: float,
    rng: np.random.Generator,
    turn_rad: float = 0.0,
) -> Placed:
    """Place something at `s` along the site's line, `left` of its middle."""
    (at,), (yaw,) = point_at(site.line_m, np.array([s]), left_m=left)
    body = what if isinstance(what, Body) else draw_body(what, rng=rng)
    vehicle = body.category.group is Group.VEHICLE
    posture = Posture.PARKED if vehicle else Posture.ACTIVE
    return Placed(body=body, at_m=at, yaw_rad=float(yaw) + turn_rad, posture=posture)
