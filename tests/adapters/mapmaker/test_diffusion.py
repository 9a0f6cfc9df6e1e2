"""The diffusion map maker: keeps lawful maps only, draws a bounded number, says why it let go."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from adapters.mapmaker.diffusion import EMBEDDED, DiffusionMapMaker, Settings, build
from datagen import plugins
from datagen.errors import InputError
from datagen.models.hdmap.network import MapDenoiser
from datagen.models.hdmap.pipeline import Sampling
from datagen.models.hdmap.spec import Spec
from datagen.models.hdmap.weights import save_hdmap
from datagen.ports import Dropped
from datagen.roads.canvas import SIDE_M, canvas_around
from datagen.roads.lawful import lawfulness
from datagen.roads.raster import tracks_of
from datagen.scene import HDMap, Place, Scene
from datagen.scene.plan import Plan, PlanAmbience
from datagen.stages import laid_road

torch.set_num_threads(1)


@pytest.fixture()
def weights(tmp_path: Path) -> Path:
    """An untrained network: what it draws is noise."""
    torch.manual_seed(0)
    network = MapDenoiser(Spec(name="small", pixels=64, patch=4, channels=(32, 32)))
    save_hdmap(tmp_path / "w.safetensors", network, tensors=network.state_dict(), about={})
    return tmp_path / "w.safetensors"


def opened(weights: Path, **more: object) -> DiffusionMapMaker:
    maker = build(Settings(weights=weights, attempts=2, sampling=Sampling(steps=2), most_m=SIDE_M, **more))
    maker.open()
    return maker


def test_what_is_not_lawful_is_dropped_with_the_reason(street: Scene, weights: Path) -> None:
    drawn = opened(weights).draw(street, plan=Plan(), rng=np.random.default_rng(0))
    assert isinstance(drawn, Dropped)
    assert drawn.reason.startswith("none of 2 maps is lawful; of the last: ")


def test_the_straight_map_may_stand_in(street: Scene, weights: Path) -> None:
    drawn = opened(weights, otherwise="straight").draw(street, plan=Plan(), rng=np.random.default_rng(0))
    assert isinstance(drawn, HDMap)
    assert drawn.lanes == street.hdmap.lanes


@pytest.mark.skipif(not EMBEDDED.is_file(), reason="no weights are embedded")
def test_the_first_lawful_map_is_taken(street: Scene) -> None:
    maker = build(Settings(attempts=16))
    maker.open()
    drawn = maker.draw(street, plan=Plan(), rng=np.random.default_rng(0))
    assert isinstance(drawn, HDMap), drawn
    canvas = canvas_around(street, m_per_px=SIDE_M / 256, multiple_px=32, most_m=307.2)
    assert lawfulness(drawn, tracks_of(street), canvas).lawful
    assert drawn.location.startswith("drawn-")
    assert drawn.canvas_m == street.hdmap.canvas_m
    assert drawn.lanes and drawn.dividers and drawn.boundaries and drawn.walkways and drawn.drivable
    again = maker.draw(street, plan=Plan(), rng=np.random.default_rng(0))
    assert isinstance(again, HDMap)
    assert again.location == drawn.location
    highway = Plan(ambience=PlanAmbience(place=Place.HIGHWAY))
    assert not maker.draw(street, plan=highway, rng=np.random.default_rng(0)).walkways  # type: ignore[union-attr]


def test_the_canvas_holds_everybody_within_its_limit(street: Scene) -> None:
    canvas = canvas_around(street, m_per_px=0.4, multiple_px=16, most_m=307.2)
    for actor in street.actors:
        pixels = canvas.to_pixels(actor.trajectory.translation_m[:, :2])
        assert (pixels > 0).all() and (pixels < np.array(canvas.size_px)).all()
    assert all(side % 16 == 0 and 256 <= side <= 768 for side in canvas.size_px)
    far = replace(street.actors[0], trajectory=replace(street.actors[0].trajectory))
    assert canvas_around(replace(street, actors=(far,)), m_per_px=0.4, multiple_px=16, most_m=102.4).size_px <= (
        272,
        272,
    )


@pytest.mark.skipif(EMBEDDED.is_file(), reason="there are embedded weights")
def test_without_weights_it_says_how_to_get_some() -> None:
    with pytest.raises(InputError, match="no weights are embedded; train a map model with `datagen train hdmap"):
        build(Settings()).open()


def test_other_weights_are_other_clips(weights: Path) -> None:
    maker = build(Settings(weights=weights))
    assert maker.fingerprint() == hashlib.sha256(weights.read_bytes()).hexdigest()
    source = plugins.build("scene", {"use": "prompt", "map": {"use": "diffusion", "weights": weights}})
    assert source.fingerprint() == maker.fingerprint()
    with pytest.raises(InputError, match=r"none\.safetensors: no such file; train a map model"):
        build(Settings(weights=weights.with_name("none.safetensors"))).fingerprint()


def test_traffic_drives_on_the_street_that_the_plan_calls_for(weights: Path) -> None:
    (road,) = build(Settings(weights=weights)).roads(Plan(), duration_s=4.0, rng=np.random.default_rng(0))
    reference = laid_road(Plan(), duration_s=4.0, rng=np.random.default_rng(0))
    assert road.location == reference.location
