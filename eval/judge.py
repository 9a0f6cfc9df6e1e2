"""How good is a judge? It must pass real clips with true labels, and catch clips that were broken on purpose.

    python -m eval judge DATASET --judge perception --json figures.json

Every scene is cut into excerpts of 8 key frames. Each is judged as it is and once for each kind of breakage that it
allows (see `breakages`). Bounds are never chosen on what they are measured with: `--choose` prints those that all but
one in a hundred excerpts of a dataset keep, for a measurement on another one.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from datagen import plugins
from datagen.digest import file_sha256
from datagen.ports import Judge, Verdict
from datagen.recipe import derive_seed
from eval.breakages import BREAKAGES, masks_of
from eval.clips import clips_of, find_version
from eval.excerpts import Excerpt, excerpts_of
from eval.sights import scenes_of
from eval.tables import table, write_figures

PASSED, CAUGHT = 0.98, 0.90
"""What is asked: of the true ones, and of each kind of breakage."""
TRUE = "true"
QUANTILE = 0.01


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """How a judge is measured. settings: the judge's, beside `use`.  scenes: names; all by default."""

    use: str = "perception"
    settings: tuple[tuple[str, Any], ...] = ()
    version: str | None = None
    scenes: tuple[str, ...] = ()
    kinds: tuple[str, ...] = tuple(BREAKAGES)
    keyframes: int = 8
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Case:
    """One excerpt as it is (kind `true`) or broken, and what the judge said. seconds: of one processor."""

    excerpt: str
    kind: str
    scores: Mapping[str, float]
    complaints: tuple[str, ...]
    seconds: float

    @property
    def caught(self) -> bool:
        """Whether the judge would not keep it."""
        return bool(self.complaints)


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """All cases."""

    protocol: Mapping[str, Any]
    cases: tuple[Case, ...]

    def share_caught(self, kind: str) -> tuple[int, int]:
        """Return how many of a kind were caught, of how many."""
        some = [case for case in self.cases if case.kind == kind]
        return sum(case.caught for case in some), len(some)

    @property
    def is_good(self) -> bool:
        """Whether the true ones pass and each kind of breakage that occurs is caught as often as is asked."""
        caught, every = self.share_caught(TRUE)
        broken = [self.share_caught(kind) for kind in self._kinds() if kind != TRUE]
        return caught <= (1 - PASSED) * every and all(some >= CAUGHT * count for some, count in broken)

    def _kinds(self) -> list[str]:
        return [kind for kind in (TRUE, *BREAKAGES) if any(case.kind == kind for case in self.cases)]

    def bounds(self) -> dict[str, tuple[float, float]]:
        """Return for each score which value one in a hundred of the true excerpts is below, and above."""
        names = sorted({name for case in self.cases for name in case.scores})
        found = {}
        for name in names:
            values = [case.scores[name] for case in self.cases if case.kind == TRUE and name in case.scores]
            low, high = np.quantile(values, [QUANTILE, 1 - QUANTILE])
            found[name] = (float(low), float(high))
        return found

    def figures(self) -> dict[str, Any]:
        """Return every figure by key, and every case."""
        return {
            "protocol": dict(self.protocol),
            **{f"caught_{kind}": list(self.share_caught(kind)) for kind in self._kinds()},
            "cases": [
                {
                    "excerpt": case.excerpt,
                    "kind": case.kind,
                    "scores": dict(case.scores),
                    "complaints": list(case.complaints),
                    "seconds": case.seconds,
                }
                for case in self.cases
            ],
        }

    def __str__(self) -> str:
        rows = []
        for kind in self._kinds():
            caught, count = self.share_caught(kind)
            said: Counter[str] = Counter()
            for case in self.cases:
                if case.kind == kind:
                    said.update(_name(complaint) for complaint in case.complaints)
            by = ", ".join(f"{name} {times}" for name, times in said.most_common(4))
            good = f"{1 - caught / count:.1%} passed" if kind == TRUE else f"{caught / count:.1%} caught"
            rows.append((kind, str(count), good, by or "–"))
        seconds = float(np.mean([case.seconds for case in self.cases if case.kind == TRUE]))
        lines = [f"{key:<18} {value}" for key, value in self.protocol.items()]
        lines += ["", table(("kind", "excerpts", "", "what was said"), rows)]
        lines += ["", f"{seconds:.1f} processor seconds an excerpt"]
        return "\n".join(lines)


def calibrate(dataset: Path, *, protocol: Protocol) -> Calibration:
    """Judge a dataset's excerpts, true and broken. Raises DatasetError or LogError when it does not load."""
    judge: Judge = plugins.build("judge", {"use": protocol.use, **dict(protocol.settings)})
    judge.open()
    version = find_version(dataset, protocol.version)
    names = protocol.scenes or tuple(clip.name for clip in clips_of(dataset, version=version))
    cases: list[Case] = []
    with tempfile.TemporaryDirectory(prefix="datagen-judge-") as folder:
        for film in tqdm(scenes_of(dataset, version=version, names=names), total=len(names), unit="scene"):
            for excerpt in excerpts_of(film, keyframes=protocol.keyframes, folder=Path(folder)):
                cases += _judged(excerpt, judge, folder=Path(folder), protocol=protocol)
    said = {
        "dataset": f"{dataset} {version}, {len(names)} scenes",
        "excerpts": f"{protocol.keyframes} key frames each",
        "judge": {"use": protocol.use, **{key: str(value) for key, value in protocol.settings}},
        "weights_sha256": judge.fingerprint(),
        "tables_sha256": file_sha256(dataset / version / "sample_annotation.json"),
        "seed": protocol.seed,
    }
    return Calibration(protocol=said, cases=tuple(cases))


def _judged(excerpt: Excerpt, judge: Judge, *, folder: Path, protocol: Protocol) -> Iterator[Case]:
    yield _case(excerpt, judge, kind=TRUE)
    masks = masks_of(excerpt.clip) if protocol.kinds else ()
    for kind in protocol.kinds:
        rng = np.random.default_rng(derive_seed(protocol.seed, excerpt.clip.id, kind))
        broken = BREAKAGES[kind](excerpt, masks, folder / f"{excerpt.clip.id}-{kind}", rng)
        if broken is not None:
            yield _case(broken, judge, kind=kind)


def _case(excerpt: Excerpt, judge: Judge, *, kind: str) -> Case:
    start = time.process_time()
    verdict: Verdict = judge.judge(excerpt.clip, labels=excerpt.labels)
    return Case(
        excerpt=excerpt.clip.id,
        kind=kind,
        scores=verdict.scores,
        complaints=verdict.complaints,
        seconds=time.process_time() - start,
    )


def _name(complaint: str) -> str:
    """Return the score that a complaint is about, or what it begins with."""
    before, found, after = complaint.partition("(judge.")
    return after.split(" ")[0] if found else before.split(":")[0]


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Say what `python -m eval judge` takes."""
    usual = Protocol()
    command.epilog = "example: python -m eval judge runs/playground-0123abcd/dataset --scenes scene-2181 scene-2182"
    command.add_argument("dataset", type=Path, help="pictures that show what their labels say; not what bounds are of")
    command.add_argument("--judge", default=usual.use, help="its word (default: %(default)s)")
    command.add_argument("--weights", type=Path, help="of the judge's network (default: those that ship)")
    command.add_argument("--version", help="of the dataset's tables (default: the only one)")
    command.add_argument("--scenes", nargs="+", default=[], help="names (default: all)")
    command.add_argument("--kinds", nargs="*", choices=list(BREAKAGES), default=list(BREAKAGES), help="of breakages")
    command.add_argument("--keyframes", type=int, default=usual.keyframes, help="of an excerpt (default: %(default)s)")
    command.add_argument("--choose", action="store_true", help="print the bounds that true excerpts keep, too")
    command.add_argument("--json", type=Path, help="write the figures here as well")


def measure(chosen: argparse.Namespace) -> tuple[str, bool]:
    """Measure a judge as the command line says."""
    protocol = Protocol(
        use=chosen.judge,
        settings=(("weights", chosen.weights),) if chosen.weights else (),
        version=chosen.version,
        scenes=tuple(chosen.scenes),
        kinds=tuple(chosen.kinds),
        keyframes=chosen.keyframes,
    )
    found = calibrate(chosen.dataset, protocol=protocol)
    if chosen.json:
        write_figures(chosen.json, found.figures())
    chosen_bounds = _said(found.bounds()) if chosen.choose else ()
    return "\n".join([str(found), *chosen_bounds]), found.is_good


def _said(bounds: Mapping[str, tuple[float, float]]) -> Sequence[str]:
    rows = [(name, f"{low:.4f}", f"{high:.4f}") for name, (low, high) in bounds.items()]
    return ["", table(("score", "99 % of the true are above", "99 % are below"), rows)]
