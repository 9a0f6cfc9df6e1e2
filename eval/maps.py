"""Are drawn maps lawful and near the truth? Held-out places, the same trajectories, against two baselines.

| drawn by  | is                                                                                        |
|-----------|-------------------------------------------------------------------------------------------|
| diffusion | the map model, one map for each sample                                                     |
| retrieval | the true map of the training sample whose traffic raster is nearest (32 x 32 cells, L2)    |
| straight  | a straight street of two lanes each way, the ego on its right lane                         |
| truth     | the true map itself: what any figure here can be at best                                   |

All are rasters that go through the same vectoriser; what is measured is the vectors.

- F1 at 1 m, for each channel: a pixel of a line or area counts as found if the other map has one within 1 m.
  `f1` is the mean over boundary, divider, crossing, drivable area and lanes, of those a sample's truth has.
- lawful: part of the somebodies, rule by rule, that keep it (`datagen.roads.lawful`); lawful maps: with no breach.
- connected: part of the lane ends inside the map that lead on.
- width, curvature: Wasserstein distance of the lanes' distributions from the truth's, in metres and 1/m.
- differ: 1 - IoU of the drivable areas of two maps drawn for the same traffic.

Means over samples with 95 % bootstrap intervals (1,000 draws, seed 0).

    python -m eval maps --weights runs/hdmap/weights.safetensors --page maps.png
    python -m eval maps --weights runs/hdmap/weights.safetensors --roadnet ../shared/data/boston-roads
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from jaxtyping import Float
from scipy.stats import wasserstein_distance

from datagen import plugins
from datagen.digest import file_sha256
from datagen.models.hdmap.pairs import Pairs, read_pair
from datagen.models.hdmap.pipeline import DiffusionMaps, MapModel, Sampling
from datagen.models.hdmap.scale import finer
from datagen.models.hdmap.weights import load_hdmap
from datagen.roads.canvas import square_canvas
from datagen.roads.furnish import furnished
from datagen.roads.lawful import Lawfulness, lawfulness
from datagen.roads.raster import MapRaster, TrafficRaster, draw_map
from datagen.roads.reference import reference_road
from datagen.roads.vectorise import vectorised
from datagen.scene import HDMap, Place
from datagen.scene.line import Line
from datagen.scene.plan import PlanRoad
from eval.maps_page import write_page

CHANNELS = ("boundary", "divider", "crossing", "drivable", "lane")
TOLERANCE_M = 1.0
_CELLS = 32
_DRAWS = 1000

Drawer = Callable[[Any, TrafficRaster], MapRaster]
"""From a sample and its traffic raster to a map raster."""


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """One map that was drawn for a sample, and what was found. f1: channel → value, of those the truth has."""

    raster: MapRaster
    hdmap: HDMap
    f1: dict[str, float]
    law: Lawfulness


@dataclass(frozen=True, kw_only=True)
class MapScores:
    """What one drawer's maps measure. Means with (low, high)."""

    samples: int
    f1: tuple[float, float, float]
    by_channel: dict[str, float]
    lawful: tuple[float, float, float]
    lawful_maps: float
    connected: float
    width_m: float
    curvature_per_m: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `python -m eval maps` takes."""
    parser.add_argument("--weights", type=Path, required=True, help="of the map model")
    parser.add_argument(
        "--train", type=Path, help="folder of the samples it learned from (default: samples/train beside the weights)"
    )
    parser.add_argument("--roadnet", type=Path, help="measure on a folder of road-network tables instead of SUMO's")
    parser.add_argument(
        "--first-network", type=int, default=9000, help="of SUMO's held-out pool (default: %(default)s)"
    )
    parser.add_argument("--samples", type=int, default=64, help="how many to measure (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=Sampling().steps, help="of sampling (default: %(default)s)")
    parser.add_argument("--page", type=Path, help="write a page of pictures here (.png)")
    parser.add_argument("--card", type=Path, help="write the figures into this model card (.json), under the place")


def measure(chosen: argparse.Namespace) -> tuple[str, bool]:
    """Measure, and say whether the model beats both baselines on F1 and on lawfulness."""
    trainer = plugins.load("trainer", "hdmap")
    model = DiffusionMaps(load_hdmap(chosen.weights), Sampling(steps=chosen.steps))
    folder = chosen.train or chosen.weights.parent / "samples" / "train"
    train = Pairs.under(folder, pixels=model.pixels // model.coarse)
    places = trainer.Places(
        roadnet=chosen.roadnet,
        scenes=None if chosen.roadnet else {"use": "sumo", "networks": 1000, "first_network": chosen.first_network},
        count=chosen.samples,
        windows=chosen.samples if chosen.roadnet else 4,
        seed=7,
    )
    samples = list(islice(trainer.samples_of(places, pixels=model.pixels), chosen.samples))
    drawers = drawers_of(model, train)
    drawn = {name: [draw(sample, drawer) for sample in samples] for name, drawer in drawers.items()}
    scores = {name: scores_of(maps, truth=drawn["truth"]) for name, maps in drawn.items()}
    if chosen.page:
        write_page(chosen.page, samples[:12], {name: maps[:12] for name, maps in drawn.items()})
    if chosen.card:
        name = chosen.roadnet.name if chosen.roadnet else "sumo"
        write_card(chosen.card, name, scores=scores, weights=chosen.weights, steps=chosen.steps)
    where = chosen.roadnet or f"SUMO networks from {chosen.first_network} on"
    told = [f"maps: {len(samples)} samples of {where}, {chosen.weights}, {chosen.steps} steps", table(scores)]
    told.append(f"differ: {_difference(model, samples[:16]):.3f} between two maps for the same traffic")
    ours, others = scores["diffusion"], [scores["retrieval"], scores["straight"]]
    better = all(ours.f1[0] > other.f1[0] and ours.lawful[0] > other.lawful[0] for other in others)
    return "\n".join(told), better


def drawers_of(model: DiffusionMaps, train: Pairs) -> dict[str, Drawer]:
    """Return who draws maps, by name."""
    nearest = _Nearest.of(train, coarse=model.coarse)
    street = _straight(model.pixels)
    return {
        "diffusion": lambda sample, traffic: _drawn(model, traffic, seed=0),
        "retrieval": lambda sample, traffic: nearest.map_for(traffic),
        "straight": lambda sample, traffic: street,
        "truth": lambda sample, traffic: sample.truth,
    }


def draw(sample: Any, drawer: Drawer) -> Drawn:
    """Let one map be drawn for a sample, and measure it."""
    raster = drawer(sample, sample.traffic)
    hdmap = vectorised(raster, sample.canvas, canvas_m=sample.hdmap.canvas_m, location="drawn")
    again = draw_map(hdmap, sample.canvas)
    return Drawn(
        raster=raster,
        hdmap=hdmap,
        f1=f1_of(sample.truth, again, m_per_px=sample.canvas.m_per_px),
        law=lawfulness(hdmap, sample.tracks, sample.canvas),
    )


def f1_of(truth: MapRaster, other: MapRaster, *, m_per_px: float) -> dict[str, float]:
    """Return F1 at 1 m for each channel that the truth has."""
    radius = round(TOLERANCE_M / m_per_px)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    found = {}
    for name, a, b in zip(CHANNELS, _masks(truth), _masks(other)):
        if not a.any():
            continue
        near_a, near_b = (cv2.dilate(mask.astype(np.uint8), disc) > 0 for mask in (a, b))
        recall = float((a & near_b).sum() / a.sum())
        precision = float((b & near_a).sum() / b.sum()) if b.any() else 0.0
        found[name] = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return found


def scores_of(maps: Sequence[Drawn], *, truth: Sequence[Drawn]) -> MapScores:
    """Return the figures of one drawer's maps; `truth` has those of the true maps, sample by sample."""
    by_channel = {
        name: float(np.mean([drawn.f1[name] for drawn in maps if name in drawn.f1]))
        for name in CHANNELS
        if any(name in drawn.f1 for drawn in maps)
    }
    own, real = (_lane_shapes(drawn.hdmap for drawn in some) for some in (maps, truth))
    return MapScores(
        samples=len(maps),
        f1=_interval([float(np.mean(list(drawn.f1.values()))) for drawn in maps]),
        by_channel=by_channel,
        lawful=_interval([drawn.law.share for drawn in maps]),
        lawful_maps=float(np.mean([drawn.law.lawful for drawn in maps])),
        connected=float(np.mean([drawn.law.connected for drawn in maps])),
        width_m=_distance(own[0], real[0]),
        curvature_per_m=_distance(own[1], real[1]),
    )


def write_card(path: Path, place: str, *, scores: dict[str, MapScores], weights: Path, steps: int) -> None:
    """Write one place's figures into a card; those of other places stay if they are of the same weights."""
    digest = file_sha256(weights)
    told = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    card = told if told.get("weights_sha256") == digest else {}
    figures: dict[str, float] = {"samples": scores["diffusion"].samples, "sampling_steps": steps}
    for name, score in scores.items():
        ending = "" if name == "diffusion" else f"_{name}"
        figures |= {f"f1{ending}": round(score.f1[0], 4), f"lawful{ending}": round(score.lawful[0], 4)}
    card |= {"weights_sha256": digest, "protocol": "python -m eval maps, see eval/maps.py", place: figures}
    path.write_text(json.dumps(card, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def table(scores: dict[str, MapScores]) -> str:
    """Return the figures as lines of text."""
    head = f"{'':10} {'f1':>20} " + " ".join(f"{name:>8}" for name in CHANNELS)
    lines = [f"{head} {'lawful':>20} {'maps':>6} {'connected':>9} {'width m':>8} {'curv 1/m':>8}"]
    for name, score in scores.items():
        channels = " ".join(f"{score.by_channel.get(channel, float('nan')):8.3f}" for channel in CHANNELS)
        f1, lawful = (f"{mean:.3f} [{low:.3f}, {high:.3f}]" for mean, low, high in (score.f1, score.lawful))
        shapes = f"{score.width_m:8.3f} {score.curvature_per_m:8.4f}"
        lines.append(
            f"{name:10} {f1:>20} {channels} {lawful:>20} {score.lawful_maps:6.2f} {score.connected:9.3f} {shapes}"
        )
    return "\n".join(lines)


@dataclass(frozen=True)
class _Nearest:
    """The training samples by what their traffic looks like."""

    pairs: Pairs
    coarse: int
    features: Float[np.ndarray, "samples features"]

    @classmethod
    def of(cls, pairs: Pairs, *, coarse: int) -> _Nearest:
        return cls(pairs, coarse, np.stack([_feature(read_pair(path).traffic.numpy()) for path in pairs.paths]))

    def map_for(self, traffic: TrafficRaster) -> MapRaster:
        """Return the true map of the sample with the nearest traffic."""
        distance = np.linalg.norm(self.features - _feature(traffic), axis=1)
        truth = read_pair(self.pairs.paths[int(np.argmin(distance))]).truth
        raster: MapRaster = finer(truth[None], self.coarse)[0].numpy()
        return raster


def _feature(traffic: TrafficRaster) -> Float[np.ndarray, "features"]:
    cells = [cv2.resize(layer, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA) for layer in traffic]
    return np.stack(cells).ravel()


def _straight(pixels: int) -> MapRaster:
    """Return a straight street, seen from the middle of its right lane."""
    rng = np.random.default_rng(0)
    wish = PlanRoad(lanes=2)
    street = furnished(reference_road(wish, place=Place.DOWNTOWN, length_m=260.0, rng=rng))
    line = Line(next(lane for lane in street.lanes if lane.id == "m-f0").center_m)
    at, heading = line.at(line.length_m / 2)
    return draw_map(street, square_canvas(at[0], float(heading[0]), pixels=pixels))


def _drawn(model: MapModel, traffic: TrafficRaster, *, seed: int) -> MapRaster:
    raster: MapRaster = model.draw(torch.from_numpy(traffic)[None], seeds=[seed])[0].numpy()
    return raster


def _difference(model: MapModel, samples: Iterable[Any]) -> float:
    found = []
    for sample in samples:
        a, b = (_drawn(model, sample.traffic, seed=seed)[3] > 0.5 for seed in (0, 1))
        found.append(1 - (a & b).sum() / max((a | b).sum(), 1))
    return float(np.mean(found))


def _masks(raster: MapRaster) -> list[np.ndarray]:
    return [*(raster[index] > 0.5 for index in range(4)), np.hypot(raster[4], raster[5]) > 0.5]


def _lane_shapes(maps: Iterable[HDMap]) -> tuple[list[float], list[float]]:
    """Return widths and curvatures of lanes outside junctions, a value about every 2 m."""
    widths, bends = [], []
    for hdmap in maps:
        for lane in hdmap.lanes:
            if lane.junction or len(lane.left_m) != len(lane.center_m):
                continue
            widths += np.linalg.norm(lane.left_m - lane.right_m, axis=1)[::2].tolist()
            line = Line(lane.center_m)
            if line.length_m > 8.0:
                even = line.resampled(4.0)
                turn = np.diff(np.unwrap(np.arctan2(even.tangent[:, 1], even.tangent[:, 0])))
                bends += np.abs(turn / 4.0).tolist()
    return widths, bends


def _distance(own: list[float], real: list[float]) -> float:
    return float(wasserstein_distance(own, real)) if own and real else float("nan")


def _interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Return mean, and the bounds of a 95 % bootstrap interval of it."""
    all_ = np.array(values)
    chosen = np.random.default_rng(0).integers(len(all_), size=(_DRAWS, len(all_)))
    low, high = np.quantile(all_[chosen].mean(axis=1), [0.025, 0.975])
    return float(all_.mean()), float(low), float(high)
