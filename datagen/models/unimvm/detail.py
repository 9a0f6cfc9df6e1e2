"""A few wide convolutions at the cells' own size, after the UNet: they put right what it could not draw so finely.

```
   what the UNet said │ its door (noisy and given latents, conditions) ─▶ 3x3 ─▶ residual 3x3 ─▶ 3x3 ─▶ + what it said
                                            noise level and words ─▶ scale and shift ─┘
```

A small UNet has most of its weights where cells are coarse, as they cost little there. What a block of the proxy
looks like as a car is decided in single cells: one of 8 x 8 pixels is a third of a car 25 m away.
"""

from __future__ import annotations

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

_HIDDEN = 128
_GROUPS = 32


class Detail(nn.Module):
    """Says what to add to the UNet's word; nothing at first."""

    def __init__(self, *, door: int, latents: int, width: int, context: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(latents + door, width, 3, padding=1)
        self.norm = nn.GroupNorm(_GROUPS, width)
        self.style = nn.Sequential(nn.Linear(context + 1, _HIDDEN), nn.SiLU(), nn.Linear(_HIDDEN, 2 * width))
        self.mix = nn.Conv2d(width, width, 3, padding=1)
        self.leave = nn.Conv2d(width, latents, 3, padding=1)
        for parameter in self.leave.parameters():
            nn.init.zeros_(parameter)

    def forward(
        self,
        said: Float[Tensor, "B T V C H W"],
        door: Float[Tensor, "B T V features H W"],
        c_noise: Float[Tensor, "B"],
        tokens: Float[Tensor, "B tokens width"],
    ) -> Float[Tensor, "B T V C H W"]:
        """Return what to add, view by view and frame by frame."""
        B, T, V = said.shape[:3]
        style = self.style(torch.cat([tokens.mean(dim=1), c_noise[:, None].to(tokens.dtype)], dim=1))
        scale, shift = style.repeat_interleave(T * V, dim=0)[:, :, None, None].chunk(2, dim=1)
        x = self.enter(rearrange(torch.cat([said, door], dim=3), "B T V c H W -> (B T V) c H W"))
        x = x + self.mix(nn.functional.silu(self.norm(x) * (1 + scale) + shift))
        return rearrange(self.leave(nn.functional.silu(x)), "(B T V) C H W -> B T V C H W", B=B, T=T, V=V)
