"""All our mmengine components under their names, for any config:

    custom_imports = dict(imports=["adapters.detector.mmdet3d.components"])

Import it before mmdet3d where mmcv has no compiled operations.
"""

from __future__ import annotations

from adapters.detector.mmdet3d.compiled import provide

provide()

from adapters.detector.mmdet3d.dataset import ENTRY_KEYS, NuScenesRoots, Source  # noqa: E402
from adapters.detector.mmdet3d.focal import FocalDepth, FocalMono3D  # noqa: E402
from adapters.detector.mmdet3d.hooks import LabelTrustHook, PlainCheckpointHook, SyntheticGainHook, SyntheticMixHook  # noqa: E402
from adapters.detector.mmdet3d.metrics import DevkitDetection, DevkitTracking  # noqa: E402
from adapters.detector.mmdet3d.sampler import MixtureSampler  # noqa: E402


def register() -> None:
    """Make the components, and mmdet3d's own, known to mmengine's registries."""
    from mmdet3d.utils import register_all_modules

    register_all_modules(init_default_scope=True)


__all__ = [
    "ENTRY_KEYS",
    "DevkitDetection",
    "DevkitTracking",
    "FocalDepth",
    "FocalMono3D",
    "LabelTrustHook",
    "MixtureSampler",
    "NuScenesRoots",
    "PlainCheckpointHook",
    "Source",
    "SyntheticGainHook",
    "SyntheticMixHook",
    "register",
]
