"""Film `raycast`: the playground's pictures, by the ray-caster in `datagen.sensors`; needs no weights and no GPU.

Recipe keys: `film: {use: raycast, width_px: 224, height_px: 128}`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from datagen.ports import Frame, Resources
from datagen.scene import Shot
from datagen.sensors.render import Painter
from datagen.sensors.world import World


class Settings(BaseModel):
    """The picture's size."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    width_px: Annotated[int, Field(ge=32, le=1920)] = 224
    height_px: Annotated[int, Field(ge=32, le=1080)] = 128


class Raycast:
    """Films shots frame by frame; the same shot and seed give the same bytes in every process."""

    resources = Resources()
    batch_size = 1

    def __init__(self, settings: Settings) -> None:
        self.picture_size_px = (settings.width_px, settings.height_px)

    def fingerprint(self) -> str:
        """There are no weights."""
        return ""

    def open(self) -> None:
        """There is nothing to load."""

    def film(self, shots: Sequence[Shot]) -> Iterator[Frame]:
        """Yield every frame of every camera, each at the instant its own shutter fires."""
        for number, shot in enumerate(shots):
            yield from _filmed(shot, number=number)


def _filmed(shot: Shot, *, number: int) -> Iterator[Frame]:
    world = World(shot.scene, seed=shot.seed)
    painter = Painter(world)
    for frame in range(len(shot.timeline)):
        fired_us = shot.timeline.camera_timestamp_us[frame]
        together = world.at(int(fired_us[0])) if (fired_us == fired_us[0]).all() else None
        for timestamp_us, camera in zip(fired_us.tolist(), shot.rig.cameras):
            snapshot = together or world.at(timestamp_us, camera=camera)
            ego = shot.scene.ego.pose_at(timestamp_us)
            image = painter.picture(snapshot, camera, world_SE3_ego=ego)
            yield Frame(shot=number, frame=frame, channel=camera.channel, image=image)


def build(settings: Settings) -> Raycast:
    """Return the film model."""
    return Raycast(settings)
