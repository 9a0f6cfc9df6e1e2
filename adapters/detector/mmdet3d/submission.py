"""What mmdet3d predicts, in the devkit's submission format.

```
   LiDAR boxes    x, y, z of the bottom; l, w, h; yaw about z        velocity vx, vy
   camera boxes   x, y, z of the bottom; l, h, w; turn about y       velocity vx, vz
   devkit         centre in the world; w, l, h; quaternion; vx, vy in the world
```

Neighbouring cameras see the same object, so the boxes of a sample are thinned class by class where they overlap from
above by more than 5 %, as mmdet3d does. Attributes are the predicted ones where the class may have them, else
what the speed says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from mmcv.ops import nms_rotated
from mmdet3d.structures import CameraInstance3DBoxes

from adapters.exporter.nuscenes.infos import ATTRIBUTES, CLASSES
from datagen.scene.pose import quat_from_rotation

MOST_BOXES = 500
"""For one sample, by the devkit's rule."""
OVERLAP = 0.05
MOVING_MPS = 0.2

_KINDS = {
    **dict.fromkeys(("car", "truck", "trailer", "bus", "construction_vehicle"), "vehicle"),
    **dict.fromkeys(("bicycle", "motorcycle"), "cycle"),
    "pedestrian": "pedestrian",
}
_WHEN = {
    "vehicle": ("vehicle.moving", "vehicle.parked"),
    "cycle": ("cycle.with_rider", "cycle.without_rider"),
    "pedestrian": ("pedestrian.moving", "pedestrian.standing"),
}
"""Kind → attribute when moving, when not."""

Box = dict[str, Any]


def boxes_of(sample: Mapping[str, Any], classes: Sequence[str]) -> list[Box]:
    """Return the boxes of one prediction (a camera's, or the LiDAR's), in the world.

    sample: a data sample as a dict, with `pred_instances_3d`, `sample_token` and `world_SE3_sensor`.
    classes: the names of the labels 0, 1, …
    """
    found = sample["pred_instances_3d"]
    world_SE3_sensor = np.asarray(sample["world_SE3_sensor"])
    turn, shift = world_SE3_sensor[:3, :3], world_SE3_sensor[:3, 3]
    center, size_wlh, rotation, velocity = _in_sensor(found["bboxes_3d"])
    labels = found["labels_3d"].cpu().numpy()
    scores = found["scores_3d"].cpu().numpy()
    attributes = found["attr_labels"].cpu().numpy() if "attr_labels" in found else np.full(len(labels), -1)
    return [
        {
            "sample_token": sample["sample_token"],
            "translation": (turn @ center[at] + shift).tolist(),
            "size": size_wlh[at].tolist(),
            "rotation": quat_from_rotation(turn @ rotation[at]).tolist(),
            "velocity": (turn @ velocity[at])[:2].tolist(),
            "detection_name": classes[labels[at]],
            "detection_score": float(scores[at]),
            "attribute_name": _attribute(classes[labels[at]], int(attributes[at]), float(np.linalg.norm(velocity[at]))),
        }
        for at in range(len(labels))
        if (size_wlh[at] > 0).all() and np.isfinite([*center[at], *size_wlh[at], *velocity[at]]).all()
    ]


def _in_sensor(
    boxes: Any,
) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3 3"], Float[np.ndarray, "n 3"]]:
    """Return centres, sizes (w, l, h), rotations and velocities in the sensor's frame."""
    center = boxes.gravity_center.cpu().double().numpy()
    size = boxes.dims.cpu().double().numpy()
    yaw = boxes.yaw.cpu().double().numpy()
    velocity = boxes.tensor[:, 7:9].cpu().double().numpy() if boxes.box_dim > 7 else np.zeros((len(yaw), 2))
    still = np.zeros(len(yaw))
    if isinstance(boxes, CameraInstance3DBoxes):
        upright = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
        return (
            center,
            size[:, [2, 0, 1]],
            upright @ _about_z(-yaw),
            np.stack([velocity[:, 0], still, velocity[:, 1]], axis=-1),
        )
    return center, size[:, [1, 0, 2]], _about_z(yaw), np.stack([velocity[:, 0], velocity[:, 1], still], axis=-1)


def _about_z(angle: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n 3 3"]:
    cos, sin, zero = np.cos(angle), np.sin(angle), np.zeros_like(angle)
    rows = [[cos, -sin, zero], [sin, cos, zero], [zero, zero, zero + 1]]
    return np.array(rows).transpose(2, 0, 1)


def _attribute(name: str, label: int, speed_mps: float) -> str:
    kind = _KINDS.get(name)
    if kind is None:
        return ""
    predicted = ATTRIBUTES[label] if label >= 0 else ""
    return predicted if predicted.startswith(f"{kind}.") else _WHEN[kind][speed_mps <= MOVING_MPS]


def united(boxes: Sequence[Box]) -> list[Box]:
    """Return a sample's boxes without doubles, the most confident first."""
    kept: list[Box] = []
    for name in CLASSES:
        of_class = [box for box in boxes if box["detection_name"] == name]
        if of_class:
            flat = torch.tensor([_from_above(box) for box in of_class], dtype=torch.float64)
            scores = torch.tensor([box["detection_score"] for box in of_class])
            flat[:, :2] -= flat[:1, :2].clone()  # a map's coordinates are too long for the float below
            kept += [of_class[at] for at in nms_rotated(flat.float(), scores, OVERLAP)[1].tolist()]
    return sorted(kept, key=lambda box: -box["detection_score"])[:MOST_BOXES]


def _from_above(box: Box) -> list[float]:
    w, x, y, z = box["rotation"]
    yaw = float(np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z)))
    width, length, _ = box["size"]
    return [box["translation"][0], box["translation"][1], length, width, yaw]
