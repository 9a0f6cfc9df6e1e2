"""Every number of a scene as one hash; run as a script it makes the scene first (for other processes)."""

from __future__ import annotations

import hashlib
import sys
import tempfile
from dataclasses import fields, is_dataclass
from pathlib import Path

import numpy as np

from adapters.scene.sumo import Settings, build
from datagen.ports import Take
from datagen.scene import Prompt, Scene

SETTINGS = Settings(networks=3, extent_m=350.0, warm_up_s=10.0, worksite_share=0.7)


def make(seed: int, *, duration_s: float = 4.0, text: str = "", settings: Settings = SETTINGS) -> Scene:
    """Return the scene of a seed."""
    (stage,) = build(settings).stages()
    stage.open()
    prompt = Prompt(id=f"p{seed}", index=seed, text=text, seed=seed, duration_s=duration_s)
    with tempfile.TemporaryDirectory() as folder:
        (take,) = stage.run([Take(id="clip", prompt=prompt, workdir=Path(folder))])
    stage.close()
    assert isinstance(take, Take), take
    assert take.scene is not None
    return take.scene


def fingerprint(value: object) -> str:
    """Return a hash of everything in a tree of dataclasses."""
    digest = hashlib.sha256()
    _feed(digest, value)
    return digest.hexdigest()


def _feed(digest, value) -> None:
    if is_dataclass(value):
        for entry in fields(value):
            _feed(digest, getattr(value, entry.name))
    elif isinstance(value, np.ndarray):
        digest.update(value.tobytes())
    elif isinstance(value, tuple):
        for item in value:
            _feed(digest, item)
    else:
        digest.update(repr(value).encode())


if __name__ == "__main__":
    print(fingerprint(make(int(sys.argv[1]))))
