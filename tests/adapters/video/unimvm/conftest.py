"""A film model with random weights, small enough to film a street in a test."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from adapters.video.unimvm.conditions import canvases, rearranged
from datagen import plugins
from datagen.models.autoencoder.patch import PatchAutoencoder, PatchSpec
from datagen.models.autoencoder.weights import save_autoencoder
from datagen.models.unimvm.network import UniMVM
from datagen.models.unimvm.spec import Condition, Spec, UNetSpec
from datagen.models.unimvm.weights import save_unimvm
from datagen.scene import Recording, Rig, Shot, regular_timeline

SPEC = Spec(
    name="test",
    view_px=(64, 32),
    frames=4,
    latent_channels=4,
    conditions=tuple(Condition),
    unet=UNetSpec(channels=(32, 64), attention=(False, True), heads=(1, 2), layers=1, context=32, time_ids=32),
)


def write_weights(folder, *, seed=0):
    """Write a network and an autoencoder with random weights; return their folder."""
    torch.manual_seed(seed)
    autoencoder = PatchAutoencoder(PatchSpec(latent_channels=4, width=32, blocks=1))
    autoencoder.fit(torch.rand(8, 3, 32, 64) * 2 - 1)
    save_autoencoder(folder / "autoencoder.safetensors", autoencoder.spec, tensors=autoencoder.state_dict(), about={})
    save_unimvm(folder / "unimvm.safetensors", SPEC, tensors=UniMVM(SPEC).state_dict(), about={})
    return folder


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """A folder with random weights."""
    return write_weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture
def film_of(weights):
    """An open film model by settings; two steps in full precision unless they say otherwise."""

    def build(**settings):
        film = plugins.build(
            "video", {"use": "unimvm", "weights": weights, "steps": 2, "precision": "fp32", **settings}
        )
        film.open()
        return film

    return build


@pytest.fixture
def shot_of(street, nuscenes_rig):
    """A shot of the street by number of frames and rig."""

    def make(*, frames=2, rig: Rig = nuscenes_rig, seed=3, rate_hz=4.0, **changes):
        timeline = regular_timeline(street.ego.start_us, frames / rate_hz, rate_hz=rate_hz, views=len(rig.cameras))
        scene = replace(street, **changes)
        return Shot(clip_id="c", scene=scene, rig=rig.resized(*SPEC.view_px), timeline=timeline, seed=seed)

    return make


@pytest.fixture
def pair(nuscenes_rig):
    """The cameras to the front and the left of it."""
    return replace(nuscenes_rig, cameras=nuscenes_rig.cameras[:2])


@pytest.fixture
def one_frame(shot_of, pair):
    """Two pictures, quickly filmed."""
    return shot_of(frames=1, rig=pair)


@pytest.fixture
def recorded(shot_of, nuscenes_rig, tmp_path):
    """A shot of a scene that was read from a log, with a picture for every camera and frame."""
    shot = shot_of(frames=2)
    pictures = {}
    rng = np.random.default_rng(0)
    for frame, timestamp_us in enumerate(shot.timeline.timestamp_us.tolist()):
        for channel in nuscenes_rig.channels:
            path = tmp_path / f"{channel}-{frame}.png"
            Image.fromarray(rng.integers(0, 256, (128, 224, 3), dtype=np.uint8)).save(path)
            pictures[channel, timestamp_us] = path
    recording = Recording(rig=nuscenes_rig, timeline=shot.timeline, pictures=pictures)
    return replace(shot, scene=replace(shot.scene, recording=recording))


@pytest.fixture(scope="session")
def _drawn():
    return {}


@pytest.fixture
def clip(shot_of, _drawn):
    """Four frames of the street, a second in all: what is labelled, drawn, and what its pixels show."""
    if not _drawn:
        shot = rearranged(shot_of(frames=4))
        rig = replace(shot.rig, cameras=tuple(camera.resized(224, 128) for camera in shot.rig.cameras))
        drawn = canvases(replace(shot, rig=rig), stride=8, sights=True)
        assert drawn.sights is not None
        _drawn.update(pictures=torch.from_numpy(drawn.proxy), sights=drawn.sights)
    return _drawn["pictures"], _drawn["sights"]
