"""Weights on disk: safetensors with what they are written in their header; nothing here can run code when read."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from datagen.digest import file_sha256
from datagen.errors import InputError

_ABOUT = "datagen"


def save(path: Path, tensors: Mapping[str, Tensor], *, about: Mapping[str, str]) -> str:
    """Write tensors and what they are, whole or not at all, and return the file's SHA-256.

    `about` is one entry of the header: safetensors writes several in any order, and equal weights shall be equal files.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    header = {_ABOUT: json.dumps(dict(about), sort_keys=True)}
    save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, partial, header)
    partial.replace(path)
    return file_sha256(path)


def load(path: Path, *, device: torch.device | str = "cpu") -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors of a file and what it says they are. Raises InputError if it is missing or broken."""
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            return {name: file.get_tensor(name) for name in file.keys()}, what(file)  # noqa: SIM118
    except FileNotFoundError as error:
        raise InputError(f"{path}: there are no weights here") from error
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: not a readable safetensors file ({error})") from error


def what(file: Any) -> dict[str, str]:
    """Return what an open safetensors file says it is; nothing if it is none of ours."""
    said: dict[str, str] = json.loads((file.metadata() or {}).get(_ABOUT, "{}"))
    return said


def halved(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors as they ship: floats in half precision, the rest as they are."""
    return {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
