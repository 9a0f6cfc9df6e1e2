"""What ships with the program: whole, as its cards say, and small enough to be cloned."""

from __future__ import annotations

from pathlib import Path

import datagen
from datagen.models import weights
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


def test_unimvm_is_what_its_card_says():
    card, folder = read_card(SHIPPED / "unimvm"), SHIPPED / "unimvm"
    assert card.weights_sha256 == weights.sha256(folder / "unimvm.safetensors")
    assert card.autoencoder_sha256 == autoencoder_sha256(folder / "autoencoder.safetensors")
    assert load_unimvm(folder / "unimvm.safetensors").spec == TINY
