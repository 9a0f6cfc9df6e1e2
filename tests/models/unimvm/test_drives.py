"""Prepared drives: packed small, read back as they were."""

from __future__ import annotations

import pytest
import torch

from datagen.errors import InputError
from datagen.models import weights
from datagen.models.unimvm.drives import (
    Drives,
    packed_boxes,
    packed_lines,
    read_drive,
    unpacked_boxes,
    unpacked_lines,
    write_drive,
)
from datagen.models.unimvm.spec import TINY


def test_a_box_canvas_with_one_owner_per_pixel_is_one_byte_and_comes_back():
    canvas = torch.zeros(1, 1, 11, 2, 3, dtype=torch.uint8)
    canvas[0, 0, 0, 0, 0], canvas[0, 0, 7, 0, 1], canvas[0, 0, 10, 1, 2] = 204, 255, 204
    code = packed_boxes(canvas)
    assert code[0, 0].tolist() == [[1, 16, 0], [0, 0, 21]]
    assert torch.equal(unpacked_boxes(code, classes=11), canvas)


def test_lines_keep_their_strength_to_a_sixth():
    canvas = torch.arange(256, dtype=torch.uint8).repeat(3, 1).reshape(1, 1, 3, 16, 16)
    canvas[:, :, 1] = canvas[:, :, 1].flip(-1)
    back = unpacked_lines(packed_lines(canvas))
    assert (back.int() - canvas.int()).abs().max() <= 43
    assert set(back.unique().tolist()) == {0, 85, 170, 255}


def test_a_window_of_a_drive_is_that_part_of_it(tmp_path, drive):
    write_drive(tmp_path / "d.safetensors", drive, about={"scene": "d"})
    part = read_drive(tmp_path / "d.safetensors", start=2, stop=5)
    assert torch.allclose(part.latents, drive.latents[2:5], atol=2e-3)
    assert torch.equal(part.boxes, drive.boxes[2:5])
    assert torch.equal(part.map, drive.map[2:5] // 204 * 170), "204 is nearest to two thirds"
    assert torch.allclose(part.appearance, drive.appearance[2:5], atol=2e-3)
    for name in ("rays", "words", "text"):
        assert torch.equal(getattr(part, name), getattr(drive, name))
    assert part.rate_hz == drive.rate_hz
    assert part.conditions().boxes.shape == (1, 3, *drive.boxes.shape[1:])


def test_sights_come_back_with_the_drive_that_has_them(carrying_drives_folder, spec, sights_for):
    part = read_drive(carrying_drives_folder / "0.safetensors", start=1, stop=3)
    expected = sights_for(spec, frames=2)
    assert part.sights is not None
    for name in ("owner", "distance_m", "cam_SE3_world", "world_SE3_owner", "intrinsics_px"):
        assert torch.equal(getattr(part.sights, name).double(), getattr(expected, name).double()), name


def test_drives_that_are_none_or_do_not_fit_are_refused(tmp_path, spec, drive):
    with pytest.raises(InputError, match="no drives prepared for training"):
        Drives.under(tmp_path, spec)
    write_drive(tmp_path / "d.safetensors", drive, about={})
    assert Drives.under(tmp_path, spec).frames == (6,)
    with pytest.raises(InputError, match=r"latents of shape \[3, 4, 2, 4\]; 'tiny' needs \[6, 16, 16, 28\]"):
        Drives.under(tmp_path, TINY)
    with pytest.raises(InputError, match="no drive has 8 frames; the longest has 6"):
        Drives.under(tmp_path, spec).long_enough(8)
    weights.save(tmp_path / "e.safetensors", {"latents": drive.latents}, about={})
    with pytest.raises(InputError, match="not a drive prepared for training"):
        read_drive(tmp_path / "e.safetensors")
