"""How good is a film model? One command films the scenes of a held-out log in every mode and prints the paper's table.

    python -m eval film recipes/experiments/film_modes.yaml --out runs --json card.json

```
   recipe ─┬ no_image     film.mode=none          ─▶ dataset ┐
           ├ front_video  film.mode=front_video   ─▶ dataset ┼▶ fidelity: FID and FVD of each against the log
           ├ first_frame  film.mode=first_frame   ─▶ dataset ┘
           └ another      film.mode=none, seed+1  ─▶ dataset ──▶ control of no_image, diversity
```

An arm is a set of changes to the recipe (`--arm joined film.weights=… --arm single film.weights=…` for an ablation).
Runs resume: what is filmed already is not filmed again. `--long 20` films no_image for so many seconds as well and
measures the last second against the first.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from datagen import pipeline
from datagen.errors import InputError
from eval import control as control_measure
from eval import fidelity as fidelity_measure
from eval.control import Control, control
from eval.fidelity import Fidelity, fidelity
from eval.tables import write_figures

ARMS: Mapping[str, tuple[str, ...]] = {
    "no_image": ("film.mode=none",),
    "front_video": ("film.mode=front_video",),
    "first_frame": ("film.mode=first_frame",),
}
_FIDELITY, _CONTROL = fidelity_measure.Protocol(), control_measure.Protocol()


@dataclass(frozen=True, kw_only=True)
class FilmScores:
    """What the film model scores: fidelity of every arm, control of the first, drift of long clips if asked for."""

    fidelity: Fidelity
    control: Control
    long: Fidelity | None

    def figures(self) -> dict[str, Any]:
        """Return every figure by key, as a model card has them."""
        fidelity, control = self.fidelity.figures(), self.control.figures()
        protocol = {"fidelity": fidelity.pop("protocol"), "control": control.pop("protocol")}
        found = {"protocol": protocol, **fidelity, **control}
        if self.long is not None:
            found["fid_last_second_over_first"] = self.long.drift["long"]
        return found

    def __str__(self) -> str:
        parts = [str(self.fidelity), str(self.control)]
        if self.long is not None:
            parts.append(f"long clips: FID of the last second / of the first = {self.long.drift['long']:.2f}")
        return "\n\n".join(parts)


def film(
    recipe: Path,
    *,
    out: Path,
    arms: Mapping[str, Sequence[str]] = ARMS,
    overrides: Sequence[str] = (),
    long_s: float | None = None,
    address: str | None = None,
    fidelity_protocol: fidelity_measure.Protocol = _FIDELITY,
    control_protocol: control_measure.Protocol = _CONTROL,
) -> FilmScores:
    """Film every arm of a recipe whose scenes are a log's, then measure. Raises InputError for another recipe."""
    loaded = pipeline.load_recipe(recipe, overrides=overrides)
    if loaded.scene.get("use") != "nuscenes":
        raise InputError(f"{recipe}: scene.use must be nuscenes: films are compared with the log they were read from")
    real = Path(loaded.scene["root"])
    fidelity_protocol = replace(
        fidelity_protocol,
        version=loaded.scene.get("version"),
        split=loaded.scene.get("split"),
        rate_hz=loaded.clip.rate_hz,
    )

    def filmed(changes: Sequence[str]) -> Path:
        run = pipeline.prepare(recipe, out=out, overrides=[*overrides, *changes])
        pipeline.run(run, address=address)
        if not run.dataset.is_dir():
            raise InputError(f"{run.folder}: no clip was kept; `datagen status {run.folder}` says why")
        return run.dataset

    films = {name: filmed(changes) for name, changes in arms.items()}
    first = next(iter(films))
    again = filmed([*arms[first], f"seed={loaded.seed + 1}"])
    long = None
    if long_s is not None:
        tall = filmed([*arms[first], f"clip.duration_s={long_s}"])
        frames = round(long_s * loaded.clip.rate_hz)
        long = fidelity(real, {"long": tall}, protocol=replace(fidelity_protocol, frames=slice(0, frames), drift=True))
    return FilmScores(
        fidelity=fidelity(real, films, protocol=fidelity_protocol),
        control=control(
            real, films[first], again=again, protocol=replace(control_protocol, version=fidelity_protocol.version)
        ),
        long=long,
    )


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Say what `python -m eval film` takes."""
    command.epilog = "example: python -m eval film recipes/experiments/film_modes.yaml --set scene.root=data/held"
    command.add_argument("recipe", type=Path, help="a recipe with scene.use: nuscenes")
    command.add_argument("--out", type=Path, default=Path("runs"), help="folder of all runs (default: runs)")
    command.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change one key, in all arms")
    command.add_argument(
        "--arm", action="append", nargs="+", metavar=("NAME", "KEY=VALUE"), help="arms (default: the three modes)"
    )
    command.add_argument("--long", type=float, metavar="SECONDS", help="also film clips this long, for drift")
    command.add_argument("--address", help="a Ray cluster to film on (default: this machine)")
    command.add_argument("--perception", type=Path, help="weights to look with (default: those that ship)")
    command.add_argument("--inception", type=Path, help="TorchScript of Inception 2015-12-05, for the usual FID")
    command.add_argument("--i3d", type=Path, help="TorchScript of I3D, for the usual FVD")
    command.add_argument("--json", type=Path, help="write the figures here as well")


def measure(chosen: argparse.Namespace) -> tuple[FilmScores, bool]:
    """Film and measure as the command line says."""
    scores = film(
        chosen.recipe,
        out=chosen.out,
        arms={name: tuple(changes) for name, *changes in chosen.arm} if chosen.arm else ARMS,
        overrides=chosen.set,
        long_s=chosen.long,
        address=chosen.address,
        fidelity_protocol=fidelity_measure.Protocol(inception=chosen.inception, i3d=chosen.i3d),
        control_protocol=control_measure.Protocol(perception=chosen.perception),
    )
    if chosen.json:
        write_figures(chosen.json, scores.figures())
    return scores, True
