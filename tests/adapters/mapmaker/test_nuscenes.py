"""Plans on real maps: they happen where there is room for them, and the map stays as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from adapters.mapmaker.nuscenes import NuScenesMapMaker, Settings, build
from datagen.errors import LogError
from datagen.ports import Take
from datagen.scene import Category, Prompt
from datagen.scene.plan import Manoeuvre, Plan, PlanActor, PlanRoad
from datagen.stages import MapStage, SimulateStage

BRAKES = Plan(actors=(PlanActor(category=Category.CAR, manoeuvres=(Manoeuvre(do="brake"),)),))


@pytest.fixture(scope="module")
def boston(nuscenes_mini: Path) -> NuScenesMapMaker:
    """The real map of Boston, around the log's drives."""
    return build(Settings(root=nuscenes_mini, location="boston-seaport"))


def test_a_plan_happens_on_a_real_map_which_stays_as_it_is(boston: NuScenesMapMaker) -> None:
    prompt = Prompt(id="p", index=0, text="", seed=1, duration_s=5.0)
    stage = SimulateStage(boston, density=0.3, redraws=3)
    (driven,) = stage.run([Take(id="t", prompt=prompt, workdir=Path(), plan=BRAKES)])
    assert isinstance(driven, Take) and driven.scene is not None, driven
    mapped = MapStage(boston)
    mapped.open()
    (done,) = mapped.run([driven])
    assert isinstance(done, Take) and done.scene is not None
    assert done.scene.hdmap is driven.scene.hdmap
    assert done.scene.hdmap.location == "boston-seaport"
    assert done.notes["map_weights"] == boston.fingerprint()


def test_a_road_is_the_same_for_the_same_seed_and_elsewhere_for_another(boston: NuScenesMapMaker) -> None:
    first, again, other = (
        next(boston.roads(BRAKES, duration_s=5.0, rng=np.random.default_rng(seed))).drivable for seed in (1, 1, 2)
    )
    assert [area.id for area in first] == [area.id for area in again]
    assert [area.id for area in first] != [area.id for area in other]


def test_every_road_has_what_the_plan_needs(boston: NuScenesMapMaker) -> None:
    turns = Plan(ego=(Manoeuvre(do="turn", side="left"),), road=PlanRoad(junction=True))
    road = next(boston.roads(turns, duration_s=5.0, rng=np.random.default_rng(0)))
    assert any(lane.junction for lane in road.lanes)


def test_a_map_that_is_not_there_is_said(nuscenes_mini: Path, tmp_path: Path) -> None:
    with pytest.raises(LogError, match="Did you mean 'boston-seaport'"):
        build(Settings(root=nuscenes_mini, location="boston-seaprot")).fingerprint()
    with pytest.raises(LogError, match="unpack nuScenes' map expansion there"):
        build(Settings(root=tmp_path, location="boston-seaport")).fingerprint()
