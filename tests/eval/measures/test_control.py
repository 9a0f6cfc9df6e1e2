"""Control: films that show what their labels say score as real ones do; spoilt ones score less."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from eval import __main__ as command_line
from eval.constancy import Diary, overlaps
from eval.control import Protocol, control
from eval.sights import moments_of, scenes_of


def dark_every_other(image: np.ndarray) -> np.ndarray:
    """Darken half of the pictures, as if things could not hold their colours."""
    return image // 3 if int(image.astype(np.int64).sum()) % 2 else image


def shifted(image: np.ndarray) -> np.ndarray:
    return np.roll(image, 24, axis=1)


def test_the_same_pictures_score_the_same_whatever_looks_at_them(film, blind: Path) -> None:
    real = film()
    found = control(real, film(np.copy), protocol=Protocol(perception=blind, resamples=5))
    ratios = [line.ratio for line in found.lines if line.real > 0]
    assert ratios and ratios == [1.0] * len(ratios)
    assert all(one == pytest.approx(two, nan_ok=True) for key, (one, two) in found.constancy.items())
    assert "each against the real pictures of itself" in found.protocol["scenes"]


def test_colours_that_do_not_hold_are_measured(film, blind: Path) -> None:
    found = control(film(), film(dark_every_other), protocol=Protocol(perception=blind, resamples=2))
    for key in ("color_over_time", "color_across_views", "overlap"):
        real, generated = found.constancy[key]
        assert generated > 1.3 * real, key
    assert found.constancy["color_from_real"][1] > 5


def test_two_films_of_a_scene_differ_where_they_were_altered(film, blind: Path) -> None:
    def sky(image: np.ndarray) -> np.ndarray:
        altered = image.copy()
        altered[:40] = 255 - altered[:40]
        return altered

    one, two = film(), film(sky)
    found = control(one, one, again=two, protocol=Protocol(perception=blind, resamples=2, scenes=1))
    assert found.diversity["diversity_free"] > 2 * found.diversity["diversity_asked"]


def test_what_two_cameras_share_looks_alike_in_real_pictures_and_not_when_one_is_shifted(film) -> None:
    (recorded,) = [next(scenes_of(film(), version=None, names=["scene-2001"]))]
    moment = next(moments_of([recorded]))
    small = moment.small(0).numpy()
    seen = overlaps(moment, small)
    assert len(seen) >= 2
    other = small.copy()
    other[::2] = 1 - other[::2]
    assert np.mean(overlaps(moment, other)) > 3 * np.mean(seen)


def test_a_diary_of_one_moment_has_nothing_over_time(film) -> None:
    (recorded,) = [next(scenes_of(film(), version=None, names=["scene-2001"]))]
    diary = Diary()
    diary.add(next(moments_of([recorded])), 0, frame=0, features=np.ones((6, 4, 32, 56), dtype=np.float32))
    assert diary.sightings and diary.over_time() == [] and diary.recognised() == []


def test_the_command_line_prints_and_writes(film, blind, tmp_path, capsys) -> None:
    real, out = str(film()), tmp_path / "control.json"
    options = ["--perception", str(blind), "--resamples", "2", "--scenes", "1", "--json", str(out)]
    assert command_line.main(["control", real, real, *options]) == 0
    assert "ratio [95 %]" in capsys.readouterr().out
    figures = json.loads(out.read_text(encoding="utf-8"))
    assert {"control_ratio_vehicle", "control_ratio_person", "ambience_accuracy"} <= figures.keys()


def test_the_network_that_ships_scores_spoilt_pictures_less(film) -> None:
    real = film()
    usual = Protocol(resamples=2)
    ratios = []
    for alter in (
        lambda image: cv2.GaussianBlur(image, (0, 0), 1.5),
        lambda image: cv2.GaussianBlur(image, (0, 0), 5.0),
    ):
        lines = {line.key: line for line in control(real, film(alter), protocol=usual).lines}
        ratios.append(lines["vehicle"].ratio)
    moved = {line.key: line for line in control(real, film(shifted), protocol=usual).lines}
    assert 1 > ratios[0] > ratios[1]
    assert moved["vehicle"].ratio < 0.8


def test_days_that_are_filmed_dark_are_told_with_what_they_were_taken_for(film) -> None:
    def dark(image: np.ndarray) -> np.ndarray:
        return image // 5

    usual = Protocol(resamples=2)
    assert control(film(), film(np.copy), protocol=usual).mistaken == {}
    found = control(film(), film(dark), protocol=usual)
    day = [which for which in found.mistaken if which.startswith("clear, day taken for ")]
    assert len(day) == 1 and day[0].endswith(", night") and f"1 ×: {day[0]}" in str(found)
    assert found.figures()["ambience_mistaken"] == found.mistaken
