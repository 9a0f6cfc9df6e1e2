"""Two cars on a road, followed by hand."""

from __future__ import annotations

from typing import Any

from eval.tracker import track


def box(x_m: float, y_m: float = 0.0, *, vx_mps: float = 0.0, name: str = "car", score: float = 0.9) -> dict[str, Any]:
    return {
        "sample_token": "s",
        "translation": [x_m, y_m, 0.0],
        "size": [2.0, 4.0, 1.5],
        "rotation": [1.0, 0.0, 0.0, 0.0],
        "velocity": [vx_mps, 0.0],
        "detection_name": name,
        "detection_score": score,
    }


def ids(frames: list[tuple[float, list[dict[str, Any]]]]) -> list[list[str]]:
    return [[row["tracking_id"] for row in rows] for rows in track(frames)]


def test_two_cars_that_pass_each_other_keep_their_names() -> None:
    """At 0.5 s both are at x = 5; by place alone each would take the other's name."""
    frames = [
        (0.0, [box(0.0, vx_mps=10.0), box(10.0, 2.0, vx_mps=-10.0, score=0.8)]),
        (0.5, [box(5.0, vx_mps=10.0), box(5.0, 2.0, vx_mps=-10.0, score=0.8)]),
        (1.0, [box(10.0, vx_mps=10.0), box(0.0, 2.0, vx_mps=-10.0, score=0.8)]),
    ]
    assert ids(frames) == [["0", "1"]] * 3
    swapped = [(time_s, boxes[::-1]) for time_s, boxes in frames]
    assert ids(swapped) == [["0", "1"]] * 3


def test_the_more_confident_box_takes_the_closest_track() -> None:
    frames = [(0.0, [box(0.0)]), (0.5, [box(1.0, score=0.5), box(2.0, score=0.9)])]
    assert ids(frames) == [["0"], ["0", "1"]]
    assert [row["translation"][0] for row in track(frames)[1]] == [2.0, 1.0]


def test_a_track_outlives_three_frames_without_a_box_moving_on_and_no_more() -> None:
    def gap(frames_without: int) -> list[list[str]]:
        silent = [(0.5 * at, []) for at in range(1, frames_without + 1)]
        last_s = 0.5 * (frames_without + 1)
        return ids([(0.0, [box(0.0, vx_mps=8.0)]), *silent, (last_s, [box(8.0 * last_s, vx_mps=8.0)])])

    assert gap(3)[-1] == ["0"]
    assert gap(4)[-1] == ["1"]


def test_another_class_or_a_place_beyond_reach_begins_a_track_and_cones_are_not_tracked() -> None:
    assert ids([(0.0, [box(0.0)]), (0.5, [box(0.0, name="truck")])])[1] == ["1"]
    assert ids([(0.0, [box(0.0)]), (0.5, [box(4.1)])])[1] == ["1"]
    assert ids([(0.0, [box(0.0)]), (0.5, [box(3.9)])])[1] == ["0"]
    assert ids([(0.0, [box(0.0, name="traffic_cone")])]) == [[]]
