"""Counting what a network sees against what the labels say: pixels, objects, by class and by distance.

```
   mask      IoU = right / (right + wrongly said + missed), pixels, over all pictures
   objects   AP of centres: a peak counts if it lies in the middle of an object's box that no stronger peak has taken
   far       share of the objects' pixels that are seen, by how far the object is
```

Pixels and peaks on what the labels leave open count for nothing. Counts are kept by scene, for scenes are resampled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from datagen.models.perception import CLASSES, GROUPS, Percept
from datagen.models.perception.classes import FIRST_OBJECT, IGNORED
from datagen.models.perception.targets import SeenObject, Target

BINS_M = ((0.0, 15.0), (15.0, 30.0), (30.0, 60.0))
SETS: dict[str, tuple[str, ...]] = {**GROUPS, **{name: (name,) for name in CLASSES[1:]}}
"""What is scored: groups, then single classes."""
_INDICES = {name: tuple(CLASSES.index(member) for member in members) for name, members in SETS.items()}
_LEAST_SCORE, _PEAKS = 0.05, 40


@dataclass(frozen=True, kw_only=True)
class Tally:
    """The counts of one scene. sets: as in SETS.

    pixels: right, wrongly said, missed.  far: seen and all pixels of objects, by BINS_M.  truths: objects there are.
    peaks: score and whether it found an object (1 or 0), of each group's peaks.
    """

    pixels: Int[np.ndarray, "sets 3"]
    far: Int[np.ndarray, "groups bins 2"]
    truths: Int[np.ndarray, "groups"]
    peaks: tuple[Float[np.ndarray, "peaks 2"], ...]

    @staticmethod
    def total(tallies: Sequence[Tally]) -> Tally:
        """Return the counts of several scenes as one."""
        return Tally(
            pixels=np.sum([tally.pixels for tally in tallies], axis=0),
            far=np.sum([tally.far for tally in tallies], axis=0),
            truths=np.sum([tally.truths for tally in tallies], axis=0),
            peaks=tuple(np.concatenate(parts) for parts in zip(*(tally.peaks for tally in tallies))),
        )

    def iou(self, name: str) -> float:
        """Return the IoU of a set; NaN where it neither is there nor is said to be."""
        counts = self.pixels[list(SETS).index(name)]
        return float(counts[0] / counts.sum()) if counts.sum() else float("nan")

    def average_precision(self, group: str) -> float:
        """Return the area under precision over recall, precision made falling; NaN where there is no object."""
        index = list(GROUPS).index(group)
        if not self.truths[index]:
            return float("nan")
        peaks = self.peaks[index]
        found = peaks[np.argsort(-peaks[:, 0], kind="stable"), 1]
        precision = np.cumsum(found) / np.arange(1, len(found) + 1)
        falling = np.maximum.accumulate(precision[::-1])[::-1]
        return float((falling * found).sum() / self.truths[index])

    def seen_at(self, group: str, distance_bin: int) -> float:
        """Return the share of objects' pixels that are seen at a distance; NaN where there are none."""
        seen, there = self.far[list(GROUPS).index(group), distance_bin]
        return float(seen / there) if there else float("nan")


def tally_of(percepts: Percept, targets: Sequence[Target], *, distances_m: Sequence[Float[np.ndarray, "H W"]]) -> Tally:
    """Return the counts of the pictures of one moment or scene, and how far away what each pixel shows is."""
    said = percepts.classes.argmax(dim=1).cpu().numpy()
    true = np.stack([target.classes for target in targets])
    open_ = true == IGNORED
    pixels = np.zeros((len(SETS), 3), dtype=np.int64)
    far = np.zeros((len(GROUPS), len(BINS_M), 2), dtype=np.int64)
    away = np.stack(list(distances_m))
    for row, (name, members) in enumerate(_INDICES.items()):
        is_said, is_true = np.isin(said, members) & ~open_, np.isin(true, members)
        pixels[row] = (is_said & is_true).sum(), (is_said & ~is_true).sum(), (~is_said & is_true).sum()
        if name in GROUPS:
            for k, (near_m, far_m) in enumerate(BINS_M):
                there = is_true & (away >= near_m) & (away < far_m)
                far[row, k] = (there & is_said).sum(), there.sum()
    truths, peaks = [], []
    for members in (_INDICES[group] for group in GROUPS):
        heat = percepts.centers[:, [member - FIRST_OBJECT for member in members]].float().sigmoid().amax(dim=1)
        objects = [[seen for seen in target.objects if seen.label in members] for target in targets]
        truths.append(sum(len(some) for some in objects))
        peaks.append(_matched(heat.cpu(), objects, open_=open_))
    return Tally(pixels=pixels, far=far, truths=np.array(truths), peaks=tuple(peaks))


def _matched(
    heat: Float[Tensor, "N H W"], objects: Sequence[Sequence[SeenObject]], *, open_: np.ndarray
) -> Float[np.ndarray, "peaks 2"]:
    """Return score and hit of each picture's strongest peaks."""
    top = functional.max_pool2d(heat[:, None], 3, stride=1, padding=1)[:, 0]
    rows = []
    for picture, there in enumerate(objects):
        is_peak = (heat[picture] == top[picture]) & (heat[picture] > _LEAST_SCORE)
        is_peak &= ~torch.from_numpy(open_[picture])
        places = is_peak.nonzero()
        scores = heat[picture][is_peak]
        free = list(there)
        for k in scores.argsort(descending=True, stable=True)[:_PEAKS].tolist():
            row, column = (float(value) + 0.5 for value in places[k])
            hit = next((seen for seen in free if _in_the_middle(row, column, seen.box)), None)
            if hit is not None:
                free.remove(hit)
            rows.append((float(scores[k]), float(hit is not None)))
    return np.array(rows, dtype=np.float64).reshape(-1, 2)


def _in_the_middle(row: float, column: float, box: tuple[int, int, int, int]) -> bool:
    """Say whether a point lies within a quarter of a box's sides, and a pixel, of its centre."""
    top, left, bottom, right = box
    down, across = abs(row - (top + bottom) / 2), abs(column - (left + right) / 2)
    return down <= (bottom - top) / 4 + 1 and across <= (right - left) / 4 + 1
