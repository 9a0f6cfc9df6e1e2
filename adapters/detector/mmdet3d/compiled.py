"""mmcv's compiled operations, where mmcv was installed without them.

mmdet3d imports `mmcv._ext`, which only a compiled mmcv has; building it takes a compiler and half an hour.
`provide` registers a stand-in for it under that name, before mmdet3d is imported: what our detectors need is in
`operations.py`, all else raises NotImplementedError by name when it is called. A compiled mmcv is left alone.
"""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from datagen.errors import DependencyError

NAME = "mmcv._ext"
MISSING = (
    "the detector needs mmdet3d: pip install --constraint constraints.txt '.[mmdet3d]' and then "
    "pip install --constraint constraints.txt --no-deps mmengine mmcv-lite mmdet mmdet3d lyft-dataset-sdk"
)


class _Extension(ModuleType):
    """A module that has every name; calling what is not provided says so."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def missing(*_: object, **__: object) -> None:
            raise NotImplementedError(
                f"mmcv's compiled operation '{name}' is not provided without compiled mmcv; choose a model "
                "without it, or install mmcv with its operations (pip install mmcv==2.1.0, from source)"
            )

        return missing


def provide() -> None:
    """Make `mmcv._ext` importable. Raises DependencyError when mmdet3d is not installed."""
    if any(importlib.util.find_spec(name) is None for name in ("mmengine", "mmcv", "mmdet", "mmdet3d")):
        raise DependencyError(MISSING)
    if NAME in sys.modules or importlib.util.find_spec(NAME) is not None:
        return
    from adapters.detector.mmdet3d import operations

    extension = _Extension(NAME, __doc__)
    extension.__spec__ = ModuleSpec(NAME, None)
    for name in operations.PROVIDED:
        setattr(extension, name, getattr(operations, name))
    sys.modules[NAME] = extension
