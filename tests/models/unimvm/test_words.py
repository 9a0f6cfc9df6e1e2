"""Words: what is said differently is told differently."""

from __future__ import annotations

import torch

from datagen.models.unimvm.words import VOCABULARIES, WordEncoder, by_words, closed_words, text_bytes
from datagen.scene import Ambience, Light, Place, Weather


def test_closed_words_count_from_one_so_that_zero_is_not_said():
    words = closed_words(Ambience(weather=Weather.RAIN, light=Light.NIGHT))
    assert words.tolist() == [3, 3, 1]
    assert [len(words) for words in VOCABULARIES] == [4, 3, 5]


def test_odds_of_several_words_multiply_and_what_is_not_named_counts_once():
    words = torch.tensor([[3, 3, 1], [1, 3, 1], [1, 1, 2], [0, 0, 0]])
    odds = by_words(words, {Weather.RAIN: 1.5, Light.NIGHT: 4.0, list(Place)[1]: 0.5})
    assert odds.tolist() == [6.0, 4.0, 0.5, 1.0]


def test_text_is_cut_and_filled_to_one_length_whatever_its_letters():
    assert text_bytes("Rain")[:5].tolist() == [*b"rain", 0]
    for text in ("", "ü" * 200, "雨", "a\0b"):
        assert len(text_bytes(text)) == 128
    assert text_bytes("a\0b")[:3].tolist() == [*b"a b"]


def test_different_words_make_different_tokens_and_text_leaves_the_closed_ones_alone():
    encoder = WordEncoder(32).eval()
    words = torch.tensor([[1, 1, 1], [2, 1, 1], [1, 1, 1]])
    text = torch.stack([text_bytes(t) for t in ("a van", "a van", "a bus")])
    tokens = encoder(words, text)
    assert tokens.shape == (3, 19, 32)
    assert not torch.equal(tokens[0, 0], tokens[1, 0])
    assert torch.equal(tokens[0, 1:3], tokens[1, 1:3])
    assert torch.equal(tokens[0, :3], tokens[2, :3])
    assert not torch.allclose(tokens[0, 3:], tokens[2, 3:])
