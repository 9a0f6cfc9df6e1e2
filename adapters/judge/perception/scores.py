"""All that is seen of a clip in a handful of scores, and what they mean for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from adapters.judge.perception import Bounds, boxes, order
from adapters.judge.perception.sight import Sight
from datagen.ports import Verdict
from datagen.scene import Light, Scene, Weather

AT_MOST = frozenset({"ghost"})
"""Scores that may not be above their bound; the others may not be below."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """Scores by the names of `Bounds` (what cannot be told is left out), words to some of them, and trust by box."""

    scores: Mapping[str, float]
    words: Mapping[str, str]
    trust: Mapping[tuple[str, int], float]


def found_in(sight: Sight, scene: Scene) -> Found:
    """Score a clip. The scene is that of its labels."""
    views = [view for moment in sight.moments for view in moment]
    seen = [one for view in views for one in boxes.sightings(view)]
    ghosts = [boxes.largest_ghost(view) for view in views]
    worst = boxes.worst_track(seen)
    largest = max(ghosts, key=lambda ghost: ghost.pixels)
    ambience = scene.ambience
    scores = {
        "placed": boxes.mean_placed(seen),
        "missing": worst and worst[1],
        "ghost": boxes.lasting_ghost(ghosts),
        "views": order.views_in_place(sight),
        "frames": order.frames_in_order(sight),
        "overlap": order.overlap(sight),
        "steady": order.steadiness(sight),
        "light": float(sight.light[list(Light).index(ambience.light)]),
        "weather": float(sight.weather[list(Weather).index(ambience.weather)]),
    }
    words = {
        "placed": "labels do not lie on what the pictures show",
        "missing": f"no picture shows {_named(scene, worst[0]) if worst else 'it'}",
        "ghost": f"an unlabelled vehicle is shown, as in {largest.channel} frame {largest.frame}",
        "views": "views look like those of other cameras",
        "frames": "frames look like those of other moments",
        "overlap": "neighbouring views do not agree",
        "steady": "consecutive frames do not agree",
        "light": f"it does not look like {ambience.light}; rather {list(Light)[int(sight.light.argmax())]}",
        "weather": f"it does not look like {ambience.weather}; rather {list(Weather)[int(sight.weather.argmax())]}",
    }
    known = {name: score for name, score in scores.items() if score is not None}
    return Found(scores=known, words=words, trust=boxes.trust_of(seen, scene.actors))


def complaints(found: Found, bounds: Bounds) -> dict[str, str]:
    """Return score → what to say of it, for all that are beyond their bound."""
    said = {}
    for name, bound in bounds.model_dump().items():
        score = found.scores.get(name)
        if bound is None or score is None:
            continue
        if score > bound if name in AT_MOST else score < bound:
            asked = "at most" if name in AT_MOST else "at least"
            said[name] = f"{found.words[name]} (judge.{name} is {score:.3g}, {asked} {bound:.3g} is asked)"
    return said


def verdict_of(sight: Sight, scene: Scene, *, bounds: Bounds) -> Verdict:
    """Score a clip and hold the scores against their bounds."""
    found = found_in(sight, scene)
    return Verdict(scores=found.scores, complaints=tuple(complaints(found, bounds).values()), trust=found.trust)


def _named(scene: Scene, actor: int) -> str:
    one = scene.actors[actor]
    return f"the {one.category} '{one.id}'"
