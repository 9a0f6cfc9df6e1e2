"""Clips with random pictures and sweeps whose labels are counted from them, and the small dataset they make."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from adapters.exporter.nuscenes import NuScenesExporter, Settings, build
from datagen.scene import Clip, Label, Prompt, Rig, Scene, attribute_of, regular_timeline

PICTURE_PX = (56, 32)

MakeClip = Callable[..., tuple[Clip, list[Label]]]


@pytest.fixture
def make_clip(tmp_path: Path, street: Scene, nuscenes_rig: Rig) -> MakeClip:
    """Return make_clip(index, folder=..., rate_hz=4.0, scene=street): 3 key frames of the street, and its labels."""

    def make(
        index: int, *, folder: Path = tmp_path / "clips", rate_hz: float = 4.0, scene: Scene = street, text: str = ""
    ) -> tuple[Clip, list[Label]]:
        rig = nuscenes_rig.resized(*PICTURE_PX)
        start_us = scene.ego.start_us
        clip = Clip(
            id=f"clip{index:04d}",
            prompt=Prompt(id=f"p{index}", index=index, text=text, seed=index, duration_s=1.5),
            scene=scene,
            rig=rig,
            timeline=regular_timeline(start_us, 1.5, rate_hz=rate_hz, views=len(rig.cameras)),
            folder=folder / f"clip{index:04d}" / "frames",
        )
        labels: list[Label] = []
        rng = np.random.default_rng(index)
        for frame in range(len(clip.timeline)):
            _write_pictures(clip, frame, rng)
            found = _write_sweep(clip, frame, rng)
            labels += found if clip.timeline.is_keyframe[frame] else []
        return clip, labels

    return make


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where datasets stand that are made once, and copied by the tests that spoil them."""
    return tmp_path_factory.mktemp("shelf")


@pytest.fixture
def exporter() -> NuScenesExporter:
    """The exporter as a recipe that says nothing has it."""
    return build(Settings())


@pytest.fixture
def fragments(make_clip: MakeClip, exporter: NuScenesExporter) -> list[Path]:
    """The fragments of three clips of the street."""
    return [write(exporter, *make_clip(index, text=f"drive number {index}")) for index in range(3)]


@pytest.fixture
def dataset(fragments: list[Path], exporter: NuScenesExporter, tmp_path: Path) -> Path:
    """The dataset of three clips of three samples."""
    exporter.merge(fragments, tmp_path / "dataset")
    return tmp_path / "dataset"


def write(exporter: NuScenesExporter, clip: Clip, labels: list[Label]) -> Path:
    """Write a clip's fragment beside its frames and return its folder."""
    folder = clip.folder.parent / "fragment"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    exporter.write_fragment(clip, labels=labels, folder=folder)
    return folder


def with_actors(scene: Scene, *names: str) -> Scene:
    """Return the scene with only the actors named."""
    return replace(scene, actors=tuple(actor for actor in scene.actors if actor.id in names))


def _write_pictures(clip: Clip, frame: int, rng: np.random.Generator) -> None:
    for camera in clip.rig.cameras:
        path = clip.frame_path(camera.channel, frame)
        path.parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(path), rng.integers(0, 255, (camera.height_px, camera.width_px, 3), dtype=np.uint8))


def _write_sweep(clip: Clip, frame: int, rng: np.random.Generator) -> list[Label]:
    """Put a few returns well inside every actor and many on the ground; label the actors with those that are theirs."""
    timestamp_us = int(clip.timeline.timestamp_us[frame])
    world_SE3_lidar = clip.scene.ego.pose_at(timestamp_us) @ clip.rig.lidar.ego_SE3_lidar
    clouds = [np.column_stack([rng.uniform(-30, 30, (300, 2)), np.full(300, -1.84)])]
    labels = []
    for actor in clip.scene.actors:
        world_SE3_box = actor.trajectory.pose_at(timestamp_us)
        count = int(rng.integers(1, 9))
        inside = rng.uniform(-0.45, 0.45, (count, 3)) * actor.size_lwh_m
        clouds.append(world_SE3_lidar.inverse().transform(world_SE3_box.transform(inside)))
        velocity = actor.trajectory.velocity_mps(np.array([timestamp_us]))[0]
        labels.append(
            Label(
                actor_id=actor.id,
                category=actor.category,
                frame=frame,
                timestamp_us=timestamp_us,
                world_SE3_box=world_SE3_box,
                size_lwh_m=actor.size_lwh_m,
                velocity_mps=(float(velocity[0]), float(velocity[1])),
                visible=float(rng.uniform(0, 1)),
                lidar_points=count,
                attribute=attribute_of(actor, float(np.hypot(*velocity[:2]))),
            )
        )
    xyz = np.concatenate(clouds)
    points = np.column_stack([xyz, rng.integers(0, 255, len(xyz)), rng.integers(0, 32, len(xyz))]).astype(np.float32)
    path = clip.sweep_path(frame)
    path.parent.mkdir(parents=True, exist_ok=True)
    points.tofile(path)
    return labels
