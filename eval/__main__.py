"""The command line of the measurements: `python -m eval <measurement> …`.

A measurement is a module here with `add_arguments(parser)` and `measure(chosen)`, which returns what to print and
whether it is as it should be; only the one that is asked for is imported.
Exit codes: 0 as it should be, 1 a measurement says no, 2 the input is wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from datagen.errors import DatagenError

MEASUREMENTS = {
    "control": "does a film show what its labels say, as a network sees it that was trained on real pictures?",
    "fidelity": "FID and FVD of generated datasets against a real one, with the real-against-real floor",
    "film": "film a held-out log in every mode, then fidelity and control: a film model's card, in one go",
    "gain": "does synthetic data help a detector? equal budgets, held-out real data, intervals",
    "judge": "does the judge pass true clips and catch broken ones? a table by kind of breakage",
    "maps": "are drawn maps lawful and near the truth? a map model against two baselines, on held-out places",
    "oracle": "ground truth fed back as predictions must score what perfection scores",
    "prompts": "do words become what they say? held-out prompts, judged by the trajectories",
    "traffic": "does traffic move as real traffic does? rules, kinematics, distance to a real log",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one measurement, print it with its protocol, and return the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    asked = next((word for word in given if word in MEASUREMENTS), None)
    chosen = _parser(asked).parse_args(given)
    try:
        report, passed = import_module(f"eval.{chosen.measurement}").measure(chosen)
    except DatagenError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(report)
    return 0 if passed else 1


def _parser(asked: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m eval", description="Measure a dataset.")
    measurements = parser.add_subparsers(dest="measurement", required=True)
    for word, line in MEASUREMENTS.items():
        command = measurements.add_parser(word, help=line, description=line)
        if word == asked:
            import_module(f"eval.{word}").add_arguments(command)
    return parser


if __name__ == "__main__":
    sys.exit(main())
