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
        found = np.zeros(len(self.points_m))
        np.cumsum(self._lengths, out=found[1:])
        return found

    @cached_property
    def tangent(self) -> Float[np.ndarray, "segments 2"]:
        """Unit direction of each segment."""
        return self._steps / self._lengths[:, None]

    @cached_property
    def _steps(self) -> Float[np.ndarray, "segments 2"]:
        return self.points_m[1:] - self.points_m[:-1]

    @cached_property
    def _lengths(self) -> Float[np.ndarray, "segments"]:
        return np.sqrt(self._steps[:, 0] ** 2 + self._steps[:, 1] ** 2)

    @cached_property
    def _ends(self) -> tuple[Float[np.ndarray, "segments"], Float[np.ndarray, "segments"]]:
        """How far forward of its start each segment is responsible; the first and the last for ever."""
        low, high = np.zeros(len(self.tangent)), np.diff(self.along_m)
        low[0], high[-1] = -np.inf, np.inf
        return low, high

    @property
    def length_m(self) -> float:
        """Length of the whole line."""
        return float(self.along_m[-1])

    def at(
        self, s_m: Float[np.ndarray, "n"] | float, d_m: Float[np.ndarray, "n"] | float = 0.0
    ) -> tuple[Float[np.ndarray, "n 2"], Float[np.ndarray, "n"]]:
        """Return points and headings at (s, d); beyond the ends the line goes on straight."""
        s = np.atleast_1d(np.asarray(s_m, dtype=np.float64))
        segment = np.minimum(np.maximum(self.along_m.searchsorted(s, side="right") - 1, 0), len(self.tangent) - 1)
        ahead, origin = self.tangent[segment], self.points_m[segment]
        beyond, point = s - self.along_m[segment], np.empty((len(s), 2))
        point[:, 0] = origin[:, 0] + beyond * ahead[:, 0] - d_m * ahead[:, 1]
        point[:, 1] = origin[:, 1] + beyond * ahead[:, 1] + d_m * ahead[:, 0]
        return point, np.arctan2(ahead[:, 1], ahead[:, 0])

    def project(self, points_m: Float[np.ndarray, "n 2"]) -> tuple[Float[np.ndarray, "n"], Float[np.ndarray, "n"]]:
        """Return road coordinates (s, d) of points; beyond the ends the line goes on straight."""
        x = points_m[:, :1] - self.points_m[:-1, 0]
        y = points_m[:, 1:] - self.points_m[:-1, 1]
        along_x, along_y = self.tangent[:, 0], self.tangent[:, 1]
        forward = x * along_x + y * along_y
        leftward = y * along_x - x * along_y
        low, high = self._ends
        inside = np.minimum(np.maximum(forward, low), high)
        best = np.argmin((forward - inside) ** 2 + leftward**2, axis=1)
        row = np.arange(len(points_m))
        return self.along_m[best] + inside[row, best], leftward[row, best]

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
