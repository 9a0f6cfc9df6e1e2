"""What decides where a vehicle that goes the ego's way starts, and the answer: a place relative to the ego."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from datagen.scene import EGO_SIZE_LWH_M, Lane
from datagen.scene.plan import Manoeuvre, PlanActor
from datagen.traffic.cast.scripting import start_of_s
from datagen.traffic.junction import EGO_FRONT_M
from datagen.traffic.limits import rear_axle_m
from datagen.traffic.role import Body
from datagen.traffic.setting import Setting

EGO_TAIL_M = EGO_SIZE_LWH_M[0] / 2 - 1.368
"""From the ego's rear axle back to its rear bumper."""
TAILGATE_GAP_M = 3.5
CROSSING_HALF_M = 3.5
"""From the middle of a crossing to whoever stands at it."""
COMES_IN = ("cut_in", "merge")


@dataclass(frozen=True, kw_only=True)
class Start:
    """Where an actor is relative to the ego at time `at_s`: its rear axle `ahead_m` of the ego's, along the road."""

    lane: Lane
    ahead_m: float
    at_s: float
    speed_mps: float
    offset_m: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Casting:
    """All that decides where somebody starts. order: among several alike."""

    actor: PlanActor
    body: Body
    setting: Setting
    order: int
    rng: np.random.Generator

    @property
    def onward_m(self) -> float:
        """How much further ahead than the first of several alike it is."""
        return self.order * (self.body.size_lwh_m[0] + 5.0)

    @property
    def tail_m(self) -> float:
        """From the rear axle back to the rear bumper."""
        return self.body.size_lwh_m[0] / 2 - rear_axle_m(self.body.size_lwh_m[0])

    @property
    def nose_m(self) -> float:
        """From the rear axle to the front bumper."""
        return self.body.size_lwh_m[0] / 2 + rear_axle_m(self.body.size_lwh_m[0])

    @property
    def said_mps(self) -> float | None:
        """The speed it was said to drive at before it does anything else."""
        steady = (m.speed_mps for m in self.actor.manoeuvres if m.do in ("keep_lane", "constant_speed"))
        return next((speed for speed in steady if speed is not None), None)

    def gap_m(self, act: Manoeuvre) -> float | None:
        """The gap that was said."""
        first = self.actor.manoeuvres[0] if self.actor.manoeuvres else act
        return act.gap_m or first.gap_m or act.when_gap_below_m or self.actor.gap_m

    def ahead(self, gap_m: float) -> float:
        """Return how far its rear axle is ahead of the ego's when its rear bumper is `gap_m` ahead of the ego."""
        return EGO_FRONT_M + gap_m + self.tail_m + self.onward_m

    @property
    def taken_m(self) -> float:
        """How much of the ego's lane ahead of it is for those who are named before and come there too."""
        room = 0.0
        for other in self.setting.plan.actors:
            if other is self.actor:
                break
            if other.where != "behind" and any(act.do in COMES_IN for act in other.manoeuvres):
                room += other.count * (other.category.typical_size_lwh_m[0] + 5.0)
        return room

    def begins_s(self, act: Manoeuvre) -> float:
        """Return when one of its manoeuvres begins."""
        return start_of_s(
            self.actor.manoeuvres, act, body=self.body, setting=self.setting, speed_mps=self.setting.speed_mps
        )
