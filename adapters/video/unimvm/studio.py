"""The network at work: what shots show is told to it, it denoises, and the autoencoder makes pictures of that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor, nn

from adapters.video.unimvm.conditions import canvases, conditions, rearranged
from adapters.video.unimvm.given import given_mask, given_pictures
from datagen.models.autoencoder import Autoencoder
from datagen.models.autoencoder.weights import open_autoencoder
from datagen.models.unimvm.conditioning import Conditions, Given, joined
from datagen.models.unimvm.network import UniMVM
from datagen.models.unimvm.noise import WorldNoise, world_noise
from datagen.models.unimvm.pipeline import (
    SVD_SAMPLING,
    Carrier,
    Sampling,
    decode_pictures,
    encode_pictures,
    make_long_latents,
)
from datagen.models.unimvm.weights import load_unimvm
from datagen.scene import Shot

if TYPE_CHECKING:
    from adapters.video.unimvm import Settings


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the network is told of a batch of shots. Views are in the order they are joined in, also in `shots`.

    carrier: where some view is given in part, and that is to be carried.
    worlds: what each clip's noise is fixed to, if it is.
    """

    shots: tuple[Shot, ...]
    conditions: Conditions
    given: Given
    carrier: Carrier | None
    worlds: tuple[WorldNoise, ...] | None


@dataclass(frozen=True, kw_only=True)
class Studio:
    """Loaded weights and how to use them."""

    network: UniMVM
    autoencoder: Autoencoder
    sampling: Sampling
    settings: Settings
    device: torch.device

    @staticmethod
    def open(network: Path, autoencoder: Path, *, settings: Settings) -> Studio:
        """Load the weights to where they shall compute. Raises InputError if they are broken."""
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.set_num_threads(settings.threads)
        dtype = precision(settings.precision, device)
        loaded = load_unimvm(network, device=device, dtype=dtype)
        if settings.channels_last:
            _lay_channels_last(loaded)
        if settings.compile:
            loaded.unet.compile()
        return Studio(
            network=loaded,
            autoencoder=open_autoencoder(autoencoder, device=device, svd_dtype=autoencoder_precision(dtype)),
            sampling=sampling_of(settings, loaded.spec.name),
            settings=settings,
            device=device,
        )

    def told(self, shots: Sequence[Shot]) -> Told:
        """Draw what a batch of shots must show, read what is given, and bring it to the device.

        Raises ClipError when a picture that shall be given is not there.
        """
        ordered = tuple(rearranged(shot) for shot in shots)
        spec = self.network.spec
        how = self.settings
        masks = [given_mask(shot, mode=how.mode, views=how.views, frames=how.frames) for shot in ordered]
        in_part = any((mask.any(axis=0) & ~mask.all(axis=0)).any() for mask in masks)
        carries = self.sampling.carried > 0 and in_part
        sighted = carries or self.sampling.world_noise
        drawn = [canvases(shot, stride=spec.stride, figures=spec.figures, sights=sighted) for shot in ordered]
        briefs = [
            conditions(shot, canvas, autoencoder=self.autoencoder, device=self.device)
            for shot, canvas in zip(ordered, drawn)
        ]
        given = [self._given(shot, mask, like=brief.proxy) for shot, mask, brief in zip(ordered, masks, briefs)]
        sights = tuple(one.sights.to(self.device) for one in drawn if one.sights is not None)
        carrier = None
        if carries:
            carrier = Carrier(autoencoder=self.autoencoder, sights=sights, error=self.sampling.carried)
        worlds = tuple(world_noise(one) for one in sights) if self.sampling.world_noise else None
        return Told(shots=ordered, conditions=joined(briefs), given=_together(given), carrier=carrier, worlds=worlds)

    def _given(self, shot: Shot, mask: Bool[np.ndarray, "T V"], *, like: Float[Tensor, "1 T V C H W"]) -> Given:
        nothing = Given.nothing(like)
        if not mask.any():
            return nothing
        shown = torch.from_numpy(given_pictures(shot, mask))[None, :, None].to(self.device)
        latents = nothing.latents.clone()
        latents[0, torch.from_numpy(mask).to(self.device)] = encode_pictures(self.autoencoder, shown)[0, :, 0]
        return Given.of(latents, torch.from_numpy(mask)[None].to(self.device))

    def denoised(self, told: Told) -> Float[Tensor, "B T V C H W"]:
        """Return the shots' latents.

        The network is always called with `batch` clips, the last one over again where there are fewer: what it
        returns for a clip can then not depend on how many there happened to be.
        """
        missing = self.settings.batch - len(told.shots)
        places = [*range(len(told.shots)), *[len(told.shots) - 1] * missing]
        made = make_long_latents(
            self.network,
            told.conditions.chosen(places),
            given=told.given.chosen(places),
            seeds=[told.shots[place].seed for place in places],
            sampling=self.sampling,
            carrier=told.carrier.chosen(places) if told.carrier else None,
            worlds=[told.worlds[place] for place in places] if told.worlds else None,
        )
        return made[: len(told.shots)]

    def pictures(self, latents: Float[Tensor, "B T V C H W"]) -> Iterator[UInt8[np.ndarray, "B T Hpx Wpx 3"]]:
        """Yield the pictures of one view after the other."""
        for pictures in decode_pictures(self.autoencoder, latents):
            yield pictures.cpu().numpy()


def precision(word: str, device: torch.device) -> torch.dtype:
    """Return the kind of number a recipe's word stands for on a device."""
    kinds = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    if word != "auto":
        return kinds[word]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return torch.bfloat16 if torch.cpu._is_avx512_bf16_supported() else torch.float32


def autoencoder_precision(dtype: torch.dtype) -> torch.dtype:
    """Return what SVD's autoencoder computes in beside such a network; its encoder overflows fp16."""
    return torch.float32 if dtype == torch.float16 else dtype


def sampling_of(settings: Settings, spec: str) -> Sampling:
    """Return how to sample: what the settings say, over the preset's own way."""
    asked = {key: value for key in Sampling.model_fields if (value := getattr(settings, key, None)) is not None}
    own = SVD_SAMPLING if spec == "svd" else Sampling()
    return Sampling.model_validate({**own.model_dump(), **asked})


def _lay_channels_last(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _together(given: Sequence[Given]) -> Given:
    return Given(**{field.name: torch.cat([getattr(one, field.name) for one in given]) for field in fields(Given)})
