"""Thick lines of a raster to polylines: thin them, walk the pixels as a graph, smooth what was walked.

```
   ▓▓▓▓▓▓▓▓▓▓▓▓           ●───────────●
   ▓▓▓▓▓▓▓▓▓▓▓▓  ──▶                  │  nodes where lines end or meet; chains of pixels between them
          ▓▓▓▓▓                       │
          ▓▓▓▓▓                       ●
```

Thinning: Zhang and Suen 1984 ("A fast parallel algorithm for thinning digital patterns"), as in scikit-image.
Points are (column, row), pixel centres at +0.5.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import gaussian_filter1d
from skimage.morphology import skeletonize

Mask = Bool[np.ndarray, "rows columns"]
Chain = Float[np.ndarray, "_ 2"]
_Pixel = tuple[int, int]
_AROUND = [(-1, 0), (0, 1), (1, 0), (0, -1), (-1, 1), (1, 1), (1, -1), (-1, -1)]


@dataclass(frozen=True, kw_only=True)
class Branch:
    """A line between two nodes. points_px: smoothed.  first, last: its nodes; a ring has the same at both ends."""

    points_px: Chain
    first: int
    last: int


def branches_of(mask: Mask, *, smoothing_px: float, spur_px: float) -> list[Branch]:
    """Return the middle lines of a mask.

    spur_px: a branch shorter than this that ends freely is a burr of the thinning, and is left out; so is a loose one.
    """
    skeleton = skeletonize(mask)
    pixels = {(int(row), int(column)) for row, column in np.argwhere(skeleton)}
    links = {pixel: _linked(pixel, pixels) for pixel in pixels}
    for _ in range(4):
        spurs = [chain for chain in _chains(links) if _is_spur(chain, links, spur_px)]
        if not spurs:
            break
        for chain in spurs:
            for pixel in chain if len(links[chain[0]]) <= 1 else chain[1:]:
                if len(links[pixel]) <= 2:
                    pixels.discard(pixel)
        links = {pixel: _linked(pixel, pixels) for pixel in pixels}
    return _smooth_branches(links, mask, smoothing_px=smoothing_px, spur_px=spur_px)


def _linked(pixel: _Pixel, pixels: set[_Pixel]) -> list[_Pixel]:
    """Return the neighbours of a pixel; a diagonal one only if no straight neighbour leads there anyway."""
    row, column = pixel
    found = [(row + dy, column + dx) for dy, dx in _AROUND[:4] if (row + dy, column + dx) in pixels]
    for dy, dx in _AROUND[4:]:
        corner = row + dy, column + dx
        if corner in pixels and (row, column + dx) not in pixels and (row + dy, column) not in pixels:
            found.append(corner)
    return found


def _chains(links: dict[_Pixel, list[_Pixel]]) -> Iterator[list[_Pixel]]:
    """Yield the walks from node to node; then rings, which have no node."""
    walked: set[frozenset[_Pixel]] = set()
    seen: set[_Pixel] = set()
    nodes = sorted(pixel for pixel, near in links.items() if len(near) != 2)
    for start in nodes:
        if not links[start]:
            seen.add(start)
        for onward in links[start]:
            if frozenset((start, onward)) not in walked:
                chain = _walk(start, onward, links)
                walked |= {frozenset(pair) for pair in itertools.pairwise(chain)}
                seen.update(chain)
                yield chain
    for start in sorted(links):
        if start not in seen and len(links[start]) == 2:
            chain = _walk(start, links[start][0], links)
            seen.update(chain)
            yield chain


def _walk(start: _Pixel, onward: _Pixel, links: dict[_Pixel, list[_Pixel]]) -> list[_Pixel]:
    chain = [start, onward]
    while len(links[chain[-1]]) == 2 and chain[-1] != start:
        before, here = chain[-2:]
        one, other = links[here]
        chain.append(other if one == before else one)
    return chain


def _is_spur(chain: Sequence[_Pixel], links: dict[_Pixel, list[_Pixel]], spur_px: float) -> bool:
    free = [len(links[end]) <= 1 for end in (chain[0], chain[-1])]
    return any(free) and not all(free) and len(chain) < spur_px


def _smooth_branches(
    links: dict[_Pixel, list[_Pixel]], mask: Mask, *, smoothing_px: float, spur_px: float
) -> list[Branch]:
    """Return the chains as smooth lines; node pixels that touch each other are one node, in their middle."""
    node_of, middle = _nodes(links)
    branches = []
    for chain in _chains(links):
        points = np.array(chain, dtype=np.float64)[:, ::-1] + 0.5
        first, last = (node_of.get(end, -1) for end in (chain[0], chain[-1]))
        free = len(links[chain[0]]) <= 1, len(links[chain[-1]]) <= 1
        if first >= 0 and first == last and len(chain) < 4:
            continue
        if first < 0:  # a ring
            node_of[chain[0]] = first = last = len(middle)
            middle.append(points[0])
        if all(free) and len(chain) < spur_px:
            continue
        points[0], points[-1] = middle[first], middle[last]
        smooth = _smoothed(points, smoothing_px)
        branches.append(Branch(points_px=_reaching(smooth, mask, ends=free), first=first, last=last))
    return branches


def _nodes(links: dict[_Pixel, list[_Pixel]]) -> tuple[dict[_Pixel, int], list[Float[np.ndarray, "2"]]]:
    node_of: dict[_Pixel, int] = {}
    middle: list[Float[np.ndarray, "2"]] = []
    for pixel in sorted(pixel for pixel, near in links.items() if len(near) != 2):
        if pixel in node_of:
            continue
        cluster, front = [], [pixel]
        node_of[pixel] = len(middle)
        while front:
            here = front.pop()
            cluster.append(here)
            for near in links[here]:
                if near not in node_of and len(links[near]) > 2 and len(links[here]) > 2:
                    node_of[near] = len(middle)
                    front.append(near)
        middle.append(np.array(cluster, dtype=np.float64).mean(axis=0)[::-1] + 0.5)
    return node_of, middle


def _smoothed(points: Chain, sigma: float) -> Chain:
    """Return the chain smoothed along itself; mirrored beyond its ends, which therefore stay where they are."""
    pad = min(len(points) - 1, int(4 * sigma) + 1)
    if pad < 1 or sigma <= 0:
        return points
    before = 2 * points[0] - points[pad:0:-1]
    after = 2 * points[-1] - points[-2 : -pad - 2 : -1]
    padded = np.concatenate([before, points, after])
    return gaussian_filter1d(padded, sigma, axis=0)[pad:-pad]


def _reaching(points: Chain, mask: Mask, *, ends: tuple[bool, bool]) -> Chain:
    """Lengthen free ends to the raster's edge if the mask goes on to there: thinning stops half a line's width short.

    Elsewhere a line is as much longer than drawn, by its pen, as thinning makes it shorter.
    """
    if ends[0]:
        points = np.concatenate([_beyond(points[min(4, len(points) - 1) :: -1], mask), points])
    if ends[1]:
        points = np.concatenate([points, _beyond(points[-min(5, len(points)) :], mask)])
    return points


def _beyond(end: Chain, mask: Mask) -> Chain:
    """Return the point where the line leaves the raster, or nothing. end: the last points, towards the end."""
    rows, columns = mask.shape
    step = end[-1] - end[0]
    size = np.linalg.norm(step)
    if size > 0:
        for half_steps in range(1, 16):
            here = end[-1] + half_steps / 2 * step / size
            column, row = here
            if not (0 <= row < rows and 0 <= column < columns):
                return here[None]
            if not mask[int(row), int(column)]:
                break
    return end[:0]
