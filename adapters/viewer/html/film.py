"""Six views in one film: the frames of all cameras side by side, as H.264 in MP4, which every browser plays."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from jaxtyping import UInt8
from PIL import Image

from adapters.viewer._footage import View

COLUMNS = 3
QUALITY_CRF = 26
"""libx264's constant rate factor: about 33 dB on the ray-caster's pictures, 10 KB a frame of 672x256."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where one view stands in the joined picture, pixels. scale: pixels here per pixel of the stored picture."""

    channel: str
    left: int
    top: int
    width: int
    height: int
    scale: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Mosaic:
    """How the views of a clip are joined: as many rows of three as it takes, the order of the rig kept around it."""

    width: int
    height: int
    places: tuple[Place, ...]


def mosaic_of(views: Sequence[View], *, view_width_px: int) -> Mosaic:
    """Lay out a clip's views, none wider than `view_width_px`; all tiles are even, as video wants them."""
    width = min(view_width_px, max(view.width_px for view in views)) // 2 * 2
    height = round(max(view.height_px / view.width_px for view in views) * width / 2) * 2
    columns = min(COLUMNS, len(views))
    rows = -(-len(views) // columns)
    places = []
    for index, view in enumerate(in_rows(views)):
        row, column = divmod(index, columns)
        own_height = min(height, round(view.height_px * width / view.width_px))
        places.append(
            Place(
                channel=view.channel,
                left=column * width,
                top=row * height,
                width=width,
                height=own_height,
                scale=(width / view.width_px, own_height / view.height_px),
            )
        )
    return Mosaic(width=columns * width, height=rows * height, places=tuple(places))


def in_rows(views: Sequence[View]) -> list[View]:
    """Return the views as one looks around: what is ahead in the first row, what is behind in the second.

    A rig's cameras stand clockwise from the left, so those behind come from right to left: they are turned round.
    """
    return [*views[:COLUMNS], *reversed(views[COLUMNS:])]


def encode(views: Sequence[View], mosaic: Mosaic, *, rate_hz: float) -> bytes:
    """Return the joined views as an MP4 film with a key frame every two seconds."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as film:
        stream = film.add_stream("libx264", rate=Fraction(rate_hz).limit_denominator(1000))
        stream.width, stream.height, stream.pix_fmt = mosaic.width, mosaic.height, "yuv420p"
        stream.options = {
            "crf": str(QUALITY_CRF),
            "preset": "veryfast",
            "bf": "0",
            "g": str(max(1, round(2 * rate_hz))),
        }
        stream.codec_context.thread_count = 1
        for picture in joined(views, mosaic):
            film.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        film.mux(stream.encode(None))
    return file.getvalue()


def joined(views: Sequence[View], mosaic: Mosaic) -> Iterator[UInt8[np.ndarray, "height width 3"]]:
    """Yield every frame of all views side by side."""
    by_channel = {view.channel: view for view in views}
    for frame in range(len(views[0].pictures)):
        picture = np.zeros((mosaic.height, mosaic.width, 3), dtype=np.uint8)
        for place in mosaic.places:
            shown = opened(by_channel[place.channel].pictures[frame], size_px=(place.width, place.height))
            picture[place.top : place.top + place.height, place.left : place.left + place.width] = np.asarray(shown)
        yield picture


def opened(path: Path, *, size_px: tuple[int, int]) -> Image.Image:
    """Return a picture in RGB at a size (width, height), decoded no larger than it must be."""
    file = Image.open(path)
    file.draft("RGB", size_px)
    picture = file.convert("RGB")
    return picture if picture.size == size_px else picture.resize(size_px, Image.Resampling.BICUBIC)


def still(picture: Image.Image, *, quality: int = 80) -> bytes:
    """Return a picture as JPEG."""
    file = io.BytesIO()
    picture.save(file, "jpeg", quality=quality)
    return file.getvalue()
