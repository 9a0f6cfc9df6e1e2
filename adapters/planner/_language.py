"""The planner around any language model: bounded text in, cached answers, a line read into a plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from adapters.planner._answers import Answer, Answers
from adapters.planner._text import bounded
from datagen.models.planner.notation import NotationError, read_line
from datagen.ports import Dropped
from datagen.scene import Prompt
from datagen.scene.plan import Plan

MOST_CHARACTERS = 1000
"""Of a prompt; a model's time goes with the length of what it reads."""


class Model(Protocol):
    """Whatever writes lines of the notation."""

    @property
    def identity(self) -> str:
        """All that decides its answers, as a hash or in words."""
        ...

    def open(self) -> None:
        """Load it."""

    def write(self, texts: Sequence[str]) -> Sequence[Answer]:
        """Answer each text with one line."""
        ...


class LanguagePlanner:
    """Asks a model for what the cache does not hold, `batch` texts at a time; equal texts are asked once."""

    def __init__(self, model: Model, *, batch: int, cache: bool) -> None:
        self._model, self._batch, self._cache = model, batch, cache
        self._notes: dict[str, dict[str, str]] = {}
        self._answers: Answers | None = None
        self._loaded = False

    def open(self) -> None:
        """Find the cache; the model is loaded once something is asked that is not in it."""
        self._answers = Answers(model=self._model.identity, keep=self._cache)

    def plan(self, prompts: Sequence[Prompt]) -> Sequence[Plan | Dropped]:
        """Fill one form per prompt; an answer that is not in the notation drops its prompt."""
        heard = [bounded(" ".join(prompt.text.split()), most=MOST_CHARACTERS) for prompt in prompts]
        answers, asked = self._answered([text for text, _ in heard])
        self._notes = {
            prompt.id: _bill(answers[text], asked=text in asked)
            for prompt, (text, _) in zip(prompts, heard, strict=True)
        }
        return [_plan(answers[text].line, text=text, cut=cut) for text, cut in heard]

    def notes(self, prompt: Prompt) -> dict[str, str]:
        """Say what the latest plan of a prompt took: tokens, cost, and whether it came from the cache."""
        return self._notes.get(prompt.id, {})

    def _answered(self, texts: Sequence[str]) -> tuple[dict[str, Answer], set[str]]:
        assert self._answers is not None, "open comes before plan"
        known = {text: self._answers.get(text) for text in texts}
        missing = [text for text, answer in known.items() if answer is None]
        found = {text: answer for text, answer in known.items() if answer is not None}
        for start in range(0, len(missing), self._batch):
            if not self._loaded:
                self._model.open()
                self._loaded = True
            together = missing[start : start + self._batch]
            for text, answer in zip(together, self._model.write(together), strict=True):
                found[text] = answer
                if not isinstance(_plan(answer.line, text=text, cut=()), Dropped):
                    self._answers.put(text, answer)
        return found, set(missing)


def _plan(line: str, *, text: str, cut: tuple[str, ...]) -> Plan | Dropped:
    try:
        plan = read_line(line, text=text)
    except NotationError as error:
        return Dropped(reason=f"the planner's answer cannot be read: {error}")
    return plan.model_copy(update={"left_out": (*plan.left_out, *cut)})


def _bill(answer: Answer, *, asked: bool) -> dict[str, str]:
    if not asked:
        return {"planner": "from the cache"}
    cost = "" if answer.cost_usd is None else f", {answer.cost_usd:.6f} USD"
    return {"planner": f"{answer.tokens_in} tokens in, {answer.tokens_out} out{cost}"}
