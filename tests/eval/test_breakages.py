"""Every way to break a clip does what its table says, and nothing else; what it was made from stays whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from datagen.scene import Ambience, Clip, Group, Light, Prompt, Rig, Scene, regular_timeline
from datagen.sensors.labels import observe
from eval.breakages import BREAKAGES, SHIFT_M, Masks, masks_of
from eval.excerpts import Excerpt

SECONDS, RATE_HZ = 4.0, 2.0
RED = np.array([220, 20, 20])

_SEEN: dict[str, tuple[tuple, Masks]] = {}
"""Labels and masks of the street: casting their rays takes seconds, so the session does it once."""


@pytest.fixture
def whole(street: Scene, nuscenes_rig: Rig, prompt: Prompt, tmp_path: Path) -> Excerpt:
    """Four seconds of the street: vehicles are red, all else is grey and brighter from frame to frame."""
    timeline = regular_timeline(street.ego.start_us, SECONDS, rate_hz=RATE_HZ, views=len(nuscenes_rig.cameras))
    clip = Clip(id="whole", prompt=prompt, scene=street, rig=nuscenes_rig, timeline=timeline, folder=tmp_path / "whole")
    if not _SEEN:
        labels = tuple(
            label for seen in observe(street, nuscenes_rig, timeline=timeline, seed=0) for label in seen.labels
        )
        _SEEN["street"] = labels, masks_of(clip)
    labels, masks = _SEEN["street"]
    vehicles = [i for i, actor in enumerate(street.actors) if actor.category.group is Group.VEHICLE]
    for frame, views in enumerate(masks):
        for number, (channel, mask) in enumerate(views.items()):
            small = np.full((*mask.owner.shape, 3), 30 + 20 * frame + number)
            small[np.isin(mask.owner, vehicles)] = RED
            path = clip.frame_path(channel, frame)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(small.astype(np.uint8).repeat(2, 0).repeat(2, 1)).save(path, quality=95, subsampling=0)
    return Excerpt(clip=clip, labels=labels)


@pytest.fixture
def broken(whole: Excerpt, tmp_path: Path) -> Callable[[str], Excerpt | None]:
    """Break the street in one of the ways."""

    def by(kind: str) -> Excerpt | None:
        return BREAKAGES[kind](whole, _SEEN["street"][1], tmp_path / kind, np.random.default_rng(1))

    return by


def pictures(excerpt: Excerpt) -> dict[tuple[str, int], np.ndarray]:
    """Return every picture, by channel and frame."""
    clip = excerpt.clip
    return {
        (channel, frame): np.asarray(Image.open(clip.frame_path(channel, frame))).astype(int)
        for channel in clip.rig.channels
        for frame in range(len(clip.timeline))
    }


def changed(one: Excerpt, other: Excerpt) -> list[tuple[str, int]]:
    """Return which pictures of two excerpts differ."""
    before, after = pictures(one), pictures(other)
    return [key for key in before if (before[key] != after[key]).any()]


def red(picture: np.ndarray) -> np.ndarray:
    """Return where a picture shows a vehicle."""
    return picture[..., 0] - picture[..., 1] > 100


@pytest.mark.parametrize("kind", BREAKAGES)
def test_what_was_whole_stays_whole(whole: Excerpt, broken: Callable, kind: str) -> None:
    before = pictures(whole)
    broken(kind)
    assert all((picture == before[key]).all() for key, picture in pictures(whole).items())


def test_all_labels_are_shifted_the_same_way_and_the_pictures_are_not(whole: Excerpt, broken: Callable) -> None:
    shifted = broken("shifted")
    apart = [
        new.trajectory.translation_m - old.trajectory.translation_m
        for new, old in zip(shifted.clip.scene.actors, whole.clip.scene.actors)
    ]
    assert len(apart) == len(whole.clip.scene.actors)
    assert all(np.allclose(one, apart[0][0]) for one in apart)
    assert np.linalg.norm(apart[0][0]) == pytest.approx(SHIFT_M)
    assert not changed(whole, shifted)


@pytest.mark.parametrize(("light", "called"), [("day", "night"), ("night", "day"), ("dusk", None)])
def test_day_is_called_night_and_dusk_is_left(whole: Excerpt, tmp_path: Path, light: str, called: str | None) -> None:
    scene = replace(whole.clip.scene, ambience=Ambience(light=Light(light)))
    lit = replace(whole, clip=replace(whole.clip, scene=scene))
    made = BREAKAGES["light"](lit, _SEEN["street"][1], tmp_path / "light", np.random.default_rng(0))
    assert (made and made.clip.scene.ambience.light) == called


def test_two_neighbours_are_swapped(whole: Excerpt, broken: Callable) -> None:
    swapped = broken("swapped")
    channels = whole.clip.rig.channels
    one, two = sorted({channels.index(channel) for channel, _ in changed(whole, swapped)})
    assert two - one in (1, len(channels) - 1)
    before, after = pictures(whole), pictures(swapped)
    for frame in range(len(whole.clip.timeline)):
        assert (after[channels[one], frame] == before[channels[two], frame]).all()
        assert (after[channels[two], frame] == before[channels[one], frame]).all()


def test_no_frame_is_where_it_was_and_none_is_lost(whole: Excerpt, broken: Callable) -> None:
    before, after = pictures(whole), pictures(broken("shuffled"))
    frames = range(len(whole.clip.timeline))
    for channel in whole.clip.rig.channels:
        came_from = [[(after[channel, f] == before[channel, g]).all() for g in frames].index(True) for f in frames]
        assert sorted(came_from) == list(frames)
        assert all(f != g for f, g in zip(frames, came_from))


def test_one_picture_is_frozen_black_or_noise(whole: Excerpt, broken: Callable) -> None:
    before = pictures(whole)
    for kind in ("frozen", "black", "noise"):
        made = broken(kind)
        ((channel, frame),) = changed(whole, made)
        picture = pictures(made)[channel, frame]
        if kind == "frozen":
            assert (picture == before[channel, frame - 1]).all()
        else:
            assert picture.max() == 0 if kind == "black" else picture.std() > 30


def test_who_stands_shows_the_same_twice_without_being_frozen(whole: Excerpt, tmp_path: Path) -> None:
    ego = whole.clip.scene.ego
    still = replace(ego, translation_m=np.broadcast_to(ego.translation_m[:1], ego.translation_m.shape))
    standing = replace(whole, clip=replace(whole.clip, scene=replace(whole.clip.scene, ego=still)))
    assert BREAKAGES["frozen"](standing, _SEEN["street"][1], tmp_path / "f", np.random.default_rng(0)) is None


def test_a_vehicle_is_painted_over_wherever_it_was_seen(whole: Excerpt, broken: Callable) -> None:
    masks, actors = _SEEN["street"][1], whole.clip.scene.actors
    made = broken("removed")
    before, after = pictures(whole), pictures(made)

    def seen(index: int, of: dict) -> int:
        return sum(
            int(red(of[channel, frame][::2, ::2])[mask.owner == index].sum())
            for frame, views in enumerate(masks)
            for channel, mask in views.items()
        )

    gone = [actor.id for i, actor in enumerate(actors) if seen(i, before) > 0 and seen(i, after) == 0]
    assert len(gone) == 1, "one vehicle, in every picture"
    assert made.labels == whole.labels


def test_a_vehicle_is_painted_in_where_none_is_labelled(whole: Excerpt, broken: Callable) -> None:
    made = broken("added")
    after = pictures(made)
    frames = set()
    for frame, views in enumerate(_SEEN["street"][1]):
        for channel, mask in views.items():
            if (red(after[channel, frame][::2, ::2]) & (mask.owner < 0)).sum() >= 100:
                frames.add(frame)
    assert 2 * len(frames) >= len(whole.clip.timeline)
    assert made.labels == whole.labels
