"""Array shapes in the networks' room are checked at run time, and its tests keep to one core."""

from __future__ import annotations

import torch
from jaxtyping import install_import_hook

install_import_hook("datagen.models", "beartype.beartype")
torch.set_num_threads(1)
