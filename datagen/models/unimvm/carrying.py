"""Given pictures carried along the labelled world to the frames that are to be made.

```
   pixel of a made picture ─▶ where that is, fixed to its actor or to the ground ─▶ there at a given picture's instant
                                                            seen by that camera, same owner, same distance? its colour
```

Where the ego drives and everything else moves is known, so what a given picture shows of road, actors and (by a guess)
of what stands beside the road can be put where it belongs in the others. A small network then need not learn to move
pictures; it mends what was hidden, guessed wrong or lit differently.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as nnf
from einops import rearrange
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from datagen.models.unimvm.places import Places, Sights


@torch.inference_mode()
def carried(
    pictures: UInt8[Tensor, "T V Hpx Wpx 3"], mask: Bool[Tensor, "T V"], sights: Sights
) -> tuple[UInt8[Tensor, "T V Hpx Wpx 3"], Bool[Tensor, "T V Hpx Wpx"]]:
    """Return the pictures with what is given carried to what is not, and which pixels that reached.

    pictures: anything where `mask` is not set.  Only views of which a picture is given are reached: a view that others
    reach in part shows the seam.  Each pixel is taken from the nearest given frame that shows it, there
    from its own view rather than from others. Pixels that nothing reached are filled smoothly from those around them.
    """
    shown, there = pictures.clone(), mask[:, :, None, None].expand(pictures.shape[:4]).clone()
    places = Places(sights)
    for t, v in (~mask & mask.any(dim=0)).nonzero().tolist():
        owner, points = places.of(t, v)
        color = shown.new_zeros(len(points), 3)
        left = torch.arange(len(points), device=points.device)
        for s, u in _nearest_first(mask, t, v):
            pixel, seen = places.found(s, u, owner=owner[left], points=points[left])
            color[left[seen]] = _colors(pictures[s, u], pixel[seen])
            left = left[~seen]
            if not len(left):
                break
        reached = torch.ones(len(points), dtype=torch.bool, device=points.device)
        reached[left] = False
        there[t, v] = reached.view(there.shape[2:])
        shown[t, v] = _filled(color.view(shown.shape[2:]), there[t, v])
    return shown, there


def _nearest_first(mask: Bool[Tensor, "T V"], t: int, v: int) -> Iterator[tuple[int, int]]:
    given = mask.nonzero().tolist()
    views = mask.shape[1]

    def apart(place: list[int]) -> tuple[int, int, int]:
        around = abs(place[1] - v)
        return abs(place[0] - t), min(around, views - around), place[0]

    yield from ((s, u) for s, u in sorted(given, key=apart))


def _colors(picture: UInt8[Tensor, "Hpx Wpx 3"], pixel: Float[Tensor, "pixels 2"]) -> UInt8[Tensor, "pixels 3"]:
    grid = (2 * pixel / pixel.new_tensor(picture.shape[1::-1]) - 1)[None, None]
    levels = rearrange(picture, "H W c -> 1 c H W").float()
    sampled = nnf.grid_sample(levels, grid, padding_mode="border", align_corners=False)[0, :, 0].T
    return sampled.round().to(torch.uint8)


def _filled(picture: UInt8[Tensor, "Hpx Wpx 3"], known: Bool[Tensor, "Hpx Wpx"]) -> UInt8[Tensor, "Hpx Wpx 3"]:
    """Return the picture with what is not known taken from coarser and coarser means of what is known around it."""
    weight = known[None, None].float()
    levels = [(rearrange(picture, "H W c -> 1 c H W").float() * weight, weight)]
    while max(levels[-1][1].shape[2:]) > 1:
        finer, weight = levels[-1]
        levels.append((nnf.avg_pool2d(finer, 2, ceil_mode=True), nnf.avg_pool2d(weight, 2, ceil_mode=True)))
    color = torch.zeros_like(levels[-1][0])
    for summed, weight in reversed(levels):
        coarse = nnf.interpolate(color, size=weight.shape[2:], mode="bilinear", align_corners=False)
        color = torch.where(weight > 0, summed / weight.clamp(min=1e-6), coarse)
    return rearrange(color, "1 c H W -> H W c").round().to(torch.uint8)
