"""Filming: every picture there is, from the shot and its seed alone, whoever is filmed beside it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from adapters.video.unimvm import Settings
from adapters.video.unimvm.conditions import around
from adapters.video.unimvm.studio import sampling_of
from datagen import pipeline, plugins
from datagen.errors import InputError
from datagen.models.unimvm.pipeline import SVD_SAMPLING, Sampling, Start
from datagen.recipe import load_rig, shipped_recipes


def filmed(film, *shots):
    """Return pictures by shot, frame and channel."""
    return {(frame.shot, frame.frame, frame.channel): frame.image for frame in film.film(shots)}


def test_every_camera_of_every_frame_is_filmed_at_the_models_size(film_of, shot_of, nuscenes_rig):
    film = film_of()
    pictures = filmed(film, shot_of(frames=2), shot_of(frames=3))
    expected = {
        (shot, frame, channel) for shot in (0, 1) for frame in range(2 + shot) for channel in nuscenes_rig.channels
    }
    assert set(pictures) == expected
    assert film.picture_size_px == (64, 32)
    assert {(image.shape, image.dtype) for image in pictures.values()} == {((32, 64, 3), np.dtype(np.uint8))}


def test_a_rig_of_five_cameras_is_filmed_neighbour_by_neighbour(film_of, shot_of):
    rig = load_rig(shipped_recipes() / "rigs" / "shuttle.yaml")
    shuffled = replace(rig, cameras=rig.cameras[::-1])
    names = [shuffled.cameras[i].channel for i in around(shuffled)]
    assert names[0] == "CAM_SIDE_LEFT"
    assert set(names[1:3]) == {"CAM_FRONT_WIDE", "CAM_FRONT_TELE"}
    assert names[3:] == ["CAM_SIDE_RIGHT", "CAM_REAR"]
    pictures = filmed(film_of(), shot_of(frames=1, rig=shuffled))
    assert {channel for _, _, channel in pictures} == set(rig.channels)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_clip_has_the_same_bytes_alone_and_beside_any_neighbour(film_of, one_frame, precision):
    film = film_of(batch=2, precision=precision)
    a, b, c = (replace(one_frame, seed=seed) for seed in (1, 2, 3))
    alone = filmed(film, a)
    together = filmed(film, b, a)
    first = filmed(film, a, c, b)
    for place, beside in ((1, together), (0, first)):
        assert all(np.array_equal(image, beside[place, *key[1:]]) for key, image in alone.items()), place
    of_b = {key: image for key, image in together.items() if key[0] == 0}
    assert all(np.array_equal(image, first[2, *key[1:]]) for key, image in of_b.items())
    assert not any(np.array_equal(image, together[0, *key[1:]]) for key, image in alone.items()), "seeds matter"


def test_a_long_clip_begins_as_a_short_one_does_and_goes_on(film_of, shot_of, pair):
    film = film_of()
    short, long = filmed(film, shot_of(frames=4, rig=pair)), filmed(film, shot_of(frames=6, rig=pair))
    assert all(np.array_equal(image, long[key]) for key, image in short.items())
    assert {frame for _, frame, _ in long} == set(range(6))
    assert not np.array_equal(long[0, 5, "CAM_FRONT"], long[0, 3, "CAM_FRONT"])


def test_what_the_recipe_says_of_sampling_goes_over_the_weights_own_way():
    asked = sampling_of(Settings(steps=3, guidance=(2.0, 4.0), start="proxy", weather_guidance={}), "tiny")
    assert asked == Sampling(steps=3, guidance=(2.0, 4.0), start=Start.PROXY, weather_guidance={})
    assert sampling_of(Settings(), "svd") == SVD_SAMPLING
    assert sampling_of(Settings(sampler="dpmpp_2m"), "svd").sigma_max == SVD_SAMPLING.sigma_max


def test_half_precision_and_another_layout_look_the_same(film_of, one_frame):
    exact, half = (filmed(film_of(**how), one_frame) for how in ({}, {"precision": "bf16", "channels_last": True}))
    error = np.mean([np.square(exact[key].astype(float) - half[key]).mean() for key in exact])
    assert error > 0
    assert 10 * np.log10(255**2 / error) > 30


def test_weights_that_are_missing_or_none_are_an_input_error(tmp_path):
    film = plugins.build("video", {"use": "unimvm", "weights": tmp_path})
    with pytest.raises(InputError, match=r"film.weights: there are none at .*unimvm.safetensors.*datagen train unimvm"):
        film.fingerprint()
    (tmp_path / "unimvm.safetensors").write_bytes(b"not weights")
    with pytest.raises(InputError, match=r"film.weights: .*unimvm.safetensors holds no UniMVM"):
        film.fingerprint()


def test_other_weights_make_other_clips(weights, tmp_path):
    recipe = tmp_path / "r.yaml"
    recipe.write_text("prompts: [a pedestrian crosses]\n", encoding="utf-8")
    kept = tmp_path / "kept"
    kept.mkdir()
    for name in ("unimvm.safetensors", "autoencoder.safetensors"):
        (kept / name).write_bytes((weights / name).read_bytes())

    def clip_id():
        overrides = ["film.use=unimvm", f"film.weights={kept}"]
        return pipeline.prepare(recipe, out=tmp_path, overrides=overrides).takes[0].id

    before = clip_id()
    assert clip_id() == before
    data = bytearray((kept / "autoencoder.safetensors").read_bytes())
    data[-1] ^= 1
    (kept / "autoencoder.safetensors").write_bytes(data)
    assert clip_id() != before
