"""The map mask: one picture per location that says where one can drive, as the devkit's `MapMask` reads it.

8-bit grey, 0.1 m a pixel, 255 on the drivable area and 0 elsewhere. `MapMask` looks up a point at
`column = round(10 x)`, `row = round(height − 10 y)`: pixel centres lie on whole decimetres, and up is up.
The picture of a whole town is 30,000 pixels wide, so it is painted and compressed band by band; memory
holds one band.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from jaxtyping import Float, UInt8

PIXELS_PER_M = 10.0
BAND_ROWS = 1024
SUBPIXEL_BITS = 6

Rings = Sequence[Float[np.ndarray, "points 2"]]
"""A polygon's exterior and its holes, metres."""


def write_mask(path: Path, polygons: Sequence[Rings], *, canvas_m: tuple[float, float]) -> None:
    """Paint polygons white on black and store them as PNG.

    canvas_m: (width, height) of the location; the picture is ten times as many pixels.
    """
    width, height = (max(1, round(side * PIXELS_PER_M)) for side in canvas_m)
    with path.open("wb") as file:
        write_png(file, _bands(polygons, width=width, height=height), width=width, height=height)


def _bands(polygons: Sequence[Rings], *, width: int, height: int) -> Iterator[UInt8[np.ndarray, "rows columns"]]:
    """Yield the picture from its top, some rows at a time. A hole is left out of its own polygon only."""
    pixels = [[np.array([0.0, height]) + ring * [PIXELS_PER_M, -PIXELS_PER_M] for ring in rings] for rings in polygons]
    spans = np.array([(rings[0][:, 1].min(), rings[0][:, 1].max()) for rings in pixels]).reshape(-1, 2)
    for top in range(0, height, BAND_ROWS):
        band = np.zeros((min(BAND_ROWS, height - top), width), dtype=np.uint8)
        touching = np.flatnonzero((spans[:, 0] <= top + len(band)) & (spans[:, 1] >= top - 1))
        for index in touching:
            shifted = [(ring - [0.0, top]) * 2**SUBPIXEL_BITS for ring in pixels[index]]
            rings = [np.round(ring).astype(np.int32) for ring in shifted]
            cv2.fillPoly(band, rings, (255,), lineType=cv2.LINE_8, shift=SUBPIXEL_BITS)
        yield band


def write_png(file: BinaryIO, bands: Iterator[UInt8[np.ndarray, "rows columns"]], *, width: int, height: int) -> None:
    """Write an 8-bit grey PNG from bands of rows (PNG specification, ISO/IEC 15948), filter 0 in every row."""

    def chunk(kind: bytes, data: bytes) -> None:
        file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))

    file.write(b"\x89PNG\r\n\x1a\n")
    chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    squeeze = zlib.compressobj(level=1)
    for band in bands:
        filtered = np.pad(band, ((0, 0), (1, 0)))
        if data := squeeze.compress(filtered.tobytes()):
            chunk(b"IDAT", data)
    chunk(b"IDAT", squeeze.flush())
    chunk(b"IEND", b"")
