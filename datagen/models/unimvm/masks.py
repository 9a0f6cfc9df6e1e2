"""One mask mechanism for every mode: which (frame, view) is given as a picture; the rest is made.

```
   no image         first frame        front video        continuation
   T ┌ ······       xxxxxx ┐           ·x····             xxxxxx         x given
     │ ······       ······ │           ·x····             xxxxxx         · made
     ▼ ······       ······ ┘ V ──▶     ·x····             ······
```

p(x) = p(x m) p(x (1 - m) | x m): DriveDreamer-2, eq. 3, where the choice of m gives the paper's three modes.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import torch
from jaxtyping import Bool
from torch import Tensor

Mask = Bool[Tensor, "T V"]


class Mode(StrEnum):
    """What is given."""

    NONE = "none"
    FIRST_FRAME = "first_frame"
    FRONT_VIDEO = "front_video"
    SUBSET = "subset"
    CONTINUATION = "continuation"


def given_nothing(frames: int, views: int) -> Mask:
    """Return the mask of the mode without pictures."""
    return torch.zeros(frames, views, dtype=torch.bool)


def given_frames(frames: int, views: int, *, first: int = 1) -> Mask:
    """Return the mask of the first `first` frames of all views: first-frame mode and continuation."""
    mask = given_nothing(frames, views)
    mask[:first] = True
    return mask


def given_views(frames: int, views: int, *, chosen: tuple[int, ...]) -> Mask:
    """Return the mask of all frames of the chosen views: front-view video and the like."""
    mask = given_nothing(frames, views)
    mask[:, list(chosen)] = True
    return mask


def random_mask(frames: int, views: int, *, front: int, odds: Mapping[Mode, float], generator: torch.Generator) -> Mask:
    """Return a mask for training: a mode by its odds, then what is random within it. Something is always left to make.

    subset: each view with even odds, or each (frame, view), or both.  continuation: up to half of the frames.
    """
    modes = sorted(odds)
    weights = torch.tensor([odds[mode] for mode in modes], dtype=torch.float64)
    mode = modes[int(torch.multinomial(weights, 1, generator=generator))]
    mask = _of_mode(mode, frames, views, front=front, generator=generator)
    return given_nothing(frames, views) if mask.all() else mask


def _of_mode(mode: Mode, frames: int, views: int, *, front: int, generator: torch.Generator) -> Mask:
    match mode:
        case Mode.NONE:
            return given_nothing(frames, views)
        case Mode.FIRST_FRAME:
            return given_frames(frames, views)
        case Mode.FRONT_VIDEO:
            return given_views(frames, views, chosen=(front,))
        case Mode.CONTINUATION:
            last = max(1, frames // 2)
            return given_frames(frames, views, first=int(torch.randint(1, last + 1, (), generator=generator)))
        case Mode.SUBSET:
            coin = torch.rand(3, generator=generator)
            by_view = torch.rand(1, views, generator=generator) < 0.5
            by_cell = torch.rand(frames, views, generator=generator) < coin[1]
            if coin[0] < 1 / 3:
                return by_view.expand(frames, views).clone()
            return by_cell if coin[0] < 2 / 3 else by_cell & by_view
