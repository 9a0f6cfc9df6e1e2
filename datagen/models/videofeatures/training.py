"""Teaching the video features: short clips of one camera, half of them disturbed in time.

```
   none · shuffled (frames) · frozen (frames held) · flicker (gain by frame) · jitter (shift) · morph (warp)
```

The last three are what video models do wrong. To tell them apart the network must know how a drive looks; so must it
to tell speed, turning, light and where its camera looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float, Int, UInt8
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn
from torch.nn import functional

from datagen.errors import InputError
from datagen.models.perception.training import read_picture
from datagen.models.training import LoopSettings, Phase, Share, averaged, phase_of, train, write_settings
from datagen.models.videofeatures.network import DISTURBANCES, FRAMES, SIZE_PX, VideoFeatures
from datagen.models.videofeatures.weights import save_videofeatures
from datagen.models.weights import halved
from datagen.scene import Ambience, Light, Weather

_SPEED_MPS, _YAW_RATE_RADPS = 10.0, 0.3
"""What counts as one in the loss."""


class VideoFeaturesTraining(BaseModel):
    """What `videofeatures` recipes say of the network. disturbed: share of clips that are."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    disturbed: float = 0.6
    phases: tuple[Phase, ...] = (Phase(steps=1500, batch=16, rate=2e-3, last_rate=2e-5),)
    loop: LoopSettings = LoopSettings(ema=0.995, precision="bf16")


@dataclass(frozen=True, kw_only=True)
class Footage:
    """One camera's pictures of one scene, in time, evenly spaced.

    speed_mps, yaw_rate_radps: of the vehicle, at each.  yaw_rad: where the camera looks, from the vehicle's front.
    """

    pictures: tuple[Path, ...]
    speed_mps: tuple[float, ...]
    yaw_rate_radps: tuple[float, ...]
    yaw_rad: float
    ambience: Ambience


@dataclass(frozen=True, kw_only=True)
class Reel:
    """A batch of clips and what is to be said of them. motion: NaN where a clip was disturbed."""

    clips: UInt8[Tensor, "N 3 T Hpx Wpx"]
    disturbance: Int[Tensor, "N"]
    motion: Float[Tensor, "N motions"]
    weather: Int[Tensor, "N"]
    light: Int[Tensor, "N"]
    yaw: Float[Tensor, "N 2"]


class VideoFeaturesTask:
    """Reels in, impressions out."""

    def __init__(self, settings: VideoFeaturesTraining, footage: Sequence[Footage]) -> None:
        self.settings, self.phases = settings, settings.phases
        self.footage = [one for one in footage if len(one.pictures) >= FRAMES]
        if not self.footage:
            raise InputError(f"no camera has {FRAMES} pictures in a row to learn from")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.loop.seed)
            self.network = VideoFeatures()

    def batch(self, share: Share) -> Reel:
        """Return random windows of random cameras."""
        generator = share.generator()
        rows = [self._window(generator) for _ in range(phase_of(self.phases, share.step)[0].batch)]
        clips, disturbance, motion, weather, light, yaw = zip(*rows)
        return Reel(
            clips=torch.stack(clips),
            disturbance=torch.tensor(disturbance),
            motion=torch.stack(motion),
            weather=torch.tensor(weather),
            light=torch.tensor(light),
            yaw=torch.stack(yaw),
        )

    def _window(self, generator: torch.Generator) -> tuple[Tensor, int, Tensor, int, int, Tensor]:
        one = self.footage[int(torch.randint(len(self.footage), (), generator=generator))]
        start = int(torch.randint(len(one.pictures) - FRAMES + 1, (), generator=generator))
        inside = slice(start, start + FRAMES)
        clip = torch.stack([read_picture(path, SIZE_PX) for path in one.pictures[inside]], dim=1)
        kind = 0
        if float(torch.rand((), generator=generator)) < self.settings.disturbed:
            kind = int(torch.randint(1, len(DISTURBANCES), (), generator=generator))
        motion = torch.tensor(
            [
                sum(one.speed_mps[inside]) / FRAMES / _SPEED_MPS,
                sum(one.yaw_rate_radps[inside]) / FRAMES / _YAW_RATE_RADPS,
            ]
        )
        yaw = torch.tensor([one.yaw_rad])
        return (
            disturbed(clip, DISTURBANCES[kind], generator),
            kind,
            motion if kind == 0 else torch.full_like(motion, torch.nan),
            list(Weather).index(one.ambience.weather),
            list(Light).index(one.ambience.light),
            torch.cat([yaw.sin(), yaw.cos()]),
        )

    def loss(self, network: nn.Module, batch: Reel, *, share: Share) -> tuple[Tensor, dict[str, float]]:
        """Return the sum of the heads' losses."""
        device = next(network.parameters()).device
        said = network(batch.clips.to(device))
        told = functional.cross_entropy(said.disturbance.float(), batch.disturbance.to(device))
        known = batch.motion.isfinite()
        motion = (
            functional.smooth_l1_loss(said.motion.float().cpu()[known], batch.motion[known]) if known.any() else 0.0
        )
        weather, light = said.ambience.float().split([len(Weather), len(Light)], dim=1)
        ambience = functional.cross_entropy(weather, batch.weather.to(device))
        ambience = ambience + functional.cross_entropy(light, batch.light.to(device))
        yaw = functional.mse_loss(said.yaw.float(), batch.yaw.to(device))
        right = (said.disturbance.argmax(dim=1).cpu() == batch.disturbance).float().mean()
        return told + 2 * motion + 0.3 * ambience + yaw, {
            "disturbance_right": float(right),
            "motion": float(torch.as_tensor(motion).detach()),
        }

    def look(self, network: nn.Module, *, device: torch.device) -> dict[str, UInt8[Tensor, "Hpx Wpx 3"]]:
        """There is nothing to look at."""
        return {}


def disturbed(
    clip: UInt8[Tensor, "3 T Hpx Wpx"], kind: str, generator: torch.Generator
) -> UInt8[Tensor, "3 T Hpx Wpx"]:
    """Return a clip as a film goes wrong; `kind` is one of DISTURBANCES."""
    _, T, height, width = clip.shape
    match kind:
        case "shuffled":
            return clip[:, torch.randperm(T, generator=generator)]
        case "frozen":
            held = clip.clone()
            start = int(torch.randint(1, T - 2, (), generator=generator))
            held[:, start : start + 3] = clip[:, start - 1 : start]
            return held
        case "flicker":
            gain = 1 + 0.15 * torch.randn(3, T, 1, 1, generator=generator)
            return (clip * gain).clamp(0, 255).to(torch.uint8)
        case "jitter":
            steps = torch.randint(-2, 3, (T, 2), generator=generator).tolist()
            return torch.stack([clip[:, t].roll(step, dims=(1, 2)) for t, step in enumerate(steps)], dim=1)
        case "morph":
            coarse = 0.06 * torch.randn(T, 2, 5, 8, generator=generator)
            warp = functional.interpolate(coarse, size=(height, width), mode="bicubic").permute(0, 2, 3, 1)
            straight = functional.affine_grid(torch.eye(2, 3)[None], [1, 1, height, width], align_corners=False)
            frames = functional.grid_sample(
                clip.transpose(0, 1).float(), straight + warp, padding_mode="border", align_corners=False
            )
            return frames.transpose(0, 1).round().clamp(0, 255).to(torch.uint8)
        case _:
            return clip


def train_videofeatures(
    settings: VideoFeaturesTraining, out: Path, *, footage: Sequence[Footage], stop_after: int | None = None
) -> Path:
    """Train, or go on training, and write `out/weights.safetensors` in half precision; returns its path."""
    write_settings(out, settings)
    task = VideoFeaturesTask(settings, footage)
    tensors, steps = averaged(train(task, out, settings=settings.loop, stop_after=stop_after))
    about = {"steps": str(steps), "footage": str(len(task.footage))}
    save_videofeatures(out / "weights.safetensors", tensors=halved(tensors), about=about)
    return out / "weights.safetensors"
