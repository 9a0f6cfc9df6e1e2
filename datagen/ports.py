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
| exporter  | Exporter      | `export.use`                     |
| viewer    | Viewer        | `datagen view`                   |
| trainer   | Trainer       | `datagen train WORD RECIPE`      |
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

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
    """

    id: str
    prompt: Prompt
    workdir: Path
    plan: Plan | None = None
    scene: Scene | None = None
    clip: Clip | None = None
    labels: tuple[Label, ...] | None = None
    notes: dict[str, str] = field(default_factory=dict)

    def with_note(self, key: str, value: str) -> Take:
        """Return the take with one more remark for the ledger."""
        return replace(self, notes={**self.notes, key: value})


class SceneSource(Protocol):
    """Where scenes come from: a log, a traffic simulator, or words."""

    needs_text: bool
    """Whether a prompt without words is a mistake in the recipe."""

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


class MapMaker(Protocol):
    """A scene without a road to the road that makes it lawful."""

    def open(self) -> None:
        """Load the model."""

    def draw(self, scene: Scene, *, plan: Plan, rng: np.random.Generator) -> HDMap | Dropped:
        """Return the map for a scene whose own map holds no more than the reference lanes it was driven on."""
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
    """(width, height) it films in; the shots it gets have cameras of this size."""

    def open(self) -> None:
        """Load the model."""

    def film(self, shots: Sequence[Shot]) -> Iterator[Frame]:
        """Yield every frame of every camera of every shot, in any order."""
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

    def merge(self, fragments: Sequence[Path], dataset: Path) -> None:
        """Make one dataset of fragments, in the order given; replaces what `dataset` held."""


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
