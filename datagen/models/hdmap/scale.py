"""Rasters at the scale a network sees: coarser by the mean of pixels, finer again by linear interpolation.

Lines 1.2 m wide on pixels of 0.4 m outlive a factor of 2: the vectors of a true map, made coarser and finer again, are
within 1 m of the map's own in 99.9 % of their pixels. It makes a network four times as fast.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from einops import reduce
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate

Raster = TypeVar("Raster", np.ndarray, Tensor)


def coarser(raster: Raster, factor: int) -> Raster:
    """Return `... H W` as `... H/factor W/factor`; both sides are multiples of the factor."""
    small: Raster = reduce(raster, "... (H f) (W g) -> ... H W", "mean", f=factor, g=factor)
    return small


def finer(raster: Float[Tensor, "B C h w"], factor: int) -> Float[Tensor, "B C H W"]:
    """Return the raster with `factor` times as many pixels along each side."""
    if factor == 1:
        return raster
    return interpolate(raster, scale_factor=factor, mode="bilinear", align_corners=False)
