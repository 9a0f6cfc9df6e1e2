"""How a clip is made: conditions, what is given and a seed go in; latents, then pictures come out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import count

import torch
from einops import rearrange, reduce
from jaxtyping import Bool, Float, UInt8
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from datagen.models.autoencoder import Autoencoder
from datagen.models.samplers import Sampler, guidance_ramp, guided, karras_sigmas, log_spaced_sigmas, sample
from datagen.models.unimvm.carrying import carried
from datagen.models.unimvm.conditioning import Conditions, Given
from datagen.models.unimvm.network import UniMVM
from datagen.models.unimvm.noise import WorldNoise
from datagen.models.unimvm.places import Sights
from datagen.models.unimvm.words import by_words
from datagen.scene.ambience import ClosedWord, Light


class Start(StrEnum):
    """What the noise of the first level is put on."""

    NOISE = "noise"
    PROXY = "proxy"


class Sampling(BaseModel):
    """How to sample.

    start: what the noise of the first level is put on: nothing, or the proxy's latents (SDEdit, Meng et al. 2021,
    arXiv 2108.01073), which matters where sigma_max is moderate.
    guidance: of the first and the last frame, rising evenly between; (1, 1) asks the network half as often.
    weather_guidance: how many times as far as it would go by itself a clip goes from one whose weather nobody told:
    the product of its closed words' numbers, 1 for a word that is not named. Where that is 1 for all clips of a batch,
    the network is asked half as often.
    keep: part of the noise that the samplers `settled` and `reduced_noise` add back.
    settle: noise level, in the latents' own unit, from which on `settled` does so.
    overlap: frames of the clip before that a continued clip is given.
    given_noise: noise on given latents, in parts of their spread (0.02 in Stable Video Diffusion).
    carried: what is given is carried along the labelled world to where nothing is, and taken there as a look at the
    clean latents with an error of this part of their spread: less trusts it more. 0: it is not carried.
    world_noise: the noise is fixed to the labelled world, so that what is made of it moves with the world. It
    needs to know what pixels show: films do, the looks of a training do not and draw each number by itself.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    sampler: Sampler = Sampler.SETTLED
    steps: int = 12
    start: Start = Start.NOISE
    sigma_max: float = 200.0
    sigma_min: float = 0.3
    guidance: tuple[float, float] = (1.0, 1.0)
    weather_guidance: dict[ClosedWord, float] = {Light.NIGHT: 2.5}
    keep: float = 0.3
    settle: float = 3.0
    overlap: int = 2
    given_noise: float = 0.02
    carried: float = 0.5
    world_noise: bool = True


SVD_SAMPLING = Sampling(
    sampler=Sampler.EULER,
    steps=30,
    sigma_max=700.0,
    sigma_min=0.002,
    guidance=(2.0, 5.0),
    weather_guidance={},
    overlap=1,
    carried=0.0,
    world_noise=False,
)
"""As Stable Video Diffusion and DriveDreamer-2's released code sample."""


def clip_noise(
    seed: int, shape: tuple[int, ...], *, world: WorldNoise | None = None
) -> Iterator[Float[Tensor, "T V C H W"]]:
    """Yield one clip's standard normal noise, draw after draw, fixed to the world or each number by itself.

    It depends on the clip's seed and labels alone, not on batch or device.
    """
    generator = torch.Generator().manual_seed(seed)
    for draw in count():
        yield world.draw(shape, seed=seed + draw * _SEED_STRIDE) if world else torch.randn(shape, generator=generator)


@torch.inference_mode()
def make_latents(
    network: UniMVM,
    conditions: Conditions,
    *,
    given: Given,
    seeds: Sequence[int],
    sampling: Sampling,
    worlds: Sequence[WorldNoise] | None = None,
) -> Float[Tensor, "B T V C H W"]:
    """Return one batch of clips as latents: the denoising loop, apart from the solver's own arithmetic.

    worlds: what each clip's noise is fixed to; each number is drawn by itself without.
    """
    B, T = given.mask.shape[:2]
    shape = tuple(given.latents.shape[1:])
    fixed: Sequence[WorldNoise | None] = worlds or [None] * B
    assert len(seeds) == len(fixed) == B
    draws = [clip_noise(seed, shape, world=world) for seed, world in zip(seeds, fixed)]

    def noise() -> Tensor:
        return torch.stack([next(draw) for draw in draws]).to(given.latents.device)

    blur = noise() * network.sigma_data.float()[:, None, None]
    shown = replace(
        given,
        latents=given.latents + sampling.given_noise * blur,
        noise=torch.full_like(given.noise, sampling.given_noise),
    )
    told = network.briefing(conditions, shown)
    away = []
    weathers = by_words(conditions.words, sampling.weather_guidance).to(given.latents)
    if (weathers != 1.0).any():
        away.append((network.briefing(conditions.without_weather(), shown), weathers[:, None, None, None, None, None]))
    if sampling.guidance != (1.0, 1.0):
        ramp = guidance_ramp(T, sampling.guidance[0], high=sampling.guidance[1]).to(given.latents.device)
        away.append((network.briefing(conditions.untold(), shown), ramp[:, None, None, None, None]))

    def denoise(x: Tensor, sigma: Tensor) -> Tensor:
        best = network.denoised(x, sigma.expand(B), told)
        for less, scale in away:
            best = guided(best, network.denoised(x, sigma.expand(B), less), scale=scale)
        return best

    stochastic = sampling.sampler in (Sampler.SETTLED, Sampler.REDUCED_NOISE)
    spaced = log_spaced_sigmas if stochastic else karras_sigmas
    sigmas = spaced(sampling.steps, sampling.sigma_max, sigma_min=sampling.sigma_min, device=given.latents.device)
    x = noise() * sampling.sigma_max
    x = x + conditions.proxy if sampling.start is Start.PROXY else x
    x = sample(sampling.sampler, denoise, x=x, sigmas=sigmas, noise=noise, keep=sampling.keep, settle=sampling.settle)
    return torch.where(given.mask[:, :, :, None, None, None], given.latents, x)


@dataclass(frozen=True)
class Window:
    """Frames `start` to before `stop`, of which the first `known` were made by the window before."""

    start: int
    stop: int
    known: int


def windows(total: int, frames: int, *, overlap: int) -> list[Window]:
    """Return windows of `frames` frames that cover `total`; the last one leans back so that it is whole.

    >>> [(w.start, w.stop, w.known) for w in windows(20, 8, overlap=2)]
    [(0, 8, 0), (6, 14, 2), (12, 20, 2)]
    """
    assert 0 < overlap < frames
    made = [Window(0, min(frames, total), 0)]
    while (done := made[-1].stop) < total:
        stop = min(done - overlap + frames, total)
        made.append(Window(stop - frames, stop, done - (stop - frames)))
    return made


@dataclass(frozen=True, kw_only=True)
class Carrier:
    """Carries given pictures along the labelled world.

    sights: of each clip of a batch, over all its frames.  error: to be assumed of what is carried (`Sampling.carried`).
    """

    autoencoder: Autoencoder
    sights: tuple[Sights, ...]
    error: float

    def chosen(self, places: Sequence[int]) -> Carrier:
        """Return the carrier of the clips at these places of the batch, in this order."""
        return replace(self, sights=tuple(self.sights[place] for place in places))

    @torch.inference_mode()
    def carry(self, given: Given, *, start: int = 0, own: Bool[Tensor, "B T V"] | None = None) -> Given:
        """Return what is given of frames from `start` on, with what of it reaches the rest.

        own: which of it is to be carried; all of it by default.
        """
        latents, cover = given.latents.clone(), given.cover.clone()
        for clip, (mask, sights) in enumerate(zip(given.mask if own is None else own, self.sights)):
            if not mask.any() or mask.all():
                continue
            seen = sights.frames(start, start + len(mask))
            pictures = latents.new_zeros(*seen.owner.shape, 3, dtype=torch.uint8)
            pictures[mask] = _levels(self.autoencoder.decode(latents[clip][mask], frames=1))
            shown, there = carried(pictures, mask, seen)
            rows, columns = (a // b for a, b in zip(there.shape[2:], latents.shape[-2:]))
            share = reduce(there.float(), "T V (H a) (W b) -> T V 1 H W", "mean", a=rows, b=columns)
            share = torch.where(given.mask[clip, ..., None, None, None], 0.0, share)
            reached = (share > 0).any(dim=(2, 3, 4))
            if reached.any():
                latents[clip, reached] = encode_pictures(self.autoencoder, shown[None, reached, None])[0, :, 0]
            cover[clip] = share
        return replace(given, latents=latents, cover=cover, error=torch.full_like(given.error, self.error))


def make_long_latents(
    network: UniMVM,
    conditions: Conditions,
    *,
    given: Given,
    seeds: Sequence[int],
    sampling: Sampling,
    carrier: Carrier | None = None,
    worlds: Sequence[WorldNoise] | None = None,
) -> Float[Tensor, "B T V C H W"]:
    """Return clips of any length: each window is given the last frames of the one before (continuation).

    carrier: if what is given is to be carried to the rest. What was made is not: errors would grow from window to
    window.
    worlds: what each clip's noise is fixed to, in all windows alike; without, every window has noise of its own.
    """
    total = given.mask.shape[1]
    latents, mask = given.latents.clone(), given.mask.clone()
    for i, window in enumerate(windows(total, network.spec.frames, overlap=sampling.overlap)):
        here = slice(window.start, window.stop)
        part = Given.of(latents[:, here], mask[:, here], noise=given.noise)
        latents[:, here] = make_latents(
            network,
            conditions.frames(window.start, window.stop),
            given=carrier.carry(part, start=window.start, own=given.mask[:, here]) if carrier else part,
            seeds=[seed if worlds else seed + i * _SEED_STRIDE for seed in seeds],
            sampling=sampling,
            worlds=[world.frames(window.start, window.stop) for world in worlds] if worlds else None,
        )
        mask[:, here] = True
    return latents


_SEED_STRIDE = 0x9E3779B1
"""Between the windows or draws of one clip: odd and large, so that neighbouring seeds do not meet."""


@torch.inference_mode()
def encode_pictures(
    autoencoder: Autoencoder, pictures: UInt8[Tensor, "B T V Hpx Wpx 3"], *, chunk: int = 48
) -> Float[Tensor, "B T V C H W"]:
    """Return the latents of pictures, view by view."""
    B, T, V = pictures.shape[:3]
    flat = rearrange(pictures, "B T V H W c -> (B T V) c H W")
    latents = torch.cat([autoencoder.encode(part.float() / 127.5 - 1).float() for part in flat.split(chunk)])
    return rearrange(latents, "(B T V) C H W -> B T V C H W", B=B, T=T, V=V)


@torch.inference_mode()
def decode_pictures(
    autoencoder: Autoencoder, latents: Float[Tensor, "B T V C H W"]
) -> Iterator[UInt8[Tensor, "B T Hpx Wpx 3"]]:
    """Yield the pictures of one view after the other, so that writing them can begin with the first."""
    B, T = latents.shape[:2]
    for view in latents.unbind(2):
        pictures = autoencoder.decode(rearrange(view, "B T C H W -> (B T) C H W"), frames=T)
        yield rearrange(_levels(pictures), "(B T) H W c -> B T H W c", B=B)


def _levels(pictures: Float[Tensor, "N 3 Hpx Wpx"]) -> UInt8[Tensor, "N Hpx Wpx 3"]:
    """Return pictures in [-1, 1] as bytes, channels last."""
    levels = ((pictures.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return rearrange(levels, "N c H W -> N H W c")
