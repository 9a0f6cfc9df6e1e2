"""From a clip to the dataset: label it, judge it, write its share of the tables."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace

from datagen.ports import Dropped, Exporter, Judge, Resources, Stage, Take
from datagen.scene import Label
from datagen.sensors.labels import observe
from datagen.stages.takes import film_seed, made

FRAGMENT = "fragment"
"""Where in a clip's folder its share of the dataset's tables lies."""


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
        clip = made(take.clip)
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
        labels = made(take.labels)
        verdict = self.judge.judge(made(take.clip), labels=labels)
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
            self.exporter.write_fragment(made(take.clip), labels=made(take.labels), folder=folder)
        return list(batch)

    def close(self) -> None:
        """Nothing to let go of."""
