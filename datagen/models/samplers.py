"""Schedules and solvers of diffusion models, each a function that cites its algorithm.

Every model here is a denoiser D(x, sigma): what it believes the clean `x` was. The probability flow runs from
sigma_max, where x is noise, to 0, where it is a sample:

```
   dx/dsigma = (x - D(x, sigma)) / sigma        (Karras et al. 2022, eq. 3 with sigma(t) = t)
```

Symbols are the papers'. Tensors may have any shape; one sigma holds for all of them while sampling.

Karras et al. 2022: "Elucidating the Design Space of Diffusion-Based Generative Models", arXiv 2206.00364.
Lu et al. 2022: "DPM-Solver++", arXiv 2211.01095.
Blattmann et al. 2023: "Stable Video Diffusion", arXiv 2311.15127.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

Denoiser = Callable[[Tensor, Tensor], Tensor]
"""D(x, sigma) with a scalar sigma."""
Noise = Callable[[], Tensor]
"""Fresh standard normal noise in the shape of x."""


class Scalings(NamedTuple):
    """What turns a network F into a denoiser: D = c_skip x + c_out F(c_in x, c_noise)."""

    c_skip: Tensor
    c_out: Tensor
    c_in: Tensor
    c_noise: Tensor


def edm_scalings(sigma: Float[Tensor, "*#shape"], sigma_data: Float[Tensor, "*#shape"]) -> Scalings:
    """Return the preconditioning of Karras et al. (2022), table 1, with the sign that makes F the velocity.

    sigma_data may differ per channel: a latent whose channels differ tenfold in spread stays noise under one value.
    c_out is negative, as in Stable Video Diffusion, whose weights fit here with sigma_data = 1 (v-prediction).
    """
    total = (sigma**2 + sigma_data**2).sqrt()
    return Scalings(
        c_skip=sigma_data**2 / total**2,
        c_out=-sigma * sigma_data / total,
        c_in=1 / total,
        c_noise=sigma.log() / 4,
    )


def karras_sigmas(
    steps: int, sigma_max: float, *, sigma_min: float = 0.002, rho: float = 7.0, device: torch.device | None = None
) -> Float[Tensor, "levels"]:
    """Return `steps` falling noise levels and a final 0: eq. 5 of Karras et al. (2022)."""
    ramp = torch.linspace(0, 1, steps, dtype=torch.float64, device=device)
    high, low = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    sigmas = (high + ramp * (low - high)) ** rho
    return torch.cat([sigmas, sigmas.new_zeros(1)]).float()


def log_spaced_sigmas(
    steps: int, sigma_max: float, *, sigma_min: float, device: torch.device | None = None
) -> Float[Tensor, "levels"]:
    """Return `steps` noise levels, each the same part of the one before, and a final 0 (even in Lu et al.'s lambda)."""
    sigmas = torch.logspace(0, 1, steps, base=sigma_min / sigma_max, dtype=torch.float64, device=device) * sigma_max
    return torch.cat([sigmas, sigmas.new_zeros(1)]).float()


def sample_euler(denoise: Denoiser, x: Tensor, *, sigmas: Float[Tensor, "levels"]) -> Tensor:
    """Follow the probability flow in straight steps: algorithm 1 of Karras et al. (2022) without its correction."""
    for sigma, sigma_next in pairwise(sigmas):
        d = (x - denoise(x, sigma)) / sigma
        x = x + d * (sigma_next - sigma)
    return x


def sample_heun(denoise: Denoiser, x: Tensor, *, sigmas: Float[Tensor, "levels"]) -> Tensor:
    """Follow the probability flow to second order: algorithm 1 of Karras et al. (2022). Two calls a step."""
    for sigma, sigma_next in pairwise(sigmas):
        d = (x - denoise(x, sigma)) / sigma
        ahead = x + d * (sigma_next - sigma)
        if sigma_next > 0:
            d = (d + (ahead - denoise(ahead, sigma_next)) / sigma_next) / 2
        x = x + d * (sigma_next - sigma)
    return x


def sample_dpmpp_2m(denoise: Denoiser, x: Tensor, *, sigmas: Float[Tensor, "levels"]) -> Tensor:
    """Solve with the last two denoised estimates: DPM-Solver++(2M), algorithm 2 of Lu et al. (2022).

    With alpha = 1 the log signal-to-noise ratio is lambda = -log sigma, h its step, r the last step over this one.
    """
    before: Tensor | None = None
    h_before = sigmas.new_zeros(())
    for sigma, sigma_next in pairwise(sigmas):
        denoised = denoise(x, sigma)
        if sigma_next == 0:
            return denoised
        h = (sigma / sigma_next).log()
        D = denoised if before is None else denoised + (denoised - before) * h / (2 * h_before)
        x = (sigma_next / sigma) * x - torch.expm1(-h) * D
        before, h_before = denoised, h
    return x


def sample_reduced_noise(
    denoise: Denoiser, x: Tensor, *, sigmas: Float[Tensor, "levels"], noise: Noise, keep: float = 0.6
) -> Tensor:
    """Denoise wholly, then add back less noise than the next level says, over and over.

    keep = 1 draws from the forward process again at each level (the "multistep consistency" walk, Song et al. 2023,
    arXiv 2303.01469, algorithm 1). An under-trained denoiser leaves residue that full noise turns into grain;
    keep ~ 0.6 trades diversity for cleaner pictures.
    """
    for sigma, sigma_next in pairwise(sigmas):
        x = denoise(x, sigma)
        if sigma_next > 0:
            x = x + keep * sigma_next * noise()
    return x


def sample_settled(
    denoise: Denoiser,
    x: Tensor,
    *,
    sigmas: Float[Tensor, "levels"],
    noise: Noise,
    settle: float,
    keep: float,
) -> Tensor:
    """Solve with DPM-Solver++(2M) down to the first level that is not above `settle`, from there with reduced noise.

    High levels decide what there is. There reduced noise lets a denoiser believe in less than there is, and it draws a
    haze where houses would stand; low levels decide what is fine, where a solver leaves an under-trained one's grain.
    """
    k = int((sigmas > settle).sum())
    x = sample_dpmpp_2m(denoise, x, sigmas=sigmas[: k + 1])
    return sample_reduced_noise(denoise, x, sigmas=sigmas[k:], noise=noise, keep=keep)


class Sampler(StrEnum):
    """The solvers a pipeline may be asked for, by name."""

    EULER = "euler"
    HEUN = "heun"
    DPMPP_2M = "dpmpp_2m"
    REDUCED_NOISE = "reduced_noise"
    SETTLED = "settled"


def sample(
    sampler: Sampler,
    denoise: Denoiser,
    *,
    x: Tensor,
    sigmas: Float[Tensor, "levels"],
    noise: Noise,
    keep: float = 0.6,
    settle: float = 3.0,
) -> Tensor:
    """Run the solver of that name; `noise` and `keep` matter only to those that add some, `settle` to one of them."""
    match sampler:
        case Sampler.EULER:
            return sample_euler(denoise, x, sigmas=sigmas)
        case Sampler.HEUN:
            return sample_heun(denoise, x, sigmas=sigmas)
        case Sampler.DPMPP_2M:
            return sample_dpmpp_2m(denoise, x, sigmas=sigmas)
        case Sampler.REDUCED_NOISE:
            return sample_reduced_noise(denoise, x, sigmas=sigmas, noise=noise, keep=keep)
        case Sampler.SETTLED:
            return sample_settled(denoise, x, sigmas=sigmas, noise=noise, settle=settle, keep=keep)


def guided(conditional: Tensor, unconditional: Tensor, *, scale: Tensor) -> Tensor:
    """Return what lies `scale` times as far from the unconditional estimate: classifier-free guidance.

    Ho and Salimans 2022, arXiv 2207.12598, eq. 6 with scale = 1 + w. `scale` broadcasts, so that it may ramp;
    where it is 1 the conditional estimate stays as it is, to the bit.
    """
    return conditional + (scale - 1) * (conditional - unconditional)


def guidance_ramp(frames: int, low: float, *, high: float) -> Float[Tensor, "frames"]:
    """Return a scale per frame, rising evenly: frames far from the given one need more (Blattmann et al. 2023)."""
    return torch.linspace(low, high, frames)
