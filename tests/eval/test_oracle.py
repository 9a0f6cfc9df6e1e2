"""What perfection scores, by the devkit's own judges."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from adapters.exporter.nuscenes import taxonomy
from adapters.exporter.nuscenes.tokens import sample_token, token_of
from datagen.errors import DatasetError
from datagen.scene import Label
from eval import __main__ as command_line
from eval.oracle import oracle
from eval.scoring import open_dataset, samples_of, score_detection, score_tracking


def submission(exported, labels: list[Label]) -> dict[str, list[dict]]:
    """Return labels, not the dataset's rows, as boxes for both tasks."""
    clip = exported.clip
    results = {sample_token(clip.id, int(frame)): [] for frame in clip.timeline.keyframes}
    for label in labels:
        name = taxonomy.DETECTION_NAMES.get(label.category)
        length, width, height = label.size_lwh_m
        token = sample_token(clip.id, label.frame)
        if name and label.lidar_points:
            results[token].append(
                {
                    "sample_token": token,
                    "translation": label.world_SE3_box.translation_m.tolist(),
                    "size": [width, length, height],
                    "rotation": label.world_SE3_box.quat_wxyz.tolist(),
                    "velocity": list(label.velocity_mps),
                    "detection_name": name,
                    "detection_score": 1.0,
                    "attribute_name": taxonomy.ATTRIBUTE_NAMES[label.attribute] if label.attribute else "",
                    "tracking_name": name,
                    "tracking_id": label.actor_id,
                    "tracking_score": 1.0,
                }
            )
    return results


def for_tracking(results):
    untracked = {"construction_vehicle", "traffic_cone", "barrier"}
    return {token: [box for box in boxes if box["tracking_name"] not in untracked] for token, boxes in results.items()}


def test_a_dataset_s_ground_truth_scores_what_perfection_scores(exported):
    scores = oracle(exported.dataset)
    assert len(scores.detection.classes) == 10, "the street has one actor of every class"
    assert len(scores.tracking.classes) == 7
    assert scores.detection.mean_ap >= 0.99
    assert scores.detection.nds >= 0.99
    assert scores.detection.devkit_mean_ap == scores.detection.mean_ap, "nothing is absent"
    assert scores.detection.devkit_nds == scores.detection.nds
    assert scores.detection.errors == pytest.approx(dict.fromkeys(scores.detection.errors, 0.0), abs=1e-3)
    assert scores.tracking.amota >= 0.99
    assert scores.tracking.switches == 0
    assert scores.passed


def test_the_labels_themselves_score_perfectly_on_the_dataset(exported):
    nusc = open_dataset(exported.dataset, "v1.0-synth")
    results = submission(exported, exported.labels)
    detection = score_detection(nusc, "synth_all", results)
    assert detection.mean_ap >= 0.99
    assert detection.nds >= 0.99
    assert detection.errors["mAVE"] < 1e-3, "the labels' velocities are those of the devkit's own difference"
    assert detection.errors["mAAE"] == 0.0
    assert score_tracking(nusc, "synth_all", for_tracking(results)).amota >= 0.99


def test_wrong_velocities_attributes_and_sizes_are_told_apart(exported):
    nusc = open_dataset(exported.dataset, "v1.0-synth")
    doubled = [replace(label, velocity_mps=(2 * label.velocity_mps[0], 0.0)) for label in exported.labels]
    assert score_detection(nusc, "synth_all", submission(exported, doubled)).errors["mAVE"] > 1.0
    turned = [replace(label, size_lwh_m=(*label.size_lwh_m[1::-1], label.size_lwh_m[2])) for label in exported.labels]
    assert score_detection(nusc, "synth_all", submission(exported, turned)).errors["mASE"] > 0.3
    bare = [replace(label, attribute=None) for label in exported.labels]
    assert score_detection(nusc, "synth_all", submission(exported, bare)).errors["mAAE"] > 0.9


def test_swapped_tracks_are_identity_switches(exported):
    nusc = open_dataset(exported.dataset, "v1.0-synth")
    swap = {"van": "parked", "parked": "van"}
    late = [
        replace(label, actor_id=swap.get(label.actor_id, label.actor_id)) if label.frame >= 5 else label
        for label in exported.labels
    ]
    scores = score_tracking(nusc, "synth_all", for_tracking(submission(exported, late)))
    assert scores.switches == 2
    assert scores.amota_of["car"] < 0.99


def test_annotated_instances_are_the_actors(exported):
    nusc = open_dataset(exported.dataset, "v1.0-synth")
    actors = {token_of("instance", exported.clip.id, actor.id) for actor in exported.clip.scene.actors}
    assert {row["token"] for row in nusc.instance} <= actors


def test_what_is_not_there_is_named_with_what_is(exported, tmp_path):
    with pytest.raises(DatasetError, match=r"no version 'v2'; there are: v1\.0-synth"):
        oracle(exported.dataset, version="v2")
    with pytest.raises(DatasetError, match="nosuch"):
        oracle(exported.dataset, split="nosuch")
    with pytest.raises(DatasetError, match="there are: none"):
        oracle(tmp_path)


def test_nothing_predicted_is_said_and_not_scored(exported):
    nusc = open_dataset(exported.dataset, "v1.0-synth")
    empty = {token: [] for token in samples_of(nusc, "synth_all")}
    with pytest.raises(DatasetError, match="nothing was predicted"):
        score_detection(nusc, "synth_all", empty)


def test_the_command_line_prints_the_protocol_and_tells_by_its_exit_code(exported, capsys, monkeypatch):
    assert command_line.main(["oracle", str(exported.dataset)]) == 0
    said = capsys.readouterr().out
    assert "detection_cvpr_2019" in said
    assert "mAP 1.0000" in said
    assert "split synth_all, 10 samples" in said
    monkeypatch.setattr("eval.oracle.PERFECT", 1.1)
    assert command_line.main(["oracle", str(exported.dataset)]) == 1
    assert command_line.main(["oracle", str(exported.dataset), "--split", "nosuch"]) == 2
    assert "nosuch" in capsys.readouterr().err


def test_real_nuscenes_scores_what_perfection_scores(nuscenes_mini: Path):
    scores = oracle(nuscenes_mini, version="v1.0-mini", split="mini_val")
    assert scores.passed
    assert len(scores.detection.classes) == 7, "no trailer, construction vehicle or barrier is in range"
    assert scores.detection.devkit_mean_ap == pytest.approx(0.7)
