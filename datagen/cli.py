"""The command line: thin. It parses, calls one function, prints, and says how it went by its exit code."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from datagen import __version__, pipeline, plugins, preview
from datagen.engine import Place, Totals, endings, lines, summary
from datagen.errors import ClipError, DatagenError, InputError
from datagen.recipe import dump

ALL_DONE, SOME_FAILED, WRONG_INPUT, INTERRUPTED = 0, 1, 2, 130
WATCH_SECONDS = 5.0

EXAMPLES = """\
examples:
  datagen check recipes/quickstart.yaml            is the recipe sound?
  datagen run recipes/quickstart.yaml              make its dataset; run it again to resume
  datagen run recipes/playground.yaml --limit 4 --set clip.rate_hz=4
  datagen status recipes/quickstart.yaml           how far is it?
  datagen plan "night, a van cuts in" --out x.gif  one prompt: its plan, and the scene from above
  datagen view recipes/quickstart.yaml             its report again, a page to look at
  datagen validate runs/quickstart-*/dataset       does it keep nuScenes' rules?
  datagen merge data/nuscenes runs/quickstart-*/dataset --out data/augmented

exit codes: 0 all done, 1 some clips failed, 2 the input is wrong
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.command(arguments))
    except BrokenPipeError:  # who reads along, such as `head`, has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return INTERRUPTED
    except KeyboardInterrupt:
        print("\ninterrupted; what is done is kept: run the same command again to go on", file=sys.stderr)
        return INTERRUPTED
    except ClipError as error:
        print(f"failed: {error}", file=sys.stderr)
        return SOME_FAILED
    except DatagenError as error:
        print(error, file=sys.stderr)
        return WRONG_INPUT


def run(arguments: argparse.Namespace) -> int:
    """Make a recipe's dataset."""
    job = pipeline.prepare(arguments.recipe, out=arguments.out, overrides=arguments.set, limit=arguments.limit)
    print(f"{job.recipe.name}: {len(job.takes)} clips → {job.place}")
    if arguments.dry_run:
        print("\n".join(pipeline.outlook(job, address=arguments.address)))
        return ALL_DONE
    return report(job, pipeline.run(job, address=arguments.address))


def report(job: pipeline.Run, totals: Totals) -> int:
    """Print how a run ended and return its exit code."""
    now = summary(job.place)
    print(f"clips    {now.done} done, {now.dropped} dropped, {totals.failed} failed")
    print_lines(endings(now))
    if not job.place.has("dataset"):
        print("no clip was kept, so there is no dataset", file=sys.stderr)
        return SOME_FAILED
    print(f"dataset  {job.place / 'dataset'}")
    print(f"report   {job.place / 'report.html'}")
    return SOME_FAILED if totals.failed else ALL_DONE


def check(arguments: argparse.Namespace) -> int:
    """Say whether a recipe is sound, and what it asks for."""
    job = pipeline.prepare(arguments.recipe, out=arguments.out, overrides=arguments.set)
    stages = " → ".join(stage.name for stage in job.stages)
    print(f"{arguments.recipe} is sound: {len(job.takes)} clips, {stages}")
    return ALL_DONE


def show(arguments: argparse.Namespace) -> int:
    """Print a recipe with all defaults filled in."""
    print(dump(pipeline.load_recipe(arguments.recipe, overrides=arguments.set)), end="")
    return ALL_DONE


def reference(arguments: argparse.Namespace) -> int:
    """Print every key a recipe may have, as Markdown."""
    from datagen.reference import reference as page

    print(page(), end="")
    return ALL_DONE


def status(arguments: argparse.Namespace) -> int:
    """Print how far a run is, once or (--watch) again and again until it ends."""
    place = _run_place(arguments)
    while True:
        now = summary(place)
        print_lines([str(place), *lines(now)])
        if not arguments.watch or now.session is None or not now.session.is_alive:
            return ALL_DONE
        time.sleep(WATCH_SECONDS)
        print()


def plan(arguments: argparse.Namespace) -> int:
    """Print the plan a prompt becomes; with --scene or --out also drive it and look at it from above."""
    planner = preview.planner_of(arguments.planner, arguments.set)
    prompt, made, notes = preview.plan_text(
        arguments.text, planner=planner, seed=arguments.seed, duration_s=arguments.seconds
    )
    print("\n".join([*preview.described(made), *(f"{key:<8} {value}" for key, value in notes.items())]))
    if not arguments.scene and arguments.out is None:
        return ALL_DONE
    staged = preview.stage(prompt, made)
    for number, attempt in enumerate(staged.attempts, start=1):
        print(f"draw {number:<3} {'; '.join(attempt.reasons) or 'passed every gate'}")
    if staged.scene is None:
        return SOME_FAILED
    if arguments.out is not None:
        preview.animate(made, staged.scene, arguments.out, duration_s=arguments.seconds)
        print(f"picture  {arguments.out}")
    return ALL_DONE


def train(arguments: argparse.Namespace) -> int:
    """Train one of the networks as a training recipe says; run it again to go on."""
    trainer = pipeline.load_trainer(arguments.network, arguments.recipe, overrides=arguments.set)
    out = Path(arguments.out) / arguments.recipe.stem
    print(f"weights  {trainer.train(out, stop_after=arguments.stop_after)}")
    return ALL_DONE


def validate(arguments: argparse.Namespace) -> int:
    """Check a dataset against nuScenes' rules."""
    violations = plugins.load("exporter", "nuscenes").validate(arguments.dataset, version=arguments.version)
    for violation in violations:
        print(violation)
    print(f"{arguments.dataset}: {len(violations)} rules broken" if violations else f"{arguments.dataset} is sound")
    return WRONG_INPUT if violations else ALL_DONE


def merge(arguments: argparse.Namespace) -> int:
    """Put a real and a synthetic dataset together."""
    augment = plugins.load("exporter", "nuscenes").augment
    out = augment(
        arguments.real,
        arguments.synth,
        arguments.out,
        real_version=arguments.real_version,
        synth_version=arguments.synth_version,
        version=arguments.version,
        ratio=arguments.ratio,
    )
    print(f"dataset  {out}")
    return ALL_DONE


def view(arguments: argparse.Namespace) -> int:
    """Make a run's report, or a recording for another viewer."""
    word = "rerun" if arguments.rerun else arguments.viewer
    if arguments.against and word != "html":
        raise InputError(f"--against is for the html report; leave it out with --viewer {word}")
    against = {"against": arguments.against} if arguments.against else {}
    viewer = plugins.build("viewer", {"use": word, **against})
    print(f"{word:8} {viewer.show(_run_folder(arguments))}")
    return ALL_DONE


def print_lines(texts: Iterable[str]) -> None:
    """Print line by line."""
    for text in texts:
        print(text, flush=True)


def _run_place(arguments: argparse.Namespace) -> Place:
    """Return the run that is meant: a run's folder or address, or the recipe it came from."""
    named: str = arguments.run
    if named.endswith((".yaml", ".yml")):
        recipe = pipeline.load_recipe(Path(named), overrides=arguments.set)
        place = pipeline.run_place(recipe, pipeline.rig_of(recipe, Path(named)), out=arguments.out)
    else:
        place = Place(named)
    if not place.has("recipe.yaml"):
        raise InputError(f"{place}: no run is here; make one with `datagen run RECIPE --out DIR`")
    return place


def _run_folder(arguments: argparse.Namespace) -> Path:
    """Return the folder of the run that is meant. Raises InputError for one that is not on this machine."""
    place = _run_place(arguments)
    if place.local is None:
        raise InputError(f"{place} is not on this machine; copy it here first")
    return place.local


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="datagen",
        description="Turn a recipe of prompts into a nuScenes-format dataset: traffic, maps, video, exact boxes.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"datagen {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(function: object, example: str) -> argparse.ArgumentParser:
        text = str(function.__doc__)
        name = function.__name__  # type: ignore[attr-defined]
        sub = commands.add_parser(
            name,
            help=text,
            description=text,
            epilog=f"example:\n  {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.set_defaults(command=function)
        return sub

    def recipe_options(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("--out", default="runs", help="folder of all runs, or s3://… or gs://… (default: runs)")
        sub.add_argument(
            "--set", action="append", default=[], metavar="KEY=VALUE", help="change one key, such as scene.root=../data"
        )

    sub = command(run, "datagen run recipes/quickstart.yaml --set seed=3")
    sub.add_argument("recipe", type=Path)
    recipe_options(sub)
    sub.add_argument("--address", help="a Ray cluster to run on (default: start Ray on this machine)")
    sub.add_argument("--limit", type=_positive, help="make only the first N clips")
    sub.add_argument("--dry-run", action="store_true", help="say what would be done where, and what it would take")

    for function in (check, show):
        sub = command(function, f"datagen {function.__name__} recipes/quickstart.yaml")
        sub.add_argument("recipe", type=Path)
        recipe_options(sub)

    command(reference, "datagen reference > docs/reference.md")

    sub = command(status, "datagen status runs/quickstart-1a2b3c4d")
    sub.add_argument("run", help="a run's folder, or its recipe")
    sub.add_argument("--watch", action="store_true", help="go on until the run ends")
    recipe_options(sub)

    sub = command(plan, 'datagen plan "rain, a van cuts in from the left" --scene --out plan.gif')
    sub.add_argument("text", help="what shall happen")
    sub.add_argument("--planner", default="rules", help=f"who plans: {', '.join(plugins.words('planner'))}")
    sub.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the planner")
    sub.add_argument("--scene", action="store_true", help="drive it, and say what the gates said of every draw")
    sub.add_argument("--out", type=Path, metavar="FILE.gif", help="an animation from above with the event marked")
    sub.add_argument("--seconds", type=float, default=8.0, help="length of the clip (default: 8)")
    sub.add_argument("--seed", type=int, default=0)

    sub = command(train, "datagen train unimvm recipes/train/unimvm_tiny.yaml")
    sub.add_argument("network", help=f"what to train: {', '.join(plugins.words('trainer'))}")
    sub.add_argument("recipe", type=Path)
    recipe_options(sub)
    sub.add_argument("--stop-after", type=_positive, metavar="STEPS", help="stop once so many steps are done in all")

    sub = command(validate, "datagen validate runs/quickstart-1a2b3c4d/dataset")
    sub.add_argument("dataset", type=Path)
    sub.add_argument("--version", help="such as v1.0-synth (default: the only one there)")

    sub = command(merge, "datagen merge data/nuscenes runs/quickstart-1a2b3c4d/dataset --out data/augmented")
    sub.add_argument("real", type=Path)
    sub.add_argument("synth", type=Path)
    sub.add_argument("--out", type=Path, required=True, help="the new dataset's folder")
    sub.add_argument("--real-version", help="such as v1.0-trainval (default: the only one there)")
    sub.add_argument("--synth-version", help="such as v1.0-synth (default: the only one there)")
    sub.add_argument("--version", default="v1.0-aug", help="name of the new version (default: v1.0-aug)")
    sub.add_argument("--ratio", type=float, help="synthetic per real training samples (default: all there are)")

    sub = command(view, "datagen view runs/quickstart-1a2b3c4d")
    sub.add_argument("run", help="a run's folder, or its recipe")
    sub.add_argument(
        "--viewer", default="html", help=f"how to show it: {', '.join(plugins.words('viewer'))} (default: html)"
    )
    sub.add_argument("--rerun", action="store_true", help="write an .rrd file for the Rerun viewer instead")
    sub.add_argument("--against", type=Path, metavar="DATASET", help="a real dataset to compare distributions with")
    recipe_options(sub)
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text}: must be at least 1")
    return number
