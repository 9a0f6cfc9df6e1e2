"""Given pictures carried along the labelled world to the frames that are to be made.

```
   pixel of a made picture ─▶ where that is, fixed to its actor or to the ground ─▶ there at a given picture's instant
                                                            seen by that camera, same owner, same distance? its colour
```

Where the ego drives and everything else moves is known, so what a given picture shows of road, actors and (by a guess)
of what stands beside the road can be put where it belongs in the others. A small network then need not learn to move
pictures; it mends what was hidden, guessed wrong or lit differently.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import torch
import torch.nn.functional as nnf
from einops import rearrange
from jaxtyping import Bool, Float, Int16, Int64, UInt8
from torch import Tensor

_NEAR_M = 0.1
_APART_M, _APART = 0.5, 0.05
"""How much two distances to the same thing may differ: metres, and part of the distance."""


@dataclass(frozen=True, kw_only=True)
class Sights:
    """What the pixels of a clip show, and where that was when they were taken.

    owner: row of `world_SE3_owner`, -1 for the ground; less for what is not labelled, whose distance is a guess.
    distance_m: along the ray; infinite for the sky.
    cam_SE3_world, world_SE3_owner: at the instant of each picture; not a number for actors that are not there.
    intrinsics_px: of each view.
    """

    owner: Int16[Tensor, "T V Hpx Wpx"]
    distance_m: Float[Tensor, "T V Hpx Wpx"]
    cam_SE3_world: Float[Tensor, "T V 4 4"]
    world_SE3_owner: Float[Tensor, "T V actors 4 4"]
    intrinsics_px: Float[Tensor, "V 3 3"]

    def frames(self, start: int, stop: int) -> Sights:
        """Return the same from frame `start` to before `stop`."""
        cut = {field.name: getattr(self, field.name)[start:stop] for field in fields(self)}
        return Sights(**{**cut, "intrinsics_px": self.intrinsics_px})

    def to(self, device: torch.device | str) -> Sights:
        """Return the sights on another device."""
        return Sights(**{field.name: getattr(self, field.name).to(device) for field in fields(self)})


@torch.inference_mode()
def carried(
    pictures: UInt8[Tensor, "T V Hpx Wpx 3"], mask: Bool[Tensor, "T V"], sights: Sights
) -> tuple[UInt8[Tensor, "T V Hpx Wpx 3"], Bool[Tensor, "T V Hpx Wpx"]]:
    """Return the pictures with what is given carried to what is not, and which pixels that reached.

    pictures: anything where `mask` is not set.  Only views of which a picture is given are reached: a view that others
    reach in part shows the seam.  Each pixel is taken from the nearest given frame that shows it, there
    from its own view rather than from others. Pixels that nothing reached are filled smoothly from those around them.
    """
    shown, there = pictures.clone(), mask[:, :, None, None].expand(pictures.shape[:4]).clone()
    places = _Places(sights)
    for t, v in (~mask & mask.any(dim=0)).nonzero().tolist():
        owner, points = places.of(t, v)
        color = shown.new_zeros(len(points), 3)
        left = torch.arange(len(points), device=points.device)
        for s, u in _nearest_first(mask, t, v):
            found, seen = places.colors(pictures[s, u], s, u, owner=owner[left], points=points[left])
            color[left[seen]] = found[seen]
            left = left[~seen]
            if not len(left):
                break
        reached = torch.ones(len(points), dtype=torch.bool, device=points.device)
        reached[left] = False
        there[t, v] = reached.view(there.shape[2:])
        shown[t, v] = _filled(color.view(shown.shape[2:]), there[t, v])
    return shown, there


def _nearest_first(mask: Bool[Tensor, "T V"], t: int, v: int) -> Iterator[tuple[int, int]]:
    given = mask.nonzero().tolist()
    views = mask.shape[1]

    def apart(place: list[int]) -> tuple[int, int, int]:
        around = abs(place[1] - v)
        return abs(place[0] - t), min(around, views - around), place[0]

    yield from ((s, u) for s, u in sorted(given, key=apart))


class _Places:
    """Where pixels are in the frame of what they show, and which pixels of other pictures show the same."""

    def __init__(self, sights: Sights) -> None:
        self.sights = sights
        world = torch.eye(4, dtype=torch.float64, device=sights.cam_SE3_world.device)
        fixed = world.expand(*sights.world_SE3_owner.shape[:2], 1, 4, 4)
        self.world_SE3_owner = torch.cat([fixed, sights.world_SE3_owner.double()], dim=2)  # row 0: the world
        self.cam_SE3_world = sights.cam_SE3_world.double()

    def of(self, t: int, v: int) -> tuple[Int64[Tensor, "pixels"], Float[Tensor, "pixels 4"]]:
        """Return each pixel's owner and its place in the owner's frame, homogeneous: (direction, 0) for the sky."""
        owner = self.sights.owner[t, v].flatten().long()
        distance_m = self.sights.distance_m[t, v].flatten().float()
        H, W = self.sights.owner.shape[2:]
        row, column = torch.meshgrid(
            torch.arange(H, device=owner.device) + 0.5, torch.arange(W, device=owner.device) + 0.5, indexing="ij"
        )
        pixel = torch.stack([column, row, torch.ones_like(row)], dim=-1).view(-1, 3)
        ray = pixel @ self.sights.intrinsics_px[v].float().inverse().T
        ray = ray / ray.norm(dim=1, keepdim=True)
        far = distance_m.isinf()[:, None]
        point = torch.cat([torch.where(far, ray, ray * distance_m[:, None]), (~far).float()], dim=1)
        owner_SE3_cam = _undone(self.cam_SE3_world[t, v] @ self.world_SE3_owner[t, v]).float()
        return owner, _moved(point, owner_SE3_cam, owner)

    def colors(
        self,
        picture: UInt8[Tensor, "Hpx Wpx 3"],
        s: int,
        u: int,
        *,
        owner: Int64[Tensor, "pixels"],
        points: Float[Tensor, "pixels 4"],
    ) -> tuple[UInt8[Tensor, "pixels 3"], Bool[Tensor, "pixels"]]:
        """Return the colours in which a picture shows places, and whether it shows them at all.

        It projects as `datagen.sensors.projection` does, in tensors.
        """
        cam_SE3_owner = (self.cam_SE3_world[s, u] @ self.world_SE3_owner[s, u]).float()
        there = _moved(points, cam_SE3_owner, owner)[:, :3]
        H, W = picture.shape[:2]
        projected = there @ self.sights.intrinsics_px[u].float().T
        pixel = projected[:, :2] / projected[:, 2:].clamp(min=_NEAR_M)
        size = pixel.new_tensor([W, H])
        seen = (there[:, 2] > _NEAR_M * points[:, 3]) & (there[:, 2] > 0)
        seen &= (pixel >= 0).all(dim=1) & (pixel < size).all(dim=1)
        pixel = torch.where(seen[:, None], pixel, 0.0)
        column, row = pixel.long().unbind(1)
        same = self.sights.owner[s, u][row, column].long() == owner
        distance_m = there.norm(dim=1)
        apart_m = (self.sights.distance_m[s, u][row, column].float() - distance_m).abs()
        seen &= same & ((owner < -1) | (apart_m < _APART_M + _APART * distance_m))
        grid = (2 * pixel / size - 1)[None, None]
        levels = rearrange(picture, "H W c -> 1 c H W").float()
        sampled = nnf.grid_sample(levels, grid, padding_mode="border", align_corners=False)[0, :, 0].T
        return sampled.round().to(torch.uint8), seen


def _moved(
    points: Float[Tensor, "pixels 4"], transforms: Float[Tensor, "owners 4 4"], owner: Int64[Tensor, "pixels"]
) -> Float[Tensor, "pixels 4"]:
    """Return points, each moved by its owner's transform."""
    world = points @ transforms[0].T
    actors = (owner >= 0).nonzero()[:, 0]
    world[actors] = torch.einsum("nij,nj->ni", transforms[1:][owner[actors]], points[actors])
    return world


def _undone(transforms: Float[Tensor, "n 4 4"]) -> Float[Tensor, "n 4 4"]:
    """Return the inverses of rigid transforms."""
    inverse = torch.zeros_like(transforms)
    inverse[:, :3, :3] = transforms[:, :3, :3].mT
    inverse[:, :3, 3] = -(transforms[:, :3, :3].mT @ transforms[:, :3, 3:])[..., 0]
    inverse[:, 3, 3] = 1
    return inverse


def _filled(picture: UInt8[Tensor, "Hpx Wpx 3"], known: Bool[Tensor, "Hpx Wpx"]) -> UInt8[Tensor, "Hpx Wpx 3"]:
    """Return the picture with what is not known taken from coarser and coarser means of what is known around it."""
    weight = known[None, None].float()
    levels = [(rearrange(picture, "H W c -> 1 c H W").float() * weight, weight)]
    while max(levels[-1][1].shape[2:]) > 1:
        finer, weight = levels[-1]
        levels.append((nnf.avg_pool2d(finer, 2, ceil_mode=True), nnf.avg_pool2d(weight, 2, ceil_mode=True)))
    color = torch.zeros_like(levels[-1][0])
    for summed, weight in reversed(levels):
        coarse = nnf.interpolate(color, size=weight.shape[2:], mode="bilinear", align_corners=False)
        color = torch.where(weight > 0, summed / weight.clamp(min=1e-6), coarse)
    return rearrange(color, "1 c H W -> H W c").round().to(torch.uint8)
