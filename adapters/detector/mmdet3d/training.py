"""A lesson to weights, and weights to boxes: mmengine's runner with our sources, hooks and judges.

```
<folder>/
  weights.safetensors   when the lesson is over
  curve.jsonl           what the real validation split said on the way
  cost.json             seconds, by the device they were spent on
  mmengine/             logs and the last checkpoint, from which a broken-off lesson goes on
```
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from mmdet3d.registry import MODELS
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.runner import Runner
from safetensors.torch import load_file, save_file

from adapters.detector.mmdet3d.components import register
from adapters.detector.mmdet3d.configs import config_of
from adapters.detector.mmdet3d.configs.data import Splits
from adapters.detector.mmdet3d.hooks import read_curve
from adapters.detector.mmdet3d.submission import boxes_of, united
from datagen.errors import InputError
from datagen.ports import Learned, Lesson, Portion

WEIGHTS, CURVE, COST, WORK = "weights.safetensors", "curve.jsonl", "cost.json", "mmengine"


def learn(lesson: Lesson, folder: Path, *, model: str, options: Sequence[str], weights: Path | None) -> Learned:
    """Train, or go on training what lies in `folder`. Raises InputError for a lesson that cannot be given."""
    register()
    config = config_of(
        model,
        Splits(training=[_source(portion) for portion in lesson.portions], validation=_source(lesson.validation)),
        iterations=lesson.iterations,
        batch_size=lesson.batch_size,
        options=options,
    )
    _equip(config, lesson, folder)
    begun = time.monotonic()
    runner = Runner.from_cfg(config)
    if weights is not None and not config.resume:
        _load(runner.model, weights)
        runner.model.is_init = True  # mmengine would draw them anew when the training begins
    runner.train()
    _charge(folder, time.monotonic() - begun)
    state = {key: value.contiguous().cpu() for key, value in runner.model.state_dict().items()}
    save_file(state, folder / WEIGHTS)
    return Learned(
        weights=folder / WEIGHTS,
        iterations=runner.iter,
        batch_size=int(config.train_dataloader.batch_size),
        curve=tuple(read_curve(folder / CURVE)),
        seconds=json.loads((folder / COST).read_text(encoding="utf-8")),
    )


def look(portion: Portion, weights: Path, *, model: str, options: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Return sample token → boxes in the devkit's submission format, of every sample the split has."""
    register()
    splits = Splits(training=[_source(portion)], validation=_source(portion))
    config = config_of(model, splits, iterations=1, options=options)
    network = MODELS.build(config.model).to(get_device()).eval()
    _load(network, weights)
    loader = Runner.build_dataloader(config.test_dataloader)
    classes = loader.dataset.metainfo["classes"]
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with torch.no_grad():
        for batch in loader:
            for sample in network.test_step(batch):
                found[sample.metainfo["sample_token"]] += boxes_of(sample.to_dict(), classes)
    return {token: united(boxes) for token, boxes in found.items()}


def _source(portion: Portion) -> dict[str, Any]:
    return {
        "root": str(portion.root),
        "version": portion.version,
        "split": portion.split,
        "weight": portion.weight,
        "synthetic": portion.synthetic,
        "skip_missing": portion.skip_missing,
    }


def _equip(config: Config, lesson: Lesson, folder: Path) -> None:
    """Set seed, rate, hooks and folders, and resume where there is something to resume."""
    work = folder / WORK
    every = lesson.evaluate_every or lesson.iterations
    config.work_dir = str(work)
    config.experiment_name = f"{lesson.name}_{lesson.seed}_{time.time_ns()}"
    config.randomness = {"seed": lesson.seed}
    config.optim_wrapper.optimizer.lr *= lesson.rate
    config.log_processor = {"type": "LogProcessor", "window_size": 50, "by_epoch": False}
    config.default_hooks = {
        "logger": {"type": "LoggerHook", "interval": 50},
        "checkpoint": {"type": "CheckpointHook", "by_epoch": False, "interval": every, "max_keep_ckpts": 1},
    }
    config.custom_hooks = [
        {"type": "PlainCheckpointHook"},
        {
            "type": "SyntheticGainHook",
            "every": every,
            "curve": str(folder / CURVE),
            "arm": lesson.name,
            "rival": str(lesson.rival) if lesson.rival else None,
        },
        *([{"type": "SyntheticMixHook", "schedule": list(lesson.mix)}] if lesson.mix else []),
        *(
            [{"type": "LabelTrustHook", "how": lesson.trust, "threshold": lesson.trust_threshold}]
            if lesson.trust
            else []
        ),
    ]
    config.resume = (work / "last_checkpoint").is_file()


def _load(network: torch.nn.Module, weights: Path) -> None:
    try:
        network.load_state_dict(load_file(weights, device=get_device()))
    except (OSError, RuntimeError) as error:
        raise InputError(f"{weights}: are not weights of this detector ({error})") from error


def _charge(folder: Path, seconds: float) -> None:
    """Add to what the lesson has cost, which may have been broken off and taken up again."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    path = folder / COST
    spent = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    path.write_text(json.dumps(spent | {device: spent.get(device, 0.0) + seconds}), encoding="utf-8")
