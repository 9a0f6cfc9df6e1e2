"""The operations of mmcv's extension that our detectors call, in torch, numpy and shapely.

Names, arguments and results are those of mmcv 2.1's extension; `tests/adapters/detector` holds them against
geometry computed another way. Rotated boxes are (x, y, w, h, angle), turned by
[[cos, −sin], [sin, cos]]; boxes with points in them are (x, y, z of the bottom, dx, dy, dz, yaw).
"""

from __future__ import annotations

import numpy as np
import shapely
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

PROVIDED = (
    "nms",
    "nms_rotated",
    "box_iou_rotated",
    "hard_voxelize_forward",
    "dynamic_voxelize_forward",
    "points_in_boxes_cpu_forward",
    "points_in_boxes_part_forward",
    "points_in_boxes_all_forward",
)

Boxes = Float[Tensor, "n 5"]
Pairs = tuple[Int[np.ndarray, "p"], Int[np.ndarray, "p"]]


def nms(bboxes: Float[Tensor, "n 4"], scores: Float[Tensor, "n"], *, iou_threshold: float, offset: int) -> Tensor:
    """Return the indices of kept boxes (x0, y0, x1, y1), the highest score first."""
    order = scores.argsort(descending=True, stable=True)
    low, high = bboxes[order, :2].cpu(), bboxes[order, 2:].cpu()
    area = (high - low + offset).prod(dim=1)
    kept = torch.ones(len(order), dtype=torch.bool)
    for at in range(len(order)):
        if kept[at]:
            shared = torch.minimum(high[at], high[at + 1 :]) - torch.maximum(low[at], low[at + 1 :]) + offset
            overlap = shared.clamp(min=0).prod(dim=1)
            kept[at + 1 :] &= overlap <= iou_threshold * (area[at] + area[at + 1 :] - overlap)
    return order[kept.to(order.device)]


def nms_rotated(  # noqa: PLR0917 (the extension's own order)
    dets: Tensor,
    scores: Tensor,
    order: Int[Tensor, "n"],
    dets_sorted: Tensor,
    labels: Tensor,
    iou_threshold: float,
    multi_label: int,
) -> Int[Tensor, "kept"]:
    """Return the indices of kept rotated boxes, the highest score first; with `multi_label`, class by class."""
    boxes = dets_sorted.detach().double().cpu().numpy()
    shapes = _polygons(dets_sorted)
    area, reach = shapely.area(shapes), np.hypot(boxes[:, 2], boxes[:, 3]) / 2
    alive = np.ones(len(boxes), dtype=bool)
    for at in range(len(boxes)):
        if alive[at]:
            apart = np.hypot(*(boxes[at + 1 :, :2] - boxes[at, :2]).T)
            rivals = alive[at + 1 :] & (apart < reach[at] + reach[at + 1 :])
            if multi_label:
                rivals &= boxes[at + 1 :, 5] == boxes[at, 5]
            near = at + 1 + np.flatnonzero(rivals)
            shared = shapely.area(shapely.intersection(shapes[at], shapes[near]))
            alive[near[shared > iou_threshold * (area[at] + area[near] - shared)]] = False
    return order[torch.from_numpy(alive).to(order.device)]


def box_iou_rotated(bboxes1: Boxes, bboxes2: Boxes, ious: Tensor, *, mode_flag: int, aligned: bool) -> None:
    """Fill `ious`, flat, with intersection over union, or (mode 1) over the first box's area."""
    if aligned:
        every = np.arange(len(bboxes1))
        ious[:] = torch.from_numpy(_overlap(bboxes1, bboxes2, (every, every), of_first=mode_flag == 1)).to(ious)
        return
    first, second = _near(bboxes1, bboxes2)
    found = torch.from_numpy(_overlap(bboxes1, bboxes2, (first, second), of_first=mode_flag == 1))
    ious.zero_()
    ious[torch.from_numpy(first * len(bboxes2) + second).to(ious.device)] = found.to(ious)


def _near(boxes1: Tensor, boxes2: Tensor) -> Pairs:
    """Return the pairs of boxes whose surrounding circles meet."""
    distance = torch.cdist(boxes1[:, :2].double(), boxes2[:, :2].double())
    reach = boxes1[:, 2:4].norm(dim=1)[:, None] + boxes2[:, 2:4].norm(dim=1)[None]
    first, second = torch.nonzero(distance < reach / 2, as_tuple=True)
    return first.cpu().numpy(), second.cpu().numpy()


def _overlap(boxes1: Tensor, boxes2: Tensor, pairs: Pairs, *, of_first: bool) -> Float[np.ndarray, "p"]:
    if not len(pairs[0]):
        return np.zeros(0, dtype=np.float32)
    shapes1, shapes2 = _polygons(boxes1)[pairs[0]], _polygons(boxes2)[pairs[1]]
    shared = shapely.area(shapely.intersection(shapes1, shapes2))
    whole = shapely.area(shapes1) if of_first else shapely.area(shapes1) + shapely.area(shapes2) - shared
    return np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0).astype(np.float32)


def _polygons(boxes: Tensor) -> np.ndarray:
    x, y, w, h, angle = boxes[:, :5].detach().double().cpu().numpy().T
    half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / 2
    along, across = half[:, 0] * w[:, None], half[:, 1] * h[:, None]
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    corners = [x[:, None] + cos * along - sin * across, y[:, None] + sin * along + cos * across]
    return shapely.polygons(np.stack(corners, axis=-1))


def dynamic_voxelize_forward(
    points: Float[Tensor, "n c"],
    voxel_size: Float[Tensor, "3"],
    coors_range: Float[Tensor, "6"],
    coors: Int[Tensor, "n 3"],
    **_: object,
) -> None:
    """Fill `coors` with each point's voxel as (z, y, x); −1 for points out of range."""
    cells, inside = _cells(points, voxel_size, coors_range)
    coors[:] = torch.where(inside[:, None], cells.flip(1), -1).to(coors.dtype)


def hard_voxelize_forward(  # noqa: PLR0917 (the extension's own order)
    points: Float[Tensor, "n c"],
    voxel_size: Float[Tensor, "3"],
    coors_range: Float[Tensor, "6"],
    voxels: Float[Tensor, "v m c"],
    coors: Int[Tensor, "v 3"],
    num_points_per_voxel: Int[Tensor, "v"],
    voxel_num: Int[Tensor, ""],
    *,
    max_points: int,
    max_voxels: int,
    **_: object,
) -> None:
    """Fill voxels in the order in which points first meet them, points in theirs; what is too much is left out."""
    cells, inside = _cells(points, voxel_size, coors_range)
    cells_of = cells.cpu().numpy()
    here = torch.nonzero(inside)[:, 0].cpu().numpy()
    _, first, voxel = np.unique(cells_of[here], axis=0, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    voxel = rank[voxel.ravel()]
    by_voxel = np.argsort(voxel, kind="stable")
    count = np.bincount(voxel, minlength=len(first))
    place = np.arange(len(voxel)) - (np.cumsum(count) - count)[voxel[by_voxel]]
    kept = (place < max_points) & (voxel[by_voxel] < max_voxels)
    chosen, slot = here[by_voxel[kept]], place[kept]
    at = voxel[by_voxel[kept]]
    voxels[at, slot] = points[chosen]
    coors[at] = cells[chosen].flip(1).to(coors.dtype)
    number = min(len(first), max_voxels)
    num_points_per_voxel[:number] = torch.from_numpy(np.minimum(count, max_points)[:number]).to(num_points_per_voxel)
    voxel_num.fill_(number)


def _cells(points: Tensor, voxel_size: Tensor, coors_range: Tensor) -> tuple[Int[Tensor, "n 3"], Bool[Tensor, "n"]]:
    size = voxel_size.to(points)
    low, high = coors_range[:3].to(points), coors_range[3:].to(points)
    grid = ((high - low) / size).round()
    cells = ((points[:, :3] - low) / size).floor()
    inside = ((cells >= 0) & (cells < grid)).all(dim=1)
    return cells.nan_to_num().clamp(-1, 1e9).long(), inside


def points_in_boxes_cpu_forward(
    boxes: Float[Tensor, "t 7"], points: Float[Tensor, "m 3"], indices: Int[Tensor, "t m"]
) -> None:
    """Fill `indices` with 1 where a point is in a box."""
    indices[:] = _inside(boxes, points).to(indices.dtype)


def points_in_boxes_part_forward(
    boxes: Float[Tensor, "b t 7"], points: Float[Tensor, "b m 3"], indices: Int[Tensor, "b m"]
) -> None:
    """Fill `indices` with the first box each point is in; −1 where it is in none."""
    for batch in range(len(boxes)):
        inside = _inside(boxes[batch], points[batch])
        if len(inside):
            found = inside.to(torch.int32).argmax(dim=0)
            indices[batch] = torch.where(inside.any(dim=0), found, -1).to(indices.dtype)


def points_in_boxes_all_forward(
    boxes: Float[Tensor, "b t 7"], points: Float[Tensor, "b m 3"], indices: Int[Tensor, "b m t"]
) -> None:
    """Fill `indices` with 1 where a point is in a box."""
    for batch in range(len(boxes)):
        indices[batch] = _inside(boxes[batch], points[batch]).T.to(indices.dtype)


def _inside(boxes: Float[Tensor, "t 7"], points: Float[Tensor, "m 3"]) -> Bool[Tensor, "t m"]:
    shift = points[None, :, :] - boxes[:, None, :3]
    cos, sin = torch.cos(boxes[:, None, 6]), torch.sin(boxes[:, None, 6])
    along = shift[..., 0] * cos + shift[..., 1] * sin
    across = -shift[..., 0] * sin + shift[..., 1] * cos
    half = boxes[:, None, 3:6] / 2
    above = (shift[..., 2] - half[..., 2]).abs()
    return (along.abs() < half[..., 0]) & (across.abs() < half[..., 1]) & (above <= half[..., 2])
