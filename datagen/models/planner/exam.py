"""How well a model reads: its plans against the expected ones, field by field, on phrasings it was never taught."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from datagen.models.planner.corpus import Pair
from datagen.models.planner.decoding import ChatModel
from datagen.models.planner.notation import mend, read_line
from datagen.scene.plan import Manoeuvre, Plan

_BATCH = 8


@dataclass(kw_only=True)
class Report:
    """Counts of an exam. right, asked: by field; a field is asked if either plan departs from the form's default."""

    pairs: int = 0
    whole: int = 0
    seconds: float = 0.0
    tokens_out: int = 0
    right: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    whole_by_language: Counter[str] = field(default_factory=Counter)
    pairs_by_language: Counter[str] = field(default_factory=Counter)

    def count(self, one: Pair, expected: Plan, found: Plan) -> None:
        """Count one answer."""
        same = expected == found
        self.pairs += 1
        self.whole += same
        self.pairs_by_language[one.language] += 1
        self.whole_by_language[one.language] += same
        wanted, got = dict(fields(expected)), dict(fields(found))
        for name in wanted.keys() | got.keys():
            kind = name.rsplit(".", 1)[-1]
            self.asked[kind] += 1
            self.right[kind] += wanted.get(name) == got.get(name)

    def figures(self) -> dict[str, float | int]:
        """Return the figures, by name."""
        fields_right = sum(self.right.values()) / max(1, sum(self.asked.values()))
        return {
            "exam_pairs": self.pairs,
            "exam_plans_exact": round(self.whole / max(1, self.pairs), 4),
            "exam_fields_exact": round(fields_right, 4),
            **{f"exam_{name}_exact": round(self.right[name] / n, 4) for name, n in sorted(self.asked.items())},
            **{
                f"exam_plans_exact_{code}": round(self.whole_by_language[code] / n, 4)
                for code, n in sorted(self.pairs_by_language.items())
            },
            "exam_seconds_per_prompt": round(self.seconds / max(1, self.pairs), 3),
            "exam_tokens_per_line": round(self.tokens_out / max(1, self.pairs), 1),
        }

    def worst_fields(self, count: int = 5) -> list[tuple[str, float]]:
        """Return the fields that are as expected least often, the worst first, with their share."""
        shares = {name: self.right[name] / n for name, n in self.asked.items()}
        return sorted(shares.items(), key=lambda one: (one[1], one[0]))[:count]

    def protocol(self) -> str:
        """Say how the figures were measured."""
        return (
            f"Exam: {self.pairs} generated pairs whose phrasings were never taught, decoded greedily under the"
            f" grammar, {_BATCH} at a time. `plans_exact`: every field as expected. `fields_exact`: of all fields in"
            " which either plan departs from the form's default, the share that agree."
        )


def examine(model: ChatModel, pairs: Sequence[Pair], *, out: Path) -> Report:
    """Let a model answer all pairs; write `out/exam.jsonl` and return the counts."""
    report = Report()
    begin = time.perf_counter()
    with (out / "exam.jsonl").open("w", encoding="utf-8") as file:
        for start in range(0, len(pairs), _BATCH):
            together = pairs[start : start + _BATCH]
            for one, answer in zip(together, model.write([one.text for one in together]), strict=True):
                line = answer.text if answer.whole else mend(answer.text)
                report.tokens_out += answer.tokens_out
                report.count(one, read_line(one.line), read_line(line))
                row = {"language": one.language, "text": one.text, "expected": one.line, "found": line.strip()}
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
    report.seconds = time.perf_counter() - begin
    return report


def fields(plan: Plan) -> Iterator[tuple[str, object]]:
    """Yield the fields in which a plan departs from the form's default, by dotted name; the last part is the kind."""
    for part in ("ambience", "road"):
        for name, value in getattr(plan, part).model_dump(exclude_defaults=True).items():
            yield f"{part}.{name}", value
    if plan.density != "normal":
        yield "density", plan.density
    yield from _acts("ego", plan.ego)
    for place, actor in enumerate(plan.actors):
        for name, value in actor.model_dump(exclude_defaults=True, exclude={"manoeuvres"}).items():
            yield f"actor{place}.{name}", value
        yield from _acts(f"actor{place}", actor.manoeuvres)
    if plan.left_out:
        yield "left_out", plan.left_out


def _acts(who: str, manoeuvres: Sequence[Manoeuvre]) -> Iterator[tuple[str, object]]:
    for place, manoeuvre in enumerate(manoeuvres):
        for name, value in manoeuvre.model_dump(exclude_defaults=True).items():
            yield f"{who}.{place}.{name}", value
