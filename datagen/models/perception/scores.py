"""How well the network sees scenes it did not learn from: what its card says."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from datagen.models.perception.classes import CLASSES, IGNORED
from datagen.models.perception.network import Perception
from datagen.models.perception.training import PerceptionTask

_AT_ONCE = 24


@torch.inference_mode()
def held_out_scores(task: PerceptionTask, network: Perception) -> dict[str, float]:
    """Return over the held-out scenes: IoU of every class that is there, and pictures whose light, weather is right."""
    counts = torch.zeros(len(CLASSES), 3, dtype=torch.int64)
    right = {"weather": 0, "light": 0}
    pictures = 0
    for lesson in task.unseen:
        for start in range(0, len(lesson.pictures), _AT_ONCE):
            numbers = range(start, min(start + _AT_ONCE, len(lesson.pictures)))
            said = network(torch.stack([task.picture(lesson, number) for number in numbers]))
            true = lesson.classes[numbers.start : numbers.stop]
            seen = torch.where(true == IGNORED, IGNORED, said.classes.argmax(dim=1))
            for label in range(len(CLASSES)):
                is_said, is_true = seen == label, true == label
                both = (is_said & is_true).sum()
                counts[label] += torch.stack([both, is_said.sum() - both, is_true.sum() - both])
            right["weather"] += int((said.weather.argmax(dim=1) == lesson.weather).sum())
            right["light"] += int((said.light.argmax(dim=1) == lesson.light).sum())
            pictures += len(numbers)
    there = counts[:, 0] + counts[:, 2] > 0
    iou = {f"iou_{name}": round(float(c[0] / c.sum()), 4) for name, c, seen in zip(CLASSES, counts, there) if seen}
    return {**iou, **{f"{word}_right": round(count / pictures, 4) for word, count in right.items()}}


def write_card(path: Path, *, steps: int, sha256: str, task: PerceptionTask, scores: dict[str, float]) -> None:
    """Write what the weights were made of and how well they see."""
    card = {
        "weights_sha256": sha256,
        "train_steps": steps,
        "train_scenes": len(task.lessons),
        "train_pictures": sum(len(lesson.pictures) for lesson in task.lessons),
        "held_out_scenes": len(task.unseen),
        **scores,
    }
    path.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
