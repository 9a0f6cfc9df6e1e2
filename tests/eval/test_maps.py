"""Measuring maps: figures one can check by hand, and the true map scores best."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from datagen.roads.canvas import Canvas, square_canvas
from datagen.roads.furnish import furnished
from datagen.roads.raster import Track, draw_map, draw_traffic
from datagen.roads.reference import reference_road
from datagen.scene import Category, HDMap, Place
from datagen.scene.line import Line
from datagen.scene.plan import PlanRoad
from eval import maps


@dataclass(frozen=True)
class Window:
    """What a sample has."""

    hdmap: HDMap
    canvas: Canvas
    tracks: tuple[Track, ...]

    @property
    def truth(self) -> np.ndarray:
        """The true map's raster."""
        return draw_map(self.hdmap, self.canvas)

    @property
    def traffic(self) -> np.ndarray:
        """The tracks' raster."""
        return draw_traffic(self.tracks, self.canvas)


@pytest.fixture(scope="module")
def window() -> Window:
    """Somebody who drives straight through a crossroads."""
    rng = np.random.default_rng(1)
    wish = PlanRoad(lanes=2, junction=True, crossing=True)
    hdmap = furnished(reference_road(wish, place=Place.DOWNTOWN, length_m=260.0, rng=rng))
    line = Line(next(lane for lane in hdmap.lanes if lane.id == "w-f0").center_m)
    xy, yaw = line.at(np.arange(line.length_m - 30.0, line.length_m + 30.0, 0.8))
    car = Track(category=Category.CAR, size_lw_m=(4.6, 1.9), xy_m=xy, yaw_rad=yaw, speed_mps=np.full(len(xy), 8.0))
    return Window(hdmap, square_canvas(xy[len(xy) // 2], float(yaw[0]), pixels=256), (car,))


def test_f1_counts_what_lies_within_a_metre() -> None:
    truth, other = np.zeros((6, 64, 64), dtype=np.float32), np.zeros((6, 64, 64), dtype=np.float32)
    truth[0, 20] = 1.0
    other[0, 22] = 1.0  # 0.8 m away: found
    assert maps.f1_of(truth, other, m_per_px=0.4) == {"boundary": 1.0}
    other[0, 40] = 1.0  # and one that is not there: precision 1/2, recall 1
    assert maps.f1_of(truth, other, m_per_px=0.4)["boundary"] == pytest.approx(2 / 3)
    assert maps.f1_of(truth, np.zeros_like(truth), m_per_px=0.4) == {"boundary": 0.0}


def test_a_card_holds_the_figures_of_every_place_and_of_one_model(tmp_path: Path) -> None:
    card, weights = tmp_path / "card.json", tmp_path / "w.safetensors"

    def write(place: str, f1: float) -> dict[str, Any]:
        score = maps.MapScores(
            samples=2, f1=(f1, 0, 1), by_channel={}, lawful=(0.5, 0, 1), lawful_maps=0, connected=0, width_m=0,
            curvature_per_m=0,
        )  # fmt: skip
        maps.write_card(card, place, scores={"diffusion": score, "straight": score}, weights=weights, steps=8)
        said: dict[str, Any] = json.loads(card.read_text(encoding="utf-8"))
        return said

    weights.write_bytes(b"one")
    write("sumo", 0.7)
    both = write("boston-roads", 0.4)
    assert (both["sumo"]["f1"], both["boston-roads"]["f1"], both["sumo"]["lawful_straight"]) == (0.7, 0.4, 0.5)
    weights.write_bytes(b"other")
    assert "sumo" not in write("boston-roads", 0.4)


def test_the_truth_beats_a_straight_street_at_a_crossroads(window: Window) -> None:
    truth = maps.draw(window, lambda sample, traffic: sample.truth)
    straight = maps.draw(window, lambda sample, traffic: maps._straight(256))
    assert min(truth.f1.values()) > 0.97
    assert truth.law.lawful, truth.law.reasons
    assert straight.f1["boundary"] < 0.9
    scores = {
        name: maps.scores_of([drawn], truth=[truth]) for name, drawn in (("truth", truth), ("straight", straight))
    }
    assert scores["truth"].width_m == scores["truth"].curvature_per_m == 0.0
    assert scores["truth"].f1[0] > scores["straight"].f1[0]
    assert "straight" in maps.table(scores)
