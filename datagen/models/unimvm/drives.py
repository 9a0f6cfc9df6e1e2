"""Drives ready to train on: latents and conditions computed once, one safetensors file for each.

Canvases are stored as what they are: a box canvas has one owner for each pixel, so class and "face or edge" are one
byte instead of eleven; three lines of the map are two bits each. A window of frames is read without the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float, Int, UInt8
from safetensors import SafetensorError, safe_open
from torch import Tensor

from datagen.errors import InputError
from datagen.models import weights
from datagen.models.unimvm.conditioning import Conditions
from datagen.models.unimvm.places import Sights
from datagen.models.unimvm.spec import Spec

FORMAT = "datagen-drive-1"
_FACE, _EDGE = 204, 255
_PER_FRAME = ("latents", "proxy", "map", "boxes", "appearance")
_SIGHTS = ("owner", "distance_m", "cam_SE3_world", "world_SE3_owner")


@dataclass(frozen=True, kw_only=True)
class Drive:
    """One drive, as `Conditions` has it for one clip, with the latents of its pictures.

    sights: what its pixels show, if it was prepared for pictures to be carried.
    """

    latents: Float[Tensor, "T V C H W"]
    proxy: Float[Tensor, "T V C H W"]
    map: UInt8[Tensor, "T V 3 Hpx Wpx"]
    boxes: UInt8[Tensor, "T V classes Hpx Wpx"]
    appearance: Float[Tensor, "T V 3 H W"]
    rays: Float[Tensor, "V 6 H W"]
    words: Int[Tensor, "words=3"]
    text: Int[Tensor, "bytes=128"]
    rate_hz: float
    sights: Sights | None = None

    def conditions(self) -> Conditions:
        """Return what is known of the drive, as a batch of one, with everything told."""
        per_frame = {name: getattr(self, name)[None] for name in ("proxy", "map", "boxes", "appearance")}
        whole = {name: getattr(self, name)[None] for name in ("rays", "words", "text")}
        told = torch.ones(1, dtype=torch.bool)
        return Conditions(
            **per_frame, **whole, rate_hz=torch.tensor([self.rate_hz]), layout_told=told, words_told=told.clone()
        )


def write_drive(path: Path, drive: Drive, *, about: Mapping[str, str]) -> None:
    """Write a drive. about: what it is of, and the hash of the autoencoder that made its latents."""
    tensors = {
        "latents": drive.latents.half(),
        "proxy": drive.proxy.half(),
        "map": packed_lines(drive.map),
        "boxes": packed_boxes(drive.boxes),
        "appearance": (drive.appearance * 255).round().to(torch.uint8),
        "rays": drive.rays.float(),
        "words": drive.words,
        "text": drive.text.to(torch.uint8),
        "rate_hz": torch.tensor(drive.rate_hz),
        "classes": torch.tensor(drive.boxes.shape[2]),
    }
    about = {**about, "format": FORMAT}
    if drive.sights is not None:
        about["sights"] = "all"
        tensors |= {name: getattr(drive.sights, name) for name in (*_SIGHTS, "intrinsics_px")}
        tensors["distance_m"] = drive.sights.distance_m.half()
    weights.save(path, tensors, about=about)


def read_drive(path: Path, *, start: int = 0, stop: int | None = None) -> Drive:
    """Read frames `start` to before `stop` of a drive. Raises InputError if the file is not one."""
    try:
        with safe_open(path, framework="pt") as file:
            about = weights.what(file)
            if about.get("format") != FORMAT:
                raise InputError(f"{path}: not a drive prepared for training")
            frames = {name: file.get_slice(name)[start:stop] for name in _PER_FRAME}
            rest = {name: file.get_tensor(name) for name in ("rays", "words", "text", "rate_hz", "classes")}
            sights = None
            if "sights" in about:
                seen = {name: file.get_slice(name)[start:stop] for name in _SIGHTS}
                sights = Sights(**seen, intrinsics_px=file.get_tensor("intrinsics_px"))
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path}: not a readable safetensors file ({error})") from error
    return Drive(
        latents=frames["latents"].float(),
        proxy=frames["proxy"].float(),
        map=unpacked_lines(frames["map"]),
        boxes=unpacked_boxes(frames["boxes"], classes=int(rest["classes"])),
        appearance=frames["appearance"].float() / 255,
        rays=rest["rays"],
        words=rest["words"],
        text=rest["text"].long(),
        rate_hz=float(rest["rate_hz"]),
        sights=sights,
    )


@dataclass(frozen=True)
class Drives:
    """A folder of drives: their paths, sorted, how many frames each has, and its closed words."""

    paths: tuple[Path, ...]
    frames: tuple[int, ...]
    words: Int[Tensor, "N words=3"]

    @staticmethod
    def under(folder: Path, spec: Spec, *, sights: bool = False) -> Drives:
        """Find them. Raises InputError if there are none, or they are not of the spec's shape, or lack sights."""
        paths = sorted(folder.glob("*.safetensors"))
        if not paths:
            raise InputError(f"{folder}: no drives prepared for training (*.safetensors)")
        shape = [spec.views, spec.latent_channels, *spec.cells]
        frames, words = [], []
        for path in paths:
            with safe_open(path, framework="pt") as file:
                found = file.get_slice("latents").get_shape()
                words.append(file.get_tensor("words"))
                if sights and "sights" not in weights.what(file):
                    raise InputError(f"{path}: its pictures were not prepared with what their pixels show ('carried')")
            if found[1:] != shape:
                raise InputError(f"{path}: latents of shape {found[1:]}; '{spec.name}' needs {shape}")
            frames.append(found[0])
        return Drives(tuple(paths), tuple(frames), torch.stack(words))

    def long_enough(self, frames: int) -> list[int]:
        """Return which drives have that many frames. Raises InputError if none has."""
        chosen = [i for i, count in enumerate(self.frames) if count >= frames]
        if not chosen:
            folder, longest = self.paths[0].parent, max(self.frames)
            raise InputError(f"{folder}: no drive has {frames} frames; the longest has {longest}")
        return chosen


def packed_boxes(canvas: UInt8[Tensor, "T V classes Hpx Wpx"]) -> UInt8[Tensor, "T V Hpx Wpx"]:
    """Return 0 for nothing, else 2 class + 1 for a face and 2 class + 2 for an edge."""
    value, owner = canvas.max(dim=2)
    code = 2 * owner + 1 + (value == _EDGE).long()
    return torch.where(value > 0, code, 0).to(torch.uint8)


def unpacked_boxes(code: UInt8[Tensor, "T V Hpx Wpx"], *, classes: int) -> UInt8[Tensor, "T V classes Hpx Wpx"]:
    """Return the canvas a code stands for."""
    canvas = torch.zeros(*code.shape[:2], classes, *code.shape[2:], dtype=torch.uint8)
    for index in range(classes):
        canvas[:, :, index] = (code == 2 * index + 1) * _FACE + (code == 2 * index + 2) * _EDGE
    return canvas


def packed_lines(canvas: UInt8[Tensor, "T V 3 Hpx Wpx"]) -> UInt8[Tensor, "T V Hpx Wpx"]:
    """Return the three lines' strengths in four steps, two bits each."""
    steps = ((canvas.int() * 3 + 127) // 255).to(torch.uint8)
    return steps[:, :, 0] | steps[:, :, 1] << 2 | steps[:, :, 2] << 4


def unpacked_lines(code: UInt8[Tensor, "T V Hpx Wpx"]) -> UInt8[Tensor, "T V 3 Hpx Wpx"]:
    """Return the lines' canvas a code stands for."""
    return torch.stack([(code >> shift & 3) * 85 for shift in (0, 2, 4)], dim=2)
