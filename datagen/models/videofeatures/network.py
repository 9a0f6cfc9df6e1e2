"""The network: convolutions over space and over time in turn (Tran et al. 2018), features pooled from two depths.

```
   N 3 T 64 112 ─ /2 ─ /4 ─ /8 (T/2) ─▶ pooled ┐
                              └─ /16 (T/4) ─▶ pooled ┴▶ features ─▶ disturbance · motion · light · camera's yaw
```

N clips, T frames (8), sides in pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional

from datagen.scene import Light, Weather

SIZE_PX = (112, 64)
"""(width, height) of its pictures."""
FRAMES = 8
_WIDTHS = (8, 16, 32, 56)
DIMS = _WIDTHS[2] + _WIDTHS[3]
DISTURBANCES = ("none", "shuffled", "frozen", "flicker", "jitter", "morph")
MOTIONS = ("speed", "yaw_rate")


@dataclass(frozen=True, kw_only=True)
class Impression:
    """What the network makes of clips. yaw: sine and cosine of where the camera looks, from the vehicle's front."""

    features: Float[Tensor, "N D"]
    disturbance: Float[Tensor, "N disturbances"]
    motion: Float[Tensor, "N motions"]
    ambience: Float[Tensor, "N words"]
    yaw: Float[Tensor, "N 2"]


class VideoFeatures(nn.Module):
    """Clips to impressions."""

    def __init__(self) -> None:
        super().__init__()
        one, two, three, four = _WIDTHS
        self.shallow = nn.Sequential(
            _Space(3, one), _Time(one), _Space(one, two), _Time(two), _Space(two, three), _Time(three, stride=2)
        )
        self.deep = nn.Sequential(_Space(three, four), _Time(four, stride=2), _Time(four))
        sizes = (len(DISTURBANCES), len(MOTIONS), len(Weather) + len(Light), 2)
        self.heads = nn.ModuleList([nn.Linear(DIMS, size) for size in sizes])

    def forward(self, clips: UInt8[Tensor, "N 3 T Hpx Wpx"]) -> Impression:
        """Look at clips of at least 4 frames."""
        shallow = self.shallow(clips.to(self.heads[0].weight) / 127.5 - 1)  # type: ignore[arg-type]
        deep = self.deep(shallow)
        features = torch.cat([level.mean(dim=(2, 3, 4)) for level in (shallow, deep)], dim=1)
        disturbance, motion, ambience, yaw = (head(features) for head in self.heads)
        return Impression(features=features, disturbance=disturbance, motion=motion, ambience=ambience, yaw=yaw)


class _Space(nn.Module):
    """A convolution over each picture, halving it. Normalised over the whole clip, so that flicker is not lost."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, 2, 1, bias=False)
        self.norm = nn.GroupNorm(8, outputs)

    def forward(self, x: Tensor) -> Tensor:
        seen = self.convolution(rearrange(x, "N C T H W -> (N T) C H W"))
        return functional.relu(self.norm(rearrange(seen, "(N T) C H W -> N C T H W", T=x.shape[2])))


class _Time(nn.Module):
    """A convolution over time, beside an identity where it does not halve it.

    As a flat convolution over (T, H W): it is quicker, and the gradient of a three-dimensional one is not reliable in
    bfloat16 on CPUs.
    """

    def __init__(self, width: int, *, stride: int = 1) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(width, width, (3, 1), (stride, 1), (1, 0), bias=False)
        self.norm = nn.GroupNorm(8, width)
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        seen = self.norm(self.convolution(rearrange(x, "N C T H W -> N C T (H W)")))
        before = x[:, :, :: self.stride]
        return functional.relu(before + rearrange(seen, "N C T (H W) -> N C T H W", H=x.shape[3]))
