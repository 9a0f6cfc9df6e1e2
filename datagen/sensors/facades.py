"""Windows on walls, integrated over each pixel: no triangles, no flicker.

A wall is a periodic pulse along u and v. The share of a pixel that is window is the integral of the pulse over
the pixel's footprint, which has a closed form: for a pulse of duty s centred in each period,

    I(x) = floor(x) s + clip(frac(x) - (1 - s) / 2, 0, s)        share = (I(x + h) - I(x - h)) / 2h
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int

from datagen.sensors.buildings import Facade

_WARM = np.array([1.0, 0.72, 0.38], dtype=np.float32)
_COOL = np.array([0.75, 0.85, 1.0], dtype=np.float32)
_SIGNS = np.array([[0.5, 0.06, 0.05], [0.05, 0.2, 0.4], [0.1, 0.3, 0.12], [0.6, 0.45, 0.1]], dtype=np.float32)


@dataclass(frozen=True, kw_only=True)
class Panes:
    """What of each pixel's wall is window. All arrays are of shape (rays, ...).

    share: window, in [0, 1].  lit: how brightly, 0 for dark ones.  glow_rgb: the lamp's colour inside.
    sign: how much of the pixel is a shop's sign.  sign_rgb: its colour.
    """

    share: Float32[np.ndarray, "rays"]
    lit: Float32[np.ndarray, "rays"]
    glow_rgb: Float32[np.ndarray, "rays 3"]
    sign: Float32[np.ndarray, "rays"]
    sign_rgb: Float32[np.ndarray, "rays 3"]


class Facades:
    """All facades of a world as columns."""

    def __init__(self, facades: Sequence[Facade]) -> None:
        def column(values: list[object], kind: type = np.float32) -> np.ndarray:
            return np.array(values, dtype=kind)

        self.origin_m = column([f.origin_m for f in facades], np.float64).reshape(-1, 3)
        self.tangent = column([f.tangent for f in facades]).reshape(-1, 2)
        self.bay_m = column([f.bay_m for f in facades])
        self.storey_m = column([f.storey_m for f in facades])
        self.window = column([f.window for f in facades]).reshape(-1, 2)
        self.height_m = column([f.height_m for f in facades])
        self.shop = column([f.shop for f in facades], bool)
        self.seed = column([f.seed for f in facades], np.uint32)

    def at(
        self,
        facade: Int[np.ndarray, "rays"],
        points_m: Float[np.ndarray, "rays 3"],
        *,
        width_m: Float[np.ndarray, "rays"],
    ) -> Panes:
        """Return the windows under pixels that are `width_m` wide on the wall."""
        apart, tangent = points_m - self.origin_m[facade], self.tangent[facade]
        u = ((apart[:, 0] * tangent[:, 0] + apart[:, 1] * tangent[:, 1]) / self.bay_m[facade]).astype(np.float32)
        v = (apart[:, 2] / self.storey_m[facade]).astype(np.float32)
        half_u, half_v = (width_m / 2 / size[facade] for size in (self.bay_m, self.storey_m))
        ground_floor = self.shop[facade] & (v < 1.0)
        duty_u = np.where(ground_floor, 0.88, self.window[facade, 0])
        duty_v = np.where(ground_floor, 0.62, self.window[facade, 1])
        shift = np.where(ground_floor, 0.14, 0.0)
        share = _pulse(u, half_u, duty_u) * _pulse(v + shift, half_v, duty_v)
        below_top = (v > 0) & (apart[:, 2] < self.height_m[facade] - 0.7)
        column, row = np.floor(u).astype(np.int64), np.floor(v).astype(np.int64)
        seed = self.seed[facade]
        chance = _hash(column, row, seed)
        crowded = np.clip(half_u * 2 - 0.6, 0.0, 1.0)  # many windows in a pixel: show their average
        odds = np.where(ground_floor, 0.85, 0.38)
        lit = np.where(chance < odds, 0.45 + 0.55 * _hash(row, column, seed), 0.0)
        lit = lit * (1 - crowded) + crowded * odds * 0.7
        warm = (_hash(column + 7, row, seed) < 0.75)[:, None]
        sign = (
            _pulse(u / 3, half_u / 3, np.full_like(u, 0.8)) * _band(v, half_v, low=0.76, high=0.95) * self.shop[facade]
        )
        return Panes(
            share=(share * below_top).astype(np.float32),
            lit=lit.astype(np.float32),
            glow_rgb=np.where(warm, _WARM, _COOL),
            sign=sign.astype(np.float32),
            sign_rgb=_SIGNS[(_hash(column // 3, row * 0, seed) * len(_SIGNS)).astype(int) % len(_SIGNS)],
        )


def _pulse(x: np.ndarray, half: np.ndarray, duty: np.ndarray) -> np.ndarray:
    half = np.maximum(half, 1e-3)

    def integral(at: np.ndarray) -> np.ndarray:
        whole = np.floor(at)
        return whole * duty + np.clip(at - whole - (1 - duty) / 2, 0.0, duty)

    return (integral(x + half) - integral(x - half)) / (2 * half)


def _band(x: np.ndarray, half: np.ndarray, *, low: float, high: float) -> np.ndarray:
    half = np.maximum(half, 1e-3)
    return np.clip((np.minimum(x + half, high) - np.maximum(x - half, low)) / (2 * half), 0.0, 1.0)


def _hash(a: np.ndarray, b: np.ndarray, seed: np.ndarray) -> Float32[np.ndarray, "rays"]:
    """Return numbers in [0, 1) that depend on three integers alone (Wang's integer hash)."""
    with np.errstate(over="ignore"):
        key = a.astype(np.uint32) * np.uint32(73856093) ^ b.astype(np.uint32) * np.uint32(19349663) ^ seed
        key = (key ^ np.uint32(61)) ^ (key >> np.uint32(16))
        key = key * np.uint32(9)
        key = key ^ (key >> np.uint32(4))
        key = key * np.uint32(0x27D4EB2D)
        key = key ^ (key >> np.uint32(15))
    return (key >> np.uint32(8)).astype(np.float32) / np.float32(1 << 24)
