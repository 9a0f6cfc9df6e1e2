"""What a training with synthetic data needs beside mmengine's own hooks; for any config, by `custom_hooks`.

| hook                  | does                                                                              |
|-----------------------|-----------------------------------------------------------------------------------|
| `SyntheticGainHook`   | evaluates on the real validation split as it goes; the curve against a rival's    |
| `SyntheticMixHook`    | the ratio of synthetic to real samples over training, down to real ones only      |
| `LabelTrustHook`      | boxes that the judge distrusts are dropped, or trained on less often              |
| `PlainCheckpointHook` | checkpoints that can be resumed from without unpickling objects                   |
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool
from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import IterBasedTrainLoop, Runner

from adapters.detector.mmdet3d.dataset import NuScenesRoots
from adapters.detector.mmdet3d.sampler import MixtureSampler, ratio_at
from adapters.exporter.nuscenes.judgements import read_trust
from datagen.errors import InputError


@HOOKS.register_module()
class SyntheticGainHook(Hook):
    """Evaluates every so many iterations, and at the end, and writes the curve, line by line.

    A line of `curve` is JSON: arm, seed, iteration, and the numbers of the evaluator. Where `rival` (the curve of
    another arm of the same seed) has the same iteration, the difference is logged as `gain/<number>`.
    """

    priority = "LOW"

    def __init__(self, *, every: int, curve: str, arm: str, rival: str | None = None) -> None:
        self._every = every
        self._curve = Path(curve)
        self._arm = arm
        self._rival = Path(rival) if rival else None

    def before_train(self, runner: Runner) -> None:
        """Set the loop's schedule, and forget what a broken-off training wrote beyond its last checkpoint."""
        if not isinstance(runner.train_loop, IterBasedTrainLoop):
            raise InputError("SyntheticGainHook needs a training that counts iterations (IterBasedTrainLoop)")
        loop = runner.train_loop
        loop.val_interval, loop.dynamic_milestones, loop.dynamic_intervals = self._every, [0], [self._every]
        self._curve.parent.mkdir(parents=True, exist_ok=True)
        kept = [line for line in read_curve(self._curve) if line["iteration"] <= runner.iter]
        self._curve.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Note what the evaluation found; the loop also evaluates at its end."""
        known = {line["iteration"] for line in read_curve(self._curve)}
        if metrics is not None and runner.iter not in known:
            self._write(runner, iteration=runner.iter, scores=metrics)

    def _write(self, runner: Runner, *, iteration: int, scores: Mapping[str, float]) -> None:
        numbers = {key: float(value) for key, value in scores.items()}
        line = {"arm": self._arm, "seed": runner.seed, "iteration": iteration, **numbers}
        with self._curve.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        for other in read_curve(self._rival) if self._rival else ():
            if other["iteration"] == iteration and other["seed"] == runner.seed:
                gains = {key: value - other[key] for key, value in numbers.items() if key in other}
                runner.visualizer.add_scalars({f"gain/{key}": gain for key, gain in gains.items()}, step=iteration)
                told = ", ".join(f"{key.split('/')[-1]} {gain:+.4f}" for key, gain in gains.items())
                runner.logger.info(f"{self._arm} against {other['arm']} at {iteration}: {told}")


def read_curve(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a curve; none where there is no file."""
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@HOOKS.register_module()
class SyntheticMixHook(Hook):
    """Lets the ratio of synthetic to real samples change over training.

    schedule: (progress from 0 to 1, synthetic samples for each real one), straight lines between; the last fifth
    on real data only is `[(0, 1), (0.8, 1), (0.8, 0)]`. Needs `NuScenesRoots` with `MixtureSampler`.
    Logs `synthetic_share`, which is counted, not computed, of the entries that have `synthetic` among their
    `meta_keys`. Raises InputError for a schedule that cannot be followed.
    """

    def __init__(self, *, schedule: Sequence[tuple[float, float]]) -> None:
        points = [(float(progress), float(ratio)) for progress, ratio in schedule]
        rising = all(first[0] <= second[0] for first, second in pairwise(points))
        if not points or not rising or any(ratio < 0 or not 0 <= progress <= 1 for progress, ratio in points):
            raise InputError(
                f"schedule {schedule}: must be (progress, ratio) with progress rising from 0 to 1, ratio ≥ 0"
            )
        self.schedule = points

    def before_train(self, runner: Runner) -> None:
        """Hand the schedule to the sampler."""
        loader = runner.train_dataloader
        if not isinstance(loader.sampler, MixtureSampler):
            raise InputError("SyntheticMixHook needs `sampler=dict(type='MixtureSampler')` in train_dataloader")
        loader.sampler.follow(self.schedule, draws=runner.max_iters * loader.batch_size * get_world_size())
        _load_anew(runner)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict[str, Any] | None = None
    ) -> None:
        """Count."""
        kinds = Counter(
            bool(sample.metainfo["synthetic"])
            for sample in (data_batch or {}).get("data_samples", ())
            if "synthetic" in sample.metainfo
        )
        if kinds:
            runner.message_hub.update_scalar("train/synthetic_share", kinds[True] / kinds.total())
            progress = runner.iter / runner.max_iters
            runner.message_hub.update_scalar("train/synthetic_ratio_asked", ratio_at(self.schedule, progress))


@HOOKS.register_module()
class LabelTrustHook(Hook):
    """Trains less, or not, on boxes that the judge distrusts, of which each dataset's `trust.json` tells.

    `<root>/<version>/trust.json` of each source has annotation token → trust from 0 to 1; what is not in it is trusted.
    A box the picture does not show is background there: what is left out is not ignored, but taught as such.

    how: `drop` leaves out boxes with less trust than `threshold`. `weigh` leaves each box out as often as it is
        distrusted: one of trust 0.3 is trained on in 3 of 10 draws, which is weight 0.3 in expectation.
    """

    def __init__(self, *, how: Literal["drop", "weigh"] = "drop", threshold: float = 0.5) -> None:
        if how not in ("drop", "weigh") or not 0 <= threshold <= 1:
            raise InputError(f"LabelTrustHook: how is '{how}' (drop or weigh), threshold {threshold} (0 to 1)")
        self._how = how
        self._threshold = threshold
        self._drawn: Counter[int] = Counter()

    def before_train(self, runner: Runner) -> None:
        """Give the dataset the filter."""
        dataset = runner.train_dataloader.dataset
        if not isinstance(dataset, NuScenesRoots):
            raise InputError("LabelTrustHook needs the dataset NuScenesRoots")
        self._seed = runner.seed
        self._trust = {
            token: trust
            for source in dataset.sources
            for token, trust in read_trust(source.root / source.version).items()
        }
        dataset.keep_boxes = self.keep
        _load_anew(runner)
        runner.logger.info(f"label trust: {sum(t < 1 for t in self._trust.values())} boxes are not wholly trusted")

    def keep(self, entry: int, tokens: Sequence[str]) -> Bool[np.ndarray, "n"]:
        """Return which boxes of an entry are trained on this time."""
        trust = np.array([self._trust.get(token, 1.0) for token in tokens])
        if self._how == "drop":
            return trust >= self._threshold
        self._drawn[entry] += 1
        return np.random.default_rng([self._seed, entry, self._drawn[entry]]).random(len(trust)) < trust


def _load_anew(runner: Runner) -> None:
    """Begin loading again: worker processes copied the dataset and drew ahead when the loop was built."""
    loader = runner.train_dataloader
    if loader.num_workers:
        loader._iterator = None
        runner.train_loop.dataloader_iterator = type(runner.train_loop.dataloader_iterator)(loader)


@HOOKS.register_module()
class PlainCheckpointHook(Hook):
    """Keeps checkpoints to tensors, numbers and text, so that resuming neither unpickles objects nor runs a config.

    mmengine's own hold its message hub, which torch's safe loading refuses, and the config, which `resume` executes.
    """

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Take out what is neither."""
        checkpoint["message_hub"] = {"log_scalars": {}, "runtime_info": {}, "resumed_keys": {}}
        for key in ("cfg", "config", "dataset_meta"):
            checkpoint["meta"].pop(key, None)
