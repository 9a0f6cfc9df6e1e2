"""What the judge said of a box is found under the box's token; where it said nothing, there is nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from nuscenes.nuscenes import NuScenes

from adapters.exporter.nuscenes import NuScenesExporter

VERSION = "v1.0-synth"


@pytest.fixture
def judged(make_clip, exporter: NuScenesExporter, tmp_path) -> Path:
    """A dataset of two clips: of the first, every other box was judged, of the second none was."""
    fragments = []
    for index in range(2):
        clip, labels = make_clip(index)
        if index == 0:
            labels = [replace(label, trust=i / 100) if i % 2 else label for i, label in enumerate(labels)]
        fragments.append(clip.folder.parent / "fragment")
        fragments[-1].mkdir()
        exporter.write_fragment(clip, labels=labels, folder=fragments[-1])
    exporter.merge(fragments, tmp_path / "judged")
    return tmp_path / "judged"


def test_trust_stands_under_the_token_of_its_annotation(judged: Path) -> None:
    nusc = NuScenes(VERSION, str(judged), verbose=False)
    rows = pq.read_table(judged / VERSION / "judge.parquet").to_pylist()
    first = [row for row in nusc.sample_annotation if nusc.get("sample", row["sample_token"])["scene_token"]]
    assert 0 < len(rows) < len(first)
    for row in rows:
        box = nusc.get("sample_annotation", row["token"])
        assert (box["sample_token"], box["instance_token"]) == (row["sample_token"], row["instance_token"])
    trust = json.loads((judged / VERSION / "trust.json").read_text(encoding="utf-8"))
    assert trust == {row["token"]: pytest.approx(row["trust"]) for row in rows}
    assert sorted(trust.values()) == [i / 100 for i in range(1, 2 * len(rows), 2)]


def test_a_dataset_that_nobody_judged_has_no_sidecar(dataset: Path) -> None:
    assert not (dataset / VERSION / "judge.parquet").exists()
    assert not (dataset / VERSION / "trust.json").exists()
