"""From lessons to weights and their card."""

from __future__ import annotations

from pathlib import Path

from datagen.models.perception.scores import held_out_scores, write_card
from datagen.models.perception.training import PerceptionTask, PerceptionTraining
from datagen.models.perception.weights import open_perception, save_perception
from datagen.models.training import averaged, train, write_settings
from datagen.models.weights import halved


def train_perception(
    settings: PerceptionTraining, out: Path, *, lessons: Path, pictures: Path, stop_after: int | None = None
) -> Path:
    """Train, or go on training; write `out/weights.safetensors` in half precision and its card; returns its path.

    pictures: folder that the lessons' pictures are named below.
    """
    write_settings(out, settings)
    task = PerceptionTask(settings, lessons=lessons, pictures=pictures)
    tensors, steps = averaged(train(task, out, settings=settings.loop, stop_after=stop_after))
    path = out / "weights.safetensors"
    about = {"steps": str(steps), "scenes": str(len(task.lessons))}
    digest = save_perception(path, task.network.spec, tensors=halved(tensors), about=about)
    scores = held_out_scores(task, open_perception(path))
    write_card(out / "card.json", steps=steps, sha256=digest, task=task, scores=scores)
    return path
