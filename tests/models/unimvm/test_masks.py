"""Masks: one mechanism, every mode."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from datagen.models.unimvm.masks import Mode, given_frames, given_nothing, given_views, random_mask


def drawn(mode, frames=8, views=6, count=200):
    generator = torch.Generator().manual_seed(0)
    return [random_mask(frames, views, front=1, odds={mode: 1.0}, generator=generator) for _ in range(count)]


def test_each_mode_gives_what_its_name_says():
    assert not any(mask.any() for mask in drawn(Mode.NONE, count=5))
    assert all(torch.equal(mask, given_frames(8, 6)) for mask in drawn(Mode.FIRST_FRAME, count=5))
    assert all(torch.equal(mask, given_views(8, 6, chosen=(1,))) for mask in drawn(Mode.FRONT_VIDEO, count=5))


def test_continuation_gives_up_to_half_of_the_frames_from_the_first_on():
    counts = Counter(int(mask[:, 0].sum()) for mask in drawn(Mode.CONTINUATION))
    assert set(counts) == {1, 2, 3, 4}
    assert all(torch.equal(mask, given_frames(8, 6, first=int(mask[:, 0].sum()))) for mask in drawn(Mode.CONTINUATION))


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize(("frames", "views"), [(8, 6), (1, 6), (1, 1), (8, 1)])
def test_something_is_always_left_to_make(mode, frames, views):
    generator = torch.Generator().manual_seed(0)
    masks = [random_mask(frames, views, front=0, odds={mode: 1.0}, generator=generator) for _ in range(50)]
    assert all(mask.shape == (frames, views) and not mask.all() for mask in masks)


def test_subsets_come_by_view_and_by_frame():
    masks = drawn(Mode.SUBSET)
    whole_views = [bool((mask == mask[:1]).all()) for mask in masks]
    assert 0.2 < sum(whole_views) / len(masks) < 0.6


def test_modes_come_as_often_as_their_odds():
    generator = torch.Generator().manual_seed(0)
    odds = {Mode.NONE: 3.0, Mode.FIRST_FRAME: 1.0}
    masks = [random_mask(8, 6, front=1, odds=odds, generator=generator) for _ in range(1000)]
    assert sum(torch.equal(mask, given_nothing(8, 6)) for mask in masks) == pytest.approx(750, abs=50)
