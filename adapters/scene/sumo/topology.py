"""Which junctions there are and how roads bend between them, before any lane is drawn.

`netgenerate` draws the graph (grid, spider or random); its links are straight chords. Here chords that go
straight on through a junction are joined to *roads*, which keep one cross-section for their whole length and
pass the junction without a kink:

```
        │                         │
   ─────┼────╲        →      ─────┼───╮        every link becomes a cubic Bézier whose ends
        │     ╲                   │    ╲       leave along the road's common tangent
```
"""

from __future__ import annotations

import subprocess
import xml.etree.ElementTree as ET
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from datagen.errors import ClipError

STRAIGHT_ON_COS = -0.6
"""Two links at a node are one road if the angle between them is wider than 127 degrees."""
POINT_EVERY_M = 6.0

Link = tuple[str, str]
"""An undirected link: its two nodes, the smaller name first."""


@dataclass(frozen=True, kw_only=True)
class Topology:
    """The graph. roads: links grouped by the road they belong to; shapes: each link from its first node on."""

    nodes_m: dict[str, Float[np.ndarray, "2"]]
    roads: tuple[tuple[Link, ...], ...]
    shapes_m: dict[Link, Float[np.ndarray, "points 2"]]

    def degree(self, node: str) -> int:
        """Return how many links meet at a node."""
        return sum(node in link for link in self.shapes_m)


def draw_topology(
    layout: str, *, extent_m: float, block_m: float, margin_m: float, rng: np.random.Generator, run: Tool
) -> Topology:
    """Let netgenerate draw a graph, bend its links and put it `margin_m` inside the quadrant of the canvas.

    layout: `grid`, `spider` or `random`.  block_m: typical distance between junctions.
    """
    options = _layout_options(layout, extent_m=extent_m, block_m=block_m, rng=rng)
    prefix = run.folder / "graph"
    seed = str(rng.integers(2**31 - 1))
    run("netgenerate", [*options, "--seed", seed, "--plain-output-prefix", str(prefix), "-o", f"{prefix}.net.xml"])
    nodes, links = _read_graph(prefix)
    if layout != "random":
        nodes = _shaken(nodes, links, by_m=0.1 * block_m, rng=rng)
    partners = _straight_on(nodes, links)
    shapes = {link: _bent(link, nodes=nodes, partners=partners) for link in links}
    shift = margin_m - np.min(np.concatenate(list(shapes.values())), axis=0)
    return Topology(
        nodes_m={node: at + shift for node, at in nodes.items()},
        roads=_roads(links, partners),
        shapes_m={link: shape + shift for link, shape in shapes.items()},
    )


@dataclass(frozen=True)
class Tool:
    """Runs a SUMO program in a folder. Raises ClipError with what the program said when it fails."""

    binaries: Path
    folder: Path

    def __call__(self, program: str, options: list[str]) -> None:
        """Run `program` with `options`."""
        command = [str(self.binaries / program), *options, "--no-warnings", "true"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ClipError(f"{program} failed ({done.returncode}): {done.stderr.strip()[-500:]}")


def _layout_options(layout: str, *, extent_m: float, block_m: float, rng: np.random.Generator) -> list[str]:
    if layout == "grid":
        count = max(2, round(extent_m / block_m) - 1)
        stretch = rng.uniform(0.8, 1.25)
        lengths = ["--grid.x-length", f"{block_m * stretch:.1f}", "--grid.y-length", f"{block_m / stretch:.1f}"]
        return ["--grid", "--grid.number", str(count), *lengths, "--grid.attach-length", f"{block_m:.1f}"]
    if layout == "spider":
        arms, circles = int(rng.integers(5, 8)), max(1, round(extent_m / 2 / block_m) - 1)
        size = ["--spider.arm-number", str(arms), "--spider.circle-number", str(circles)]
        center = ["--spider.omit-center"] if arms > 6 else []
        radius = ["--spider.space-radius", f"{block_m:.1f}", "--spider.attach-length", f"{block_m:.1f}"]
        return ["--spider", *size, *radius, *center]
    iterations = max(14, round(1.3 * (extent_m / block_m) ** 2))
    distances = ["--rand.min-distance", f"{0.8 * block_m:.1f}", "--rand.max-distance", f"{1.5 * block_m:.1f}"]
    angle = ["--rand.min-angle", "65", "--rand.num-tries", "80", "--rand.connectivity", "0.97"]
    return ["--rand", "--rand.iterations", str(iterations), *distances, *angle]


def _read_graph(prefix: Path) -> tuple[dict[str, Float[np.ndarray, "2"]], tuple[Link, ...]]:
    """Return nodes and undirected links of netgenerate's plain output."""
    nodes = {
        node.attrib["id"]: np.array([float(node.attrib["x"]), float(node.attrib["y"])])
        for node in ET.parse(f"{prefix}.nod.xml").getroot().iter("node")
    }
    ends = [(edge.attrib["from"], edge.attrib["to"]) for edge in ET.parse(f"{prefix}.edg.xml").getroot().iter("edge")]
    return nodes, tuple(sorted({(min(a, b), max(a, b)) for a, b in ends}))


def _shaken(
    nodes: dict[str, Float[np.ndarray, "2"]], links: tuple[Link, ...], *, by_m: float, rng: np.random.Generator
) -> dict[str, Float[np.ndarray, "2"]]:
    """Move every inner node a little, so that a grid's streets are not ruled with a ruler."""
    inner = {node for node in nodes if sum(node in link for link in links) > 1}
    return {node: at + rng.uniform(-by_m, by_m, 2) * (node in inner) for node, at in nodes.items()}


def _straight_on(nodes: dict[str, Float[np.ndarray, "2"]], links: tuple[Link, ...]) -> dict[tuple[str, Link], Link]:
    """Return, for (node, link), the link that the road takes beyond the node; absent where the road ends.

    The widest angle is paired first; at a node of degree two the road always goes on.
    """
    at_node: dict[str, list[Link]] = defaultdict(list)
    for link in links:
        at_node[link[0]].append(link)
        at_node[link[1]].append(link)
    partners: dict[tuple[str, Link], Link] = {}
    for node, here in at_node.items():
        ways = [_unit(nodes[other(link, node)] - nodes[node]) for link in here]
        pairs = [(float(ways[i] @ ways[j]), i, j) for i in range(len(here)) for j in range(i)]
        for cosine, i, j in sorted(pairs):
            if (cosine < STRAIGHT_ON_COS or len(here) == 2) and not {(node, here[i]), (node, here[j])} & set(partners):
                partners[node, here[i]], partners[node, here[j]] = here[j], here[i]
    return partners


def _bent(
    link: Link, *, nodes: dict[str, Float[np.ndarray, "2"]], partners: dict[tuple[str, Link], Link]
) -> Float[np.ndarray, "points 2"]:
    """Return the link as a cubic Bézier that leaves both nodes along the tangent of its road."""
    start, end = nodes[link[0]], nodes[link[1]]
    length = float(np.linalg.norm(end - start))
    arms = []
    for node in link:
        onwards = nodes[other(link, node)] - nodes[node]
        beyond = partners.get((node, link))
        tangent = _unit(onwards)
        if beyond is not None:
            tangent = _unit(tangent - _unit(nodes[other(beyond, node)] - nodes[node]))
        arms.append(nodes[node] + tangent * length * 0.36)
    t = np.linspace(0.0, 1.0, max(2, round(length / POINT_EVERY_M) + 1))[:, None]
    return (1 - t) ** 3 * start + 3 * (1 - t) ** 2 * t * arms[0] + 3 * (1 - t) * t**2 * arms[1] + t**3 * end


def _roads(links: tuple[Link, ...], partners: dict[tuple[str, Link], Link]) -> tuple[tuple[Link, ...], ...]:
    """Group links that follow each other straight on."""
    road_of: dict[Link, int] = {}
    for number, link in enumerate(links):
        front = [link]
        while front:
            here = front.pop()
            if here not in road_of:
                road_of[here] = number
                front += [partners[node, here] for node in here if (node, here) in partners]
    numbers = sorted(set(road_of.values()))
    return tuple(tuple(link for link in links if road_of[link] == number) for number in numbers)


def other(link: Link, node: str) -> str:
    """Return the node at the link's far end."""
    return link[1] if link[0] == node else link[0]


def _unit(vector: Float[np.ndarray, "2"]) -> Float[np.ndarray, "2"]:
    return vector / max(float(np.linalg.norm(vector)), 1e-9)
