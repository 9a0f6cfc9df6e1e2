"""FID and FVD on altered films of the same drives: the more is wrong, the farther from real."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from datagen.errors import DatasetError, InputError
from eval import __main__ as command_line
from eval import fidelity as measurement
from eval.clips import clips_of, paired
from eval.features import extracted, image_features, video_features
from eval.fidelity import Protocol, fidelity


@pytest.fixture
def protocol(some_videofeatures: Path) -> Protocol:
    return Protocol(frames=slice(0, 4), length=4, resamples=8, i3d=some_videofeatures)


def blurred(sigma: float):
    return lambda image: cv2.GaussianBlur(image, (0, 0), sigma)


def noisy(image: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(int(image.sum()))
    return np.clip(image + 40 * rng.standard_normal(image.shape), 0, 255).astype(np.uint8)


def test_pictures_score_worse_the_more_they_are_spoilt(film, protocol: Protocol) -> None:
    real = film()
    films = {"same": film(np.copy), "soft": film(blurred(1.0)), "blurred": film(blurred(3.0)), "noisy": film(noisy)}
    found = fidelity(real, films, protocol=protocol)
    fid = {row.name: row for row in found.fid}
    fvd = {row.name: row for row in found.fvd}
    assert fid["same"].measured.value == pytest.approx(0.0, abs=1e-6)
    assert fid["same"].halves == pytest.approx(fid["same"].floor)
    for rows in (fid, fvd):
        assert rows["same"].measured.value < rows["soft"].measured.value < rows["blurred"].measured.value
        assert rows["noisy"].measured.value > rows["soft"].measured.value
    assert fid["blurred"].measured.samples == 2 * 6 * 4
    assert fvd["blurred"].measured.samples == 2 * 6
    figures = found.figures()
    assert {"fid_blurred", "fvd_blurred", "fid_floor", "fvd_floor", "fid_blurred_interval"} <= figures.keys()
    assert len(figures["protocol"]["clip_list_sha256"]) == 64
    assert "efficientnet-lite0" in str(found)
    assert json.loads(json.dumps(figures)) == figures


def test_films_pair_with_the_drive_they_show(film) -> None:
    real, other = clips_of(film()), clips_of(film(blurred(1.0)))
    assert [(one.name, two.name) for one, two in paired(real, list(reversed(other)))] == [
        (clip.name, clip.name) for clip in reversed(real)
    ]


def test_a_rate_the_cameras_do_not_reach_is_refused(film, protocol: Protocol) -> None:
    with pytest.raises(DatasetError, match=r"films at 4\.0 Hz, not at 12; lower --rate"):
        clips_of(film())[0].at_rate(12.0, slice(0, 8))


def test_too_short_clips_are_refused_with_the_remedy(film, protocol: Protocol, some_videofeatures: Path) -> None:
    with pytest.raises(DatasetError, match="only 4 frames from here on, videos have 8; lower --length"):
        real = film()
        fidelity(real, {"film": real}, protocol=Protocol(i3d=some_videofeatures))


def test_the_command_line_prints_and_writes(film, some_videofeatures, tmp_path, capsys) -> None:
    real, out = str(film()), tmp_path / "figures.json"
    options = ["--frames", "0:4", "--length", "4", "--resamples", "4", "--i3d", str(some_videofeatures), "--drift"]
    assert (
        command_line.main(["fidelity", real, f"dark={film(lambda image: image // 3)}", *options, "--json", str(out)])
        == 0
    )
    assert "FID [95 %]" in capsys.readouterr().out
    figures = json.loads(out.read_text(encoding="utf-8"))
    assert figures["fid_dark"] > 0 and figures["fid_drift_dark"] > 0


def test_two_films_of_one_name_are_refused() -> None:
    with pytest.raises(InputError, match="same name"):
        measurement.named(["a=x", "a=y"])


class Mean(nn.Module):
    """As the TorchScript Inception: pictures of 0 to 255 in, features out."""

    def forward(self, pictures: torch.Tensor, return_features: bool = False) -> torch.Tensor:
        return pictures.float().mean(dim=(2, 3))


def test_standard_features_come_from_a_torchscript_file(tmp_path: Path) -> None:
    path = tmp_path / "inception.pt"
    torch.jit.script(Mean()).save(str(path))
    features = image_features(path)
    assert "inception.pt" in features.name
    assert np.allclose(extracted(features, [torch.full((3, 9, 7), 8, dtype=torch.uint8)]), 8.0)
    broken = tmp_path / "other.pt"
    broken.write_bytes(b"no script")
    with pytest.raises(InputError, match="no TorchScript module"):
        video_features(broken)
