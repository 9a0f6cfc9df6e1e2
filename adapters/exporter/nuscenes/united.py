"""The tables of two datasets as one: the real rows as they are, the synthetic ones fitted in behind them.

Rows stream from the inputs to the output; what is held is a set of tokens of the synthetic rows that are taken,
and the tables that are small (scenes, logs, maps, calibrations, the vocabularies).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from adapters.exporter.nuscenes.tables import Row, TableWriter, read_table, write_table

_SHARED = (("category", "name"), ("attribute", "name"), ("visibility", "level"), ("sensor", "channel"))
"""Tables whose rows of the same name mean the same."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """One of the two datasets."""

    root: Path
    version: str

    def has(self, table: str) -> bool:
        """Say whether a table is there."""
        return (self.root / self.version / f"{table}.json").is_file()

    def rows(self, table: str) -> Iterator[Row]:
        """Yield the rows of a table."""
        return read_table(self.root / self.version / f"{table}.json")


@dataclass(kw_only=True)
class Guest:
    """What of the synthetic dataset is taken, and under which names. Sets of tokens grow as tables are read.

    names: scene name there → here.  tokens: token there → here, of rows that both datasets have.
    """

    names: dict[str, str]
    tokens: dict[str, str] = field(default_factory=dict)
    taken: dict[str, set[str]] = field(default_factory=dict)


def unite_shared(host: Source, guest: Source, taking: Guest, tables: Path) -> None:
    """Write the tables both have rows of; the real ones win, and the synthetic tokens are noted to be rewritten."""
    for table, key in _SHARED:
        with TableWriter(tables / f"{table}.json") as out:
            here: dict[str, str] = {}
            for row in host.rows(table):
                here[row[key]] = row["token"]
                out.write(row)
            for row in guest.rows(table):
                if row[key] not in here:
                    here[row[key]] = row["token"]
                    out.write(row)
                taking.tokens[row["token"]] = here[row[key]]


def add_scenes(host: Source, guest: Source, taking: Guest, tables: Path) -> None:
    """Write scenes, logs and provenance."""

    def scene(row: Row) -> Row | None:
        return {**row, "name": taking.names[row["name"]]} if row["name"] in taking.names else None

    rows = _append(tables, "scene", host, guest, scene)
    taking.taken["scene"] = {row["token"] for row in rows}
    taking.taken["log"] = {row["log_token"] for row in rows}
    _append(tables, "log", host, guest, lambda row: row if row["token"] in taking.taken["log"] else None)
    write_table(tables / "provenance.json", _provenance(host, guest, taking))


def _provenance(host: Source, guest: Source, taking: Guest) -> Iterator[Row]:
    """Yield what is known of where scenes came from; a real log says nothing."""
    if host.has("provenance"):
        yield from host.rows("provenance")
    for row in guest.rows("provenance") if guest.has("provenance") else ():
        if row["scene_name"] in taking.names:
            yield {**row, "scene_name": taking.names[row["scene_name"]]}


def add_samples(host: Source, guest: Source, taking: Guest, tables: Path) -> None:
    """Write everything that hangs on a sample: table after table, each taking what the ones before referred to."""
    taken, tokens = taking.taken, taking.tokens
    poses, calibrated, instances, boxes = (
        taken.setdefault(of, set()) for of in ("pose", "calibrated", "instance", "sample_annotation")
    )

    def sample(row: Row) -> Row | None:
        return row if row["scene_token"] in taken["scene"] else None

    def data(row: Row) -> Row | None:
        if row["sample_token"] not in taken["sample"]:
            return None
        poses.add(row["ego_pose_token"])
        calibrated.add(row["calibrated_sensor_token"])
        return row

    def box(row: Row) -> Row | None:
        if row["sample_token"] not in taken["sample"]:
            return None
        instances.add(row["instance_token"])
        boxes.add(row["token"])
        attributes = [tokens.get(token, token) for token in row["attribute_tokens"]]
        visibility = tokens.get(row["visibility_token"], row["visibility_token"])
        return {**row, "attribute_tokens": attributes, "visibility_token": visibility}

    def instance(row: Row) -> Row | None:
        category = tokens.get(row["category_token"], row["category_token"])
        return {**row, "category_token": category} if row["token"] in instances else None

    known = {row["token"] for row in host.rows("calibrated_sensor")}

    def calibration(row: Row) -> Row | None:
        wanted = row["token"] in calibrated - known
        return {**row, "sensor_token": tokens.get(row["sensor_token"], row["sensor_token"])} if wanted else None

    taken["sample"] = {row["token"] for row in _append(tables, "sample", host, guest, sample)}
    _append(tables, "sample_data", host, guest, data, keep=False)
    _append(tables, "ego_pose", host, guest, lambda row: row if row["token"] in poses else None, keep=False)
    _append(tables, "calibrated_sensor", host, guest, calibration, keep=False)
    _append(tables, "sample_annotation", host, guest, box, keep=False)
    _append(tables, "instance", host, guest, instance, keep=False)


def _append(
    tables: Path,
    table: str,
    host: Source,
    guest: Source,
    change: Callable[[Row], Row | None],
    *,
    keep: bool = True,
) -> list[Row]:
    """Write the real rows as they are, then the synthetic ones as `change` returns them; return those if kept."""
    kept = []
    with TableWriter(tables / f"{table}.json") as out:
        for row in host.rows(table):
            out.write(row)
        for row in guest.rows(table):
            changed = change(row)
            if changed is not None:
                out.write(changed)
                kept += [changed] if keep else []
    return kept


def unite_maps(host: Source, guest: Source, taking: Guest, tables: Path) -> tuple[set[str], set[str]]:
    """Write the table of maps, with the real map for what both have.

    Returns the masks that the guest brings, relative to its root, and the locations its scenes are at.
    """
    real_logs = {row["token"]: row["location"] for row in host.rows("log")}
    guest_logs = {row["token"]: row["location"] for row in guest.rows("log") if row["token"] in taking.taken["log"]}
    new = set(guest_logs.values()) - set(real_logs.values())
    masks: set[str] = set()
    with TableWriter(tables / "map.json") as out:
        for row in host.rows("map"):
            here = {real_logs[token] for token in row["log_tokens"] if token in real_logs}
            joining = [token for token, location in guest_logs.items() if location in here]
            out.write({**row, "log_tokens": [*row["log_tokens"], *joining]})
        for row in guest.rows("map"):
            logs = [token for token in row["log_tokens"] if guest_logs.get(token) in new]
            if logs:
                out.write({**row, "log_tokens": logs})
                masks.add(row["filename"])
    return masks, set(guest_logs.values())
