"""A real log and a synthetic dataset become one dataset to train on; validation stays real.

```
   real tables ──────────────────────────────▶ as they are ┐
   synthetic tables ─ tokens of what both have ─▶ rewritten ┴▶ <out>/<version>/*.json
   sensor files ─ hard links, or symbolic ones to another disk ▶ <out>/samples, sweeps
   maps ─ of one location: the real one         ─▶ <out>/maps
   splits: train_real + train_synth = train_aug;  val = val_real, the real validation scenes
```

Both have: sensors (by channel), categories and attributes (by name), visibilities (by level) and maps (by
location). `val` is there for people; the devkit resolves that name to its own list, and `val_real` to ours.
Rows stream through. Only the check at the end holds a log's tables, once at a time, as the devkit does, too.
"""

from __future__ import annotations

import itertools
import logging
import math
from collections.abc import Collection, Sequence
from pathlib import Path

from tqdm import tqdm

from adapters.exporter.nuscenes.folders import appearing, link, within
from adapters.exporter.nuscenes.judgements import unite_judgements
from adapters.exporter.nuscenes.splits import train_and_val, write_splits
from adapters.exporter.nuscenes.tables import Row
from adapters.exporter.nuscenes.tokens import token_of
from adapters.exporter.nuscenes.united import Guest, Source, add_samples, add_scenes, unite_maps, unite_shared
from adapters.exporter.nuscenes.validate import validate, version_of
from datagen.errors import DatasetError

_LOG = logging.getLogger(__name__)


def augment(
    real: Path,
    synth: Path,
    out: Path,
    *,
    real_version: str | None = None,
    synth_version: str | None = None,
    version: str = "v1.0-aug",
    ratio: float | None = None,
) -> Path:
    """Write `out`, a dataset of the scenes of `real` and `synth`, and return it.

    real_version, synth_version: may be None where there is only one.
    ratio: synthetic samples per real training sample (the nearest whole number of scenes); None takes all. Scenes
        are taken in an order decided by hash, so that a larger ratio holds a smaller one.
    Sensor files that the real log lacks are counted and reported, and so are renamed scenes.
    Raises DatasetError when an input is not a dataset, `out` exists, a filename leaves its dataset, a scene is in
    both, there are too few synthetic scenes for the ratio, or the result breaks a rule the real log did not.
    """
    from adapters.exporter.nuscenes import infos  # with it the package would no longer be light to import

    host = Source(root=real, version=version_of(real, real_version))
    guest = Source(root=synth, version=version_of(synth, synth_version))
    with appearing(out, replace=False) as partial:
        tables = partial / version
        tables.mkdir()
        train, val = train_and_val(host.root, host.version, [row["name"] for row in host.rows("scene")])
        taking = Guest(names=_renamed(host, _chosen(host, guest, train=train, ratio=ratio)))
        unite_shared(host, guest, taking, tables)
        add_scenes(host, guest, taking, tables)
        add_samples(host, guest, taking, tables)
        unite_judgements(
            host.root / host.version,
            guest.root / guest.version,
            tables,
            boxes=taking.taken["sample_annotation"],
            samples=taking.taken["sample"],
        )
        masks, locations = unite_maps(host, guest, taking, tables)
        _link_maps(host, guest, partial, masks=masks, locations=locations)
        _link_sensor_files(host, guest, taking, partial)
        _link_can_bus(host, guest, taking, partial)
        synthetic = list(taking.names.values())
        splits = {"train_real": train, "train_synth": synthetic, "train_aug": [*train, *synthetic]}
        write_splits(tables / "splits.json", splits | ({"val": val, "val_real": val} if val else {}))
        infos.write_infos(partial, version)
        _check(host, partial, version)
    return out


def _chosen(host: Source, guest: Source, *, train: Sequence[str], ratio: float | None) -> list[Row]:
    """Return the synthetic scenes to take, in their table's order."""
    scenes = list(guest.rows("scene"))
    ours = {row["token"] for row in host.rows("scene")}
    for row in scenes:
        if row["token"] in ours:
            raise DatasetError(f"{guest.root}: {row['name']} ({row['token']}) is in {host.root}, too")
    if ratio is None:
        return scenes
    if not (math.isfinite(ratio) and ratio > 0):
        raise DatasetError(f"ratio is {ratio}; it must be above 0")
    real_samples = sum(row["nbr_samples"] for row in host.rows("scene") if row["name"] in set(train))
    there = sum(row["nbr_samples"] for row in scenes)
    wanted = ratio * real_samples
    if there < wanted:
        raise DatasetError(
            f"{guest.root}: ratio {ratio:g} of {real_samples} real training samples asks for {wanted:.0f} synthetic "
            f"ones, there are {there}; make more clips, or ask for at most {there / max(real_samples, 1):.3f}"
        )
    ranked = sorted(scenes, key=lambda row: token_of("ratio", row["name"]))
    counts = [sum(row["nbr_samples"] for row in ranked[:k]) for k in range(1, len(ranked) + 1)]
    nearest = min(range(len(counts)), key=lambda k: abs(counts[k] - wanted))
    taken = {row["token"] for row in ranked[: nearest + 1]}
    return [row for row in scenes if row["token"] in taken]


def _renamed(host: Source, chosen: Sequence[Row]) -> dict[str, str]:
    """Return scene name there → here: the next free number for names that the real log has."""
    used = {row["name"] for row in host.rows("scene")} | {row["name"] for row in chosen}
    real = {row["name"] for row in host.rows("scene")}
    free = (name for name in (f"scene-{number:04d}" for number in itertools.count(2001)) if name not in used)
    names = {}
    for row in chosen:
        name = row["name"]
        if name in real:
            name = next(free)
            _LOG.warning("%s is in the real log, too: the synthetic scene is now %s", row["name"], name)
        names[row["name"]] = name
    return names


def _link_maps(host: Source, guest: Source, out: Path, *, masks: Collection[str], locations: Collection[str]) -> None:
    """Link every real map file, then the synthetic ones of `masks` and `locations` that are not there yet."""
    for source in sorted(path for path in (host.root / "maps").rglob("*") if path.is_file()):
        _link(source, out / source.relative_to(host.root))
    for source in sorted(path for path in (guest.root / "maps").rglob("*") if path.is_file()):
        name = source.relative_to(guest.root).as_posix()
        if (name in masks or source.stem in locations) and not (out / name).exists():
            _link(source, out / name)


def _link_sensor_files(host: Source, guest: Source, taking: Guest, out: Path) -> None:
    """Link the files of both; what the real log lacks is counted and reported once."""
    missing = total = 0
    for row in tqdm(host.rows("sample_data"), desc="real files", unit="file", delay=1.0):
        source = within(host.root, row["filename"])
        total += 1
        if source.is_file():
            _link(source, out / row["filename"])
        else:
            missing += 1
    if missing:
        _LOG.warning("%d of %d sensor files of %s are missing; they are missing here, too", missing, total, host.root)
    for row in tqdm(guest.rows("sample_data"), desc="synthetic files", unit="file", delay=1.0):
        if row["sample_token"] in taking.taken["sample"]:
            _link(within(guest.root, row["filename"]), out / row["filename"])


def _link_can_bus(host: Source, guest: Source, taking: Guest, out: Path) -> None:
    for source in sorted((host.root / "can_bus").glob("*.json")):
        _link(source, out / "can_bus" / source.name)
    for source in sorted((guest.root / "can_bus").glob("*.json")):
        name, _, what = source.name.partition("_")
        if name in taking.names:
            _link(source, out / "can_bus" / f"{taking.names[name]}_{what}")


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    link(source, target)


def _check(host: Source, out: Path, version: str) -> None:
    """Raise DatasetError for every rule that is broken here and was not in the real log."""
    before = {
        (found.table, found.token, found.rule) for found in validate(host.root, version=host.version, files=False)
    }
    broken = validate(out, version=version, files=False)
    new = [found for found in broken if (found.table, found.token, found.rule) not in before]
    if new:
        listed = "\n".join(f"  {found}" for found in new[:10])
        raise DatasetError(f"the augmented dataset breaks {len(new)} rules that {host.root} does not:\n{listed}")
    if broken:
        _LOG.warning("%s breaks %d rules itself; they are broken here, too (datagen validate)", host.root, len(broken))
