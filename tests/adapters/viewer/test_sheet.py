"""Contact sheets of a run."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from adapters.viewer.sheet import Settings, build
from datagen.errors import DatasetError


def test_every_scene_has_a_sheet_with_colours_of_its_pictures_and_boxes(run_folder):
    folder = build(Settings()).show(run_folder)
    sheets = sorted(folder.glob("*.png"))
    assert [sheet.stem for sheet in sheets] == ["scene-2001", "scene-2002"]
    night, day = (np.asarray(Image.open(sheet).convert("RGB")).astype(float) for sheet in sheets)
    assert night.shape[1] == 6 * 224
    views = slice(30, 400)
    assert night[views].mean() < day[views].mean()
    orange = np.abs(day - [255, 158, 0]).sum(axis=-1) < 90
    assert orange.sum() > 50, "cars' boxes are drawn in the devkit's colour"


def test_without_a_dataset_there_is_nothing_to_draw(tmp_path):
    with pytest.raises(DatasetError, match="finish the run first"):
        build(Settings()).show(tmp_path)
