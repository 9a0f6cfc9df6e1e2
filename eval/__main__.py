"""The command line of the measurements: `python -m eval <measurement> …`.

Exit codes: 0 as it should be, 1 a measurement says no, 2 the input is wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from datagen.errors import DatagenError
from eval.oracle import oracle


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one measurement, print it with its protocol, and return the exit code."""
    chosen = _parser().parse_args(arguments)
    try:
        scores = oracle(chosen.dataset, version=chosen.version, split=chosen.split)
    except DatagenError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(scores)
    return 0 if scores.passed else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m eval", description="Measure a dataset.")
    measurements = parser.add_subparsers(dest="measurement", required=True)
    command = measurements.add_parser(
        "oracle",
        help="ground truth fed back as predictions must score what perfection scores",
        epilog="example: python -m eval oracle runs/quickstart-0123abcd/dataset --split synth_val",
    )
    command.add_argument("dataset", type=Path)
    command.add_argument("--version", default="v1.0-synth", help="folder of the tables (default: %(default)s)")
    command.add_argument("--split", default="synth_all", help="of splits.json (default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
