"""A log's scenes as drives to train on: its own pictures, and what UniMVM would be told of them.

```
   scene with a recording ─▶ frames every camera has ─▶ pictures ─┬─▶ latents ──┐
                                                   └─▶ canvases ──┴─▶ proxy … ──┴─▶ <folder>/<scene>.safetensors
```
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Int64, UInt8
from PIL import Image
from safetensors import SafetensorError, safe_open
from tqdm import tqdm

from adapters.video.unimvm.conditions import canvases, conditions, rearranged
from datagen import plugins
from datagen.errors import InputError
from datagen.models import weights
from datagen.models.autoencoder.weights import autoencoder_sha256, open_autoencoder
from datagen.models.unimvm.drives import Drive, write_drive
from datagen.models.unimvm.pipeline import encode_pictures
from datagen.ports import Dropped, SceneSource, Take
from datagen.recipe import derive_seed
from datagen.scene import Prompt, Recording, Scene, Shot, Timeline


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """How drives are made of a log.

    scenes: a scene source's settings, `{use: nuscenes, root: …}`.  view_px: (width, height).
    figures: instead of blocks in the proxy render.  sights: also what every pixel shows.
    """

    scenes: dict[str, Any]
    folder: Path
    autoencoder: Path
    view_px: tuple[int, int]
    stride: int
    rate_hz: float
    figures: bool = False
    sights: bool = False

    @property
    def about(self) -> dict[str, str]:
        """What a prepared drive must say of itself to be taken as it lies."""
        scenes = " ".join(f"{key}={value}" for key, value in sorted(self.scenes.items()))
        width, height = self.view_px
        return {
            "autoencoder": autoencoder_sha256(self.autoencoder),
            "view_px": f"{width}x{height}",
            "rate_hz": str(self.rate_hz),
            "proxy": "figures" if self.figures else "blocks",
            **({"sights": "all"} if self.sights else {}),
            "scenes": scenes,
        }


def prepare(preparation: Preparation, *, workers: int | None = None) -> Path:
    """Make the drives that are not there yet, several at a time, and remove any of another log; return their folder.

    Raises InputError if the source has no end, or none of its scenes has pictures at that rate.
    """
    source: SceneSource = plugins.build("scene", preparation.scenes)
    count = source.count()
    if count is None:
        raise InputError(f"a training log needs an end; scenes of {preparation.scenes['use']} have none")
    preparation.folder.mkdir(parents=True, exist_ok=True)
    about = preparation.about
    missing = [i for i in range(count) if not _is_made(drive_path(preparation.folder, i), about)]
    workers = min(workers or os.cpu_count() or 1, max(1, len(missing)))
    shares = [missing[k::workers] for k in range(workers)]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=end_with_parent) as pool:
        futures = [pool.submit(_prepare_share, preparation, share) for share in shares if share]
        for future in tqdm(futures, desc=f"drives in {preparation.folder}", disable=not futures):
            future.result()
    drives = list(preparation.folder.glob("*.safetensors"))
    strangers = [path for path in drives if not _is_made(path, about)]
    for path in strangers:
        path.unlink()
    if len(drives) == len(strangers):
        raise InputError(f"{preparation.scenes}: no scene has pictures of every camera at {preparation.rate_hz:g} Hz")
    return preparation.folder


def end_with_parent() -> None:
    """Let this process end as soon as the one that started it is gone, however it went."""
    parent = parent_process()
    assert parent is not None, "for processes that multiprocessing started"

    def follow() -> None:
        parent.join()
        os._exit(1)

    Thread(target=follow, daemon=True).start()


def drive_path(folder: Path, index: int) -> Path:
    """Return where the drive of a log's scene lies."""
    return folder / f"{index:06d}.safetensors"


def _is_made(path: Path, about: dict[str, str]) -> bool:
    try:
        with safe_open(path, framework="pt") as file:
            said = weights.what(file)
    except (OSError, SafetensorError):
        return False
    return about.items() <= said.items()


def _prepare_share(preparation: Preparation, indices: list[int]) -> None:
    torch.set_num_threads(1)
    autoencoder = open_autoencoder(preparation.autoencoder)
    for index, scene in _scenes(preparation.scenes, indices):
        shot = log_shot(scene, rate_hz=preparation.rate_hz, view_px=preparation.view_px, clip_id=str(index))
        if shot is None:
            continue
        drawn = canvases(shot, stride=preparation.stride, figures=preparation.figures, sights=preparation.sights)
        told = conditions(shot, drawn, autoencoder=autoencoder)
        pictures = torch.from_numpy(log_pictures(shot))[None]
        drive = Drive(
            latents=encode_pictures(autoencoder, pictures)[0],
            **{
                name: getattr(told, name)[0]
                for name in ("proxy", "map", "boxes", "appearance", "rays", "words", "text")
            },
            rate_hz=float(told.rate_hz),
            sights=drawn.sights,
        )
        about = {**preparation.about, "of": scene.provenance.get("scene", str(index))}
        path = drive_path(preparation.folder, index)
        write_drive(path.with_suffix(".part"), drive, about=about)
        path.with_suffix(".part").replace(path)


def _scenes(settings: dict[str, Any], indices: list[int]) -> Iterator[tuple[int, Scene]]:
    """Yield the scenes of a source one by one, in place of the engine."""
    (stage,) = plugins.build("scene", settings).stages()
    stage.open()
    for index in indices:
        prompt = Prompt(id=str(index), index=index, text="", seed=index, duration_s=3600.0)
        taken = stage.run([Take(id=str(index), prompt=prompt, workdir=Path())])[0]
        if not isinstance(taken, Dropped) and taken.scene is not None:
            yield index, taken.scene
    stage.close()


def log_shot(scene: Scene, *, rate_hz: float, view_px: tuple[int, int], clip_id: str) -> Shot | None:
    """Return a scene's longest stretch of which every camera has a picture at that rate; None if there is none."""
    recording = scene.recording
    if recording is None:
        raise InputError("scenes to train on come from a log with pictures; these were not read from one")
    timeline = photographed(recording, rate_hz=rate_hz)
    if timeline is None:
        return None
    rig, seed = recording.rig.resized(*view_px), derive_seed(0, clip_id)
    return rearranged(Shot(clip_id=clip_id, scene=scene, rig=rig, timeline=timeline, seed=seed))


def photographed(recording: Recording, *, rate_hz: float) -> Timeline | None:
    """Return the longest run of instants at `rate_hz` of which every camera has a picture within half a period."""
    keys = recording.timeline.timestamp_us
    period_us = 1e6 / rate_hz
    wished = np.arange(keys[0], keys[-1] + period_us, period_us)
    fired = [
        np.array(sorted(at for camera, at in recording.pictures if camera == channel), dtype=np.int64)
        for channel in recording.rig.channels
    ]
    if any(len(times) == 0 for times in fired):
        return None
    nearest = np.stack([times[np.abs(times[None] - wished[:, None]).argmin(axis=1)] for times in fired], axis=1)
    there = (np.abs(nearest - wished[:, None]) < period_us / 2).all(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], there, [False]]).astype(np.int8)))
    if not len(edges):
        return None
    start, stop = max(zip(edges[::2], edges[1::2]), key=lambda run: run[1] - run[0])
    return _timeline(nearest[start:stop], wished[start:stop].astype(np.int64), keys=keys)


def _timeline(
    fired_us: Int64[np.ndarray, "T V"], wished_us: Int64[np.ndarray, "T"], *, keys: Int64[np.ndarray, "K"]
) -> Timeline:
    return Timeline(timestamp_us=wished_us, is_keyframe=np.isin(wished_us, keys), camera_timestamp_us=fired_us)


def log_pictures(shot: Shot) -> UInt8[np.ndarray, "T V Hpx Wpx 3"]:
    """Return the log's own pictures of a shot that `log_shot` made, brought to the shot's size."""
    recording = shot.scene.recording
    assert recording is not None
    views = []
    for fired_us in shot.timeline.camera_timestamp_us.tolist():
        for timestamp_us, camera in zip(fired_us, shot.rig.cameras):
            path = recording.pictures[camera.channel, timestamp_us]
            views.append(read_picture(path, (camera.width_px, camera.height_px)))
    return rearrange(np.stack(views), "(T V) H W c -> T V H W c", V=len(shot.rig.cameras))


def read_picture(path: Path, size_px: tuple[int, int]) -> UInt8[np.ndarray, "Hpx Wpx 3"]:
    """Return a picture at a size. Raises InputError if it cannot be read."""
    try:
        with Image.open(path) as file:
            picture = file.convert("RGB")
            return np.asarray(picture if picture.size == size_px else picture.resize(size_px, Image.Resampling.BOX))
    except OSError as error:
        raise InputError(f"{path}: not a readable picture ({error})") from error
