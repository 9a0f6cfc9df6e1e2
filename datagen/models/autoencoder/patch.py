"""The autoencoder that ships with `tiny`: patch PCA, and convolutions that learn what PCA leaves.

```
   picture ─ space to depth ─┬─ PCA ────────────────(+)─▶ latents ─┬─ PCA back ───────────────────────(+)─▶ picture
             3 s² channels   └─ convolutions, from 0 ┘             └─ convolutions, from 0, upwards by 2s ┘
```

A linear projection of 8 x 8 patches is fitted in seconds and beats small convolutional autoencoders trained for
minutes. So training starts from it: the convolutional branches end in zeros and can only improve on it. Latents keep
PCA's falling spread per channel, which a diffusion model resolves coarse to fine (see `samplers.edm_scalings`).
"""

from __future__ import annotations

import torch
from einops import rearrange
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn


class PatchSpec(BaseModel):
    """Sizes of the autoencoder. width: of its convolutions at the latents' size; halves with every doubling upwards."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    latent_channels: int = 16
    stride: int = 8
    width: int = 96
    blocks: int = 2


class PatchAutoencoder(nn.Module):
    """See the module. `scale` makes the latents' overall spread 1; all of it is float32 or all half."""

    mean: Tensor
    scale: Tensor

    def __init__(self, spec: PatchSpec) -> None:
        super().__init__()
        self.spec = spec
        patch, C = 3 * spec.stride**2, spec.latent_channels
        self.register_buffer("mean", torch.zeros(patch))
        self.register_buffer("scale", torch.ones(()))
        self.project = nn.Conv2d(patch, C, 1, bias=False)
        self.unproject = nn.Conv2d(C, patch, 1, bias=False)
        self.look = nn.Sequential(
            nn.Conv2d(patch, spec.width, 1),
            *(_Residual(spec.width) for _ in range(spec.blocks)),
            _silent(spec.width, C),
        )
        self.paint = _upwards(spec)

    def encode(self, pictures: Float[Tensor, "N 3 Hpx Wpx"]) -> Float[Tensor, "N C H W"]:
        """Return latents; picture sides must be multiples of the stride."""
        s = self.spec.stride
        patches = rearrange(pictures, "N c (H a) (W b) -> N (c a b) H W", a=s, b=s) - self.mean[:, None, None]
        return (self.project(patches) + self.look(patches)) * self.scale

    def decode(self, latents: Float[Tensor, "N C H W"], *, frames: int = 1) -> Float[Tensor, "N 3 Hpx Wpx"]:
        """Return pictures, each from its own latents: `frames` changes nothing here."""
        s = self.spec.stride
        z = latents / self.scale
        patches = self.unproject(z) + self.mean[:, None, None]
        return rearrange(patches, "N (c a b) H W -> N c (H a) (W b)", a=s, b=s) + self.paint(z)

    def forward(
        self, pictures: Float[Tensor, "N 3 Hpx Wpx"], noise: Float[Tensor, "N C H W"] | None = None
    ) -> Float[Tensor, "N 3 Hpx Wpx"]:
        """Return what is left of the pictures after both ways, with `noise` on the latents in parts of their spread."""
        latents = self.encode(pictures)
        if noise is not None:
            latents = latents + noise * latents.detach().std(dim=(0, 2, 3), keepdim=True)
        return self.decode(latents)

    @torch.no_grad()
    def fit(self, pictures: Float[Tensor, "N 3 Hpx Wpx"]) -> None:
        """Set projection, mean and scale from the pictures' patches; the convolutions stay as they are."""
        s = self.spec.stride
        patches = rearrange(pictures, "N c (H a) (W b) -> (N H W) (c a b)", a=s, b=s).double()
        self.mean.copy_(patches.mean(0))
        covariance = torch.cov(patches.T)
        values, vectors = torch.linalg.eigh(covariance)
        kept = slice(-self.spec.latent_channels, None)
        components = vectors[:, kept].flip(1).T
        self.project.weight.copy_(components[:, :, None, None])
        self.unproject.weight.copy_(components.T[:, :, None, None])
        self.scale.copy_(values[kept].mean().rsqrt())


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.GroupNorm(8, width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


def _silent(width: int, out: int) -> nn.Conv2d:
    """Return a convolution that says nothing before it is trained."""
    layer = nn.Conv2d(width, out, 3, padding=1)
    nn.init.zeros_(layer.weight)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer


def _upwards(spec: PatchSpec) -> nn.Sequential:
    """Return latents-to-picture convolutions; the last doubling is a pixel shuffle straight to colours."""
    layers: list[nn.Module] = [nn.Conv2d(spec.latent_channels, spec.width, 3, padding=1)]
    width = spec.width
    layers += [_Residual(width) for _ in range(spec.blocks)]
    for _ in range(spec.stride.bit_length() - 2):
        layers += [nn.Conv2d(width, 2 * width, 3, padding=1), nn.PixelShuffle(2), _Residual(width // 2)]
        width //= 2
    return nn.Sequential(*layers, nn.SiLU(), _silent(width, 12), nn.PixelShuffle(2))
