"""What is read is what was written, to the last digit; on the tiny log with numbers one can check by hand."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from adapters.scene.nuscenes import ReadScene, Settings, build
from datagen.ports import Take
from datagen.scene import Category, LaneKind, Light, Posture, Prompt, Scene, Weather

Asked = Callable[..., Prompt]


def read(settings: Settings, prompt: Prompt, tmp_path: Path) -> Take:
    """Run the source's one stage as an engine would: pickled, opened, run, closed."""
    (stage,) = build(settings).stages()
    stage = pickle.loads(pickle.dumps(stage))
    stage.open()
    (taken,) = stage.run([Take(id="c", prompt=prompt, workdir=tmp_path)])
    stage.close()
    assert isinstance(taken, Take)
    return taken


@pytest.fixture
def scene(tiny_log: Path, asked: Asked, tmp_path: Path) -> Scene:
    taken = read(Settings(root=tiny_log), asked(), tmp_path)
    assert taken.scene is not None
    return taken.scene


def test_every_scene_counts_and_the_prompts_place_picks_one(tiny_log: Path, asked: Asked, tmp_path: Path) -> None:
    assert build(Settings(root=tiny_log)).count() == 2
    names = [read(Settings(root=tiny_log), asked(k), tmp_path).scene.provenance["scene"] for k in range(3)]
    assert names == ["scene-0001", "scene-0002", "scene-0001"]


def test_scenes_come_in_the_order_they_are_asked_for(tiny_log: Path, asked: Asked, tmp_path: Path) -> None:
    settings = Settings(root=tiny_log, scenes=("scene-0002", "scene-0001"))
    assert read(settings, asked(0), tmp_path).scene.provenance["scene"] == "scene-0002"


def test_a_split_of_the_log_itself_chooses_scenes(tiny_log: Path) -> None:
    (tiny_log / "v1.0-tiny" / "splits.json").write_text(json.dumps({"val": ["scene-0002"]}))
    assert build(Settings(root=tiny_log, split="val")).count() == 1


def test_boxes_poses_and_quaternion_signs_pass_through_unchanged(scene: Scene, tiny_log: Path) -> None:
    tables = {name: table(tiny_log, name) for name in ("sample", "sample_annotation", "sample_data", "ego_pose")}
    times = {sample["token"]: sample["timestamp"] for sample in tables["sample"]}
    actors = {actor.id: actor for actor in scene.actors}
    for box in tables["sample_annotation"]:
        if box["instance_token"] in actors:
            actor = actors[box["instance_token"]]
            pose = actor.trajectory.pose_at(times[box["sample_token"]])
            assert pose.translation_m.tolist() == box["translation"]
            assert pose.quat_wxyz.tolist() == box["rotation"]
            assert [actor.size_lwh_m[k] for k in (1, 0, 2)] == box["size"]
    poses = {pose["token"]: pose for pose in tables["ego_pose"]}
    for shot in tables["sample_data"]:
        if shot["sample_token"].startswith("scene-0001"):
            pose = scene.ego.pose_at(shot["timestamp"])
            assert pose.translation_m.tolist() == poses[shot["ego_pose_token"]]["translation"]
            assert pose.quat_wxyz.tolist() == poses[shot["ego_pose_token"]]["rotation"]


def test_the_timeline_holds_each_cameras_own_instant(scene: Scene, tiny_log: Path) -> None:
    assert scene.recording is not None
    rig, timeline = scene.recording.rig, scene.recording.timeline
    assert rig.channels == ("CAM_FRONT_LEFT", "CAM_FRONT", "CAM_FRONT_RIGHT")
    assert timeline.is_keyframe.all() and len(timeline) == 6
    shots = {shot["token"]: shot["timestamp"] for shot in table(tiny_log, "sample_data")}
    for k in range(6):
        fired = [shots[f"scene-0001-s{k}-{channel}"] for channel in rig.channels]
        assert timeline.camera_timestamp_us[k].tolist() == fired
    assert rig.cameras[1].ego_SE3_cam.quat_wxyz.tolist() == pytest.approx([-0.5, 0.5, -0.5, 0.5])
    assert len(rig.lidar.elevation_rad) == 32


def test_attributes_and_categories_become_postures_and_kinds(scene: Scene) -> None:
    actors = {actor.id.removeprefix("scene-0001-"): actor for actor in scene.actors}
    assert actors["parked"].posture is Posture.PARKED
    assert actors["van"].posture is Posture.ACTIVE
    assert actors["van"].category is Category.CAR and actors["van"].look.kind == "van"
    assert actors["cone"].category is Category.TRAFFIC_CONE


def test_the_same_track_looks_the_same_whatever_the_seed(tiny_log: Path, asked: Asked, tmp_path: Path) -> None:
    looks = [
        [actor.look for actor in read(Settings(root=tiny_log), asked(seed=seed), tmp_path).scene.actors]
        for seed in (1, 2)
    ]
    assert looks[0] == looks[1]


def test_words_of_the_description_are_the_ambience_and_a_prompt_overrides_them(
    tiny_log: Path, asked: Asked, tmp_path: Path
) -> None:
    recorded = read(Settings(root=tiny_log), asked(0), tmp_path).scene
    assert (recorded.ambience.weather, recorded.ambience.light) == (Weather.RAIN, Light.DAY)
    assert recorded.description == "Rain, following a van"
    asked_for = read(Settings(root=tiny_log), asked(0, text="at night"), tmp_path).scene
    assert (asked_for.ambience.weather, asked_for.ambience.light) == (Weather.RAIN, Light.NIGHT)
    assert asked_for.description == "at night"


def test_lanes_without_directions_run_as_the_traffic_does(scene: Scene) -> None:
    lanes = {lane.id: lane for lane in scene.hdmap.lanes}
    for name in ("lane0a", "lane0b", "lane1a", "lane1b"):  # the ego and the van drive on lane0a
        assert lanes[name].center_m[-1, 0] > lanes[name].center_m[0, 0], name
    for name in ("lane2a", "lane2b", "lane3a", "lane3b"):  # across the road divider
        assert lanes[name].center_m[-1, 0] < lanes[name].center_m[0, 0], name
    np.testing.assert_allclose(lanes["lane0a"].center_m[:, 1], 44.75)
    np.testing.assert_allclose(lanes["lane0a"].left_m[:, 1], 46.5)
    assert lanes["lane0a"].left_neighbor == "lane1a" and lanes["lane1a"].right_neighbor == "lane0a"
    assert lanes["lane3a"].left_neighbor == "lane2a" and lanes["lane1a"].left_neighbor is None
    assert lanes["lane0a"].kind is LaneKind.CAR


def test_lanes_straight_ahead_of_each_other_are_connected_across_the_junction(scene: Scene) -> None:
    lanes = {lane.id: lane for lane in scene.hdmap.lanes}
    (across,) = lanes["lane0a"].successors
    assert lanes[across].junction and lanes[across].successors == ("lane0b",)
    np.testing.assert_allclose(lanes[across].center_m[[0, -1]], [[100.0, 44.75], [110.0, 44.75]])
    assert lanes["lane3b"].successors and not lanes["lane3a"].successors


def test_the_map_has_crossing_walkways_and_kerbs(scene: Scene) -> None:
    hdmap = scene.hdmap
    assert [area.id for area in hdmap.crossings] == ["zebra"]
    cut = sorted(area.id for area in hdmap.walkways)
    assert [name.rsplit("-", 1)[0] for name in cut] == ["walk-north", "walk-south"], "named after what the patch left"
    assert {divider.id: str(divider.kind) for divider in hdmap.dividers} == {
        "south": "lane",
        "north": "lane",
        "middle": "road",
    }
    assert {tuple(np.unique(np.round(line.line_m[:, 1]))) for line in hdmap.boundaries} <= {
        (43.0,),
        (57.0,),
        (43.0, 57.0),
    }


def test_a_small_margin_cuts_the_map_and_makes_no_kerb_of_the_cut(tiny_log: Path, asked: Asked, tmp_path: Path) -> None:
    hdmap = read(Settings(root=tiny_log, map_margin_m=15.0), asked(), tmp_path).scene.hdmap
    road = hdmap.drivable[0].polygon.exterior_m
    assert 24.0 < road[:, 0].min() < 26.5 and 74.0 < road[:, 0].max() < 76.5
    assert all(np.ptp(line.line_m[:, 1]) < 0.1 for line in hdmap.boundaries)
    assert {lane.id for lane in hdmap.lanes} == {"lane0a", "lane1a", "lane2a", "lane3a"}
    assert hdmap.lanes[0].successors == ()


@pytest.mark.parametrize("age", ["older", "none"])
def test_without_a_usable_expansion_the_mask_gives_the_drivable_area(
    tiny_log: Path, asked: Asked, tmp_path: Path, age: str
) -> None:
    path = tiny_log / "maps" / "expansion" / "tiny-town.json"
    if age == "older":
        path.write_text(json.dumps({"version": "1.1"}))
    else:
        path.unlink()
    assert build(Settings(root=tiny_log)).count() == 2
    taken = read(Settings(root=tiny_log), asked(), tmp_path)
    hdmap = taken.scene.hdmap
    assert hdmap.lanes == () and "no lanes" in taken.notes["map"]
    assert hdmap.canvas_m == pytest.approx((200.0, 100.0))
    (road,) = hdmap.drivable
    np.testing.assert_allclose(road.polygon.exterior_m.min(axis=0), [10.0, 43.0], atol=0.11)
    np.testing.assert_allclose(road.polygon.exterior_m[:, 1].max(), 57.0, atol=0.11)


def table(root: Path, name: str) -> list[dict]:
    return json.loads((root / "v1.0-tiny" / f"{name}.json").read_text())


def test_the_stage_is_picklable_before_it_is_opened(tiny_log: Path) -> None:
    stage = ReadScene(Settings(root=tiny_log))
    assert pickle.loads(pickle.dumps(stage)) == stage
