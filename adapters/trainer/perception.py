"""Trainer `perception`: any nuScenes-format dataset to a network that sees what its labels say.

Example: `datagen train perception recipes/train/perception.yaml`.

```
   dataset ── scenes, pictures, labels ── bare world, one ray for each pixel ──▶ lessons/*.safetensors ──▶ network
```
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from adapters.scene.nuscenes.recorded import RecordedScene, recorded_scenes
from datagen.errors import LogError
from datagen.models.perception.lessons import write_lesson
from datagen.models.perception.network import STRIDE
from datagen.models.perception.targets import Target, target_of
from datagen.models.perception.teaching import train_perception
from datagen.models.perception.training import PerceptionTraining
from datagen.sensors.masks import bare_world, mask_of


class Settings(PerceptionTraining):
    """What `perception` recipes say.

    dataset: a folder in nuScenes format.  version, split: of it; by default the only version, and all scenes.
    every: every n-th key frame is learnt from.
    """

    dataset: Path
    version: str | None = None
    split: str | None = None
    every: int = 1


def build(settings: Settings) -> PerceptionTrainer:
    """Return the trainer; nothing is read yet."""
    return PerceptionTrainer(settings)


class PerceptionTrainer:
    """Prepares lessons once, then trains on them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def train(self, out: Path, *, stop_after: int | None = None) -> Path:
        """Train, or go on training what lies in `out`; return the weights' path."""
        lessons = out / f"lessons-{self._lessons_key()}"
        self.prepare(lessons)
        network = PerceptionTraining(**{name: getattr(self.settings, name) for name in PerceptionTraining.model_fields})
        return train_perception(network, out, lessons=lessons, pictures=self.settings.dataset, stop_after=stop_after)

    def _lessons_key(self) -> str:
        """Return what names the lessons: all that decides them."""
        said = self.settings.model_dump_json(include={"dataset", "version", "split", "every", "size_px"})
        return hashlib.sha256(said.encode()).hexdigest()[:8]

    def prepare(self, lessons: Path) -> None:
        """Write the lessons that are not there yet."""
        done = lessons / "done"
        if done.exists():
            return
        settings = self.settings
        scenes = recorded_scenes(settings.dataset, version=settings.version, split=settings.split)
        for scene in tqdm(scenes, desc="lessons", unit="scene"):
            path = lessons / f"{scene.name}.safetensors"
            if not path.exists():
                pictures, targets = zip(*self._pages(scene))
                write_lesson(path, pictures, targets=targets, ambience=scene.scene.ambience)
        done.touch()

    def _pages(self, recorded: RecordedScene) -> Iterator[tuple[str, Target]]:
        """Yield every picture that is learnt from, below the dataset's folder, with its target."""
        scene, recording = recorded.scene, recorded.scene.recording
        if recording is None:
            raise LogError(f"{recorded.name}: was not read from a log")
        world = bare_world(scene)
        width_px, height_px = (side // STRIDE for side in self.settings.size_px)
        for frame in range(0, len(recording.timeline), self.settings.every):
            fired_us = recording.timeline.camera_timestamp_us[frame].tolist()
            together = world.at(fired_us[0]) if len(set(fired_us)) == 1 else None
            for timestamp_us, camera in zip(fired_us, recording.rig.cameras):
                mask = mask_of(
                    together or world.at(timestamp_us, camera=camera),
                    camera.resized(width_px, height_px),
                    world_SE3_ego=scene.ego.pose_at(timestamp_us),
                )
                target = target_of(
                    mask.owner,
                    distance_m=mask.distance_m,
                    road=mask.road,
                    paint=mask.paint,
                    actors=scene.actors,
                    visible=recorded.visible[frame],
                )
                picture = recorded.key_pictures(camera.channel)[frame]
                yield str(picture.path.relative_to(self.settings.dataset)), target
