"""The rules nuScenes' tables must keep, one function a rule: each yields what breaks it.

The devkit and the detectors assume these and do not check them: a broken one shows up as a KeyError, as a
box that is silently not scored, or as a wrong velocity. Source: the nuScenes schema (nuscenes-devkit, docs/)
and what the devkit's loaders and evaluators do with it.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from adapters.exporter.nuscenes.schema import SCHEMA, is_texts
from adapters.exporter.nuscenes.tables import Row
from adapters.exporter.nuscenes.taxonomy import attribute_fits

Tables = Mapping[str, Sequence[Row]]


@dataclass(frozen=True, kw_only=True)
class Violation:
    """One broken rule. table: also `splits` or `devkit`.  token: of the row, or empty."""

    table: str
    token: str
    rule: str
    message: str

    def __str__(self) -> str:
        return " ".join(part for part in (self.table, self.token, f"[{self.rule}]", self.message) if part)


_REFERENCES = (
    ("instance", "category_token", "category"),
    ("instance", "first_annotation_token", "sample_annotation"),
    ("instance", "last_annotation_token", "sample_annotation"),
    ("calibrated_sensor", "sensor_token", "sensor"),
    ("scene", "log_token", "log"),
    ("scene", "first_sample_token", "sample"),
    ("scene", "last_sample_token", "sample"),
    ("sample", "scene_token", "scene"),
    ("sample_data", "sample_token", "sample"),
    ("sample_data", "ego_pose_token", "ego_pose"),
    ("sample_data", "calibrated_sensor_token", "calibrated_sensor"),
    ("sample_annotation", "sample_token", "sample"),
    ("sample_annotation", "instance_token", "instance"),
    ("sample_annotation", "attribute_tokens", "attribute"),
)
_CHAINED = ("sample", "sample_data", "sample_annotation")


def fields(tables: Tables) -> Iterator[Violation]:
    """Every row has the schema's fields, each of its kind."""
    for table, kinds in SCHEMA.items():
        for row in tables[table]:
            for field, fits in kinds.items():
                if field not in row or not fits(row[field]):
                    found = repr(row[field])[:60] if field in row else "nothing"
                    yield _broken(table, row, "field", f"'{field}' is {found}")


def tokens_unique(tables: Tables) -> Iterator[Violation]:
    """A token names one row of a table."""
    for table in SCHEMA:
        for token, count in Counter(row["token"] for row in tables[table]).items():
            if count > 1:
                yield Violation(table=table, token=token, rule="token-unique", message=f"{count} rows have this token")


def references(tables: Tables) -> Iterator[Violation]:
    """What a row refers to is there."""
    known = {table: {row["token"] for row in tables[table]} for table in SCHEMA}
    links = [*_REFERENCES, *((table, way, table) for table in _CHAINED for way in ("prev", "next"))]
    for table, field, target in links:
        optional = field in ("prev", "next")
        for row in tables[table]:
            value = row[field]
            for token in value if isinstance(value, list) else [value]:
                if token not in known[target] and not (optional and token == ""):
                    yield _broken(table, row, "reference", f"{field} '{token}' is not in table {target}")


def chains(tables: Tables) -> Iterator[Violation]:
    """prev and next undo each other, stay with their owner, go forward in time, and leave nothing out."""
    times = {row["token"]: row["timestamp"] for row in tables["sample"]}
    scenes = {row["token"]: row["scene_token"] for row in tables["sample"]}
    sensors = {row["token"]: row["sensor_token"] for row in tables["calibrated_sensor"]}
    yield from _chain(tables, "sample", lambda row: row["scene_token"], lambda row: row["timestamp"])
    yield from _chain(
        tables,
        "sample_data",
        lambda row: (scenes.get(row["sample_token"]), sensors.get(row["calibrated_sensor_token"])),
        lambda row: row["timestamp"],
    )
    yield from _chain(
        tables,
        "sample_annotation",
        lambda row: row["instance_token"],
        lambda row: times.get(row["sample_token"], 0),
    )


def _chain(
    tables: Tables, table: str, owner_of: Callable[[Row], object], time_of: Callable[[Row], int]
) -> Iterator[Violation]:
    by_token = {row["token"]: row for row in tables[table]}
    heads: Counter[object] = Counter()
    for row in tables[table]:
        heads[owner_of(row)] += row["prev"] == ""
        for way, back in (("next", "prev"), ("prev", "next")):
            other = by_token.get(row[way])
            if other is None:
                continue
            if other[back] != row["token"]:
                yield _broken(table, row, "chain", f"{way} is {row[way]}, whose {back} is '{other[back]}'")
            if owner_of(other) != owner_of(row):
                yield _broken(table, row, "chain", f"{way} is {row[way]}, which belongs to another chain")
            if way == "next" and time_of(other) <= time_of(row):
                yield _broken(table, row, "time-order", f"next is at {time_of(other)}, not after {time_of(row)}")
    whose = {owner_of(row): row for row in tables[table]}
    for owner, count in heads.items():
        if count != 1:
            yield _broken(table, whose[owner], "chain", f"its chain has {count} beginnings instead of one")


def bounds(tables: Tables) -> Iterator[Violation]:
    """Scenes and instances know their first and last row, and how many there are."""
    yield from _bounds(tables, "scene", "sample", owner="scene_token", first="first_sample_token")
    yield from _bounds(tables, "instance", "sample_annotation", owner="instance_token", first="first_annotation_token")


def _bounds(tables: Tables, table: str, members: str, *, owner: str, first: str) -> Iterator[Violation]:
    last, count = first.replace("first", "last"), "nbr_samples" if table == "scene" else "nbr_annotations"
    by_owner: dict[str, list[Row]] = defaultdict(list)
    for row in tables[members]:
        by_owner[row[owner]].append(row)
    for row in tables[table]:
        mine = by_owner[row["token"]]
        if row[count] != len(mine) or not mine:
            yield _broken(table, row, "bounds", f"{count} is {row[count]}, there are {len(mine)}")
        for field, way in ((first, "prev"), (last, "next")):
            if mine and row[field] not in {member["token"] for member in mine if member[way] == ""}:
                yield _broken(table, row, "bounds", f"{field} '{row[field]}' is not where its chain ends")


def sensors(tables: Tables) -> Iterator[Violation]:
    """Every sample has one LIDAR_TOP and one picture of every camera of its scene."""
    sensor = {row["token"]: row for row in tables["sensor"]}
    channels = {row["token"]: sensor.get(row["sensor_token"]) for row in tables["calibrated_sensor"]}
    cameras: dict[str, set[str]] = defaultdict(set)
    scenes = {row["token"]: row["scene_token"] for row in tables["sample"]}
    fired: dict[str, Counter[str]] = defaultdict(Counter)
    for row in tables["sample_data"]:
        of = channels.get(row["calibrated_sensor_token"])
        if of is None or row["sample_token"] not in scenes:
            continue
        if of["modality"] == "camera":
            cameras[scenes[row["sample_token"]]].add(of["channel"])
        if row["is_key_frame"]:
            fired[row["sample_token"]][of["channel"]] += 1
    for row in tables["sample"]:
        got = fired[row["token"]]
        if got["LIDAR_TOP"] != 1:
            yield _broken("sample", row, "one-lidar", f"has {got['LIDAR_TOP']} key frames of LIDAR_TOP instead of one")
        for camera in sorted(cameras[row["scene_token"]]):
            if got[camera] != 1:
                yield _broken("sample", row, "all-cameras", f"has {got[camera]} key frames of {camera} instead of one")


def numbers(tables: Tables) -> Iterator[Violation]:
    """Numbers are finite, quaternions of length one, sizes positive, cameras have intrinsics."""
    cameras = {row["token"] for row in tables["sensor"] if row["modality"] == "camera"}
    for table in ("calibrated_sensor", "ego_pose", "sample_annotation"):
        for row in tables[table]:
            values = chain(row["translation"], row["rotation"], row.get("size", ()), *row.get("camera_intrinsic", ()))
            if not all(map(math.isfinite, values)):
                yield _broken(table, row, "finite", "holds NaN or infinity")
            elif abs(math.hypot(*row["rotation"]) - 1.0) > 1e-6:
                yield _broken(table, row, "quaternion-unit", f"rotation has length {math.hypot(*row['rotation']):.9g}")
    for row in tables["sample_annotation"]:
        if min(row["size"]) <= 0:
            yield _broken("sample_annotation", row, "size-positive", f"size is {row['size']}")
        if row["num_lidar_pts"] < 0 or row["num_radar_pts"] < 0:
            yield _broken("sample_annotation", row, "points-counted", "has fewer than no points")
    for row in tables["calibrated_sensor"]:
        if (row["camera_intrinsic"] == []) == (row["sensor_token"] in cameras):
            yield _broken("calibrated_sensor", row, "intrinsic", "cameras have an intrinsic matrix, others have none")


def labels(tables: Tables) -> Iterator[Violation]:
    """A box has at most one attribute, which its class can have, and a visibility that is known."""
    names = {row["token"]: row["name"] for row in chain(tables["category"], tables["attribute"])}
    classes = {row["token"]: names.get(row["category_token"], "") for row in tables["instance"]}
    levels = {row["token"] for row in tables["visibility"]}
    for row in tables["sample_annotation"]:
        attributes = [names.get(token, "") for token in row["attribute_tokens"]]
        if len(attributes) > 1:
            yield _broken("sample_annotation", row, "one-attribute", f"has {len(attributes)}: {', '.join(attributes)}")
        what = classes.get(row["instance_token"], "")
        for name in attributes:
            if name and what and not attribute_fits(name, what):
                yield _broken("sample_annotation", row, "attribute-class", f"a {what} cannot be '{name}'")
        if row["visibility_token"] not in levels:
            found = row["visibility_token"]
            yield _broken(
                "sample_annotation", row, "visibility-known", f"visibility_token '{found}' is not in the table"
            )


def names(tables: Tables) -> Iterator[Violation]:
    """Names that are looked up are unique, and every log lies on one map."""
    for table, field in (("scene", "name"), ("category", "name"), ("attribute", "name"), ("sensor", "channel")):
        seen: set[str] = set()
        for row in tables[table]:
            if row[field] in seen:
                yield _broken(table, row, "name-unique", f"another row has the {field} '{row[field]}'")
            seen.add(row[field])
    maps = Counter(chain.from_iterable(row["log_tokens"] for row in tables["map"]))
    for row in tables["log"]:
        if maps[row["token"]] != 1:
            yield _broken("log", row, "log-map", f"is on {maps[row['token']]} maps instead of one")


def splits(tables: Tables, found: object) -> Iterator[Violation]:
    """`splits.json` is split → scene names, and names scenes that are there."""
    known = {row["name"] for row in tables["scene"]}
    if not isinstance(found, dict) or not all(map(is_texts, found.values())):
        yield Violation(
            table="splits", token="", rule="splits", message="splits.json is not split → list of scene names"
        )
        return
    for split, scenes in found.items():
        for name in scenes:
            if name not in known:
                message = f"split '{split}' names {name}, which is not in table scene"
                yield Violation(table="splits", token="", rule="splits", message=message)


def _broken(table: str, row: Row, rule: str, message: str) -> Violation:
    return Violation(table=table, token=str(row.get("token", "")), rule=rule, message=message)


TABLE_RULES: tuple[Callable[[Tables], Iterator[Violation]], ...] = (
    tokens_unique,
    references,
    chains,
    bounds,
    sensors,
    numbers,
    labels,
    names,
)
"""The rules for tables whose `fields` are sound."""
