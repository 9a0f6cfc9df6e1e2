"""Film `unimvm`: a multi-view video diffusion model, told of boxes, map, colours and words, makes the pictures.

Recipe keys: `film: {use: unimvm}` films with the weights that ship; `weights: <path>` with others; `mode:` says what
is given beside (nothing, the first frame, the front view's video, any part), in the pictures of the log a scene was
read from (`rig: log`). Weights that were made from Stable Video Diffusion want `autoencoder: <its folder>` too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from adapters.video.unimvm.film import Film
from datagen.scene.ambience import ClosedWord

Channels = Annotated[tuple[str, ...], Field(max_length=32)]


class Settings(BaseModel):
    """What a recipe may say beside `use: unimvm`. What is None is the weights' own way (see `Sampling`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: Path | None = None
    """A safetensors file, or a folder that holds `unimvm.safetensors`; those that ship if None."""
    autoencoder: Path | None = None
    """A safetensors file, or a Stable Video Diffusion folder; `autoencoder.safetensors` beside the weights if None."""

    mode: Literal["none", "first_frame", "front_video", "subset"] = "none"
    """What of the log's own pictures is given."""
    views: Channels = ()
    """Mode `subset`: the channels that are given; empty means all."""
    frames: tuple[Annotated[int, Field(ge=0)], ...] = ()
    """Mode `subset`: the frames that are given, from 0; empty means all."""

    sampler: Literal["euler", "heun", "dpmpp_2m", "reduced_noise", "settled"] | None = None
    steps: Annotated[int, Field(ge=1, le=1000)] | None = None
    start: Literal["noise", "proxy"] | None = None
    """What the first noise is put on: nothing, or the proxy render."""
    sigma_max: Annotated[float, Field(gt=0.0, le=1000.0)] | None = None
    sigma_min: Annotated[float, Field(gt=0.0, le=1.0)] | None = None
    guidance: tuple[float, float] | None = None
    """Of the first and of the last frame; [1, 1] is none, and takes half the time."""
    weather_guidance: dict[ClosedWord, Annotated[float, Field(ge=0.0, le=20.0)]] | None = None
    """How many times as far as by itself the film goes from one whose weather was not told: `{night: 2.5}` does so for
    nights alone, whose weather is else taken for fog. `{}` is none, and takes half the time of denoising."""
    keep: Annotated[float, Field(ge=0.0, le=1.0)] | None = None
    """Part of the noise that the samplers `settled` and `reduced_noise` add back."""
    settle: Annotated[float, Field(ge=0.0, le=1000.0)] | None = None
    """Noise level from which on `settled` adds less back than there was; above it is DPM-Solver++."""
    overlap: Annotated[int, Field(ge=1)] | None = None
    """Frames a continued clip is given of the one before."""
    carried: Annotated[float, Field(ge=0.0, le=10.0)] | None = None
    """Given pictures are carried along the labelled world to the rest: the error assumed of them. Less trusts them
    more; 0 does not carry them."""

    world_noise: bool | None = None
    """The noise is fixed to the labelled world, so that houses stay where they are; false: each number by itself."""

    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    """auto: bf16 where the hardware computes in it, else fp16 on a GPU and fp32 on a CPU."""
    batch: Annotated[int, Field(ge=1, le=256)] = 1
    """Clips in one call of the network; it is always called with that many, so that neighbours change nothing."""
    queue: Annotated[int, Field(ge=1, le=64)] = 1
    """Batches a worker is given at a time: more than one lets it draw the next one's conditions meanwhile."""
    threads: Annotated[int, Field(ge=1, le=256)] = 1
    """Cores of one worker."""
    gpu: Annotated[float, Field(gt=0.0, le=1.0)] = 0.25
    """Part of a GPU that one worker holds, where there is one."""
    compile: bool = False
    """Compile the network before the first clip (torch.compile; needs a C++ compiler on a CPU)."""
    channels_last: bool = False
    """Lay pictures out with channels last, which is quicker on some GPUs."""


def build(settings: Settings) -> Film:
    """Return the film model; nothing is loaded yet."""
    return Film(settings)
