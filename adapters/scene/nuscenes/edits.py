"""Changes to a recorded scene: actors taken away, shifted, added. Whoever is not named stays as recorded.

Every draw comes from the `rng` given, in the order drop → move → add and within each in the recipe's order, so
the same prompt seed edits the same scene in the same way.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Self

import numpy as np
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict, Field, model_validator

from adapters.scene.nuscenes.additions import Ways
from adapters.scene.nuscenes.clearance import Occupancy
from adapters.scene.nuscenes.looks import plausible_look
from datagen.scene import Actor, Category, Group, Look, Posture, Scene, Trajectory

TRIES = 40
"""How often a free place is looked for before an actor is left where it was, or out."""

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Channel = Annotated[float, Field(ge=0.0, le=1.0)]


class Edit(BaseModel):
    """Base of all edits: immutable, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Chosen(Edit):
    """Which actors an edit is about: those of `instances`, or a `share` of those of `categories`."""

    categories: tuple[Category, ...] = ()
    """Only these; empty means all."""
    share: Share = 1.0
    """Part of them, drawn at random; their number is rounded."""
    instances: tuple[str, ...] = ()
    """Instance tokens: exactly these actors, in the scenes where they are."""

    @model_validator(mode="after")
    def _one_way_to_choose(self) -> Self:
        if self.instances and (self.categories or self.share != 1.0):
            raise ValueError("choose by 'instances', or by 'categories' and 'share', not by both")
        return self

    def of(self, actors: Sequence[Actor], rng: np.random.Generator) -> frozenset[str]:
        """Return the ids of the chosen among `actors`."""
        if self.instances:
            return frozenset(self.instances) & {actor.id for actor in actors}
        ids = [actor.id for actor in actors if not self.categories or actor.category in self.categories]
        return frozenset(rng.permutation(ids)[: round(self.share * len(ids))].tolist()) if ids else frozenset()


class Drop(Chosen):
    """Take actors out of the scene."""


class Move(Chosen):
    """Shift actors with their whole track: vehicles and cycles ahead or back, everybody else anywhere near."""

    max_m: Annotated[float, Field(gt=0.0, le=50.0)]
    """The farthest a track is shifted."""


class Add(Edit):
    """Put new actors on free spots.

    Vehicles and cycles go on the centre line of lanes and follow it at `speed_mps`; people and animals go along
    walkways, where the map has some, else beside the road; objects stand just inside the kerb.
    """

    category: Category
    count: Annotated[int, Field(ge=1, le=200)] = 1
    kind: str | None = None
    """A kind of the category (van, taxi, lorry …); drawn at random if not given."""
    color_rgb: tuple[Channel, Channel, Channel] | None = None
    """Drawn at random if not given."""
    speed_mps: Annotated[float, Field(ge=0.0, le=40.0)] = 0.0
    """0 stands; vehicles that stand are parked."""
    within_m: Annotated[float, Field(gt=0.0, le=200.0)] = 40.0
    """How far from the ego's path at most, when the scene begins to show them."""

    @model_validator(mode="after")
    def _kind_is_one_of_the_category(self) -> Self:
        if self.kind is not None and self.kind not in self.category.kinds:
            raise ValueError(f"no kind '{self.kind}' of {self.category}; there are: {', '.join(self.category.kinds)}")
        if self.speed_mps and self.category.group is Group.OBJECT:
            raise ValueError(f"a {self.category} does not move by itself; leave speed_mps out")
        return self


def edited(
    scene: Scene,
    rng: np.random.Generator,
    *,
    drop: Sequence[Drop] = (),
    move: Sequence[Move] = (),
    add: Sequence[Add] = (),
) -> tuple[Scene, dict[str, str]]:
    """Return the scene with all edits made, and what was done in words ("edits" → …), if there were any."""
    if not (drop or move or add):
        return scene, {}
    done: list[str] = []
    actors = list(scene.actors)
    for take_out in drop:
        gone = take_out.of(actors, rng)
        actors = [actor for actor in actors if actor.id not in gone]
        done.append(f"dropped {len(gone)}")
    occupancy = Occupancy.of(replace(scene, actors=tuple(actors)))
    for shift in move:
        chosen = shift.of(actors, rng)
        moved = {actor.id: _moved(actor, shift, occupancy, rng=rng) for actor in actors if actor.id in chosen}
        actors = [moved.get(actor.id) or actor for actor in actors]
        done.append(f"moved {sum(actor is not None for actor in moved.values())} of {len(chosen)}")
    for number, put_in in enumerate(add):
        added = list(_added(scene, put_in, occupancy, prefix=f"added-{number}", rng=rng))
        actors += added
        done.append(f"added {len(added)} of {put_in.count} {put_in.category}")
    return replace(scene, actors=tuple(actors)), {"edits": "; ".join(done)}


def _moved(actor: Actor, edit: Move, occupancy: Occupancy, *, rng: np.random.Generator) -> Actor | None:
    """Return the actor with its whole track shifted to a free place, or None if none was found."""
    for _ in range(TRIES):
        offset = _offset(actor, edit.max_m, rng)
        shifted = replace(actor.trajectory, translation_m=actor.trajectory.translation_m + offset)
        if occupancy.is_free(shifted, actor.size_lwh_m, but=(actor.id,)):
            occupancy.put(actor.id, shifted, actor.size_lwh_m)
            return replace(actor, trajectory=shifted)
    return None


def _offset(actor: Actor, max_m: float, rng: np.random.Generator) -> Float[np.ndarray, "3"]:
    if actor.category.group in (Group.VEHICLE, Group.CYCLE):
        along, heading = rng.uniform(-max_m, max_m), actor.trajectory.yaw_rad[0]
    else:
        along, heading = max_m * np.sqrt(rng.uniform()), rng.uniform(-np.pi, np.pi)
    return np.array([along * np.cos(heading), along * np.sin(heading), 0.0])


def _added(scene: Scene, edit: Add, occupancy: Occupancy, *, prefix: str, rng: np.random.Generator) -> Iterator[Actor]:
    """Yield as many new actors as find a free place."""
    ways = Ways.near(scene, edit.category, within_m=edit.within_m)
    for number in range(edit.count):
        name = f"{prefix}-{number}"
        look = _look(name, edit, rng)
        trajectory = _free_track(ways, edit, occupancy, rng=rng)
        if trajectory is None:
            return
        occupancy.put(name, trajectory, edit.category.typical_size_lwh_m)
        standing_vehicle = edit.category.group is Group.VEHICLE and edit.speed_mps == 0.0
        yield Actor(
            id=name,
            category=edit.category,
            size_lwh_m=edit.category.typical_size_lwh_m,
            trajectory=trajectory,
            look=look,
            posture=Posture.PARKED if standing_vehicle else Posture.ACTIVE,
            event=True,
        )


def _free_track(ways: Ways, edit: Add, occupancy: Occupancy, *, rng: np.random.Generator) -> Trajectory | None:
    size = edit.category.typical_size_lwh_m
    turn_rad = math.pi / 2 if edit.category.group is Group.OBJECT else 0.0  # objects face the road
    for _ in range(TRIES):
        track = ways.track(
            speed_mps=edit.speed_mps, height_m=size[2], within_m=edit.within_m, turn_rad=turn_rad, rng=rng
        )
        if track is not None and occupancy.is_free(track, size):
            return track
    return None


def _look(name: str, edit: Add, rng: np.random.Generator) -> Look:
    drawn = plausible_look(
        f"{name}-{rng.integers(1 << 32)}", edit.category, size_lwh_m=edit.category.typical_size_lwh_m
    )
    kind = edit.kind or str(rng.choice(edit.category.kinds))
    return Look(color_rgb=edit.color_rgb or drawn.color_rgb, kind=kind)
