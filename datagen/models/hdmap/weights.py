"""A map denoiser on disk: one safetensors file that says its own spec, whichever of the two it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import torch
from pydantic import ValidationError
from torch import Tensor

from datagen.errors import InputError
from datagen.models import weights
from datagen.models.hdmap.network import MapDenoiser
from datagen.models.hdmap.sd import StableDiffusionMaps
from datagen.models.hdmap.spec import Spec

Denoiser: TypeAlias = MapDenoiser | StableDiffusionMaps
FORMAT = "datagen-hdmap-1"


def save_hdmap(path: Path, network: Denoiser, *, tensors: Mapping[str, Tensor], about: Mapping[str, str]) -> str:
    """Write tensors for a network with its spec and what else is to be said, and return the file's SHA-256."""
    said = {**about, "format": FORMAT, "spec": network.spec.model_dump_json(), "configs": network.configs()}
    return weights.save(path, tensors, about=said)


def load_hdmap(path: Path, *, device: torch.device | str = "cpu") -> Denoiser:
    """Build the network a file describes and fill it. Raises InputError if the file is not one of ours, or broken."""
    tensors, about = weights.load(path, device=device)
    if about.get("format") != FORMAT:
        raise InputError(f"{path}: holds '{about.get('format', 'no format')}', not '{FORMAT}'")
    try:
        spec, configs = Spec.model_validate_json(about["spec"]), about.get("configs", "")
        network = StableDiffusionMaps.from_configs(spec, configs) if configs else MapDenoiser(spec)
        network.load_state_dict(tensors)
    except (KeyError, ValueError, ValidationError, RuntimeError) as error:
        raise InputError(f"{path}: the weights do not fit the spec they name ({error})") from error
    return network.to(device).float().eval()
