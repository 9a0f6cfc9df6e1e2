"""What a UniMVM is made of, as a value: written into its weights, so that they say themselves how to be loaded."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, model_validator


class Condition(StrEnum):
    """What a model may be told beside words; a spec names those it uses."""

    PROXY = "proxy"  # the labelled world alone, ray-cast, as latents
    MAP = "map"  # boundary, divider, crossing: lines
    BOXES = "boxes"  # a channel per class
    RAYS = "rays"  # where each cell of each view looks, and from where
    APPEARANCE = "appearance"  # the colour of the track each cell shows


PAPER = (Condition.MAP, Condition.BOXES)
"""The conditions of DriveDreamer-2 alone, for the ablation."""


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class UNetSpec(_Value):
    """Sizes of diffusers' UNetSpatioTemporalConditionModel, one entry per level from fine to coarse.

    channels: multiples of 32.  attention: which levels attend over space, time and words.
    context: width of a word's token.  time_ids: width in which each of the three clip numbers is embedded.
    """

    channels: tuple[int, ...]
    attention: tuple[bool, ...]
    heads: tuple[int, ...]
    layers: int
    context: int
    time_ids: int = 256

    @model_validator(mode="after")
    def _levels_agree(self) -> UNetSpec:
        if not len(self.channels) == len(self.attention) == len(self.heads):
            raise ValueError("channels, attention and heads need one entry per level")
        if any(width % 32 for width in self.channels):
            raise ValueError(f"channels {self.channels} must be multiples of 32 (group norm)")
        return self


class Spec(_Value):
    """A UniMVM.

    view_px: (width, height) of one view's picture.  frames, rate_hz: of one clip as it is trained.
    latent_channels, stride: of the autoencoder.  given_gain: given latents enter the network times this.
    held: a view's other frames are shown its given picture that is nearest in time, as SVD shows its one picture to all
    frames; the network has to learn where it moves.
    damped: noisy latents enter as the best linear guess at the clean ones, c_skip x, not as c_in x: a channel that is
    mostly noise is mostly left out, where a small network would have to learn to. Not what SVD was trained with.
    figures: the proxy render shows the figures of the actors' kinds, not blocks.
    joined: views side by side in one wide picture; otherwise each view is on its own (an ablation).
    temporal: layers along time; otherwise each frame is on its own (an ablation).
    """

    name: str
    views: int = 6
    view_px: tuple[int, int]
    frames: int = 8
    rate_hz: float = 4.0
    latent_channels: int
    stride: int = 8
    given_gain: float = 1.0
    held: bool = False
    damped: bool = False
    figures: bool = False
    conditions: tuple[Condition, ...]
    box_channels: int = 11
    map_features: int = 8
    box_features: int = 20
    joined: bool = True
    temporal: bool = True
    unet: UNetSpec

    @model_validator(mode="after")
    def _cells_are_whole(self) -> Spec:
        if any(side % self.stride for side in self.view_px):
            raise ValueError(f"view_px {self.view_px} must be multiples of the stride {self.stride}")
        if len(set(self.conditions)) != len(self.conditions):
            raise ValueError(f"conditions {self.conditions} name one twice")
        return self

    @property
    def cells(self) -> tuple[int, int]:
        """Rows and columns of one view's latents."""
        return self.view_px[1] // self.stride, self.view_px[0] // self.stride

    @property
    def in_channels(self) -> int:
        """Channels at the network's door: noisy latents, given latents, mask, conditions (see `conditioning`)."""
        widths = {
            Condition.PROXY: self.latent_channels,
            Condition.MAP: self.map_features,
            Condition.BOXES: self.box_features,
            Condition.RAYS: 6,
            Condition.APPEARANCE: 3,
        }
        return 2 * self.latent_channels + 1 + sum(widths[condition] for condition in self.conditions)


TINY = Spec(
    name="tiny",
    view_px=(224, 128),
    latent_channels=16,
    damped=True,
    figures=True,
    conditions=tuple(Condition),
    unet=UNetSpec(
        channels=(64, 128, 160), attention=(False, False, True), heads=(2, 4, 5), layers=1, context=96, time_ids=64
    ),
)
"""The embedded default: trained on CPU cores, shipped in half precision.

Attention at the coarsest level alone: in 300 steps it learnt as much as with attention at two levels, a quarter faster.
"""

SMALL = Spec(
    name="small",
    view_px=(224, 128),
    latent_channels=16,
    damped=True,
    figures=True,
    conditions=tuple(Condition),
    unet=UNetSpec(
        channels=(128, 256, 384, 512),
        attention=(False, True, True, True),
        heads=(2, 4, 6, 8),
        layers=2,
        context=256,
    ),
)
"""What one GPU trains in half an hour, on the latents of the same autoencoder."""

SVD = Spec(
    name="svd",
    view_px=(448, 256),
    latent_channels=4,
    given_gain=1 / 0.18215,
    held=True,
    figures=True,
    conditions=tuple(Condition),
    unet=UNetSpec(
        channels=(320, 640, 1280, 1280),
        attention=(True, True, True, False),
        heads=(5, 10, 20, 20),
        layers=2,
        context=1024,
    ),
)
"""Stable Video Diffusion XT 1.1 at the paper's size; SVD sees given latents without its scaling factor 0.18215."""

SPECS = {spec.name: spec for spec in (TINY, SMALL, SVD)}
