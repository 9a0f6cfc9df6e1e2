"""Scores of resampled scenes, against the devkit itself."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from eval import matching
from eval.oracle import detection_truth
from eval.scoring import judged_detection, open_dataset, samples_of, scores_of
from eval.slices import _only


@pytest.fixture
def judged(exported):
    """Shaken ground truth as predictions: matches, and what the devkit says of them."""
    nusc = open_dataset(exported.dataset, "v1.0-synth")
    rng = np.random.default_rng(2)
    results = detection_truth(nusc, samples_of(nusc, "synth_all"))
    for boxes in results.values():
        for box in boxes:
            box["translation"] = (np.array(box["translation"]) + rng.normal(0.0, 0.9, 3)).tolist()
            box["velocity"] = (np.array(box["velocity"]) + rng.normal(0.0, 0.5, 2)).tolist()
            box["detection_score"] = float(rng.random())
    scenes = [scene["name"] for scene in nusc.scene]
    return judged_detection(
        nusc, "synth_all", results, ask=lambda judge: (matching.match(judge, scenes), scores_of(judge))
    )


def test_with_every_scene_once_scores_are_the_devkits_to_the_last_digit(judged) -> None:
    matches, devkit = judged
    scores = matching.score(matches, np.ones(1, dtype=np.int64))
    assert 0.1 < devkit.mean_ap < 0.95
    assert scores.mean_ap == pytest.approx(devkit.mean_ap, abs=1e-12)
    assert scores.nds == pytest.approx(devkit.nds, abs=1e-12)
    assert scores.ap_of == pytest.approx(devkit.ap_of, abs=1e-12)


def test_a_scene_drawn_twice_counts_twice_and_one_left_out_not_at_all(judged) -> None:
    matches, _ = judged
    one = {name: _with_second_scene(of) for name, of in matches.items()}
    alone = matching.score(matches, np.array([1]))
    assert matching.score(one, np.array([1, 0])).mean_ap == pytest.approx(alone.mean_ap)
    half = matching.score(one, np.array([1, 1]))
    assert half.mean_ap < alone.mean_ap, "the second scene has truths that nobody found"
    assert matching.score(one, np.array([1, 3])).mean_ap < half.mean_ap
    assert np.isnan(matching.score(matches, np.array([0])).mean_ap)


def _with_second_scene(matches: matching.ClassMatches) -> matching.ClassMatches:
    return dataclasses.replace(matches, truths=np.append(matches.truths, matches.truths[0]))


def test_matches_survive_the_disk(judged, tmp_path) -> None:
    matches, _ = judged
    matching.save(tmp_path / "matches.npz", matches)
    counts = np.ones(1, dtype=np.int64)
    assert matching.score(matching.load(tmp_path / "matches.npz"), counts) == matching.score(matches, counts)


def test_a_class_that_does_not_occur_changes_no_mean(exported) -> None:
    nusc = open_dataset(exported.dataset, "v1.0-synth")
    truth = detection_truth(nusc, samples_of(nusc, "synth_all"))
    scenes = [scene["name"] for scene in nusc.scene]

    def without_buses(judge):
        with _only(judge, lambda box: box.detection_name != "bus"):
            return matching.match(judge, scenes), scores_of(judge)

    for boxes in truth.values():
        for box in boxes:
            box["translation"] = [box["translation"][0] + 1.2, *box["translation"][1:]]
    matches, devkit = judged_detection(nusc, "synth_all", truth, ask=without_buses)
    assert "bus" not in devkit.classes
    assert devkit.errors["mATE"] == pytest.approx(1.2, abs=1e-3)
    assert devkit.nds == pytest.approx(matching.score(matches, np.ones(1, dtype=np.int64)).nds, abs=1e-12)
