"""From a scene to a clip: which instants and cameras, pictures onto the disk."""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from datagen.errors import ClipError
from datagen.ports import Dropped, Frame, Take, VideoModel
from datagen.scene import Camera, Clip, Recording, Rig, Shot, Timeline, densified, regular_timeline
from datagen.stages.takes import film_seed, made

MOST_UNWRITTEN = 64
"""Pictures that may wait to be written before the film waits for them."""


@dataclass(frozen=True, kw_only=True)
class Camerawork:
    """How every clip is filmed and stored.

    rig: None takes the rig and the shutter times of the log that the scene was read from.
    full_size: store pictures at the rig's own size instead of the film's.
    """

    rig: Rig | None
    rate_hz: float
    jpeg_quality: int
    full_size: bool


class FilmStage:
    """Scene × Rig → Clip: the pictures go to disk as they come, in the size and quality the exporter wants.

    They are written in a thread of their own, while the model makes the next.
    """

    name = "film"

    def __init__(self, model: VideoModel, *, camerawork: Camerawork) -> None:
        self.model, self.camerawork = model, camerawork
        self.resources, self.batch_size = model.resources, model.batch_size
        self.weights = ""

    def open(self) -> None:
        """Load the video model."""
        self.model.open()
        self.weights = self.model.fingerprint()

    def run(self, batch: Sequence[Take]) -> Sequence[Take | Dropped]:
        """Film all takes of the batch together."""
        shots = [shot_of(take, camerawork=self.camerawork) for take in batch]
        width_px, height_px = self.model.picture_size_px
        small = [replace(shot, rig=shot.rig.resized(width_px, height_px)) for shot in shots]
        clips = [self._clip(take, full, film) for take, full, film in zip(batch, shots, small, strict=True)]
        with ThreadPoolExecutor(max_workers=1) as writer:
            unwritten: deque[Future[None]] = deque()
            for frame in self.model.film(small):
                unwritten.append(writer.submit(self._write, frame, clips[frame.shot]))
                if len(unwritten) > MOST_UNWRITTEN:
                    unwritten.popleft().result()
            for written in unwritten:
                written.result()
        return [replace(self._noted(take), clip=clip) for take, clip in zip(batch, clips, strict=True)]

    def close(self) -> None:
        """Nothing to let go of."""

    def _noted(self, take: Take) -> Take:
        return take.with_note("film_weights", self.weights) if self.weights else take

    def _write(self, frame: Frame, clip: Clip) -> None:
        camera = clip.rig.cameras[clip.rig.channels.index(frame.channel)]
        path = clip.frame_path(frame.channel, frame.frame)
        write_jpeg(frame.image, path, camera=camera, quality=self.camerawork.jpeg_quality)

    def _clip(self, take: Take, full: Shot, film: Shot) -> Clip:
        folder = take.workdir / "film"
        shutil.rmtree(folder, ignore_errors=True)
        rig = full.rig if self.camerawork.full_size else film.rig
        for channel in rig.channels:
            (folder / channel).mkdir(parents=True)
        return Clip(id=take.id, prompt=take.prompt, scene=film.scene, rig=rig, timeline=film.timeline, folder=folder)


def shot_of(take: Take, *, camerawork: Camerawork) -> Shot:
    """Choose instants and cameras for a take's scene. Raises ClipError for a log's rig without a log."""
    scene, rig = made(take.scene), camerawork.rig
    if scene.recording is None and rig is None:
        raise ClipError("the recipe says `rig: log`, but this scene was not read from a log; name a rig")
    if scene.recording is None:
        assert rig is not None
        seconds = min(take.prompt.duration_s, (scene.ego.end_us - scene.ego.start_us) / 1e6)
        timeline = regular_timeline(scene.ego.start_us, seconds, rate_hz=camerawork.rate_hz, views=len(rig.cameras))
    else:
        recorded = scene.recording.timeline if rig is None else scene.recording.timeline.synchronized(len(rig.cameras))
        timeline = densified(recorded, camerawork.rate_hz).first(take.prompt.duration_s)
        timeline = timeline if rig else as_recorded(timeline, scene.recording)
        rig = rig or scene.recording.rig
    return Shot(clip_id=take.id, scene=scene, rig=rig, timeline=timeline, seed=film_seed(take))


def as_recorded(timeline: Timeline, recording: Recording) -> Timeline:
    """Return the timeline with shutter times moved to when the log's own camera fired, if by less than half a frame."""
    if len(timeline) == 1:
        return timeline
    reach_us = int(np.diff(timeline.timestamp_us).min()) / 2
    fired_us = timeline.camera_timestamp_us.copy()
    for view, channel in enumerate(recording.rig.channels):
        log_us = np.array(sorted(at for camera, at in recording.pictures if camera == channel), dtype=np.int64)
        if len(log_us):
            nearest = log_us[np.abs(log_us - fired_us[:, view, None]).argmin(axis=1)]
            fired_us[:, view] = np.where(np.abs(nearest - fired_us[:, view]) < reach_us, nearest, fired_us[:, view])
    return replace(timeline, camera_timestamp_us=fired_us)


def write_jpeg(image: UInt8[np.ndarray, "height width 3"], path: Path, *, camera: Camera, quality: int) -> None:
    """Write an RGB picture, enlarged to the camera's size where it is smaller, with full colour resolution."""
    picture = Image.fromarray(image)
    if picture.size != (camera.width_px, camera.height_px):
        picture = picture.resize((camera.width_px, camera.height_px), Image.Resampling.BICUBIC)
    picture.save(path, quality=quality, subsampling=0)
