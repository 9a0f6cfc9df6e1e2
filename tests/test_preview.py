"""One prompt without a run: the plan in words, the scene that passes the gates, the animation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from datagen import cli, preview
from datagen.birdseye import SIZE_PX
from datagen.errors import InputError

TEXT = "rain, dusk, a white van cuts in from the left, then brakes hard"


def test_a_plan_is_printed_with_what_it_leaves_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["plan", f"{TEXT}, and a dragon at 900 km/h"]) == 0
    said = capsys.readouterr().out
    assert "scene    rain, dusk, downtown; traffic normal" in said
    assert "actor    white car (van): cut in left, then brake hard" in said
    assert "left out dragon" in said
    assert "left out 900 km/h" in said


def test_the_scene_is_drawn_with_the_event_marked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "plan.gif"
    assert cli.main(["plan", TEXT, "--scene", "--out", str(out), "--seconds", "6"]) == 0
    assert "passed every gate" in capsys.readouterr().out
    with Image.open(out) as film:
        assert film.n_frames == 31
        assert film.size == SIZE_PX
        film.seek(20)
        pixels = np.asarray(film.convert("RGB")).astype(int)
    for color in ((236, 112, 20), (38, 98, 214)):
        assert (np.abs(pixels - color).sum(-1) < 30).sum() > 100, "the event is orange, the ego blue"


def test_left_of_the_ego_is_above_it_in_the_picture() -> None:
    planner = preview.planner_of("rules")
    prompt, plan, _ = preview.plan_text(TEXT, planner=planner, seed=0, duration_s=6.0)
    scene = preview.stage(prompt, plan).scene
    assert scene is not None
    from datagen.birdseye import _View

    start = scene.ego.pose_at(scene.ego.start_us)
    left = start.transform(np.array([[0.0, 5.0, 0.0]]))[:, :2]
    view = _View(scene.ego, scene.ego.start_us)
    ((x, y),), ((ego_x, ego_y),) = view.px(left), view.px(start.transform(np.zeros((1, 3)))[:, :2])
    assert (x - ego_x, y - ego_y) == pytest.approx((0.0, -30.0), abs=1e-6)


def test_a_wrong_planner_or_setting_is_answered_with_what_there_is() -> None:
    with pytest.raises(InputError, match=r"no planner adapter 'ruels'; there are: .*rules"):
        preview.planner_of("ruels")
    with pytest.raises(InputError, match="planner openai: model: Field required"):
        preview.planner_of("openai")
    with pytest.raises(InputError, match="write KEY=VALUE"):
        preview.planner_of("openai", ["model"])
