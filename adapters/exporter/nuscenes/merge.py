"""Fragments to one dataset: rows are appended as text, files are linked, and the folder appears at the end.

```
<dataset>/  README.md   the dataset card
            <version>/  13 tables, splits.json, provenance.json, census.json, judge.parquet, trust.json
            samples/<CHANNEL>/  sweeps/<CHANNEL>/   links to the clips' files
            maps/  maps/expansion/  can_bus/  and mmdet3d's info pickles
```

Memory holds what there is one of per scene or location (scenes, logs, calibrations, maps), never a sample's
rows. The same fragments in the same order give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tqdm import tqdm

from adapters.exporter.nuscenes import infos, maps, taxonomy
from adapters.exporter.nuscenes.card import Prompts, write_card
from adapters.exporter.nuscenes.census import CENSUS_FILE, Census, read_fragment_census
from adapters.exporter.nuscenes.folders import appearing, place, within
from adapters.exporter.nuscenes.fragment import FRAGMENT_TABLES
from adapters.exporter.nuscenes.judgements import merge_judgements
from adapters.exporter.nuscenes.splits import assign, write_splits
from adapters.exporter.nuscenes.tables import Row, TableWriter, read_lines, write_table
from adapters.exporter.nuscenes.tokens import token_of
from datagen.errors import DatasetError

_APPENDED = ("scene", "sample", "sample_data", "ego_pose", "log", "instance", "sample_annotation", "provenance")
_SHARED = ("sensor", "calibrated_sensor")


def merge(
    fragments: Sequence[Path],
    dataset: Path,
    *,
    version: str = "v1.0-synth",
    splits: Mapping[str, float],
    about: Mapping[str, str] | None = None,
) -> None:
    """Make `dataset` of fragments, in the order given; it replaces what stood there, at the very end.

    splits: share of the scenes by split.  about: what the dataset's card shall say of the run (see `card`).
    Raises DatasetError when there is no fragment, one is incomplete, two are of the same scene, or a file is missing.
    """
    names = _scene_names(fragments)
    with appearing(dataset, replace=True) as partial:
        tables = partial / version
        tables.mkdir()
        for table in _APPENDED:
            _append(tables / f"{table}.json", fragments, table)
        for table in _SHARED:
            _append_new(tables / f"{table}.json", fragments, table)
        _write_vocabulary(tables)
        masks = maps.merge_maps(fragments, partial)
        write_table(tables / "map.json", _map_rows(fragments, masks))
        scenes_of = assign(names, splits)
        write_splits(tables / "splits.json", scenes_of)
        merge_judgements(fragments, tables)
        census, prompts = _counted(fragments)
        (tables / CENSUS_FILE).write_text(census.to_json(), encoding="utf-8")
        write_card(partial, version=version, census=census, prompts=prompts, splits=scenes_of, about=about or {})
        for fragment in tqdm(fragments, desc="merge", unit="clip", delay=1.0):
            _place_files(fragment, partial)
        infos.write_infos(partial, version)


def vocabulary_rows() -> dict[str, list[Row]]:
    """Return the tables that are the same in every dataset: category, attribute and visibility."""
    return {
        "category": [
            {"token": token_of("category", name), "name": name, "description": taxonomy.CATEGORY_DESCRIPTIONS[category]}
            for category, name in taxonomy.CATEGORY_NAMES.items()
        ],
        "attribute": [
            {
                "token": token_of("attribute", name),
                "name": name,
                "description": taxonomy.ATTRIBUTE_DESCRIPTIONS[attribute],
            }
            for attribute, name in taxonomy.ATTRIBUTE_NAMES.items()
        ],
        "visibility": [
            {"token": token, "level": level, "description": f"visible share of the object: {level[1:]} %"}
            for token, (level, _) in taxonomy.VISIBILITY_LEVELS.items()
        ],
    }


def _write_vocabulary(tables: Path) -> None:
    for table, rows in vocabulary_rows().items():
        write_table(tables / f"{table}.json", rows)


def _scene_names(fragments: Sequence[Path]) -> list[str]:
    """Return the scenes' names. Raises DatasetError when a fragment is incomplete or a scene comes twice."""
    if not fragments:
        raise DatasetError("there is no clip to make a dataset of; look at the ledger for why none was kept")
    seen: dict[str, Path] = {}
    for fragment in fragments:
        missing = [table for table in FRAGMENT_TABLES if not (fragment / f"{table}.jsonl").is_file()]
        if missing:
            raise DatasetError(f"{fragment}: the fragment is incomplete, it has no {', '.join(missing)}")
        for row in read_lines(fragment / "scene.jsonl"):
            if row["name"] in seen:
                raise DatasetError(f"{fragment}: {row['name']} is also the scene of {seen[row['name']]}")
            seen[row["name"]] = fragment
    return list(seen)


def _append(path: Path, fragments: Sequence[Path], table: str) -> None:
    with TableWriter(path) as out:
        for fragment in fragments:
            with (fragment / f"{table}.jsonl").open(encoding="utf-8") as lines:
                for line in lines:
                    out.write_text(line.rstrip("\n"))


def _append_new(path: Path, fragments: Sequence[Path], table: str) -> None:
    """Append rows whose token did not come before: clips of one rig share its sensors."""
    seen: set[str] = set()
    with TableWriter(path) as out:
        for fragment in fragments:
            for row in read_lines(fragment / f"{table}.jsonl"):
                if row["token"] not in seen:
                    seen.add(row["token"])
                    out.write(row)


def _map_rows(fragments: Sequence[Path], masks: Mapping[str, str]) -> Iterator[Row]:
    logs: dict[str, list[str]] = {location: [] for location in masks}
    for fragment in fragments:
        for row in read_lines(fragment / "log.jsonl"):
            logs[row["location"]].append(row["token"])
    for location, filename in masks.items():
        yield {
            "category": "semantic_prior",
            "token": token_of("map", location),
            "filename": filename,
            "log_tokens": logs[location],
        }


def _counted(fragments: Sequence[Path]) -> tuple[Census, Prompts]:
    """Return what all clips hold, and what they were made of."""
    census, prompts = Census(), Prompts()
    for fragment in fragments:
        census += read_fragment_census(fragment)
        for row in read_lines(fragment / "provenance.jsonl"):
            prompts.add(row)
    return census, prompts


def _place_files(fragment: Path, dataset: Path) -> None:
    folders: set[Path] = set()
    for row in read_lines(fragment / "media.jsonl"):
        target = within(dataset, row["filename"])
        if target.parent not in folders:
            target.parent.mkdir(parents=True, exist_ok=True)
            folders.add(target.parent)
        place(fragment / row["source"], target)
    for source in sorted((fragment / "can_bus").glob("*.json")):
        (dataset / "can_bus").mkdir(exist_ok=True)
        place(source, dataset / "can_bus" / source.name)
