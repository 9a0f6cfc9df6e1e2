"""Answers of language models by the hash of what was asked, on disk: the same prompt is asked once."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from datagen.models.planner.cache import cache_folder


class Answer(BaseModel):
    """A line of the notation and what it took. cost_usd: by the prices the recipe names; None without them."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    line: str
    tokens_in: int
    tokens_out: int
    cost_usd: float | None = None


class Answers:
    """The answers of one model; `model` is a hash of, or names, all that decides them. keep: on disk, or not at all."""

    def __init__(self, *, model: str, keep: bool = True) -> None:
        self._model = model
        self._folder = cache_folder() / "plans" if keep else None

    def get(self, text: str) -> Answer | None:
        """Return what was answered before; an unreadable file is no answer."""
        if self._folder is None:
            return None
        try:
            return Answer.model_validate_json(self._path(text).read_bytes())
        except (OSError, ValidationError):
            return None

    def put(self, text: str, answer: Answer) -> None:
        """Keep an answer: whole, or not at all."""
        if self._folder is None:
            return
        path = self._path(text)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
        partial.write_text(answer.model_dump_json(), encoding="utf-8")
        partial.replace(path)

    def _path(self, text: str) -> Path:
        assert self._folder is not None
        asked = hashlib.sha256(json.dumps([self._model, text]).encode()).hexdigest()
        return self._folder / asked[:2] / f"{asked}.json"
