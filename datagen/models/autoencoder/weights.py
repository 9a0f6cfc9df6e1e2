"""Autoencoders on disk: ours is one safetensors file that says its own sizes; SVD's lies in a diffusers folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from pydantic import ValidationError
from torch import Tensor

from datagen.digest import file_sha256
from datagen.errors import InputError
from datagen.models import weights
from datagen.models.autoencoder import Autoencoder
from datagen.models.autoencoder.patch import PatchAutoencoder, PatchSpec
from datagen.models.autoencoder.svd import load_svd_autoencoder, svd_autoencoder_sha256

FORMAT = "datagen-autoencoder-1"


def save_autoencoder(path: Path, spec: PatchSpec, *, tensors: Mapping[str, Tensor], about: Mapping[str, str]) -> str:
    """Write an autoencoder's tensors with its sizes and what else is to be said, and return the file's SHA-256."""
    return weights.save(path, tensors, about={**about, "format": FORMAT, "spec": spec.model_dump_json()})


def load_autoencoder(
    path: Path, *, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
) -> PatchAutoencoder:
    """Build the autoencoder a file describes. Raises InputError if the file is not one of ours, or broken."""
    tensors, about = weights.load(path, device=device)
    if about.get("format") != FORMAT:
        raise InputError(f"{path}: holds '{about.get('format', 'no format')}', not '{FORMAT}'")
    try:
        autoencoder = PatchAutoencoder(PatchSpec.model_validate_json(about["spec"]))
        autoencoder.load_state_dict(tensors)
    except (KeyError, ValidationError, RuntimeError) as error:
        raise InputError(f"{path}: the weights do not fit the sizes they name ({error})") from error
    return autoencoder.to(device=device, dtype=dtype).eval()


def open_autoencoder(
    path: Path, *, device: torch.device | str = "cpu", svd_dtype: torch.dtype = torch.float32
) -> Autoencoder:
    """Load ours from a file, or Stable Video Diffusion's from a folder. Raises InputError if it is neither.

    svd_dtype: what the latter computes in, of 98 million parameters; ours, of one, stays exact.
    """
    if path.is_dir():
        return load_svd_autoencoder(path).to(device=device, dtype=svd_dtype).eval()
    return load_autoencoder(path, device=device)


def autoencoder_sha256(path: Path) -> str:
    """Return the hash that latents are known by: of our file, or of the folder's `vae`."""
    return svd_autoencoder_sha256(path) if path.is_dir() else file_sha256(path)
