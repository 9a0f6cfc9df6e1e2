"""Stable Video Diffusion's temporal autoencoder, behind the same two verbs as ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from diffusers import AutoencoderKLTemporalDecoder
from jaxtyping import Float
from torch import Tensor, nn

from datagen.digest import file_sha256
from datagen.errors import InputError


class TemporalAutoencoder(nn.Module):
    """A diffusers AutoencoderKLTemporalDecoder; latents are the posterior's mode times its scaling factor."""

    def __init__(self, vae: AutoencoderKLTemporalDecoder) -> None:
        super().__init__()
        self.vae: Any = vae  # a type checker cannot follow its mixins

    def encode(self, pictures: Float[Tensor, "N 3 Hpx Wpx"]) -> Float[Tensor, "N C H W"]:
        """Return latents of unit spread."""
        return self.vae.encode(pictures.to(self.vae.dtype)).latent_dist.mode() * self.vae.config.scaling_factor

    def decode(self, latents: Float[Tensor, "N C H W"], *, frames: int) -> Float[Tensor, "N 3 Hpx Wpx"]:
        """Return pictures, the frames of each clip smoothed together by the temporal decoder."""
        scaled = latents.to(self.vae.dtype) / self.vae.config.scaling_factor
        return self.vae.decode(scaled, num_frames=frames).sample


def load_svd_autoencoder(folder: Path) -> TemporalAutoencoder:
    """Load the `vae` of a diffusers-format SVD folder. Raises InputError if there is none."""
    try:
        vae = AutoencoderKLTemporalDecoder.from_pretrained(folder, subfolder="vae", use_safetensors=True)
    except (OSError, ValueError) as error:
        raise InputError(f"{folder}: no diffusers-format temporal autoencoder in its folder 'vae' ({error})") from error
    return TemporalAutoencoder(vae)


def svd_autoencoder_sha256(folder: Path) -> str:
    """Return the hash of the folder's autoencoder. Raises InputError if there is none."""
    files = sorted((folder / "vae").glob("*.safetensors"))
    if not files:
        raise InputError(f"{folder}: no safetensors in its folder 'vae'")
    return file_sha256(files[0])
