"""Carried pictures land where things went. The pictures are of the labelled world alone, so the truth is known."""

from __future__ import annotations

from dataclasses import replace

import torch

from datagen.models.unimvm.carrying import carried
from datagen.models.unimvm.masks import given_frames, given_views
from datagen.models.unimvm.places import Sights
from datagen.sensors.world import NOBODY


def error(pictures, others, where):
    return float((pictures.int() - others.int()).abs().float().mean(dim=-1)[where].mean())


def test_a_frame_carried_to_the_next_ones_is_nearly_what_they_show(clip):
    pictures, sights = clip
    mask = given_frames(4, 6)
    shown, there = carried(pictures * mask[..., None, None, None], mask, sights)
    assert torch.equal(shown[0], pictures[0]) and there[0].all()
    for frame in (1, 2, 3):
        assert there[frame].float().mean() > 0.75
        labelled = there[frame] & (sights.owner[frame] >= NOBODY)
        assert error(pictures[frame], shown[frame], labelled) < error(pictures[frame], pictures[0], labelled) / 2
    moving = (sights.owner[3] >= 0) & there[3]
    assert moving.float().mean() > 0.01
    assert error(pictures[3], shown[3], moving) < error(pictures[3], pictures[0], moving) / 2


def test_views_of_which_nothing_is_given_are_not_reached(clip):
    pictures, sights = clip
    mask = given_views(4, 6, chosen=(1,))
    _, there = carried(pictures * mask[..., None, None, None], mask, sights)
    assert torch.equal(there.flatten(2).any(dim=2), mask)


def test_a_view_shows_its_neighbours_what_their_own_picture_did_not_show(clip):
    pictures, sights = clip
    one, other = given_frames(4, 6), given_frames(4, 6)
    one[1:, 1] = True
    shown, there = carried(pictures * one[..., None, None, None], one, sights)
    _, alone = carried(pictures * other[..., None, None, None], other, sights)
    more = there & ~alone & ~one[..., None, None] & (sights.owner >= NOBODY)
    assert more[:, [0, 2]].any(), "neighbours overlap"
    assert error(pictures, shown, more) < 20


def test_who_is_not_there_any_more_is_not_shown_and_what_hid_behind_is_not_invented(clip):
    pictures, sights = clip
    mask = given_frames(4, 6)
    gone = sights.world_SE3_owner.clone()
    gone[0] = torch.nan
    _, there = carried(pictures * mask[..., None, None, None], mask, replace(sights, world_SE3_owner=gone))
    assert not (there[1:] & (sights.owner[1:] >= 0)).any()
    _, before = carried(pictures * mask[..., None, None, None], mask, sights)
    assert (before[1:] & (sights.owner[1:] >= 0)).any()


def test_pixels_nothing_reached_are_as_those_around_them(clip):
    pictures, sights = clip
    even = torch.full_like(pictures, 90)
    mask = given_frames(4, 6)
    shown, there = carried(even * mask[..., None, None, None], mask, sights)
    assert not there.all()
    assert (shown == 90).all()


def test_given_nothing_or_everything_all_stays_as_it_is(clip):
    pictures, sights = clip
    for mask in (given_frames(4, 6, first=0), given_frames(4, 6, first=4)):
        shown, there = carried(pictures, mask, sights)
        assert there.all() == mask.all()
        if mask.all():
            assert torch.equal(shown, pictures)


def test_sights_may_be_cut_to_some_frames(clip):
    _, sights = clip
    part = sights.frames(1, 3)
    assert isinstance(part, Sights)
    assert torch.equal(part.owner, sights.owner[1:3])
    assert torch.equal(part.intrinsics_px, sights.intrinsics_px)


def bytes_of(film, *shots):
    return {(frame.shot, frame.frame, frame.channel): frame.image.tobytes() for frame in film.film(shots)}


def test_pictures_are_carried_unless_the_recipe_says_not_to(film_of, recorded):
    carrying, not_carrying = (bytes_of(film_of(mode="first_frame", **how), recorded) for how in ({}, {"carried": 0.0}))
    differ = {key for key in carrying if carrying[key] != not_carrying[key]}
    assert differ == {key for key in carrying if key[1] > 0}
    assert bytes_of(film_of(), recorded) == bytes_of(film_of(carried=0.0), recorded), "nothing is given"


def test_what_is_carried_does_not_depend_on_who_is_filmed_beside(film_of, recorded):
    film = film_of(mode="first_frame", batch=2)
    other = replace(recorded, seed=8)
    alone, beside = bytes_of(film, recorded), bytes_of(film, other, recorded)
    assert all(beside[1, *key[1:]] == image for key, image in alone.items())


def test_what_was_made_is_not_carried_to_the_next_window(film_of, shot_of, pair):
    long = shot_of(frames=6, rig=pair)
    assert bytes_of(film_of(), long) == bytes_of(film_of(carried=0.0), long)
