"""Fréchet's distance against closed forms and against a square root of matrices."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import sqrtm

from datagen.errors import DatasetError
from eval.frechet import Cloud, across, distance, floor, frechet

RNG = np.random.default_rng(0)


def cloud(features: np.ndarray, clips: int) -> Cloud:
    return Cloud(features=features, clip=np.repeat(np.arange(clips), len(features) // clips))


def test_a_shift_alone_is_its_squared_length() -> None:
    features = RNG.standard_normal((200, 5))
    assert frechet(features, features + np.array([3.0, 4.0, 0, 0, 0])) == pytest.approx(25.0, abs=1e-9)


def test_a_stretch_alone_is_the_squared_difference_of_deviations() -> None:
    features = RNG.standard_normal((500, 3))
    features -= features.mean(axis=0)
    deviations = features.std(axis=0, ddof=1)
    assert np.abs(np.corrcoef(features.T) - np.eye(3)).max() < 0.1
    apart = frechet(features, 2 * features)
    assert apart == pytest.approx((deviations**2).sum(), rel=1e-9)


@pytest.mark.parametrize(("samples", "dims"), [(300, 20), (25, 60), (60, 60)])
def test_it_is_what_the_square_root_of_the_matrices_gives_however_few_samples(samples: int, dims: int) -> None:
    mixing = RNG.standard_normal((dims, dims))
    a, b = RNG.standard_normal((samples, dims)) @ mixing, RNG.standard_normal((samples + 7, dims)) * 1.5 + 0.3
    c_a, c_b = np.cov(a.T), np.cov(b.T)
    root = sqrtm(c_a @ c_b + 1e-10 * np.eye(dims)).real
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(c_a + c_b - 2 * root)
    assert frechet(a, b) == pytest.approx(expected, rel=1e-3)
    assert frechet(a, a) == pytest.approx(0.0, abs=1e-6)


def test_too_few_samples_are_said_to_be() -> None:
    with pytest.raises(DatasetError, match="5 samples are too few"):
        frechet(np.zeros((5, 4)), np.zeros((30, 4)))


def test_the_interval_holds_the_value_and_narrows_with_more_clips() -> None:
    widths = []
    for clips in (6, 60):
        a, b = (cloud(RNG.standard_normal((clips * 8, 6)) + shift, clips) for shift in (0.0, 1.0))
        found = distance(a, b, paired=True, resamples=60, seed=1)
        assert found.low <= found.value <= found.high
        widths.append(found.high - found.low)
    assert widths[1] < widths[0] / 2


def test_the_same_seed_gives_the_same_interval() -> None:
    a, b = cloud(RNG.standard_normal((64, 6)), 8), cloud(RNG.standard_normal((64, 6)), 8)
    one, two = (distance(a, b, paired=False, resamples=20, seed=5) for _ in range(2))
    assert one == two


def test_a_perfect_film_scores_the_floor_and_a_poor_one_more() -> None:
    real = cloud(RNG.standard_normal((320, 6)), 20)
    low = floor(real, splits=5, seed=0)
    assert across(real, real, splits=5, seed=0) == pytest.approx(low, rel=1e-9)
    poor = Cloud(features=real.features * 0.5, clip=real.clip)
    assert across(real, poor, splits=5, seed=0) > 2 * low


def test_one_clip_has_no_floor() -> None:
    with pytest.raises(DatasetError, match="two clips at least"):
        floor(cloud(RNG.standard_normal((32, 4)), 1), splits=2, seed=0)
