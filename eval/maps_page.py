"""A page of pictures: one row for each sample, with the traffic, what each drawer made of it, and the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8

from datagen.models.hdmap.training import picture
from datagen.roads.canvas import Canvas
from datagen.scene import DividerKind, HDMap

_SCALE, _SHIFT = 2, 4
Picture = UInt8[np.ndarray, "rows columns 3"]


def write_page(path: Path, samples: Sequence[Any], drawn: Mapping[str, Sequence[Any]]) -> None:
    """Write a PNG: a row for each sample, two columns for each drawer, its raster with the traffic and its vectors."""
    rows = [_titles(list(drawn), width=_SCALE * samples[0].canvas.size_px[0])]
    for index, sample in enumerate(samples):
        traffic = torch.from_numpy(sample.traffic)[None]
        panels = []
        for maps in drawn.values():
            raster = picture(torch.from_numpy(maps[index].raster)[None], traffic)[0].numpy()
            panels += [cv2.resize(raster, None, fx=_SCALE, fy=_SCALE, interpolation=cv2.INTER_NEAREST)]
            panels += [vectors(maps[index].hdmap, sample.canvas)]
        rows.append(np.concatenate(panels, axis=1))
    page = np.concatenate(rows)
    cv2.imwrite(str(path), page[..., ::-1])


def vectors(hdmap: HDMap, canvas: Canvas) -> Picture:
    """Return a map's vectors in colours: kerbs red, dividers white or yellow, lanes blue, connectors green."""
    width, height = canvas.size_px
    page = np.full((height * _SCALE, width * _SCALE, 3), 238, dtype=np.uint8)

    def fixed(points_m: Float[np.ndarray, "_ 2"]) -> np.ndarray:
        return np.round((canvas.to_pixels(points_m) * _SCALE - 0.5) * 2**_SHIFT).astype(np.int32)

    def line(points_m: Float[np.ndarray, "_ 2"], colour: tuple[int, int, int], thickness: int = 1) -> None:
        cv2.polylines(page, [fixed(points_m)], False, colour, thickness, cv2.LINE_AA, _SHIFT)

    surfaces = (
        (hdmap.drivable, (200, 200, 205)),
        (hdmap.junctions, (188, 202, 188)),
        (hdmap.crossings, (190, 215, 255)),
    )
    for areas, colour in surfaces:
        for area in areas:
            rings = [fixed(ring) for ring in (area.polygon.exterior_m, *area.polygon.holes_m)]
            cv2.fillPoly(page, rings, colour, shift=_SHIFT)
    for divider in hdmap.dividers:
        line(divider.line_m, (230, 190, 0) if divider.kind is DividerKind.ROAD else (255, 255, 255), 2)
    for boundary in hdmap.boundaries:
        line(boundary.line_m, (200, 30, 30), 2)
    for lane in hdmap.lanes:
        colour = (0, 150, 60) if lane.junction else (0, 80, 200)
        line(lane.center_m, colour)
        ends = fixed(lane.center_m)[len(lane.center_m) // 2 - 1 :][:2]
        if len(ends) == 2:
            tail, head = (tuple(map(int, end)) for end in ends)
            cv2.arrowedLine(page, tail, head, colour, 1, cv2.LINE_AA, _SHIFT, 1.5)
    return page


def _titles(names: list[str], *, width: int) -> Picture:
    strip = np.full((28, 2 * width * len(names), 3), 255, dtype=np.uint8)
    for index, name in enumerate(names):
        for column, what in enumerate(("raster", "vectors")):
            place = ((2 * index + column) * width + 8, 20)
            cv2.putText(strip, f"{name}: {what}", place, cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 0, 0), 1, cv2.LINE_AA)
    return strip
