"""A dataset's scenes with their pictures and with what its labels say can be seen: for training and for measuring.

Reached by word: `plugins.load("scene", "nuscenes").recorded_scenes(root)`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from adapters.exporter.nuscenes.taxonomy import visible_share
from adapters.scene.nuscenes.log import samples_of
from adapters.scene.nuscenes.reader import LogReader
from adapters.scene.nuscenes.selection import chosen_scenes
from adapters.scene.nuscenes.tables import Record, check_log, find_version
from datagen.errors import LogError
from datagen.scene import Scene

MAP_MARGIN_M = 120.0


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A file, when its shutter fired, and whether it belongs to a labelled instant."""

    path: Path
    timestamp_us: int
    is_keyframe: bool


@dataclass(frozen=True, kw_only=True)
class RecordedScene:
    """A scene as it was read, and its files.

    pictures: by channel, in time.  key_pictures: by channel, one for each key frame of `scene.recording`.
    visible: for each key frame, actor id → share of it that is visible, 0 for who no LiDAR point fell on.
    """

    name: str
    scene: Scene
    pictures: Mapping[str, tuple[Picture, ...]]
    visible: Sequence[Mapping[str, float]]

    def key_pictures(self, channel: str) -> tuple[Picture, ...]:
        """Return the pictures of the labelled instants, in time."""
        return tuple(picture for picture in self.pictures[channel] if picture.is_keyframe)


def recorded_scenes(
    root: Path,
    *,
    version: str | None = None,
    split: str | None = None,
    names: Sequence[str] = (),
    map_margin_m: float = MAP_MARGIN_M,
) -> Iterator[RecordedScene]:
    """Yield a dataset's scenes, in the order of scene.json. Raises LogError when one cannot be read."""
    version = find_version(root, version)
    check_log(root, version)
    chosen = chosen_scenes(root, version, names=names, split=split)
    reader = LogReader.open(root, version, names=chosen, map_margin_m=map_margin_m)
    for name in chosen:
        yield _recorded(reader, name)


def _recorded(reader: LogReader, name: str) -> RecordedScene:
    scene, _ = reader.scene(name)
    record = next(record for record in reader.nusc.scene if record["name"] == name)
    shots = reader.shots[record["token"]]
    return RecordedScene(
        name=name,
        scene=scene,
        pictures=_pictures(reader.root, shots),
        visible=[_visible(reader, sample) for sample in samples_of(reader.nusc, shots)],
    )


def _pictures(root: Path, shots: Sequence[Record]) -> dict[str, tuple[Picture, ...]]:
    by_channel: dict[str, list[Picture]] = {}
    for shot in shots:
        if shot["sensor_modality"] != "camera":
            continue
        path = root / shot["filename"]
        if not path.resolve().is_relative_to(root.resolve()):
            raise LogError(f"sample_data.json: '{shot['filename']}' leaves {root}; mend the table.")
        taken = by_channel.setdefault(shot["channel"], [])
        taken.append(Picture(path=path, timestamp_us=shot["timestamp"], is_keyframe=bool(shot["is_key_frame"])))
    return {channel: tuple(pictures) for channel, pictures in by_channel.items()}


def _visible(reader: LogReader, sample: Record) -> dict[str, float]:
    boxes = [reader.nusc.get("sample_annotation", token) for token in sample["anns"]]
    return {
        box["instance_token"]: visible_share(box["visibility_token"]) if box["num_lidar_pts"] != 0 else 0.0
        for box in boxes
    }
