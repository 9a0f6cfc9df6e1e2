"""The film in small classes: one stage for each step from a prompt to a dataset.

```
prompt ─▶ plan ─▶ simulate ─▶ map ─▶ film ─▶ label ─▶ judge ─▶ export
```
A stage only says what is done when; how it is done lives in the rooms and the adapters.
"""

from datagen.stages.filming import Camerawork, FilmStage, as_recorded, shot_of, write_jpeg
from datagen.stages.finishing import FRAGMENT, ExportStage, JudgeStage, LabelStage
from datagen.stages.staging import MapStage, PlanStage, SimulateStage, laid_road
from datagen.stages.takes import film_seed, rng_for

__all__ = [
    "FRAGMENT",
    "Camerawork",
    "ExportStage",
    "FilmStage",
    "JudgeStage",
    "LabelStage",
    "MapStage",
    "PlanStage",
    "SimulateStage",
    "as_recorded",
    "film_seed",
    "laid_road",
    "rng_for",
    "shot_of",
    "write_jpeg",
]
