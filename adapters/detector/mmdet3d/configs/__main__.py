"""Print a training that ships as an ordinary mmengine config: `python -m adapters.detector.mmdet3d.configs WORD`."""

from __future__ import annotations

import sys

from adapters.detector.mmdet3d.components import ENTRY_KEYS
from adapters.detector.mmdet3d.configs import MODELS, config_of

if __name__ == "__main__":
    assert ENTRY_KEYS, "the components have to be imported before mmdet3d"
    if len(sys.argv) != 2 or sys.argv[1] not in MODELS:
        sys.exit(f"usage: python -m adapters.detector.mmdet3d.configs WORD, one of: {', '.join(MODELS)}")
    print(config_of(sys.argv[1], iterations=10_000).pretty_text)
