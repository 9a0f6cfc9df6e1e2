"""Is a picture the one its labels are of? Where its own mask and another one differ, it should side with its own.

```
   own mask       ████      ▓ of the pixels where they differ, in how many is the own class the likelier one?
   next camera's      ████    1: the picture is where it belongs   ½: it cannot be told   0: it belongs to the other
```
The other mask is that of the neighbouring camera (were views swapped?) or of the key frame before and after (were
frames shuffled?). What stands still for the camera differs in nothing, and says nothing.

Pictures are compared with each other, too: what two cameras, or two moments, see of the same spot of road should be
as bright.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int, UInt8

from adapters.judge.perception.sight import Sight, View
from datagen.models.perception.classes import CLASSES, GROUPS, IGNORED
from datagen.sensors.projection import in_picture, pixel_rays, project
from datagen.sensors.world import NOBODY

LEAST_PIXELS = 400
"""Of all masks of a clip (of one camera's, for `views`), for a score to be given."""
_SAME_DEPTH = 0.03
_KINDS = ("background", "road", "marking", *GROUPS)
_KIND_OF = np.full(256, IGNORED, dtype=np.uint8)
_KIND_OF[: len(CLASSES)] = [
    _KINDS.index(next((group for group, members in GROUPS.items() if name in members), name)) for name in CLASSES
]


def views_in_place(sight: Sight) -> float | None:
    """Return how often the camera that does so least sides with its own mask against its neighbours'."""
    around = [(a, b) for views in sight.moments for a, b in zip(views, (*views[1:], views[0]))]
    return _least(((a.camera.channel, a, b) for one, two in around for a, b in ((one, two), (two, one))), LEAST_PIXELS)


def frames_in_order(sight: Sight) -> float | None:
    """Return how often pictures side with their own moment's mask against the moment's before and after."""
    steps = [(a, b) for one, two in pairwise(sight.moments) for a, b in zip(one, two)]
    return _least((("all", a, b) for one, two in steps for a, b in ((one, two), (two, one))), LEAST_PIXELS)


def _least(pairs: Iterator[tuple[str, View, View]], pixels: int) -> float | None:
    """Return the least share of own pixels that any name has, of those that have enough; None if none has."""
    own: Counter[str] = Counter()
    count: Counter[str] = Counter()
    for name, view, other in pairs:
        sides = _sides(view.seen, _KIND_OF[view.target.classes], _KIND_OF[other.target.classes])
        own[name] += int(sides.sum())
        count[name] += len(sides)
    return min((own[name] / count[name] for name in count if count[name] >= pixels), default=None)


def _sides(
    seen: Float[np.ndarray, "K H W"], own: UInt8[np.ndarray, "H W"], other: UInt8[np.ndarray, "H W"]
) -> np.ndarray:
    """Return for each pixel where two masks differ, and both know, whether the own one is the likelier."""
    known = (own != other) & (own != IGNORED) & (other != IGNORED)
    kinds = np.stack([seen[_KIND_OF[: len(CLASSES)] == kind].sum(axis=0) for kind in range(len(_KINDS))])
    at = kinds[:, known]
    places = np.arange(at.shape[1])
    return np.asarray(at[own[known], places] > at[other[known], places])


def overlap(sight: Sight) -> float | None:
    """Return how alike neighbouring cameras see the road they share: 1 less the difference of brightness of 255."""
    around = ((a, b) for views in sight.moments for a, b in zip(views, (*views[1:], views[0])))
    return _alike(around)


def steadiness(sight: Sight) -> float | None:
    """Return how alike one camera sees the same road at one key frame and the next, as `overlap` has it."""
    return _alike((a, b) for one, two in pairwise(sight.moments) for a, b in zip(one, two))


def _alike(pairs: Iterator[tuple[View, View]]) -> float | None:
    apart: list[np.ndarray] = []
    for one, two in pairs:
        here, there = shared_road(one, two)
        apart.append(np.abs(one.grey.ravel()[here] - two.grey.ravel()[there]))
    every = np.concatenate(apart) if apart else np.zeros(0)
    return 1 - float(every.mean()) / 255 if len(every) >= LEAST_PIXELS else None


def shared_road(one: View, two: View) -> tuple[Int[np.ndarray, "n"], Int[np.ndarray, "n"]]:
    """Return pixels of two views that show the same spot of bare road, as flat indices."""
    mask, other, camera = one.mask, two.mask, two.camera
    chosen = np.flatnonzero((mask.road & (mask.owner == NOBODY)).ravel())
    rays = pixel_rays(one.camera).reshape(-1, 3)[chosen]
    along = rays / np.linalg.norm(rays, axis=1, keepdims=True) * mask.distance_m.ravel()[chosen, None]
    local = two.world_SE3_cam.inverse().transform(one.world_SE3_cam.transform(along))
    pixels, depth = project(local, camera)
    inside = in_picture(pixels, depth, camera=camera)
    limits: Sequence[int] = (camera.width_px - 1, camera.height_px - 1)
    column, row = np.clip(pixels[inside], 0, limits).astype(int).T
    flat = row * camera.width_px + column
    away = np.linalg.norm(local[inside], axis=1)
    same = np.abs(other.distance_m.ravel()[flat] - away) < _SAME_DEPTH * away
    same &= other.owner.ravel()[flat] == NOBODY
    return chosen[inside][same], flat[same]
