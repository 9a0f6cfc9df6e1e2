"""Teaching a UniMVM: images first, then video; random masks; the loss on what is not given.

```
   E over sigma, noise, mask of   w_channel · w_foreground · |D(x0 + sigma n, sigma) - x0|² / c_out²      (not given)
```

1 / c_out² = (sigma² + sigma_data²) / (sigma sigma_data)² is the weight of Karras et al. (2022), table 1, which is
Stable Video Diffusion's (1 + sigma²) / sigma² at sigma_data = 1. w_channel goes as spread^0.7: the faint channels of
a PCA-like latent must not cost as much as the strong ones. Sigma is log-normal (table 1, P_mean and P_std), and high:
thousands of cells give a picture's mean away at any sigma that would drown a single one, so a network that seldom sees
sigma > 25 reads day and night from the noise, not from the words, and its samples come out grey.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from einops import rearrange, reduce
from jaxtyping import Float, UInt8
from pydantic import BaseModel, ConfigDict, PositiveFloat
from torch import Tensor, nn

from datagen.models.autoencoder.weights import autoencoder_sha256, open_autoencoder
from datagen.models.samplers import edm_scalings
from datagen.models.training import LoopSettings, Phase, Share, averaged, phase_of, train, write_settings
from datagen.models.unimvm.card import Card, device_name, write_card
from datagen.models.unimvm.conditioning import Conditions, Given, joined
from datagen.models.unimvm.drives import Drives, read_drive
from datagen.models.unimvm.masks import Mode, random_mask
from datagen.models.unimvm.network import UniMVM
from datagen.models.unimvm.pipeline import Carrier, Sampling, decode_pictures, make_latents
from datagen.models.unimvm.spec import SPECS, Condition, Spec
from datagen.models.unimvm.weights import begin, save_unimvm
from datagen.models.unimvm.words import by_words
from datagen.models.weights import halved
from datagen.scene.ambience import ClosedWord


class UniMVMPhase(Phase):
    """A phase of images (frames = 1) or of video.

    masks: odds of the modes.
    odds: how many times as often a drive is learnt from for each of its closed words that is named here.
    """

    frames: int
    masks: dict[Mode, float] = {Mode.NONE: 1.0}
    odds: dict[ClosedWord, PositiveFloat] = {}


class UniMVMLessons(BaseModel):
    """How a UniMVM is taught, whatever it is taught on.

    data: what the drives are of, for the card.
    autoencoder: that made their latents: a file of ours, or a Stable Video Diffusion folder.
    spec: a preset; conditions, held, damped, joined, temporal, figures: what of it to change, for ablations.
    start: what to begin with instead of chance: a Stable Video Diffusion folder, or weights of ours to train further,
    as the mean of several.
    sigma_mean, sigma_std: of log sigma.  channel_power: w_channel goes as spread to this.
    foreground: how much more a cell filled with boxes weighs than one without.
    drop_layout, drop_words, drop_word, drop_text: how often the layout, all words, each closed word, the free text
    are kept back.  given_noise: most noise on given latents, in parts of their spread.  front: index of the front view.
    carried: what is given is carried to the rest, with this error, as in `Sampling.carried`; 0: it is not.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    data: str = "the playground"
    autoencoder: Path
    spec: str = "tiny"
    conditions: tuple[Condition, ...] | None = None
    held: bool | None = None
    damped: bool | None = None
    joined: bool = True
    temporal: bool = True
    figures: bool = True
    start: Path | tuple[Path, ...] | None = None
    front: int = 1
    phases: tuple[UniMVMPhase, ...]
    sigma_mean: float = 1.6
    sigma_std: float = 1.9
    channel_power: float = 0.7
    foreground: float = 2.0
    drop_layout: float = 0.1
    drop_words: float = 0.1
    drop_word: float = 0.1
    drop_text: float = 0.3
    given_noise: float = 0.2
    carried: float = 0.0
    gradient_checkpointing: bool = False
    looks: int = 4
    sampling: Sampling = Sampling()
    loop: LoopSettings = LoopSettings()

    def full_spec(self) -> Spec:
        """Return the preset with the changes asked for."""
        changes: dict[str, object] = {"joined": self.joined, "temporal": self.temporal, "figures": self.figures}
        changes |= {
            name: said for name in ("conditions", "held", "damped") if (said := getattr(self, name)) is not None
        }
        return Spec.model_validate({**SPECS[self.spec].model_dump(), **changes})


class UniMVMTraining(UniMVMLessons):
    """With folders of prepared drives, to learn from and to look at."""

    drives: Path
    held_out: Path


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """A batch to learn from."""

    latents: Float[Tensor, "B T V C H W"]
    conditions: Conditions
    given: Given


class UniMVMTask:
    """Windows of drives in, what was not given out."""

    def __init__(self, settings: UniMVMTraining) -> None:
        self.settings, self.phases = settings, settings.phases
        spec = settings.full_spec()
        self.drives = Drives.under(settings.drives, spec, sights=bool(settings.carried))
        self.unseen = Drives.under(settings.held_out, spec)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.loop.seed)
            self.network = begin(settings.start, spec) if settings.start else self._fresh(spec)
        self.autoencoder = open_autoencoder(settings.autoencoder) if settings.carried else None
        if settings.gradient_checkpointing:
            self.network.unet.enable_gradient_checkpointing()

    def _fresh(self, spec: Spec) -> UniMVM:
        return UniMVM(spec, sigma_data=spread_of(self.drives))

    def batch(self, share: Share) -> Lesson:
        """Return random windows with random masks and random things kept back."""
        generator, settings = share.generator(), self.settings
        phase = phase_of(self.phases, share.step)[0]
        assert isinstance(phase, UniMVMPhase)
        chosen = self.drives.long_enough(phase.frames)
        odds = by_words(self.drives.words[chosen], phase.odds)
        drives, masks = [], []
        for place in torch.multinomial(odds, phase.batch, replacement=True, generator=generator):
            i = chosen[int(place)]
            start = int(torch.randint(self.drives.frames[i] - phase.frames + 1, (), generator=generator))
            drives.append(read_drive(self.drives.paths[i], start=start, stop=start + phase.frames))
            views = drives[-1].latents.shape[1]
            masks.append(random_mask(phase.frames, views, front=settings.front, odds=phase.masks, generator=generator))
        conditions = self._kept_back(joined([drive.conditions() for drive in drives]), generator)
        latents = torch.stack([drive.latents for drive in drives])
        given = Given.of(latents, torch.stack(masks))
        if self.autoencoder is not None:
            sights = tuple(drive.sights for drive in drives if drive.sights is not None)
            given = Carrier(autoencoder=self.autoencoder, sights=sights, error=settings.carried).carry(given)
        return Lesson(latents=latents, conditions=conditions, given=given)

    def _kept_back(self, conditions: Conditions, generator: torch.Generator) -> Conditions:
        settings, B = self.settings, len(conditions.words)
        draw = torch.rand(6, B, generator=generator)
        return replace(
            conditions,
            layout_told=draw[0] >= settings.drop_layout,
            words_told=draw[1] >= settings.drop_words,
            words=torch.where(settings.drop_word <= draw[2:5].T, conditions.words, 0),
            text=torch.where(draw[5, :, None] >= settings.drop_text, conditions.text, 0),
        )

    def loss(self, network: nn.Module, batch: Lesson, *, share: Share) -> tuple[Tensor, dict[str, float]]:
        """Return the weighted error of the denoised latents that were not given."""
        settings, device = self.settings, next(network.parameters()).device
        generator, x0 = share.generator(), batch.latents
        n, given_n = (torch.randn(x0.shape, generator=generator).to(device) for _ in range(2))
        drawn = torch.randn(2, len(x0), generator=generator)
        sigma = (settings.sigma_mean + settings.sigma_std * drawn[0]).exp().to(device)
        blur = (drawn[1].abs() / 3).clamp(max=1).to(device) * settings.given_noise
        x0, conditions, given = x0.to(device), batch.conditions.to(device), batch.given.to(device)
        sigma_data = self.network.sigma_data.to(device)[:, None, None]
        given = replace(given, latents=given.latents + _six(blur) * sigma_data * given_n, noise=blur)
        denoised = network(x0 + _six(sigma) * n, sigma, conditions, given)
        level = self.network.fused(x0, _six(sigma), given)[1]
        c_out = edm_scalings(level, sigma_data).c_out
        weight = self._weights(conditions, like=x0) * ~given.mask[..., None, None, None]
        error = ((denoised - x0) / c_out).square() * weight
        return error.sum() / weight.sum().clamp(min=1), {}

    def _weights(self, conditions: Conditions, *, like: Tensor) -> Float[Tensor, "B T V C H W"]:
        """Return how much each number of the latents counts."""
        settings, spread = self.settings, self.network.sigma_data.to(like)
        channel = spread**settings.channel_power
        channel = channel / channel.mean()
        owned = (conditions.boxes > 0).any(dim=3, keepdim=True).to(like)
        stride = self.network.spec.stride
        filled = reduce(owned, "B T V 1 (H a) (W b) -> B T V 1 H W", "mean", a=stride, b=stride)
        return (1 + settings.foreground * filled) * channel[:, None, None]

    @torch.inference_mode()
    def look(self, network: nn.Module, *, device: torch.device) -> dict[str, UInt8[Tensor, "Hpx Wpx 3"]]:
        """Return held-out clips, made with no picture given: the first and the last frame, under truth and proxy."""
        assert isinstance(network, UniMVM)
        frames = max(phase.frames for phase in self.phases if isinstance(phase, UniMVMPhase))
        chosen = self.unseen.long_enough(frames)[: self.settings.looks]
        drives = [read_drive(self.unseen.paths[i], stop=frames) for i in chosen]
        autoencoder = open_autoencoder(self.settings.autoencoder, device=device)
        rows = []
        for seed, drive in enumerate(drives):
            truth = drive.latents[None].to(device)
            conditions = drive.conditions().to(device)
            given = Given.nothing(truth)
            made = make_latents(network, conditions, given=given, seeds=[seed], sampling=self.settings.sampling)
            kinds = torch.cat([drive.proxy[None].to(device), truth, made])
            views = decode_pictures(autoencoder, kinds[:, [0, -1]])
            rows.append(rearrange(torch.stack(list(views)), "V kind ends H W c -> (kind H) (ends V W) c"))
        return {"proxy-truth-sample": torch.cat(rows)}


def spread_of(drives: Drives, *, most: int = 64) -> Float[Tensor, "C"]:
    """Return the standard deviation of each latent channel, over frames of up to `most` drives."""
    every = max(1, len(drives.paths) // most)
    frames = [read_drive(path, stop=1).latents for path in drives.paths[::every]]
    return torch.cat(frames).std(dim=(0, 1, 3, 4))


def _six(value: Float[Tensor, "B"]) -> Float[Tensor, "B 1 1 1 1 1"]:
    return value[:, None, None, None, None, None]


def train_unimvm(settings: UniMVMTraining, out: Path, *, stop_after: int | None = None) -> Path:
    """Train, or go on training; write `out/weights.safetensors` in half precision and its card; returns its path."""
    write_settings(out, settings)
    task = UniMVMTask(settings)
    tensors, steps = averaged(train(task, out, settings=settings.loop, stop_after=stop_after))
    path, spec = out / "weights.safetensors", task.network.spec
    digest = save_unimvm(path, spec, tensors=halved(tensors), about={"steps": str(steps)})
    card = Card(
        name=spec.name,
        conditions=tuple(spec.conditions),
        parameters=sum(parameter.numel() for parameter in task.network.parameters()),
        weights_sha256=digest,
        autoencoder_sha256=autoencoder_sha256(settings.autoencoder),
        data=settings.data,
        drives=len(task.drives.paths),
        frames=sum(task.drives.frames),
        train_steps=steps,
        train_device=device_name(),
    )
    write_card(out, card)
    return path
