"""The trainings that ship: FCOS3D and PGD on cameras, CenterPoint on LiDAR, each as published and small.

| word              | is                                                                    | needs                    |
|-------------------|-----------------------------------------------------------------------|--------------------------|
| fcos3d, pgd       | ResNet-101, 1600 x 900, as mmdet3d ships them                         | GPUs, mmcv's operations  |
| centerpoint       | pillars of 0.2 m, ten sweeps, as mmdet3d ships it                     | GPUs                     |
| fcos3d_small, pgd_small, centerpoint_small | a few million weights, minutes on two cores  | nothing                  |

A word is a function here and no file, as mmengine's files cannot hand a picture's size down to what they inherit.
`python -m adapters.detector.mmdet3d.configs fcos3d_small > my.py` writes one as an ordinary config to start from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config

from adapters.detector.mmdet3d.configs import official, small
from adapters.detector.mmdet3d.configs.data import Splits
from datagen.errors import InputError, did_you_mean

MODELS: dict[str, Callable[[Splits, int], dict[str, Any]]] = {
    "fcos3d": official.fcos3d,
    "pgd": official.pgd,
    "centerpoint": official.centerpoint,
    "fcos3d_small": small.fcos3d,
    "pgd_small": small.pgd,
    "centerpoint_small": small.centerpoint,
}
"""Word → function of the splits and the number of iterations."""

NUSCENES = Splits(
    training=({"root": "data/nuscenes", "version": "v1.0-trainval", "split": "train"},),
    validation={"root": "data/nuscenes", "version": "v1.0-trainval", "split": "val"},
)


def config_of(
    model: str,
    splits: Splits = NUSCENES,
    *,
    iterations: int,
    batch_size: int | None = None,
    options: Sequence[str] = (),
) -> Config:
    """Return the training config a word, or a file of the user's own, names.

    splits: what to train on and to evaluate on; they replace those of a file.
    batch_size: None for the config's own.  options: `key.path=value` on top, as mmengine's `--cfg-options`.
    Raises InputError for a word that is not there.
    """
    if model in MODELS:
        config = Config(MODELS[model](splits, iterations))
    elif Path(model).suffix == ".py" and Path(model).is_file():
        config = Config.fromfile(model)
        _aim(config, splits)
    else:
        raise InputError(
            f"no detector model '{model}'; there are: {', '.join(MODELS)}, or the path of a config."
            f"{did_you_mean(model, MODELS)}"
        )
    if batch_size:
        config.train_dataloader.batch_size = batch_size
    config.train_cfg = {"type": "IterBasedTrainLoop", "max_iters": iterations, "val_interval": iterations + 1}
    config.val_cfg, config.test_cfg = {"type": "ValLoop"}, {"type": "TestLoop"}
    config.merge_from_dict(dict(_option(option) for option in options))
    return config


def _aim(config: Config, splits: Splits) -> None:
    """Replace the sources of a file's datasets and the targets of its evaluators."""
    try:
        config.train_dataloader.dataset.sources = list(splits.training)
        for loader in (config.val_dataloader, config.test_dataloader):
            loader.dataset.sources = [splits.validation]
    except AttributeError as error:
        raise InputError(
            f"{config.filename}: needs train_dataloader, val_dataloader and test_dataloader with a dataset of type "
            f"NuScenesRoots ({error})"
        ) from error
    config.val_evaluator = config.test_evaluator = splits.evaluators()


def _option(text: str) -> tuple[str, Any]:
    """Read one `key.path=value`, the value in YAML."""
    from ruamel.yaml import YAML

    key, equals, value = text.partition("=")
    if not key or not equals:
        raise InputError(f"options: '{text}' is not key.path=value")
    return key, YAML(typ="safe").load(value)
