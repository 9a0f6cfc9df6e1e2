"""The patch autoencoder on disk: one safetensors file that says its own sizes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from pydantic import ValidationError
from torch import Tensor

from datagen.errors import InputError
from datagen.models import weights
from datagen.models.autoencoder.patch import PatchAutoencoder, PatchSpec

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
