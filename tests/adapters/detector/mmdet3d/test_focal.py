"""Depth is learnt as one lens sees it, and boxes are predicted where they are seen, whatever lens and size."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mmdet3d.registry import MODELS
from mmengine.runner import Runner

from adapters.detector.mmdet3d.components import register
from adapters.detector.mmdet3d.configs import Splits, config_of
from adapters.detector.mmdet3d.focal import directions

LOW = ("model.test_cfg.score_thr=0.0", "model.test_cfg.nms_pre=10", "model.test_cfg.max_per_img=10")


@pytest.fixture
def config(made):
    """Of pictures of 112x64, which the detector enlarges to 224x128."""
    torch.set_num_threads(1)
    register()
    return config_of(
        "fcos3d_small", Splits(training=[made.source()], validation=made.source()), iterations=1, options=LOW
    )


def test_depths_are_taught_as_a_lens_of_177_pixels_sees_them(config) -> None:
    data = Runner.build_dataloader(config.train_dataloader).dataset
    lenses = set()
    for entry in range(len(data)):
        sample = data[entry]["data_samples"]
        focal_px = sample.metainfo["cam2img"][0][0]
        truth = sample.gt_instances_3d
        np.testing.assert_allclose(truth.depths, truth.bboxes_3d.tensor[:, 2] * 177.0 / focal_px, rtol=1e-4)
        lenses.add(round(float(focal_px)))
    assert min(lenses) == 113
    assert {176, 177} >= lenses - {113}


def test_boxes_are_predicted_where_they_are_seen_and_as_far_as_the_lens_says(config) -> None:
    torch.manual_seed(0)
    network = MODELS.build(config.model).eval()
    network.init_weights()
    rear_seen = 0
    for batch in Runner.build_dataloader(config.test_dataloader):
        with torch.no_grad():
            found = network.test_step(batch)
        for sample in found:
            cam2img = torch.as_tensor(np.array(sample.metainfo["cam2img"]), dtype=torch.float32)[:3, :3]
            centers = sample.pred_instances_3d.bboxes_3d.gravity_center
            assert len(centers) == 10
            seen = centers @ cam2img.T
            u, v = (seen[:, :2] / seen[:, 2:]).T
            assert ((u > -16) & (u < 240) & (v > -16) & (v < 144)).all()
            assert max(float(u.max()) / 224, float(v.max()) / 128) > 0.3
            # an untrained network says the mean depth, 24 m, of a lens of 177 px
            assert centers[:, 2].numpy() == pytest.approx(24.0 * float(cam2img[0, 0]) / 177.0, rel=0.25)
            rear_seen += sample.metainfo["channel"] == "CAM_BACK"
    assert rear_seen == 3


def test_a_cell_is_told_the_direction_of_its_middle_in_tenths() -> None:
    cam2img = np.array([[[10.0, 0.0, 16.0], [0.0, 20.0, 8.0], [0.0, 0.0, 1.0]]])
    x, y = directions(torch.zeros(1, 1, 2, 4), cam2img, stride_px=8.0)[0]
    np.testing.assert_allclose(x, [[-12.0, -4.0, 4.0, 12.0]] * 2, rtol=1e-6)
    np.testing.assert_allclose(y, [[-2.0] * 4, [2.0] * 4], rtol=1e-6)
