"""A real log's layouts, read and exported again, are the same layouts: boxes, ego poses and calibrations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from nuscenes.nuscenes import NuScenes

from adapters.exporter.nuscenes import Settings, build
from adapters.scene import nuscenes as source
from datagen.ports import Dropped, Take
from datagen.scene import Clip, Label, Prompt, Scene

SCENES = (
    "scene-0061",
    "scene-0103",
    "scene-0553",
    "scene-0655",
    "scene-0757",
    "scene-0796",
    "scene-0916",
    "scene-1077",
    "scene-1094",
    "scene-1100",
)
TOLERANCE = 1e-6


@pytest.fixture(scope="module")
def real(nuscenes_mini: Path) -> NuScenes:
    """The real log."""
    return NuScenes(version="v1.0-mini", dataroot=str(nuscenes_mini), verbose=False)


@pytest.fixture(scope="module")
def again(nuscenes_mini: Path, tmp_path_factory: pytest.TempPathFactory) -> NuScenes:
    """One of its scenes, exported by us; pictures and sweeps are of one byte, for only tables are compared."""
    folder = tmp_path_factory.mktemp("again")
    exporter = build(Settings(version="v1.0-synth"))
    fragments = []
    for index, scene in enumerate(scenes(nuscenes_mini, folder)):
        clip = clip_of(scene, index, folder / f"clip{index}")
        fragments.append(folder / f"fragment{index}")
        fragments[-1].mkdir()
        exporter.write_fragment(clip, labels=list(labels_of(clip)), folder=fragments[-1])
    exporter.merge(fragments, folder / "dataset")
    return NuScenes(version="v1.0-synth", dataroot=str(folder / "dataset"), verbose=False)


def scenes(root: Path, folder: Path) -> Iterator[Scene]:
    """Read the scenes as a run does."""
    (stage,) = source.build(source.Settings(root=root, scenes=SCENES)).stages()
    stage.open()
    for index in range(len(SCENES)):
        prompt = Prompt(id=f"p{index}", index=index, text="", seed=0, duration_s=20.0)
        (take,) = stage.run([Take(id=f"t{index}", prompt=prompt, workdir=folder)])
        assert not isinstance(take, Dropped)
        assert take.scene is not None
        yield take.scene
    stage.close()


def clip_of(scene: Scene, index: int, folder: Path) -> Clip:
    """Return a clip of the recording's own frames."""
    assert scene.recording is not None
    clip = Clip(
        id=f"clip{index}",
        prompt=Prompt(id=f"p{index}", index=index, text="", seed=0, duration_s=20.0),
        scene=scene,
        rig=scene.recording.rig,
        timeline=scene.recording.timeline,
        folder=folder,
    )
    for frame in range(len(clip.timeline)):
        for path in (*(clip.frame_path(channel, frame) for channel in clip.rig.channels), clip.sweep_path(frame)):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
    return clip


def labels_of(clip: Clip) -> Iterator[Label]:
    """Yield a label for every actor at every key frame it is there at."""
    for frame in clip.timeline.keyframes:
        timestamp_us = int(clip.timeline.timestamp_us[frame])
        for actor in clip.scene.actors:
            if actor.trajectory.covers(np.array([timestamp_us]))[0]:
                yield Label(
                    actor_id=actor.id,
                    category=actor.category,
                    frame=int(frame),
                    timestamp_us=timestamp_us,
                    world_SE3_box=actor.trajectory.pose_at(timestamp_us),
                    size_lwh_m=actor.size_lwh_m,
                    velocity_mps=(0.0, 0.0),
                    visible=1.0,
                    lidar_points=1,
                    attribute=None,
                )


def boxes(log: NuScenes, scene: dict) -> np.ndarray:
    """Return (timestamp, translation, size, rotation) of every box of a scene, sorted."""
    rows = []
    token = scene["first_sample_token"]
    while token:
        sample = log.get("sample", token)
        for row in (log.get("sample_annotation", box) for box in sample["anns"]):
            rows.append([sample["timestamp"], *row["translation"], *row["size"], *row["rotation"]])
        token = sample["next"]
    table = np.array(rows, dtype=np.float64)
    return table[np.lexsort(table.T[::-1])]


def sensed(log: NuScenes, scene: dict) -> dict[tuple[str, int], list[float]]:
    """Return (channel, timestamp) → ego pose, calibration of every key frame of cameras and LiDAR of a scene."""
    found = {}
    for row in log.sample_data:
        mine = log.get("sample", row["sample_token"])["scene_token"] == scene["token"]
        if mine and row["is_key_frame"] and row["sensor_modality"] != "radar":
            pose = log.get("ego_pose", row["ego_pose_token"])
            sensor = log.get("calibrated_sensor", row["calibrated_sensor_token"])
            intrinsic = np.ravel(sensor["camera_intrinsic"]).tolist()
            values = [pose["translation"], pose["rotation"], sensor["translation"], sensor["rotation"], intrinsic]
            found[row["channel"], row["timestamp"]] = [number for value in values for number in value]
    return found


@pytest.mark.parametrize("index", range(len(SCENES)))
def test_boxes_are_the_real_ones(real: NuScenes, again: NuScenes, index: int) -> None:
    original = next(scene for scene in real.scene if scene["name"] == SCENES[index])
    expected, found = boxes(real, original), boxes(again, again.scene[index])
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= TOLERANCE


@pytest.mark.parametrize("index", range(len(SCENES)))
def test_ego_poses_and_calibrations_are_the_real_ones(real: NuScenes, again: NuScenes, index: int) -> None:
    original = next(scene for scene in real.scene if scene["name"] == SCENES[index])
    expected, found = sensed(real, original), sensed(again, again.scene[index])
    assert found.keys() == expected.keys()
    for key, values in expected.items():
        assert np.abs(np.array(found[key]) - values).max() <= TOLERANCE, key
