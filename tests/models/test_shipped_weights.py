"""What ships with the program: whole, as its cards say, and small enough to be cloned."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import datagen
from datagen.digest import file_sha256
from datagen.models.autoencoder.weights import autoencoder_sha256
from datagen.models.unimvm.card import read_card
from datagen.models.unimvm.spec import TINY
from datagen.models.unimvm.weights import load_unimvm

SHIPPED = Path(datagen.__file__).parent / "weights"
MOST_BYTES = 40 * 2**20


def test_all_weights_together_can_be_cloned():
    files = list(SHIPPED.rglob("*.safetensors"))
    assert files
    assert sum(path.stat().st_size for path in files) < MOST_BYTES


@pytest.mark.parametrize(
    "folder", sorted(path.parent for path in SHIPPED.glob("*/card.json")), ids=lambda path: path.name
)
def test_cards_for_people_and_programs_name_the_weights_beside_them(folder):
    said = json.loads((folder / "card.json").read_text(encoding="utf-8"))["weights_sha256"]
    assert said in {file_sha256(path) for path in folder.glob("*.safetensors")}
    text = (folder / "card.md").read_text(encoding="utf-8")
    assert said in text
    assert "datagen train" in text
    assert "Still bad" in text


def test_no_weights_ship_without_a_card():
    assert {path.parent for path in SHIPPED.rglob("*.safetensors")} == {p.parent for p in SHIPPED.glob("*/card.json")}


def test_unimvm_is_what_its_card_says():
    card, folder = read_card(SHIPPED / "unimvm"), SHIPPED / "unimvm"
    assert card.weights_sha256 == file_sha256(folder / "unimvm.safetensors")
    assert card.autoencoder_sha256 == autoencoder_sha256(folder / "autoencoder.safetensors")
    assert load_unimvm(folder / "unimvm.safetensors").spec == TINY
