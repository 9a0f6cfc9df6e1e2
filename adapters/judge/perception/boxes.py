"""Is there something of its kind where a label is, does it end where the label ends, and is there any where none is?

```
      ┌───────────┐  ring: no label's            shown = mean of p inside the label's pixels
      │ ┌───────┐ │                              placed = Σ p inside / (pixels inside + Σ p in the ring), a soft IoU
      │ │ label │ │  p: probability of the label's group (a van seen as a truck is still a vehicle)
      └─┴───────┴─┘
```
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float

from adapters.judge.perception.sight import View
from datagen.models.perception.classes import CLASSES, GROUPS, IGNORED
from datagen.scene import Actor

LEAST_PIXELS = 24
"""Of the mask; about a car at 40 m. Smaller things are not judged."""
LEAST_TRACK_PIXELS = 150
"""Over a clip, for something to be called missing."""
_RING = 0.35
"""Width of the ring, as a share of the square root of the label's pixels."""
_GROUPS = {group: [CLASSES.index(name) for name in members] for group, members in GROUPS.items()}
_GROUP_OF = {label: group for group, members in _GROUPS.items() for label in members}


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """One label in one picture. shown, placed: see the module, 0 to 1."""

    actor: int
    frame: int
    pixels: int
    shown: float
    placed: float


@dataclass(frozen=True, kw_only=True)
class Ghost:
    """Something of a group where no label is. pixels: of the mask, each counted with its probability."""

    channel: str
    frame: int
    pixels: float


def sightings(view: View) -> Iterator[Sighting]:
    """Yield every labelled thing in a picture that is large enough to be judged."""
    probability = {group: view.seen[members].sum(axis=0) for group, members in _GROUPS.items()}
    labelled = {group: np.isin(view.target.classes, members) for group, members in _GROUPS.items()}
    for thing in view.target.objects:
        if thing.pixels < LEAST_PIXELS:
            continue
        group = _GROUP_OF[thing.label]
        p, mine = probability[group], view.mask.owner == thing.actor
        ring = _grown(mine, max(1, round(_RING * thing.pixels**0.5)))
        ring &= ~labelled[group] & (view.target.classes != IGNORED)
        inside = float(p[mine].sum())
        yield Sighting(
            actor=thing.actor,
            frame=view.frame,
            pixels=thing.pixels,
            shown=inside / thing.pixels,
            placed=inside / (thing.pixels + float(p[ring].sum())),
        )


def trust_of(seen: Sequence[Sighting], actors: Sequence[Actor]) -> dict[tuple[str, int], float]:
    """Return (actor, frame) → how surely the pictures show it: over all cameras, by its pixels."""
    together: dict[tuple[str, int], list[Sighting]] = defaultdict(list)
    for one in seen:
        together[actors[one.actor].id, one.frame].append(one)
    return {key: _by_pixels(parts, "shown") for key, parts in together.items()}


def mean_placed(seen: Sequence[Sighting]) -> float | None:
    """Return how well the labels lie on what is seen, over all of a clip's; None where there are none."""
    return float(np.mean([one.placed for one in seen])) if seen else None


def worst_track(seen: Sequence[Sighting]) -> tuple[int, float] | None:
    """Return the actor that the clip shows least of, and how much; None where none is large enough to say."""
    tracks: dict[int, list[Sighting]] = defaultdict(list)
    for one in seen:
        tracks[one.actor].append(one)
    shown = {
        actor: _by_pixels(track, "shown")
        for actor, track in tracks.items()
        if sum(one.pixels for one in track) >= LEAST_TRACK_PIXELS
    }
    worst = min(shown, key=shown.__getitem__, default=None)
    return None if worst is None else (worst, shown[worst])


def largest_ghost(view: View) -> Ghost:
    """Return the largest vehicle that a picture shows where there is no label of anything, which may be nothing."""
    p: Float[np.ndarray, "H W"] = view.seen[_GROUPS["vehicle"]].sum(axis=0)
    told = (view.mask.owner >= 0) | (view.target.classes == IGNORED) & ~view.mask.road
    free = (p > 0.5) & ~_grown(told, 2)
    count, parts = cv2.connectedComponents(free.astype(np.uint8), connectivity=4)
    sizes = np.bincount(parts.ravel(), weights=(p * free).ravel(), minlength=count)[1:]
    return Ghost(channel=view.camera.channel, frame=view.frame, pixels=float(sizes.max(initial=0.0)))


def lasting_ghost(ghosts: Sequence[Ghost]) -> float:
    """Return the size, in pixels of the mask, that the largest ghost of a key frame has in the mean over the clip."""
    largest: dict[int, float] = defaultdict(float)
    for ghost in ghosts:
        largest[ghost.frame] = max(largest[ghost.frame], ghost.pixels)
    return float(np.mean(list(largest.values()))) if largest else 0.0


def _grown(mask: Bool[np.ndarray, "H W"], pixels: int) -> Bool[np.ndarray, "H W"]:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pixels + 1, 2 * pixels + 1))
    return cv2.dilate(mask.astype(np.uint8), kernel).astype(bool)


def _by_pixels(parts: Sequence[Sighting], name: str) -> float:
    pixels = [one.pixels for one in parts]
    return float(np.average([getattr(one, name) for one in parts], weights=pixels))
