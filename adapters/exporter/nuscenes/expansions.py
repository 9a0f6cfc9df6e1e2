"""The rules for what nuScenes ships apart from its tables, map expansion and CAN bus, of scenes that we made.

A real log may be without either. A dataset of ours, or one that ours went into, says in `provenance.json` which
scenes are ours; they have both.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from adapters.exporter.nuscenes.rules import Tables, Violation
from adapters.exporter.nuscenes.tables import Row, read_table
from datagen.errors import DatasetError


def expansions(dataset: Path, tables: Tables, *, version: str) -> Iterator[Violation]:
    """Every location of ours has a map expansion that the devkit reads, every scene of ours a CAN bus with poses."""
    try:
        ours = _ours(dataset / version / "provenance.json")
    except DatasetError as error:
        yield Violation(table="provenance", token="", rule="table-readable", message=str(error))
        return
    scenes = [row for row in tables["scene"] if row["token"] in ours]
    location_of = {row["token"]: row["location"] for row in tables["log"]}
    for location in sorted({location_of[row["log_token"]] for row in scenes if row["log_token"] in location_of}):
        yield from _expansion(dataset, location)
    for scene in scenes:
        problem = _can_bus_problem(dataset / "can_bus" / f"{scene['name']}_pose.json")
        if problem is not None:
            yield Violation(table="scene", token=scene["token"], rule="can-bus", message=f"{scene['name']}: {problem}")


def _ours(path: Path) -> set[str]:
    return {str(row.get("scene_token")) for row in read_table(path)} if path.is_file() else set()


def _expansion(dataset: Path, location: str) -> Iterator[Violation]:
    from adapters.exporter.nuscenes.maps import open_map

    try:
        open_map(dataset, location)
    except Exception as error:  # whatever the devkit trips over, it does not load
        message = f"the devkit cannot load the expansion of '{location}': {type(error).__name__}: {error}"
        yield Violation(table="map", token="", rule="expansion", message=message)


def _can_bus_problem(path: Path) -> str | None:
    """Return what is wrong with a file of CAN bus poses, or None."""
    if not path.is_file():
        return f"can_bus/{path.name} is missing"
    try:
        poses: list[Row] = json.loads(path.read_text(encoding="utf-8"))
        times = [pose["utime"] for pose in poses]
    except (ValueError, TypeError, KeyError) as error:
        return f"can_bus/{path.name} is no list of poses ({type(error).__name__}: {error})"
    if not times or any(later <= earlier for earlier, later in pairwise(times)):
        return f"can_bus/{path.name} has no poses, or they do not go forward in time"
    return None
