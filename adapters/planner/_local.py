"""A language model on this machine, for the planners `smollm2` and `huggingface`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

from adapters.planner._answers import Answer
from datagen.models.planner.decoding import ChatModel, weights_sha256
from datagen.models.planner.instruction import instruction
from datagen.models.planner.notation import mend


class LocalModel:
    """A model folder with an adapter (fine-tuned), or without (then it is told the notation).

    folder: finds or makes it; called once.  named: what tells this model from others, cheaply, given the folder.
    """

    def __init__(self, folder: Callable[[], Path], *, adapter: Path | None, named: Callable[[Path], str]) -> None:
        self._find, self._adapter, self._named = folder, adapter, named
        self._model: ChatModel | None = None

    @cached_property
    def _folder(self) -> Path:
        return self._find()

    @cached_property
    def identity(self) -> str:
        """What tells model and adapter, or model and instruction, from all others."""
        told = weights_sha256(self._adapter) if self._adapter else instruction()
        return f"{self._named(self._folder)} {told}"

    def open(self) -> None:
        """Load model, adapter and grammar."""
        told = "" if self._adapter else instruction()
        self._model = ChatModel(self._folder, adapter=self._adapter, instruction=told)

    def write(self, texts: Sequence[str]) -> Sequence[Answer]:
        """Answer each text with one line; one that was cut short loses its unfinished end."""
        assert self._model is not None, "open comes before write"
        return [
            Answer(
                line=line.text if line.whole else mend(line.text), tokens_in=line.tokens_in, tokens_out=line.tokens_out
            )
            for line in self._model.write(texts)
        ]


def files_of(folder: Path) -> str:
    """Return names, sizes and times of a folder's files: enough to notice another model, without reading gigabytes."""
    found = ((path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in folder.iterdir() if path.is_file())
    return json.dumps([str(folder.resolve()), sorted(found)])
