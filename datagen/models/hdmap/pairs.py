"""Samples on disk, as a network sees them: one picture for each.

It has 13 panels one above the other, 7 of traffic and 6 of the map.
Values from 0 to 1 lie in 0 to 255; directions, from -1 to 1, around 128. Speeds beyond 1 are cut off.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float, UInt8
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from datagen.errors import InputError
from datagen.models.hdmap.spec import MAP_CHANNELS, SIGNED, TRAFFIC_CHANNELS

PANELS = TRAFFIC_CHANNELS + MAP_CHANNELS


@dataclass(frozen=True, kw_only=True)
class Pair:
    """What traffic shows, and the map it drove on; one, or a batch."""

    traffic: Float[Tensor, "*batch 7 H W"]
    truth: Float[Tensor, "*batch 6 H W"]


def write_pair(
    path: Path, *, traffic: Float[np.ndarray, "7 rows columns"], truth: Float[np.ndarray, "6 rows columns"]
) -> None:
    """Write a pair, whole or not at all."""
    panels = np.concatenate([traffic, truth])
    codes = np.where(_SIGNED, 128 + 127 * panels, 255 * panels)
    picture = rearrange(
        np.clip(np.round(codes), 0, 255).astype(np.uint8), "panels rows columns -> (panels rows) columns"
    )
    partial = path.with_suffix(".partial")
    Image.fromarray(picture).save(partial, format="PNG", compress_level=4)
    partial.replace(path)


def read_pair(path: Path) -> Pair:
    """Read a pair. Raises InputError if the file is not one."""
    try:
        with Image.open(path, formats=["PNG"]) as picture:
            codes: UInt8[np.ndarray, "rows columns"] = np.asarray(picture)
    except (OSError, UnidentifiedImageError) as error:
        raise InputError(f"{path}: not a readable sample ({error})") from error
    if codes.ndim != 2 or codes.shape[0] != PANELS * codes.shape[1]:
        raise InputError(f"{path}: {codes.shape}; a sample is {PANELS} square grey panels one above the other")
    panels = rearrange(codes, "(panels rows) columns -> panels rows columns", panels=PANELS).astype(np.float32)
    values = torch.from_numpy(np.where(_SIGNED, (panels - 128) / 127, panels / 255).astype(np.float32))
    return Pair(traffic=values[:TRAFFIC_CHANNELS], truth=values[TRAFFIC_CHANNELS:])


@dataclass(frozen=True)
class Pairs:
    """A folder of samples."""

    paths: tuple[Path, ...]

    @staticmethod
    def under(folder: Path, *, pixels: int) -> Pairs:
        """Find them. Raises InputError if there are none, or they are of another size."""
        paths = tuple(sorted(folder.glob("*.png")))
        if not paths:
            raise InputError(f"{folder}: no samples (*.png); prepare them first")
        found = read_pair(paths[0]).truth.shape[-1]
        if found != pixels:
            raise InputError(f"{folder}: samples of {found} px; this network draws {pixels} px")
        return Pairs(paths)

    @property
    def places(self) -> set[str]:
        """The locations the samples are of."""
        return {path.stem.rsplit("-", 1)[0] for path in self.paths}


_SIGNED = np.array([index in SIGNED for index in range(PANELS)])[:, None, None]
