"""One prompt without a run: its plan, a scene in which it happens, and what the gates said on the way there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML

from datagen import plugins
from datagen.birdseye import captions_of, write_animation
from datagen.errors import ClipError, InputError
from datagen.ports import Dropped, Planner, Take
from datagen.recipe import derive_seed
from datagen.scene import Prompt, Scene
from datagen.scene.mirror import as_on, right_handed
from datagen.scene.plan import Manoeuvre, Plan, PlanActor
from datagen.stages import MapStage, laid_road, rng_for
from datagen.traffic.route import Network
from datagen.traffic.simulate import compose, gate, too_short


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One draw of a scene: the reasons why it may not be kept, none if it may."""

    reasons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Staged:
    """What became of a plan: every attempt, and the scene of the one that passed."""

    attempts: tuple[Attempt, ...]
    scene: Scene | None


def planner_of(word: str, overrides: Sequence[str] = ()) -> Planner:
    """Build the planner of that word with `key=value` settings. Raises InputError for a word or setting it lacks."""
    said: dict[str, Any] = {}
    for given in overrides:
        key, equals, value = given.partition("=")
        if not equals:
            raise InputError(f"--set {given}: write KEY=VALUE")
        said[key] = YAML(typ="safe", pure=True).load(value)
    try:
        planner: Planner = plugins.build("planner", {"use": word, **said})
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise InputError(f"planner {word}: {problems}") from error
    return planner


def plan_text(text: str, *, planner: Planner, seed: int, duration_s: float) -> tuple[Prompt, Plan, dict[str, str]]:
    """Return a text as a prompt, its plan, and the planner's remarks. Raises ClipError if there is no plan."""
    prompt = Prompt(id="preview", index=0, text=text, seed=derive_seed(seed, "preview"), duration_s=duration_s)
    planner.open()
    (plan,) = planner.plan([prompt])
    if isinstance(plan, Dropped):
        raise ClipError(plan.reason)
    return prompt, plan, planner.notes(prompt)


def stage(prompt: Prompt, plan: Plan, *, density: float = 1.0, redraws: int = 8) -> Staged:
    """Draw scenes as a run would, until one passes the gates, and lay the whole road around it."""
    short = too_short(plan, duration_s=prompt.duration_s)
    if short is not None:
        return Staged(attempts=(Attempt(reasons=(short,)),), scene=None)
    rng = rng_for(prompt, "simulate")
    road = laid_road(plan, duration_s=prompt.duration_s, rng=rng)
    wish, seen = right_handed(plan, road)
    network, attempts = Network(seen), []
    for _ in range(redraws + 1):
        drawn = compose(wish, prompt=prompt, network=network, density=density, rng=rng)
        if isinstance(drawn, Dropped):
            attempts.append(Attempt(reasons=(drawn.reason,)))
            continue
        scene, event = drawn
        reasons = gate(scene, event, network=network, duration_s=prompt.duration_s)
        attempts.append(Attempt(reasons=tuple(reasons)))
        if not reasons:
            return Staged(attempts=tuple(attempts), scene=_with_map(prompt, plan, as_on(road, scene)))
    return Staged(attempts=tuple(attempts), scene=None)


def animate(plan: Plan, scene: Scene, path: Path, *, duration_s: float) -> None:
    """Write the scene as an animation with the event marked."""
    deeds = [[manoeuvre.do for manoeuvre in actor.manoeuvres] for actor in plan.actors]
    write_animation(scene, path, captions=captions_of(scene, deeds), duration_s=duration_s)


def _with_map(prompt: Prompt, plan: Plan, scene: Scene) -> Scene:
    stage = MapStage(plugins.build("mapmaker", {"use": "straight"}))
    stage.open()
    (take,) = stage.run([Take(id="preview", prompt=prompt, workdir=Path(), plan=plan, scene=scene)])
    return scene if isinstance(take, Dropped) or take.scene is None else take.scene


def described(plan: Plan) -> list[str]:
    """Return a plan in lines for people."""
    road = plan.road
    wishes = [f"{road.lanes} lanes per direction", f"bends {road.curve}" if road.curve else ""]
    wishes += ["crossing" if road.crossing else "", "junction" if road.junction else ""]
    wishes += ["slip road" if road.ramp else "", "left-hand traffic" if road.drive_on == "left" else ""]
    lines = [
        f"scene    {plan.ambience.weather}, {plan.ambience.light}, {plan.ambience.place}; traffic {plan.density}",
        f"road     {', '.join(filter(None, wishes))}",
    ]
    if plan.ego:
        lines.append(f"ego      {_acts(plan.ego)}")
    lines += [f"actor    {_who(actor)}: {_acts(actor.manoeuvres)}" for actor in plan.actors]
    lines += [f"left out {thing}" for thing in plan.left_out]
    return lines


def _who(actor: PlanActor) -> str:
    name = actor.category.value if actor.kind == "plain" else f"{actor.category.value} ({actor.kind})"
    said = [f"{actor.count} ×" if actor.count > 1 else "", actor.color or "", name, actor.where or ""]
    said += [f"{actor.lane} lane" if actor.lane else "", f"{actor.gap_m:g} m away" if actor.gap_m else ""]
    return " ".join(filter(None, [*said, actor.state or ""])).replace("_", " ")


def _acts(manoeuvres: tuple[Manoeuvre, ...]) -> str:
    return ", then ".join(map(_act, manoeuvres)) or "as it likes"


def _act(act: Manoeuvre) -> str:
    said = [act.do.replace("_", " "), act.side or "", "hard" if act.hard else ""]
    for value, words in (
        (act.speed_mps, "to {:.3g} m/s"),
        (act.gap_m, "{:.3g} m from the ego"),
        (act.at_s, "at {:.3g} s"),
        (act.when_gap_below_m, "once nearer than {:.3g} m"),
        (act.when_ego_at_m, "once the ego has driven {:.3g} m"),
        (act.takes_s, "for {:.3g} s"),
    ):
        said += [words.format(value)] if value is not None else []
    return " ".join(filter(None, said))
