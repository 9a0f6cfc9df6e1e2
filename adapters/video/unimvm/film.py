"""The film model as the film stage knows it: shots in, frames out. The network itself waits behind `open`.

```
   shots ── batches of one shape ──▶ told (conditions, given pictures)  ─▶ denoised ─▶ decoded, view by view ─▶ frames
                                     drawn in a thread, one batch ahead
```
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError
from safetensors import SafetensorError, safe_open

import datagen
from datagen.digest import file_sha256
from datagen.errors import InputError
from datagen.models.unimvm.spec import Spec
from datagen.ports import Frame, Resources
from datagen.scene import Shot

if TYPE_CHECKING:
    from adapters.video.unimvm import Settings
    from adapters.video.unimvm.studio import Studio, Told


SHIPPED = Path(datagen.__file__).parent / "weights" / "unimvm"


class Film:
    """Films shots; the same shot gives the same bytes in every process and beside every neighbour."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.resources = Resources(cpus=float(settings.threads), gpus=settings.gpu)
        self.batch_size = settings.batch * settings.queue
        self.studio: Studio | None = None

    @property
    def network_path(self) -> Path:
        """Where the network's weights lie."""
        weights = self.settings.weights or SHIPPED
        return weights / "unimvm.safetensors" if weights.is_dir() else weights

    @property
    def autoencoder_path(self) -> Path:
        """Where the autoencoder lies: a file, or a Stable Video Diffusion folder."""
        return self.settings.autoencoder or self.network_path.with_name("autoencoder.safetensors")

    @property
    def picture_size_px(self) -> tuple[int, int]:
        """Width and height of one view."""
        return spec_of(self.network_path).view_px

    def fingerprint(self) -> str:
        """Return a hash of both weights. Raises InputError when one is missing, or the network's are none."""
        spec_of(self.network_path)
        return hashlib.sha256((_sha256(self.network_path) + _sha256(self.autoencoder_path)).encode()).hexdigest()

    def open(self) -> None:
        """Load network and autoencoder."""
        from adapters.video.unimvm.studio import Studio

        self.studio = Studio.open(self.network_path, self.autoencoder_path, settings=self.settings)

    def film(self, shots: Sequence[Shot]) -> Iterator[Frame]:
        """Yield every frame of every shot, batch by batch. Raises ClipError when a picture to be given is not there."""
        assert self.studio is not None, "open() comes first"
        batches = _batches(shots, self.settings.batch)
        with ThreadPoolExecutor(max_workers=1) as ahead:
            coming = ahead.submit(self.studio.told, [shots[i] for i in batches[0]])
            for number, batch in enumerate(batches):
                told: Told = coming.result()
                if number + 1 < len(batches):
                    coming = ahead.submit(self.studio.told, [shots[i] for i in batches[number + 1]])
                yield from self._frames(batch, told)

    def _frames(self, batch: Sequence[int], told: Told) -> Iterator[Frame]:
        assert self.studio is not None
        latents = self.studio.denoised(told)
        for view, pictures in enumerate(self.studio.pictures(latents)):
            for place, shot in enumerate(batch):
                channel = told.shots[place].rig.channels[view]
                for frame, image in enumerate(pictures[place]):
                    yield Frame(shot=shot, frame=frame, channel=channel, image=image)


def spec_of(path: Path) -> Spec:
    """Return the spec that a network's weights carry, without loading them. Raises InputError if there is none."""
    try:
        with safe_open(path, framework="numpy") as file:
            said = json.loads((file.metadata() or {})["datagen"])
        return Spec.model_validate_json(said["spec"])
    except FileNotFoundError as error:
        raise InputError(
            f"film.weights: there are none at {path}; train some (`datagen train unimvm`), or film with `use: raycast`"
        ) from error
    except (SafetensorError, OSError, KeyError, ValueError, ValidationError) as error:
        raise InputError(f"film.weights: {path} holds no UniMVM ({type(error).__name__}: {error})") from error


def _sha256(path: Path) -> str:
    """Return the hash of weights: of a file, or of the autoencoder in a Stable Video Diffusion folder."""
    files = sorted((path / "vae").glob("*.safetensors")) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        raise InputError(f"film.autoencoder: there is none at {path}; name its file, or the SVD folder it is in")
    return file_sha256(files[0])


def _batches(shots: Sequence[Shot], size: int) -> list[list[int]]:
    """Return which shots are filmed together: those of one length and number of views, `size` at a time."""

    def shape(i: int) -> tuple[int, int]:
        return len(shots[i].timeline), len(shots[i].rig.cameras)

    alike = [list(group) for _, group in groupby(sorted(range(len(shots)), key=shape), key=shape)]
    return [group[start : start + size] for group in alike for start in range(0, len(group), size)]
