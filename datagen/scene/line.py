"""Lines in the plane with road coordinates: how far along, how far to the left.

```
            d > 0
   0 ───────────┬──────────────▶ s      a point is (s, d): s metres along the line,
            d < 0                       d metres to the left of it
```
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class Line:
    """A polyline with arc length. points_m: at least two, no two neighbours alike."""

    points_m: Float[np.ndarray, "points 2"]

    @cached_property
    def along_m(self) -> Float[np.ndarray, "points"]:
        """Arc length from the start to each point."""
        steps = np.linalg.norm(np.diff(self.points_m, axis=0), axis=1)
        return np.concatenate([[0.0], np.cumsum(steps)])

    @cached_property
    def tangent(self) -> Float[np.ndarray, "segments 2"]:
        """Unit direction of each segment."""
        step = np.diff(self.points_m, axis=0)
        return step / np.linalg.norm(step, axis=1, keepdims=True)

    @property
    def length_m(self) -> float:
        """Length of the whole line."""
        return float(self.along_m[-1])

    def at(
        self, s_m: Float[np.ndarray, "n"] | float, d_m: Float[np.ndarray, "n"] | float = 0.0
    ) -> tuple[Float[np.ndarray, "n 2"], Float[np.ndarray, "n"]]:
        """Return points and headings at (s, d); beyond the ends the line goes on straight."""
        s = np.atleast_1d(np.asarray(s_m, dtype=np.float64))
        segment = np.clip(np.searchsorted(self.along_m, s, side="right") - 1, 0, len(self.tangent) - 1)
        ahead = self.tangent[segment]
        left = np.stack([-ahead[:, 1], ahead[:, 0]], axis=-1)
        point = self.points_m[segment] + (s - self.along_m[segment])[:, None] * ahead
        return point + np.broadcast_to(d_m, s.shape)[:, None] * left, np.arctan2(ahead[:, 1], ahead[:, 0])

    def project(self, points_m: Float[np.ndarray, "n 2"]) -> tuple[Float[np.ndarray, "n"], Float[np.ndarray, "n"]]:
        """Return road coordinates (s, d) of points; beyond the ends the line goes on straight."""
        steps = np.diff(self.along_m)
        relative = points_m[:, None] - self.points_m[None, :-1]
        forward = np.einsum("nsc,sc->ns", relative, self.tangent)
        leftward = relative[..., 1] * self.tangent[:, 0] - relative[..., 0] * self.tangent[:, 1]
        low = np.concatenate([[-np.inf], np.zeros(len(steps) - 1)])
        high = np.concatenate([steps[:-1], [np.inf]])
        outside = forward - np.clip(forward, low, high)
        best = np.argmin(np.hypot(outside, leftward), axis=1)
        row = np.arange(len(points_m))
        inside = np.clip(forward, low, high)[row, best]
        return self.along_m[best] + inside, leftward[row, best]

    def resampled(self, step_m: float) -> Line:
        """Return the line with points `step_m` apart; the last step may be shorter."""
        stations = np.append(np.arange(0.0, self.length_m - 1e-6, step_m), self.length_m)
        return Line(self.at(stations)[0])

    def offset(self, d_m: float) -> Line:
        """Return the parallel line `d_m` to the left, point by point along the bisectors."""
        ahead = np.concatenate([self.tangent[:1], self.tangent[:-1] + self.tangent[1:], self.tangent[-1:]])
        ahead = ahead / np.linalg.norm(ahead, axis=1, keepdims=True)
        stretch = np.concatenate([[1.0], np.sum(ahead[1:-1] * self.tangent[1:], axis=1), [1.0]])
        left = np.stack([-ahead[:, 1], ahead[:, 0]], axis=-1)
        return Line(self.points_m + (d_m / np.maximum(stretch, 0.3))[:, None] * left)
