"""The embedded language model: SmolLM2-135M-Instruct with a fine-tuned adapter, held to the notation's grammar.

`adapter`: a folder with adapter_model.safetensors; by default the one that ships with the program. `batch`: prompts
decoded together. `cache`: keep answers on disk, by the hash of prompt and weights.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

import datagen
from adapters.planner._language import LanguagePlanner
from datagen.errors import InputError

SHIPPED = Path(datagen.__file__).parent / "weights" / "planner"


class Settings(BaseModel):
    """What a recipe may say beside `use: smollm2`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    adapter: Path | None = None
    batch: Annotated[int, Field(ge=1, le=256)] = 8
    cache: bool = True


def build(settings: Settings) -> LanguagePlanner:
    """Return the planner; nothing is loaded yet. Raises InputError if there is no adapter."""
    from adapters.planner._local import LocalModel  # torch
    from datagen.models.planner.smollm2 import smollm2_folder

    adapter = settings.adapter or SHIPPED
    if not (adapter / "adapter_model.safetensors").is_file():
        raise InputError(
            f"{adapter}: no adapter for SmolLM2 is here; train one with"
            " `datagen train planner recipes/train/planner.yaml`, or let the planner be 'rules'"
        )
    model = LocalModel(smollm2_folder, adapter=adapter, named=lambda folder: folder.name)
    return LanguagePlanner(model, batch=settings.batch, cache=settings.cache)
