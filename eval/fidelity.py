"""Do generated pictures look like real ones? FID and FVD between datasets, with all that must be said beside them.

    python -m eval fidelity REAL no_image=runs/none-…/dataset first_frame=runs/first-…/dataset

```
   fid, fvd        real clips against the films of the same scenes        as papers have it; rewards copying
   halves          half of the real scenes against films of the other half
   floor           half of the real scenes against the other half         what a perfect film of `halves` would score
```

A distance depends on how many samples it is measured with; `halves` and `floor` have equally many, so that the two can
be compared. Nothing here compares with published figures unless Inception and I3D are given.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from jaxtyping import UInt8
from torch import Tensor

from datagen.errors import DatasetError, InputError
from datagen.models.perception.training import read_picture
from eval.clips import Clip, clips_of, list_sha256, paired
from eval.features import Extractor, extracted, image_features, video_features
from eval.frechet import Cloud, Distance, across, distance, floor
from eval.tables import table, write_figures

_SPLITS = 5


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """How fidelity is measured.

    rate_hz: pictures a second.  frames: which of them, from each clip.  length: frames to a video; what is left over
    is not used.  split: of the real dataset.  drift: measure the last second against the first as well.
    inception, i3d: TorchScript files; without them the features that are at hand.
    """

    rate_hz: float = 4.0
    frames: slice = field(default_factory=lambda: slice(0, 8))
    length: int = 8
    version: str | None = None
    split: str | None = None
    resamples: int = 200
    seed: int = 0
    drift: bool = False
    inception: Path | None = None
    i3d: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Row:
    """One generated dataset against the real one. halves and floor: see the module; None where no scenes pair up."""

    name: str
    clips: int
    measured: Distance
    halves: float | None
    floor: float


@dataclass(frozen=True, kw_only=True)
class Fidelity:
    """FID and FVD of several generated datasets. drift: FID of the last second over that of the first, by name."""

    protocol: Mapping[str, Any]
    fid: Sequence[Row]
    fvd: Sequence[Row]
    drift: Mapping[str, float] = field(default_factory=dict)

    def figures(self) -> dict[str, Any]:
        """Return every figure by key, as cards have them, with its protocol."""
        found: dict[str, Any] = {"protocol": dict(self.protocol)}
        for kind, rows in (("fid", self.fid), ("fvd", self.fvd)):
            for row in rows:
                found[f"{kind}_{row.name}"] = row.measured.value
                found[f"{kind}_{row.name}_interval"] = [row.measured.low, row.measured.high]
                found[f"{kind}_{row.name}_samples"] = row.measured.samples
                if row.halves is not None:
                    found[f"{kind}_{row.name}_halves"] = row.halves
            found[f"{kind}_floor"] = rows[0].floor
        return found | {f"fid_drift_{name}": value for name, value in self.drift.items()}

    def __str__(self) -> str:
        lines = [f"{key:<16} {value}" for key, value in self.protocol.items()]
        heads = ("films", "clips", "N", "FID [95 %]", "halves", "floor", "N", "FVD [95 %]", "halves", "floor")
        body = [
            (fid.name, str(fid.clips), *_cells(fid), *_cells(fvd)) for fid, fvd in zip(self.fid, self.fvd, strict=True)
        ]
        lines += ["", table(heads, body)]
        lines += [
            f"drift of {name}: FID of the last second / first second = {ratio:.2f}"
            for name, ratio in self.drift.items()
        ]
        return "\n".join(lines)


def _cells(row: Row) -> tuple[str, str, str, str]:
    return (
        str(row.measured.samples),
        str(row.measured),
        "-" if row.halves is None else f"{row.halves:.2f}",
        f"{row.floor:.2f}",
    )


def fidelity(real: Path, generated: Mapping[str, Path], *, protocol: Protocol = Protocol()) -> Fidelity:
    """Compare generated datasets, by name, with a real one. Raises DatasetError where there is too little."""
    images, videos = image_features(protocol.inception), video_features(protocol.i3d)
    real_clips = clips_of(real, version=protocol.version, split=protocol.split)
    films = {name: clips_of(dataset) for name, dataset in generated.items()}
    kept = {name: paired(real_clips, clips) for name, clips in films.items()}
    fid, fvd, drift = [], [], {}
    for name, clips in films.items():
        pairs = kept[name]
        sides = ([one for one, _ in pairs], [two for _, two in pairs]) if pairs else (real_clips, clips)
        measure = _Measure(protocol=protocol, real=sides[0], generated=sides[1], paired=bool(pairs))
        fid.append(measure.row(name, images, _pictures))
        fvd.append(measure.row(name, videos, _videos))
        if protocol.drift:
            drift[name] = measure.drift(images)
    files = [
        path
        for clip in real_clips
        for paths in clip.at_rate(protocol.rate_hz, protocol.frames).values()
        for path in paths
    ]
    said = {
        "real": str(real),
        "films": ", ".join(f"{name}={dataset}" for name, dataset in generated.items()),
        "frames": f"{protocol.frames.start or 0}:{protocol.frames.stop or ''} at {protocol.rate_hz:g} Hz",
        "video_length": f"{protocol.length} frames",
        "clip_list_sha256": list_sha256(files, root=real),
        **{f"fid_{key}": value for key, value in images.protocol.items()},
        **{f"fvd_{key}": value for key, value in videos.protocol.items()},
        "intervals": f"95 %, {protocol.resamples} resamples of clips, seed {protocol.seed}",
    }
    return Fidelity(protocol=said, fid=fid, fvd=fvd, drift=drift)


@dataclass(frozen=True, kw_only=True)
class _Measure:
    """Two lists of clips; where they are paired, clip i of both is the same scene."""

    protocol: Protocol
    real: Sequence[Clip]
    generated: Sequence[Clip]
    paired: bool

    def row(self, name: str, extractor: Extractor, items: Any) -> Row:
        protocol = self.protocol
        real = self.cloud(self.real, extractor, items, frames=protocol.frames)
        made = self.cloud(self.generated, extractor, items, frames=protocol.frames)
        return Row(
            name=name,
            clips=len(self.generated),
            measured=distance(real, made, paired=self.paired, resamples=protocol.resamples, seed=protocol.seed),
            halves=across(real, made, splits=_SPLITS, seed=protocol.seed) if self.paired else None,
            floor=floor(real, splits=_SPLITS, seed=protocol.seed),
        )

    def drift(self, extractor: Extractor) -> float:
        """Return the FID of the last second over that of the first, each against the real pictures of that second."""
        second = max(1, round(self.protocol.rate_hz))
        first, last = (
            distance(
                self.cloud(self.real, extractor, _pictures, frames=frames),
                self.cloud(self.generated, extractor, _pictures, frames=frames),
                paired=self.paired,
                resamples=0,
                seed=0,
            ).value
            for frames in (slice(0, second), slice(-second, None))
        )
        return last / first

    def cloud(self, clips: Sequence[Clip], extractor: Extractor, items: Any, *, frames: slice) -> Cloud:
        numbers: list[int] = []

        def taken() -> Iterator[UInt8[Tensor, "3 ..."]]:
            for number, clip in enumerate(clips):
                for paths in clip.at_rate(self.protocol.rate_hz, frames).values():
                    for item in items(paths, extractor.size_px, self.protocol.length):
                        numbers.append(number)
                        yield item

        features = extracted(extractor, taken())
        return Cloud(features=features, clip=torch.tensor(numbers).numpy())


def _pictures(paths: Sequence[Path], size_px: tuple[int, int] | None, _: int) -> Iterator[UInt8[Tensor, "3 Hpx Wpx"]]:
    for path in paths:
        yield read_picture(path, size_px)


def _videos(
    paths: Sequence[Path], size_px: tuple[int, int] | None, length: int
) -> Iterator[UInt8[Tensor, "3 T Hpx Wpx"]]:
    if len(paths) < length:
        raise DatasetError(f"{paths[0]}: only {len(paths)} frames from here on, videos have {length}; lower --length")
    for start in range(0, len(paths) - length + 1, length):
        yield torch.stack([read_picture(path, size_px) for path in paths[start : start + length]], dim=1)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Say what `python -m eval fidelity` takes."""
    usual = Protocol()
    command.epilog = (
        "example: python -m eval fidelity data/held no_image=runs/none-01/dataset first_frame=runs/first-02/dataset"
    )
    command.add_argument("real", type=Path)
    command.add_argument("generated", nargs="+", metavar="[NAME=]GENERATED", help="datasets; names become keys")
    command.add_argument("--version", help="of the real dataset's tables (default: the only one)")
    command.add_argument("--split", help="of the real dataset (default: all of it)")
    command.add_argument("--rate", type=float, default=usual.rate_hz, help="pictures a second (default: %(default)s)")
    command.add_argument("--frames", default="0:8", help="which of each clip's, as START:STOP (default: %(default)s)")
    command.add_argument("--length", type=int, default=usual.length, help="frames to a video (default: %(default)s)")
    command.add_argument("--drift", action="store_true", help="also the last second against the first")
    command.add_argument("--resamples", type=int, default=usual.resamples, help="for intervals (default: %(default)s)")
    command.add_argument("--inception", type=Path, help="TorchScript of Inception 2015-12-05, for the usual FID")
    command.add_argument("--i3d", type=Path, help="TorchScript of I3D, for the usual FVD")
    command.add_argument("--json", type=Path, help="write the figures here as well")


def measure(chosen: argparse.Namespace) -> tuple[Fidelity, bool]:
    """Measure fidelity as the command line says."""
    protocol = Protocol(
        rate_hz=chosen.rate,
        frames=_slice(chosen.frames),
        length=chosen.length,
        version=chosen.version,
        split=chosen.split,
        resamples=chosen.resamples,
        drift=chosen.drift,
        inception=chosen.inception,
        i3d=chosen.i3d,
    )
    found = fidelity(chosen.real, named(chosen.generated), protocol=protocol)
    if chosen.json:
        write_figures(chosen.json, found.figures())
    return found, True


def named(given: Sequence[str]) -> dict[str, Path]:
    """Return datasets by the names given as NAME=PATH; one without a name is called `film`."""
    pairs = [word.split("=", 1) if "=" in word else ["film", word] for word in given]
    found = {name: Path(path) for name, path in pairs}
    if len(found) < len(pairs):
        raise InputError("two datasets have the same name; say NAME=PATH for each")
    return found


def _slice(text: str) -> slice:
    try:
        start, stop = (int(word) if word else None for word in text.split(":"))
    except ValueError as error:
        raise InputError(f"--frames {text}: say START:STOP, such as 0:8 or -4:") from error
    return slice(start, stop)
