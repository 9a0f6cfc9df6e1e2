"""Trainer `videofeatures`: the pictures of any nuScenes-format dataset to the features FVD is measured with.

Example: `datagen train videofeatures recipes/train/videofeatures.yaml`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from adapters.scene.nuscenes.recorded import RecordedScene, recorded_scenes
from datagen.models.videofeatures.training import Footage, VideoFeaturesTraining, train_videofeatures


class Settings(VideoFeaturesTraining):
    """What `videofeatures` recipes say.

    dataset: a folder in nuScenes format.  version, split: of it; by default the only version, and all scenes.
    """

    dataset: Path
    version: str | None = None
    split: str | None = None


def build(settings: Settings) -> VideoFeaturesTrainer:
    """Return the trainer; nothing is read yet."""
    return VideoFeaturesTrainer(settings)


class VideoFeaturesTrainer:
    """Trains on every camera's pictures, key frames and those between."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def train(self, out: Path, *, stop_after: int | None = None) -> Path:
        """Train, or go on training what lies in `out`; return the weights' path."""
        settings = self.settings
        scenes = recorded_scenes(settings.dataset, version=settings.version, split=settings.split, map_margin_m=1.0)
        footage = [one for scene in scenes for one in _footage(scene)]
        network = VideoFeaturesTraining(
            **{name: getattr(settings, name) for name in VideoFeaturesTraining.model_fields}
        )
        return train_videofeatures(network, out, footage=footage, stop_after=stop_after)


def _footage(recorded: RecordedScene) -> list[Footage]:
    scene = recorded.scene
    assert scene.recording is not None, "a scene that was read has its recording"
    found = []
    for camera in scene.recording.rig.cameras:
        pictures = recorded.pictures[camera.channel]
        times = np.array([picture.timestamp_us for picture in pictures], dtype=np.int64)
        heading = np.unwrap(np.interp(times, scene.ego.timestamp_us, np.unwrap(scene.ego.yaw_rad)))
        ahead = camera.ego_SE3_cam.rotation[:, 2]
        turning = np.gradient(heading, times / 1e6) if len(times) > 1 else np.zeros(1)
        found.append(
            Footage(
                pictures=tuple(picture.path for picture in pictures),
                speed_mps=tuple(np.linalg.norm(scene.ego.velocity_mps(times)[:, :2], axis=1).tolist()),
                yaw_rate_radps=tuple(turning.tolist()),
                yaw_rad=float(np.arctan2(ahead[1], ahead[0])),
                ambience=scene.ambience,
            )
        )
    return found
