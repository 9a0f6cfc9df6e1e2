"""Thick lines to thin ones: nodes where lines meet, no burrs, ends where they were."""

from __future__ import annotations

import cv2
import numpy as np

from datagen.roads.skeleton import branches_of


def lines(*ways: list[tuple[int, int]], width: int = 3) -> np.ndarray:
    mask = np.zeros((96, 128), dtype=np.uint8)
    for way in ways:
        cv2.polylines(mask, [np.array(way)], False, 1, thickness=width)
    return mask > 0


def test_a_line_is_one_branch_as_long_as_drawn() -> None:
    (branch,) = branches_of(lines([(20, 30), (100, 50)]), smoothing_px=1.5, spur_px=6.0)
    ends = sorted(branch.points_px[[0, -1]].tolist())
    assert np.allclose(ends, [[20.5, 30.5], [100.5, 50.5]], atol=1.6)
    length = np.linalg.norm(np.diff(branch.points_px, axis=0), axis=1).sum()
    assert abs(length - np.hypot(80, 20)) < 3


def test_three_arms_share_a_node() -> None:
    found = branches_of(lines([(10, 40), (110, 40)], [(60, 40), (60, 90)]), smoothing_px=1.5, spur_px=6.0)
    assert len(found) == 3
    nodes = [node for branch in found for node in (branch.first, branch.last)]
    (shared,) = [node for node in set(nodes) if nodes.count(node) == 3]
    for branch in found:
        end = branch.points_px[0 if branch.first == shared else -1]
        assert np.allclose(end, [60.5, 40.5], atol=2.0)


def test_burrs_are_left_out_and_rings_are_kept() -> None:
    mask = lines([(10, 40), (110, 40)], [(50, 40), (50, 43)])
    cv2.circle(drawn := mask.astype(np.uint8), (64, 75), 15, 1, thickness=3)
    found = branches_of(drawn > 0, smoothing_px=1.5, spur_px=6.0)
    rings = [branch for branch in found if branch.first == branch.last]
    assert len(found) - len(rings) == 1
    (ring,) = rings
    assert np.allclose(np.linalg.norm(ring.points_px - [64.5, 75.5], axis=1), 15, atol=1.2)


def test_a_line_goes_on_to_the_edge_it_was_cut_at() -> None:
    (branch,) = branches_of(lines([(-20, 50), (140, 50)]), smoothing_px=1.5, spur_px=6.0)
    assert sorted(branch.points_px[[0, -1], 0]) == [
        min(branch.points_px[:, 0]),
        max(branch.points_px[:, 0]),
    ]
    assert np.ptp(branch.points_px[:, 0]) >= 127


def test_nothing_gives_nothing() -> None:
    assert branches_of(np.zeros((32, 32), dtype=bool), smoothing_px=1.5, spur_px=6.0) == []
