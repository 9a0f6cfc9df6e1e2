"""The network: a residual encoder, a decoder by lateral sums (Lin et al. 2017), three heads.

```
   picture ─ /2 ─ /4 ─ /8 ─ /16 ─▶ pooled ─▶ weather, light
                  │     │     │
                  └──+──┴──+──┘ upwards
                     ▼
          /4 ─ pixel shuffle ─▶ /2: class of each pixel · centre of each object (Zhou et al. 2019)
```

N pictures, C channels, H and W at half the picture's size, K classes, O object classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, UInt8
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn
from torch.nn import functional

from datagen.models.perception.classes import CLASSES, OBJECT_CLASSES
from datagen.scene import Light, Weather

STRIDE = 2
"""Pixels of the picture to one of the masks."""


class PerceptionSpec(BaseModel):
    """The network's sizes. widths: channels at 1/2, 1/4, 1/8 and 1/16.  blocks: residual blocks at 1/4, 1/8, 1/16."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    widths: tuple[int, int, int, int] = (24, 48, 96, 152)
    blocks: tuple[int, int, int] = (1, 2, 2)
    decoder: int = 64


@dataclass(frozen=True, kw_only=True)
class Percept:
    """What the network makes of pictures, as logits. features: what the heads of masks and centres look at, at 1/4."""

    classes: Float[Tensor, "N K H W"]
    centers: Float[Tensor, "N O H W"]
    weather: Float[Tensor, "N weathers"]
    light: Float[Tensor, "N lights"]
    features: Float[Tensor, "N C _ _"]


class Perception(nn.Module):
    """Pictures to percepts."""

    def __init__(self, spec: PerceptionSpec) -> None:
        super().__init__()
        self.spec = spec
        half, *widths = spec.widths
        self.stem = _convolution(3, half, stride=2)
        self.stages = nn.ModuleList()
        for before, width, blocks in zip((half, *widths), widths, spec.blocks):
            self.stages.append(
                nn.Sequential(_convolution(before, width, stride=2), *(_Block(width) for _ in range(blocks)))
            )
        self.laterals = nn.ModuleList([nn.Conv2d(width, spec.decoder, 1) for width in widths])
        self.smooth = nn.ModuleList([_Block(spec.decoder) for _ in widths[1:]])
        outputs = len(CLASSES) + len(OBJECT_CLASSES)
        self.head = nn.Conv2d(spec.decoder, outputs * 4, 1)
        assert self.head.bias is not None
        nn.init.constant_(self.head.bias.view(outputs, 4)[len(CLASSES) :], -4.6)  # centres are rare: 1 in 100
        self.ambience = nn.Linear(2 * widths[-1], len(Weather) + len(Light))

    def forward(self, pictures: UInt8[Tensor, "N 3 Hpx Wpx"]) -> Percept:
        """Look at pictures whose sides are multiples of 16."""
        weight = self.ambience.weight
        x = self.stem((pictures.to(weight) / 127.5 - 1).contiguous(memory_format=torch.channels_last))
        levels = []
        for stage in self.stages:
            levels.append(x := stage(x))
        pooled = torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1)
        weather, light = self.ambience(pooled).split([len(Weather), len(Light)], dim=1)
        up = self.laterals[-1](levels[-1])
        for lateral, smooth, level in zip(self.laterals[-2::-1], self.smooth, levels[-2::-1]):
            up = smooth(functional.interpolate(up, scale_factor=2, mode="nearest") + lateral(level))
        maps = functional.pixel_shuffle(self.head(up), 2)
        classes, centers = maps.split([len(CLASSES), len(OBJECT_CLASSES)], dim=1)
        return Percept(classes=classes, centers=centers, weather=weather, light=light, features=up)


class _Block(nn.Module):
    """Two convolutions beside an identity (He et al. 2016)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _convolution(width, width), nn.Conv2d(width, width, 3, padding=1, bias=False), nn.GroupNorm(8, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.body(x))


def _convolution(inputs: int, outputs: int, *, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.GroupNorm(8, outputs), nn.ReLU(inplace=True)
    )
