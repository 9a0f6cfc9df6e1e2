"""How much memory and time a merge takes, on synthetic fragments: nuScenes' own size by default.

    python benchmarks/merge.py --scenes 1000 --samples 40 --actors 30

Writes the fragments of one clip under many ids (their files are links to the same few pictures), merges them in a
process of its own, and prints that process' peak memory, split by what it did. Goal: 1,000 scenes of 40 samples,
seven sensors and sweeps at 4 Hz, below 2 GiB.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from adapters.exporter.nuscenes import NuScenesExporter, Settings, build
from datagen.scene import (
    SE3,
    Actor,
    Ambience,
    Area,
    Camera,
    Category,
    Clip,
    HDMap,
    Label,
    Lane,
    Lidar,
    Polygon,
    Prompt,
    Rig,
    Scene,
    Trajectory,
    attribute_of,
    regular_timeline,
)

CHANNELS = ("CAM_FRONT_LEFT", "CAM_FRONT", "CAM_FRONT_RIGHT", "CAM_BACK_RIGHT", "CAM_BACK", "CAM_BACK_LEFT")
GOAL_MIB = 2048


def main() -> int:
    """Write fragments, merge them in a child process, print what it took; exit code 1 when it was too much."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=1000)
    parser.add_argument("--samples", type=int, default=40)
    parser.add_argument("--actors", type=int, default=30)
    parser.add_argument("--rate-hz", type=float, default=4.0)
    parser.add_argument("--merge", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.merge:
        print(json.dumps(merge(arguments.merge)))
        return 0
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".benchmark-") as folder:
        start = time.perf_counter()
        write_fragments(Path(folder), arguments)
        write_s = time.perf_counter() - start
        child = [sys.executable, __file__, "--merge", folder]
        found = json.loads(subprocess.run(child, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
    rows = arguments.scenes * arguments.samples
    print(
        f"{arguments.scenes} scenes x {arguments.samples} samples at {arguments.rate_hz:g} Hz, {arguments.actors} cars"
    )
    print(f"fragments  {write_s / arguments.scenes * 1e3:8.1f} ms per clip")
    print(f"merge      {found['seconds']:8.1f} s       {rows / found['seconds']:.0f} samples/s")
    print(f"files      {found['files']:8d}         tables {found['table_mib']:.0f} MiB")
    print(f"peak RSS   {found['peak_mib']:8.0f} MiB     goal {GOAL_MIB} MiB")
    return 0 if found["peak_mib"] < GOAL_MIB else 1


def merge(folder: Path) -> dict[str, float]:
    """Merge the fragments in `folder` and return what it took."""
    fragments = sorted((folder / "fragments").iterdir())
    start = time.perf_counter()
    build(Settings(first_scene=1)).merge(fragments, folder / "dataset")
    seconds = time.perf_counter() - start
    tables = list((folder / "dataset" / "v1.0-synth").iterdir())
    return {
        "seconds": seconds,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "table_mib": sum(path.stat().st_size for path in tables) / 2**20,
        "files": sum(1 for kind in ("samples", "sweeps") for _ in (folder / "dataset" / kind).glob("*/*")),
    }


def write_fragments(folder: Path, arguments: argparse.Namespace) -> None:
    """Write one clip's files once, and its fragment under every id."""
    exporter: NuScenesExporter = build(Settings(first_scene=1))
    clip = write_clip(folder / "clip", arguments)
    labels = labels_of(clip)
    for index in range(arguments.scenes):
        fragment = folder / "fragments" / f"{index:06d}"
        fragment.mkdir(parents=True)
        one = replace(clip, id=f"{index:016x}", prompt=replace(clip.prompt, index=index, id=f"p{index}"))
        exporter.write_fragment(one, labels=labels, folder=fragment)


def write_clip(folder: Path, arguments: argparse.Namespace) -> Clip:
    """Return a straight drive with its files, all of one tiny picture and one tiny sweep."""
    duration_s = arguments.samples / 2
    rig = tiny_rig()
    scene = straight_drive(duration_s, actors=arguments.actors)
    clip = Clip(
        id="clip",
        prompt=Prompt(id="p", index=0, text="a straight drive", seed=0, duration_s=duration_s),
        scene=scene,
        rig=rig,
        timeline=regular_timeline(scene.ego.start_us, duration_s, rate_hz=arguments.rate_hz, views=len(rig.cameras)),
        folder=folder,
    )
    for frame in range(len(clip.timeline)):
        for path in (*(clip.frame_path(channel, frame) for channel in CHANNELS), clip.sweep_path(frame)):
            path.parent.mkdir(parents=True, exist_ok=True)
        for channel in CHANNELS:
            cv2.imwrite(str(clip.frame_path(channel, frame)), np.zeros((9, 16, 3), np.uint8))
        np.zeros((4, 5), np.float32).tofile(clip.sweep_path(frame))
    return clip


def tiny_rig() -> Rig:
    """Return six cameras and a LiDAR, all in one place."""
    intrinsics = np.array([[8.0, 0.0, 8.0], [0.0, 8.0, 4.5], [0.0, 0.0, 1.0]])
    cameras = [
        Camera(channel=name, ego_SE3_cam=SE3.identity(), intrinsics_px=intrinsics, width_px=16, height_px=9)
        for name in CHANNELS
    ]
    lidar = Lidar(channel="LIDAR_TOP", ego_SE3_lidar=SE3.identity(), elevation_rad=np.zeros(32))
    return Rig(name="tiny", cameras=tuple(cameras), lidar=lidar)


def straight_drive(duration_s: float, *, actors: int) -> Scene:
    """Return an ego that follows `actors` cars on a road of one lane."""
    times_us = 1_767_225_600_000_000 + np.arange(0, int(duration_s * 1e6) + 1, 100_000, dtype=np.int64)
    along_m = np.linspace(10.0, 10.0 + 8.0 * duration_s, len(times_us))

    def drive(ahead_m: float) -> Trajectory:
        xyz = np.stack([along_m + ahead_m, np.full_like(along_m, 50.0), np.full_like(along_m, 0.8)], axis=-1)
        return Trajectory.from_xyz_yaw(times_us, xyz, yaw_rad=np.zeros(len(times_us)))

    center = np.stack([np.linspace(0.0, 900.0, 91), np.full(91, 50.0)], axis=-1)
    side = np.array([0.0, 1.75])
    road = Polygon(exterior_m=np.array([[0.0, 48.0], [900.0, 48.0], [900.0, 52.0], [0.0, 52.0]]))
    return Scene(
        ego=drive(0.0),
        actors=tuple(
            Actor(id=f"car{i}", category=Category.CAR, size_lwh_m=(4.6, 1.9, 1.7), trajectory=drive(8.0 * (i + 1)))
            for i in range(actors)
        ),
        hdmap=HDMap(
            location="straight",
            canvas_m=(900.0, 100.0),
            lanes=(Lane(id="lane", center_m=center, left_m=center + side, right_m=center - side),),
            drivable=(Area(id="road", polygon=road),),
        ),
        ambience=Ambience(),
        description="a straight drive",
    )


def labels_of(clip: Clip) -> list[Label]:
    """Return a label for every actor at every key frame."""
    return [
        Label(
            actor_id=actor.id,
            category=actor.category,
            frame=int(frame),
            timestamp_us=int(clip.timeline.timestamp_us[frame]),
            world_SE3_box=actor.trajectory.pose_at(int(clip.timeline.timestamp_us[frame])),
            size_lwh_m=actor.size_lwh_m,
            velocity_mps=(8.0, 0.0),
            visible=1.0,
            lidar_points=5,
            attribute=attribute_of(actor, 8.0),
        )
        for frame in clip.timeline.keyframes
        for actor in clip.scene.actors
    ]


if __name__ == "__main__":
    sys.exit(main())
