"""Does a thing stay the same thing? Its colour over time, across cameras and against the one asked for; its identity.

```
   color over time        ΔE of each sighting of a track from the track's median
   color across views     ΔE between two cameras that see a track at the same moment
   color from real        ΔE from the real picture of the same sighting
   color from asked       ΔE of the track's median from the colour asked for, by day (light shifts it: see real's)
   same thing             share of sightings whose likeliest match half a second later is the same track
   overlap                difference of brightness, 0 to 255, where two cameras see the same spot of road or thing
```

ΔE is the distance in CIE L*a*b* (1976); colours are medians over a thing's pixels.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from jaxtyping import Float

from datagen.models.perception.classes import CLASSES, GROUPS
from datagen.models.perception.targets import SeenObject
from datagen.scene import SE3, Camera, Light
from datagen.sensors.masks import SKY, Mask
from datagen.sensors.projection import in_picture, pixel_rays, project
from eval.sights import Moment

LEAST_PIXELS = 24
"""Of the mask, for a colour to be read."""
_SAME_DEPTH = 0.03
_GROUP_OF = {CLASSES.index(name): group for group, members in GROUPS.items() for name in members}


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """One object in one picture. traits: features over its pixels, of unit length."""

    actor: int
    group: str
    frame: int
    view: int
    lab: Float[np.ndarray, "3"]
    traits: Float[np.ndarray, "C"]


@dataclass(kw_only=True)
class Diary:
    """All sightings of one scene in one film, and how far overlapping cameras differ."""

    asked_lab: dict[int, Float[np.ndarray, "3"]] = field(default_factory=dict)
    day: bool = False
    sightings: list[Sighting] = field(default_factory=list)
    overlap: list[float] = field(default_factory=list)

    def add(self, moment: Moment, film: int, *, frame: int, features: Float[np.ndarray, "V C h w"]) -> None:
        """Note what is seen at one moment."""
        small = moment.small(film).numpy()
        self.day = moment.scene.ambience.light is Light.DAY
        for view, (mask, target) in enumerate(zip(moment.masks, moment.targets)):
            for seen in target.objects:
                if seen.pixels < LEAST_PIXELS:
                    continue
                self.asked_lab[seen.actor] = to_lab(np.array(moment.scene.actors[seen.actor].look.color_rgb))
                self.sightings.append(_sighting(seen, mask, small[view], features[view], frame=frame, view=view))
        self.overlap += overlaps(moment, small)

    def over_time(self) -> list[float]:
        """Return ΔE of every sighting of tracks that are seen at more than one moment."""
        return [
            _apart(seen.lab, np.median([one.lab for one in track], axis=0))
            for track in self._tracks().values()
            if len({one.frame for one in track}) > 1
            for seen in track
        ]

    def across_views(self) -> list[float]:
        """Return ΔE of every pair of views that see a track at the same moment."""
        pairs = []
        for track in self._tracks().values():
            for i, one in enumerate(track):
                pairs += [_apart(one.lab, two.lab) for two in track[i + 1 :] if two.frame == one.frame]
        return pairs

    def from_other(self, other: Diary) -> list[float]:
        """Return ΔE of every sighting from the same one in another film of the scene."""
        known = {(seen.actor, seen.frame, seen.view): seen.lab for seen in other.sightings}
        keys = [((seen.actor, seen.frame, seen.view), seen.lab) for seen in self.sightings]
        return [_apart(lab, known[key]) for key, lab in keys if key in known]

    def from_asked(self) -> list[float]:
        """Return ΔE of every track's median from the colour asked for, if it is day."""
        tracks = self._tracks().items() if self.day else ()
        return [_apart(np.median([one.lab for one in track], axis=0), self.asked_lab[actor]) for actor, track in tracks]

    def recognised(self) -> list[float]:
        """Return 1 or 0 for every sighting that has its own track and another of its group at the next moment."""
        found = []
        for seen in self.sightings:
            nexts = [one for one in self.sightings if one.frame == seen.frame + 1 and one.group == seen.group]
            if len({one.actor for one in nexts}) > 1 and any(one.actor == seen.actor for one in nexts):
                best = max(nexts, key=lambda one: float(one.traits @ seen.traits))
                found.append(float(best.actor == seen.actor))
        return found

    def _tracks(self) -> dict[int, list[Sighting]]:
        tracks: dict[int, list[Sighting]] = defaultdict(list)
        for seen in self.sightings:
            tracks[seen.actor].append(seen)
        return tracks


def overlaps(moment: Moment, small: Float[np.ndarray, "V H W 3"]) -> list[float]:
    """Return, for each pair of cameras that overlap, the mean difference of what both see (see the module)."""
    differences = []
    for a in range(len(moment.cameras)):
        for b in range(len(moment.cameras)):
            if a < b and (seen := _shared(moment, a, b)) is not None:
                one, two = seen
                apart = np.abs(small[a].reshape(-1, 3)[one].mean(axis=1) - small[b].reshape(-1, 3)[two].mean(axis=1))
                differences.append(255 * float(apart.mean()))
    return differences


def to_lab(rgb: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
    """Return sRGB colours (0 to 1) in CIE L*a*b*."""
    return cv2.cvtColor(rgb.reshape(-1, 1, 3).astype(np.float32), cv2.COLOR_RGB2LAB).reshape(rgb.shape)


def _sighting(
    seen: SeenObject, mask: Mask, small: np.ndarray, features: np.ndarray, *, frame: int, view: int
) -> Sighting:
    mine = mask.owner == seen.actor
    coarse = mine.reshape(mine.shape[0] // 2, 2, mine.shape[1] // 2, 2).any(axis=(1, 3))
    traits = features[:, coarse].mean(axis=1)
    return Sighting(
        actor=seen.actor,
        group=_GROUP_OF[seen.label],
        frame=frame,
        view=view,
        lab=np.median(to_lab(small[mine]), axis=0),
        traits=traits / max(float(np.linalg.norm(traits)), 1e-9),
    )


def _shared(moment: Moment, a: int, b: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Return which pixels of two cameras show the same spot, as flat indices, or None if too few do."""
    mask, points = moment.masks[a], _points_m(moment.cameras[a], moment.world_SE3_cam[a], moment.masks[a])
    wanted = (
        ((mask.owner >= 0) | mask.road).ravel() & np.isfinite(mask.distance_m.ravel()) & (mask.owner.ravel() != SKY)
    )
    chosen = np.flatnonzero(wanted)
    camera, other = moment.cameras[b], moment.masks[b]
    local = moment.world_SE3_cam[b].inverse().transform(points[chosen])
    pixels, depth = project(local, camera)
    inside = in_picture(pixels, depth, camera=camera)
    column, row = np.clip(pixels[inside], 0, [camera.width_px - 1, camera.height_px - 1]).astype(int).T
    flat = row * camera.width_px + column
    away = np.linalg.norm(local[inside], axis=1)
    same = np.abs(other.distance_m.ravel()[flat] - away) < _SAME_DEPTH * away
    same &= other.owner.ravel()[flat] == mask.owner.ravel()[chosen[inside]]
    return (chosen[inside][same], flat[same]) if same.sum() >= LEAST_PIXELS else None


def _points_m(camera: Camera, world_SE3_cam: SE3, mask: Mask) -> Float[np.ndarray, "pixels 3"]:
    rays = pixel_rays(camera).reshape(-1, 3)
    rays = rays / np.linalg.norm(rays, axis=1, keepdims=True)
    distance = np.where(np.isfinite(mask.distance_m), mask.distance_m, 0.0).reshape(-1, 1)
    return world_SE3_cam.transform(rays * distance)


def _apart(one: np.ndarray, two: np.ndarray) -> float:
    return float(np.linalg.norm(one - two))


def mean_of(parts: Sequence[Sequence[float]]) -> float:
    """Return the mean over all scenes' values; NaN where there are none."""
    values = [value for part in parts for value in part]
    return float(np.mean(values)) if values else float("nan")
