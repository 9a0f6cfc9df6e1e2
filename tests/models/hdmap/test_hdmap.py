"""Map models: samples on disk, what a denoiser keeps to, drawing, teaching, weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from datagen.digest import file_sha256
from datagen.errors import InputError
from datagen.models import weights
from datagen.models.hdmap import spec as specs
from datagen.models.hdmap.network import MapDenoiser
from datagen.models.hdmap.pairs import Pairs, read_pair, write_pair
from datagen.models.hdmap.pipeline import DiffusionMaps, Sampling
from datagen.models.hdmap.scale import coarser, finer
from datagen.models.hdmap.sd import StableDiffusionMaps
from datagen.models.hdmap.spec import SPECS, Spec
from datagen.models.hdmap.training import HDMapLessons, HDMapTask, train_hdmap
from datagen.models.hdmap.weights import load_hdmap, save_hdmap
from datagen.models.training import LoopSettings, Phase, Share
from datagen.roads.raster import MAP_CHANNELS, TRAFFIC_CHANNELS

QUICK = Sampling(steps=3)


def test_a_sample_comes_back_within_its_eight_bits(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    traffic, truth = rng.uniform(0, 1, (7, 32, 32)), rng.uniform(0, 1, (6, 32, 32))
    truth[4:] = truth[4:] * 2 - 1
    write_pair(tmp_path / "a-000000.png", traffic=traffic, truth=truth)
    pair = read_pair(tmp_path / "a-000000.png")
    assert np.allclose(pair.traffic.numpy(), traffic, atol=1 / 127)
    assert np.allclose(pair.truth.numpy(), truth, atol=1 / 127)


def test_channels_are_those_of_the_rasters() -> None:
    assert len(TRAFFIC_CHANNELS) == specs.TRAFFIC_CHANNELS
    assert len(MAP_CHANNELS) == specs.MAP_CHANNELS
    panels = TRAFFIC_CHANNELS + MAP_CHANNELS
    assert tuple(index for index, name in enumerate(panels) if name.startswith("ahead")) == specs.SIGNED


def test_what_is_no_sample_is_said(tmp_path: Path, pairs: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"x\.png: not a readable sample"):
        read_pair(tmp_path / "x.png")
    with pytest.raises(InputError, match="32 px; this network draws 64 px"):
        Pairs.under(pairs, pixels=64)
    with pytest.raises(InputError, match="prepare them first"):
        Pairs.under(tmp_path, pixels=32) if (tmp_path / "x.png").unlink() is None else None


def test_the_tiny_weights_fit_into_eight_mebibytes() -> None:
    parameters = sum(parameter.numel() for parameter in MapDenoiser(SPECS["tiny"]).parameters())
    assert 2 * parameters <= 8 * 2**20


def test_without_noise_a_denoiser_changes_nothing(small: Spec) -> None:
    network = MapDenoiser(small)
    clean = torch.randn(1, 6, 32, 32)
    denoised = network(clean, torch.tensor([1e-4]), torch.zeros(1, 7, 32, 32))
    assert torch.allclose(denoised, clean, atol=1e-2)


def test_rasters_come_back_as_fine_as_they_went_in(small: Spec) -> None:
    coarse = DiffusionMaps(MapDenoiser(small.model_copy(update={"pixels": 64, "coarse": 2})), QUICK)
    assert (coarse.pixels, coarse.multiple_px) == (64, 16)
    assert coarse.draw(torch.zeros(1, 7, 64, 96), seeds=[0]).shape == (1, 6, 64, 96)


def test_making_coarser_is_the_mean_and_making_finer_keeps_it() -> None:
    raster = np.arange(16.0, dtype=np.float32).reshape(1, 1, 4, 4)
    small = coarser(raster, 2)
    assert small.tolist() == [[[[2.5, 4.5], [10.5, 12.5]]]]
    fine = finer(torch.from_numpy(small), 2)
    assert fine.shape == (1, 1, 4, 4)
    assert fine.mean() == pytest.approx(7.5)
    assert fine[0, 0, 0].tolist() == [2.5, 3.0, 4.0, 4.5]


def test_a_canvas_may_be_of_any_size(small: Spec) -> None:
    drawn = DiffusionMaps(MapDenoiser(small), QUICK).draw(torch.zeros(1, 7, 32, 72), seeds=[0])
    assert drawn.shape == (1, 6, 32, 72)


def test_other_seeds_draw_other_maps_and_batches_change_nothing(small: Spec) -> None:
    torch.manual_seed(0)
    model, traffic = DiffusionMaps(MapDenoiser(small), QUICK), torch.zeros(2, 7, 32, 32)
    both = model.draw(traffic, seeds=[1, 2])
    assert torch.equal(both[1:], model.draw(traffic[:1], seeds=[2]))
    assert not torch.equal(both[0], both[1])
    assert both[:, :4].min() >= 0 and both.abs().max() <= 1


def lessons(**more: object) -> HDMapLessons:
    loop = LoopSettings(warmup=1, checkpoint_every=2, look_every=1000, ema=0.5)
    return HDMapLessons(phases=(Phase(steps=4, batch=2, rate=2e-3),), loop=loop, sampling=QUICK, looks=1, **more)


@pytest.fixture()
def small_preset(monkeypatch: pytest.MonkeyPatch, small: Spec) -> None:
    monkeypatch.setitem(SPECS, "tiny", small)
    monkeypatch.setitem(SPECS, "sd", small.model_copy(update={"name": "sd"}))


@pytest.mark.usefixtures("small_preset")
def test_a_resumed_training_ends_with_the_same_weights(tmp_path: Path, pairs: Path, unseen: Path) -> None:
    whole = train_hdmap(lessons(), tmp_path / "whole", pairs=pairs, held_out=unseen)
    train_hdmap(lessons(), tmp_path / "parts", pairs=pairs, held_out=unseen, stop_after=2)
    parts = train_hdmap(lessons(), tmp_path / "parts", pairs=pairs, held_out=unseen)
    assert file_sha256(whole) == file_sha256(parts)
    network = load_hdmap(whole)
    assert network.noise_shape(32, 64) == (6, 32, 64)
    assert list((tmp_path / "whole" / "looks").glob("truth-samples-*.png"))


@pytest.mark.usefixtures("small_preset")
def test_it_learns_where_the_road_is(tmp_path: Path, pairs: Path, unseen: Path) -> None:
    task = HDMapTask(lessons(), pairs=pairs, held_out=unseen)
    optimizer = torch.optim.AdamW(task.network.parameters(), lr=3e-3)
    pair = task.batch(Share(seed=0, step=0))
    losses = []
    for step in range(40):
        loss, _ = task.loss(task.network, pair, share=Share(seed=0, step=step % 2))
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert sum(losses[-4:]) < 0.5 * sum(losses[:4])


@pytest.mark.usefixtures("small_preset")
def test_places_learned_from_are_not_held_out(tmp_path: Path, pairs: Path) -> None:
    with pytest.raises(InputError, match="learned from too: here"):
        HDMapTask(lessons(), pairs=pairs, held_out=pairs)


def test_weights_of_another_kind_are_refused(tmp_path: Path, small: Spec) -> None:
    path = tmp_path / "w.safetensors"
    weights.save(path, {"a": torch.zeros(1)}, about={"format": "other"})
    with pytest.raises(InputError, match="holds 'other'"):
        load_hdmap(path)
    save_hdmap(path, MapDenoiser(small), tensors={"a": torch.zeros(1)}, about={})
    with pytest.raises(InputError, match="do not fit"):
        load_hdmap(path)


@pytest.mark.usefixtures("small_preset")
def test_stable_diffusion_is_taught_and_draws(
    tmp_path: Path, stable_diffusion: Path, pairs: Path, unseen: Path
) -> None:
    few = lessons(spec="sd", sd=stable_diffusion).model_copy(update={"phases": (Phase(steps=1, batch=1),)})
    path = train_hdmap(few, tmp_path / "out", pairs=pairs, held_out=unseen)
    network = load_hdmap(path)
    assert isinstance(network, StableDiffusionMaps)
    drawn = DiffusionMaps(network, QUICK).draw(torch.zeros(1, 7, 32, 32), seeds=[0])
    assert drawn.shape == (1, 6, 32, 32)


def test_a_widened_stable_diffusion_sees_both_pictures_as_it_saw_one(stable_diffusion: Path, small: Spec) -> None:
    network = StableDiffusionMaps.from_folder(small, stable_diffusion).eval()
    one, traffic = torch.randn(1, 4, 4, 4), torch.zeros(1, 7, 32, 32)
    denoised = network(torch.cat([one, one], dim=1), torch.tensor([1.0]), traffic)
    assert torch.allclose(denoised[:, :4], denoised[:, 4:], atol=1e-5)


def test_a_folder_without_stable_diffusion_is_said(tmp_path: Path, small: Spec) -> None:
    with pytest.raises(InputError, match="not a Stable Diffusion folder"):
        StableDiffusionMaps.from_folder(small, tmp_path)
