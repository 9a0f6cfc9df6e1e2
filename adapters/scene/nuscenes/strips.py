"""The shape of a lane from nothing but its outline: which edges are its ends, and the line down its middle.

A map expansion gives a lane as a polygon. Where it names the lane's first and last edge, they are taken; where
it does not, the ends are the two edges that, cut away, leave the straightest pair of sides:

```
        end              side                        end
     v_i ●────────────────────────────────────────● v_j+1
         │  - - - - - - - middle - - - - - - - ▶  │
   v_i+1 ●────────────────────────────────────────● v_j        (counter-clockwise)
```
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from jaxtyping import Float

STEP_M = 2.0
"""Distance between points of a centre line."""

_NEAR_M = 0.05
"""Corners nearer to one another than this are one."""

_CANDIDATES = 20
_NARROW_M = 1.5  # ends are wider, so that the corners of parking bays along a side are none
_CLOSING = 0.3  # maps tend to draw a lane from end to end, so that the outline closes along one

_FAR_M = 1.0
"""An end that is named must lie this near to an edge of the polygon."""


@dataclass(frozen=True, kw_only=True)
class Strip:
    """A lane's shape, from the end where it begins to the other; which way one drives is not known here."""

    center_m: Float[np.ndarray, "points 2"]
    left_m: Float[np.ndarray, "_ 2"]
    right_m: Float[np.ndarray, "_ 2"]

    def reversed(self) -> Strip:
        """Return the same strip, seen from its other end."""
        return Strip(center_m=self.center_m[::-1], left_m=self.right_m[::-1], right_m=self.left_m[::-1])

    @property
    def width_m(self) -> float:
        """The mean distance between both sides at the ends."""
        ends = np.stack([self.left_m[[0, -1]], self.right_m[[0, -1]]])
        return float(np.linalg.norm(ends[0] - ends[1], axis=1).mean())


def strip_of(
    ring_m: Float[np.ndarray, "corners 2"],
    *,
    start_m: Float[np.ndarray, "_ 2"] | None = None,
    end_m: Float[np.ndarray, "_ 2"] | None = None,
) -> Strip | None:
    """Return the strip that fills an outline, or None if the outline has no area.

    ring_m: corners in either sense.  start_m, end_m: the lines where one enters and leaves, where known.
    """
    ring = _tidied(ring_m)
    if len(ring) < 3 or abs(_area(ring)) < 0.1:
        return None
    if _area(ring) < 0:
        ring = ring[::-1]  # keeps the closing edge the closing edge
    if len(ring) == 3:
        ring = np.insert(ring, 1, (ring[0] + ring[1]) / 2, axis=0)
    first, last = _edge_at(ring, start_m), _edge_at(ring, end_m)
    if first is None or last is None or first == last:
        first, last = _ends(ring)
    right, left = _sides(ring, first, last)
    return between(left, right)


def between(left_m: Float[np.ndarray, "_ 2"], right_m: Float[np.ndarray, "_ 2"]) -> Strip:
    """Return the strip between two sides that run in the same sense."""
    longest = max(length_m(left_m), length_m(right_m))
    count = max(2, int(np.ceil(longest / STEP_M)) + 1)
    center = (resampled(left_m, count) + resampled(right_m, count)) / 2
    return Strip(center_m=center, left_m=left_m, right_m=right_m)


def along(center_m: Float[np.ndarray, "points 2"], width_m: Float[np.ndarray, "points"]) -> Strip:
    """Return the strip of a given width around a centre line."""
    aside = left_of(center_m) * width_m[:, None] / 2
    return Strip(center_m=center_m, left_m=center_m + aside, right_m=center_m - aside)


def joining(before: Strip, after: Strip) -> Strip:
    """Return a smooth strip (a cubic Hermite curve) from the end of one to the beginning of another."""
    start, end = before.center_m[-1], after.center_m[0]
    reach = float(np.linalg.norm(end - start))
    out, into = _direction(before.center_m[-2:]) * reach, _direction(after.center_m[:2]) * reach
    t = np.linspace(0.0, 1.0, max(4, int(np.ceil(reach / STEP_M)) + 1))[:, None]
    center = (
        (2 * t**3 - 3 * t**2 + 1) * start
        + (t**3 - 2 * t**2 + t) * out
        + (3 * t**2 - 2 * t**3) * end
        + (t**3 - t**2) * into
    )
    return along(center, before.width_m + t[:, 0] * (after.width_m - before.width_m))


def outline_of(strip: Strip) -> shapely.Geometry:
    """Return the area between both sides."""
    return shapely.make_valid(shapely.Polygon(np.concatenate([strip.left_m, strip.right_m[::-1]])))


def length_m(line_m: Float[np.ndarray, "points 2"]) -> float:
    """Return the length of a polyline."""
    return float(np.linalg.norm(np.diff(line_m, axis=0), axis=1).sum())


def resampled(line_m: Float[np.ndarray, "points 2"], count: int) -> Float[np.ndarray, "count 2"]:
    """Return `count` points evenly along a polyline, ends included."""
    steps = np.linalg.norm(np.diff(line_m, axis=0), axis=1)
    at = np.concatenate([[0.0], np.cumsum(steps)])
    wanted = np.linspace(0.0, at[-1], count)
    return np.stack([np.interp(wanted, at, line_m[:, 0]), np.interp(wanted, at, line_m[:, 1])], axis=-1)


def left_of(line_m: Float[np.ndarray, "points 2"]) -> Float[np.ndarray, "points 2"]:
    """Return the unit vector to the left at each point of a polyline."""
    tangent = np.gradient(line_m, axis=0)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-9)
    return np.stack([-tangent[:, 1], tangent[:, 0]], axis=-1)


def _direction(line_m: Float[np.ndarray, "2 2"]) -> Float[np.ndarray, "2"]:
    step = line_m[1] - line_m[0]
    return step / max(float(np.linalg.norm(step)), 1e-9)


def _tidied(ring: Float[np.ndarray, "corners 2"]) -> Float[np.ndarray, "_ 2"]:
    """Leave out corners that repeat the one before, the closing one among them."""
    keep = np.linalg.norm(ring - np.roll(ring, 1, axis=0), axis=1) > _NEAR_M
    if len(ring) and not keep[0]:
        keep[0], keep[-1] = True, len(ring) == 1
    return ring[keep]


def _area(ring: Float[np.ndarray, "corners 2"]) -> float:
    x, y = ring.T
    return float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)) / 2)


def _edge_at(ring: Float[np.ndarray, "corners 2"], line_m: Float[np.ndarray, "_ 2"] | None) -> int | None:
    """Return the number of the edge (from that corner to the next) that lies on a line, or None."""
    if line_m is None or len(line_m) < 2:
        return None
    a, b, p, q = ring, np.roll(ring, -1, axis=0), line_m[0], line_m[-1]
    norm = np.linalg.norm
    apart = np.minimum(norm(a - p, axis=1) + norm(b - q, axis=1), norm(a - q, axis=1) + norm(b - p, axis=1))
    nearest = int(np.argmin(apart))
    return nearest if apart[nearest] < _FAR_M else None


def _ends(ring: Float[np.ndarray, "corners 2"]) -> tuple[int, int]:
    """Return the two edges that make the best strip, among pairs of those whose corners turn most."""
    count = len(ring)
    edges = np.roll(ring, -1, axis=0) - ring
    lengths = np.linalg.norm(edges, axis=1)
    corner = np.minimum(np.abs(_turns(edges, np.roll(edges, 1, axis=0))), np.pi / 2)
    gain = corner + np.roll(corner, -1) - 3.0 * lengths / lengths.sum()
    gain = np.where(lengths < _NARROW_M, gain - np.pi, gain)
    likely = sorted({*np.argsort(-gain, kind="stable")[:_CANDIDATES].tolist(), count - 1})
    pairs = [(a, b) for a in likely for b in likely if a < b and 1 < b - a < count - 1]
    costs = [_cost(ring, a, b) - 0.2 * (gain[a] + gain[b]) - _CLOSING * (b == count - 1) for a, b in pairs]
    first, last = pairs[int(np.argmin(costs))]
    return (last, first) if last == count - 1 else (first, last)


def _cost(ring: Float[np.ndarray, "corners 2"], first: int, last: int) -> float:
    """Return how unlike a lane the strip between two ends is: changing width, a crooked middle."""
    right_m, left_m = _sides(ring, first, last)
    left, right = resampled(left_m, 12), resampled(right_m, 12)
    width = np.linalg.norm(left - right, axis=1)
    steps = np.diff((left + right) / 2, axis=0)
    crooked = float(np.abs(_turns(steps[1:], steps[:-1])).sum())
    return float(width.std() / width.mean()) + crooked / np.pi


def _sides(
    ring: Float[np.ndarray, "corners 2"], first: int, last: int
) -> tuple[Float[np.ndarray, "_ 2"], Float[np.ndarray, "_ 2"]]:
    """Return the right and left side from the first end to the last, of a counter-clockwise outline."""
    count = len(ring)
    right = ring[[(first + 1 + k) % count for k in range((last - first - 1) % count + 1)]]
    left = ring[[(last + 1 + k) % count for k in range((first - last - 1) % count + 1)]][::-1]
    return right, left


def _turns(after: Float[np.ndarray, "steps 2"], before: Float[np.ndarray, "steps 2"]) -> Float[np.ndarray, "steps"]:
    """Return the angles from one step to the next, left positive."""
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    return np.arctan2(cross, np.sum(before * after, axis=1))
