"""Scenes from SUMO: random road networks with traffic that keeps its rules, for whom a real log is not at hand.

```
scene:
  use: sumo
  networks: 20                  # so many places; scenes are spread over them
  density: {car: 16, pedestrian: 20}
  worksite_share: 0.4           # of the scenes have roads under repair
  weather: {clear: 5, rain: 1}
```
Needs the extra `sumo` (`pip install "datagen[sumo]"`: libsumo, eclipse-sumo, sumolib; no system package).
Every scene is decided by its prompt's seed and, where its text has words for weather, light or place, by those.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.scene.sumo.settings import Density, Settings
from adapters.scene.sumo.stage import SumoStage
from datagen.ports import Stage, Take

__all__ = ["Density", "Settings", "build"]


@dataclass(frozen=True)
class SumoScenes:
    """A SceneSource without end."""

    settings: Settings
    needs_text: bool = False

    def fingerprint(self) -> str:
        """Return nothing: the settings say it all."""
        return ""

    def count(self) -> int | None:
        """There is no end of seeds."""
        return None

    def stages(self) -> Sequence[Stage[Take, Take]]:
        """One stage does it all."""
        return [SumoStage(settings=self.settings)]


def build(settings: Settings) -> SumoScenes:
    """Return the source; SUMO is looked for when its stage opens."""
    return SumoScenes(settings=settings)
