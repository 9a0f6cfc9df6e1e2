"""What is known of a clip, and how it reaches the network.

```
   channels at the network's door, for each cell of each view and frame:

   noisy latents │ given latents, or 0 │ mask │ proxy │ map │ boxes │ rays │ appearance
        C               C                1       C      8      20      6         3
```

Where nothing is given, what is given elsewhere may be shown: what of all pictures reaches there along the labelled
world (`Given.cover`, see `carrying`), or the view's nearest picture (`Spec.held`); the mask tells which.
The first 2 C are Stable Video Diffusion's own, so that its weights fit with the rest at zero. Map and boxes go
through strided convolutions (DriveDreamer-2's released code: 3→4→4→8 and 19→32→32→20); the rest is concatenated
as it is. Words go through cross-attention (see `words`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import torch
from einops import rearrange
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor, nn

from datagen.models.unimvm.spec import Condition, Spec


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """All that is known of a batch of clips beside given pictures. A model uses what its spec names.

    map: canvases of boundary, divider, crossing.  boxes: a canvas per class; both as `datagen.sensors.canvases` draws
    them, 0-255, at the picture's size.  proxy: latents of the proxy render, by the model's own autoencoder.
    rays: per cell the direction it looks in (unit vector) and the camera's place (metres), both in the ego frame.
    appearance: per cell the mean colour of the tracks seen there, in [0, 1], 0 where there is none.
    words, text: see `words`.  rate_hz: frames a second.
    layout_told, words_told: False where a clip's layout (map, boxes, proxy, appearance) or words are kept from the
    model, as classifier-free guidance needs.
    """

    map: UInt8[Tensor, "B T V 3 Hpx Wpx"]
    boxes: UInt8[Tensor, "B T V classes Hpx Wpx"]
    proxy: Float[Tensor, "B T V C H W"]
    rays: Float[Tensor, "B V 6 H W"]
    appearance: Float[Tensor, "B T V 3 H W"]
    words: Int[Tensor, "B words=3"]
    text: Int[Tensor, "B bytes=128"]
    rate_hz: Float[Tensor, "B"]
    layout_told: Bool[Tensor, "B"]
    words_told: Bool[Tensor, "B"]

    def untold(self) -> Conditions:
        """Return the same clips with layout and words kept back: the "unconditional" side of guidance."""
        nothing = torch.zeros_like(self.layout_told)
        return replace(self, layout_told=nothing, words_told=nothing)

    def without_weather(self) -> Conditions:
        """Return the same clips with the weather kept back, and the free text, which may tell it."""
        words = self.words.clone()
        words[:, 0] = 0
        return replace(self, words=words, text=torch.zeros_like(self.text))

    def frames(self, start: int, stop: int) -> Conditions:
        """Return the same clips from frame `start` to before `stop`."""
        part = {name: getattr(self, name)[:, start:stop] for name in ("map", "boxes", "proxy", "appearance")}
        return replace(self, **part)

    def chosen(self, places: Sequence[int]) -> Conditions:
        """Return the clips at these places of the batch, in this order."""
        return Conditions(**{field.name: getattr(self, field.name)[list(places)] for field in fields(self)})

    def to(self, device: torch.device | str) -> Conditions:
        """Return the conditions on another device."""
        return Conditions(**{field.name: getattr(self, field.name).to(device) for field in fields(self)})


CARRIED = 0.5
"""In the mask: a cell that is wholly covered by what was carried to it, beside 1 for one that is given."""


@dataclass(frozen=True, kw_only=True)
class Given:
    """The pictures of a batch of clips that are given, as latents.

    latents: anything where `mask` is not set; where `cover` is, what was carried there.
    noise: how much of it, in parts of sigma_data, was put on them; training puts some, so that a continued clip
    forgives what was made before.
    cover: the share of each cell that was reached, 0 where nothing was carried.  error: the one assumed of what was
    carried, in parts of sigma_data.
    """

    latents: Float[Tensor, "B T V C H W"]
    mask: Bool[Tensor, "B T V"]
    noise: Float[Tensor, "B"]
    cover: Float[Tensor, "B T V 1 H W"]
    error: Float[Tensor, "B"]

    def chosen(self, places: Sequence[int]) -> Given:
        """Return what is given of the clips at these places of the batch, in this order."""
        return Given(**{field.name: getattr(self, field.name)[list(places)] for field in fields(self)})

    def to(self, device: torch.device | str) -> Given:
        """Return what is given on another device."""
        return Given(**{field.name: getattr(self, field.name).to(device) for field in fields(self)})

    def shown(self, *, held: bool) -> tuple[Float[Tensor, "B T V C H W"], Float[Tensor, "B T V 1 H W"]]:
        """Return what a network is shown of it, and the mask that says how: 1 for given, up to CARRIED for carried."""
        given = self.mask[..., None, None, None]
        elsewhere = self.held() if held else torch.zeros_like(self.latents)
        latents = torch.where(given | (self.cover > 0), self.latents, elsewhere)
        return latents, torch.where(given, 1.0, CARRIED * self.cover)

    def held(self) -> Float[Tensor, "B T V C H W"]:
        """Return what is given of each view, at every frame what is nearest in time (the earlier of two); or 0."""
        T = self.mask.shape[1]
        at = torch.arange(T, device=self.mask.device)
        apart = (2 * (at[:, None] - at).abs() + (at > at[:, None]))[None, :, :, None]  # frame, given frame
        nearest = apart.masked_fill(~self.mask[:, None], 2 * T).argmin(dim=2)  # B T V
        index = nearest[..., None, None, None].expand_as(self.latents)
        there = self.mask.any(dim=1, keepdim=True)[..., None, None, None]
        return torch.where(there, self.latents.gather(1, index), 0.0)

    @staticmethod
    def nothing(latents: Float[Tensor, "B T V C H W"]) -> Given:
        """Return "nothing is given" in the shape and place of `latents`."""
        return Given(
            latents=torch.zeros_like(latents),
            mask=torch.zeros(latents.shape[:3], dtype=torch.bool, device=latents.device),
            noise=torch.zeros(len(latents), device=latents.device),
            cover=torch.zeros_like(latents[:, :, :, :1]),
            error=torch.ones(len(latents), device=latents.device),
        )

    @staticmethod
    def of(
        latents: Float[Tensor, "B T V C H W"], mask: Bool[Tensor, "B T V"], *, noise: Float[Tensor, "B"] | None = None
    ) -> Given:
        """Return pictures as they are, carried nowhere; by default without noise on them."""
        given = replace(Given.nothing(latents), latents=latents, mask=mask)
        return given if noise is None else replace(given, noise=noise)


def joined(conditions: list[Conditions]) -> Conditions:
    """Return one batch of several."""
    return Conditions(
        **{field.name: torch.cat([getattr(one, field.name) for one in conditions]) for field in fields(Conditions)}
    )


def _strided(widths: tuple[int, ...], stride: int) -> nn.Sequential:
    """Return convolutions that shrink a canvas to cells: halving as often as `stride` asks, then one at that size."""
    halvings = stride.bit_length() - 1
    assert 2**halvings == stride
    steps: list[nn.Module] = []
    before = widths[0]
    for i in range(halvings):
        width = widths[min(i + 1, len(widths) - 1)]
        steps += [nn.Conv2d(before, width, 3, stride=2, padding=1), nn.SiLU()]
        before = width
    return nn.Sequential(*steps, nn.Conv2d(before, widths[-1], 3, padding=1))


class ConditionEncoder(nn.Module):
    """Conditions to the channels that stand beside the latents."""

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.spec = spec
        if Condition.MAP in spec.conditions:
            self.map = _strided((3, 4, 4, spec.map_features), spec.stride)
        if Condition.BOXES in spec.conditions:
            self.boxes = _strided((spec.box_channels, 32, 32, spec.box_features), spec.stride)

    def forward(
        self, conditions: Conditions, sigma_data: Float[Tensor, "C 1 1"], *, like: Tensor
    ) -> Float[Tensor, "B T V features H W"]:
        """Return the features in the order of `Condition`, in the kind of number `like` has.

        sigma_data: proxy latents enter divided by it, as the noisy ones do at low noise.
        """
        told = conditions.layout_told.to(like.dtype)[:, None, None, None, None, None]
        parts = {
            Condition.PROXY: lambda: conditions.proxy / sigma_data * told,
            Condition.MAP: lambda: self._encoded(self.map, conditions.map, like=like) * told,
            Condition.BOXES: lambda: self._encoded(self.boxes, conditions.boxes, like=like) * told,
            Condition.RAYS: lambda: conditions.rays[:, None].expand(-1, conditions.map.shape[1], *[-1] * 4),
            Condition.APPEARANCE: lambda: conditions.appearance * told,
        }
        chosen = [parts[condition]().to(like.dtype) for condition in Condition if condition in self.spec.conditions]
        if not chosen:
            B, T, V, _, H, W = like.shape
            return like.new_zeros(B, T, V, 0, H, W)
        return torch.cat(chosen, dim=3)

    def _encoded(self, encoder: nn.Module, canvas: UInt8[Tensor, "B T V c Hpx Wpx"], *, like: Tensor) -> Tensor:
        B, T, V = canvas.shape[:3]
        flat = rearrange(canvas, "B T V c H W -> (B T V) c H W").to(like.dtype) / 255
        return rearrange(encoder(flat), "(B T V) c H W -> B T V c H W", B=B, T=T, V=V)
