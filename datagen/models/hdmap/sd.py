"""The paper's map model: Stable Diffusion 2.1 with a ControlNet that sees the traffic (arXiv 2403.06845, section 4.1).

The paper draws three channels, which is one RGB picture. Ours are six, which is two: lines (boundary, divider,
crossing) and areas (drivable, ahead x, ahead y). Both go through the autoencoder, and their latents lie one upon the
other; the UNet's door and exit are widened for that, each half with the pretrained weights. There is no prompt: the
tokens the UNet attends to are learned.

```
   traffic ──▶ ControlNet ─┐
                           ▼
   8 noisy latents ──▶ UNet (4 → 8 channels) ──▶ D(x, sigma), from epsilon or v as its scheduler says
```

With alpha_bar of the scheduler, sigma = sqrt((1 - alpha_bar) / alpha_bar), and x / sqrt(1 + sigma²) is what the UNet
was trained to see (Karras et al. 2022, appendix C.3).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, ControlNetModel, DDPMScheduler, UNet2DConditionModel
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from datagen.errors import InputError
from datagen.models.hdmap.spec import TRAFFIC_CHANNELS, Spec

TOKENS = 8
_PICTURES = 2


class StableDiffusionMaps(nn.Module):
    """A denoiser of the latents of two pictures; `encode` and `decode` are those of its autoencoder."""

    alphas_cumprod: Tensor

    def __init__(self, spec: Spec, *, unet: Any, controlnet: Any, vae: Any, scheduler: dict[str, Any]) -> None:
        super().__init__()
        self.spec = spec
        self.unet, self.controlnet, self.vae = unet, controlnet, vae.requires_grad_(False)
        self.scheduler = scheduler
        self.words = nn.Parameter(torch.zeros(TOKENS, unet.config["cross_attention_dim"]))
        self.register_buffer("alphas_cumprod", DDPMScheduler.from_config(scheduler).alphas_cumprod)
        self.latents = _PICTURES * vae.config["latent_channels"]
        self.stride = 2 ** (len(vae.config["block_out_channels"]) - 1)
        self.multiple_px = self.stride * 2 ** (len(unet.config["block_out_channels"]) - 1)

    def forward(
        self, noisy: Float[Tensor, "B C h w"], sigma: Float[Tensor, "B"], traffic: Float[Tensor, "B 7 H W"]
    ) -> Float[Tensor, "B C h w"]:
        """Return the clean latents the network believes in."""
        wide = sigma[:, None, None, None]
        scale = (1 + wide**2).sqrt()
        time, door = self._time(sigma), noisy / scale
        words = self.words.expand(len(noisy), -1, -1).to(noisy.dtype)
        down, middle = self.controlnet(door, time, words, traffic, return_dict=False)
        said = self.unet(
            door,
            time,
            words,
            down_block_additional_residuals=down,
            mid_block_additional_residual=middle,
            return_dict=False,
        )[0]
        if self.scheduler.get("prediction_type", "epsilon") == "v_prediction":
            return noisy / scale**2 - said * wide / scale
        return noisy - wide * said

    def encode(self, raster: Float[Tensor, "B 6 H W"]) -> Float[Tensor, "B C h w"]:
        """Return the latents of a raster's two pictures."""
        signed = torch.cat([2 * raster[:, :4] - 1, raster[:, 4:]], dim=1)
        pictures = rearrange(signed, "B (n c) H W -> (B n) c H W", n=_PICTURES)
        with torch.no_grad():
            latents = self.vae.encode(pictures).latent_dist.mode() * self.vae.config["scaling_factor"]
        return rearrange(latents, "(B n) c h w -> B (n c) h w", n=_PICTURES)

    def decode(self, latents: Float[Tensor, "B C h w"]) -> Float[Tensor, "B 6 H W"]:
        """Return the raster of latents."""
        each = rearrange(latents, "B (n c) h w -> (B n) c h w", n=_PICTURES) / self.vae.config["scaling_factor"]
        signed = rearrange(self.vae.decode(each).sample, "(B n) c H W -> B (n c) H W", n=_PICTURES).clamp(-1, 1)
        return torch.cat([(signed[:, :4] + 1) / 2, signed[:, 4:]], dim=1)

    def noise_shape(self, rows: int, columns: int) -> tuple[int, int, int]:
        """Return the shape of what a raster of so many pixels is made from."""
        return self.latents, rows // self.stride, columns // self.stride

    def configs(self) -> str:
        """Return what `from_configs` needs to build the same network without weights, as JSON."""
        parts = {"unet": self.unet, "controlnet": self.controlnet, "vae": self.vae}
        said = {name: json.loads(part.to_json_string()) for name, part in parts.items()}
        return json.dumps({**said, "scheduler": self.scheduler}, sort_keys=True)

    @classmethod
    def from_configs(cls, spec: Spec, configs: str) -> StableDiffusionMaps:
        """Build the network that `configs` describes."""
        said = json.loads(configs)
        return cls(
            spec,
            unet=UNet2DConditionModel.from_config(said["unet"]),
            controlnet=ControlNetModel.from_config(said["controlnet"]),
            vae=AutoencoderKL.from_config(said["vae"]),
            scheduler=said["scheduler"],
        )

    @classmethod
    def from_folder(cls, spec: Spec, folder: Path) -> StableDiffusionMaps:
        """Start from a diffusers folder with `unet`, `vae` and `scheduler`, such as stable-diffusion-2-1-base.

        Raises InputError if one of them is not there. The ControlNet is the UNet's encoder, as Zhang et al. (2023) do.
        """
        try:
            unet = UNet2DConditionModel.from_pretrained(folder, subfolder="unet", use_safetensors=True)
            vae = AutoencoderKL.from_pretrained(folder, subfolder="vae", use_safetensors=True)
            scheduler = dict(DDPMScheduler.from_pretrained(folder, subfolder="scheduler").config)
        except (OSError, ValueError) as error:
            raise InputError(f"{folder}: not a Stable Diffusion folder of diffusers ({error})") from error
        widen(unet)
        controlnet = ControlNetModel.from_unet(unet, conditioning_channels=TRAFFIC_CHANNELS)
        known = {key: scheduler[key] for key in _SCHEDULE if key in scheduler}
        return cls(spec, unet=unet, controlnet=controlnet, vae=vae, scheduler=known)

    def _time(self, sigma: Float[Tensor, "B"]) -> Float[Tensor, "B"]:
        """Return the step of the pretrained schedule that is as noisy, between steps by interpolation of log sigma."""
        known = ((1 - self.alphas_cumprod) / self.alphas_cumprod).sqrt().log()
        wanted = sigma.log().clamp(known[0], known[-1])
        after = torch.searchsorted(known, wanted).clamp(1, len(known) - 1)
        before = after - 1
        return before + (wanted - known[before]) / (known[after] - known[before])


_SCHEDULE = (
    "num_train_timesteps",
    "beta_start",
    "beta_end",
    "beta_schedule",
    "prediction_type",
    "rescale_betas_zero_snr",
)


def widen(unet: Any) -> None:
    """Let a UNet take and give the latents of two pictures, each at first as it treats the one."""
    door, out = unet.conv_in, unet.conv_out
    new_door = nn.Conv2d(_PICTURES * door.in_channels, door.out_channels, door.kernel_size, padding=door.padding)
    new_out = nn.Conv2d(out.in_channels, _PICTURES * out.out_channels, out.kernel_size, padding=out.padding)
    with torch.no_grad():
        new_door.weight.copy_(torch.cat([door.weight] * _PICTURES, dim=1) / _PICTURES)
        new_door.bias.copy_(door.bias)  # type: ignore[union-attr]
        new_out.weight.copy_(torch.cat([out.weight] * _PICTURES))
        new_out.bias.copy_(torch.cat([out.bias] * _PICTURES))  # type: ignore[union-attr]
    unet.conv_in, unet.conv_out = new_door, new_out
    unet.register_to_config(in_channels=new_door.in_channels, out_channels=new_out.out_channels)
