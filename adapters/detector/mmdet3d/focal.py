"""Depth that means the same in every camera, and cells that know where they look.

```
   a car 20 m away, f = 177 px   ─▶ 40 px wide ─▶ depth 20 m
   a car 20 m away, f = 113 px   ─▶ 25 px wide ─▶ depth 20 m · 177 / 113 = 31 m      and back, when predicting
```

From one picture a network cannot tell a far object from a wide lens, and nuScenes' rear camera has a wider one than
the others. So depths are trained on at one focal length ("virtual depth", Brazil et al. 2023, Omni3D, section 4), and
a rig of other lenses, or pictures of another size, need no other detector.

What stands on the ground is the nearer the lower it is in the picture, which convolutions see only by their borders.
So each cell of the neck's maps has the direction it looks in beside its features (as CoordConv, Liu et al. 2018, but
in the camera's own units): ((u − cx) / f, (v − cy) / f), in tenths, so that they are of the features' size where it
matters: of the road from 15 m on. The head has two more `in_channels` than the neck gives.

    pipeline=[..., dict(type="RandomResize3D", ...), dict(type="FocalDepth", focal_px=177.0), ...]
    model=dict(type="FocalMono3D", focal_px=177.0, backbone=..., neck=..., bbox_head=...)
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from mmcv.transforms import BaseTransform
from mmdet3d.models.detectors import FCOSMono3D
from mmdet3d.registry import MODELS, TRANSFORMS
from torch import Tensor

TENTH = 0.1


@TRANSFORMS.register_module()
class FocalDepth(BaseTransform):
    """Turns the depths to be learnt into those of a camera of `focal_px`. To be used after resizing."""

    def __init__(self, *, focal_px: float) -> None:
        self._focal_px = focal_px

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Scale `depths`; boxes stay where they are."""
        if "depths" in results:
            results["depths"] = results["depths"] * (self._focal_px / results["cam2img"][0][0])
        return results


@MODELS.register_module()
class FocalMono3D(FCOSMono3D):
    """FCOSMono3D whose depths are those of a camera of `focal_px`, and whose head is told each cell's direction.

    Predictions are made in the picture as it was resized: mmdet3d takes the centres back to the original picture, but
    unprojects them with the intrinsics of the resized one.

    bf16: backbone and neck learn in bfloat16, which is faster where the processor has it, and slower where it has not;
        the head, which measures, stays in single precision, as does all that is predicted.
    """

    def __init__(self, *, focal_px: float, bf16: bool = False, **parts: Any) -> None:
        super().__init__(**parts)
        self._focal_px = focal_px
        self._bf16 = bf16

    def loss(self, batch_inputs_dict: Any, batch_data_samples: Any, **_: Any) -> Any:
        """Return the losses of a batch by their names."""
        return self.bbox_head.loss(self._seen(batch_inputs_dict, batch_data_samples), batch_data_samples)

    def predict(self, batch_inputs_dict: Any, batch_data_samples: Any, rescale: bool = False) -> Any:
        """Return the samples with their boxes, at true depths."""
        maps = self._seen(batch_inputs_dict, batch_data_samples)
        boxes, boxes_2d = self.bbox_head.predict(maps, batch_data_samples, rescale=False)
        found = self.add_pred_to_datasample(batch_data_samples, boxes, boxes_2d)
        for sample in found:
            nearer = float(sample.metainfo["cam2img"][0][0]) / self._focal_px
            _move(sample.pred_instances_3d.bboxes_3d.tensor, nearer)
        return found

    def _seen(self, inputs: Any, samples: Any) -> tuple[Tensor, ...]:
        """Return the neck's maps with two more channels."""
        with torch.autocast(inputs["imgs"].device.type, torch.bfloat16, enabled=self._bf16 and self.training):
            maps = self.extract_feat(inputs)
        cam2img = np.array([np.asarray(sample.metainfo["cam2img"])[:3, :3] for sample in samples])
        width_px = inputs["imgs"].shape[-1]
        return tuple(
            torch.cat([features, directions(features, cam2img, stride_px=width_px / features.shape[-1])], dim=1)
            for features in (single.float() for single in maps)
        )


def directions(
    features: Float[Tensor, "b c h w"], cam2img: Float[np.ndarray, "b 3 3"], *, stride_px: float
) -> Float[Tensor, "b 2 h w"]:
    """Return x / z and y / z of the middle of every cell, in tenths."""
    height, width = features.shape[-2:]
    intrinsics = torch.as_tensor(cam2img, dtype=features.dtype, device=features.device)
    u, v = ((torch.arange(n, device=features.device) + 0.5) * stride_px for n in (width, height))
    x = (u - intrinsics[:, 0, 2:]) / intrinsics[:, 0, :1]
    y = (v - intrinsics[:, 1, 2:]) / intrinsics[:, 1, 1:2]
    return torch.stack([x[:, None, :].expand(-1, height, -1), y[:, :, None].expand(-1, -1, width)], dim=1) / TENTH


def _move(boxes: Float[Tensor, "n 9"], nearer: float) -> None:
    """Scale the distances of boxes, in place. They keep x, y, z of their bottom; what was seen is their centre."""
    half_height = boxes[:, 4] / 2
    boxes[:, 1] -= half_height
    boxes[:, :3] *= nearer
    boxes[:, 1] += half_height
