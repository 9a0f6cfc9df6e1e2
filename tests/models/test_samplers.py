"""For Gaussian data the ideal denoiser is known, so what a solver must return is known too."""

from __future__ import annotations

import pytest
import torch

from datagen.models.samplers import (
    Sampler,
    edm_scalings,
    guidance_ramp,
    guided,
    karras_sigmas,
    log_spaced_sigmas,
    sample,
    sample_euler,
    sample_reduced_noise,
)

MEAN, STD = 2.0, 0.5


def ideal(x, sigma):
    """E[x0 | x] for data N(MEAN, STD**2)."""
    return MEAN + STD**2 / (STD**2 + sigma**2) * (x - MEAN)


def exact_flow(x, sigma_max):
    """Where the probability flow carries x: it keeps every point's number of standard deviations."""
    return MEAN + STD * (x - MEAN) / (STD**2 + sigma_max**2) ** 0.5


def start(sigma_max, seed=0):
    return torch.randn(20_000, generator=torch.Generator().manual_seed(seed)) * sigma_max


@pytest.mark.parametrize(
    ("sampler", "steps", "error"),
    [(Sampler.EULER, 400, 0.01), (Sampler.HEUN, 60, 0.01), (Sampler.DPMPP_2M, 60, 0.01)],
)
def test_a_solver_follows_the_flow_of_gaussian_data(sampler, steps, error):
    x = start(80.0)
    end = sample(sampler, ideal, x=x, sigmas=karras_sigmas(steps, 80.0), noise=lambda: torch.randn_like(x))
    assert (end - exact_flow(x, 80.0)).abs().max() < error * 4 * STD  # of four standard deviations
    assert end.mean() == pytest.approx(MEAN, abs=0.02)
    assert end.std() == pytest.approx(STD, rel=0.03)


@pytest.mark.parametrize(("sampler", "order"), [(Sampler.EULER, 1), (Sampler.HEUN, 2), (Sampler.DPMPP_2M, 2)])
def test_halving_the_step_divides_the_error_by_two_to_the_order(sampler, order):
    x = torch.tensor([-3.0, 0.5, 4.0], dtype=torch.float64) * 10

    def error(steps):
        sigmas = torch.logspace(1, -1, steps + 1, dtype=torch.float64)  # stops before 0, where the last step differs
        target = MEAN + (x - MEAN) * ((STD**2 + 0.1**2) / (STD**2 + 10.0**2)) ** 0.5
        return (sample(sampler, ideal, x=x, sigmas=sigmas, noise=lambda: x) - target).abs().max()

    assert error(64) / error(128) == pytest.approx(2**order, rel=0.25)


def test_full_noise_at_each_level_keeps_the_spread_and_less_noise_narrows_it():
    x = start(80.0)
    generator = torch.Generator().manual_seed(1)

    def walk(keep):
        noise = lambda: torch.randn(x.shape, generator=generator)  # noqa: E731
        return sample_reduced_noise(
            ideal, x, sigmas=log_spaced_sigmas(40, 80.0, sigma_min=0.01), noise=noise, keep=keep
        )

    assert walk(1.0).mean() == pytest.approx(MEAN, abs=0.03)
    assert walk(0.6).mean() == pytest.approx(MEAN, abs=0.03)
    assert walk(0.6).std() < walk(1.0).std() < STD


def test_what_settles_is_a_solver_above_that_level_and_reduced_noise_below():
    x, sigmas = start(80.0), log_spaced_sigmas(40, 80.0, sigma_min=0.01)

    def drawn(sampler, **how):
        generator = torch.Generator().manual_seed(1)
        noise = lambda: torch.randn(x.shape, generator=generator)  # noqa: E731
        return sample(sampler, ideal, x=x, sigmas=sigmas, noise=noise, **how)

    assert torch.equal(drawn(Sampler.SETTLED, settle=0.0), drawn(Sampler.DPMPP_2M))
    assert torch.equal(drawn(Sampler.SETTLED, settle=80.0), drawn(Sampler.REDUCED_NOISE))
    spread = drawn(Sampler.SETTLED, settle=0.2).std()
    assert drawn(Sampler.REDUCED_NOISE).std() < spread < drawn(Sampler.DPMPP_2M).std()


def test_a_sure_denoiser_is_believed_by_every_solver():
    x = start(10.0)
    for sampler in Sampler:
        end = sample(
            sampler, lambda x, sigma: torch.full_like(x, 3.0), x=x, sigmas=karras_sigmas(5, 10.0), noise=lambda: x
        )
        assert torch.allclose(end, torch.full_like(end, 3.0), atol=1e-4), sampler


def test_scalings_give_unit_input_and_unit_target():
    sigma, sigma_data = torch.tensor(3.0), torch.tensor([0.1, 1.0, 5.0])
    generator = torch.Generator().manual_seed(0)
    clean = torch.randn(50_000, 3, generator=generator) * sigma_data
    noisy = clean + sigma * torch.randn(50_000, 3, generator=generator)
    c_skip, c_out, c_in, c_noise = edm_scalings(sigma, sigma_data)
    assert torch.allclose((c_in * noisy).std(0), torch.ones(3), atol=0.02)
    assert torch.allclose(((clean - c_skip * noisy) / c_out).std(0), torch.ones(3), atol=0.02)
    assert c_noise == pytest.approx(0.25 * 1.0986, abs=1e-4)


def test_scalings_are_the_velocity_of_stable_video_diffusion():
    """diffusers' EulerDiscreteScheduler with v_prediction, at sigma = 2."""
    c_skip, c_out, c_in, _ = edm_scalings(torch.tensor(2.0), torch.tensor(1.0))
    assert c_skip == pytest.approx(1 / 5)
    assert c_out == pytest.approx(-2 / 5**0.5)
    assert c_in == pytest.approx(1 / 5**0.5)


def test_schedules_fall_from_the_highest_level_to_nothing():
    karras = karras_sigmas(3, 80.0)
    assert karras.tolist() == pytest.approx([80.0, 2.5152, 0.002, 0.0], rel=1e-3)
    assert log_spaced_sigmas(3, 100.0, sigma_min=0.01).tolist() == pytest.approx([100.0, 1.0, 0.01, 0.0])


def test_guidance_of_one_is_no_guidance_and_ramps_over_frames():
    with_words, without = torch.randn(8), torch.randn(8)
    assert torch.equal(guided(with_words, without, scale=torch.tensor(1.0)), with_words)
    ramp = guidance_ramp(8, 2.0, high=5.0)
    assert (ramp[0], ramp[-1]) == (2.0, 5.0)
    assert torch.allclose(guided(with_words, without, scale=ramp)[0], without[0] + 2 * (with_words - without)[0])


def test_one_step_of_euler_is_one_denoising():
    x = start(80.0)
    assert torch.allclose(
        sample_euler(ideal, x, sigmas=karras_sigmas(1, 80.0)), ideal(x, torch.tensor(80.0)), atol=1e-4
    )
