"""What a map model is made of, as a value: written into its weights, so that they say themselves how to be loaded."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, model_validator

TRAFFIC_CHANNELS = 7
"""Moving, parked, cycle, person, ahead x and y, speed (`datagen.roads.raster`)."""
MAP_CHANNELS = 6
"""Boundary, divider, crossing, drivable, ahead x and y."""
SIGNED = (4, 5, 11, 12)
"""Which of the 7 + 6 channels are from -1 to 1; the others are from 0 to 1."""


class Spec(BaseModel):
    """A map model.

    pixels: side of the canvas it is trained on, 102.4 m.  coarse: side of the squares of pixels that the network sees
    as one.  patch: side of the squares of what it sees that are one cell.
    channels: of the UNet's levels from fine to coarse, multiples of 32.  layers: residual blocks a level.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    pixels: int = 256
    coarse: int = 1
    patch: int = 4
    channels: tuple[int, ...] = (64, 96, 128)
    layers: int = 1

    @model_validator(mode="after")
    def _cells_are_whole(self) -> Spec:
        if self.pixels % (self.coarse * self.multiple_px):
            most = self.coarse * self.multiple_px
            raise ValueError(f"pixels {self.pixels} must be a multiple of {most} (coarse, patch and levels)")
        if any(width % 32 for width in self.channels):
            raise ValueError(f"channels {self.channels} must be multiples of 32 (group norm)")
        return self

    @property
    def seen_px(self) -> int:
        """Side of what the network sees of the canvas."""
        return self.pixels // self.coarse

    @property
    def multiple_px(self) -> int:
        """What the sides of whatever the network sees must be a multiple of."""
        return self.patch * int(2 ** (len(self.channels) - 1))


TINY = Spec(name="tiny", coarse=2)
"""The embedded default: trained and run on a CPU core."""

SD = Spec(name="sd", pixels=512)
"""Stable Diffusion 2.1 with a ControlNet, at the paper's size; patch, channels and layers are its own."""

SPECS = {spec.name: spec for spec in (TINY, SD)}
