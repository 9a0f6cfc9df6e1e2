"""Teaching the patch autoencoder: any folder of pictures, PCA first, then the convolutions.

What it shall keep is small: a person 40 m away covers a dozen pixels. So the loss is the absolute error of the picture
and of its differences between neighbouring pixels, which squared error would trade for smooth skies.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float, UInt8
from PIL import Image
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn
from torch.nn import functional

from datagen.errors import InputError
from datagen.models.autoencoder.patch import PatchAutoencoder, PatchSpec
from datagen.models.autoencoder.weights import save_autoencoder
from datagen.models.training import LoopSettings, Phase, Share, averaged, phase_of, train, write_settings


class AutoencoderTraining(BaseModel):
    """What `autoencoder` recipes say.

    pictures: a folder, searched for *.jpg and *.png.  size_px: (width, height) they are brought to.
    crop_px: side of the squares it learns on.  edges: weight of the differences between neighbouring pixels.
    latent_noise: noise on latents in training, in parts of their spread, so that decoding forgives a sampler's errors.
    fit: how many pictures the PCA is fitted to.  held_out: every n-th picture is for looking and measuring only.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    pictures: Path
    size_px: tuple[int, int]
    spec: PatchSpec = PatchSpec()
    crop_px: int = 64
    edges: float = 1.0
    latent_noise: float = 0.05
    fit: int = 400
    held_out: int = 20
    phases: tuple[Phase, ...] = (Phase(steps=20_000, batch=32, rate=1e-3, last_rate=1e-5),)
    loop: LoopSettings = LoopSettings()


def found_pictures(folder: Path) -> list[Path]:
    """Return all pictures below a folder, sorted. Raises InputError if there are none."""
    paths = sorted(path for end in ("jpg", "png") for path in folder.rglob(f"*.{end}"))
    if not paths:
        raise InputError(f"{folder}: no *.jpg or *.png to train on")
    return paths


def read_picture(path: Path, size_px: tuple[int, int]) -> UInt8[Tensor, "3 Hpx Wpx"]:
    """Return a picture at a size."""
    with Image.open(path) as file:
        picture = (
            file.convert("RGB")
            if file.size == size_px
            else file.convert("RGB").resize(size_px, Image.Resampling.BICUBIC)
        )
        return rearrange(torch.from_numpy(np.array(picture)), "H W c -> c H W")


class AutoencoderTask:
    """Crops of pictures in, the same out."""

    def __init__(self, settings: AutoencoderTraining) -> None:
        self.settings, self.phases = settings, settings.phases
        paths = found_pictures(settings.pictures)
        self.seen = [path for i, path in enumerate(paths) if i % settings.held_out]
        self.unseen = paths[:: settings.held_out]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.loop.seed)
            self.network = PatchAutoencoder(settings.spec)
        chosen = self.seen[:: max(1, len(self.seen) // settings.fit)]
        self.network.fit(as_signal(torch.stack([read_picture(path, settings.size_px) for path in chosen])))

    def batch(self, share: Share) -> Float[Tensor, "N 3 side side"]:
        """Return random crops, on multiples of the stride, mirrored half of the time."""
        generator, side, s = share.generator(), self.settings.crop_px, self.settings.spec.stride
        count = phase_of(self.phases, share.step)[0].batch
        crops = []
        for i in torch.randint(len(self.seen), (count,), generator=generator).tolist():
            picture = read_picture(self.seen[i], self.settings.size_px)
            down, right, mirror = torch.rand(3, generator=generator).tolist()
            y = int(down * ((picture.shape[1] - side) // s + 1)) * s
            x = int(right * ((picture.shape[2] - side) // s + 1)) * s
            crop = picture[:, y : y + side, x : x + side]
            crops.append(crop.flip(2) if mirror < 0.5 else crop)
        return as_signal(torch.stack(crops))

    def loss(
        self, network: nn.Module, batch: Float[Tensor, "N 3 side side"], *, share: Share
    ) -> tuple[Tensor, dict[str, float]]:
        """Return the error of pictures and edges after both ways."""
        batch = batch.to(next(network.parameters()).device)
        cells = self.settings.crop_px // self.settings.spec.stride
        shape = (len(batch), self.settings.spec.latent_channels, cells, cells)
        noise = torch.randn(shape, generator=share.generator()) * self.settings.latent_noise
        back = network(batch, noise.to(batch))
        error = back.float() - batch
        edges = error.diff(dim=2).abs().mean() + error.diff(dim=3).abs().mean()
        return error.abs().mean() + self.settings.edges * edges, {"psnr_db": psnr_db(back.detach(), batch)}

    @torch.inference_mode()
    def look(self, network: nn.Module, *, device: torch.device) -> dict[str, UInt8[Tensor, "Hpx Wpx 3"]]:
        """Return unseen pictures above what is left of them."""
        chosen = self.unseen[:: max(1, len(self.unseen) // 6)][:6]
        pictures = as_signal(torch.stack([read_picture(path, self.settings.size_px) for path in chosen])).to(device)
        both = torch.stack([pictures, network(pictures).float()])
        return {"reconstruction": rearrange(as_levels(both), "two N c H W -> (two H) (N W) c")}


def as_signal(levels: UInt8[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Return 0-255 as -1 to 1."""
    return levels.float() / 127.5 - 1


def as_levels(signal: Float[Tensor, "*shape"]) -> UInt8[Tensor, "*shape"]:
    """Return -1 to 1 as 0-255."""
    return ((signal + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


def psnr_db(one: Float[Tensor, "*shape"], other: Float[Tensor, "*shape"]) -> float:
    """Return the peak signal-to-noise ratio of signals whose peak to peak is 2, in dB."""
    return float(10 * torch.log10(4 / functional.mse_loss(one.float(), other.float())))


@torch.inference_mode()
def measured_psnr_db(
    network: PatchAutoencoder, paths: list[Path], *, size_px: tuple[int, int]
) -> tuple[float, Float[Tensor, "C"]]:
    """Return the mean PSNR over pictures, and the spread of each latent channel."""
    scores, latents = [], []
    for path in paths:
        picture = as_signal(read_picture(path, size_px)[None]).to(next(network.parameters()).device)
        latents.append(network.encode(picture).float().cpu())
        scores.append(psnr_db(network.decode(latents[-1].to(picture)).float(), picture))
    return sum(scores) / len(scores), torch.cat(latents).std(dim=(0, 2, 3))


def train_autoencoder(settings: AutoencoderTraining, out: Path, *, stop_after: int | None = None) -> Path:
    """Train, or go on training, and write `out/weights.safetensors` in half precision; returns its path."""
    write_settings(out, settings)
    task = AutoencoderTask(settings)
    tensors, steps = averaged(train(task, out, settings=settings.loop, stop_after=stop_after))
    task.network.load_state_dict(tensors)
    task.network.eval()
    score, spread = measured_psnr_db(task.network, task.unseen, size_px=settings.size_px)
    about = {
        "steps": str(steps),
        "pictures": str(len(task.seen)),
        "psnr_db": f"{score:.2f}",
        "latent_std": " ".join(f"{value:.4f}" for value in spread),
    }
    halved = {name: tensor.half() for name, tensor in tensors.items()}
    save_autoencoder(out / "weights.safetensors", settings.spec, tensors=halved, about=about)
    return out / "weights.safetensors"
