"""Given pictures: which, from where, and what is said when they cannot be had."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from adapters.video.unimvm.given import given_mask, given_pictures
from datagen.errors import ClipError
from datagen.models.autoencoder.weights import load_autoencoder
from datagen.models.unimvm.pipeline import decode_pictures, encode_pictures
from datagen.scene import Recording
from datagen.stages import as_recorded


def mask_of(shot, mode, views=(), frames=()):
    return given_mask(shot, mode=mode, views=views, frames=frames)


def test_each_mode_gives_what_its_name_says(shot_of):
    shot = shot_of(frames=3)
    front = shot.rig.channels.index("CAM_FRONT")
    assert not mask_of(shot, "none").any()
    assert mask_of(shot, "first_frame")[0].all() and not mask_of(shot, "first_frame")[1:].any()
    assert mask_of(shot, "front_video")[:, front].all() and mask_of(shot, "front_video").sum() == 3
    part = mask_of(shot, "subset", views=("CAM_BACK", "CAM_FRONT"), frames=(0, 2))
    assert {(int(t), shot.rig.channels[v]) for t, v in np.argwhere(part)} == {
        (t, channel) for t in (0, 2) for channel in ("CAM_BACK", "CAM_FRONT")
    }
    assert mask_of(shot, "subset", frames=(1,))[1].all()


def test_a_view_or_frame_that_is_not_there_is_named(shot_of):
    with pytest.raises(ClipError, match=r"no CAM_TOP in this rig; it has CAM_FRONT_LEFT"):
        mask_of(shot_of(), "subset", views=("CAM_TOP",))
    with pytest.raises(ClipError, match=r"\[5\] are beyond this clip, which has frames 0 to 1"):
        mask_of(shot_of(frames=2), "subset", frames=(1, 5))


def test_given_pictures_are_the_logs_own_at_the_films_size(recorded):
    mask = mask_of(recorded, "first_frame")
    pictures = given_pictures(recorded, mask)
    assert pictures.shape == (6, 32, 64, 3)
    back = recorded.rig.channels.index("CAM_BACK")
    path = recorded.scene.recording.pictures["CAM_BACK", int(recorded.timeline.timestamp_us[0])]
    small = Image.open(path).convert("RGB").resize((64, 32), Image.Resampling.BOX)
    assert np.array_equal(pictures[back], np.asarray(small))


def test_what_is_given_is_seen_in_the_film_as_the_autoencoder_keeps_it(film_of, recorded, weights):
    film, mode = film_of(mode="front_video"), "front_video"
    frames = {(frame.frame, frame.channel): frame.image for frame in film.film([recorded])}
    mask = mask_of(recorded, mode)
    autoencoder = load_autoencoder(weights / "autoencoder.safetensors")
    kept = encode_pictures(autoencoder, torch.from_numpy(given_pictures(recorded, mask))[None, :, None])
    expected = next(decode_pictures(autoencoder, kept))[0].numpy()
    for picture, (frame, view) in zip(expected, np.argwhere(mask)):
        found = frames[int(frame), recorded.rig.channels[view]]
        assert np.abs(found.astype(int) - picture).max() <= 1
    other = {(frame.frame, frame.channel): frame.image for frame in film_of().film([recorded])}
    assert any(not np.array_equal(frames[key], other[key]) for key in frames if not mask[key[0], 0])


def test_a_scene_without_a_log_has_nothing_to_give(film_of, shot_of):
    with pytest.raises(ClipError, match=r"was read from no log.*rig: log.*mode: none"):
        list(film_of(mode="first_frame").film([shot_of()]))


def test_a_missing_picture_and_another_camera_are_named(recorded):
    mask, recording = mask_of(recorded, "first_frame"), recorded.scene.recording

    def with_recording(**changes):
        return replace(recorded, scene=replace(recorded.scene, recording=replace(recording, **changes)))

    fewer = {key: path for key, path in recording.pictures.items() if key[0] != "CAM_BACK"}
    with pytest.raises(ClipError, match=r"no picture of CAM_BACK at \d+ µs \(frame 0\)"):
        given_pictures(with_recording(pictures=fewer), mask)
    turned = replace(
        recording.rig,
        cameras=tuple(replace(camera, intrinsics_px=camera.intrinsics_px * 1.1) for camera in recording.rig.cameras),
    )
    with pytest.raises(ClipError, match=r"CAM_FRONT_LEFT is not the log's own; say `rig: log`"):
        given_pictures(with_recording(rig=turned), mask)


def test_shutters_move_to_the_logs_own_instants_within_half_a_frame(recorded):
    timeline = recorded.timeline
    late = {(channel, at + 30_000): path for (channel, at), path in recorded.scene.recording.pictures.items()}
    moved = as_recorded(timeline, replace(recorded.scene.recording, pictures=late))
    assert np.array_equal(moved.camera_timestamp_us, timeline.camera_timestamp_us + 30_000)
    assert np.array_equal(moved.timestamp_us, timeline.timestamp_us)
    far = {
        (channel, at + 130_000): path
        for channel, at in [("CAM_FRONT", int(timeline.timestamp_us[-1]))]
        for path in late.values()
    }
    kept = as_recorded(timeline, Recording(rig=recorded.rig, timeline=timeline, pictures=far))
    assert np.array_equal(kept.camera_timestamp_us, timeline.camera_timestamp_us)
