from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyquaternion import Quaternion

from datagen.errors import RecipeError
from datagen.recipe import find_rig, load_rig, shipped_recipes
from datagen.recipe.rig import CAM_AHEAD_QUAT, Mount

RIGS = shipped_recipes() / "rigs"
SENSORS = """\
cameras:
  - {channel: CAM_A, translation_m: [1, 0, 1.5], yaw_deg: 90, fov_deg: 90, width_px: 200, height_px: 100}
lidar: {translation_m: [0, 0, 2], yaw_deg: 0, elevation_deg: [-10, 0, 2.5]}
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return path


def test_the_nuscenes_rig_is_the_calibration_of_scene_0103(nuscenes_mini: Path) -> None:
    import json

    def table(name: str) -> list[dict]:
        return json.loads((nuscenes_mini / "v1.0-mini" / f"{name}.json").read_text())

    rig = load_rig(RIGS / "nuscenes.yaml")
    first = next(scene["first_sample_token"] for scene in table("scene") if scene["name"] == "scene-0103")
    sensors = {row["token"]: row["channel"] for row in table("sensor")}
    calibrations = {row["token"]: row for row in table("calibrated_sensor")}
    shots = {}
    for shot in table("sample_data"):
        if shot["sample_token"] == first:
            calibration = calibrations[shot["calibrated_sensor_token"]]
            shots[sensors[calibration["sensor_token"]]] = (calibration, shot)
    for camera in rig.cameras:
        calibration, shot = shots[camera.channel]
        np.testing.assert_allclose(camera.ego_SE3_cam.translation_m, calibration["translation"], atol=1e-12)
        np.testing.assert_allclose(camera.ego_SE3_cam.quat_wxyz, calibration["rotation"], atol=1e-12)
        np.testing.assert_allclose(camera.intrinsics_px, calibration["camera_intrinsic"], atol=1e-9)
        assert (camera.width_px, camera.height_px) == (shot["width"], shot["height"])
    calibration, _ = shots["LIDAR_TOP"]
    np.testing.assert_allclose(rig.lidar.ego_SE3_lidar.translation_m, calibration["translation"], atol=1e-12)
    np.testing.assert_allclose(rig.lidar.ego_SE3_lidar.quat_wxyz, calibration["rotation"], atol=1e-12)


def test_the_nuscenes_rig_goes_round_from_front_left_to_back_left() -> None:
    rig = load_rig(RIGS / "nuscenes.yaml")
    sides = ["FRONT_LEFT", "FRONT", "FRONT_RIGHT", "BACK_RIGHT", "BACK", "BACK_LEFT"]
    assert rig.channels == tuple(f"CAM_{side}" for side in sides)
    ahead = [camera.ego_SE3_cam.rotation[:, 2] for camera in rig.cameras]
    yaw_deg = np.rad2deg([np.arctan2(axis[1], axis[0]) for axis in ahead])
    np.testing.assert_allclose(yaw_deg, [55, 0, -55, -110, 180, 110], atol=3.0)
    np.testing.assert_allclose(np.rad2deg(rig.lidar.elevation_rad[[0, -1]]), [-30.67, 10.67])
    assert len(rig.lidar.elevation_rad) == 32


def test_the_shuttle_is_not_nuscenes() -> None:
    rig = load_rig(RIGS / "shuttle.yaml")
    assert len(rig.cameras) == 5
    assert len({(camera.width_px, camera.height_px) for camera in rig.cameras}) == 3
    assert len({float(camera.intrinsics_px[0, 0] / camera.width_px) for camera in rig.cameras}) == 4
    assert len(rig.lidar.elevation_rad) == 64


def test_a_camera_by_hand_looks_where_its_yaw_says(tmp_path: Path) -> None:
    rig = load_rig(written(tmp_path, SENSORS))
    (camera,) = rig.cameras
    np.testing.assert_allclose(camera.ego_SE3_cam.rotation[:, 2], [0, 1, 0], atol=1e-12)  # ahead: to the left
    np.testing.assert_allclose(camera.ego_SE3_cam.rotation[:, 1], [0, 0, -1], atol=1e-12)  # picture's down: down
    np.testing.assert_allclose(camera.intrinsics_px, [[100, 0, 100], [0, 100, 50], [0, 0, 1]])
    assert rig.name == "mine"
    assert (rig.lidar.channel, rig.lidar.azimuth_steps) == ("LIDAR_TOP", 1084)
    np.testing.assert_allclose(np.rad2deg(rig.lidar.elevation_rad), [-10, 0, 2.5])


def test_positive_pitch_looks_down_and_positive_roll_dips_the_right_side() -> None:
    down = Mount(translation_m=(0, 0, 0), yaw_deg=0.0, pitch_deg=30.0).pose(CAM_AHEAD_QUAT)
    np.testing.assert_allclose(down.rotation[:, 2], [np.cos(np.pi / 6), 0, -0.5], atol=1e-12)
    rolled = Mount(translation_m=(0, 0, 0), yaw_deg=0.0, roll_deg=30.0).pose(CAM_AHEAD_QUAT)
    np.testing.assert_allclose(rolled.rotation[:, 0], [0, -np.cos(np.pi / 6), -0.5], atol=1e-12)


angles = st.floats(-180, 180)


@given(angles, angles, angles)
def test_turns_agree_with_pyquaternion(yaw_deg: float, pitch_deg: float, roll_deg: float) -> None:
    mount = Mount(translation_m=(0, 0, 0), yaw_deg=yaw_deg, pitch_deg=pitch_deg, roll_deg=roll_deg)
    turns = zip(np.eye(3)[::-1], (yaw_deg, pitch_deg, roll_deg), strict=True)
    expected = Quaternion()
    for axis, turn_deg in turns:
        expected *= Quaternion(axis=axis, degrees=turn_deg)
    actual = mount.pose(np.array([1.0, 0.0, 0.0, 0.0]))
    np.testing.assert_allclose(actual.rotation, expected.rotation_matrix, atol=1e-9)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "yaw_deg: 90",
            "quat_wxyz: [1, 1, 0, 0]",
            "mine.yaml:2 cameras.0.quat_wxyz: found a quaternion of length 1.4142",
        ),
        ("yaw_deg: 90, ", "", "mine.yaml:2 cameras.0: give either quat_wxyz or yaw_deg"),
        ("yaw_deg: 90", "yaw_deg: 90, quat_wxyz: [1, 0, 0, 0]", "cameras.0: give either quat_wxyz or yaw_deg"),
        ("yaw_deg: 90", "pitch_deg: 9, quat_wxyz: [1, 0, 0, 0]", "cameras.0: pitch_deg and roll_deg go with yaw_deg"),
        ("fov_deg: 90", "fx_px: 90", "cameras.0: give either fov_deg or all of fx_px, fy_px, cx_px and cy_px"),
        ("fov_deg: 90", "fov_deg: 90, cx_px: 3", "cameras.0: give either fov_deg or all of"),
        ("width_px: 200", "width: 200", "mine.yaml:2 cameras.0.width: unknown key"),
        ("CAM_A", "cam/a", "cameras.0.channel: found 'cam/a'; must be a text of the form"),
        ("[1, 0, 1.5]", "[1, 0]", "cameras.0.translation_m"),
        ("[1, 0, 1.5]", "[1, 0, .nan]", "cameras.0.translation_m.2: found .nan; a finite number is needed"),
        ("CAM_A", "LIDAR_TOP", "mine.yaml:1: two sensors are called LIDAR_TOP; each needs a channel of its own"),
        ("[-10, 0, 2.5]", "[3, 1]", "lidar.elevation_deg: beams go from the lowest to the highest"),
        ("[-10, 0, 2.5]", "{from: 3, to: 1, beams: 4}", "lidar.elevation_deg: beams go from the lowest to the highest"),
        ("[-10, 0, 2.5]", "{from: 3, beams: 4}", "mine.yaml:3 lidar.elevation_deg.to: missing; it has to be given"),
        ("[-10, 0, 2.5]", "[-10, x]", "mine.yaml:3 lidar.elevation_deg.1: found 'x'; must be a number."),
    ],
)
def test_a_mistake_in_a_rig_is_named_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load_rig(written(tmp_path, SENSORS.replace(old, new)))
    assert any(said in problem for problem in caught.value.problems), caught.value.problems


def test_a_rig_is_looked_for_beside_the_recipe_then_above_it_then_where_it_ships(tmp_path: Path) -> None:
    recipe = tmp_path / "set" / "deep" / "r.yaml"
    recipe.parent.mkdir(parents=True)
    assert find_rig("nuscenes", recipe) == RIGS / "nuscenes.yaml"
    above = tmp_path / "set" / "rigs" / "nuscenes.yaml"
    above.parent.mkdir()
    above.write_text(SENSORS)
    assert find_rig("nuscenes", recipe) == above
    assert find_rig("../rigs/nuscenes.yaml", recipe) == above
    with pytest.raises(RecipeError, match=r"no rig 'nuscene'; there are: .*log, nuscenes, shuttle.* Did you mean"):
        find_rig("nuscene", recipe)
