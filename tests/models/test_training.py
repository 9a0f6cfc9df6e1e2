"""The loop: it learns, stops and goes on, and does not mind being interrupted."""

from __future__ import annotations

import pytest
import torch

from datagen.digest import file_sha256
from datagen.errors import DatagenError, InputError
from datagen.models import weights
from datagen.models.training import STATE, Ahead, LoopSettings, Phase, Share, averaged, phase_of, rate_at, train

SETTINGS = LoopSettings(warmup=2, checkpoint_every=3, log_every=2, look_every=5, ema=0.9)


class Line:
    """Learn y = 3 x from noisy examples; the second layer is not used in the first phase."""

    phases = (Phase(steps=6, batch=4, rate=0.1, last_rate=0.05), Phase(steps=6, batch=8, rate=0.05, last_rate=0.01))

    def __init__(self, width=1):
        torch.manual_seed(0)
        self.network = torch.nn.ModuleDict({"early": torch.nn.Linear(1, width), "late": torch.nn.Linear(1, width)})
        self.network.forward = self._forward
        self.poison_from = None

    def _forward(self, x, late):
        return self.network["early"](x) + (self.network["late"](x) if late else 0)

    def batch(self, share):
        phase, _ = phase_of(self.phases, share.step)
        return torch.randn(phase.batch, 1, generator=share.generator())

    def loss(self, network, batch, *, share):
        noise = torch.randn(batch.shape, generator=share.generator())
        error = (network(batch, share.step >= 6) - 3 * batch - 0.1 * noise).square().mean()
        poisoned = self.poison_from is not None and share.step >= self.poison_from
        return error * (float("nan") if poisoned else 1.0), {"error": float(error)}

    def look(self, network, *, device):
        assert not network.training
        return {"weights": torch.zeros(2, 2, 3, dtype=torch.uint8)}


def test_a_run_that_was_interrupted_ends_with_the_same_bits(tmp_path):
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    train(Line(), whole, settings=SETTINGS)
    for stop in (2, 7, None):
        train(Line(), pieces, settings=SETTINGS, stop_after=stop)
    (one, about), (other, about_other) = (weights.load(folder / STATE) for folder in (whole, pieces))
    assert about == about_other
    assert set(one) == set(other)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_run_writes_curves_pictures_and_averaged_weights(tmp_path):
    train(Line(), tmp_path, settings=SETTINGS)
    assert list((tmp_path / "tensorboard").rglob("events*"))
    assert sorted(path.name for path in (tmp_path / "looks").iterdir()) == [
        "weights-0000005.png",
        "weights-0000010.png",
        "weights-0000012.png",
    ]
    tensors, steps = averaged(tmp_path / STATE)
    assert steps == 12
    assert set(tensors) == {"early.weight", "early.bias", "late.weight", "late.bias"}


def test_a_finished_run_is_left_as_it_is(tmp_path):
    state = train(Line(), tmp_path, settings=SETTINGS)
    before = file_sha256(state)
    train(Line(), tmp_path, settings=SETTINGS)
    assert file_sha256(state) == before


def test_another_networks_folder_and_a_broken_loss_are_refused(tmp_path):
    train(Line(), tmp_path, settings=SETTINGS, stop_after=1)
    with pytest.raises(InputError, match="another network's state"):
        train(Line(width=2), tmp_path, settings=SETTINGS)
    sick = Line()
    sick.poison_from = 3
    with pytest.raises(DatagenError, match="the loss at step 3 is nan; try a lower rate"):
        train(sick, tmp_path, settings=SETTINGS)


def test_the_rate_rises_falls_and_starts_anew_with_each_phase():
    phases = (Phase(steps=100, batch=1, rate=1.0, last_rate=0.0), Phase(steps=10, batch=1, rate=0.5, last_rate=0.5))
    rates = [rate_at(phases, step, warmup=10) for step in range(110)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[50] == pytest.approx(0.5)
    assert rates[99] < 0.001
    assert rates[100] == pytest.approx(0.05)
    assert rates[109] == pytest.approx(0.5)


def test_a_share_has_its_own_random_numbers_and_always_the_same():
    def draw(**keys):
        return torch.rand((), generator=Share(**keys).generator()).item()

    keys = [{"seed": s, "step": t, "rank": r} for s in (0, 1) for t in range(20) for r in (0, 1)]
    assert len({draw(**key) for key in keys}) == len(keys)
    assert draw(seed=1, step=2, rank=1) == draw(seed=1, step=2, rank=1)


def test_batches_come_in_order_and_their_errors_arrive():
    assert list(Ahead(lambda step: step * 10, first=2, stop=9)) == [20, 30, 40, 50, 60, 70, 80]
    assert list(Ahead(lambda step: step, first=3, stop=3)) == []

    def broken(step):
        if step == 2:
            raise InputError("no such drive")
        return step

    with pytest.raises(InputError, match="no such drive"):
        list(Ahead(broken, first=0, stop=5))
