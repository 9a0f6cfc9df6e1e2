"""The patch autoencoder: PCA to begin with, better afterwards, the same when loaded."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.decomposition import PCA

from datagen.errors import InputError
from datagen.models.autoencoder import Autoencoder
from datagen.models.autoencoder.patch import PatchAutoencoder, PatchSpec
from datagen.models.autoencoder.training import (
    AutoencoderTraining,
    as_levels,
    as_signal,
    found_pictures,
    measured_psnr_db,
    psnr_db,
    train_autoencoder,
)
from datagen.models.autoencoder.weights import load_autoencoder
from datagen.models.training import LoopSettings, Phase

SPEC = PatchSpec(latent_channels=6, stride=4, width=16, blocks=1)


def pictures(count=12, side=32):
    """Blurred noise, as smooth as pictures are."""
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (count, side // 4, side // 4, 3), dtype=np.uint8)
    return [np.array(Image.fromarray(one).resize((side, side), Image.Resampling.BICUBIC)) for one in small]


def signal():
    return as_signal(torch.from_numpy(np.stack(pictures())).permute(0, 3, 1, 2))


def test_before_training_it_is_the_pca_of_its_patches():
    autoencoder = PatchAutoencoder(SPEC)
    autoencoder.fit(signal())
    patches = signal().unfold(2, 4, 4).unfold(3, 4, 4).permute(0, 2, 3, 1, 4, 5).reshape(-1, 48)
    pca = PCA(6).fit(patches.numpy())
    back = pca.inverse_transform(pca.transform(patches.numpy())).reshape(12, 8, 8, 3, 4, 4)
    expected = torch.from_numpy(back).permute(0, 3, 1, 4, 2, 5).reshape(12, 3, 32, 32).float()
    assert torch.allclose(autoencoder(signal()), expected, atol=1e-4)
    latents = autoencoder.encode(signal()).detach()
    assert latents.shape == (12, 6, 8, 8)
    assert float(latents.square().mean().sqrt()) == pytest.approx(1.0, abs=0.02)
    spread = latents.std(dim=(0, 2, 3))
    assert (spread.diff() < 1e-4).all(), "the strongest component comes first"
    assert isinstance(autoencoder, Autoencoder)


@pytest.mark.parametrize("stride", [2, 4, 8])
def test_any_stride_gives_pictures_of_the_size_they_came_in(stride):
    autoencoder = PatchAutoencoder(PatchSpec(latent_channels=4, stride=stride, width=32, blocks=1))
    assert autoencoder(torch.zeros(2, 3, 16, 32)).shape == (2, 3, 16, 32)


def folder_of_pictures(folder):
    for i, picture in enumerate(pictures()):
        Image.fromarray(picture).save(folder / f"{i:03d}.png")
    return folder


def settings(folder, steps):
    phases = (Phase(steps=steps, batch=4, rate=2e-3, last_rate=1e-4),)
    loop = LoopSettings(warmup=5, look_every=10**6, ema=0.95)
    return AutoencoderTraining(
        pictures=folder, size_px=(32, 32), spec=SPEC, crop_px=16, held_out=4, phases=phases, loop=loop
    )


def test_training_beats_pca_on_pictures_it_has_not_seen(tmp_path):
    (tmp_path / "pictures").mkdir()
    asked = settings(folder_of_pictures(tmp_path / "pictures"), steps=60)
    trained = load_autoencoder(train_autoencoder(asked, tmp_path / "out"))
    pca = PatchAutoencoder(SPEC)
    pca.fit(signal())
    unseen = found_pictures(asked.pictures)[::4]
    scores = [measured_psnr_db(one, unseen, size_px=(32, 32))[0] for one in (pca, trained)]
    assert scores[1] > scores[0] + 0.2
    assert list((tmp_path / "out" / "looks").iterdir())


def test_an_interrupted_training_ends_with_the_same_bits(tmp_path):
    (tmp_path / "pictures").mkdir()
    asked = settings(folder_of_pictures(tmp_path / "pictures"), steps=6)
    whole = train_autoencoder(asked, tmp_path / "whole")
    train_autoencoder(asked, tmp_path / "pieces", stop_after=2)
    assert train_autoencoder(asked, tmp_path / "pieces").read_bytes() == whole.read_bytes()


def test_a_folder_without_pictures_and_foreign_weights_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"no \*\.jpg or \*\.png to train on"):
        train_autoencoder(settings(tmp_path / "none", steps=1), tmp_path / "out")
    with pytest.raises(InputError, match="there are no weights here"):
        load_autoencoder(tmp_path / "none.safetensors")


def test_levels_and_signals_are_inverse_and_psnr_is_what_it_says():
    levels = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(as_levels(as_signal(levels)), levels)
    assert psnr_db(torch.zeros(10), torch.full((10,), 0.2)) == pytest.approx(20.0, abs=1e-4)
