"""The network: diffusers' UNet2DModel over cells of pixels, as a denoiser D(x, sigma) of map rasters.

```
   noisy map  B 6 H W ─┐ cells of patch x patch pixels
                       ├──────────▶  B 13·p² h w ──UNet──▶ B 6·p² h w ──▶ clean map  B 6 H W
   traffic    B 7 H W ─┘
```

No attention: the UNet is convolutions only, so that a canvas may be of any size, whatever it was trained on.
Axes: B batch, H W pixels, h w cells.
"""

from __future__ import annotations

from typing import Any

import torch
from diffusers import UNet2DModel
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from datagen.models.hdmap.spec import MAP_CHANNELS, TRAFFIC_CHANNELS, Spec
from datagen.models.samplers import edm_scalings


class MapDenoiser(nn.Module):
    """The denoiser. It works on maps whose channels have mean 0 and spread 1; `mean` and `spread` are weights."""

    mean: Tensor
    spread: Tensor

    def __init__(
        self, spec: Spec, *, mean: Float[Tensor, "6"] | None = None, spread: Float[Tensor, "6"] | None = None
    ) -> None:
        super().__init__()
        self.spec = spec
        self.register_buffer("mean", torch.zeros(MAP_CHANNELS) if mean is None else mean)
        self.register_buffer("spread", torch.ones(MAP_CHANNELS) if spread is None else spread)
        levels, area = len(spec.channels), spec.patch**2
        self.unet: Any = UNet2DModel(
            sample_size=spec.seen_px // spec.patch,
            in_channels=(MAP_CHANNELS + TRAFFIC_CHANNELS) * area,
            out_channels=MAP_CHANNELS * area,
            block_out_channels=spec.channels,
            layers_per_block=spec.layers,
            down_block_types=("DownBlock2D",) * levels,
            up_block_types=("UpBlock2D",) * levels,
            add_attention=False,
            norm_num_groups=32,
        )

    def forward(
        self, noisy: Float[Tensor, "B 6 H W"], sigma: Float[Tensor, "B"], traffic: Float[Tensor, "B 7 H W"]
    ) -> Float[Tensor, "B 6 H W"]:
        """Return the clean map the network believes in, channels normalised."""
        c_skip, c_out, c_in, c_noise = edm_scalings(sigma[:, None, None, None], torch.ones_like(sigma[0]))
        door = self._cells(torch.cat([c_in * noisy, traffic], dim=1))
        F = self._pixels(self.unet(door, c_noise.flatten(), return_dict=False)[0])
        return c_skip * noisy + c_out * F

    def encode(self, raster: Float[Tensor, "B 6 H W"]) -> Float[Tensor, "B 6 H W"]:
        """Return a raster's channels with mean 0 and spread 1."""
        return (raster - self.mean[:, None, None]) / self.spread[:, None, None]

    def decode(self, normalised: Float[Tensor, "B 6 H W"]) -> Float[Tensor, "B 6 H W"]:
        """Return the raster that normalised channels stand for, within what its channels can be."""
        raw = normalised * self.spread[:, None, None] + self.mean[:, None, None]
        return torch.cat([raw[:, :4].clamp(0, 1), raw[:, 4:].clamp(-1, 1)], dim=1)

    def noise_shape(self, rows: int, columns: int) -> tuple[int, int, int]:
        """Return the shape of what a raster of so many pixels is made from."""
        return MAP_CHANNELS, rows, columns

    @property
    def multiple_px(self) -> int:
        """What the sides of a raster must be a multiple of."""
        return self.spec.multiple_px

    def configs(self) -> str:
        """Return nothing: the spec says it all."""
        return ""

    def _cells(self, pixels: Float[Tensor, "B C H W"]) -> Float[Tensor, "B features h w"]:
        p = self.spec.patch
        return rearrange(pixels, "B C (h p) (w q) -> B (C p q) h w", p=p, q=p)

    def _pixels(self, cells: Float[Tensor, "B features h w"]) -> Float[Tensor, "B C H W"]:
        p = self.spec.patch
        return rearrange(cells, "B (C p q) h w -> B C (h p) (w q)", p=p, q=p)
