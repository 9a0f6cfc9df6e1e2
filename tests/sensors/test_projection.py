from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from nuscenes.nuscenes import NuScenes
from nuscenes.utils.geometry_utils import view_points

from datagen.scene import SE3, Camera, box_corners_m
from datagen.sensors.projection import in_picture, pixel_rays, project, rays_through


def test_a_point_on_the_axis_lands_on_the_principal_point(camera: Camera) -> None:
    pixels, depth = project(np.array([[0.0, 0.0, 10.0]]), camera)
    assert pixels.tolist() == [[100.0, 50.0]]
    assert depth.tolist() == [10.0]


def test_a_metre_to_the_right_at_ten_metres_is_a_tenth_of_the_focal_length(camera: Camera) -> None:
    pixels, _ = project(np.array([[1.0, 0.0, 10.0]]), camera)
    assert pixels.tolist() == [[110.0, 50.0]]


def test_the_ray_of_the_first_pixel_goes_through_its_centre(camera: Camera) -> None:
    assert np.allclose(pixel_rays(camera)[0, 0], [(0.5 - 100) / 100, (0.5 - 50) / 100, 1.0])


def test_a_point_behind_the_camera_is_not_in_the_picture(camera: Camera) -> None:
    pixels, depth = project(np.array([[0.0, 0.0, -10.0], [0.0, 0.0, 10.0]]), camera)
    assert in_picture(pixels, depth, camera=camera).tolist() == [False, True]


@given(column=st.floats(0, 200), row=st.floats(0, 100), depth=st.floats(0.2, 200))
def test_projecting_a_point_on_a_ray_gives_its_pixel_back(column: float, row: float, depth: float) -> None:
    camera = Camera(
        channel="c",
        ego_SE3_cam=SE3.identity(),
        intrinsics_px=np.array([[100.0, 0.3, 100.0], [0.0, 90.0, 50.0], [0.0, 0.0, 1.0]]),
        width_px=200,
        height_px=100,
    )
    pixel = np.array([column, row])
    assert np.allclose(project(rays_through(pixel, camera) * depth, camera)[0], pixel, atol=1e-6)


def test_box_corners_agree_with_the_devkit_on_every_real_camera(nuscenes_mini) -> None:
    log = NuScenes("v1.0-mini", str(nuscenes_mini), verbose=False)
    compared = 0
    for sample in log.sample[::40]:
        for channel, token in sample["data"].items():
            if not channel.startswith("CAM"):
                continue
            data = log.get("sample_data", token)
            sensor = log.get("calibrated_sensor", data["calibrated_sensor_token"])
            ego = log.get("ego_pose", data["ego_pose_token"])
            camera = Camera(
                channel=channel,
                ego_SE3_cam=_pose(sensor),
                intrinsics_px=np.array(sensor["camera_intrinsic"]),
                width_px=1600,
                height_px=900,
            )
            world_SE3_cam = _pose(ego) @ camera.ego_SE3_cam
            _, boxes, intrinsics = log.get_sample_data(token)
            for box in boxes:
                annotation = log.get("sample_annotation", box.token)
                w, l, h = annotation["size"]  # noqa: E741
                corners = (world_SE3_cam.inverse() @ _pose(annotation)).transform(box_corners_m((l, w, h)))
                if corners[:, 2].min() < 0.2:
                    continue
                theirs = view_points(box.corners(), intrinsics, normalize=True)[:2].T
                assert np.abs(project(corners, camera)[0] - theirs).max() < 0.01
                compared += 1
    assert compared > 50


def _pose(record: dict) -> SE3:
    return SE3(quat_wxyz=np.array(record["rotation"]), translation_m=np.array(record["translation"]))
