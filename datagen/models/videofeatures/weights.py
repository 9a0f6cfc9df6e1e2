"""The video features on disk: one safetensors file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from datagen.errors import InputError
from datagen.models import weights
from datagen.models.videofeatures.network import VideoFeatures

FORMAT = "datagen-videofeatures-1"
EMBEDDED = Path(__file__).resolve().parents[2] / "weights" / "features" / "video.safetensors"
"""The weights that ship; trained on the playground."""


def save_videofeatures(path: Path, *, tensors: Mapping[str, Tensor], about: Mapping[str, str]) -> str:
    """Write a network's tensors with what is to be said of them, and return the file's SHA-256."""
    return weights.save(path, tensors, about={**about, "format": FORMAT})


def open_videofeatures(path: Path | None = None, *, device: torch.device | str = "cpu") -> VideoFeatures:
    """Build the network and fill it, by default with what ships. Raises InputError if the file is not one of ours."""
    path = path or EMBEDDED
    tensors, about = weights.load(path, device=device)
    if about.get("format") != FORMAT:
        raise InputError(f"{path}: holds '{about.get('format', 'no format')}', not '{FORMAT}'")
    network = VideoFeatures()
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise InputError(f"{path}: the weights do not fit the network ({error})") from error
    return network.to(device).eval()
