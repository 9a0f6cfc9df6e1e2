"""The perception network on disk: one safetensors file that says its own sizes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from pydantic import ValidationError
from torch import Tensor

from datagen.errors import InputError
from datagen.models import weights
from datagen.models.perception.network import Perception, PerceptionSpec

FORMAT = "datagen-perception-1"
EMBEDDED = Path(__file__).resolve().parents[2] / "weights" / "perception" / "perception.safetensors"
"""The weights that ship; trained on the playground."""


def save_perception(
    path: Path, spec: PerceptionSpec, *, tensors: Mapping[str, Tensor], about: Mapping[str, str]
) -> str:
    """Write a network's tensors with its sizes and what else is to be said, and return the file's SHA-256."""
    return weights.save(path, tensors, about={**about, "format": FORMAT, "spec": spec.model_dump_json()})


def open_perception(path: Path | None = None, *, device: torch.device | str = "cpu") -> Perception:
    """Build the network a file describes, by default the one that ships. Raises InputError if the file is none."""
    path = path or EMBEDDED
    tensors, about = weights.load(path, device=device)
    if about.get("format") != FORMAT:
        raise InputError(f"{path}: holds '{about.get('format', 'no format')}', not '{FORMAT}'")
    try:
        network = Perception(PerceptionSpec.model_validate_json(about["spec"]))
        network.load_state_dict(tensors)
    except (KeyError, ValidationError, RuntimeError) as error:
        raise InputError(f"{path}: the weights do not fit the sizes they name ({error})") from error
    return network.to(device).eval()
