"""The stand-in for mmcv's compiled operations, against geometry done by hand and by loops."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
import torch
from mmcv.ops import box_iou_rotated, nms, nms_rotated, points_in_boxes_cpu
from mmcv.ops.voxelize import voxelization

SQUARE = [0.0, 0.0, 1.0, 1.0, 0.0]


def test_a_square_and_its_turn_by_45_degrees_share_an_octagon() -> None:
    turned = torch.tensor([[0.0, 0.0, 1.0, 1.0, math.pi / 4]])
    shared = 2 * (math.sqrt(2) - 1)
    iou = box_iou_rotated(torch.tensor([SQUARE]), turned)
    assert iou.item() == pytest.approx(shared / (2 - shared), abs=1e-6)
    assert box_iou_rotated(torch.tensor([SQUARE]), turned, mode="iof").item() == pytest.approx(shared, abs=1e-6)


def test_the_angle_turns_from_x_to_y() -> None:
    along_y = torch.tensor([[0.0, 0.0, 4.0, 1.0, math.pi / 2]])
    above = torch.tensor([[0.0, 1.5, 1.0, 1.0, 0.0]])
    assert box_iou_rotated(along_y, above).item() == pytest.approx(1 / 4)
    slanted = torch.tensor([[0.0, 0.0, 4.0, 0.2, math.pi / 4]])
    corners = torch.tensor([[1.2, 1.2, 0.2, 0.2, 0.0], [1.2, -1.2, 0.2, 0.2, 0.0]])
    assert (box_iou_rotated(slanted, corners)[0] > 0).tolist() == [True, False]


def test_far_boxes_share_nothing_and_aligned_pairs_are_pairs() -> None:
    boxes = torch.tensor([SQUARE, [10.0, 0.0, 1.0, 1.0, 0.3]])
    torch.testing.assert_close(box_iou_rotated(boxes, boxes), torch.eye(2))
    torch.testing.assert_close(box_iou_rotated(boxes, boxes.flip(0), aligned=True), torch.zeros(2))


def test_rotated_nms_keeps_the_stronger_and_what_the_removed_would_have_removed() -> None:
    row = torch.tensor([[0.0, 0, 2, 1, 0], [0.8, 0, 2, 1, 0], [1.6, 0, 2, 1, 0], [9.0, 0, 2, 1, 0]])
    kept = nms_rotated(row, torch.tensor([0.9, 0.8, 0.7, 0.95]), 0.3)[1]
    assert kept.tolist() == [3, 0, 2]
    by_class = nms_rotated(row, torch.tensor([0.9, 0.8, 0.7, 0.95]), 0.3, labels=torch.tensor([0.0, 1, 1, 1]))[1]
    assert by_class.tolist() == [3, 0, 1]


def test_nms_agrees_with_a_loop() -> None:
    rng = np.random.default_rng(0)
    low = rng.random((60, 2)) * 10
    boxes = np.concatenate([low, low + 1 + rng.random((60, 2)) * 3], axis=1).astype(np.float32)
    scores = rng.random(60).astype(np.float32)
    kept: list[int] = []
    for at in np.argsort(-scores):
        if all(_iou(boxes[at], boxes[other]) <= 0.4 for other in kept):
            kept.append(int(at))
    assert nms(torch.from_numpy(boxes), torch.from_numpy(scores), 0.4)[1].tolist() == kept


def _iou(one: np.ndarray, other: np.ndarray) -> float:
    shared = np.prod(np.clip(np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]), 0, None))
    return float(shared / (np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2]) - shared))


def test_voxels_stand_in_the_order_in_which_points_meet_them() -> None:
    rng = np.random.default_rng(1)
    points = torch.from_numpy((rng.random((400, 4)) * 12 - 6).astype(np.float32))
    size, range_m, most_points, most_voxels = [2.0, 2.0, 10.0], [-5.0, -5.0, -5.0, 5.0, 5.0, 5.0], 3, 20
    voxels, coordinates, count = voxelization(points, size, range_m, most_points, most_voxels)
    cells: dict[tuple[int, ...], list[list[float]]] = {}
    for point in points.tolist():
        cell = tuple(math.floor((value - low) / step) for value, low, step in zip(point[:3], range_m, size))
        if any(value < low or value >= high for value, low, high in zip(point[:3], range_m, range_m[3:])):
            continue
        if cell in cells or len(cells) < most_voxels:
            cells.setdefault(cell, []).append(point)
    assert [tuple(cell[::-1]) for cell in coordinates.tolist()] == list(cells)
    assert count.tolist() == [min(len(inside), most_points) for inside in cells.values()]
    for voxel, inside in zip(voxels, cells.values()):
        torch.testing.assert_close(voxel[: len(inside[:most_points])], torch.tensor(inside[:most_points]))
    dynamic = voxelization(points, size, range_m, -1, -1)
    assert (dynamic[:, 0] == -1).sum() == sum(
        any(value < low or value >= high for value, low, high in zip(point[:3], range_m, range_m[3:]))
        for point in points.tolist()
    )


def test_a_box_stands_on_its_bottom_and_turns_about_its_middle() -> None:
    box = torch.tensor([[[10.0, 0.0, 0.0, 4.0, 2.0, 1.5, math.pi / 2]]])
    points = torch.tensor([[[10.0, 1.9, 0.7], [11.9, 0.0, 0.7], [10.0, 0.0, -0.1], [10.0, 0.0, 1.4]]])
    assert points_in_boxes_cpu(points, box)[0, :, 0].tolist() == [1, 0, 0, 1]


def test_what_is_not_provided_says_so_by_name() -> None:
    extension = sys.modules["mmcv._ext"]
    with pytest.raises(NotImplementedError, match="'modulated_deform_conv_forward' is not provided"):
        extension.modulated_deform_conv_forward()
