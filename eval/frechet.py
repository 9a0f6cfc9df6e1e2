"""The distance between two clouds of features: Fréchet's, between the Gaussians that fit them (Heusel et al. 2017).

```
   d² = |m_a - m_b|² + tr C_a + tr C_b - 2 tr (C_a C_b)^½
```

With C = Xᵀ X (X: centred features over sqrt(N - 1)) the last trace is the nuclear norm of X_a X_bᵀ, a sum of singular
values. So no square root of a matrix is taken, nothing needs to be invertible, and few samples cost accuracy of the
estimate but never of the arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from datagen.errors import DatasetError

Features = Float[np.ndarray, "samples dims"]
LEAST_SAMPLES = 6
_DIRECTIONS = 96


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """Features with the clip each comes from; clips are what is resampled, for their pictures are alike."""

    features: Features
    clip: Int[np.ndarray, "samples"]

    def __len__(self) -> int:
        return len(self.features)

    def of_clips(self, clips: Sequence[int] | Int[np.ndarray, "clips"]) -> Cloud:
        """Return the samples of some clips; a clip that is named twice counts twice."""
        rows = np.concatenate([np.flatnonzero(self.clip == clip) for clip in clips])
        return Cloud(features=self.features[rows], clip=self.clip[rows])


@dataclass(frozen=True, kw_only=True)
class Distance:
    """A measured distance and its interval (95 %, by resampling clips)."""

    value: float
    low: float
    high: float
    samples: int

    def __str__(self) -> str:
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


def frechet(a: Features, b: Features) -> float:
    """Return the squared Fréchet distance of the Gaussians that fit two clouds. Raises DatasetError for too few."""
    for features in (a, b):
        if len(features) < LEAST_SAMPLES:
            raise DatasetError(
                f"{len(features)} samples are too few for a Fréchet distance; {LEAST_SAMPLES} is the least"
            )
    mean_a, mean_b = a.mean(axis=0, dtype=np.float64), b.mean(axis=0, dtype=np.float64)
    x_a, x_b = _reduced(a - mean_a), _reduced(b - mean_b)
    cross = np.linalg.svd(x_a @ x_b.T, compute_uv=False).sum()
    apart = mean_a - mean_b
    return max(0.0, float(apart @ apart + (x_a**2).sum() + (x_b**2).sum() - 2 * cross))


def distance(a: Cloud, b: Cloud, *, paired: bool, resamples: int, seed: int) -> Distance:
    """Return the distance of two clouds with its interval.

    paired: clip i of both is the same scene, and they are drawn together. Drawing with repetition makes every distance
    larger; so the spread of the resamples around their own mean is laid around the measured value. Resamples are
    measured in the leading directions of both clouds together, which hold nearly all of the distance.
    """
    value = frechet(a.features, b.features)
    rng = np.random.default_rng(seed)
    small_a, small_b = _leading(a, b)
    clips_a, clips_b = np.unique(a.clip), np.unique(b.clip)
    drawn = []
    for _ in range(resamples):
        chosen_a = rng.choice(clips_a, len(clips_a))
        chosen_b = chosen_a if paired else rng.choice(clips_b, len(clips_b))
        drawn.append(frechet(small_a.of_clips(chosen_a).features, small_b.of_clips(chosen_b).features))
    spread = np.quantile(drawn, [0.025, 0.975]) - np.mean(drawn) if drawn else np.zeros(2)
    low, high = value + spread
    return Distance(value=value, low=max(0.0, float(low)), high=float(high), samples=len(b))


def floor(real: Cloud, *, splits: int, seed: int) -> float:
    """Return the mean distance between disjoint halves of real clips. Raises DatasetError for fewer than two clips."""
    return float(np.mean([frechet(one.features, other.features) for one, other in _halves(real, real, splits, seed)]))


def across(real: Cloud, generated: Cloud, *, splits: int, seed: int) -> float:
    """Return the mean distance between half of the real clips and the other half, generated: to compare with `floor`.

    Clip i of both is the same scene.
    """
    halves = [*_halves(real, generated, splits, seed), *_halves(generated, real, splits, seed)]
    return float(np.mean([frechet(one.features, other.features) for one, other in halves]))


def _halves(a: Cloud, b: Cloud, splits: int, seed: int) -> list[tuple[Cloud, Cloud]]:
    clips = np.unique(a.clip)
    if len(clips) < 2:
        raise DatasetError("a floor needs two clips at least: it is the distance between halves of the real ones")
    rng = np.random.default_rng(seed)
    pairs = []
    for _ in range(splits):
        order = rng.permutation(clips)
        half = len(clips) // 2
        pairs.append((a.of_clips(order[:half]), b.of_clips(order[half : 2 * half])))
    return pairs


def _reduced(centred: Float[np.ndarray, "samples dims"]) -> Float[np.ndarray, "rows dims"]:
    """Return X with Xᵀ X the covariance, and at most as many rows as columns."""
    x = np.asarray(centred, dtype=np.float64) / np.sqrt(len(centred) - 1)
    if len(x) <= x.shape[1]:
        return x
    return np.asarray(np.linalg.qr(x, mode="r"))


def _leading(a: Cloud, b: Cloud) -> tuple[Cloud, Cloud]:
    """Return both clouds in the leading directions of the two together."""
    both = np.concatenate([a.features, b.features]).astype(np.float64)
    centred = both - both.mean(axis=0)
    covariance = centred.T @ centred
    _, directions = np.linalg.eigh(covariance)
    leading = directions[:, -_DIRECTIONS:]
    return (
        Cloud(features=a.features @ leading, clip=a.clip),
        Cloud(features=b.features @ leading, clip=b.clip),
    )
