"""Does a film show what its labels say? A network trained on real pictures looks at generated and at real ones.

    python -m eval control REAL GENERATED [--again GENERATED_WITH_ANOTHER_SEED]

The figure is a ratio: how well the network sees the labels in generated pictures over how well it sees them in real
ones of the same scenes. What the network cannot do at all so drops out. A ratio of 1 is what real pictures score.
Scenes pair up where both datasets film the same instants at the same place (`scene: {use: nuscenes}`); a dataset
whose scenes are its own is measured against all of the real ones, with its own labels, and without what needs pairs.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from datagen.digest import file_sha256
from datagen.models.perception import GROUPS, Percept, Perception, open_perception
from datagen.models.perception.weights import EMBEDDED
from datagen.scene import Light, Weather
from eval.clips import clips_of, find_version, paired
from eval.constancy import Diary, mean_of, to_lab
from eval.sights import Moment, moments_of, scenes_of
from eval.tables import table, write_figures
from eval.tally import BINS_M, SETS, Tally, tally_of


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """How control is measured. perception: weights to look with, by default those that ship.  scenes: at most."""

    perception: Path | None = None
    version: str | None = None
    generated_version: str | None = None
    scenes: int | None = None
    resamples: int = 500
    seed: int = 0


@dataclass(kw_only=True)
class SceneSeen:
    """One scene in one film, as the network sees it: its weather and light, and what they were taken for."""

    tally: Tally
    diary: Diary
    ambience: tuple[Weather, Light]
    taken_for: tuple[Weather, Light]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One measure of both sides. low, high: of the ratio, 95 %."""

    key: str
    real: float
    generated: float
    ratio: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Control:
    """All measures of a generated dataset, beside the real one's.

    mistaken: which ambience was taken for which, in how many of the generated scenes.
    """

    protocol: Mapping[str, Any]
    lines: Sequence[Line]
    constancy: Mapping[str, tuple[float, float]]
    mistaken: Mapping[str, int]
    diversity: Mapping[str, float] = field(default_factory=dict)

    def figures(self) -> dict[str, Any]:
        """Return every figure by key, as cards have them, with its protocol; what cannot be said is null."""
        found: dict[str, Any] = {"protocol": dict(self.protocol)}
        for line in self.lines:
            found[f"control_ratio_{line.key}"] = line.ratio
            found[f"control_ratio_{line.key}_interval"] = [line.low, line.high]
            found[f"control_{line.key}_real"], found[f"control_{line.key}"] = line.real, line.generated
        for key, (real, generated) in self.constancy.items():
            found[f"{key}_real"], found[key] = real, generated
        found |= self.diversity
        found["ambience_mistaken"] = dict(self.mistaken)
        return {key: _sayable(value) for key, value in found.items()}

    def __str__(self) -> str:
        lines = [f"{key:<18} {value}" for key, value in self.protocol.items()]
        scores = [
            (
                line.key,
                f"{line.real:.3f}",
                f"{line.generated:.3f}",
                f"{line.ratio:.2f} [{line.low:.2f}, {line.high:.2f}]",
            )
            for line in self.lines
            if not math.isnan(line.real)
        ]
        lines += ["", table(("seen", "real", "generated", "ratio [95 %]"), scores), ""]
        rest = [(key, f"{real:.3f}", f"{generated:.3f}") for key, (real, generated) in self.constancy.items()]
        lines.append(table(("constancy", "real", "generated"), rest))
        lines += [f"{key}: {value:.2f}" for key, value in self.diversity.items()]
        lines += [f"ambience mistaken, {count} ×: {which}" for which, count in self.mistaken.items()]
        return "\n".join(lines)


def control(real: Path, generated: Path, *, again: Path | None = None, protocol: Protocol = Protocol()) -> Control:
    """Measure a generated dataset against a real one; `again`: the same scenes from another seed, for diversity.

    Raises DatasetError or LogError when a dataset does not load, InputError for other weights.
    """
    weights_path = protocol.perception or EMBEDDED
    network = open_perception(weights_path)
    sides, are_paired = _sides(real, generated, network, protocol)
    reals, films = sides
    said = {
        "real": str(real),
        "generated": str(generated),
        "scenes": f"{len(films)}, {'each against the real pictures of itself' if are_paired else 'unpaired'}",
        "perception_sha256": file_sha256(weights_path),
        "intervals": f"95 %, {protocol.resamples} resamples of scenes, seed {protocol.seed}",
    }
    constancy = {
        "ambience_accuracy": _both(reals, films, lambda seen: [float(seen.taken_for == seen.ambience)]),
        "weather_accuracy": _both(reals, films, lambda seen: [float(seen.taken_for[0] is seen.ambience[0])]),
        "light_accuracy": _both(reals, films, lambda seen: [float(seen.taken_for[1] is seen.ambience[1])]),
        "color_over_time": _both(reals, films, lambda seen: seen.diary.over_time()),
        "color_across_views": _both(reals, films, lambda seen: seen.diary.across_views()),
        "color_from_asked": _both(reals, films, lambda seen: seen.diary.from_asked()),
        "same_thing": _both(reals, films, lambda seen: seen.diary.recognised()),
        "overlap": _both(reals, films, lambda seen: seen.diary.overlap),
    }
    if are_paired:
        apart = mean_of([film.diary.from_other(one.diary) for one, film in zip(reals, films)])
        constancy["color_from_real"] = (0.0, apart)
    return Control(
        protocol=said,
        lines=_lines([one.tally for one in reals], [film.tally for film in films], are_paired, protocol),
        constancy=constancy,
        mistaken=_mistaken(films),
        diversity=diversity(generated, again, protocol=protocol) if again else {},
    )


def diversity(one: Path, two: Path, *, protocol: Protocol = Protocol()) -> dict[str, float]:
    """Return how far (ΔE) two films of the same scenes differ where nothing was asked for, and where it was."""
    free, asked = [], []
    names = _paired_names(one, two, protocol.generated_version, protocol.generated_version, protocol.scenes)
    for films in _films((one, two), names, (protocol.generated_version, protocol.generated_version)):
        for moment in moments_of(films):
            apart = np.linalg.norm(to_lab(moment.small(0).numpy()) - to_lab(moment.small(1).numpy()), axis=-1)
            told = np.stack([(mask.owner >= 0) | mask.road for mask in moment.masks])
            free.append(float(apart[~told].mean()))
            asked += [float(apart[told].mean())] if told.any() else []
    return {"diversity_free": mean_of([free]), "diversity_asked": mean_of([asked])}


def _sides(
    real: Path, generated: Path, network: Perception, protocol: Protocol
) -> tuple[tuple[list[SceneSeen], list[SceneSeen]], bool]:
    """Return both datasets as the network sees them; where they pair up, scene i of both is the same."""
    names = _paired_names(real, generated, protocol.version, protocol.generated_version, protocol.scenes)
    versions = (protocol.version, protocol.generated_version)
    if names[0]:
        both = [seen_scene(films, network) for films in _films((real, generated), names, versions)]
        return ([one for one, _ in both], [two for _, two in both]), True
    alone = []
    for dataset, version in zip((real, generated), versions):
        every = [clip.name for clip in clips_of(dataset, version=version)][: protocol.scenes]
        alone.append([seen_scene(films, network)[0] for films in _films((dataset,), (every,), (version,))])
    return (alone[0], alone[1]), False


def _paired_names(
    one: Path, two: Path, version_one: str | None, version_two: str | None, most: int | None
) -> tuple[list[str], list[str]]:
    pairs = paired(clips_of(one, version=version_one), clips_of(two, version=version_two))[:most]
    return [first.name for first, _ in pairs], [second.name for _, second in pairs]


def _films(
    datasets: Sequence[Path], names: Sequence[Sequence[str]], versions: Sequence[str | None]
) -> Iterator[tuple[Any, ...]]:
    """Yield the films of one scene after the other."""
    readers = [
        scenes_of(dataset, version=find_version(dataset, version), names=some)
        for dataset, some, version in zip(datasets, names, versions)
    ]
    yield from zip(*readers, strict=True)


@torch.inference_mode()
def seen_scene(films: Sequence[Any], network: Perception) -> list[SceneSeen]:
    """Return each film of one scene as the network sees it."""
    tallies: list[list[Tally]] = [[] for _ in films]
    diaries = [Diary() for _ in films]
    words: list[list[tuple[torch.Tensor, torch.Tensor]]] = [[] for _ in films]
    for frame, moment in enumerate(moments_of(films)):
        for film, pictures in enumerate(moment.pictures):
            percept = network(pictures)
            tallies[film].append(_counted(percept, moment))
            diaries[film].add(moment, film, frame=frame, features=percept.features.float().numpy())
            words[film].append((percept.weather.mean(dim=0), percept.light.mean(dim=0)))
    said = films[0].scene.ambience
    ambience = said.weather, said.light
    found = []
    for tally, diary, heard in zip(tallies, diaries, words):
        weather = int(torch.stack([one for one, _ in heard]).mean(dim=0).argmax())
        light = int(torch.stack([two for _, two in heard]).mean(dim=0).argmax())
        taken_for = list(Weather)[weather], list(Light)[light]
        found.append(SceneSeen(tally=Tally.total(tally), diary=diary, ambience=ambience, taken_for=taken_for))
    return found


def _mistaken(films: Sequence[SceneSeen]) -> dict[str, int]:
    """Count what was taken for what, the most frequent first."""
    wrong = [(*film.ambience, *film.taken_for) for film in films if film.taken_for != film.ambience]
    return {
        f"{weather}, {light} taken for {other}, {other_light}": count
        for (weather, light, other, other_light), count in Counter(wrong).most_common()
    }


def _counted(percept: Percept, moment: Moment) -> Tally:
    return tally_of(percept, moment.targets, distances_m=[mask.distance_m for mask in moment.masks])


def _lines(reals: Sequence[Tally], films: Sequence[Tally], are_paired: bool, protocol: Protocol) -> list[Line]:
    """Return every score of both sides with its ratio and the ratio's interval."""
    scores: dict[str, Callable[[Tally], float]] = {}
    for name in SETS:
        scores[name] = lambda tally, name=name: tally.iou(name)  # type: ignore[misc]
    for group in GROUPS:
        scores[f"{group}_objects"] = lambda tally, group=group: tally.average_precision(group)  # type: ignore[misc]
        for k, (near_m, far_m) in enumerate(BINS_M):
            key = f"{group}_{near_m:.0f}_{far_m:.0f}_m"
            scores[key] = lambda tally, group=group, k=k: tally.seen_at(group, k)  # type: ignore[misc]
    rng = np.random.default_rng(protocol.seed)
    drawn: dict[str, list[float]] = {key: [] for key in scores}
    for _ in range(protocol.resamples):
        chosen = rng.integers(len(reals), size=len(reals))
        others = chosen if are_paired else rng.integers(len(films), size=len(films))
        one, two = Tally.total([reals[i] for i in chosen]), Tally.total([films[i] for i in others])
        for key, score in scores.items():
            drawn[key].append(_ratio(score(two), score(one)))
    whole = Tally.total(reals), Tally.total(films)
    lines = []
    for key, score in scores.items():
        of_real, of_film = (score(side) for side in whole)
        known = [ratio for ratio in drawn[key] if not math.isnan(ratio)]
        low, high = np.quantile(known, [0.025, 0.975]) if known else (math.nan, math.nan)
        ratio = _ratio(of_film, of_real)
        lines.append(Line(key=key, real=of_real, generated=of_film, ratio=ratio, low=float(low), high=float(high)))
    return lines


def _ratio(generated: float, real: float) -> float:
    return generated / real if real > 0 else math.nan


def _both(
    reals: Sequence[SceneSeen], films: Sequence[SceneSeen], values: Callable[[SceneSeen], list[float]]
) -> tuple[float, float]:
    return mean_of([values(seen) for seen in reals]), mean_of([values(seen) for seen in films])


def _sayable(value: Any) -> Any:
    if isinstance(value, list):
        return [_sayable(one) for one in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Say what `python -m eval control` takes."""
    usual = Protocol()
    command.epilog = "example: python -m eval control data/held runs/film_modes-0123abcd/dataset --json control.json"
    command.add_argument("real", type=Path)
    command.add_argument("generated", type=Path)
    command.add_argument("--again", type=Path, help="the same scenes from another seed, for diversity")
    command.add_argument("--perception", type=Path, help="weights to look with (default: those that ship)")
    command.add_argument("--version", help="of the real dataset's tables (default: the only one)")
    command.add_argument("--generated-version", help="of the generated dataset's (default: the only one)")
    command.add_argument("--scenes", type=int, help="measure at most so many (default: all)")
    command.add_argument("--resamples", type=int, default=usual.resamples, help="for intervals (default: %(default)s)")
    command.add_argument("--json", type=Path, help="write the figures here as well")


def measure(chosen: argparse.Namespace) -> tuple[Control, bool]:
    """Measure control as the command line says."""
    protocol = Protocol(
        perception=chosen.perception,
        version=chosen.version,
        generated_version=chosen.generated_version,
        scenes=chosen.scenes,
        resamples=chosen.resamples,
    )
    found = control(chosen.real, chosen.generated, again=chosen.again, protocol=protocol)
    if chosen.json:
        write_figures(chosen.json, found.figures())
    return found, True
