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

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from adapters.scene.sumo.fleet import draw_body
from adapters.scene.sumo.network import Network
from adapters.scene.sumo.placed import Placed
from adapters.scene.sumo.polyline import arc_length_m, point_at
from adapters.scene.sumo.roadmap import center_of, is_parking, kind_of
from datagen.scene import Category, LaneKind, Posture

TAPER_M = 14.0
END_M = 4.0
CLEAR_OF_JUNCTION_M = 22.0
BARRIER_EVERY_M = 2.9
CONE_EVERY_M = 3.2


@dataclass(frozen=True, kw_only=True)
class Worksite:
    """One closed stretch.

    line_m: centre line of the closed strip.  width_m: of the strip.  span_m: from the taper's start to the end, along it.
    blocked_lane: the driving lane that is closed, None if only parking is.  blocked_m: the part closed, along that lane.
    """

    id: str
    edge: str
    line_m: Float[np.ndarray, "points 2"]
    width_m: float
    span_m: tuple[float, float]
    blocked_lane: str | None
    blocked_m: tuple[float, float]

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
    barriers = rng.random() < 0.65
    things = [*_taper(site, rng=rng), *_edge_of(site, barriers=barriers, rng=rng), *_machines(site, rng=rng)]
    return [*things, *_workers(site, rng=rng)]


def _taper(site: Worksite, *, rng: np.random.Generator) -> Iterator[Placed]:
    """Cones from the kerb to the far border, and a few to close the end."""
    start, end = site.span_m
    half = site.width_m / 2 - 0.35
    across = np.linspace(-half, half, 6)
    along = np.concatenate([np.linspace(start, start + TAPER_M, 6), np.full(3, end)])
    for s, left in zip(along, [*across, -half, 0.0, half]):
        yield _on(site, Category.TRAFFIC_CONE, s=float(s), left=float(left), rng=rng)


def _edge_of(site: Worksite, *, barriers: bool, rng: np.random.Generator) -> Iterator[Placed]:
    """Yield the line that parts the site from traffic."""
    category = Category.BARRIER if barriers else Category.TRAFFIC_CONE
    left = site.width_m / 2 - 0.35
    every = BARRIER_EVERY_M if barriers else CONE_EVERY_M
    for s in np.arange(site.span_m[0] + TAPER_M + 3.0, site.span_m[1] - 2.0, every):
        if barriers or rng.random() < 0.95:
            yield _on(site, category, s=float(s), left=left, rng=rng, turn_rad=np.pi / 2 if barriers else 0.0)


def _machines(site: Worksite, *, rng: np.random.Generator) -> Iterator[Placed]:
    start, end = site.span_m
    kind = str(rng.choice(Category.CONSTRUCTION_VEHICLE.kinds))
    turned = float(rng.choice([0.0, np.pi])) + float(rng.normal(0.0, 0.06))
    middle = float(rng.uniform(0.55, 0.7)) * (end - start) + start
    yield _on(site, Category.CONSTRUCTION_VEHICLE, s=middle, left=-0.55, rng=rng, kind=kind, turn_rad=turned)
    if end - start > 50.0 and rng.random() < 0.5:
        yield _on(site, Category.TRUCK, s=end - 7.0, left=-0.35, rng=rng, kind=str(rng.choice(["lorry", "pickup"])))
    if rng.random() < 0.4:
        yield _on(site, Category.DEBRIS, s=start + TAPER_M + 3.0, left=-0.8, rng=rng)
    if rng.random() < 0.3:
        yield _on(site, Category.PUSHABLE, s=start + TAPER_M + 5.5, left=-0.6, rng=rng)


def _workers(site: Worksite, *, rng: np.random.Generator) -> Iterator[Placed]:
    start, end = site.span_m
    for _ in range(int(rng.integers(2, 5))):
        s, left = rng.uniform(start + TAPER_M, end - 2.0), rng.uniform(-0.9, 0.6)
        turn = float(rng.uniform(-np.pi, np.pi))
        yield _on(site, Category.CONSTRUCTION_WORKER, s=float(s), left=float(left), rng=rng, turn_rad=turn)


def _on(
    site: Worksite,
    category: Category,
    *,
    s: float,
    left: float,
    rng: np.random.Generator,
    turn_rad: float = 0.0,
    kind: str | None = None,
) -> Placed:
    """Place something at `s` along the site's line, `left` of its middle."""
    (at,), (yaw,) = point_at(site.line_m, np.array([s]), left_m=left)
    vehicle = category in {Category.CONSTRUCTION_VEHICLE, Category.TRUCK}
    return Placed(
        body=draw_body(category, kind=kind, rng=rng),
        at_m=at,
        yaw_rad=float(yaw) + turn_rad,
        posture=Posture.PARKED if vehicle else Posture.ACTIVE,
    )

