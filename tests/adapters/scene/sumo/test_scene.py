from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import shapely
from pydantic import ValidationError

from adapters.scene.sumo import Settings, build
from adapters.scene.sumo.motion import is_feasible
from adapters.scene.sumo.network import build_network
from adapters.scene.sumo.overlap import footprints, overlapping_pairs
from adapters.scene.sumo.traffic import simulate
from adapters.scene.sumo.worksites import Worksite
from datagen.errors import ClipError, DependencyError
from datagen.scene import Category, Group, Light, Place, Posture, Scene, Weather

DETECTION = {
    "car": {Category.CAR},
    "truck": {Category.TRUCK},
    "bus": {Category.BUS, Category.BENDY_BUS},
    "trailer": {Category.TRAILER},
    "construction_vehicle": {Category.CONSTRUCTION_VEHICLE},
    "pedestrian": {Category.ADULT, Category.CHILD, Category.CONSTRUCTION_WORKER, Category.POLICE_OFFICER},
    "motorcycle": {Category.MOTORCYCLE},
    "bicycle": {Category.BICYCLE},
    "barrier": {Category.BARRIER},
    "traffic_cone": {Category.TRAFFIC_CONE},
}


def drivers(scene: Scene):
    """Vehicles and cycles that SUMO drove."""
    return [a for a in scene.actors if a.category.group in {Group.VEHICLE, Group.CYCLE} and "placed" not in a.id]


def test_the_source_needs_no_words_and_has_no_end():
    source = build(Settings())
    assert source.needs_text is False
    assert source.count() is None
    assert [stage.name for stage in source.stages()] == ["scene"]
    pickle.loads(pickle.dumps(source.stages()[0]))


def test_all_ten_detection_classes_occur(scenes: list[Scene]):
    seen = {actor.category for scene in scenes for actor in scene.actors}
    assert [name for name, categories in DETECTION.items() if not categories & seen] == []


def test_times_begin_with_the_prompt_and_go_beyond_the_clip(scenes: list[Scene]):
    for index, scene in enumerate(scenes):
        start = 1_767_225_600_000_000 + index * 1_000_000_000
        assert scene.ego.start_us == start
        assert scene.ego.end_us > start + 4_000_000
        np.testing.assert_array_equal(np.diff(scene.ego.timestamp_us), 100_000)
        for actor in scene.actors:
            assert actor.trajectory.start_us >= start
            assert actor.trajectory.end_us <= scene.ego.end_us


def test_no_two_boxes_overlap(scenes: list[Scene]):
    for scene in scenes:
        times = scene.ego.timestamp_us[::4]
        pairs = overlapping_pairs(footprints(scene.actors, times))
        ids = [actor.id.split(".")[0] for actor in scene.actors]
        assert [(ids[a], ids[b]) for a, b in pairs if ids[a] != ids[b]] == []


def test_the_ego_drives_as_a_car_can_and_on_the_road(scenes: list[Scene]):
    for scene in scenes:
        yaw = np.unwrap(scene.ego.yaw_rad)
        assert is_feasible(scene.ego.translation_m[:, :2], yaw, max_curvature_per_m=0.25, max_acceleration_mps2=6.0)
        assert np.all(scene.ego.translation_m[:, 2] == 0.0)
        roadway = shapely.union_all(
            [shapely.Polygon(a.polygon.exterior_m, a.polygon.holes_m) for a in scene.hdmap.drivable]
        )
        assert shapely.contains_xy(roadway, scene.ego.translation_m[:, :2]).all()


def test_the_ego_goes_forward_along_its_heading(scenes: list[Scene]):
    for scene in scenes:
        step = np.diff(scene.ego.translation_m[:, :2], axis=0)
        heading = np.stack([np.cos(scene.ego.yaw_rad), np.sin(scene.ego.yaw_rad)], axis=-1)[1:]
        moving = np.linalg.norm(step, axis=1) > 0.05
        along = np.sum(step * heading, axis=1)[moving] / np.linalg.norm(step, axis=1)[moving]
        assert along.min() > 0.98


def test_everyone_moves_as_bodies_do(scenes: list[Scene]):
    for scene in scenes:
        for actor in drivers(scene):
            assert is_feasible(actor.trajectory.translation_m[:, :2], np.unwrap(actor.trajectory.yaw_rad)), actor.id
        for actor in scene.actors:
            step = np.linalg.norm(np.diff(actor.trajectory.translation_m, axis=0), axis=1)
            assert step.max() < 4.5, actor.id


def test_boxes_stand_on_the_ground(scenes: list[Scene]):
    for scene in scenes:
        for actor in scene.actors:
            np.testing.assert_allclose(actor.trajectory.translation_m[:, 2], actor.size_lwh_m[2] / 2)


def test_vehicles_keep_to_the_roadway(scenes: list[Scene]):
    inside, total = 0, 0
    for scene in scenes:
        roadway = shapely.union_all(
            [shapely.Polygon(a.polygon.exterior_m, a.polygon.holes_m) for a in scene.hdmap.drivable]
        )
        for actor in drivers(scene):
            on = shapely.contains_xy(roadway, actor.trajectory.translation_m[:, :2])
            inside, total = inside + int(on.sum()), total + len(on)
    assert inside > 0.999 * total


def test_standing_things_are_there_for_the_whole_clip(scenes: list[Scene]):
    for scene in scenes:
        for actor in scene.actors:
            if actor.id.startswith("placed-"):
                assert actor.trajectory.covers(scene.ego.timestamp_us).all()
    postures = {actor.posture for scene in scenes for actor in scene.actors}
    assert {Posture.ACTIVE, Posture.PARKED, Posture.RIDERLESS} <= postures


def test_actors_stay_near_the_ego(scenes: list[Scene]):
    for scene in scenes:
        ego = scene.ego.translation_m[:, :2]
        for actor in scene.actors:
            gaps = np.linalg.norm(actor.trajectory.translation_m[:, None, :2] - ego, axis=-1)
            assert gaps.min() < 91.0


def test_ids_are_unique_and_kinds_belong_to_their_category(scenes: list[Scene]):
    for scene in scenes:
        ids = [actor.id for actor in scene.actors]
        assert len(ids) == len(set(ids))
        assert all(actor.look.kind in actor.category.kinds for actor in scene.actors)


def test_scenes_of_one_location_share_their_map(scenes: list[Scene], tools):
    maps: dict[str, set[str]] = {}
    for scene in scenes:
        maps.setdefault(scene.hdmap.location, set()).add(tools.fingerprint(scene.hdmap))
    assert 2 <= len(maps) <= 3
    assert all(len(prints) == 1 for prints in maps.values())


def test_the_same_prompt_gives_the_same_scene_in_another_process(tools):
    script = Path(__file__).parent / "fingerprint.py"
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": str(Path(__file__).parents[4])}
    done = subprocess.run(
        [sys.executable, str(script), "3"], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[-1] == tools.fingerprint(tools.make(3)) == tools.fingerprint(tools.make(3))
    assert tools.fingerprint(tools.make(4)) != done.stdout.split()[-1]


def test_the_words_of_a_prompt_settle_weather_light_and_place(tools):
    scene = tools.make(1, text="Rainy night in an industrial area", settings=Settings(networks=30, extent_m=300.0))
    assert scene.ambience.weather is Weather.RAIN
    assert scene.ambience.light is Light.NIGHT
    assert scene.ambience.place is Place.INDUSTRIAL
    assert scene.description.startswith("Night, rain, ")


def test_density_nought_empties_the_street(tools):
    names = Settings().density.model_dump()
    empty = {**dict.fromkeys(names, 0.0), "car": 10.0}
    settings = Settings(networks=1, extent_m=300.0, density=empty, parked=0.0, worksite_share=0.0)
    assert {actor.category for actor in tools.make(0, settings=settings).actors} <= {Category.CAR}


def test_a_demand_that_sumo_refuses_fails_its_clip_and_no_other(tmp_path):
    network = build_network(2, place=Place.DOWNTOWN, extent_m=300.0)
    how = {"density": {"car": 5.0}, "warm_up_s": 5.0, "duration_s": 1.0, "workdir": tmp_path}
    nowhere = Worksite(
        id="site",
        edge="nowhere",
        line_m=np.array([[0.0, 0.0], [50.0, 0.0]]),
        width_m=3.0,
        span_m=(10.0, 40.0),
        blocked_lane="nowhere_1",
        blocked_m=(10.0, 40.0),
    )
    with pytest.raises(ClipError, match=r"SUMO refused.*nowhere"):
        simulate(network, worksites=[nowhere], rng=np.random.default_rng(0), **how)
    assert simulate(network, worksites=[], rng=np.random.default_rng(0), **how).tracks
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "mistake",
    [{"network": 3}, {"networks": 0}, {"weather": {"hail": 1.0}}, {"light": {"day": 0.0}}, {"density": {"cars": 3}}],
)
def test_mistakes_in_the_settings_are_refused(mistake):
    with pytest.raises(ValidationError):
        Settings(**mistake)


@pytest.mark.parametrize("package", ["libsumo", "sumolib", "sumo"])
def test_a_missing_sumo_says_how_to_install_it(monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    (stage,) = build(Settings()).stages()
    with pytest.raises(DependencyError, match=r'pip install "datagen\[sumo\]"'):
        stage.open()
