"""Everybody in a scene before it moves: what it is, and what it wants or where it walks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from datagen.scene import Category, Look, Posture
from datagen.scene.plan import Manoeuvre
from datagen.traffic.limits import drives, limits_of
from datagen.traffic.looks import look_of, size_of, usual_kind
from datagen.traffic.motion import Driver
from datagen.traffic.people import Walk
from datagen.traffic.route import Route
from datagen.traffic.script import Cue, Script


@dataclass(frozen=True, kw_only=True)
class Body:
    """What somebody is, whatever he does."""

    id: str
    category: Category
    size_lwh_m: tuple[float, float, float]
    look: Look


@dataclass(frozen=True, kw_only=True)
class Role:
    """Somebody with something to do: either a `driver`, or on a scripted `walk` (which may be standing).

    acts: what the prompt asked of it, to be checked afterwards.  in_the_way: whether vehicles look out for a walk.
    crossing: of somebody who waits for a gap, his walk if he sets off at a time.
    """

    body: Body
    driver: Driver | None = None
    walk: Walk | None = None
    posture: Posture = Posture.ACTIVE
    acts: tuple[Manoeuvre, ...] = ()
    event: bool = False
    in_the_way: bool = field(default=False)
    crossing: Callable[[float], Walk] | None = None


def body_of(name: str, category: Category, *, kind: str | None, color: str | None, rng: np.random.Generator) -> Body:
    """Return a body of a category; a kind or colour that was not said is drawn."""
    if kind is None or kind not in category.kinds:
        kind = usual_kind(category, rng=rng)
    look = look_of(category, kind, color=color, rng=rng)
    return Body(id=name, category=category, size_lwh_m=size_of(category, look.kind, rng=rng), look=look)


def driver_of(
    body: Body, route: Route, script: Script, *, s_m: float, speed_mps: float, headway_s: float = 1.1,
    cues: tuple[Cue, ...] = (), side_room_m: float = 0.35,
) -> Driver:  # fmt: skip
    """Return the driver of a body; `s_m` is its rear axle's place and `speed_mps` its speed at the first step."""
    return Driver(
        id=body.id,
        category=body.category,
        size_lwh_m=body.size_lwh_m,
        route=route,
        s_m=s_m,
        d_m=float(script.offset_m[0]),
        speed_mps=min(speed_mps, limits_of(body.category).top_mps) if drives(body.category) else speed_mps,
        script=script,
        cues=cues,
        headway_s=headway_s,
        side_room_m=side_room_m,
    )
