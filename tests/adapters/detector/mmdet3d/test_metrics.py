"""The devkit's judgement through mmengine: perfection is 1, anything else is what the devkit itself says."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from nuscenes import NuScenes
from nuscenes.eval.common.config import config_factory
from nuscenes.eval.detection.evaluate import DetectionEval

from adapters.detector.mmdet3d.components import DevkitDetection, DevkitTracking, NuScenesRoots
from adapters.detector.mmdet3d.configs.data import CAMERA_CLASSES
from eval.scoring import open_dataset

WHERE = {"version": "v1.0-synth", "split": "synth_all"}


def perfect(made, **how) -> list[dict]:
    """Return the labels as if a detector had predicted them."""
    attributes = {row["token"]: row["attribute_tokens"] for row in made.table("sample_annotation")}
    name_of = {row["token"]: row["name"] for row in made.table("attribute")}
    from adapters.exporter.nuscenes.infos import ATTRIBUTES

    data = NuScenesRoots([made.source()], metainfo={"classes": CAMERA_CLASSES}, **how)
    samples = []
    for at in range(len(data)):
        entry = data.get_data_info(at)
        boxes = entry["ann_info"]
        known = boxes["gt_labels_3d"] >= 0
        labels = [
            ATTRIBUTES.index(name_of[attributes[token][0]] if attributes[token] else "None")
            for token in boxes["annotation_token"][known]
        ]
        samples.append(
            {
                "sample_token": entry["sample_token"],
                "world_SE3_sensor": entry["world_SE3_sensor"],
                "pred_instances_3d": {
                    "bboxes_3d": boxes["gt_bboxes_3d"][torch.from_numpy(known)],
                    "labels_3d": torch.from_numpy(boxes["gt_labels_3d"][known]),
                    "scores_3d": torch.linspace(0.9, 0.8, int(known.sum())),
                    "attr_labels": torch.tensor(labels),
                },
            }
        )
    return samples


def judged(metric, samples: list[dict]) -> dict[str, float]:
    metric.dataset_meta = {"classes": CAMERA_CLASSES}
    metric.process(None, samples)
    return metric.evaluate(len(samples))


@pytest.mark.parametrize(
    "how",
    [
        {"modality": {"use_lidar": True}},
        {"load_type": "mv_image_based", "box_type_3d": "Camera", "modality": {"use_camera": True}},
    ],
    ids=["lidar", "cameras"],
)
def test_perfect_predictions_score_1(made, how) -> None:
    samples = perfect(made, **how)
    found = judged(DevkitDetection(root=str(made.root), slices=True, **WHERE), samples)
    assert found["detection/mAP"] == pytest.approx(1.0, abs=1e-6)
    assert found["detection/NDS"] == pytest.approx(1.0, abs=5e-3)
    assert found["detection/car/AP"] == pytest.approx(1.0)
    assert found["detection/distance:35-50m/mAP"] == pytest.approx(1.0)
    tracked = judged(DevkitTracking(root=str(made.root), **WHERE), samples)
    assert tracked["tracking/AMOTA"] == pytest.approx(1.0, abs=0.01)
    assert tracked["tracking/IDS"] == 0


def test_shaken_predictions_score_what_the_devkit_says(made, tmp_path) -> None:
    samples = perfect(made, modality={"use_lidar": True})
    rng = np.random.default_rng(5)
    for sample in samples:
        found = sample["pred_instances_3d"]
        shift = torch.from_numpy(rng.normal(0.0, 1.0, (len(found["labels_3d"]), 3))).float()
        found["bboxes_3d"].tensor[:, :3] += shift
        found["scores_3d"] = torch.from_numpy(rng.random(len(found["labels_3d"])))
        found["labels_3d"] = found["labels_3d"][torch.from_numpy(rng.permutation(len(found["labels_3d"])))]
    path = tmp_path / "results.json"
    numbers = judged(DevkitDetection(root=str(made.root), submission=str(path), **WHERE), samples)
    nusc = NuScenes("v1.0-synth", str(made.root), verbose=False)
    judge = DetectionEval(
        nusc,
        config_factory("detection_cvpr_2019"),
        str(path),
        "synth_all",
        output_dir=str(tmp_path / "out"),
        verbose=False,
    )
    metrics, _ = judge.evaluate()
    assert 0.0 < metrics.mean_ap < 0.9
    assert numbers["detection/devkit_mAP"] == pytest.approx(metrics.mean_ap, abs=1e-12)
    assert numbers["detection/car/AP"] == pytest.approx(metrics.mean_dist_aps["car"], abs=1e-12)


def test_nothing_predicted_is_no_score_and_missing_samples_are_empty(made, tmp_path) -> None:
    samples = perfect(made, modality={"use_lidar": True})
    empty = [
        {**sample, "pred_instances_3d": {k: v[:0] for k, v in sample["pred_instances_3d"].items()}}
        for sample in samples
    ]
    assert judged(DevkitDetection(root=str(made.root), **WHERE), empty) == {"detection/boxes": 0.0}
    assert judged(DevkitTracking(root=str(made.root), **WHERE), empty) == {"tracking/boxes": 0.0}
    path = tmp_path / "results.json"
    judged(DevkitDetection(root=str(made.root), submission=str(path), **WHERE), samples[:1])
    written = json.loads(path.read_text())["results"]
    assert sorted(written) == sorted(row["token"] for row in open_dataset(made.root, "v1.0-synth").sample)
    assert sum(bool(boxes) for boxes in written.values()) == 1
