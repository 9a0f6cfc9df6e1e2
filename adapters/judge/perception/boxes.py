"""Is there something of its kind where a label is, does it end where the label ends, and is there any where none is?

```
      ┌───────┐ ─▶ ┌───────┐   p: probability of the label's group (a van seen as a truck is still a vehicle)
      │ label │ left│ moved │   shown: mean of p inside the label's pixels
      └───────┘    └───────┘   placed: mean of p where only the label is, less that where only a copy of it is that was
           lost ▲   ▲ won            moved 2 m aside, to the side that suits the picture better: from -1 to 1
```
A label 2 m beside its thing is placed below 0: moving it back wins more than it loses. Mistakes that the network makes
anywhere, such as a halo around every car, count the same on both sides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import ndimage

from adapters.judge.perception.sight import View
from datagen.models.perception.classes import CLASSES, GROUPS, IGNORED, MARKING, ROAD
from datagen.scene import Actor, Camera
from datagen.sensors.projection import pixel_rays

LEAST_PIXELS = 24
"""Of the mask; about a car at 40 m. Smaller things are not judged."""
LEAST_SIGHTINGS, LEAST_THINGS = 8, 4
"""In a clip, and of how many things, for labels to be called misplaced: a house beside one of them may mislead."""
LEAST_TRACK_PIXELS, LEAST_VISIBLE = 250, 0.8
"""Over a clip, and share that its label says is not hidden, for something to be called missing: the best of the four
levels of nuScenes. Behind what hides more of it, trees and houses without labels hide the rest."""
MOST_PIXELS = 150
"""That a sighting counts by when it is asked whether something is missing: one large picture does not outvote all."""
GHOST_SHARE = 0.3
"""Of the key frames that must show something unlabelled, for it to be called one."""
ASIDE_M = 2.0
RISE_M = 0.8
"""What a part that looks like a vehicle must rise above the ground it stands on: a patch of pavement does not."""
CUT_ROWS = 6
"""Or so many rows of the mask, where the lower edge of the picture cuts it off and its foot is not seen."""
_HALO, _LEAST_SIDE = 2, 5
"""Pixels around a label that are its own thing's; and what beyond them is no narrower than this is no mere seam."""
_GROUPS = {group: [CLASSES.index(name) for name in members] for group, members in GROUPS.items()}
_GROUP_OF = {label: group for group, members in _GROUPS.items() for label in members}


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """One label in one picture. shown: 0 to 1.  placed: -1 to 1, or None where the copies lie outside the picture.

    visible: share of the thing that is not hidden, as its label says.
    """

    actor: int
    group: str
    frame: int
    pixels: int
    shown: float
    placed: float | None
    visible: float


@dataclass(frozen=True, kw_only=True)
class Ghost:
    """A vehicle where no label is. pixels: of the mask, each counted with its probability."""

    channel: str
    frame: int
    pixels: float


def sightings(view: View) -> Iterator[Sighting]:
    """Yield every labelled thing in a picture that is large enough to be judged."""
    probability = {group: view.seen[members].sum(axis=0) for group, members in _GROUPS.items()}
    free = {
        group: ~np.isin(view.target.classes, [*members, IGNORED]) & (view.mask.owner < 0)
        for group, members in _GROUPS.items()
    }
    for thing in view.target.objects:
        if thing.pixels < LEAST_PIXELS:
            continue
        group = _GROUP_OF[thing.label]
        p, mine = probability[group], view.mask.owner == thing.actor
        aside = round(ASIDE_M * float(view.camera.intrinsics_px[0, 0]) / thing.distance_m)
        sides = [_won_by_moving(p, mine, free[group], columns) for columns in (-aside, aside)]
        yield Sighting(
            actor=thing.actor,
            group=group,
            frame=view.frame,
            pixels=thing.pixels,
            shown=float(p[mine].mean()),
            placed=min((side for side in sides if side is not None), default=None),
            visible=thing.visible,
        )


def _won_by_moving(
    p: Float[np.ndarray, "H W"], mine: Bool[np.ndarray, "H W"], free: Bool[np.ndarray, "H W"], columns: int
) -> float | None:
    """Return what a label's pixels lose, less what they win, by being moved so many columns; None if too few do."""
    moved = np.zeros_like(mine)
    width = mine.shape[1]
    if abs(columns) < width:
        moved[:, max(0, columns) : width + min(0, columns)] = mine[:, max(0, -columns) : width - max(0, columns)]
    lost, won = mine & ~moved, moved & ~mine & free
    if min(lost.sum(), won.sum()) < LEAST_PIXELS / 3:
        return None
    return float(p[lost].mean() - p[won].mean())


def trust_of(seen: Sequence[Sighting], actors: Sequence[Actor]) -> dict[tuple[str, int], float]:
    """Return (actor, frame) → how surely the pictures show it: over all cameras, by its pixels."""
    together: dict[tuple[str, int], list[Sighting]] = defaultdict(list)
    for one in seen:
        together[actors[one.actor].id, one.frame].append(one)
    return {key: _by_pixels(parts, "shown") for key, parts in together.items()}


def mean_placed(seen: Sequence[Sighting]) -> float | None:
    """Return how well the labels lie on what is seen, over all of a clip's; None where too few can say."""
    placed = [one.placed for one in seen if one.placed is not None]
    things = {one.actor for one in seen if one.placed is not None}
    return float(np.mean(placed)) if len(placed) >= LEAST_SIGHTINGS and len(things) >= LEAST_THINGS else None


def worst_track(seen: Sequence[Sighting]) -> tuple[int, float] | None:
    """Return the vehicle that the clip shows least of, and how much; None where none is large enough to say."""
    tracks: dict[int, list[Sighting]] = defaultdict(list)
    for one in seen:
        if one.group == "vehicle" and one.visible >= LEAST_VISIBLE:
            tracks[one.actor].append(one)
    shown = {
        actor: _by_pixels(track, "shown", most=MOST_PIXELS)
        for actor, track in tracks.items()
        if sum(one.pixels for one in track) >= LEAST_TRACK_PIXELS
    }
    worst = min(shown, key=shown.__getitem__, default=None)
    return None if worst is None else (worst, shown[worst])


def largest_ghost(view: View) -> Ghost:
    """Return the largest vehicle that a picture shows on a road and beside all labels; it may be nothing.

    Off the road nothing is known: a house may look like a bus. Within two pixels of a label all is that label's thing,
    and what is left of its halo is narrower than five. What lies flat on the ground is pavement. Of what the lower edge
    of the picture cuts off, neither road nor foot is seen; it counts if it is high enough in the picture.
    """
    p: Float[np.ndarray, "H W"] = view.seen[_GROUPS["vehicle"]].sum(axis=0)
    beyond = (p > 0.5) & ~_grown(view.mask.owner >= 0, _HALO)
    parts, count = ndimage.label(ndimage.binary_opening(beyond, np.ones((_LEAST_SIDE, _LEAST_SIDE))))
    beside_road = _grown(np.isin(view.target.classes, (ROAD, MARKING)), 2)
    size, touching, edge = (
        np.bincount(parts.ravel(), weights=weights.ravel().astype(np.float64), minlength=count + 1)[1:]
        for weights in (p, beside_road, _lowest_rows(parts.shape))
    )
    tall = np.array([rows.stop - rows.start for rows, _ in ndimage.find_objects(parts)], dtype=np.int64)
    stands = (touching > 0) & (rises_m(view.camera, parts) >= RISE_M)
    is_cut = (edge > 0) & (tall >= CUT_ROWS)
    return Ghost(channel=view.camera.channel, frame=view.frame, pixels=float(size[stands | is_cut].max(initial=0.0)))


def _lowest_rows(shape: tuple[int, ...]) -> Bool[np.ndarray, "H W"]:
    rows = np.arange(shape[0])[:, None] >= shape[0] - 3
    return np.broadcast_to(rows, shape)


def rises_m(camera: Camera, parts: Int[np.ndarray, "H W"]) -> Float[np.ndarray, "parts"]:
    """Return how high each part (numbered from 1) is, if it stands upright on flat ground where its lowest pixel is.

    ```
       camera ─ ─ ─ ─ ─ ─ ─ ─ ┬ top       h: the camera's height        at the foot's distance, h / -foot,
         │ h    foot ╲        │ rise      slopes: rays' climb by depth  the top is  h + top · h / -foot  high
       ──┴────────────────────┴──────
    ```
    What has no foot on the ground, because all of it is above the horizon, is infinitely high.
    """
    slopes = pixel_rays(camera) @ camera.ego_SE3_cam.rotation[2]
    numbers = np.arange(1, parts.max(initial=0) + 1)
    foot, top = (np.asarray(extremum(slopes, parts, numbers)) for extremum in (ndimage.minimum, ndimage.maximum))
    height_m = camera.ego_SE3_cam.translation_m[2]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(foot < 0, height_m * (1 + top / np.maximum(-foot, 0.0)), np.inf)


def lasting_ghost(ghosts: Sequence[Ghost]) -> float:
    """Return the size, in pixels of the mask, that the largest ghost has in `GHOST_SHARE` of a clip's key frames."""
    largest: dict[int, float] = defaultdict(float)
    for ghost in ghosts:
        largest[ghost.frame] = max(largest[ghost.frame], ghost.pixels)
    return float(np.quantile(list(largest.values()), 1 - GHOST_SHARE)) if largest else 0.0


def _grown(mask: Bool[np.ndarray, "H W"], pixels: int) -> Bool[np.ndarray, "H W"]:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pixels + 1, 2 * pixels + 1))
    return cv2.dilate(mask.astype(np.uint8), kernel).astype(bool)


def _by_pixels(parts: Sequence[Sighting], name: str, *, most: float = np.inf) -> float:
    pixels = [min(one.pixels, most) for one in parts]
    return float(np.average([getattr(one, name) for one in parts], weights=pixels))
