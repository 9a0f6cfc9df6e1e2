"""nuScenes-mini, the real thing, against the devkit. Skipped where the data is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely
from nuscenes.nuscenes import NuScenes
from nuscenes.utils.geometry_utils import view_points

from adapters.scene.nuscenes.directions import _tangent_at
from adapters.scene.nuscenes.reader import LogReader
from adapters.scene.nuscenes.selection import chosen_scenes
from adapters.scene.nuscenes.strips import Strip, outline_of
from datagen.scene import Posture, Scene, Weather
from datagen.sensors.projection import project_box, world_SE3_cam

VERSION = "v1.0-mini"


@pytest.fixture(scope="module")
def reader(nuscenes_mini: Path) -> LogReader:
    names = chosen_scenes(nuscenes_mini, VERSION, names=(), split=None)
    return LogReader.open(nuscenes_mini, VERSION, names=names, map_margin_m=120.0)


@pytest.fixture(scope="module")
def scenes(reader: LogReader) -> dict[str, Scene]:
    return {name: reader.scene(name)[0] for name in reader.names}


@pytest.fixture(scope="module")
def nusc(reader: LogReader) -> NuScenes:
    return reader.nusc


def test_all_ten_scenes_are_read_with_lanes_under_the_ego(scenes: dict[str, Scene]) -> None:
    assert len(scenes) == 10
    assert sum(len(scene.actors) for scene in scenes.values()) == 911
    for scene in scenes.values():
        assert len(scene.hdmap.lanes) > 20 and scene.hdmap.boundaries and scene.hdmap.drivable


def test_every_box_is_as_annotated(scenes: dict[str, Scene], nusc: NuScenes) -> None:
    actors = {actor.id: actor for scene in scenes.values() for actor in scene.actors}
    boxes = 0
    for box in nusc.sample_annotation:
        actor = actors[box["instance_token"]]
        pose = actor.trajectory.pose_at(nusc.get("sample", box["sample_token"])["timestamp"])
        assert pose.translation_m.tolist() == box["translation"]
        assert pose.quat_wxyz.tolist() == box["rotation"]
        assert (actor.size_lwh_m[1], actor.size_lwh_m[0], actor.size_lwh_m[2]) == tuple(box["size"])
        boxes += 1
    assert boxes == sum(len(actor.trajectory.timestamp_us) for actor in actors.values()) == 18538


def test_the_ego_is_where_every_camera_fired(scenes: dict[str, Scene], nusc: NuScenes) -> None:
    by_token = {scene.provenance["scene_token"]: scene for scene in scenes.values()}
    for shot in nusc.sample_data:
        if shot["sensor_modality"] == "camera" or shot["channel"] == "LIDAR_TOP":
            scene = by_token[nusc.get("sample", shot["sample_token"])["scene_token"]]
            recorded = nusc.get("ego_pose", shot["ego_pose_token"])
            pose = scene.ego.pose_at(shot["timestamp"])
            assert pose.translation_m.tolist() == recorded["translation"]
            assert pose.quat_wxyz.tolist() == recorded["rotation"]


def test_calibrations_and_instants_are_as_recorded(scenes: dict[str, Scene], nusc: NuScenes) -> None:
    for scene in scenes.values():
        assert scene.recording is not None
        rig, timeline = scene.recording.rig, scene.recording.timeline
        assert rig.channels == (
            "CAM_FRONT_LEFT",
            "CAM_FRONT",
            "CAM_FRONT_RIGHT",
            "CAM_BACK_RIGHT",
            "CAM_BACK",
            "CAM_BACK_LEFT",
        )
        token = nusc.get("scene", scene.provenance["scene_token"])["first_sample_token"]
        for k in range(len(timeline)):
            sample = nusc.get("sample", token)
            assert timeline.timestamp_us[k] == sample["timestamp"]
            for column, camera in enumerate(rig.cameras):
                shot = nusc.get("sample_data", sample["data"][camera.channel])
                calibration = nusc.get("calibrated_sensor", shot["calibrated_sensor_token"])
                assert timeline.camera_timestamp_us[k, column] == shot["timestamp"]
                assert camera.ego_SE3_cam.quat_wxyz.tolist() == calibration["rotation"]
                assert camera.ego_SE3_cam.translation_m.tolist() == calibration["translation"]
                assert camera.intrinsics_px.tolist() == calibration["camera_intrinsic"]
            token = sample["next"]
        assert token == ""


def test_projected_corners_agree_with_the_devkit_on_every_camera(scenes: dict[str, Scene], nusc: NuScenes) -> None:
    """The devkit moves each box to the camera at the camera's own instant without moving the box; so do we here."""
    worst, corners = 0.0, 0
    for scene in scenes.values():
        assert scene.recording is not None
        actors = {actor.id: actor for actor in scene.actors}
        for k in range(0, len(scene.recording.timeline), 8):
            key_us = int(scene.recording.timeline.timestamp_us[k])
            for column, camera in enumerate(scene.recording.rig.cameras):
                fired_us = int(scene.recording.timeline.camera_timestamp_us[k, column])
                cam_SE3_world = world_SE3_cam(scene, camera, timestamp_us=fired_us).inverse()
                shot = shot_at(nusc, camera.channel, fired_us)
                _, boxes, intrinsics = nusc.get_sample_data(shot)
                for box in boxes:
                    theirs = view_points(box.corners(), intrinsics, normalize=True)[:2].T
                    actor = actors[nusc.get("sample_annotation", box.token)["instance_token"]]
                    ours = project_box(actor, camera, cam_SE3_world=cam_SE3_world, timestamp_us=key_us)
                    if ours[:, 2].min() > 0.5:
                        worst = max(worst, float(np.abs(ours[:, :2] - theirs).max()))
                        corners += 8
    assert corners > 10_000 and worst < 0.01


def test_tracks_do_not_jump_between_annotations(scenes: dict[str, Scene]) -> None:
    for scene in scenes.values():
        for actor in scene.actors:
            times = np.arange(actor.trajectory.start_us, actor.trajectory.end_us, 50_000, dtype=np.int64)
            if len(times) > 1:
                step = np.linalg.norm(np.diff(actor.trajectory.at(times)[0], axis=0), axis=1)
                assert step.max() < 2.0, (scene.provenance["scene"], actor.id)  # 40 m/s


def test_lanes_run_the_way_the_ego_drives(scenes: dict[str, Scene]) -> None:
    for name, scene in scenes.items():
        steps = np.diff(scene.ego.translation_m[:, :2], axis=0)
        moving = np.linalg.norm(steps, axis=1) > 0.02
        spots, heading = scene.ego.translation_m[:-1, :2][moving], steps[moving]
        along = []
        for lane in (lane for lane in scene.hdmap.lanes if not lane.junction):
            strip = Strip(center_m=lane.center_m, left_m=lane.left_m, right_m=lane.right_m)
            inside = shapely.contains_xy(outline_of(strip), spots)
            along += (
                np.sum(_tangent_at(strip, spots[inside]) * heading[inside], axis=1).tolist() if inside.any() else []
            )
        assert not along or np.mean(np.array(along) > 0) > 0.98, name


def test_night_and_rain_are_read_from_the_descriptions(scenes: dict[str, Scene]) -> None:
    assert {name for name, scene in scenes.items() if scene.ambience.light == "night"} == {
        "scene-1077",
        "scene-1094",
        "scene-1100",
    }
    assert scenes["scene-1094"].ambience.weather is Weather.OVERCAST


def test_parked_cars_of_the_annotated_scenes_are_parked(scenes: dict[str, Scene], nusc: NuScenes) -> None:
    told = {
        box["instance_token"]
        for box in nusc.sample_annotation
        if any(nusc.get("attribute", token)["name"] == "vehicle.parked" for token in box["attribute_tokens"])
    }
    parked = {actor.id for scene in scenes.values() for actor in scene.actors if actor.posture is Posture.PARKED}
    assert told and len(told & parked) / len(told) > 0.95


def shot_at(nusc: NuScenes, channel: str, fired_us: int) -> str:
    """Return the sample_data token of a camera at an instant."""
    return next(
        shot["token"] for shot in nusc.sample_data if shot["timestamp"] == fired_us and shot["channel"] == channel
    )
