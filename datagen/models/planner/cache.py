"""Where converted models and answers are kept between runs."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Return $DATAGEN_CACHE, or `datagen` in the user's cache folder."""
    chosen = os.environ.get("DATAGEN_CACHE")
    return Path(chosen) if chosen else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "datagen"
