"""What we ask of the outside, as protocols.

Every adapter is a file `adapters/<port>/<word>.py` (or a folder of the same word) with a docstring, a strict
pydantic model `Settings`, whose fields are the recipe's keys beside `use:`, and `build(settings)`, which
returns an object that satisfies the port's protocol here. `build` is cheap; what is heavy waits for `open`.

| port      | protocol      | asked by                         |
|-----------|---------------|----------------------------------|
| scene     | SceneSource   | `scene.use`                      |
| planner   | Planner       | `scene.planner.use` (prompt)     |
| mapmaker  | MapMaker      | `scene.map.use` (prompt)         |
| video     | VideoModel    | `film.use`                       |
| judge     | Judge         | `judge.use`                      |
| exporter  | Exporter      | `export.use`                     |
| viewer    | Viewer        | `datagen view`                   |
| trainer   | Trainer       | `datagen train WORD RECIPE`      |
| detector  | Detector      | `detector.use` (eval gain)       |
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from datagen.scene import Clip, HDMap, Label, Prompt, Scene, Shot
from datagen.scene.plan import Plan

In = TypeVar("In", contravariant=True)
Out = TypeVar("Out", covariant=True)


@dataclass(frozen=True)
class PortRef:
    """Marks a settings field that chooses an adapter of another port by `use:`.

    `planner: Annotated[dict[str, Any], PortRef("planner")] = {"use": "rules"}`: the recipe loader checks what
    stands under it against that adapter's own Settings. Fields of type `Path` are resolved against the
    recipe's folder by the loader.
    """

    port: str


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What one worker of a stage holds while it lives. gpus may be a fraction, and is 0 on machines without."""

    cpus: float = 1.0
    gpus: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """An item that is let go on purpose, with the reason a person reads in the ledger."""

    reason: str


@runtime_checkable
class Stage(Protocol[In, Out]):
    """One step of the work. Cheap to construct and picklable; `open() → run(batch)* → close()`.

    run: returns one result for each item, in order; raising means that the whole batch failed,
        in which case the engine tries the items one by one, so that one poisonous item harms no other.
    """

    name: str
    resources: Resources
    batch_size: int

    def open(self) -> None:
        """Load what is heavy; called once in the worker, before the first batch."""

    def run(self, batch: Sequence[In]) -> Sequence[Out | Dropped]:
        """Work on a batch."""
        ...

    def close(self) -> None:
        """Let go of what `open` took."""


@dataclass(frozen=True, kw_only=True)
class Take:
    """A clip in the making: it only ever gains. Everything in it is small or a path.

    id: hash of everything that decides the clip's content.  workdir: where this attempt may write.
    film: which film of it this is; from 1 on it is filmed again, from another seed.
    """

    id: str
    prompt: Prompt
    workdir: Path
    plan: Plan | None = None
    scene: Scene | None = None
    clip: Clip | None = None
    labels: tuple[Label, ...] | None = None
    film: int = 0
    notes: dict[str, str] = field(default_factory=dict)

    def with_note(self, key: str, value: str) -> Take:
        """Return the take with one more remark for the ledger."""
        return replace(self, notes={**self.notes, key: value})


class SceneSource(Protocol):
    """Where scenes come from: a log, a traffic simulator, or words."""

    needs_text: bool
    """Whether a prompt without words is a mistake in the recipe."""

    def fingerprint(self) -> str:
        """Return a hash of what decides its scenes beside its settings and the code, as `VideoModel` does."""
        ...

    def count(self) -> int | None:
        """How many scenes there are, or None if there is no end. Raises InputError when there is nothing to read."""

    def stages(self) -> Sequence[Stage[Take, Take]]:
        """The stages that turn a take with a prompt into a take with a scene, in order."""
        ...


class Planner(Protocol):
    """Words to a plan."""

    def open(self) -> None:
        """Load the model."""

    def plan(self, prompts: Sequence[Prompt]) -> Sequence[Plan | Dropped]:
        """Fill one form per prompt."""
        ...

    def notes(self, prompt: Prompt) -> dict[str, str]:
        """Return remarks for the ledger on how the latest plan of a prompt came about: tokens, cost; or none."""
        ...


class MapMaker(Protocol):
    """Before traffic, a road to drive on; after it, the whole map around what was driven."""

    def fingerprint(self) -> str:
        """Return a hash of what decides its maps beside its settings and the code, as `VideoModel` does."""
        ...

    def roads(self, plan: Plan, *, duration_s: float, rng: np.random.Generator) -> Iterator[HDMap]:
        """Yield roads to try a plan on, until it happens on one: lanes, crossings, parking strips and junctions.

        Needs no `open`: whoever drives on roads does not draw them.
        """
        ...

    def open(self) -> None:
        """Load the model."""

    def draw(self, scene: Scene, *, plan: Plan, rng: np.random.Generator) -> HDMap | Dropped:
        """Return the map for a scene whose own map is one of `roads`."""
        ...


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One picture of one shot: RGB."""

    shot: int
    frame: int
    channel: str
    image: UInt8[np.ndarray, "height width 3"]


class VideoModel(Protocol):
    """Shots to pictures."""

    picture_size_px: tuple[int, int]
    """(width, height) it films in; the shots it gets have cameras of this size. Known once it is open."""
    resources: Resources
    """What one worker that films with it holds."""
    batch_size: int
    """How many shots it is best given at a time."""

    def fingerprint(self) -> str:
        """Return a hash of what decides its pictures beside its settings and the code: its weights; "" if it has none.

        Raises InputError when they are missing or are none of its own.
        """
        ...

    def open(self) -> None:
        """Load the model."""

    def film(self, shots: Sequence[Shot]) -> Iterator[Frame]:
        """Yield every frame of every camera of every shot, in any order."""
        ...


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a judge makes of a clip.

    scores: what the ledger shall say, by name.  complaints: why the clip is not to be kept; none to keep it.
    trust: (actor, frame) → from 0, the picture does not show what this label says, to 1; who cannot be judged is left
        out.
    """

    scores: Mapping[str, float] = field(default_factory=dict)
    complaints: tuple[str, ...] = ()
    trust: Mapping[tuple[str, int], float] = field(default_factory=dict)


class Judge(Protocol):
    """Does a clip show what its labels say?"""

    resources: Resources
    """What one worker that judges with it holds."""
    films: int
    """How often a clip may be filmed, each time from another seed, before it is dropped; 1 for once."""

    def fingerprint(self) -> str:
        """Return a hash of what decides its verdicts beside its settings and the code, as `VideoModel` does."""
        ...

    def open(self) -> None:
        """Load the network, if it has one."""

    def judge(self, clip: Clip, *, labels: Sequence[Label]) -> Verdict:
        """Look at a clip's pictures; `labels` are all of its key frames'."""
        ...


class Exporter(Protocol):
    """Clips to a dataset."""

    jpeg_quality: int
    """1 to 95, of every picture."""
    full_size: bool
    """Store pictures at the rig's own size, enlarging what the film model made, instead of at the film's."""

    def write_fragment(self, clip: Clip, *, labels: Sequence[Label], folder: Path) -> None:
        """Write one clip's share of the dataset into `folder`, which is empty.

        Both `folder` and `clip.folder` lie under the take's workdir, which is renamed as a whole before the
        merge: a fragment refers to the clip's files relative to itself.
        """

    def merge(self, fragments: Sequence[Path], dataset: Path, *, about: Mapping[str, str] | None = None) -> None:
        """Make one dataset of fragments, in the order given; replaces what `dataset` held.

        about: what a reader of the dataset shall be told of the run: name, recipe, film, weights, code_version.
        """


class Viewer(Protocol):
    """A finished run to something a person looks at."""

    def show(self, run: Path) -> Path:
        """Write the view and return the file to open."""
        ...


class Trainer(Protocol):
    """A training recipe to weights. The adapter's Settings are the recipe's keys."""

    def train(self, out: Path, *, stop_after: int | None = None) -> Path:
        """Train, or go on training what lies in `out`; return the weights' path.

        stop_after: stop once so many steps are done in all, so that a long training fits into short sessions.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Portion:
    """A split of a dataset that a detector is trained on or looks at.

    weight: how often each of its samples is drawn, against 1 of other portions'.
    synthetic: whether it is what a mixing schedule mixes in.
    skip_missing: leave samples out whose sensor files are missing, instead of refusing.
    """

    root: Path
    version: str
    split: str
    weight: float = 1.0
    synthetic: bool = False
    skip_missing: bool = False


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What a detector is trained on, for how long, and what it is looked at on the way.

    batch_size: what the detector counts (pictures, or sweeps) in one iteration; None for its own.
    evaluate_every: iterations; None for once, at the end.
    mix: (progress from 0 to 1, synthetic samples for each real one), straight lines between; empty for weights alone.
    trust: boxes the judge distrusts are dropped (below `trust_threshold`), or weighed by their trust.
    rival: the curve of another arm, to tell the difference from on the way.
    weights: of an earlier lesson, to begin from; None for those the detector's settings name, if any.
    rate: of learning, as a share of the detector's own.
    """

    name: str
    portions: tuple[Portion, ...]
    validation: Portion
    iterations: int
    seed: int
    batch_size: int | None = None
    evaluate_every: int | None = None
    mix: tuple[tuple[float, float], ...] = ()
    trust: Literal["drop", "weigh"] | None = None
    trust_threshold: float = 0.5
    rival: Path | None = None
    weights: Path | None = None
    rate: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Learned:
    """What came of a lesson, as it was counted, not as it was asked for.

    curve: of each evaluation on the way, its iteration and numbers.  seconds: by the device they were spent on.
    """

    weights: Path
    iterations: int
    batch_size: int
    curve: tuple[Mapping[str, Any], ...]
    seconds: Mapping[str, float]


class Detector(Protocol):
    """A perception network that is trained on datasets and looks at others."""

    resources: Resources
    """Of one training."""

    def learn(self, lesson: Lesson, folder: Path) -> Learned:
        """Train, or go on training what lies in `folder`. The same lesson gives the same weights on a CPU."""
        ...

    def look(self, portion: Portion, weights: Path) -> Mapping[str, list[dict[str, Any]]]:
        """Return sample token → boxes, in the submission format of nuScenes' detection task."""
        ...
