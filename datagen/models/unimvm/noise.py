"""Noise that is fixed to the labelled world, so that what a film makes of it stays where it is.

```
   picture, in squares of FLECK_PX ─▶ which fleck of the world is this? one that an earlier picture showed, or a new one
   each fleck draws one number ─▶ a cell of latents sums its squares' numbers, / sqrt(how many)
```

Pictures that begin from noise of their own get houses of their own, and a network with little training in video does
not make them one. Here the noise moves with the world, as its houses must. No picture has one fleck in two squares, so
each picture's noise is white, as the network knows it. After Chang et al. 2024, "How I Warped Your Noise", ICLR, with
what labels say of the motion in place of optical flow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from einops import reduce
from jaxtyping import Float, Int64
from torch import Tensor

from datagen.models.unimvm.places import Places, Sights

FLECK_PX = 2
"""Side of a square of a picture that shows one fleck."""


@dataclass(frozen=True)
class WorldNoise:
    """Which fleck of the world each square of a clip's pictures shows.

    fleck: counted in the order they are first seen in.  new: how many are first seen in each frame of the whole clip.
    """

    fleck: Int64[Tensor, "T V h w"]
    new: tuple[int, ...]

    def frames(self, start: int, stop: int) -> WorldNoise:
        """Return the same from frame `start` to before `stop`; the flecks draw what they draw for the whole clip."""
        return WorldNoise(self.fleck[start:stop], self.new)

    def draw(self, shape: tuple[int, ...], *, seed: int) -> Float[Tensor, "T V C H W"]:
        """Return standard normal noise for latents of this shape, of which squares must fill the cells evenly.

        The frames of a longer clip that begins alike draw the same.
        """
        C, H, W = shape[2:]
        h, w = self.fleck.shape[2:]
        assert self.fleck.shape[:2] == shape[:2] and h % H == 0 and w % W == 0, (self.fleck.shape, shape)
        generator = torch.Generator().manual_seed(seed)
        numbers = torch.cat([torch.randn(count, C, generator=generator) for count in self.new])
        summed = reduce(numbers[self.fleck], "T V (H a) (W b) C -> T V C H W", "sum", H=H, W=W)
        return summed / (h // H * (w // W)) ** 0.5


@torch.inference_mode()
def world_noise(sights: Sights) -> WorldNoise:
    """Return which flecks a clip's pictures show: those of the frame before, in any neighbouring view, or new ones."""
    T, V, H, W = sights.owner.shape
    h, w = H // FLECK_PX, W // FLECK_PX
    places, device = Places(sights), sights.owner.device
    half = FLECK_PX // 2
    middle = torch.arange(H * W, device=device).view(H, W)[half::FLECK_PX, half::FLECK_PX].flatten()
    fleck = torch.arange(T * V * h * w, device=device).view(T, V, h, w)
    for t in range(T):
        for v in range(V):
            owner, points = (of[middle] for of in places.of(t, v))
            own = fleck[t, v].flatten()
            shown, left = own.clone(), torch.arange(len(own), device=device)
            for s, u in _before(t, v, views=V):
                pixel, seen = places.found(s, u, owner=owner[left], points=points[left])
                column, row = (pixel[seen].long() // FLECK_PX).unbind(1)
                shown[left[seen]] = fleck[s, u][row, column]
                left = left[~seen]
            fleck[t, v] = torch.where(_again(shown), own, shown).view(h, w)
    seen, numbered = fleck.unique(return_inverse=True)
    new = (seen // (V * h * w)).bincount(minlength=T)
    return WorldNoise(numbered.cpu(), tuple(new.tolist()))


def _before(t: int, v: int, *, views: int) -> Iterator[tuple[int, int]]:
    """Yield the pictures to look in: the frame before, own view first, then neighbours of this frame that are done."""
    around = dict.fromkeys((v, (v + 1) % views, (v - 1) % views))
    yield from ((t - 1, u) for u in around if t > 0)
    yield from ((t, u) for u in sorted(around) if u < v)


def _again(shown: Int64[Tensor, "squares"]) -> Tensor:
    """Return which squares show a fleck that an earlier square of the same picture shows."""
    order = shown.argsort(stable=True)
    again = torch.zeros_like(shown, dtype=torch.bool)
    again[order[1:]] = shown[order[1:]] == shown[order[:-1]]
    return again
