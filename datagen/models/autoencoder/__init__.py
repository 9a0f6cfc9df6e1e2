"""Pictures to latents and back: the small autoencoder that ships, and Stable Video Diffusion's own."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor


@runtime_checkable
class Autoencoder(Protocol):
    """What a video model asks of its autoencoder. Pictures are in [-1, 1]; latents are `stride` times smaller."""

    def encode(self, pictures: Float[Tensor, "N 3 Hpx Wpx"]) -> Float[Tensor, "N C H W"]:
        """Return the pictures' latents, without noise."""
        ...

    def decode(self, latents: Float[Tensor, "N C H W"], *, frames: int) -> Float[Tensor, "N 3 Hpx Wpx"]:
        """Return pictures; N is clips x `frames`, the frames of one clip in a row."""
        ...
