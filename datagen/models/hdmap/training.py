"""Teaching a map model: the error of the denoised raster, at noise of all levels.

```
   E over sigma, noise of   |D(x0 + sigma n, sigma, traffic) - x0|² / c_out²
```

1 / c_out² is the weight of Karras et al. (2022), table 1, at sigma_data = 1; sigma is log-normal, with a mean well
above theirs: a raster's areas are wide, so that little noise hides nothing of them.
"""

from __future__ import annotations

from pathlib import Path

import torch
from einops import rearrange
from jaxtyping import Float, UInt8
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from datagen.errors import InputError
from datagen.models.hdmap.network import MapDenoiser
from datagen.models.hdmap.pairs import Pair, Pairs, read_pair
from datagen.models.hdmap.pipeline import Sampling, draw_maps
from datagen.models.hdmap.sd import StableDiffusionMaps
from datagen.models.hdmap.spec import SPECS, Spec
from datagen.models.hdmap.weights import Denoiser, save_hdmap
from datagen.models.samplers import edm_scalings
from datagen.models.training import LoopSettings, Phase, Share, averaged, phase_of, train, write_settings
from datagen.models.weights import halved


class HDMapLessons(BaseModel):
    """How a map model is taught, whatever it is taught on.

    spec: a preset.  sd: the folder that `sd` starts from.  sigma_mean, sigma_std: of log sigma.
    looks: how many held-out samples to look at.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    spec: str = "tiny"
    sd: Path | None = None
    phases: tuple[Phase, ...]
    sigma_mean: float = 0.5
    sigma_std: float = 1.6
    looks: int = 4
    sampling: Sampling = Sampling()
    loop: LoopSettings = LoopSettings()

    def full_spec(self) -> Spec:
        """Return the preset. Raises InputError for a word that is none."""
        if self.spec not in SPECS:
            raise InputError(f"no map model '{self.spec}'; there are: {', '.join(SPECS)}")
        if (self.sd is not None) != (self.spec == "sd"):
            raise InputError("the spec `sd`, and no other, starts from a Stable Diffusion folder, named as `sd`")
        return SPECS[self.spec]


class HDMapTask:
    """Rasters of traffic in, rasters of maps out."""

    def __init__(self, lessons: HDMapLessons, *, pairs: Path, held_out: Path) -> None:
        self.lessons, self.phases = lessons, lessons.phases
        spec = lessons.full_spec()
        self.pairs, self.unseen = (Pairs.under(folder, pixels=spec.seen_px) for folder in (pairs, held_out))
        shared = self.pairs.places & self.unseen.places
        if shared:
            raise InputError(f"{held_out}: places that are learned from too: {', '.join(sorted(shared)[:5])}")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(lessons.loop.seed)
            self.network: Denoiser
            if lessons.sd is not None:
                self.network = StableDiffusionMaps.from_folder(spec, lessons.sd)
            else:
                mean, spread = statistics_of(self.pairs)
                self.network = MapDenoiser(spec, mean=mean, spread=spread)

    def batch(self, share: Share) -> Pair:
        """Return random samples."""
        phase = phase_of(self.phases, share.step)[0]
        chosen = torch.randint(len(self.pairs.paths), (phase.batch,), generator=share.generator())
        return _stacked([read_pair(self.pairs.paths[index]) for index in chosen.tolist()])

    def loss(self, network: nn.Module, batch: Pair, *, share: Share) -> tuple[Tensor, dict[str, float]]:
        """Return the weighted error of the denoised maps."""
        generator, device = share.generator(), next(network.parameters()).device
        x0 = self.network.encode(batch.truth.to(device))
        n = torch.randn(x0.shape, generator=generator).to(device)
        drawn = torch.randn(len(x0), generator=generator)
        sigma = (self.lessons.sigma_mean + self.lessons.sigma_std * drawn).exp().to(device)
        wide = sigma[:, None, None, None]
        denoised = network(x0 + wide * n, sigma, batch.traffic.to(device))
        c_out = edm_scalings(wide, torch.ones_like(wide)).c_out
        return ((denoised - x0) / c_out).square().mean(), {}

    @torch.inference_mode()
    def look(self, network: nn.Module, *, device: torch.device) -> dict[str, UInt8[Tensor, "Hpx Wpx 3"]]:
        """Return held-out samples: traffic, truth and two maps drawn for it, side by side."""
        assert isinstance(network, (MapDenoiser, StableDiffusionMaps))
        every = max(1, len(self.unseen.paths) // self.lessons.looks)
        unseen = _stacked([read_pair(path) for path in self.unseen.paths[::every][: self.lessons.looks]])
        traffic = unseen.traffic.to(device)
        kinds = [unseen.truth.to(device)]
        for first in (0, 1000):
            seeds = range(first, first + len(traffic))
            kinds.append(draw_maps(network, traffic, seeds=seeds, sampling=self.lessons.sampling))
        panels = torch.stack([picture(kind, traffic) for kind in kinds])
        return {"truth-samples": rearrange(panels, "kind B H W c -> (B H) (kind W) c")}


def picture(raster: Float[Tensor, "B 6 H W"], traffic: Float[Tensor, "B 7 H W"]) -> UInt8[Tensor, "B H W 3"]:
    """Return rasters in colours: road grey, kerbs red, dividers yellow, crossings pale, lanes by direction."""
    boundary, divider, crossing, drivable, x, y = rearrange(raster.float().cpu(), "B C H W -> C B H W 1")
    lane = torch.cat([(1 + x) / 2, (1 + y) / 2, 1 - (x + y).abs() / 2], dim=-1)
    layers = [
        (drivable, torch.tensor([0.6, 0.6, 0.62])),
        (crossing, torch.tensor([0.75, 0.85, 1.0])),
        ((x.square() + y.square()).sqrt().clamp(max=1) * 0.7, lane),
        (divider, torch.tensor([1.0, 0.9, 0.1])),
        (boundary, torch.tensor([0.8, 0.1, 0.1])),
    ]
    tracks = rearrange(traffic[:, :4].float().cpu(), "B C H W -> C B H W 1")
    colours = torch.tensor([[0.1, 0.2, 0.9], [0.3, 0.3, 0.3], [0.1, 0.7, 0.2], [0.9, 0.1, 0.8]])
    layers += [(track * 0.8, colour) for track, colour in zip(tracks, colours)]
    shown = torch.full((*drivable.shape[:3], 3), 0.93)
    for strength, colour in layers:
        shown = shown * (1 - strength) + colour * strength
    return (shown.clamp(0, 1) * 255).round().to(torch.uint8)


def statistics_of(pairs: Pairs, *, most: int = 128) -> tuple[Float[Tensor, "6"], Float[Tensor, "6"]]:
    """Return mean and spread of each map channel, over up to `most` samples; directions have mean 0."""
    every = max(1, len(pairs.paths) // most)
    truth = torch.stack([read_pair(path).truth for path in pairs.paths[::every]])
    mean = truth.mean(dim=(0, 2, 3))
    mean[4:] = 0.0
    spread = (truth - mean[:, None, None]).square().mean(dim=(0, 2, 3)).sqrt().clamp(min=0.05)
    spread[4:] = spread[4:].mean()
    return mean, spread


def _stacked(pairs: list[Pair]) -> Pair:
    return Pair(
        traffic=torch.stack([pair.traffic for pair in pairs]), truth=torch.stack([pair.truth for pair in pairs])
    )


def train_hdmap(
    lessons: HDMapLessons, out: Path, *, pairs: Path, held_out: Path, stop_after: int | None = None
) -> Path:
    """Train, or go on training; write `out/weights.safetensors` in half precision; returns its path."""
    write_settings(out, lessons)
    task = HDMapTask(lessons, pairs=pairs, held_out=held_out)
    tensors, steps = averaged(train(task, out, settings=lessons.loop, stop_after=stop_after))
    path = out / "weights.safetensors"
    about = {"steps": str(steps), "samples": str(len(task.pairs.paths)), "places": str(len(task.pairs.places))}
    save_hdmap(path, task.network, tensors=halved(tensors), about=about)
    return path
