"""Words to tokens: closed vocabularies by embedding, free text by a small encoder of its bytes.

Several tokens, so that "rain" and "night" are looked at separately; 0 stands for "not said" everywhere, which is
also what classifier-free guidance is guided away from.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor, nn

from datagen.scene.ambience import Ambience, ClosedWord, Light, Place, Weather

VOCABULARIES = (tuple(Weather), tuple(Light), tuple(Place))
TEXT_BYTES = 128
_TOKEN_BYTES = 8


def closed_words(ambience: Ambience) -> Int[Tensor, "words=3"]:
    """Return weather, light and place as numbers from 1; 0 is left for "not said"."""
    chosen = (ambience.weather, ambience.light, ambience.place)
    return torch.tensor([1 + words.index(word) for words, word in zip(VOCABULARIES, chosen)], dtype=torch.int64)


def by_words(words: Int[Tensor, "N words=3"], values: Mapping[ClosedWord, float]) -> Float[Tensor, "N"]:
    """Return for each clip the product of its closed words' values; a word that is not named has 1."""
    tables = [torch.tensor([1.0, *(values.get(word, 1.0) for word in vocabulary)]) for vocabulary in VOCABULARIES]
    return torch.stack([table.to(words.device)[words[:, i]] for i, table in enumerate(tables)]).prod(dim=0)


def text_bytes(text: str) -> Int[Tensor, "bytes=128"]:
    """Return the text's first TEXT_BYTES bytes in lower case UTF-8, filled with zeros; no byte of it is 0."""
    raw = text.lower().encode("utf-8").replace(b"\0", b" ")[:TEXT_BYTES]
    return torch.tensor(list(raw.ljust(TEXT_BYTES, b"\0")), dtype=torch.int64)


class WordEncoder(nn.Module):
    """Three tokens for the closed words and sixteen for the text, `width` wide.

    Text: bytes are embedded, eight neighbours with their places make a token, tokens look at each other once.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.closed = nn.ModuleList([nn.Embedding(len(words) + 1, width) for words in VOCABULARIES])
        self.byte = nn.Embedding(256, 32, padding_idx=0)
        self.token = nn.Conv1d(32, width, 2 * _TOKEN_BYTES, stride=_TOKEN_BYTES, padding=_TOKEN_BYTES // 2)
        self.place = nn.Parameter(torch.randn(TEXT_BYTES // _TOKEN_BYTES, width) * 0.02)
        self.mix = nn.TransformerEncoderLayer(width, 4, 2 * width, dropout=0.0, batch_first=True, norm_first=True)

    def forward(
        self, words: Int[Tensor, "B words=3"], text: Int[Tensor, "B bytes=128"]
    ) -> Float[Tensor, "B tokens width"]:
        """Return the tokens that the network attends to."""
        closed = torch.stack([table(words[:, i]) for i, table in enumerate(self.closed)], dim=1)
        spelled = self.token(rearrange(self.byte(text), "B L C -> B C L"))
        free = self.mix(rearrange(spelled, "B C L -> B L C") + self.place)
        return torch.cat([closed, free], dim=1)
