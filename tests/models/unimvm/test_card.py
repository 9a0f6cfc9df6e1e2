"""The card: figures by key for programs, with their protocol for people."""

from __future__ import annotations

import json

import pytest

from datagen.errors import InputError
from datagen.models.unimvm.card import Card, device_name, read_card, write_card

CARD = Card(
    name="tiny",
    conditions=("proxy", "map"),
    parameters=14_200_000,
    weights_sha256="ab" * 32,
    autoencoder_sha256="cd" * 32,
    data="the playground",
    drives=100,
    frames=3200,
    train_steps=500,
    train_device="two cores",
    figures={"fid_no_image": 31.25},
    protocol={"fid_no_image": "100 clips"},
    shortfalls=("Distant people are blobs.",),
)


def test_figures_lie_at_the_top_of_the_json_and_come_back(tmp_path):
    write_card(tmp_path, CARD)
    said = json.loads((tmp_path / "card.json").read_text())
    assert (said["fid_no_image"], said["train_steps"], said["train_device"]) == (31.25, 500, "two cores")
    assert read_card(tmp_path) == CARD


def test_people_read_the_figure_with_its_protocol_and_what_is_still_bad(tmp_path):
    write_card(tmp_path, CARD)
    text = (tmp_path / "card.md").read_text()
    assert "\n100 clips:\n\n| figure | value |\n|---|---|\n| fid_no_image | 31.25 |\n" in text
    assert "500 steps on two cores, on 100 drives (3,200 frames) of the playground" in text
    assert "- Distant people are blobs." in text


def test_a_figure_without_its_protocol_and_a_card_that_is_none_are_refused(tmp_path):
    with pytest.raises(InputError, match="without the protocol they were measured by: fid_no_image"):
        write_card(tmp_path, CARD.model_copy(update={"protocol": {}}))
    with pytest.raises(InputError, match="not a model card"):
        read_card(tmp_path)


def test_the_device_has_a_name():
    assert device_name()
