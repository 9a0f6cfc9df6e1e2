"""The network: shapes, what depends on what, and what does nothing before it is trained."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from datagen.models.unimvm.conditioning import CARRIED, Given
from datagen.models.unimvm.masks import given_frames
from datagen.models.unimvm.network import UniMVM, new_unet
from datagen.models.unimvm.spec import PAPER, SMALL, SPECS, SVD, TINY, Condition, UNetSpec


@pytest.fixture
def network(spec):
    torch.manual_seed(0)
    return UniMVM(spec).eval()


def run(network, conditions, x, given=None):
    with torch.no_grad():
        return network(x, torch.full((len(x),), 2.0), conditions, given or Given.nothing(x))


def test_what_is_given_comes_back_untouched_and_the_rest_is_made(network, spec, conditions_for, latents_for):
    x, pictures = latents_for(spec, 2), latents_for(spec, 2, seed=5)
    mask = given_frames(spec.frames, spec.views).expand(2, -1, -1)
    out = run(network, conditions_for(spec, 2), x, Given.of(pictures, mask))
    assert out.shape == x.shape
    assert torch.equal(out[:, 0], pictures[:, 0])
    assert not torch.allclose(out[:, 1:], pictures[:, 1:])


def test_what_is_not_given_is_never_looked_at(network, spec, conditions_for, latents_for):
    x, mask = latents_for(spec, 1), given_frames(spec.frames, spec.views)[None]
    one, other = latents_for(spec, 1, seed=5), latents_for(spec, 1, seed=6)
    other[:, 0] = one[:, 0]
    outs = [run(network, conditions_for(spec, 1), x, Given.of(g, mask)) for g in (one, other)]
    assert torch.equal(*outs)


def test_a_given_picture_is_held_on_the_frames_nearest_to_it():
    latents = torch.arange(1.0, 6.0).view(1, 5, 1, 1, 1, 1).expand(1, 5, 2, 1, 1, 1)
    mask = torch.zeros(1, 5, 2, dtype=torch.bool)
    mask[0, [1, 3], 0] = True
    held = Given.of(latents, mask).held()
    assert held[0, :, :, 0, 0, 0].T.tolist() == [[2, 2, 2, 4, 4], [0, 0, 0, 0, 0]]


def test_a_frame_on_its_own_knows_of_another_what_is_held_on_it(spec, conditions_for, latents_for):
    x, mask = latents_for(spec, 1), given_frames(spec.frames, spec.views)[None]
    for held in (False, True):
        torch.manual_seed(0)
        alone = UniMVM(spec.model_copy(update={"held": held, "temporal": False})).eval()
        one, other = (
            run(alone, conditions_for(spec, 1), x, Given.of(pictures, mask))
            for pictures in (latents_for(spec, 1, seed=5), latents_for(spec, 1, seed=6))
        )
        assert torch.equal(one[:, 1:], other[:, 1:]) is not held


def test_what_is_carried_is_shown_where_it_reached_and_the_mask_says_how_far(spec, conditions_for, latents_for):
    pictures, mask = latents_for(spec, 1), given_frames(spec.frames, spec.views)[None]
    given = Given.of(pictures, mask)
    cover = torch.zeros_like(given.cover)
    cover[:, 1, 2, :, 0] = 0.5
    shown, cells = replace(given, cover=cover).shown(held=False)
    assert torch.equal(shown[:, 0], pictures[:, 0]) and torch.equal(shown[:, 1, 2, :, 0], pictures[:, 1, 2, :, 0])
    assert not shown[:, 1, 2, :, 1:].any() and not shown[:, 2:].any()
    assert (
        (cells[:, 0] == 1).all()
        and (cells[:, 1, 2, :, 0] == CARRIED / 2).all()
        and cells.sum() < cells[:, 0].sum() * 1.1
    )
    held, _ = replace(given, cover=cover).shown(held=True)
    assert torch.equal(held[:, 1, 2, :, 0], pictures[:, 1, 2, :, 0]) and torch.equal(held[:, 2], pictures[:, 0])


def test_what_is_carried_counts_as_another_look_at_the_clean_latents(spec, conditions_for, latents_for):
    network = UniMVM(spec, sigma_data=torch.tensor([0.5, 1.0, 2.0, 4.0])).eval()
    noisy, pictures = latents_for(spec, 1), latents_for(spec, 1, seed=5)
    given = Given.of(pictures, given_frames(spec.frames, spec.views)[None])
    covered = replace(given, cover=torch.ones_like(given.cover), error=torch.tensor([0.5]))
    error = 0.5 * network.sigma_data[:, None, None]

    def fused(sigma, given):
        return network.fused(noisy, torch.full((1, 1, 1, 1, 1, 1), sigma), given)

    look, level = fused(1e4, covered)
    assert torch.allclose(look, pictures, atol=1e-4) and torch.allclose(level, error.expand_as(level))
    look, level = fused(1e-4, covered)
    assert torch.allclose(look, noisy, atol=1e-4) and torch.allclose(level, torch.tensor(1e-4))
    look, level = fused(float(error[1]), covered)
    assert torch.allclose(look[:, :, :, 1], (noisy + pictures)[:, :, :, 1] / 2, atol=1e-5)
    assert torch.allclose(level[:, :, :, 1], error[1] / 2**0.5)
    look, level = fused(2.0, given)
    assert look is noisy and level.shape == (1,) * 6, "nothing is carried: all is as without"
    covered.cover[:, 2] = 0
    look, level = fused(2.0, covered)
    assert torch.equal(look[:, 2], noisy[:, 2]) and (level[:, 2] == 2).all() and not (level[:, 1] == 2).any()
    told = conditions_for(spec, 1)
    assert torch.equal(run(network, told, noisy, given)[:, 0], pictures[:, 0])
    assert not torch.allclose(run(network, told, noisy, given), run(network, told, noisy, covered), atol=1e-3)


def test_every_condition_matters_and_kept_back_ones_do_not(network, spec, conditions_for, latents_for):
    x, told, other = latents_for(spec, 1), conditions_for(spec, 1), conditions_for(spec, 1, seed=3)
    other = replace(other, words=told.words + 1, text=told.text.flip(1))
    for name in ("map", "boxes", "proxy", "rays", "appearance", "words", "text"):
        changed = replace(told, **{name: getattr(other, name)})
        assert not torch.equal(run(network, told, x), run(network, changed, x)), name
        if name != "rays":
            assert torch.equal(run(network, told.untold(), x), run(network, changed.untold(), x)), name


def test_the_papers_conditions_alone_are_a_smaller_network_blind_to_the_rest(spec, conditions_for, latents_for):
    paper = spec.model_copy(update={"conditions": PAPER})
    assert spec.in_channels == 4 + 4 + 1 + 4 + 8 + 20 + 6 + 3
    assert paper.in_channels == 4 + 4 + 1 + 8 + 20
    network, x, told = UniMVM(paper).eval(), latents_for(spec, 1), conditions_for(spec, 1)
    without_proxy = replace(told, proxy=torch.zeros_like(told.proxy))
    assert torch.equal(run(network, told, x), run(network, without_proxy, x))


def test_no_conditions_at_all_is_a_network_too(spec, conditions_for, latents_for):
    bare = spec.model_copy(update={"conditions": ()})
    assert run(UniMVM(bare), conditions_for(spec, 1), latents_for(spec, 1)).shape == (1, 4, 3, 4, 2, 4)


def test_views_see_each_other_only_when_joined(spec, conditions_for, latents_for):
    for joined in (True, False):
        network = UniMVM(spec.model_copy(update={"joined": joined})).eval()
        x = latents_for(spec, 1)
        other = x.clone()
        other[:, :, 0] += 1
        same = torch.allclose(*(run(network, conditions_for(spec, 1), one)[:, :, 2] for one in (x, other)), atol=1e-6)
        assert same is not joined


def test_frames_see_each_other_only_through_trained_temporal_layers(spec, conditions_for, latents_for):
    def frame_two_is_blind(network):
        x = latents_for(spec, 1)
        other = x.clone()
        other[:, 0] += 1
        return torch.allclose(*(run(network, conditions_for(spec, 1), one)[:, 2] for one in (x, other)), atol=1e-6)

    network = UniMVM(spec).eval()
    assert frame_two_is_blind(network), "at first the temporal layers do nothing"
    wake(network)
    assert not frame_two_is_blind(network)
    still = UniMVM(spec.model_copy(update={"temporal": False})).eval()
    wake(still)
    assert frame_two_is_blind(still)


def wake(network):
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "temporal" in name or "time_pos_embed" in name:
                parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)


def test_untrained_temporal_layers_make_a_video_of_the_image_models_frames(network, spec, conditions_for, latents_for):
    x, told = latents_for(spec, 1), conditions_for(spec, 1)
    video = run(network, told, x)
    images = torch.cat([run(network, told.frames(t, t + 1), x[:, t : t + 1]) for t in range(spec.frames)], dim=1)
    assert torch.allclose(video, images, atol=1e-5)


def test_one_frame_leaves_temporal_layers_without_gradient(spec, conditions_for, latents_for):
    network = UniMVM(spec)
    x = latents_for(spec, 1, frames=1)
    network(x, torch.ones(1), conditions_for(spec, 1, frames=1), Given.nothing(x)).square().mean().backward()
    touched = {name for name, parameter in network.named_parameters() if parameter.grad is not None}
    assert not [name for name in touched if "temporal" in name]
    assert [name for name, _ in network.named_parameters() if "spatial_res_block" in name and name not in touched] == []


def test_gradient_checkpointing_changes_no_gradient(spec, conditions_for, latents_for):
    network = UniMVM(spec)
    wake(network)
    gradients = []
    for frames in (1, spec.frames):
        for checkpointing in (False, True):
            switch = network.unet.enable_gradient_checkpointing, network.unet.disable_gradient_checkpointing
            switch[not checkpointing]()
            network.zero_grad()
            x = latents_for(spec, 1, frames=frames)
            network(
                x, torch.ones(1), conditions_for(spec, 1, frames=frames), Given.nothing(x)
            ).square().mean().backward()
            gradients.append(network.unet.conv_in.weight.grad.clone())
        assert torch.allclose(gradients[-1], gradients[-2], rtol=1e-4, atol=1e-7)


def test_a_copy_of_the_network_computes_with_its_own_weights(network, spec, conditions_for, latents_for):
    twin = copy.deepcopy(network)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_()
    x = latents_for(spec, 1, frames=1)
    assert not torch.allclose(
        run(twin, conditions_for(spec, 1, frames=1), x), run(network, conditions_for(spec, 1, frames=1), x)
    )


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_close_to_single(network, spec, conditions_for, latents_for, dtype):
    x, told = latents_for(spec, 1), conditions_for(spec, 1)
    full, half = run(network, told, x), run(copy.deepcopy(network).to(dtype), told, x)
    assert half.dtype == torch.float32
    assert (full - half).abs().mean() < 0.02


def test_sigma_data_per_channel_scales_what_the_network_sees(spec, conditions_for, latents_for):
    """At low noise the estimate is the noisy latents themselves, whatever the spread of a channel."""
    network = UniMVM(spec, sigma_data=torch.tensor([0.1, 1.0, 5.0, 0.5])).eval()
    x = latents_for(spec, 1) * network.sigma_data[:, None, None]
    with torch.no_grad():
        out = network(x, torch.full((1,), 1e-4), conditions_for(spec, 1), Given.nothing(x))
    assert torch.allclose(out, x, atol=1e-3)


def test_a_damped_network_does_not_look_at_pure_noise(spec, conditions_for, latents_for):
    told, x = conditions_for(spec, 1), latents_for(spec, 1)
    noises = [1e4 * torch.randn(x.shape, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1)]
    apart = {}
    for damped in (False, True):
        torch.manual_seed(0)
        network = UniMVM(spec.model_copy(update={"damped": damped})).eval()
        with torch.no_grad():
            one, other = (network(noise, torch.tensor([1e4]), told, Given.nothing(x)) for noise in noises)
        apart[damped] = float((one - other).abs().mean() / one.std())
    assert apart[True] < 1e-2 < apart[False]


def test_presets_are_what_they_claim():
    assert set(SPECS) == {"tiny", "small", "svd"}
    assert set(TINY.conditions) == set(SMALL.conditions) == set(SVD.conditions) == set(Condition)
    with torch.device("meta"):
        sizes = {name: sum(p.numel() for p in new_unet(spec).parameters()) for name, spec in SPECS.items()}
    assert sizes["tiny"] < 15e6
    assert 1.51e9 < sizes["svd"] < 1.54e9, "SVD-XT's UNet has 1.52 billion weights"
    assert sizes["tiny"] < sizes["small"] < sizes["svd"]


def test_a_spec_that_cannot_be_built_is_refused():
    with pytest.raises(ValidationError, match="multiples of the stride"):
        TINY.model_validate({**TINY.model_dump(), "view_px": (225, 128)})
    with pytest.raises(ValidationError, match="multiples of 32"):
        UNetSpec(channels=(40,), attention=(True,), heads=(1,), layers=1, context=32)
    with pytest.raises(ValidationError, match="one entry per level"):
        UNetSpec(channels=(32, 64), attention=(True,), heads=(1,), layers=1, context=32)


def test_half_precision_keeps_the_spread_of_the_latents_exact(spec, conditions_for, latents_for):
    spread = torch.tensor([0.123, 1.2345, 2.3456, 9.8765])
    torch.manual_seed(0)
    network = UniMVM(spec, sigma_data=spread).eval()
    x, told = latents_for(spec, 1), conditions_for(spec, 1)
    exact = run(network, told, x)
    half = run(network.in_precision(torch.bfloat16), told, x)
    assert network.unet.dtype == torch.bfloat16
    assert torch.equal(network.sigma_data, spread)
    assert half.dtype == torch.float32
    assert (half - exact).abs().max() < 0.05 * exact.abs().max()


def test_a_convolution_along_time_alone_is_the_same_flat(spec):
    flat = next(module for module in UniMVM(spec).modules() if isinstance(module, nn.Conv3d))
    plain = nn.Conv3d(flat.in_channels, flat.out_channels, flat.kernel_size, padding=flat.padding)
    plain.load_state_dict(flat.state_dict())
    x = torch.randn(2, flat.in_channels, 4, 3, 5)
    assert type(flat) is not nn.Conv3d
    assert torch.allclose(flat(x), plain(x), atol=1e-6)
