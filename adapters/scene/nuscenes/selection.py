"""Which scenes of a log a recipe means, found without reading more than two small tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from adapters.scene.nuscenes.tables import read_json, read_table
from datagen.errors import LogError, did_you_mean


def chosen_scenes(root: Path, version: str, *, names: Sequence[str], split: str | None) -> tuple[str, ...]:
    """Return the names of the scenes that are both in `names` (all, if it is empty) and in `split` (any, if None).

    They come in the order of `names`, else of scene.json.
    Raises LogError for a name or split that is not there, and when nothing is left.
    """
    known = [record["name"] for record in read_table(root / version, "scene") if "name" in record]
    for name in names:
        if name not in known:
            raise LogError(f"{root / version}/scene.json: no scene '{name}' among {len(known)}.{_hint(name, known)}")
    wanted = list(names) or known
    if split is not None:
        members = _split(root, version, split=split)
        wanted = [name for name in wanted if name in members]
    if not wanted:
        where = f" in split '{split}'" if split else ""
        raise LogError(f"{root / version}/scene.json: no scene is left{where}; choose another scene.split or scenes.")
    return tuple(wanted)


def locations_of(root: Path, version: str, *, names: Sequence[str]) -> tuple[str, ...]:
    """Return the locations that these scenes were driven in, each once."""
    logs = {record["token"]: record for record in read_table(root / version, "log")}
    driven = [record["log_token"] for record in read_table(root / version, "scene") if record["name"] in names]
    for token in driven:
        if token not in logs:
            raise LogError(f"{root / version}/scene.json: refers to log '{token}', which log.json does not hold.")
    return tuple(dict.fromkeys(logs[token]["location"] for token in driven))


def check_instances(root: Path, version: str, tokens: Sequence[str]) -> None:
    """Raise LogError for an instance token that an edit names and the log does not hold."""
    known = {record["token"] for record in read_table(root / version, "instance")} if tokens else set()
    for token in tokens:
        if token not in known:
            raise LogError(
                f"{root / version}/instance.json: no instance '{token}', which an edit names."
                f"{did_you_mean(token, known)}"
            )


def _hint(name: str, known: Sequence[str]) -> str:
    return did_you_mean(name, known) or f" The first is '{known[0]}'." if known else ""


def _split(root: Path, version: str, *, split: str) -> frozenset[str]:
    """Return the scene names of a split: of the log's own splits.json where it has one, else of nuScenes."""
    own = root / version / "splits.json"
    splits = dict(read_json(own)) if own.is_file() else _official_splits()
    if split not in splits:
        raise LogError(
            f"{root / version}: no split '{split}'; there are: {', '.join(splits)}.{did_you_mean(split, splits)}"
        )
    return frozenset(splits[split])


def _official_splits() -> dict[str, list[str]]:
    from nuscenes.utils.splits import create_splits_scenes

    return create_splits_scenes()
