"""Do the words become what they say? Prompts nobody tuned anything to, judged by the trajectories.

Each prompt of `heldout.yaml` is planned, driven and judged: did somebody of the category that was named do what was
named, where the ego sees it, in the weather, light and place that were named? The plan is not believed; only the
trajectories are, by the predicates of `datagen.traffic.events`. What the plan says is a figure of its own, so that what
did not happen can be laid to the reading or to the driving.

| figure   | is                                                                                    |
|----------|---------------------------------------------------------------------------------------|
| valid    | share of prompts for which the planner gave a plan                                    |
| read     | share whose plan says what the words say                                              |
| driven   | share that ended in a scene that passes every gate                                    |
| happened | share in which everything that was asked for can be seen in the trajectories           |
| ambience | share with the weather, light and place that were asked for                           |

    python -m eval prompts --planner rules
    python -m eval prompts --prompts eval/prompts/development.yaml    # those one may look at while mending
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from datagen import plugins
from datagen.errors import InputError
from datagen.ports import Dropped, Planner
from datagen.recipe import derive_seed
from datagen.roads.reference import reference_road
from datagen.scene import Category, Light, Place, Prompt, Scene, Weather
from datagen.scene.mirror import keeps_left, mirrored_scene
from datagen.scene.plan import Manoeuvre, Plan, Side
from datagen.traffic.events import CHECKS, happens
from datagen.traffic.setting import needs_parking, road_length_m, road_wish
from datagen.traffic.simulate import simulate
from datagen.traffic.tracks import Tracks

HELDOUT = Path(__file__).with_name("heldout.yaml")
Style = Literal[
    "plain", "typo", "synonym", "telegraphic", "two_events", "conditions", "de", "fr", "es", "it", "pt", "nl", "pl",
    "zh", "ja", "impossible", "negation", "units", "vague", "story", "hostile", "dashcam", "test", "message", "three",
]  # fmt: skip


class Form(BaseModel):
    """Unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Event(Form):
    """Who does what; `|` parts alternatives. who: ego, a category, or category/kind.  when_clear: waits for a gap."""

    who: str
    do: str
    side: Side | None = None
    when_clear: bool = False


class Expectation(Form):
    """One prompt and what must be seen."""

    text: Annotated[str, Field(min_length=1)]
    style: Style
    does: tuple[Event, ...]
    never: tuple[Event, ...] = ()
    weather: Weather | None = None
    light: Light | None = None
    place: Place | None = None
    left_out: bool = False


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What became of one prompt. reason: why it did not happen, empty if it did."""

    expected: Expectation
    valid: bool
    read: bool
    driven: bool
    happened: bool
    ambience: bool
    reason: str = ""


def read_expectations(path: Path) -> tuple[Expectation, ...]:
    """Return the prompts of a file. Raises InputError where it is not in the form."""
    try:
        found = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise InputError(f"{path}: cannot be read as YAML: {error}") from error
    if not isinstance(found, list):
        raise InputError(f"{path}: holds {type(found).__name__}; write a list of prompts.")
    expectations = []
    for number, item in enumerate(found):
        try:
            expectations.append(Expectation.model_validate(item))
        except ValidationError as error:
            raise InputError(f"{path}, prompt {number + 1}: {error}") from error
    return tuple(expectations)


def judged(
    expectations: Sequence[Expectation], planner: Planner, *, duration_s: float, seed: int
) -> Iterator[Verdict]:  # fmt: skip
    """Plan, drive and judge prompts, one after the other."""
    planner.open()
    for number, expected in enumerate(expectations):
        prompt = Prompt(
            id=f"heldout-{number}", index=number, text=expected.text, seed=derive_seed(seed, expected.text),
            duration_s=duration_s,
        )  # fmt: skip
        (plan,) = planner.plan([prompt])
        if isinstance(plan, Dropped):
            yield Verdict(
                expected=expected, valid=False, read=False, driven=False, happened=False, ambience=False,
                reason=plan.reason,
            )  # fmt: skip
            continue
        yield _verdict(expected, plan, driven(plan, prompt))


def scenes_of(path: Path, *, planner: str = "rules", duration_s: float = 8.0, seed: int = 0) -> Iterator[Scene]:
    """Yield the scenes of a file's prompts, as far as they can be driven, in ordinary traffic."""
    reader = plugins.build("planner", {"use": planner})
    reader.open()
    for number, expected in enumerate(read_expectations(path)):
        prompt = Prompt(
            id=f"prompt-{number}", index=number, text=expected.text, seed=derive_seed(seed, expected.text),
            duration_s=duration_s,
        )  # fmt: skip
        (plan,) = reader.plan([prompt])
        scene = plan if isinstance(plan, Dropped) else driven(plan, prompt, density=1.0)
        if isinstance(scene, Scene):
            yield scene


def driven(plan: Plan, prompt: Prompt, *, density: float = 0.5, redraws: int = 8) -> Scene | Dropped:
    """Return the scene of a plan on reference lanes, or why there is none."""
    rng = np.random.default_rng(derive_seed(prompt.seed, "simulate"))
    road = reference_road(
        road_wish(plan),
        place=plan.ambience.place,
        length_m=road_length_m(plan, prompt.duration_s),
        parking=needs_parking(plan),
        rng=rng,
    )
    return simulate(plan, prompt=prompt, road=road, density=density, redraws=redraws, rng=rng)


def _verdict(expected: Expectation, plan: Plan, scene: Scene | Dropped) -> Verdict:
    read = all(_said(plan, event) for event in expected.does)
    if isinstance(scene, Dropped):
        return Verdict(
            expected=expected, valid=True, read=read, driven=False, happened=False, ambience=False,
            reason=scene.reason,
        )  # fmt: skip
    if keeps_left(scene.hdmap):  # sides that nobody named are those of right-hand traffic
        scene, expected = mirrored_scene(scene), _mirrored(expected)
    tracks = Tracks.of(scene)
    kinds = {"ego": "ego", **{actor.id: actor.look.kind for actor in scene.actors}}
    missing = [f"no {event.who} does {event.do}" for event in expected.does if not _seen(tracks, kinds, event)]
    missing += [f"some {event.who} does {event.do}" for event in expected.never if _there(tracks, kinds, event)]
    if expected.left_out and not plan.left_out:
        missing.append("nothing was left out")
    ambience = all(
        wished is None or wished == found
        for wished, found in (
            (expected.weather, scene.ambience.weather),
            (expected.light, scene.ambience.light),
            (expected.place, scene.ambience.place),
        )
    )
    return Verdict(
        expected=expected,
        valid=True,
        read=read,
        driven=True,
        happened=not missing,
        ambience=ambience,
        reason="; ".join(missing),
    )


def _mirrored(expected: Expectation) -> Expectation:
    other: dict[Side | None, Side | None] = {"left": "right", "right": "left", None: None}

    def events(found: Sequence[Event]) -> tuple[Event, ...]:
        return tuple(event.model_copy(update={"side": other[event.side]}) for event in found)

    return expected.model_copy(update={"does": events(expected.does), "never": events(expected.never)})


def _said(plan: Plan, event: Event) -> bool:
    """Say whether the plan asks somebody who fits for what was expected, one of its alternatives."""
    wished = event.do.split("|")
    if event.who == "ego":
        return any(act.do in wished for act in plan.ego) or (not plan.ego and "keep_lane" in wished)
    fitting = [actor for actor in plan.actors if _named(actor.category, actor.kind, event.who)]
    stands = any(actor.state is not None for actor in fitting) and bool({"wait", "parked"} & set(wished))
    return stands or any(act.do in wished for actor in fitting for act in actor.manoeuvres)


def _seen(tracks: Tracks, kinds: dict[str, str], event: Event) -> bool:
    """Say whether somebody who fits does what was expected, one of its alternatives."""
    names = [name for number, name in enumerate(tracks.ids) if _fits(tracks, number, kinds[name], event.who)]
    return any(happens(tracks, name, act=act) for name in names for act in _acts(event))


def _there(tracks: Tracks, kinds: dict[str, str], event: Event) -> bool:
    """Say whether anybody at all who fits, of the background too, does what shall not be."""
    names = [name for number, name in enumerate(tracks.ids) if number and _is(tracks, number, kinds[name], event.who)]
    return any(happens(tracks, name, act=act) for name in names for act in _acts(event))


def _acts(event: Event) -> list[Manoeuvre]:
    """Return the alternatives; a turn without a side is one to either."""
    wished = [do for do in event.do.split("|") if do in CHECKS]
    sides = ("left", "right") if event.side is None else (event.side,)
    extra = {"when_clear": True} if event.when_clear else {}
    acts = [{"do": do, "side": side, **extra} for do in wished for side in (sides if do == "turn" else (event.side,))]
    return [Manoeuvre.model_validate(act) for act in acts]


def _fits(tracks: Tracks, number: int, kind: str, who: str) -> bool:
    """Say whether a body is who was named; who stands about in the background is not."""
    if who == "ego":
        return number == 0
    return number != 0 and bool(tracks.event[number]) and _is(tracks, number, kind, who)


def _is(tracks: Tracks, number: int, kind: str, who: str) -> bool:
    return _named(tracks.categories[number], kind, who)


def _named(category: Category, kind: str, who: str) -> bool:
    """Say whether a category, in a kind, is one of those named: `car/van|truck`."""
    for one in who.split("|"):
        named, _, wished = one.partition("/")
        if category == named and (not wished or wished == kind):
            return True
    return False


def report(verdicts: Sequence[Verdict]) -> str:
    """Return the figures by style and by manoeuvre, and every prompt that did not happen with the reason."""
    lines = [f"{'':<16}{'prompts':>8}{'valid':>9}{'read':>9}{'driven':>9}{'happened':>10}{'ambience':>10}"]
    lines.append(_row("all", verdicts))
    lines += _by("style", ((verdict.expected.style, verdict) for verdict in verdicts))
    lines += _by(
        "manoeuvre", ((event.do.split("|")[0], verdict) for verdict in verdicts for event in verdict.expected.does)
    )
    lines.append("did not happen:")
    lines += [
        f"  {one.expected.text[:70]!r}: {'driving' if one.read else 'reading'}: {one.reason[:120]}"
        for one in verdicts
        if not one.happened
    ]
    return "\n".join(lines)


def _by(title: str, pairs: Iterable[tuple[str, Verdict]]) -> Iterator[str]:
    groups: dict[str, list[Verdict]] = {}
    for key, verdict in pairs:
        groups.setdefault(key, []).append(verdict)
    yield f"by {title}:"
    yield from (_row(f"  {key}", group) for key, group in groups.items())


def _row(name: str, group: Sequence[Verdict]) -> str:
    def share(key: str) -> str:
        return f"{100 * float(np.mean([getattr(verdict, key) for verdict in group])):.0f} %"

    asked = [v for v in group if v.expected.weather or v.expected.light or v.expected.place]
    ambience = f"{100 * float(np.mean([v.ambience for v in asked])):.0f} %" if asked else "-"
    return (
        f"{name:<16}{len(group):>8}{share('valid'):>9}{share('read'):>9}{share('driven'):>9}{share('happened'):>10}{ambience:>10}"
    )  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what may be asked."""
    parser.add_argument("--planner", default="rules", help="its word, as in a recipe (default: %(default)s)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the planner")
    parser.add_argument("--prompts", type=Path, default=HELDOUT, help="a file like the one that comes with this")
    parser.add_argument("--duration", type=float, default=8.0, help="of the clips, s (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--least", type=float, default=0.0, help="pass only if this share happened (0 to 1)")


def measure(chosen: argparse.Namespace) -> tuple[str, bool]:
    """Return the figures, and whether at least `--least` of the prompts happened. Raises InputError for bad input."""
    settings: dict[str, Any] = {"use": chosen.planner}
    for pair in chosen.set:
        key, equals, value = pair.partition("=")
        if not equals:
            raise InputError(f"--set {pair}: no '='; write KEY=VALUE.")
        settings[key] = value
    planner = plugins.build("planner", settings)
    verdicts = list(
        judged(read_expectations(chosen.prompts), planner, duration_s=chosen.duration, seed=chosen.seed)
    )  # fmt: skip
    head = (
        f"prompts: {chosen.prompts.name}, planner {chosen.planner}, clips of {chosen.duration:g} s, seed {chosen.seed}"
    )
    happened = float(np.mean([verdict.happened for verdict in verdicts]))
    return f"{head}\n{report(verdicts)}", happened >= chosen.least
