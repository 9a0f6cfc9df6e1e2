"""Pictures that are looked up by millions of points: bilinear sampling and a noise that tiles."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float, Float32

_ROW = 1024


def sampled(image: np.ndarray, column: Float[np.ndarray, "points"], row: Float[np.ndarray, "points"]) -> np.ndarray:
    """Return bilinear samples of a picture; (0, 0) is the centre of its first pixel, its edges are held outside.

    Returns the image's own type, shape (points,) or (points, channels).
    """
    count = len(column)
    lines = max(1, -(-count // _ROW))
    x, y = np.zeros((2, lines * _ROW), dtype=np.float32)
    x[:count], y[:count] = column, row
    shape = (lines, _ROW)
    out = cv2.remap(image, x.reshape(shape), y.reshape(shape), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return out.reshape(lines * _ROW, *out.shape[2:])[:count]


def noise(rng: np.random.Generator, *, size: int, slope: float) -> Float32[np.ndarray, "size size"]:
    """Return tileable noise of zero mean and unit deviation whose amplitude falls with frequency as f^-slope."""
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(size), np.fft.rfftfreq(size), indexing="ij"))
    frequency[0, 0] = 1.0
    spectrum = np.fft.rfft2(rng.standard_normal((size, size))) / frequency**slope
    spectrum[0, 0] = 0.0
    field = np.fft.irfft2(spectrum, s=(size, size))
    return (field / field.std()).astype(np.float32)


def tiled(tile: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return the tile repeated and cut to (rows, columns)."""
    repeats = [-(-want // have) for want, have in zip(shape, tile.shape)]
    return np.tile(tile, repeats)[: shape[0], : shape[1]]
