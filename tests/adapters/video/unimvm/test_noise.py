"""Noise moves with the world, and is white all the same."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from datagen.models.unimvm.noise import FLECK_PX, world_noise
from datagen.models.unimvm.pipeline import clip_noise
from datagen.models.unimvm.places import Places

SHAPE = (4, 6, 8, 16, 28)


@pytest.fixture
def sights(clip):
    """What is seen in the clip."""
    return clip[1]


@pytest.fixture
def world(sights):
    """The noise of that."""
    return world_noise(sights)


def test_it_is_white_in_every_frame(world):
    noise = world.draw(SHAPE, seed=1)
    assert noise.shape == SHAPE
    for frame in noise:
        assert frame.mean().abs() < 0.03
        assert frame.std() == pytest.approx(1.0, abs=0.03)
        beside, below = frame[..., 1:] * frame[..., :-1], frame[..., 1:, :] * frame[..., :-1, :]
        assert beside.mean().abs() < 0.05
        assert below.mean().abs() < 0.05
    for picture in world.fleck.flatten(0, 1):
        assert len(picture.unique()) == picture.numel(), "no fleck twice"


def test_a_fleck_is_where_its_place_in_the_world_is_seen(sights, world):
    height, width = world.fleck.shape[2:]
    owner, points = Places(sights).of(1, 1)
    pixel, seen = Places(sights).found(0, 1, owner=owner, points=points)
    known = {fleck: at for at, fleck in enumerate(world.fleck[0, 1].flatten().tolist())}
    off = []
    for row in range(height):
        for column in range(width):
            here = (row * FLECK_PX + 1) * width * FLECK_PX + column * FLECK_PX + 1
            at = known.get(int(world.fleck[1, 1, row, column]))
            if at is not None:
                assert seen[here]
                off.append((pixel[here] / FLECK_PX - pixel.new_tensor([at % width, at // width])).tolist())
    assert len(off) > height * width / 3, "much of what the second frame shows was seen in the first"
    assert torch.tensor(off).min() >= 0
    assert torch.tensor(off).max() < 1


def test_what_stands_still_keeps_its_noise_and_neighbouring_views_share_some(sights, world):
    still = replace(
        sights,
        owner=sights.owner[:1].expand(4, -1, -1, -1),
        distance_m=sights.distance_m[:1].expand(4, -1, -1, -1),
        cam_SE3_world=sights.cam_SE3_world[:1].expand(4, -1, -1, -1),
        world_SE3_owner=sights.world_SE3_owner[:1].expand(4, -1, -1, -1, -1),
    )
    noise = world_noise(still).draw(SHAPE, seed=1)
    same = (noise[0] * noise[3]).mean()
    assert same > 0.95
    assert (world.draw(SHAPE, seed=1)[0] * world.draw(SHAPE, seed=1)[3]).mean() < same
    shared = set(world.fleck[0, 1].flatten().tolist()) & set(world.fleck[0, 2].flatten().tolist())
    assert shared, "cameras overlap"


def test_windows_and_shorter_clips_draw_the_same_and_other_seeds_do_not(sights, world):
    noise = world.draw(SHAPE, seed=1)
    assert torch.equal(world.frames(1, 3).draw((2, *SHAPE[1:]), seed=1), noise[1:3])
    assert torch.equal(world_noise(sights.frames(0, 2)).draw((2, *SHAPE[1:]), seed=1), noise[:2])
    assert (noise * world.draw(SHAPE, seed=2)).mean().abs() < 0.02


def test_films_begin_from_it_unless_the_recipe_says_not_to(film_of, shot_of):
    def noises(**how):
        studio = film_of(**how).studio
        told = studio.told([shot_of(frames=3)])
        shape = tuple(told.given.latents.shape[1:])
        return next(clip_noise(5, shape, world=told.worlds[0] if told.worlds else None))

    of_the_world, by_itself = noises(), noises(world_noise=False)
    assert (of_the_world[0] * of_the_world[1]).mean() > 0.12
    assert (by_itself[0] * by_itself[1]).mean().abs() < 0.1
