"""Any chat model in a Hugging Face folder on this machine, held to the notation's grammar.

`path`: the folder (safetensors, tokenizer.json and a chat template). `adapter`: a LoRA that `datagen train planner`
made for it; without one the model is told the notation with every prompt. `batch`, `cache`: as for `smollm2`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from adapters.planner._language import LanguagePlanner
from datagen.errors import InputError


class Settings(BaseModel):
    """What a recipe may say beside `use: huggingface`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    adapter: Path | None = None
    batch: Annotated[int, Field(ge=1, le=256)] = 8
    cache: bool = True


def build(settings: Settings) -> LanguagePlanner:
    """Return the planner; nothing is loaded yet. Raises InputError if the folder holds no model."""
    from adapters.planner._local import LocalModel, files_of  # torch

    if not (settings.path / "config.json").is_file():
        raise InputError(f"{settings.path}: no Hugging Face model is here (there is no config.json)")
    model = LocalModel(lambda: settings.path, adapter=settings.adapter, named=files_of)
    return LanguagePlanner(model, batch=settings.batch, cache=settings.cache)
