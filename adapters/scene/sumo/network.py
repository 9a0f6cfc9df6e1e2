"""From a number to a road network: topology, cross-sections, junction control, and netconvert to build it.

The same settings and number give the same network on every machine, so that workers need not share files
and scenes that name the same location are in the same world.

```
   sidewalk │ bike lane │ parking strip │ lane 0 │ lane 1 ║ lane 1 │ lane 0 │ …     one road's cross-section
```
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from adapters.scene.sumo.roadmap import MARGIN_M, hdmap_of
from adapters.scene.sumo.topology import Link, Tool, Topology, draw_topology
from datagen.errors import DependencyError
from datagen.scene import HDMap, Place

PARKING_CLASS = "custom1"
"""SUMO's vehicle class for the parking strip: nothing in our traffic drives there."""
PARKING_WIDTH_M = 2.4
BIKE_LANE_WIDTH_M = 1.7


@dataclass(frozen=True, kw_only=True)
class Style:
    """What roads look like in one kind of place. Tuples are drawn from evenly; shares are probabilities per road.

    corner_m: radius of the kerb where roads meet.
    """

    layouts: tuple[str, ...]
    lanes: tuple[int, ...]
    speed_mps: tuple[float, ...]
    block_m: tuple[float, float]
    lane_width_m: float = 3.3
    sidewalk_m: float = 3.0
    parking: float = 0.5
    bike_lane: float = 0.2
    signals: float = 0.4
    corner_m: float = 7.0


STYLES: dict[Place, Style] = {
    Place.DOWNTOWN: Style(
        layouts=("grid", "grid", "random"), lanes=(1, 2, 2, 3), speed_mps=(11.1, 13.9), block_m=(100, 140),
        sidewalk_m=3.6, bike_lane=0.3, signals=0.8,
    ),
    Place.RESIDENTIAL: Style(
        layouts=("random", "random", "grid"), lanes=(1, 1, 2), speed_mps=(8.3, 11.1), block_m=(85, 120),
        sidewalk_m=2.4, parking=0.8, signals=0.2, lane_width_m=3.2,
    ),
    Place.INDUSTRIAL: Style(
        layouts=("random", "grid", "spider"), lanes=(1, 2, 2), speed_mps=(11.1, 13.9), block_m=(120, 170),
        sidewalk_m=2.2, parking=0.4, bike_lane=0.1, lane_width_m=3.6, corner_m=11.0,
    ),
    Place.HIGHWAY: Style(
        layouts=("random", "spider"), lanes=(2, 3, 3, 4), speed_mps=(16.7, 19.4), block_m=(190, 240),
        sidewalk_m=2.2, parking=0.0, bike_lane=0.0, signals=0.7, lane_width_m=3.6, corner_m=12.0,
    ),
    Place.PARK: Style(
        layouts=("random", "spider"), lanes=(1, 1, 2), speed_mps=(8.3, 11.1), block_m=(110, 150),
        sidewalk_m=3.0, parking=0.35, bike_lane=0.6, signals=0.2,
    ),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Network:
    """A built network: SUMO's file (as text, for whoever simulates on it), sumolib's view and our map."""

    location: str
    place: Place
    xml: bytes
    net: Any
    hdmap: HDMap


def location_of(number: int, *, place: Place, extent_m: float) -> str:
    """Return the name of the network that these values give."""
    facts = json.dumps(["network 1", number, place.value, extent_m])
    return f"sumo-{hashlib.sha256(facts.encode()).hexdigest()[:8]}"


def build_network(number: int, *, place: Place, extent_m: float) -> Network:
    """Build the network with this number. Takes about a second; touches a temporary folder only."""
    location = location_of(number, place=place, extent_m=extent_m)
    rng = np.random.default_rng(int(location.removeprefix("sumo-"), 16))
    style = STYLES[place]
    with tempfile.TemporaryDirectory(prefix="datagen-sumo-") as folder:
        tool = Tool(binaries=_binaries(), folder=Path(folder))
        layout, block_m = str(rng.choice(style.layouts)), float(rng.uniform(*style.block_m))
        topology = draw_topology(layout, extent_m=extent_m, block_m=block_m, margin_m=MARGIN_M, rng=rng, run=tool)
        _write_edges(topology, style=style, path=tool.folder / "edges.xml", rng=rng)
        _write_nodes(topology, style=style, path=tool.folder / "nodes.xml", rng=rng)
        corners = ["--default.junctions.radius", str(style.corner_m)]
        tool("netconvert", ["-n", "nodes.xml", "-e", "edges.xml", "-o", "net.xml", *corners, *_NETCONVERT])
        net = _sumolib().net.readNet(str(tool.folder / "net.xml"), withInternal=True, withPedestrianConnections=True)
        xml = (tool.folder / "net.xml").read_bytes()
    return Network(location=location, place=place, xml=xml, net=net, hdmap=hdmap_of(net, location=location))


_NETCONVERT = [
    *("--offset.disable-normalization", "true"),
    *("--geometry.remove", "true", "--no-turnarounds", "true", "--crossings.guess", "true", "--walkingareas", "true"),
    *("--junctions.corner-detail", "8", "--junctions.internal-link-detail", "14"),
    *("--junctions.limit-turn-speed", "3.5", "--default.crossing-width", "4"),
    *("--crossings.guess.speed-threshold", "30"),
    *("--tls.crossing-min.time", "6", "--tls.cycle.time", "50", "--rectangular-lane-cut", "false", "--precision", "3"),
]  # fmt: skip


def _write_edges(topology: Topology, *, style: Style, path: Path, rng: np.random.Generator) -> None:
    """Write every link twice, once per direction, with its road's cross-section."""
    lines = []
    for road in topology.roads:
        section = _cross_section(style, rng=rng)
        for link in road:
            lines += [_edge(link, topology, section=section), _edge(link[::-1], topology, section=section)]
    path.write_text("<edges>\n" + "\n".join(lines) + "\n</edges>\n")


def _cross_section(style: Style, *, rng: np.random.Generator) -> tuple[str, str]:
    """Return the attributes and the lane children that every edge of one road has."""
    lanes, speed = int(rng.choice(style.lanes)), float(rng.choice(style.speed_mps))
    parking, bikes = rng.random() < style.parking, rng.random() < style.bike_lane
    beside = [("bicycle", BIKE_LANE_WIDTH_M)] * bikes + [(PARKING_CLASS, PARKING_WIDTH_M)] * parking
    strips = [f'<lane index="{n}" allow="{users}" width="{width}"/>' for n, (users, width) in enumerate(beside)]
    attributes = (
        f'numLanes="{lanes + len(beside)}" speed="{speed}" width="{style.lane_width_m}" priority="{lanes}" '
        f'sidewalkWidth="{style.sidewalk_m}" spreadType="right"'
    )
    return attributes, "".join(strips)


def _edge(link: Link, topology: Topology, *, section: tuple[str, str]) -> str:
    known = link in topology.shapes_m
    shape = topology.shapes_m[link] if known else topology.shapes_m[link[::-1]][::-1]
    points = " ".join(f"{x:.3f},{y:.3f}" for x, y in shape)
    name = f"{link[0]}_{link[1]}"
    return f'<edge id="{name}" from="{link[0]}" to="{link[1]}" shape="{points}" {section[0]}>{section[1]}</edge>'


def _write_nodes(topology: Topology, *, style: Style, path: Path, rng: np.random.Generator) -> None:
    """Write every node with the way its junction is controlled."""
    lines = []
    for node, at in topology.nodes_m.items():
        signals = rng.random() < style.signals
        unsignalled = str(rng.choice(["priority", "priority_stop", "allway_stop", "right_before_left"]))
        kind = "traffic_light" if signals else unsignalled
        if topology.degree(node) < 3:
            kind = "priority"
        lines.append(f'<node id="{node}" x="{at[0]:.3f}" y="{at[1]:.3f}" type="{kind}"/>')
    path.write_text("<nodes>\n" + "\n".join(lines) + "\n</nodes>\n")


def require_sumo() -> None:
    """Raise DependencyError unless the programs and sumolib are there."""
    _binaries()
    _sumolib()


def _binaries() -> Path:
    """Return the folder of SUMO's programs. Raises DependencyError where the package is missing."""
    try:
        import sumo
    except ImportError as error:
        raise DependencyError(missing("eclipse-sumo")) from error
    folder = Path(sumo.SUMO_HOME) / "bin"
    program = "netconvert.exe" if sys.platform == "win32" else "netconvert"
    if not (folder / program).exists():
        raise DependencyError(f"{missing('eclipse-sumo')} (no {program} in {folder})")
    return folder


def _sumolib() -> Any:
    try:
        import sumolib
    except ImportError as error:
        raise DependencyError(missing("sumolib")) from error
    return sumolib


def missing(package: str) -> str:
    """Return what to tell a user who lacks one of SUMO's packages."""
    return f'scene.use: sumo needs the package {package}; install it with: pip install "datagen[sumo]"'
