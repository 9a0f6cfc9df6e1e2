"""What goes in and how it is scored: cameras one by one, or LiDAR sweeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.detector.mmdet3d.dataset import ENTRY_KEYS
from adapters.exporter.nuscenes.infos import CLASSES as CAMERA_CLASSES

Part = dict[str, Any]

LIDAR_CLASSES = (
    "car",
    "truck",
    "construction_vehicle",
    "bus",
    "trailer",
    "barrier",
    "motorcycle",
    "bicycle",
    "pedestrian",
    "traffic_cone",
)
"""In the order of CenterPoint's tasks."""

_CAMERA_META = ("img_path", "ori_shape", "img_shape", "pad_shape", "scale_factor", "flip", "cam2img")
_BOX_META = ("box_type_3d", "box_mode_3d")


@dataclass(frozen=True, kw_only=True)
class Splits:
    """training: fields of `dataset.Source`.  validation: root, version and split, of real data."""

    training: Sequence[Part]
    validation: Part

    def evaluators(self) -> list[Part]:
        """Return what scores the validation split on the way: detection alone, as tracks take minutes to score."""
        where = {key: str(self.validation[key]) for key in ("root", "version", "split")}
        return [{"type": "DevkitDetection", **where}]


@dataclass(frozen=True, kw_only=True)
class Loading:
    """How entries are loaded. workers: processes beside the training's own."""

    batch_size: int
    workers: int


def cameras(
    splits: Splits,
    *,
    picture_px: tuple[int, int],
    loading: Loading,
    focal_px: float | None = None,
    farthest_m: float | None = None,
) -> Part:
    """Return loaders and evaluators of single pictures, stretched to `picture_px` (width, height).

    focal_px: depths are to be those of a camera of this focal length (see `focal`); None for each camera's own.
    farthest_m: of the boxes trained on.
    The size is met by RandomResize3D, as mmdet3d's plain Resize leaves the camera's intrinsics behind.
    """
    resize = {"type": "RandomResize3D", "scale": picture_px, "ratio_range": (1.0, 1.0), "keep_ratio": False}
    meta_keys = (*_CAMERA_META, *_BOX_META, *ENTRY_KEYS)
    annotations = ("with_bbox", "with_label", "with_attr_label", "with_bbox_3d", "with_label_3d", "with_bbox_depth")
    keys = ("gt_bboxes", "gt_bboxes_labels", "attr_labels", "gt_bboxes_3d", "gt_labels_3d", "centers_2d", "depths")
    training: list[Part] = [
        {"type": "LoadImageFromFileMono3D"},
        {"type": "LoadAnnotations3D", **dict.fromkeys(annotations, True)},
        resize,
        *([{"type": "FocalDepth", "focal_px": focal_px}] if focal_px else []),
        {"type": "RandomFlip3D", "flip_ratio_bev_horizontal": 0.5},
        {"type": "Pack3DDetInputs", "keys": ("img", *keys), "meta_keys": meta_keys},
    ]
    looking: list[Part] = [
        {"type": "LoadImageFromFileMono3D"},
        resize,
        {"type": "Pack3DDetInputs", "keys": ("img",), "meta_keys": meta_keys},
    ]
    dataset = {
        "load_type": "mv_image_based",
        "box_type_3d": "Camera",
        "modality": {"use_camera": True, "use_lidar": False},
        "metainfo": {"classes": CAMERA_CLASSES},
    }
    parts = _loaders(splits, dataset, training=training, looking=looking, loading=loading)
    parts["train_dataloader"]["dataset"]["farthest_m"] = farthest_m
    return parts


def lidar(splits: Splits, *, range_m: Sequence[float], earlier_sweeps: int, loading: Loading) -> Part:
    """Return loaders and evaluators of sweeps, without pasted objects, which would need a database of each source.

    range_m: x, y, z from and to.  earlier_sweeps: joined to that of the key frame.
    """
    meta_keys = ("lidar_path", "num_pts_feats", *_BOX_META, *ENTRY_KEYS)
    points: list[Part] = [
        {"type": "LoadPointsFromFile", "coord_type": "LIDAR", "load_dim": 5, "use_dim": 5},
        {
            "type": "LoadPointsFromMultiSweeps",
            "sweeps_num": earlier_sweeps,
            "use_dim": [0, 1, 2, 3, 4],
            "pad_empty_sweeps": True,
            "remove_close": True,
        },
    ]
    training: list[Part] = [
        *points,
        {"type": "LoadAnnotations3D", "with_bbox_3d": True, "with_label_3d": True},
        {
            "type": "GlobalRotScaleTrans",
            "rot_range": [-0.3925, 0.3925],
            "scale_ratio_range": [0.95, 1.05],
            "translation_std": [0, 0, 0],
        },
        {
            "type": "RandomFlip3D",
            "sync_2d": False,
            "flip_ratio_bev_horizontal": 0.5,
            "flip_ratio_bev_vertical": 0.5,
        },
        {"type": "PointsRangeFilter", "point_cloud_range": range_m},
        {"type": "ObjectRangeFilter", "point_cloud_range": range_m},
        {"type": "ObjectNameFilter", "classes": LIDAR_CLASSES},
        {"type": "PointShuffle"},
        {"type": "Pack3DDetInputs", "keys": ("points", "gt_bboxes_3d", "gt_labels_3d"), "meta_keys": meta_keys},
    ]
    looking: list[Part] = [
        *points,
        {"type": "PointsRangeFilter", "point_cloud_range": range_m},
        {"type": "Pack3DDetInputs", "keys": ("points",), "meta_keys": meta_keys},
    ]
    dataset = {
        "box_type_3d": "LiDAR",
        "modality": {"use_camera": False, "use_lidar": True},
        "metainfo": {"classes": LIDAR_CLASSES},
    }
    return _loaders(splits, dataset, training=training, looking=looking, loading=loading)


def _loaders(splits: Splits, dataset: Part, *, training: list[Part], looking: list[Part], loading: Loading) -> Part:
    common = {"num_workers": loading.workers, "persistent_workers": loading.workers > 0}
    val = {
        **common,
        "batch_size": loading.batch_size,
        "sampler": {"type": "DefaultSampler", "shuffle": False},
        "dataset": {
            **dataset,
            "type": "NuScenesRoots",
            "sources": [splits.validation],
            "pipeline": looking,
            "test_mode": True,
            "load_eval_anns": False,
        },
    }
    return {
        "custom_imports": {
            "imports": ["adapters.detector.mmdet3d.components"],
            "allow_failed_imports": False,
        },
        "default_scope": "mmdet3d",
        "train_dataloader": {
            **common,
            "batch_size": loading.batch_size,
            "sampler": {"type": "MixtureSampler"},
            "dataset": {**dataset, "type": "NuScenesRoots", "sources": list(splits.training), "pipeline": training},
        },
        "val_dataloader": val,
        "test_dataloader": val,
        "val_evaluator": splits.evaluators(),
        "test_evaluator": splits.evaluators(),
    }


def optimizer(kind: Mapping[str, Any]) -> Part:
    """Return an optimizer with clipped gradients."""
    return {"type": "OptimWrapper", "optimizer": dict(kind), "clip_grad": {"max_norm": 35, "norm_type": 2}}
