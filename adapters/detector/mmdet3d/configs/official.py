"""The three detectors as mmdet3d ships them: its own model and optimizer, our data and schedule in iterations.

Their backbones begin from ImageNet weights, which mmengine downloads; where there is no network, set
`model.backbone.init_cfg.checkpoint` to a file. FCOS3D and PGD need mmcv with its compiled operations (deformable
convolutions). The learning rate changes at the shares of the training at which it does in theirs.
"""

from __future__ import annotations

from typing import Any

from mmdet3d.utils import register_all_modules
from mmengine.hub import get_config

from adapters.detector.mmdet3d.configs.data import Loading, Part, Splits, cameras, lidar

PICTURE_PX = (1600, 900)
EARLIER_SWEEPS = 9


def fcos3d(splits: Splits, iterations: int) -> Part:
    """FCOS3D, ResNet-101 with deformable convolutions: 12 epochs of 28,130 samples are 126,585 iterations."""
    published = _published("fcos3d/fcos3d_r101-caffe-dcn_fpn_head-gn_8xb2-1x_nus-mono3d.py")
    return (
        published
        | cameras(splits, picture_px=PICTURE_PX, loading=Loading(batch_size=16, workers=4))
        | _steps(iterations)
    )


def pgd(splits: Splits, iterations: int) -> Part:
    """PGD, ResNet-101 with deformable convolutions: 12 epochs of 28,130 samples are 63,293 iterations."""
    published = _published("pgd/pgd_r101-caffe_fpn_head-gn_16xb2-1x_nus-mono3d.py")
    return (
        published
        | cameras(splits, picture_px=PICTURE_PX, loading=Loading(batch_size=32, workers=4))
        | _steps(iterations)
    )


def centerpoint(splits: Splits, iterations: int) -> Part:
    """CenterPoint on pillars of 0.2 m, without pasted objects and class-balanced resampling."""
    published = _published("centerpoint/centerpoint_pillar02_second_secfpn_8xb4-cyclic-20e_nus-3d.py")
    range_m = published["model"]["data_preprocessor"]["voxel_layer"]["point_cloud_range"]
    data = lidar(
        splits, range_m=list(range_m), earlier_sweeps=EARLIER_SWEEPS, loading=Loading(batch_size=32, workers=4)
    )
    return published | data | _cycle(iterations, rate=published["optim_wrapper"]["optimizer"]["lr"])


def _published(name: str) -> dict[str, Any]:
    """Return model and optimizer of a config that comes with mmdet3d."""
    register_all_modules(init_default_scope=False)
    config = get_config(f"mmdet3d::{name}")
    return {key: config[key].to_dict() for key in ("model", "optim_wrapper")}


def _steps(iterations: int) -> Part:
    return {
        "param_scheduler": [
            {"type": "LinearLR", "start_factor": 1 / 3, "by_epoch": False, "begin": 0, "end": min(500, iterations)},
            {
                "type": "MultiStepLR",
                "by_epoch": False,
                "begin": 0,
                "end": iterations,
                "milestones": [iterations * 8 // 12, iterations * 11 // 12],
                "gamma": 0.1,
            },
        ]
    }


def _cycle(iterations: int, *, rate: float) -> Part:
    """Up to ten times the rate within two fifths, then down; the momentum the other way round."""
    top = max(1, iterations * 8 // 20)
    first, second = {"begin": 0, "end": top, "T_max": top}, {"begin": top, "end": iterations, "T_max": iterations - top}
    rates = [{"type": "CosineAnnealingLR", "by_epoch": False}] * 2
    momenta = [{"type": "CosineAnnealingMomentum", "by_epoch": False}] * 2
    ends = ((rate * 10, first), (rate * 1e-4, second)), ((0.85 / 0.95, first), (1.0, second))
    return {
        "param_scheduler": [
            {**kind, **when, "eta_min": to}
            for kinds, pair in zip((rates, momenta), ends, strict=True)
            for kind, (to, when) in zip(kinds, pair, strict=True)
        ]
    }
