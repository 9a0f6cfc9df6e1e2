"""What a log tells of a track's look."""

import pytest

from adapters.scene.nuscenes.looks import told_look
from datagen.scene import Category, Look


def test_a_row_of_ours_tells_the_look() -> None:
    row = {"token": "t", "look": {"color_rgb": [0.9, 0, 0.25], "kind": "van"}}
    assert told_look(row, Category.CAR) == Look(color_rgb=(0.9, 0.0, 0.25), kind="van")


@pytest.mark.parametrize(
    "look",
    [
        None,
        "red",
        {"color_rgb": [1, 1, 1]},
        {"color_rgb": [2, 0, 0], "kind": "van"},
        {"color_rgb": [1, 0], "kind": "van"},
        {"color_rgb": [0, 0, 0], "kind": "dragon"},
    ],
)
def test_anything_else_tells_nothing(look: object) -> None:
    assert told_look({"token": "t", "look": look}, Category.CAR) is None
