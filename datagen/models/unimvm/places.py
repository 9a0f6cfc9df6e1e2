"""What the pixels of a clip show, and which pixels of its other pictures show the same.

```
   pixel of a picture ─▶ where that is, fixed to its actor or to the ground ─▶ pixel of another picture that shows it
```
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from jaxtyping import Bool, Float, Int16, Int64
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


class Places:
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

    def found(
        self, s: int, u: int, *, owner: Int64[Tensor, "pixels"], points: Float[Tensor, "pixels 4"]
    ) -> tuple[Float[Tensor, "pixels 2"], Bool[Tensor, "pixels"]]:
        """Return where view u of frame s shows places (column, row), and whether it shows them at all.

        It projects as `datagen.sensors.projection` does, in tensors.
        """
        cam_SE3_owner = (self.cam_SE3_world[s, u] @ self.world_SE3_owner[s, u]).float()
        there = _moved(points, cam_SE3_owner, owner)[:, :3]
        H, W = self.sights.owner.shape[2:]
        projected = there @ self.sights.intrinsics_px[u].float().T
        pixel = projected[:, :2] / projected[:, 2:].clamp(min=_NEAR_M)
        seen = (there[:, 2] > _NEAR_M * points[:, 3]) & (there[:, 2] > 0)
        seen &= (pixel >= 0).all(dim=1) & (pixel < pixel.new_tensor([W, H])).all(dim=1)
        pixel = torch.where(seen[:, None], pixel, 0.0)
        column, row = pixel.long().unbind(1)
        same = self.sights.owner[s, u][row, column].long() == owner
        distance_m = there.norm(dim=1)
        apart_m = (self.sights.distance_m[s, u][row, column].float() - distance_m).abs()
        return pixel, seen & same & ((owner < -1) | (apart_m < _APART_M + _APART * distance_m))


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
