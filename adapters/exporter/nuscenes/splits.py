"""Which scenes are for training and which for validation: decided by hash, so that it depends on nothing else.

A split's name must not be one that the devkit resolves to its own list of scenes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from adapters.exporter.nuscenes.tokens import token_of
from datagen.errors import DatasetError, did_you_mean

PREDEFINED = ("train", "val", "test", "mini_train", "mini_val", "train_detect", "train_track")
"""Names the devkit resolves to its own lists, whatever `splits.json` says."""

EVERYTHING = "synth_all"
"""The split that every scene is in."""


def checked_shares(shares: Mapping[str, float]) -> Mapping[str, float]:
    """Return the shares of the splits if they can be met. Raises ValueError."""
    for name, share in shares.items():
        if name in PREDEFINED:
            raise ValueError(
                f"the devkit resolves the split '{name}' to its own list of scenes; "
                f"choose another name, such as 'synth_{name}'"
            )
        if name == EVERYTHING or not name.isidentifier():
            raise ValueError(f"'{name}' cannot be the name of a split ('{EVERYTHING}' holds every scene already)")
        if not 0.0 < share <= 1.0:
            raise ValueError(f"the share of split '{name}' is {share}; it must be above 0 and at most 1")
    if sum(shares.values()) > 1.0 + 1e-9:
        raise ValueError(f"the splits' shares add up to {sum(shares.values()):g}; they must not exceed 1")
    return shares


def assign(scene_names: Sequence[str], shares: Mapping[str, float]) -> dict[str, list[str]]:
    """Return split → scene names, in the scenes' order; a scene is in at most one split, and in EVERYTHING.

    Counts are the shares, rounded by largest remainder; where there are scenes enough, no split stays empty.
    """
    ranked = sorted(scene_names, key=lambda name: token_of("split", name))
    order = {name: place for place, name in enumerate(scene_names)}
    splits: dict[str, list[str]] = {}
    start = 0
    for split, count in zip(shares, _counts(len(ranked), list(shares.values())), strict=True):
        splits[split] = sorted(ranked[start : start + count], key=order.__getitem__)
        start += count
    splits[EVERYTHING] = list(scene_names)
    return splits


def _counts(total: int, shares: list[float]) -> list[int]:
    exact = [total * share for share in shares]
    counts = [math.floor(value + 1e-9) for value in exact]
    spare = min(total, round(sum(exact))) - sum(counts)
    by_remainder = sorted(range(len(shares)), key=lambda i: counts[i] - exact[i])
    for i in by_remainder[:spare]:
        counts[i] += 1
    if total >= len(shares):
        for i, count in enumerate(counts):
            largest = max(range(len(counts)), key=counts.__getitem__)
            if count == 0 and (counts[largest] > 1):
                counts[i], counts[largest] = 1, counts[largest] - 1
    return counts


def write_splits(path: Path, splits: Mapping[str, Sequence[str]]) -> None:
    """Write `splits.json` as the devkit reads it."""
    path.write_text(json.dumps(splits, indent=1) + "\n", encoding="utf-8")


def train_and_val(dataset: Path, version: str, scene_names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the scenes a dataset trains on and validates on, by its own `splits.json`, else by the devkit's lists.

    In `splits.json`, `train` and `val` or the only splits that end in `_train` and `_val` are meant. A dataset
    that tells neither trains on everything. Raises DatasetError when `splits.json` is ambiguous.
    """
    path = dataset / version / "splits.json"
    if path.is_file():
        splits = _read_splits(path)
        return _meant(splits, "train", path) or list(scene_names), _meant(splits, "val", path)
    from nuscenes.utils.splits import create_splits_scenes

    predefined = create_splits_scenes()
    prefix = {"mini": "mini_", "trainval": ""}.get(version.rsplit("-", maxsplit=1)[-1])
    if prefix is None:
        return list(scene_names), []
    train, val = (set(predefined[f"{prefix}{name}"]) for name in ("train", "val"))
    return [name for name in scene_names if name in train], [name for name in scene_names if name in val]


def scenes_of_split(dataset: Path, version: str, split: str) -> list[str]:
    """Return the scene names of a split of `splits.json`, or of one the devkit knows. Raises DatasetError."""
    from nuscenes.utils.splits import create_splits_scenes

    path = dataset / version / "splits.json"
    own = _read_splits(path) if path.is_file() else {}
    predefined = create_splits_scenes()
    if split in predefined:
        return list(predefined[split])
    if split not in own:
        known = ", ".join([*own, *PREDEFINED])
        raise DatasetError(f"{path}: no split '{split}'; there are: {known}.{did_you_mean(split, own)}")
    return list(own[split])


def _read_splits(path: Path) -> dict[str, list[str]]:
    try:
        splits = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DatasetError(f"{path}: is not JSON ({error})") from error
    if not isinstance(splits, dict) or not all(isinstance(scenes, list) for scenes in splits.values()):
        raise DatasetError(f"{path}: is not split → list of scene names")
    return splits


def _meant(splits: Mapping[str, list[str]], name: str, path: Path) -> list[str]:
    candidates = [split for split in splits if split == name] or [
        split for split in splits if split.endswith(f"_{name}") or split == f"{name}_real"
    ]
    if len(candidates) > 1:
        raise DatasetError(f"{path}: which split is the one to '{name}' on? There are: {', '.join(candidates)}")
    return list(splits[candidates[0]]) if candidates else []
