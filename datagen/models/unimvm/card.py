"""The model card: what weights were made of and how good they are, for people (card.md) and programs (card.json)."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict, ValidationError

from datagen.errors import InputError


class Card(BaseModel):
    """What is said of one set of weights.

    data: where its pictures came from.  drives, frames: how many.  autoencoder_sha256: of the one it was trained on.
    figures: measured, by key (`fid_no_image`, `control_ratio_vehicle` …).  protocol: how each was measured.
    shortfalls: what is still bad, one sentence each.  recipes: that made it, one after the other.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    conditions: tuple[str, ...]
    parameters: int
    weights_sha256: str
    autoencoder_sha256: str
    data: str
    drives: int
    frames: int
    train_steps: int
    train_device: str
    figures: dict[str, float] = {}
    protocol: dict[str, str] = {}
    shortfalls: tuple[str, ...] = ()
    recipes: tuple[str, ...] = ()


def write_card(folder: Path, card: Card) -> None:
    """Write card.json, with the figures at its top level, and card.md. A figure without its protocol is refused."""
    bare = sorted(set(card.figures) - set(card.protocol))
    if bare:
        raise InputError(f"{folder}: figures without the protocol they were measured by: {', '.join(bare)}")
    folder.mkdir(parents=True, exist_ok=True)
    said = card.model_dump(mode="json", exclude={"figures"})
    (folder / "card.json").write_text(json.dumps({**said, **card.figures}, indent=2) + "\n", encoding="utf-8")
    (folder / "card.md").write_text(_for_people(card), encoding="utf-8")


def read_card(folder: Path) -> Card:
    """Read a card.json. Raises InputError if it is missing or is no card."""
    path = folder / "card.json"
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        figures = {key: said.pop(key) for key in sorted(set(said) - set(Card.model_fields))}
        return Card.model_validate({**said, "figures": figures})
    except (OSError, ValueError, ValidationError) as error:
        raise InputError(f"{path}: not a model card ({error})") from error


def device_name() -> str:
    """Return what trains here: the GPU's name, or the processor and how many threads torch uses."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"{platform.machine()} CPU, {torch.get_num_threads()} threads"


def _for_people(card: Card) -> str:
    lines = [
        f"# UniMVM {card.name}",
        "",
        f"Trained for {card.train_steps:,} steps on {card.train_device}, on {card.drives:,} drives"
        f" ({card.frames:,} frames) of {card.data}. {card.parameters / 1e6:.1f} million parameters."
        f" Conditions: {', '.join(card.conditions)}.",
        "",
        *(f"    datagen train unimvm {path}" for path in card.recipes or (f"recipes/train/unimvm_{card.name}.yaml",)),
        "",
        f"- weights: SHA-256 `{card.weights_sha256}`",
        f"- autoencoder: SHA-256 `{card.autoencoder_sha256}`",
    ]
    for protocol in dict.fromkeys(card.protocol[key] for key in card.figures):
        lines += ["", f"{protocol}:", "", "| figure | value |", "|---|---|"]
        lines += [f"| {key} | {value:.4g} |" for key, value in card.figures.items() if card.protocol[key] == protocol]
    if card.shortfalls:
        lines += ["", "Still bad:", "", *(f"- {sentence}" for sentence in card.shortfalls)]
    return "\n".join(lines) + "\n"
