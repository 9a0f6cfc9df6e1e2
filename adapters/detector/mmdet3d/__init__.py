"""Detector `mmdet3d`: OpenMMLab's 3D detectors, trained on any mixture of datasets and scored by the devkit.

```
   Lesson (sources, iterations, batch, seed) ─ learn ─▶ folder/weights.safetensors, curve.jsonl
   weights, a split                          ─ look  ─▶ boxes in the devkit's submission format
```

The components (dataset, sampler, metrics, hooks) are ordinary mmengine ones and serve any other config, too: see
`components.py`. mmdet3d is imported when something is trained or looked at, not before.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from datagen.ports import Learned, Lesson, Portion, Resources


class Settings(BaseModel):
    """Which detector.

    model: a word of `configs` (fcos3d, pgd, centerpoint, each also with `_small`), or the path of a config file.
    options: `key.path=value`, on top of the config.  weights: safetensors to begin from.
    gpus: share of a GPU that one training takes where there are any; small models fit several on a card.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    model: str = "fcos3d_small"
    options: tuple[str, ...] = ()
    weights: Path | None = None
    gpus: Annotated[float, Field(ge=0.0, le=1.0)] = 1.0


class Mmdet3dDetector:
    """Satisfies `datagen.ports.Detector`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def resources(self) -> Resources:
        """One core, and a share of a GPU where there is one."""
        return Resources(cpus=1.0, gpus=self._settings.gpus)

    def learn(self, lesson: Lesson, folder: Path) -> Learned:
        """Train; see the port."""
        from adapters.detector.mmdet3d.compiled import provide

        provide()
        from adapters.detector.mmdet3d.training import learn

        chosen = self._settings
        weights = lesson.weights or chosen.weights
        return learn(lesson, folder, model=chosen.model, options=chosen.options, weights=weights)

    def look(self, portion: Portion, weights: Path) -> dict[str, list[dict[str, Any]]]:
        """Detect; see the port."""
        from adapters.detector.mmdet3d.compiled import provide

        provide()
        from adapters.detector.mmdet3d.training import look

        return look(portion, weights, model=self._settings.model, options=self._settings.options)


def build(settings: Settings) -> Mmdet3dDetector:
    """Return the detector; nothing heavy is loaded yet."""
    return Mmdet3dDetector(settings)
