"""Small map models and samples to teach them with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel

from datagen.models.hdmap.pairs import write_pair
from datagen.models.hdmap.spec import Spec

SMALL = Spec(name="small", pixels=32, patch=4, channels=(32, 32))


@pytest.fixture()
def small() -> Spec:
    """A spec whose network is quick."""
    return SMALL


@pytest.fixture()
def pairs(tmp_path: Path) -> Path:
    """A folder of samples where the road lies where the traffic is."""
    return street_pairs(tmp_path / "pairs", place="here")


@pytest.fixture()
def unseen(tmp_path: Path) -> Path:
    """The same, of another place."""
    return street_pairs(tmp_path / "unseen", place="there")


def street_pairs(folder: Path, *, place: str, count: int = 4) -> Path:
    """Write samples of streets that run across the canvas."""
    folder.mkdir()
    for number in range(count):
        traffic, truth = np.zeros((7, 32, 32), dtype=np.float32), np.zeros((6, 32, 32), dtype=np.float32)
        row = 8 + 4 * number
        traffic[0, row, 4:20] = 1.0
        traffic[4, row, 4:20] = 1.0
        truth[3, row - 3 : row + 4] = 1.0
        truth[4, row] = 1.0
        truth[0, [row - 3, row + 3]] = 1.0
        write_pair(folder / f"{place}-{number:06d}.png", traffic=traffic, truth=truth)
    return folder


@pytest.fixture()
def stable_diffusion(tmp_path: Path) -> Path:
    """A folder as diffusers writes Stable Diffusion, with small random networks."""
    torch.manual_seed(0)
    folder = tmp_path / "sd"
    UNet2DConditionModel(
        block_out_channels=(32, 32),
        layers_per_block=1,
        sample_size=8,
        in_channels=4,
        out_channels=4,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=16,
        attention_head_dim=8,
    ).save_pretrained(folder / "unet")
    AutoencoderKL(
        block_out_channels=(32, 32, 32, 32),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        norm_num_groups=8,
    ).save_pretrained(folder / "vae")
    DDPMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", prediction_type="v_prediction"
    ).save_pretrained(folder / "scheduler")
    return folder
