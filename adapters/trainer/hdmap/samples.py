"""Pairs to learn from and to measure on: what traffic shows of a place, and the place's true map.

```
   scene source, or road-network folder ──▶ places (map, recorded traffic) ──▶ windows around egos
   <folder>/<location>-<number>.png         13 panels one above the other: 7 of traffic, 6 of the map; 8 bits
```

A window is the ordinary canvas around an ego, turned as it looks halfway. Where there is recorded traffic, the first
window of a scene shows that; all others show seeded traffic (`traffic`).
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from adapters.trainer.hdmap.roadnet import read_roadnet
from adapters.trainer.hdmap.traffic import Roads, seeded_traffic
from datagen import plugins
from datagen.errors import InputError
from datagen.models.hdmap.pairs import write_pair
from datagen.models.hdmap.scale import coarser
from datagen.ports import Dropped, SceneSource, Take
from datagen.recipe import derive_seed
from datagen.roads.canvas import Canvas, square_canvas
from datagen.roads.raster import MapRaster, Track, TrafficRaster, draw_map, draw_traffic, tracks_of
from datagen.scene import HDMap, Prompt, Scene

_TRIES = 8
_LEAST_ROAD = 0.02
"""A window with less drivable area than this part of it shows no road."""


class Places(BaseModel):
    """Where samples come from.

    scenes: a scene source (`{use: sumo, …}`); or roadnet: a folder of road-network tables, which has no traffic.
    count: how many scenes of the source.  windows: how many samples of each, or of the road network.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    scenes: dict[str, Any] | None = None
    roadnet: Path | None = None
    count: Annotated[int, Field(ge=1)] = 40
    windows: Annotated[int, Field(ge=1)] = 24
    duration_s: Annotated[float, Field(gt=0, le=60)] = 8.0
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One window. tracks: everybody in it, the ego first."""

    location: str
    hdmap: HDMap
    canvas: Canvas
    tracks: tuple[Track, ...]

    @cached_property
    def truth(self) -> MapRaster:
        """The true map's raster."""
        return draw_map(self.hdmap, self.canvas)

    @cached_property
    def traffic(self) -> TrafficRaster:
        """The tracks' raster."""
        return draw_traffic(self.tracks, self.canvas)


def samples_of(places: Places, *, pixels: int) -> Iterator[Sample]:
    """Yield samples, the same for the same places. Raises InputError if nothing can be read."""
    if (places.scenes is None) == (places.roadnet is None):
        raise InputError("places need either `scenes` (a scene source) or `roadnet` (a folder of road-network tables)")
    if places.roadnet is not None:
        hdmap = read_roadnet(places.roadnet)
        yield from _seeded(Roads(hdmap), places, pixels=pixels, seed=places.seed, windows=places.windows)
        return
    for number, scene in _scenes(places):
        recorded = _window(scene.hdmap, tuple(tracks_of(scene)), pixels=pixels)
        if recorded is not None:
            yield recorded
        seed = derive_seed(places.seed, f"hdmap-{number}")
        yield from _seeded(Roads(scene.hdmap), places, pixels=pixels, seed=seed, windows=places.windows - 1)


def _scenes(places: Places) -> Iterator[tuple[int, Scene]]:
    """Yield the source's scenes one by one, in place of the engine."""
    source: SceneSource = plugins.build("scene", places.scenes or {})
    known = source.count()
    total = places.count if known is None else min(places.count, known)
    (stage,) = source.stages()
    stage.open()
    try:
        with tempfile.TemporaryDirectory(prefix="datagen-hdmap-") as folder:
            for index in range(total):
                seed = derive_seed(places.seed, f"hdmap-scene-{index}")
                prompt = Prompt(id=str(index), index=index, text="", seed=seed, duration_s=places.duration_s)
                (made,) = stage.run([Take(id=str(index), prompt=prompt, workdir=Path(folder))])
                if not isinstance(made, Dropped) and made.scene is not None:
                    yield index, made.scene
    finally:
        stage.close()


def _seeded(roads: Roads, places: Places, *, pixels: int, seed: int, windows: int) -> Iterator[Sample]:
    """Yield windows around places on the lanes, drawn evenly by length."""
    rng = np.random.default_rng(seed)
    if not roads.streets:
        return
    length = np.array([np.linalg.norm(np.diff(lane.center_m, axis=0), axis=1).sum() for lane in roads.streets])
    for _ in range(windows):
        for _ in range(_TRIES):
            lane = roads.streets[int(rng.choice(len(length), p=length / length.sum()))]
            at = lane.center_m[int(rng.integers(len(lane.center_m)))]
            tracks = tuple(seeded_traffic(roads, at, duration_s=places.duration_s, rng=rng))
            sample = _window(roads.hdmap, tracks, pixels=pixels) if tracks else None
            if sample is not None:
                yield sample
                break


def _window(hdmap: HDMap, tracks: tuple[Track, ...], *, pixels: int) -> Sample | None:
    """Return the canvas around the first track, or None if there is no road on it."""
    ego = tracks[0]
    half = len(ego.xy_m) // 2
    canvas = square_canvas(ego.xy_m[half], float(ego.yaw_rad[half]), pixels=pixels)
    sample = Sample(location=hdmap.location, hdmap=hdmap, canvas=canvas, tracks=tracks)
    return sample if sample.truth[3].mean() > _LEAST_ROAD else None


def prepare(places: Places, folder: Path, *, pixels: int, coarse: int = 1) -> Path:
    """Write the samples' rasters, made coarser, into `folder`, unless they are there already; return it.

    Raises InputError if the places have no road at all.
    """
    said = hashlib.sha256(f"{places.model_dump_json()} {pixels} {coarse}".encode()).hexdigest()
    done = folder / "places.sha256"
    if done.is_file() and done.read_text(encoding="utf-8").strip() == said:
        return folder
    if any(folder.glob("*.png")):
        raise InputError(f"{folder}: holds samples of other places; remove the folder, or name another one")
    folder.mkdir(parents=True, exist_ok=True)
    numbers = count()
    for sample in samples_of(places, pixels=pixels):
        name = re.sub(r"[^A-Za-z0-9_-]", "_", sample.location)
        path = folder / f"{name}-{next(numbers):06d}.png"
        write_pair(path, traffic=coarser(sample.traffic, coarse), truth=coarser(sample.truth, coarse))
    if next(numbers) == 0:
        raise InputError(f"{folder}: the places have no road to learn from")
    done.write_text(said + "\n", encoding="utf-8")
    return folder
