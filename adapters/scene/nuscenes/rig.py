"""The sensors of a recorded vehicle, from its calibration."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from nuscenes.nuscenes import NuScenes

from adapters.scene.nuscenes.tables import Record
from datagen.errors import LogError
from datagen.scene import SE3, Camera, Lidar, Rig

HDL32E_ELEVATION_RAD = np.deg2rad(np.linspace(-30.67, 10.67, 32))
"""The beams of the Velodyne HDL-32E, which nuScenes drove with; the tables do not tell (data sheet 97-0038)."""


def rig_of(nusc: NuScenes, shots: Sequence[Record], *, name: str) -> Rig:
    """Return cameras and LiDAR of one scene, cameras in joining order.

    shots: the scene's key frames (sample_data). Raises LogError when a calibration changes within the scene,
    is impossible, or when there is no LIDAR_TOP.
    """
    by_channel: dict[str, Record] = {}
    for shot in shots:
        first = by_channel.setdefault(shot["channel"], shot)
        if first["calibrated_sensor_token"] != shot["calibrated_sensor_token"]:
            raise LogError(f"sample_data.json: '{shot['token']}': {shot['channel']} was re-calibrated within {name}.")
    cameras = [_camera(nusc, shot) for shot in by_channel.values() if shot["sensor_modality"] == "camera"]
    lidars = [_lidar(nusc, shot) for shot in by_channel.values() if shot["sensor_modality"] == "lidar"]
    if not cameras or not lidars:
        raise LogError(f"sample_data.json: {name} has no {'camera' if lidars else 'LIDAR_TOP'}; choose other scenes.")
    return Rig(name=name, cameras=joining_order(cameras), lidar=lidars[0])


def joining_order(cameras: Sequence[Camera]) -> tuple[Camera, ...]:
    """Return the cameras from left to right, as their pictures are joined.

    ```
        CAM_FRONT_LEFT  CAM_FRONT  CAM_FRONT_RIGHT  CAM_BACK_RIGHT  CAM_BACK  CAM_BACK_LEFT
    ```
    A ring of cameras is cut so that the most forward one comes second; where a third of the circle or more is
    seen by none, it is cut there.
    """
    clockwise = sorted(cameras, key=_azimuth_rad, reverse=True)
    azimuths = np.array([_azimuth_rad(camera) for camera in clockwise])
    gaps = (np.roll(azimuths, 1) - azimuths) % (2 * np.pi)  # before each camera
    if len(cameras) == 1 or gaps.max() >= 2 * np.pi / 3:
        cut = int(np.argmax(gaps))
    else:
        cut = int(np.argmin(np.abs(azimuths))) - 1
    return tuple(clockwise[cut:] + clockwise[:cut])


def _azimuth_rad(camera: Camera) -> float:
    ahead = camera.ego_SE3_cam.rotation[:, 2]
    return float(np.arctan2(ahead[1], ahead[0]))


def _camera(nusc: NuScenes, shot: Record) -> Camera:
    calibration = nusc.get("calibrated_sensor", shot["calibrated_sensor_token"])
    try:
        intrinsics = np.array(calibration["camera_intrinsic"], dtype=np.float64).reshape(3, 3)
        width, height = int(shot["width"]), int(shot["height"])
    except (KeyError, TypeError, ValueError) as error:
        raise LogError(
            f"calibrated_sensor.json: '{calibration['token']}': no 3x3 camera_intrinsic or no size."
        ) from error
    if not np.isfinite(intrinsics).all() or min(intrinsics[0, 0], intrinsics[1, 1], width, height) <= 0:
        raise LogError(f"calibrated_sensor.json: '{calibration['token']}': focal length or picture size is impossible.")
    return Camera(
        channel=shot["channel"],
        ego_SE3_cam=_pose(calibration),
        intrinsics_px=intrinsics,
        width_px=width,
        height_px=height,
    )


def _lidar(nusc: NuScenes, shot: Record) -> Lidar:
    pose = _pose(nusc.get("calibrated_sensor", shot["calibrated_sensor_token"]))
    return Lidar(channel=shot["channel"], ego_SE3_lidar=pose, elevation_rad=HDL32E_ELEVATION_RAD)


def _pose(record: Record) -> SE3:
    return SE3(
        quat_wxyz=np.array(record["rotation"], dtype=np.float64),
        translation_m=np.array(record["translation"], dtype=np.float64),
    )
