"""One clip's share of the dataset: its rows as JSON lines, its map, its CAN bus, and where its files lie.

```
<fragment>/  scene sample sample_data ego_pose calibrated_sensor sensor log instance sample_annotation .jsonl
             media.jsonl        which file of the clip becomes which file of the dataset
             provenance.jsonl   what was asked for, and where the scene came from
             census.json        the clip, counted
             judge.jsonl        how far the pictures can be trusted, box by box (see `judgements`)
             can_bus/  and what `maps` leaves
```

Files are named relative to the fragment, so that fragment and clip may move together. Tokens are hashes of
the clip's id and the row's place in it. Nothing outlives the clip: the memory held is one clip's rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from adapters.exporter.nuscenes import canbus, maps
from adapters.exporter.nuscenes.census import CENSUS_FILE, fragment_census
from adapters.exporter.nuscenes.judgements import write_judgements
from adapters.exporter.nuscenes.label_rows import add_labels
from adapters.exporter.nuscenes.sensor_rows import add_sensors
from adapters.exporter.nuscenes.tables import Row, Rows, chain, write_lines
from adapters.exporter.nuscenes.tokens import sample_token, token_of
from datagen.errors import ClipError
from datagen.scene import Clip, Label

FRAGMENT_TABLES = (
    "scene",
    "sample",
    "sample_data",
    "ego_pose",
    "calibrated_sensor",
    "sensor",
    "log",
    "instance",
    "sample_annotation",
    "media",
    "provenance",
)


def write_fragment(
    clip: Clip, *, labels: Sequence[Label], folder: Path, first_scene: int = 2001, sweeps: bool = True
) -> None:
    """Write one clip's share of the dataset into `folder`.

    first_scene: number of the scene of the recipe's first prompt.  sweeps: export the frames between key frames.
    Raises ClipError when a frame's file is missing or empty, a number is NaN, or a label is not at a key frame.
    """
    name = scene_name(clip, first_scene)
    rows = rows_of(clip, labels, scene_name=name, folder=folder, sweeps=sweeps)
    for table in FRAGMENT_TABLES:
        try:
            write_lines(folder / f"{table}.jsonl", rows[table])
        except ValueError as error:
            raise ClipError(
                f"clip {clip.id}: a number in table {table} is NaN or infinite; no row was exported"
            ) from error
    (folder / CENSUS_FILE).write_text(fragment_census(rows).to_json(), encoding="utf-8")
    write_judgements(clip, labels, folder)
    canbus.write_can_bus(name, clip, folder)
    maps.write_map_fragment(clip.scene.hdmap, folder)


def scene_name(clip: Clip, first_scene: int) -> str:
    """Return `scene-dddd`; from 10,000 on it has five digits, which all but the devkit's CAN bus reader takes."""
    return f"scene-{first_scene + clip.prompt.index:04d}"


def rows_of(clip: Clip, labels: Sequence[Label], *, scene_name: str, folder: Path, sweeps: bool) -> Rows:
    """Return all rows of one clip by table (see `write_fragment`)."""
    samples = _sample_rows(clip)
    logfile = _logfile(clip, scene_name)
    rows: Rows = defaultdict(list)
    rows["sample"] = samples
    rows["log"] = [_log_row(clip, logfile)]
    rows["scene"] = [_scene_row(clip, samples, scene_name=scene_name)]
    add_sensors(rows, clip, logfile=logfile, folder=folder, sweeps=sweeps)
    add_labels(rows, clip, labels)
    rows["provenance"] = [_provenance_row(clip, scene_name=scene_name)]
    return rows


def description_of(clip: Clip) -> str:
    """Return what the scene shows: the prompt's words (or the scene's own), then its ambience."""
    ambience = clip.scene.ambience
    words = (clip.prompt.text or clip.scene.description).strip()
    look = f"{ambience.weather}, {ambience.light}, {ambience.place}"
    if words.endswith(look):
        return words
    return f"{words}; {look}" if words else look


def _scene_token(clip: Clip) -> str:
    return token_of("scene", clip.id)


def _scene_row(clip: Clip, samples: list[Row], *, scene_name: str) -> Row:
    return {
        "token": _scene_token(clip),
        "log_token": token_of("log", clip.id),
        "nbr_samples": len(samples),
        "first_sample_token": samples[0]["token"],
        "last_sample_token": samples[-1]["token"],
        "name": scene_name,
        "description": description_of(clip),
    }


def _logfile(clip: Clip, scene_name: str) -> str:
    """A log is a drive: every clip is its own. The name begins all of its files' names, so it is unique."""
    start = datetime.fromtimestamp(int(clip.timeline.timestamp_us[0]) / 1e6, tz=UTC)
    return f"{scene_name.replace('scene-', 's')}-{token_of('log', clip.id)[:8]}-{start:%Y-%m-%d-%H-%M-%S}+0000"


def _log_row(clip: Clip, logfile: str) -> Row:
    start = datetime.fromtimestamp(int(clip.timeline.timestamp_us[0]) / 1e6, tz=UTC)
    return {
        "token": token_of("log", clip.id),
        "logfile": logfile,
        "vehicle": clip.rig.name,
        "date_captured": f"{start:%Y-%m-%d}",
        "location": clip.scene.hdmap.location,
    }


def _sample_rows(clip: Clip) -> list[Row]:
    rows = [
        {
            "token": sample_token(clip.id, int(frame)),
            "timestamp": int(clip.timeline.timestamp_us[frame]),
            "prev": "",
            "next": "",
            "scene_token": _scene_token(clip),
        }
        for frame in clip.timeline.keyframes
    ]
    chain(rows)
    return rows


def _provenance_row(clip: Clip, *, scene_name: str) -> Row:
    scene, prompt = clip.scene, clip.prompt
    return {
        "scene_token": _scene_token(clip),
        "scene_name": scene_name,
        "clip_id": clip.id,
        "prompt_id": prompt.id,
        "text": prompt.text,
        "seed": prompt.seed,
        "values": dict(sorted(prompt.values.items())),
        "weather": scene.ambience.weather.value,
        "light": scene.ambience.light.value,
        "place": scene.ambience.place.value,
        "source": dict(sorted(scene.provenance.items())),
        "event_instance_tokens": [token_of("instance", clip.id, actor.id) for actor in scene.actors if actor.event],
    }
