"""Training on the smallest spec: it learns, its loss is where it should be, and it resumes to the bit."""

from __future__ import annotations

import pytest
import torch
from PIL import Image

from datagen.digest import file_sha256
from datagen.errors import InputError
from datagen.models import weights
from datagen.models.autoencoder.patch import PatchAutoencoder, PatchSpec
from datagen.models.autoencoder.weights import save_autoencoder
from datagen.models.samplers import Sampler
from datagen.models.training import LoopSettings, Share
from datagen.models.unimvm.card import read_card
from datagen.models.unimvm.conditioning import Given
from datagen.models.unimvm.drives import read_drive
from datagen.models.unimvm.masks import Mode
from datagen.models.unimvm.pipeline import Sampling, make_latents
from datagen.models.unimvm.spec import PAPER, SPECS
from datagen.models.unimvm.training import UniMVMPhase, UniMVMTask, UniMVMTraining, spread_of, train_unimvm
from datagen.models.unimvm.weights import load_unimvm
from datagen.scene import Weather

IMAGES = UniMVMPhase(steps=3, batch=2, frames=1, masks={Mode.NONE: 3, Mode.SUBSET: 1})
VIDEO = UniMVMPhase(steps=3, batch=2, frames=4, masks=dict.fromkeys(Mode, 1.0))
RATES = (("slow", 1e-3), ("fast", 1e-2))


@pytest.fixture
def asked(drives_folder, spec, tmp_path, monkeypatch):
    monkeypatch.setitem(SPECS, spec.name, spec)
    sizes = PatchSpec(latent_channels=spec.latent_channels, width=32, blocks=1)
    save_autoencoder(tmp_path / "ae.safetensors", sizes, tensors=PatchAutoencoder(sizes).state_dict(), about={})

    def settings(**changes):
        return UniMVMTraining(
            **{
                "drives": drives_folder,
                "held_out": drives_folder,
                "autoencoder": tmp_path / "ae.safetensors",
                "spec": spec.name,
                "phases": (IMAGES, VIDEO),
                "looks": 2,
                "sampling": Sampling(steps=2),
                "loop": LoopSettings(warmup=2, checkpoint_every=2, log_every=1, look_every=10**6, ema=0.9),
                **changes,
            }
        )

    return settings


def test_an_interrupted_training_ends_with_the_same_bits(asked, tmp_path):
    whole = train_unimvm(asked(), tmp_path / "whole")
    for stop in (2, 4, None):
        path = train_unimvm(asked(), tmp_path / "pieces", stop_after=stop)
    assert path.read_bytes() == whole.read_bytes()
    assert load_unimvm(path).spec == asked().full_spec()
    card = read_card(path.parent)
    assert (card.train_steps, card.drives, card.frames, card.weights_sha256) == (6, 8, 48, file_sha256(path))


def test_without_phases_the_mean_of_what_it_would_begin_with_is_kept(asked, tmp_path):
    def trained(name, **changes):
        return train_unimvm(asked(**changes), tmp_path / name)

    first = trained("first", phases=(IMAGES,))
    others = [trained(name, start=first, phases=(VIDEO.model_copy(update={"rate": rate}),)) for name, rate in RATES]
    mean = trained("mean", start=(others[0], others[1], others[1]), phases=())
    assert read_card(mean.parent).train_steps == 0
    one, two, three = (weights.load(path)[0] for path in (*others, mean))
    key = max(one, key=lambda name: float((one[name] - two[name]).abs().max()))
    apart = (two[key] - one[key]).float()
    assert torch.allclose((three[key] - one[key]).float(), apart * 2 / 3, atol=0.05 * float(apart.abs().max()))
    assert trained("mean", start=first, phases=()) == mean and torch.equal(weights.load(mean)[0][key], three[key])


def test_looks_show_proxy_truth_and_sample_of_first_and_last_frame(asked, spec, tmp_path):
    train_unimvm(asked(), tmp_path / "out")
    with Image.open(next((tmp_path / "out" / "looks").iterdir())) as picture:
        width, height = spec.view_px
        assert picture.size == (2 * 3 * width, 2 * 3 * height)


def test_samples_of_a_trained_network_look_like_what_it_was_told(asked, tmp_path):
    phase = UniMVMPhase(steps=80, batch=4, frames=1, rate=3e-3, last_rate=3e-4)
    settings = asked(phases=(phase,), looks=1, drop_layout=0.0, drop_words=0.0, drop_word=0.0)
    network = load_unimvm(train_unimvm(settings, tmp_path / "out"))
    truth, made = [], []
    for path in sorted(settings.drives.iterdir()):
        drive = read_drive(path, stop=1)
        given = Given.nothing(drive.latents[None])
        sampling = Sampling(steps=6, sampler=Sampler.DPMPP_2M)
        made.append(make_latents(network, drive.conditions(), given=given, seeds=[0], sampling=sampling)[0])
        truth.append(drive.latents)
    both = torch.stack([torch.stack(truth).flatten(), torch.stack(made).flatten()])
    assert torch.corrcoef(both)[0, 1] > 0.4


def test_temporal_layers_wait_for_video(asked, tmp_path):
    path = train_unimvm(asked(), tmp_path / "out", stop_after=3)
    images = weights.load(path)[0]
    path = train_unimvm(asked(), tmp_path / "out")
    video = weights.load(path)[0]
    zero = [name for name in images if name.endswith("temporal_res_block.conv2.weight")]
    assert zero
    assert all(not images[name].any() for name in zero)
    assert any(video[name].any() for name in zero)


class Nothing(torch.nn.Linear):
    def __init__(self):
        super().__init__(1, 1)

    def forward(self, noisy, *_):
        return torch.zeros_like(noisy)


def test_what_is_given_costs_nothing(asked):
    task = UniMVMTask(asked())
    share = Share(seed=0, step=4)
    lesson = task.batch(share)
    every = torch.ones_like(lesson.given.mask)
    every[:, -1, -1] = False

    def loss(shift):
        latents = lesson.latents.clone()
        latents[:, 0, 0] += shift
        changed = type(lesson)(latents=latents, conditions=lesson.conditions, given=Given.of(latents, every))
        return float(task.loss(Nothing(), changed, share=share)[0])

    task_loss = loss(0.0)
    assert task_loss > 0
    assert loss(100.0) == task_loss


def test_what_is_carried_may_be_learnt_with(asked, carrying_drives_folder, tmp_path):
    video = VIDEO.model_copy(update={"masks": {Mode.FIRST_FRAME: 1.0}})
    settings = asked(carried=0.5, drives=carrying_drives_folder, phases=(video,))
    task = UniMVMTask(settings)
    lesson = task.batch(Share(seed=0, step=0))
    assert (lesson.given.cover[:, 1:] == 1).all() and torch.equal(lesson.given.latents[:, 0], lesson.latents[:, 0])
    path = train_unimvm(settings, tmp_path / "out")
    assert load_unimvm(path).spec == settings.full_spec()


def test_drives_prepared_without_sights_are_refused_where_pictures_are_to_be_carried(asked):
    with pytest.raises(InputError, match="pictures were not prepared with what their pixels show"):
        UniMVMTask(asked(carried=0.5))


def test_a_batch_is_the_same_whenever_it_is_made_and_keeps_things_back_as_often_as_asked(asked):
    task = UniMVMTask(asked(drop_layout=0.5, drop_words=0.0, drop_word=0.25, drop_text=1.0))
    lessons = [task.batch(Share(seed=0, step=step % 3)) for step in range(60)]
    assert torch.equal(lessons[0].latents, lessons[3].latents)
    assert not torch.equal(lessons[0].latents, lessons[1].latents)
    many = [task.batch(Share(seed=seed, step=0)).conditions for seed in range(100)]
    told = torch.cat([one.layout_told for one in many]).float().mean()
    unsaid = torch.cat([one.words == 0 for one in many]).float().mean()
    assert told == pytest.approx(0.5, abs=0.12)
    assert unsaid == pytest.approx(0.25, abs=0.08)
    assert all(one.words_told.all() and not one.text.any() for one in many)


def test_drives_with_words_of_higher_odds_are_learnt_from_so_much_more_often(asked):
    odds = {list(Weather)[i]: float(3**i) for i in range(3)}
    task = UniMVMTask(asked(phases=(IMAGES.model_copy(update={"odds": odds}),), drop_word=0.0))
    seen = torch.cat([task.batch(Share(seed=seed, step=0)).conditions.words[:, 0] for seed in range(300)])
    there = task.drives.words[:, 0]
    expected = torch.stack([(there == i + 1).sum() * 3.0**i for i in range(3)])
    found = torch.stack([(seen == i + 1).float().mean() for i in range(3)])
    assert torch.allclose(found, expected / expected.sum(), atol=0.06)


def test_sigma_data_is_the_spread_of_the_latents_by_channel(asked):
    task = UniMVMTask(asked())
    everything = torch.stack([task.batch(Share(seed=s, step=0)).latents for s in range(100)])
    assert torch.allclose(spread_of(task.drives), everything.std(dim=(0, 1, 2, 3, 5, 6)), rtol=0.1)
    assert torch.equal(task.network.sigma_data, spread_of(task.drives))


def test_ablations_are_settings(asked):
    spec = asked(conditions=PAPER, joined=False, temporal=False).full_spec()
    assert (spec.conditions, spec.joined, spec.temporal) == (PAPER, False, False)
    assert asked().full_spec().joined
