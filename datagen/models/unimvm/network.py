"""The network: diffusers' Stable Video Diffusion UNet over joined views, as a denoiser D(x, sigma).

```
   B T V C H W  ──join──▶  B T C H (V W)  ──UNet──▶  B T C H (V W)  ──split──▶  B T V C H W
                            FL │ F │ FR │ BR │ B │ BL: attention over the wide picture is what makes views agree
```
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
import torch.nn.functional as nnf
from diffusers import UNetSpatioTemporalConditionModel
from diffusers.models.attention import TemporalBasicTransformerBlock
from diffusers.models.resnet import SpatioTemporalResBlock
from diffusers.models.transformers.transformer_temporal import TransformerSpatioTemporalModel
from einops import rearrange, repeat
from jaxtyping import Float
from torch import Tensor, nn

from datagen.models.samplers import edm_scalings
from datagen.models.unimvm.conditioning import ConditionEncoder, Conditions, Given
from datagen.models.unimvm.spec import Spec
from datagen.models.unimvm.words import VOCABULARIES, WordEncoder

UNet: TypeAlias = Any
"""UNetSpatioTemporalConditionModel, whose mixins a type checker cannot follow."""
MOTION_BUCKET = 127.0
"""Stable Video Diffusion's second clip number, at the value its released pipeline uses."""
WORD_STEP = 100.0
"""Between neighbouring closed words among the clip numbers: far enough apart for their sinusoids to differ much.

Weather and light change every pixel. As clip numbers they reach every block, at every level, as the noise level does;
through cross-attention alone a small network was slow to learn them.
"""
IDS = 3 + len(VOCABULARIES)
"""How many clip numbers there are."""


@dataclass(frozen=True, kw_only=True)
class Briefing:
    """What the network is told of a batch of clips, encoded: the same at every noise level, so it is made once.

    beside: what stands beside the noisy latents at the door.  tokens: for cross-attention.
    ids: Stable Video Diffusion's three clip numbers (rate, motion, noise on what is given), then the closed words.
    """

    beside: Float[Tensor, "B T V features H W"]
    tokens: Float[Tensor, "B tokens width"]
    ids: Float[Tensor, "B ids"]
    given: Given


class UniMVM(nn.Module):
    """The denoiser. Latents are (B, T, V, C, H, W); `sigma_data`, one per latent channel, is part of the weights."""

    sigma_data: Tensor

    def __init__(
        self,
        spec: Spec,
        *,
        sigma_data: Float[Tensor, "C"] | None = None,
        unet: UNet | None = None,
    ) -> None:
        super().__init__()
        self.spec = spec
        self.register_buffer("sigma_data", torch.ones(spec.latent_channels) if sigma_data is None else sigma_data)
        self.conditions = ConditionEncoder(spec)
        self.words = WordEncoder(spec.unet.context)
        self.unet: UNet = new_unet(spec) if unet is None else unet
        convolve_time_flat(self.unet)

    def forward(
        self,
        noisy: Float[Tensor, "B T V C H W"],
        sigma: Float[Tensor, "B"],
        conditions: Conditions,
        given: Given,
    ) -> Float[Tensor, "B T V C H W"]:
        """Return the clean latents the network believes in; where pictures are given, the given ones."""
        return self.denoised(noisy, sigma, self.briefing(conditions, given))

    def briefing(self, conditions: Conditions, given: Given) -> Briefing:
        """Encode all that is known of the clips."""
        sigma_data, like = self.sigma_data.float()[:, None, None], given.latents.to(self.unet.dtype)
        latents, cells = given.shown(held=self.spec.held)
        shown = latents / sigma_data * self.spec.given_gain
        features = self.conditions(conditions, sigma_data, like=like)
        words, text = (said * conditions.words_told[:, None] for said in (conditions.words, conditions.text))
        numbers = torch.stack([conditions.rate_hz, torch.full_like(given.noise, MOTION_BUCKET), given.noise], dim=1)
        return Briefing(
            beside=torch.cat([shown.to(like.dtype), cells.to(like.dtype), features], dim=3),
            tokens=self.words(words, text).to(like.dtype),
            ids=torch.cat([numbers, WORD_STEP * words], dim=1),
            given=given,
        )

    def denoised(
        self, noisy: Float[Tensor, "B T V C H W"], sigma: Float[Tensor, "B"], briefing: Briefing
    ) -> Float[Tensor, "B T V C H W"]:
        """Return the same as `forward`, for clips that were encoded before."""
        sigma_data, given = self.sigma_data.float()[:, None, None], briefing.given
        look, level = self.fused(noisy, sigma.float()[:, None, None, None, None, None], given)
        c_skip, c_out, c_in, _ = edm_scalings(level, sigma_data)
        shown = c_skip / sigma_data * look if self.spec.damped else c_in * look
        door = torch.cat([shown.to(briefing.beside.dtype), briefing.beside], dim=3)
        c_noise = edm_scalings(sigma.float(), sigma_data).c_noise
        F = self._unet(door, c_noise, briefing.tokens, briefing.ids)
        return torch.where(given.mask[:, :, :, None, None, None], given.latents, c_skip * look + c_out * F.float())

    def fused(
        self, noisy: Float[Tensor, "B T V C H W"], sigma: Float[Tensor, "B 1 1 1 1 1"], given: Given
    ) -> tuple[Float[Tensor, "B T V C H W"], Float[Tensor, "B #T #V #C #H #W"]]:
        """Return the best look at the clean latents, and its noise level: `noisy` itself, unless something is carried.

        What is carried is another look, of error `given.error` sigma_data where it covers a cell wholly. The mean of
        both, weighted by 1 / variance, is as a look at the level at which precisions add.
        """
        if not given.cover.any():
            return noisy, sigma
        error = given.error[:, None, None, None, None, None] * self.sigma_data.float()[:, None, None]
        own, other = sigma**-2, given.cover * error**-2
        look, level = (own * noisy + other * given.latents) / (own + other), (own + other) ** -0.5
        reached = given.cover > 0  # elsewhere all stays to the bit, whoever else is in the batch
        return torch.where(reached, look, noisy), torch.where(reached, level, sigma)

    def in_precision(self, dtype: torch.dtype) -> UniMVM:
        """Compute in another kind of number from now on; `sigma_data` stays exact."""
        sigma_data = self.sigma_data.float()
        self.to(dtype)
        self.sigma_data = sigma_data
        return self

    def _unet(
        self,
        door: Float[Tensor, "B T V features H W"],
        c_noise: Float[Tensor, "B"],
        tokens: Float[Tensor, "B tokens width"],
        ids: Float[Tensor, "B ids"],
    ) -> Float[Tensor, "B T V C H W"]:
        """Lay views and frames out as the spec says, and run the UNet.

        What is not joined, or not temporal, is its own clip: the axis moves into the batch.
        """
        B, T, V = door.shape[:3]
        alone = (V if not self.spec.joined else 1, T if not self.spec.temporal else 1)
        wide = rearrange(
            door, "B (t T) (v V) c H W -> (B t v) T c H (V W)", v=alone[0], t=alone[1], V=V // alone[0], T=T // alone[1]
        )
        copies = alone[0] * alone[1]
        c_noise, tokens, ids = (repeat(one, "B ... -> (B n) ...", n=copies) for one in (c_noise, tokens, ids))
        out = self.unet(wide, c_noise, tokens, ids, return_dict=False)[0]
        return rearrange(
            out, "(B t v) T c H (V W) -> B (t T) (v V) c H W", B=B, v=alone[0], t=alone[1], V=V // alone[0]
        )


def new_unet(spec: Spec) -> UNet:
    """Return a fresh UNet of the spec's sizes, whose temporal layers do nothing yet."""
    size = spec.unet
    unet: UNet = UNetSpatioTemporalConditionModel(
        in_channels=spec.in_channels,
        out_channels=spec.latent_channels,
        down_block_types=tuple(
            "CrossAttnDownBlockSpatioTemporal" if attends else "DownBlockSpatioTemporal" for attends in size.attention
        ),
        up_block_types=tuple(
            "CrossAttnUpBlockSpatioTemporal" if attends else "UpBlockSpatioTemporal"
            for attends in reversed(size.attention)
        ),
        block_out_channels=size.channels,
        addition_time_embed_dim=size.time_ids,
        projection_class_embeddings_input_dim=IDS * size.time_ids,
        layers_per_block=size.layers,
        cross_attention_dim=size.context,
        num_attention_heads=size.heads,
        num_frames=spec.frames,
    )
    skip_time_of_single_frames(unet)
    still_at_first(unet)
    return unet


def skip_time_of_single_frames(unet: nn.Module) -> None:
    """Make every spatio-temporal block leave its temporal half out when T = 1.

    Blending with weight 0, as diffusers does for images, computes it all the same: 1.5 times slower.
    """
    for module in unet.modules():
        if isinstance(module, SpatioTemporalResBlock):
            module.__class__ = _ResBlock
        if isinstance(module, TransformerSpatioTemporalModel):
            module.__class__ = _Transformer


def convolve_time_flat(unet: nn.Module) -> None:
    """Make every convolution along time alone a flat one: the same sums, where 3D kernels are slow on a CPU."""
    for module in unet.modules():
        if isinstance(module, nn.Conv3d) and module.kernel_size == (3, 1, 1):
            module.__class__ = _TimeConv


def still_at_first(unet: nn.Module) -> None:
    """Zero the last layer of every temporal branch, so that video training starts from the image model as it is."""
    for module in unet.modules():
        if isinstance(module, SpatioTemporalResBlock):
            _zero(module.temporal_res_block.conv2)
        if isinstance(module, TransformerSpatioTemporalModel):
            _zero(module.time_pos_embed.linear_2)
        if isinstance(module, TemporalBasicTransformerBlock):
            for last in (module.ff_in.net[-1], module.attn1.to_out[0], module.attn2.to_out[0], module.ff.net[-1]):
                _zero(last)


class _ResBlock(SpatioTemporalResBlock):
    def forward(
        self, hidden_states: Tensor, temb: Tensor | None = None, image_only_indicator: Tensor | None = None
    ) -> Tensor:
        assert image_only_indicator is not None
        if image_only_indicator.shape[-1] == 1:
            return self.spatial_res_block(hidden_states, temb)
        return super().forward(hidden_states, temb, image_only_indicator)


class _Transformer(TransformerSpatioTemporalModel):
    def forward(
        self,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        image_only_indicator: Tensor | None = None,
        return_dict: bool = True,
    ) -> Any:
        assert image_only_indicator is not None
        if image_only_indicator.shape[-1] > 1:
            return super().forward(hidden_states, encoder_hidden_states, image_only_indicator, return_dict=False)
        H, W = hidden_states.shape[-2:]
        x = self.proj_in(rearrange(self.norm(hidden_states), "N C H W -> N (H W) C"))
        for block in self.transformer_blocks:
            if torch.is_grad_enabled() and self.gradient_checkpointing:
                x = self._gradient_checkpointing_func(block, x, None, encoder_hidden_states, None)  # type: ignore[operator]
            else:
                x = block(x, encoder_hidden_states=encoder_hidden_states)
        return (rearrange(self.proj_out(x), "N (H W) C -> N C H W", H=H, W=W) + hidden_states,)


class _TimeConv(nn.Conv3d):
    def forward(self, input: Tensor) -> Tensor:
        N, C, T, H, W = input.shape
        flat = nnf.conv2d(input.reshape(N, C, T, H * W), self.weight[..., 0], self.bias, padding=(1, 0))
        return flat.view(N, -1, T, H, W)


def _zero(layer: nn.Module) -> None:
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
