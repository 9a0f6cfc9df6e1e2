"""The three detectors for a CPU: a few million weights, a grid or picture of some hundred cells a side.

Camera models see 224 x 128, learn depth and size as differences from means, and are told where each cell looks
(see `focal`), as a short training needs it.
The learning rate rises within a twentieth of the training and falls along half a cosine.
"""

from __future__ import annotations

from typing import Any

from adapters.detector.mmdet3d.configs.data import Loading, Part, Splits, cameras, lidar, optimizer

PICTURE_PX = (224, 128)
FOCAL_PX = 177.0
"""Of nuScenes' cameras, but the rear one, at that size."""
RANGE_M = [-51.2, -51.2, -5.0, 51.2, 51.2, 3.0]
CELL_M = 0.8
FARTHEST_M = 55.0
"""Of the boxes that camera models are trained on: a car at 55 m is six pixels wide, and none is scored beyond 50 m."""

_SIZES_LHW_M = (
    (4.62, 1.73, 1.96),
    (6.93, 2.83, 2.51),
    (12.56, 3.89, 2.94),
    (11.22, 3.50, 2.95),
    (6.68, 3.21, 2.85),
    (1.70, 1.29, 0.61),
    (2.11, 1.46, 0.78),
    (0.73, 1.77, 0.67),
    (0.41, 1.08, 0.41),
    (0.50, 0.99, 2.52),
)
"""Mean length, height and width of the classes (mmdet3d's figures for PGD; a bicycle of nuScenes' mean size)."""
_DEPTH_M = (24.0, 14.0)
"""Mean and spread."""

CODE_WEIGHTS = (1.0, 1.0, 0.5, 0.2, 0.2, 0.2, 1.0, 0.05, 0.05)
"""Of centre (2), depth, size (3), angle, velocity (2). By gradient, size would outweigh depth with FCOS3D's own
(0.2 and 1), as depths are learnt in units of 14 m; and it is depth that decides whether a box is found."""


def fcos3d(splits: Splits, iterations: int) -> Part:
    """FCOS3D (Wang et al. 2021): ResNet-18 at half width, three levels, no deformable convolution."""
    head = _head("FCOSMono3DHead", groups=(2, 1, 3, 1, 2), branches=((), (64,), (), (64,), ()))
    head["bbox_coder"] = {
        "type": "FCOS3DBBoxCoder",
        "code_size": 9,
        "base_depths": (_DEPTH_M,),
        "base_dims": _SIZES_LHW_M,
    }
    return _camera_model(splits, iterations, head, code_weight=[*CODE_WEIGHTS])


def pgd(splits: Splits, iterations: int) -> Part:
    """PGD (Wang et al. 2021): FCOS3D with depth as a distribution over bins, and 2D boxes beside."""
    head = _head("PGDHead", groups=(2, 1, 3, 1, 2, 4), branches=((), (64,), (), (64,), (), (64,)))
    head |= {
        "pred_bbox2d": True,
        "pred_keypoints": False,
        "use_depth_classifier": True,
        "depth_branch": (64,),
        "depth_range": (0, 50),
        "depth_unit": 10,
        "division": "uniform",
        "depth_bins": 6,
        "loss_depth": {"type": "mmdet.SmoothL1Loss", "beta": 1.0 / 9.0, "loss_weight": 1.0},
        "bbox_coder": {
            "type": "PGDBBoxCoder",
            "code_size": 9,
            "base_depths": (_DEPTH_M,) * 10,
            "base_dims": _SIZES_LHW_M,
        },
    }
    weights = [*CODE_WEIGHTS, 0.2, 0.2, 0.2, 0.2]
    return _camera_model(splits, iterations, head, code_weight=weights)


def centerpoint(splits: Splits, iterations: int) -> Part:
    """CenterPoint (Yin et al. 2021) on pillars of 0.8 m, three earlier sweeps."""
    cells = round((RANGE_M[3] - RANGE_M[0]) / CELL_M)
    size = [CELL_M, CELL_M, RANGE_M[5] - RANGE_M[2]]
    reach = [-61.2, -61.2, -10.0, 61.2, 61.2, 10.0]
    grid = {"voxel_size": size, "out_size_factor": 1}
    norm = {"type": "BN", "eps": 1e-3, "momentum": 0.01}
    model = {
        "type": "CenterPoint",
        "data_preprocessor": {
            "type": "Det3DDataPreprocessor",
            "voxel": True,
            "voxel_layer": {
                "max_num_points": 20,
                "voxel_size": size,
                "max_voxels": (12000, 12000),
                "point_cloud_range": RANGE_M,
            },
        },
        "pts_voxel_encoder": {
            "type": "PillarFeatureNet",
            "in_channels": 5,
            "feat_channels": [32],
            "with_distance": False,
            "voxel_size": size,
            "point_cloud_range": RANGE_M,
            "norm_cfg": {**norm, "type": "BN1d"},
            "legacy": False,
        },
        "pts_middle_encoder": {"type": "PointPillarsScatter", "in_channels": 32, "output_shape": (cells, cells)},
        "pts_backbone": {
            "type": "SECOND",
            "in_channels": 32,
            "out_channels": [32, 64],
            "layer_nums": [2, 2],
            "layer_strides": [1, 2],
            "norm_cfg": norm,
            "conv_cfg": {"type": "Conv2d", "bias": False},
        },
        "pts_neck": {
            "type": "SECONDFPN",
            "in_channels": [32, 64],
            "out_channels": [32, 32],
            "upsample_strides": [1, 2],
            "norm_cfg": norm,
            "upsample_cfg": {"type": "deconv", "bias": False},
            "use_conv_for_no_stride": True,
        },
        "pts_bbox_head": {
            "type": "CenterHead",
            "in_channels": 64,
            "share_conv_channel": 32,
            "tasks": [
                {"num_class": 1, "class_names": ["car"]},
                {"num_class": 2, "class_names": ["truck", "construction_vehicle"]},
                {"num_class": 2, "class_names": ["bus", "trailer"]},
                {"num_class": 1, "class_names": ["barrier"]},
                {"num_class": 2, "class_names": ["motorcycle", "bicycle"]},
                {"num_class": 2, "class_names": ["pedestrian", "traffic_cone"]},
            ],
            "common_heads": {"reg": (2, 2), "height": (1, 2), "dim": (3, 2), "rot": (2, 2), "vel": (2, 2)},
            "bbox_coder": {
                "type": "CenterPointBBoxCoder",
                "pc_range": RANGE_M[:2],
                "post_center_range": reach,
                "max_num": 100,
                "score_threshold": 0.02,
                "out_size_factor": 1,
                "voxel_size": size[:2],
                "code_size": 9,
            },
            "separate_head": {"type": "SeparateHead", "init_bias": -2.19, "final_kernel": 3, "head_conv": 32},
            "loss_cls": {"type": "mmdet.GaussianFocalLoss", "reduction": "mean"},
            "loss_bbox": {"type": "mmdet.L1Loss", "reduction": "mean", "loss_weight": 0.25},
            "norm_bbox": True,
        },
        "train_cfg": {
            "pts": {
                **grid,
                "point_cloud_range": RANGE_M,
                "grid_size": [cells, cells, 1],
                "dense_reg": 1,
                "gaussian_overlap": 0.1,
                "max_objs": 200,
                "min_radius": 1,
                "code_weights": [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.2, 0.2],
            }
        },
        "test_cfg": {
            "pts": {
                **grid,
                "voxel_size": size[:2],
                "pc_range": RANGE_M[:2],
                "post_center_limit_range": reach,
                "max_per_img": 100,
                "max_pool_nms": False,
                "min_radius": [4, 12, 10, 1, 0.85, 0.175],
                "score_threshold": 0.02,
                "nms_type": "rotate",
                "pre_max_size": 300,
                "post_max_size": 83,
                "nms_thr": 0.2,
            }
        },
    }
    data = lidar(splits, range_m=RANGE_M, earlier_sweeps=3, loading=Loading(batch_size=2, workers=0))
    return {**data, **_training(iterations, rate=1e-3), "model": model}


def _camera_model(splits: Splits, iterations: int, head: Part, *, code_weight: list[float]) -> Part:
    model = {
        "type": "FocalMono3D",
        "focal_px": FOCAL_PX,
        "data_preprocessor": {
            "type": "Det3DDataPreprocessor",
            "mean": [123.675, 116.28, 103.53],
            "std": [58.395, 57.12, 57.375],
            "bgr_to_rgb": True,
            "pad_size_divisor": 32,
        },
        "backbone": {
            "type": "mmdet.ResNet",
            "depth": 18,
            "base_channels": 32,
            "out_indices": (1, 2, 3),
            "norm_eval": False,
        },
        "neck": {"type": "mmdet.FPN", "in_channels": [64, 128, 256], "out_channels": 64, "num_outs": 3},
        "bbox_head": head,
        "train_cfg": {"allowed_border": 0, "code_weight": code_weight, "pos_weight": -1, "debug": False},
        "test_cfg": {
            "use_rotate_nms": True,
            "nms_across_levels": False,
            "nms_pre": 30,
            "nms_thr": 0.3,
            "score_thr": 0.05,
            "min_bbox_size": 0,
            "max_per_img": 30,
        },
    }
    data = cameras(
        splits,
        picture_px=PICTURE_PX,
        loading=Loading(batch_size=6, workers=0),
        focal_px=FOCAL_PX,
        farthest_m=FARTHEST_M,
    )
    return {**data, **_training(iterations, rate=2e-3), "model": model}


def _head(kind: str, *, groups: tuple[int, ...], branches: tuple[tuple[int, ...], ...]) -> dict[str, Any]:
    entropy = {"type": "mmdet.CrossEntropyLoss", "loss_weight": 1.0}
    return {
        "type": kind,
        "num_classes": 10,
        "in_channels": 64 + 2,  # and where each cell looks
        "feat_channels": 64,
        "stacked_convs": 1,
        "strides": [8, 16, 32],
        "regress_ranges": ((-1, 24), (24, 64), (64, 1e8)),
        "use_direction_classifier": True,
        "diff_rad_by_sin": True,
        "pred_attrs": True,
        "pred_velo": True,
        "dir_offset": 0.7854,
        "dir_limit_offset": 0,
        "group_reg_dims": groups,
        "cls_branch": (64,),
        "reg_branch": branches,
        "dir_branch": (32,),
        "attr_branch": (32,),
        "centerness_branch": (32,),
        "loss_cls": {
            "type": "mmdet.FocalLoss",
            "use_sigmoid": True,
            "gamma": 2.0,
            "alpha": 0.25,
            "loss_weight": 1.0,
        },
        "loss_bbox": {"type": "mmdet.SmoothL1Loss", "beta": 1.0 / 9.0, "loss_weight": 1.0},
        "loss_dir": {**entropy, "use_sigmoid": False},
        "loss_attr": {**entropy, "use_sigmoid": False, "loss_weight": 0.2},
        "loss_centerness": {**entropy, "use_sigmoid": True},
        "norm_on_bbox": True,
        "centerness_on_reg": True,
        "center_sampling": True,
        "conv_bias": True,
        "dcn_on_last_conv": False,
    }


def _training(iterations: int, *, rate: float) -> Part:
    warm = max(1, iterations // 20)
    return {
        "optim_wrapper": optimizer({"type": "AdamW", "lr": rate, "weight_decay": 0.01}),
        "param_scheduler": [
            {"type": "LinearLR", "start_factor": 0.05, "by_epoch": False, "begin": 0, "end": warm},
            {
                "type": "CosineAnnealingLR",
                "eta_min": 1e-5,
                "by_epoch": False,
                "begin": warm,
                "end": max(iterations, warm + 1),
                "T_max": max(iterations - warm, 1),
            },
        ],
    }
