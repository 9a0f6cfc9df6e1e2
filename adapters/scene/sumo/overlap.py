"""No two boxes in the same place: find who overlaps whom, and let as few go as that takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int64
from scipy.spatial import cKDTree

from datagen.scene import Actor

SLACK_M = 0.02
"""Boxes that touch by less than this do not overlap."""


def footprints(actors: Sequence[Actor], times_us: Int64[np.ndarray, "times"]) -> Float[np.ndarray, "times actors 5"]:
    """Return x, y, yaw, half length and half width; NaN where an actor is not there."""
    boxes = np.full((len(times_us), len(actors), 5), np.nan)
    for column, actor in enumerate(actors):
        there = actor.trajectory.covers(times_us)
        position, quat = actor.trajectory.at(times_us[there])
        boxes[there, column, :2] = position[:, :2]
        boxes[there, column, 2] = 2.0 * np.arctan2(quat[:, 3], quat[:, 0])
        boxes[there, column, 3:] = np.array(actor.size_lwh_m[:2]) / 2
    return boxes


def overlaps(first: Float[np.ndarray, "pairs 5"], second: Float[np.ndarray, "pairs 5"]) -> Bool[np.ndarray, "pairs"]:
    """Say which pairs of boxes overlap, by the separating axis theorem."""
    between = second[:, :2] - first[:, :2]
    apart = np.zeros(len(first), dtype=bool)
    for yaw in (first[:, 2], second[:, 2]):
        for axis in (np.stack([np.cos(yaw), np.sin(yaw)], -1), np.stack([-np.sin(yaw), np.cos(yaw)], -1)):
            reach = _reach(first, axis) + _reach(second, axis) - SLACK_M
            apart |= np.abs(np.sum(between * axis, axis=-1)) > reach
    return ~apart


def overlapping_pairs(boxes: Float[np.ndarray, "times actors 5"]) -> set[tuple[int, int]]:
    """Return the pairs of columns that overlap at any time."""
    pairs: set[tuple[int, int]] = set()
    for now in boxes:
        here = np.flatnonzero(np.isfinite(now[:, 0]))
        present = now[here]
        radius = np.hypot(present[:, 3], present[:, 4])
        near = cKDTree(present[:, :2]).query_pairs(2 * float(radius.max(initial=0.0)), output_type="ndarray")
        near_a, near_b = np.sort(near, axis=1).T
        hit = overlaps(present[near_a], present[near_b])
        pairs |= {(int(a), int(b)) for a, b in zip(here[near_a[hit]], here[near_b[hit]])}
    return pairs


def losers(pairs: set[tuple[int, int]], *, keep: Sequence[bool], group: Sequence[str]) -> set[int]:
    """Return the columns to let go so that no pair is left: whoever is in most conflicts, of equals the last.

    keep: columns that never go.  group: columns of one group (a truck and its trailer) go together, and
    do not conflict with each other.
    """
    left = {(a, b) for a, b in pairs if group[a] != group[b]}
    gone: set[int] = set()
    while left:
        counts = Counter(column for pair in left for column in pair if not keep[column])
        if not counts:
            break
        worst = max(counts, key=lambda column: (counts[column], column))
        gone |= {column for column in range(len(group)) if group[column] == group[worst]}
        left = {(a, b) for a, b in left if a not in gone and b not in gone}
    return gone


def _reach(boxes: Float[np.ndarray, "pairs 5"], axis: Float[np.ndarray, "pairs 2"]) -> Float[np.ndarray, "pairs"]:
    """Return how far a box reaches from its middle along an axis."""
    cos, sin = np.cos(boxes[:, 2]), np.sin(boxes[:, 2])
    along = np.abs(axis[:, 0] * cos + axis[:, 1] * sin) * boxes[:, 3]
    across = np.abs(-axis[:, 0] * sin + axis[:, 1] * cos) * boxes[:, 4]
    return along + across
