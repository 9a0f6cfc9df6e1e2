"""A few seconds of a dataset's scene as a clip of its own, as a judge is given it, whose pictures may be changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from datagen.scene import Clip, Label, Prompt, Scene, Timeline


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """A clip of key frames, and its labels."""

    clip: Clip
    labels: tuple[Label, ...]


def excerpts_of(film: Any, *, keyframes: int, folder: Path) -> Iterator[Excerpt]:
    """Cut a recorded scene into clips of so many key frames each; what is left over is left out.

    film: a scene as `recorded_scenes` of the adapter reads it.  folder: where links to its pictures go.
    """
    recording = film.scene.recording
    for start in range(0, len(recording.timeline) - keyframes + 1, keyframes):
        part = slice(start, start + keyframes)
        clip = Clip(
            id=f"{film.name}-{start}",
            prompt=Prompt(id=film.name, index=0, text="", seed=start, duration_s=keyframes / 2),
            scene=film.scene,
            rig=recording.rig,
            timeline=_part(recording.timeline, part),
            folder=folder / f"{film.name}-{start}",
        )
        for camera in recording.rig.cameras:
            (clip.folder / camera.channel).mkdir(parents=True)
            for frame, picture in enumerate(film.key_pictures(camera.channel)[part]):
                clip.frame_path(camera.channel, frame).symlink_to(picture.path.resolve())
        yield Excerpt(clip=clip, labels=tuple(_labels(film.scene, clip.timeline, film.visible[part])))


def _part(timeline: Timeline, part: slice) -> Timeline:
    return Timeline(
        timestamp_us=timeline.timestamp_us[part],
        is_keyframe=np.ones(len(timeline.timestamp_us[part]), dtype=bool),
        camera_timestamp_us=timeline.camera_timestamp_us[part],
    )


def _labels(scene: Scene, timeline: Timeline, visible: Any) -> Iterator[Label]:
    for frame, shares in enumerate(visible):
        timestamp_us = int(timeline.timestamp_us[frame])
        for actor in scene.actors:
            if actor.id in shares:
                yield Label(
                    actor_id=actor.id,
                    category=actor.category,
                    frame=frame,
                    timestamp_us=timestamp_us,
                    world_SE3_box=actor.trajectory.pose_at(timestamp_us),
                    size_lwh_m=actor.size_lwh_m,
                    velocity_mps=(0.0, 0.0),
                    visible=shares[actor.id],
                    lidar_points=1 if shares[actor.id] > 0 else 0,
                    attribute=None,
                )
