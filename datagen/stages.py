"""The film in small classes: one stage for each step from a prompt to a dataset.

```
prompt ─▶ plan ─▶ simulate ─▶ map ─▶ film ─▶ label ─▶ judge ─▶ export
```
A stage only says what is done when; how it is done lives in the rooms and the adapters.
"""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from datagen.errors import ClipError
from datagen.ports import Dropped, Exporter, Frame, Judge, MapMaker, Planner, Resources, Stage, Take, VideoModel
from datagen.recipe import derive_seed
from datagen.roads.reference import reference_road
from datagen.scene import (
    Camera,
    Clip,
    HDMap,
    Label,
    Prompt,
    Recording,
    Rig,
    Shot,
    Timeline,
    densified,
    regular_timeline,
)
from datagen.scene.plan import Plan
from datagen.sensors.labels import observe
from datagen.traffic.drawn_lanes import with_traffic_on
from datagen.traffic.setting import needs_parking, road_length_m, road_wish
from datagen.traffic.simulate import DENSITIES, simulate

FRAGMENT = "fragment"
"""Where in a clip's folder its share of the dataset's tables lies."""

MOST_UNWRITTEN = 64
"""Pictures that may wait to be written before the film waits for them."""

T = TypeVar("T")


def rng_for(prompt: Prompt, stage: str) -> np.random.Generator:
    """Return the randomness of one prompt in one stage: the same wherever and whenever it is asked for."""
    return np.random.default_rng(derive_seed(prompt.seed, stage))


class PlanStage:
    """Words to a plan."""

    name = "plan"
    resources = Resources()

    def __init__(self, planner: Planner, *, batch_size: int = 8) -> None:
        self.planner = planner
        self.batch_size = batch_size

    def open(self) -> None:
        """Load the planner's model."""
        self.planner.open()

    def run(self, batch: Sequence[Take]) -> Sequence[Take | Dropped]:
        """Plan a batch of prompts."""
        plans = self.planner.plan([take.prompt for take in batch])
        return [self._planned(take, plan) for take, plan in zip(batch, plans, strict=True)]

    def _planned(self, take: Take, plan: Plan | Dropped) -> Take | Dropped:
        if isinstance(plan, Dropped):
            return plan
        noted = take.with_note("plan", plan.model_dump_json(exclude_defaults=True))
        if plan.left_out:
            noted = noted.with_note("left_out", "; ".join(plan.left_out))
        for key, value in self.planner.notes(take.prompt).items():
            noted = noted.with_note(key, value)
        return replace(noted, plan=plan)

    def close(self) -> None:
        """Nothing to let go of."""


def laid_road(plan: Plan, *, duration_s: float, rng: np.random.Generator) -> HDMap:
    """Return the reference road that a plan calls for."""
    return reference_road(
        road_wish(plan),
        place=plan.ambience.place,
        length_m=road_length_m(plan, duration_s),
        parking=needs_parking(plan),
        rng=rng,
    )


class SimulateStage:
    """A plan to a scene on a road of the map maker's."""

    name = "simulate"
    resources = Resources()
    batch_size = 1

    def __init__(self, mapmaker: MapMaker, *, density: float, redraws: int) -> None:
        self.mapmaker = mapmaker
        self.density = density
        self.redraws = redraws

    def open(self) -> None:
        """Nothing to load."""

    def run(self, batch: Sequence[Take]) -> Sequence[Take | Dropped]:
        """Simulate plans one by one."""
        return [self._simulated(take) for take in batch]

    def _simulated(self, take: Take) -> Take | Dropped:
        plan, prompt = take.plan, take.prompt
        assert plan is not None, "simulate comes after plan"
        rng = rng_for(prompt, self.name)
        dropped = Dropped(reason="the map has no place where the plan could happen")
        for road in self.mapmaker.roads(plan, duration_s=prompt.duration_s, rng=rng):
            scene = simulate(plan, prompt=prompt, road=road, density=self.density, redraws=self.redraws, rng=rng)
            if not isinstance(scene, Dropped):
                return replace(take, scene=scene)
            dropped = scene
        return dropped

    def close(self) -> None:
        """Nothing to let go of."""


class MapStage:
    """The lanes a scene was driven on to the whole map around them, and traffic on lanes that are new in it."""

    name = "map"
    resources = Resources()
    batch_size = 1

    def __init__(self, mapmaker: MapMaker, *, density: float = 0.0) -> None:
        self.mapmaker = mapmaker
        self.density = density
        self.weights = ""

    def open(self) -> None:
        """Load the map maker's model."""
        self.mapmaker.open()
        self.weights = self.mapmaker.fingerprint()

    def run(self, batch: Sequence[Take]) -> Sequence[Take | Dropped]:
        """Draw maps one by one."""
        return [self._mapped(take) for take in batch]

    def _mapped(self, take: Take) -> Take | Dropped:
        assert take.scene is not None, "map comes after simulate"
        assert take.plan is not None, "map comes after plan"
        rng = rng_for(take.prompt, self.name)
        hdmap = self.mapmaker.draw(take.scene, plan=take.plan, rng=rng)
        if isinstance(hdmap, Dropped):
            return hdmap
        scene = replace(take.scene, hdmap=hdmap)
        if {lane.id for lane in hdmap.lanes} - {lane.id for lane in take.scene.hdmap.lanes}:
            scene = with_traffic_on(scene, density=self.density * DENSITIES[take.plan.density], rng=rng)
        noted = take.with_note("map_weights", self.weights) if self.weights else take
        return replace(noted, scene=scene)

    def close(self) -> None:
        """Nothing to let go of."""


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


class LabelStage:
    """Clip → Labels and LiDAR sweeps: all derived from the scene by casting rays."""

    name = "label"
    resources = Resources()
    batch_size = 1

    def open(self) -> None:
        """Nothing to load."""

    def run(self, batch: Sequence[Take]) -> Sequence[Take | Dropped]:
        """Cast the LiDAR of every frame, then look at every key frame's boxes."""
        return [self._label(take) for take in batch]

    def close(self) -> None:
        """Nothing to let go of."""

    def _label(self, take: Take) -> Take:
        clip = _made(take.clip)
        folder = clip.sweep_path(0).parent
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        labels: list[Label] = []
        seed = film_seed(take)
        for seen in observe(clip.scene, clip.rig, timeline=clip.timeline, seed=seed):
            seen.sweep.astype("<f4").tofile(clip.sweep_path(seen.frame))
            labels += seen.labels
        return replace(take, labels=tuple(labels))


class JudgeStage:
    """Keep a clip, film it again from another seed, or drop it: does the picture show what the label says?

    A clip that is not to be kept goes through `again` (film, label) while the judge allows another film.
    """

    name = "judge"
    batch_size = 1

    def __init__(self, judge: Judge, *, again: Sequence[Stage[Take, Take]] = ()) -> None:
        self.judge = judge
        self.again = tuple(again) if judge.films > 1 else ()
        held = [judge.resources, *(stage.resources for stage in self.again)]
        self.resources = Resources(cpus=max(one.cpus for one in held), gpus=max(one.gpus for one in held))
        self.filming = False

    def open(self) -> None:
        """Load the judge's network; the film's waits until something has to be filmed again."""
        self.judge.open()

    def run(self, batch: Sequence[Take]) -> Sequence[Take | Dropped]:
        """Judge every take by itself."""
        return [self._judged(take) for take in batch]

    def close(self) -> None:
        """Let go of the film model."""
        if self.filming:
            for stage in self.again:
                stage.close()

    def _judged(self, take: Take) -> Take | Dropped:
        labels = _made(take.labels)
        verdict = self.judge.judge(_made(take.clip), labels=labels)
        for name, score in verdict.scores.items():
            take = take.with_note(f"judge.{name}", f"{score:.4g}")
        if not verdict.complaints:
            trusted = (replace(label, trust=verdict.trust.get((label.actor_id, label.frame))) for label in labels)
            return replace(take, labels=tuple(trusted))
        if take.film + 1 < self.judge.films and self.again:
            again = self._filmed_again(take)
            return again if isinstance(again, Dropped) else self._judged(again)
        times = f" (filmed {take.film + 1} times)" if take.film else ""
        return Dropped(reason="; ".join(verdict.complaints) + times)

    def _filmed_again(self, take: Take) -> Take | Dropped:
        if not self.filming:
            for stage in self.again:
                stage.open()
            self.filming = True
        result: Take | Dropped = replace(take, film=take.film + 1).with_note("judge.films", str(take.film + 2))
        for stage in self.again:
            if isinstance(result, Dropped):
                break
            (result,) = stage.run([result])
        return result


class ExportStage:
    """Labels → the clip's share of the dataset's tables, written beside its pictures."""

    name = "export"
    resources = Resources()
    batch_size = 1

    def __init__(self, exporter: Exporter) -> None:
        self.exporter = exporter

    def open(self) -> None:
        """Nothing to load."""

    def run(self, batch: Sequence[Take]) -> Sequence[Take | Dropped]:
        """Write one fragment per take."""
        for take in batch:
            folder = take.workdir / FRAGMENT
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            self.exporter.write_fragment(_made(take.clip), labels=_made(take.labels), folder=folder)
        return list(batch)

    def close(self) -> None:
        """Nothing to let go of."""


def shot_of(take: Take, *, camerawork: Camerawork) -> Shot:
    """Choose instants and cameras for a take's scene. Raises ClipError for a log's rig without a log."""
    scene, rig = _made(take.scene), camerawork.rig
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


def film_seed(take: Take) -> int:
    """Return the seed of a take's film. What a label says is visible hangs on it, too: on the same trees."""
    return derive_seed(take.prompt.seed, f"film {take.film}" if take.film else "film")


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


def _made(part: T | None) -> T:
    assert part is not None, "a stage ran before the one it needs"
    return part
