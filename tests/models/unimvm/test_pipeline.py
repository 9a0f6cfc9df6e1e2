"""Sampling: seeds decide, batches do not; long clips hang together."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from datagen.models.autoencoder.patch import PatchAutoencoder, PatchSpec
from datagen.models.samplers import Sampler
from datagen.models.unimvm.conditioning import Given, joined
from datagen.models.unimvm.masks import given_frames
from datagen.models.unimvm.network import UniMVM
from datagen.models.unimvm.pipeline import (
    Carrier,
    Sampling,
    decode_pictures,
    encode_pictures,
    make_latents,
    make_long_latents,
    windows,
)
from datagen.scene.ambience import Light

QUICK = Sampling(steps=3)


@pytest.fixture
def network(spec):
    torch.manual_seed(0)
    return UniMVM(spec).eval()


@pytest.mark.parametrize("sampler", Sampler)
@pytest.mark.parametrize("guidance", [(1.0, 1.0), (2.0, 5.0)])
def test_a_clip_depends_on_its_seed_and_not_on_its_batch(network, spec, conditions_for, nothing_for, sampler, guidance):  # noqa: PLR0917
    sampling = Sampling(steps=3, sampler=sampler, guidance=guidance)
    clips = [conditions_for(spec, 1, seed=i) for i in range(2)]

    def make(conditions, seeds):
        given = nothing_for(spec, len(seeds))
        return make_latents(network, conditions, given=given, seeds=seeds, sampling=sampling)

    together, alone = make(joined(clips), [7, 8]), make(clips[1], [8])
    assert torch.equal(alone, make(clips[1], [8]))
    assert torch.allclose(together[1:], alone, atol=1e-3)
    assert not torch.allclose(make(clips[1], [9]), alone, atol=1e-2)


def test_given_pictures_stay_as_they_were_given(network, spec, conditions_for, latents_for):
    given = Given.of(latents_for(spec, 1), given_frames(spec.frames, spec.views)[None])
    made = make_latents(network, conditions_for(spec, 1), given=given, seeds=[0], sampling=QUICK)
    assert torch.equal(made[:, 0], given.latents[:, 0])


def test_windows_cover_a_long_clip_and_each_knows_the_end_of_the_one_before():
    for total in range(1, 40):
        made = windows(total, 8, overlap=2)
        assert made[0].start == 0
        assert made[-1].stop == total
        for before, after in pairwise(made):
            assert before.stop - after.start == after.known >= 2
            assert after.stop - after.start == 8
            assert after.stop > before.stop


def test_a_long_clip_begins_as_the_short_one_and_keeps_what_is_given(network, spec, conditions_for, latents_for):
    told, latents = conditions_for(spec, 1, frames=9), latents_for(spec, 1, frames=9)
    mask = torch.zeros(1, 9, spec.views, dtype=torch.bool)
    mask[:, :, 1] = True
    given = Given.of(latents, mask)
    long = make_long_latents(network, told, given=given, seeds=[3], sampling=QUICK)
    first = Given.of(latents[:, :4], mask[:, :4])
    assert torch.equal(long[:, :4], make_latents(network, told.frames(0, 4), given=first, seeds=[3], sampling=QUICK))
    assert torch.equal(long[:, :, 1], latents[:, :, 1])
    assert not torch.allclose(long[:, 4:8, 0], long[:, :4, 0])


@pytest.fixture
def carrier(spec, sights_for):
    """Carries between cameras that see the same sky for six frames, then look away."""
    autoencoder = PatchAutoencoder(PatchSpec(latent_channels=spec.latent_channels, width=32, blocks=1))
    autoencoder.fit(torch.rand(64, 3, 16, 32) * 2 - 1)
    return Carrier(autoencoder=autoencoder, sights=(sights_for(spec, frames=8, away_from=6),), error=0.5)


def test_what_is_given_is_carried_to_frames_that_see_the_same(spec, carrier):
    pictures = torch.randint(0, 256, (1, 1, spec.views, 16, 32, 3), dtype=torch.uint8)
    latents = encode_pictures(carrier.autoencoder, pictures).repeat(1, 4, 1, 1, 1, 1)
    given = Given.of(latents, given_frames(4, spec.views)[None])
    early, late = carrier.carry(given), carrier.carry(given, start=4)
    assert (early.cover[:, 1:] == 1).all() and not early.cover[:, 0].any()
    assert (late.cover[:, 1] == 1).all() and not late.cover[:, 2:].any(), "frames 6 and 7 look away"
    again = encode_pictures(carrier.autoencoder, torch.stack(list(decode_pictures(carrier.autoencoder, latents)), 2))
    assert torch.allclose(early.latents[:, 1:], again[:, 1:], atol=1e-3)
    assert torch.equal(early.latents[:, 0], latents[:, 0])
    nothing = Given.of(latents, torch.zeros(1, 4, spec.views, dtype=torch.bool))
    assert not carrier.carry(nothing).cover.any()


def test_every_window_of_a_long_clip_carries_what_is_given_and_not_what_was_made(
    network, spec, carrier, conditions_for, latents_for
):
    told, latents = conditions_for(spec, 1, frames=8), latents_for(spec, 1, frames=8)

    def carried_matters(frame):
        mask = torch.zeros(1, 8, spec.views, dtype=torch.bool)
        mask[:, frame] = True
        given = Given.of(latents, mask)
        films = [
            make_long_latents(network, told, given=given, seeds=[3], sampling=QUICK, carrier=one)
            for one in (carrier, None)
        ]
        return [not torch.equal(films[0][:, t], films[1][:, t]) for t in range(8)]

    assert carried_matters(0)[1:4] == [True] * 3
    assert carried_matters(4)[:4] == [False] * 4 and carried_matters(4)[5], "given in the second window alone"


def test_guidance_away_from_nothing_said_changes_the_clip(network, spec, conditions_for, nothing_for):
    told = conditions_for(spec, 1)

    def make(conditions, guidance):
        sampling = Sampling(steps=3, guidance=guidance)
        return make_latents(network, conditions, given=nothing_for(spec, 1), seeds=[0], sampling=sampling)

    assert not torch.allclose(make(told, (1.0, 1.0)), make(told, (3.0, 3.0)))
    nothing_said = told.untold()
    assert torch.allclose(make(nothing_said, (1.0, 1.0)), make(nothing_said, (3.0, 3.0)), atol=1e-4)


def test_guidance_by_weather_goes_away_from_weather_not_told(network, spec, conditions_for, nothing_for):
    told = conditions_for(spec, 1)

    def make(conditions, scale):
        sampling = Sampling(steps=3, weather_guidance=dict.fromkeys(Light, scale))
        return make_latents(network, conditions, given=nothing_for(spec, 1), seeds=[0], sampling=sampling)

    unsaid = told.without_weather()
    assert unsaid.words[:, 1:].equal(told.words[:, 1:]) and told.words[:, 0].all() and not unsaid.words[:, 0].any()
    assert torch.allclose(make(told, 0.0), make(unsaid, 1.0), atol=1e-4)
    assert torch.allclose(make(unsaid, 4.0), make(unsaid, 1.0), atol=1e-4)
    assert not torch.allclose(make(told, 2.0), make(told, 1.0), atol=1e-4)


def test_guidance_by_weather_is_for_the_clips_its_words_name(network, spec, conditions_for, nothing_for):
    told = joined([conditions_for(spec, 1, seed=i) for i in range(2)])
    told.words[:, 1] = torch.tensor([1 + list(Light).index(light) for light in (Light.DAY, Light.NIGHT)])

    def make(scales):
        sampling = Sampling(steps=3, weather_guidance=scales)
        return make_latents(network, told, given=nothing_for(spec, 2), seeds=[0, 1], sampling=sampling)

    plain, nights = make({}), make({Light.NIGHT: 2.0})
    assert torch.equal(nights[0], plain[0]) and not torch.allclose(nights[1], plain[1], atol=1e-4)
    assert torch.equal(make({Light.DAY: 1.0, Light.NIGHT: 2.0}), nights)


def test_pictures_survive_both_ways_view_by_view(spec):
    autoencoder = PatchAutoencoder(PatchSpec(latent_channels=192, width=32, blocks=1))
    pictures = torch.randint(0, 256, (1, 2, 3, 16, 32, 3), dtype=torch.uint8)
    autoencoder.fit(torch.rand(64, 3, 16, 32) * 2 - 1)
    latents = encode_pictures(autoencoder, pictures)
    assert latents.shape == (1, 2, 3, 192, 2, 4)
    back = torch.stack(list(decode_pictures(autoencoder, latents)), dim=2)
    assert (back.int() - pictures.int()).abs().max() <= 1, "as many channels as numbers in a patch lose nothing"


def test_a_start_from_the_proxy_stays_near_it_where_there_is_little_noise(network, spec, conditions_for, nothing_for):
    told = conditions_for(spec, 1)

    def distance(start, sigma_max):
        sampling = Sampling(steps=2, start=start, sigma_max=sigma_max, sigma_min=0.01)
        made = make_latents(network, told, given=nothing_for(spec, 1), seeds=[0], sampling=sampling)
        return float((made - told.proxy).square().mean())

    assert distance("proxy", 0.05) < 0.1 * distance("noise", 0.05)
    assert distance("proxy", 0.05) < distance("proxy", 2.0)
