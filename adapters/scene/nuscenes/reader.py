"""From a log's tables to a Scene, every number passed through as it was written.

```
sample_data ─ ego_pose ───────────▶ ego trajectory, a knot for every camera and LiDAR instant
            └ calibrated_sensor ──▶ rig
sample ───────────────────────────▶ timeline of key frames, with each camera's own instant
sample_annotation, by instance ───▶ actors, a knot for every annotation
log.location ─────────────────────▶ map
```
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from nuscenes.nuscenes import NuScenes

from adapters.scene.nuscenes.directions import Traffic
from adapters.scene.nuscenes.log import (
    Shots,
    category_of,
    ego_of,
    open_log,
    samples_of,
    shots_by_scene,
    tracks_of,
    traffic_in,
    trajectory_of,
)
from adapters.scene.nuscenes.looks import measured_colors, plausible_look, told_look
from adapters.scene.nuscenes.maps import Maps
from adapters.scene.nuscenes.postures import posture_of
from adapters.scene.nuscenes.rig import rig_of
from adapters.scene.nuscenes.tables import Record, read_table
from adapters.scene.nuscenes.words import ambience_of
from datagen.errors import LogError
from datagen.scene import Actor, HDMap, Light, Recording, Scene, Timeline


@dataclass(frozen=True)
class LogReader:
    """A log held open. names: the chosen scenes.  shots: scene token → its sample_data."""

    root: Path
    version: str
    names: tuple[str, ...]
    nusc: NuScenes
    shots: Mapping[str, Shots]
    maps: Maps

    @classmethod
    def open(cls, root: Path, version: str, *, names: Sequence[str], map_margin_m: float) -> LogReader:
        """Read all tables. Raises LogError when they do not hold together."""
        nusc = open_log(root, version)
        chosen = {record["token"] for record in nusc.scene if record["name"] in names}
        shots = shots_by_scene(nusc, chosen)
        maps = _maps(root, nusc, shots, margin_m=map_margin_m)
        return cls(root=root, version=version, names=tuple(names), nusc=nusc, shots=shots, maps=maps)

    def scene(self, name: str) -> tuple[Scene, dict[str, str]]:
        """Return one of the chosen scenes, and remarks on what could not be had (key → words).

        Raises LogError when the scene's sensors are incomplete or its map is broken.
        """
        record = next(record for record in self.nusc.scene if record["name"] == name)
        log = self.nusc.get("log", record["log_token"])
        shots = self.shots[record["token"]]
        recording = self._recording(name, shots)
        ego = ego_of(self.nusc, shots)
        hdmap, notes = self.maps.around(log["location"], ego.translation_m[:, :2])
        tracks = tracks_of(self.nusc, samples_of(self.nusc, shots))
        scene = Scene(
            ego=ego,
            actors=tuple(self._actor(instance, track, hdmap=hdmap) for instance, track in tracks.items()),
            hdmap=hdmap,
            ambience=ambience_of(record["description"]),
            description=record["description"],
            provenance=self._provenance(record, log),
            recording=recording,
        )
        return (self._with_measured_colors(scene, shots) if scene.ambience.light is Light.DAY else scene), notes

    def _provenance(self, record: Record, log: Record) -> dict[str, str]:
        told = {key: str(log.get(key, "")) for key in ("logfile", "location", "vehicle", "date_captured")}
        here = {"source": "nuscenes", "version": self.version, "scene": record["name"], "scene_token": record["token"]}
        return here | told

    def _recording(self, name: str, shots: Shots) -> Recording:
        keys = {(shot["sample_token"], shot["channel"]): shot for shot in shots if shot["is_key_frame"]}
        rig = rig_of(self.nusc, tuple(keys.values()), name=name)
        samples = samples_of(self.nusc, shots)
        for sample in samples:
            for channel in (*rig.channels, rig.lidar.channel):
                if (sample["token"], channel) not in keys:
                    raise LogError(
                        f"{self.root / self.version}/sample_data.json: sample '{sample['token']}' of {name} has no"
                        f" key frame of {channel}; mend the table, or leave the scene out with scene.scenes."
                    )
        fired = [[keys[sample["token"], channel]["timestamp"] for channel in rig.channels] for sample in samples]
        timeline = Timeline(
            timestamp_us=np.array([sample["timestamp"] for sample in samples], dtype=np.int64),
            is_keyframe=np.ones(len(samples), dtype=bool),
            camera_timestamp_us=np.array(fired, dtype=np.int64).reshape(len(samples), len(rig.cameras)),
        )
        pictures = {
            (shot["channel"], int(shot["timestamp"])): self.root / shot["filename"]
            for shot in shots
            if shot["sensor_modality"] == "camera"
        }
        return Recording(rig=rig, timeline=timeline, pictures=pictures)

    def _actor(self, instance: str, track: Sequence[Record], *, hdmap: HDMap) -> Actor:
        category = category_of(self.nusc, instance)
        width, length, height = (float(number) for number in track[0]["size"])
        trajectory = trajectory_of(self.nusc, track)
        told = told_look(self.nusc.get("instance", instance), category)
        names = [self.nusc.get("attribute", token)["name"] for box in track for token in box["attribute_tokens"]]
        return Actor(
            id=instance,
            category=category,
            size_lwh_m=(length, width, height),
            trajectory=trajectory,
            look=told or plausible_look(instance, category, size_lwh_m=(length, width, height)),
            posture=posture_of(category, trajectory, attributes=names, hdmap=hdmap),
        )

    def _with_measured_colors(self, scene: Scene, shots: Shots) -> Scene:
        pictures = {
            (shot["channel"], int(shot["timestamp"])): self.root / shot["filename"]
            for shot in shots
            if shot["sensor_modality"] == "camera" and shot["is_key_frame"]
        }
        told = {actor.id for actor in scene.actors if told_look(self.nusc.get("instance", actor.id), actor.category)}
        if len(told) == len(scene.actors):
            return scene
        colors = measured_colors(scene, {key: path for key, path in pictures.items() if path.is_file()})
        actors = (
            replace(actor, look=replace(actor.look, color_rgb=colors[actor.id]))
            if actor.id in colors.keys() - told
            else actor
            for actor in scene.actors
        )
        return replace(scene, actors=tuple(actors))


def maps_of(root: Path, version: str, *, margin_m: float) -> Maps:
    """Return a log's maps; what was driven there is read only for maps that do not say which way their lanes run."""
    folder = root / version
    location_of = {record["token"]: record["location"] for record in read_table(folder, "log")}
    masks = {log: root / record["filename"] for record in read_table(folder, "map") for log in record["log_tokens"]}

    def traffic(place: str) -> Traffic:
        logs = {log for log, location in location_of.items() if location == place}
        names = [record["name"] for record in read_table(folder, "scene") if record["log_token"] in logs]
        return LogReader.open(root, version, names=names, map_margin_m=margin_m).maps.traffic_of(place)

    return Maps(
        root=root,
        margin_m=margin_m,
        mask_of={location: masks[log] for log, location in location_of.items() if log in masks},
        traffic_of=traffic,
    )


def _maps(root: Path, nusc: NuScenes, shots: Mapping[str, Shots], *, margin_m: float) -> Maps:
    """Return the log's maps, not read yet."""
    mask_of_log = {log: root / record["filename"] for record in nusc.map for log in record["log_tokens"]}
    location_of = {record["token"]: record["location"] for record in nusc.log}
    place_of = {record["token"]: location_of[record["log_token"]] for record in nusc.scene if record["token"] in shots}
    return Maps(
        root=root,
        margin_m=margin_m,
        mask_of={location: mask_of_log[log] for log, location in location_of.items()},
        traffic_of=lambda place: traffic_in(
            nusc, {scene: shots[scene] for scene, at in place_of.items() if at == place}
        ),
    )
