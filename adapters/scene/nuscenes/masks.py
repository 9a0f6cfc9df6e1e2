"""Drivable area from a log's map mask, where the map expansion has none or an incomplete one.

A mask is a picture of a whole city part, 0.1 m a pixel, row 0 in the north (nuscenes-devkit, map_mask.py):
pixel (column c, row r) stands for x = 0.1 c, y = 0.1 (height - r). Decoded, the largest takes 1.2 GB; it is
kept as bits, and only the part around a scene is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import shapely
from jaxtyping import UInt8
from PIL import Image

from datagen.errors import LogError

METRES_PER_PIXEL = 0.1
_SMALLEST_M2 = 4.0
_BAND_ROWS = 512


@dataclass(frozen=True)
class Mask:
    """A map mask as rows of bits, north first."""

    bits: UInt8[np.ndarray, "height bytes"]
    width_px: int

    @property
    def canvas_m(self) -> tuple[float, float]:
        """Width and height of the map."""
        return self.width_px * METRES_PER_PIXEL, len(self.bits) * METRES_PER_PIXEL

    def within(self, bounds_m: tuple[float, float, float, float]) -> shapely.Geometry:
        """Return what is drivable in a rectangle (x0, y0, x1, y1), as polygons with holes, metres."""
        height = len(self.bits)
        x0, y0, x1, y1 = (round(bound / METRES_PER_PIXEL) for bound in bounds_m)
        left, right = max(0, x0) // 8 * 8, min(self.width_px, x1)
        top, bottom = max(0, height - y1), min(height, height - y0)
        if left >= right or top >= bottom:
            return shapely.MultiPolygon()
        crop = np.unpackbits(self.bits[top:bottom, left // 8 : -(-right // 8)], axis=1)[:, : right - left]
        pixels = _polygons(crop)
        return shapely.transform(pixels, lambda points: (points * [1, -1] + [left, height - top]) * METRES_PER_PIXEL)


def read_mask(path: Path) -> Mask:
    """Read a mask. Raises LogError when it is not a picture."""
    Image.MAX_IMAGE_PIXELS = None  # a city at 0.1 m is larger than what Pillow takes for an attack
    try:
        with Image.open(path) as image:
            image.load()
            width, height = image.size
            tops = range(0, height, _BAND_ROWS)
            bands = [image.crop((0, top, width, min(top + _BAND_ROWS, height))).convert("L") for top in tops]
            bits = np.concatenate([np.packbits(np.asarray(band) > 0, axis=1) for band in bands])
    except (OSError, ValueError, SyntaxError) as error:
        raise LogError(f"{path}: not a picture, or cut off ({error}); copy the folder maps/ again.") from error
    return Mask(bits=bits, width_px=width)


def _polygons(crop: UInt8[np.ndarray, "rows columns"]) -> shapely.Geometry:
    """Return the outlines of what is 1, in pixels."""
    contours, hierarchy = cv2.findContours(crop, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    polygons = []
    for index, contour in enumerate(contours):
        is_outer = hierarchy[0][index][3] < 0
        if not is_outer or len(contour) < 3:
            continue
        holes = [
            contours[k][:, 0] for k in range(len(contours)) if hierarchy[0][k][3] == index and len(contours[k]) >= 3
        ]
        polygons.append(shapely.make_valid(shapely.Polygon(contour[:, 0], holes)))
    least = _SMALLEST_M2 / METRES_PER_PIXEL**2
    united = shapely.union_all(polygons).buffer(0.5, join_style="mitre").simplify(1.5)
    large = [part for part in shapely.get_parts(united) if part.area >= least]
    return shapely.union_all(
        [shapely.Polygon(p.exterior, [h for h in p.interiors if shapely.Polygon(h).area >= least]) for p in large]
    )
