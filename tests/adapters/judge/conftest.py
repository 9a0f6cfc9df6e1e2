"""A street filmed for a second, as small as the judges take it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from adapters.video.raycast import Raycast
from adapters.video.raycast import Settings as RaycastSettings
from datagen.ports import Take
from datagen.stages import Camerawork, FilmStage, LabelStage


@pytest.fixture
def take(street, prompt, tmp_path) -> Take:
    """One second of the street, not yet filmed."""
    return Take(id="c1", prompt=replace(prompt, duration_s=1.0), workdir=tmp_path, scene=street)


@pytest.fixture
def film(nuscenes_rig) -> FilmStage:
    """The ray-caster with tiny pictures."""
    model = Raycast(RaycastSettings(width_px=64, height_px=32))
    return FilmStage(model, camerawork=Camerawork(rig=nuscenes_rig, rate_hz=2.0, jpeg_quality=90, full_size=False))


@pytest.fixture
def taken(take: Take, film: FilmStage) -> Take:
    """The take, filmed and labelled."""
    (labelled,) = LabelStage().run(film.run([take]))
    return labelled
