"""Specs and conditions small enough for a test to train on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from datagen.models.unimvm.conditioning import Conditions, Given
from datagen.models.unimvm.drives import Drive, write_drive
from datagen.models.unimvm.places import Sights
from datagen.models.unimvm.spec import Condition, Spec, UNetSpec
from datagen.models.unimvm.words import text_bytes

SMALLEST = Spec(
    name="smallest",
    views=3,
    view_px=(32, 16),
    frames=4,
    latent_channels=4,
    conditions=tuple(Condition),
    unet=UNetSpec(channels=(32, 64), attention=(False, True), heads=(1, 2), layers=1, context=32, time_ids=32),
)


def conditions_of(spec: Spec, clips: int, *, frames: int | None = None, seed: int = 0) -> Conditions:
    """Return random conditions in the shapes of a spec."""
    T, V, C, (H, W), (width, height) = frames or spec.frames, spec.views, spec.latent_channels, spec.cells, spec.view_px
    generator = torch.Generator().manual_seed(seed)

    def canvas(channels):
        return (torch.rand(clips, T, V, channels, height, width, generator=generator) < 0.1).to(torch.uint8) * 204

    return Conditions(
        map=canvas(3),
        boxes=canvas(spec.box_channels),
        proxy=torch.randn(clips, T, V, C, H, W, generator=generator),
        rays=torch.randn(clips, V, 6, H, W, generator=generator),
        appearance=torch.rand(clips, T, V, 3, H, W, generator=generator),
        words=torch.randint(1, 4, (clips, 3), generator=generator),
        text=torch.stack([text_bytes(f"clip {i}") for i in range(clips)]),
        rate_hz=torch.full((clips,), spec.rate_hz),
        layout_told=torch.ones(clips, dtype=torch.bool),
        words_told=torch.ones(clips, dtype=torch.bool),
    )


def latents_of(spec: Spec, clips: int, *, frames: int | None = None, seed: int = 1) -> torch.Tensor:
    """Return random latents in the shapes of a spec."""
    shape = (clips, frames or spec.frames, spec.views, spec.latent_channels, *spec.cells)
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def spec() -> Spec:
    """A spec with every condition."""
    return SMALLEST


@pytest.fixture
def conditions_for():
    """Random conditions by spec and number of clips."""
    return conditions_of


@pytest.fixture
def latents_for():
    """Random latents by spec and number of clips."""
    return latents_of


@pytest.fixture
def nothing_for():
    """Nothing given, by spec and number of clips."""
    return lambda spec, clips, **keys: Given.nothing(latents_of(spec, clips, **keys))


def sights_of(spec: Spec, *, frames: int | None = None, away_from: int | None = None) -> Sights:
    """Return cameras that see nothing but sky and do not move, so that pictures carry over as they are.

    away_from: the frame from which on they look the other way.
    """
    T, V, (width, height) = frames or spec.frames, spec.views, spec.view_px
    poses = torch.eye(4, dtype=torch.float64).repeat(T, V, 1, 1)
    if away_from is not None:
        poses[away_from:] *= torch.tensor([-1.0, 1.0, -1.0, 1.0]).double()[:, None]
    intrinsics = torch.tensor([[width, 0.0, width / 2], [0.0, width, height / 2], [0.0, 0.0, 1.0]])
    return Sights(
        owner=torch.full((T, V, height, width), -2, dtype=torch.int16),
        distance_m=torch.full((T, V, height, width), torch.inf),
        cam_SE3_world=poses,
        world_SE3_owner=torch.zeros(T, V, 0, 4, 4, dtype=torch.float64),
        intrinsics_px=intrinsics.repeat(V, 1, 1),
    )


def drive_of(spec: Spec, *, frames: int = 6, seed: int = 0, sights: bool = False) -> Drive:
    """Return a drive whose pictures follow from its conditions: bright where boxes are, tinted by the weather."""
    told = conditions_of(spec, 1, frames=frames, seed=seed)
    boxes = torch.zeros_like(told.boxes)
    boxes[:, :, :, 0, :, : spec.view_px[0] // 2] = 204 * (seed % 2)
    filled = boxes[0, :, :, :1, :: spec.stride, :: spec.stride].float() / 204
    tint = told.words[0, 0].float() - 2
    latents = 2 * filled - 1 + 0.5 * tint + 0.05 * latents_of(spec, 1, frames=frames, seed=seed)[0]
    return Drive(
        latents=latents,
        proxy=told.proxy[0],
        map=told.map[0],
        boxes=boxes[0],
        appearance=told.appearance[0],
        rays=told.rays[0],
        words=told.words[0],
        text=told.text[0],
        rate_hz=spec.rate_hz,
        sights=sights_of(spec, frames=frames) if sights else None,
    )


@pytest.fixture
def sights_for():
    """Cameras that see only sky, by spec."""
    return sights_of


@pytest.fixture
def drive() -> Drive:
    """Six frames in the smallest spec."""
    return drive_of(SMALLEST)


@pytest.fixture
def drives_folder(tmp_path) -> Path:
    """Eight drives prepared for training."""
    for seed in range(8):
        write_drive(tmp_path / "drives" / f"{seed}.safetensors", drive_of(SMALLEST, seed=seed), about={})
    return tmp_path / "drives"


@pytest.fixture
def carrying_drives_folder(tmp_path) -> Path:
    """Two drives prepared to be trained on with pictures carried."""
    for seed in range(2):
        write_drive(tmp_path / "carrying" / f"{seed}.safetensors", drive_of(SMALLEST, seed=seed, sights=True), about={})
    return tmp_path / "carrying"
