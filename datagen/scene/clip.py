"""A clip: a scene filmed by a rig. Frames lie on disk; what travels is the path."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from datagen.scene.prompt import Prompt
from datagen.scene.rig import Rig
from datagen.scene.scene import Scene
from datagen.scene.timeline import Timeline


@dataclass(frozen=True, kw_only=True)
class Shot:
    """What is to be filmed: a scene, by a rig whose cameras have the film's picture size, at these instants."""

    clip_id: str
    scene: Scene
    rig: Rig
    timeline: Timeline
    seed: int


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A scene that was filmed: `folder` holds its frames.

    rig: the cameras as the stored pictures have them (size and intrinsics of the files).
    """

    id: str
    prompt: Prompt
    scene: Scene
    rig: Rig
    timeline: Timeline
    folder: Path

    def frame_path(self, channel: str, frame: int) -> Path:
        """Where the JPEG of one camera and frame lies."""
        return self.folder / channel / f"{frame:06d}.jpg"

    def sweep_path(self, frame: int) -> Path:
        """Where the LiDAR sweep of a frame lies: float32 (points, 5): x, y, z, intensity (0-255), ring."""
        return self.folder / self.rig.lidar.channel / f"{frame:06d}.bin"
