"""A run for the Rerun viewer: cameras with boxes, LiDAR, map and tracks of every clip on one time line.

```
RUN/run.rrd     rerun RUN/run.rrd       (pip install "datagen[rerun]")

world/<scene>/ego               a transform that moves
world/<scene>/<CAMERA>          pinhole and picture, through which the boxes are seen
world/<scene>/lidar             points of each sweep
world/<scene>/boxes             every labelled thing at that instant
world/<scene>/tracks            where each of them goes
world/<scene>/road/<layer>      the map's lines
```

Clips follow one another on the time line `time`, which starts at 0 s; `scene` numbers them. A clip's origin is
where its ego starts, and it is cleared away before the next. Source of the API: rerun-sdk 0.23, the last that takes
numpy below 2 (its `Quaternion` objects do not: arrays are given instead).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict, Field

from adapters.exporter.nuscenes.taxonomy import CATEGORY_NAMES
from adapters.viewer._footage import Footage, Track, View, read_footage
from datagen.engine import Store, read
from datagen.errors import DatasetError, DependencyError
from datagen.scene import Category, Group
from datagen.scene.pose import rotation_from_quat

if TYPE_CHECKING:
    import rerun as rr

COLORS = {
    Group.VEHICLE: (255, 178, 36),
    Group.CYCLE: (63, 208, 245),
    Group.PERSON: (227, 155, 247),
    Group.ANIMAL: (227, 155, 247),
    Group.OBJECT: (181, 221, 82),
}
ROAD_COLORS = {"drivable": (110, 116, 124), "walkway": (90, 96, 90), "ped_crossing": (220, 220, 220)}
LINE_COLORS = {"yellow": (200, 154, 52), "white": (230, 230, 230)}
PAUSE_S = 1.0
"""Between two clips on the time line."""


class Settings(BaseModel):
    """What may be chosen of a recording."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    clips: Annotated[int, Field(ge=1)] = 50
    """At most so many clips are recorded, the recipe's first."""


class RerunViewer:
    """Writes `RUN/run.rrd`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def show(self, run: Path) -> Path:
        """Record a run's clips and return the file.

        Raises DependencyError without rerun-sdk, and DatasetError where no clip was kept or one cannot be read.
        """
        try:
            import rerun as rr
        except ImportError as error:
            raise DependencyError('the Rerun viewer needs rerun-sdk: pip install "datagen[rerun]"') from error
        table = read(run, ["id", "index", "state"]).sort_by("index").to_pylist()
        kept = [row["id"] for row in table if row["state"] == "done"][: self.settings.clips]
        if not kept:
            raise DatasetError(f"{run}: no clip was kept, so there is nothing to record")
        path = run / "run.rrd"
        recording = rr.RecordingStream("datagen", recording_id=run.name)
        recording.save(path)
        recording.log("world", rr.ViewCoordinates.RIGHT_HAND_Z_UP, static=True)
        start_s = 0.0
        for number, clip in enumerate(kept):
            footage = read_footage(Store(run).clip_folder(clip))
            start_s = record(footage, recording, number=number, start_s=start_s) + PAUSE_S
        recording.flush()
        recording.disconnect()
        return path


def build(settings: Settings) -> RerunViewer:
    """Return the viewer."""
    return RerunViewer(settings)


def record(footage: Footage, recording: rr.RecordingStream, *, number: int, start_s: float) -> float:
    """Log one clip from `start_s` on the time line, and return when it ends. Its origin is where its ego starts."""
    import rerun as rr

    root = f"world/{footage.name}"
    origin = footage.ego.translation_m[0]
    seconds = (footage.timestamp_us - footage.timestamp_us[0]) / 1e6 + start_s
    recording.set_time("time", duration=float(seconds[0]))
    recording.set_time("scene", sequence=number)
    for path, shapes in _road(footage, origin_m=origin):
        recording.log(f"{root}/road/{path}", shapes)
    recording.log(f"{root}/tracks", _tracks(footage.tracks, origin_m=origin))
    for frame, now in enumerate(seconds):
        recording.set_time("time", duration=float(now))
        _log_frame(footage, frame, recording, root=root, origin_m=origin)
    recording.set_time("time", duration=float(seconds[-1] + PAUSE_S / 2))
    recording.log(root, rr.Clear(recursive=True))
    return float(seconds[-1])


def _log_frame(
    footage: Footage, frame: int, recording: rr.RecordingStream, *, root: str, origin_m: Float[np.ndarray, "3"]
) -> None:
    import rerun as rr

    centre, quat = footage.ego.at(footage.timestamp_us[frame : frame + 1])
    recording.log(f"{root}/ego", rr.Transform3D(translation=centre[0] - origin_m, mat3x3=rotation_from_quat(quat[0])))
    for view in footage.views:
        _log_picture(view, frame, recording, root=root, origin_m=origin_m)
    cloud = np.fromfile(footage.sweeps[frame], dtype="<f4").reshape(-1, 5)
    pose = footage.world_SE3_lidar[frame]
    points = cloud[:, :3] @ pose[:3, :3].T + pose[:3, 3] - origin_m
    recording.log(f"{root}/lidar", rr.Points3D(points, radii=0.03, colors=_heights(points[:, 2])))
    recording.log(f"{root}/boxes", _boxes(footage, frame, origin_m=origin_m))


def _log_picture(
    view: View, frame: int, recording: rr.RecordingStream, *, root: str, origin_m: Float[np.ndarray, "3"]
) -> None:
    import rerun as rr

    path, pose = f"{root}/{view.channel}", view.world_SE3_cam[frame]
    recording.log(path, rr.Transform3D(translation=pose[:3, 3] - origin_m, mat3x3=pose[:3, :3]))
    size = [view.width_px, view.height_px]
    recording.log(path, rr.Pinhole(image_from_camera=view.intrinsics_px, resolution=size, image_plane_distance=2.0))
    recording.log(path, rr.EncodedImage(contents=view.pictures[frame].read_bytes(), media_type="image/jpeg"))


def _boxes(footage: Footage, frame: int, *, origin_m: Float[np.ndarray, "3"]) -> rr.Boxes3D:
    """Return all boxes of one frame; a track that is not there has none."""
    import rerun as rr

    now = footage.timestamp_us[frame : frame + 1]
    there = [track for track in footage.tracks if footage.presence(track)[frame]]
    poses = [track.trajectory.at(now) for track in there]
    return rr.Boxes3D(
        centers=np.array([centre[0] - origin_m for centre, _ in poses]).reshape(-1, 3),
        sizes=np.array([track.size_lwh_m for track in there]).reshape(-1, 3),
        quaternions=np.array([np.roll(quat[0], -1) for _, quat in poses], dtype=np.float32).reshape(-1, 4),
        colors=[COLORS[track.category.group] for track in there],
        labels=[_label(track.category, event=track.event) for track in there],
        show_labels=False,
    )


def _tracks(tracks: Sequence[Track], *, origin_m: Float[np.ndarray, "3"]) -> rr.LineStrips3D:
    import rerun as rr

    return rr.LineStrips3D(
        [track.trajectory.translation_m - origin_m for track in tracks],
        colors=[COLORS[track.category.group] for track in tracks],
        radii=[0.12 if track.event else 0.03 for track in tracks],
    )


def _label(category: Category, *, event: bool) -> str:
    return CATEGORY_NAMES[category] + (" (event)" if event else "")


def _road(footage: Footage, *, origin_m: Float[np.ndarray, "3"]) -> Iterator[tuple[str, Any]]:
    """Yield a path and the lines of each layer of the map."""
    import rerun as rr

    shapes = sorted(footage.road, key=lambda shape: shape.layer)
    for layer, group in groupby(shapes, key=lambda shape: shape.layer):
        closed = not layer.startswith("divider")
        lines = [_lifted(ring, origin_m=origin_m, closed=closed) for shape in group for ring in shape.rings_m]
        color = (
            ROAD_COLORS.get(layer, (80, 86, 94)) if closed else LINE_COLORS["yellow" if "yellow" in layer else "white"]
        )
        yield layer, rr.LineStrips3D(lines, colors=color, radii=0.06 if closed else 0.08)


def _lifted(
    ring_m: Float[np.ndarray, "points 2"], *, origin_m: Float[np.ndarray, "3"], closed: bool
) -> Float[np.ndarray, "_ 3"]:
    flat = np.concatenate([ring_m, ring_m[:1]]) if closed else ring_m
    return np.column_stack([flat - origin_m[:2], np.zeros(len(flat))])


def _heights(z_m: Float[np.ndarray, "points"]) -> Float[np.ndarray, "points 3"]:
    """Return colours from dark on the ground to light at 4 m."""
    share = np.clip(z_m / 4.0, 0.0, 1.0)[:, None]
    return (np.array([70, 90, 140]) * (1 - share) + np.array([250, 235, 170]) * share).astype(np.uint8)
