"""Slips of the pen: a word nobody knows becomes the one it was probably meant to be.

The shorter a word, the fewer slips it may have, and a letter in another's place counts for longer words only, where it
seldom makes another word: "frm", "inn" and "teh" are mended, "crate" is no "crane".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache

from adapters.planner.rules.lexicon import PHRASES
from adapters.planner.rules.place_words import FILL

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_SHORTEST, _TWO_PLAIN, _ANY_SLIP, _TWO_SLIPS, _LONGEST = 3, 5, 6, 7, 20
_USES = Counter(word for words in PHRASES for word in words)
_KNOWN = frozenset(_USES) | FILL


_SHORT_FOR = {"thru": "through", "n": "and", "w": "with", "wo": "without", "bc": "because", "infornt": "infront"}


@cache
def spelt_right(word: str) -> str:
    """Return the known word that a word is a slip of, or the word itself."""
    word = _SHORT_FOR.get(word, word)
    if word in _KNOWN or not _SHORTEST <= len(word) <= _LONGEST or not word.isascii():
        return word
    for slips in _kinds_of_slips(word):
        found = sorted(slips & _KNOWN, key=lambda one: (one[0] != word[0], -_USES[one], one))
        if found:
            return found[0]
    return word


def _kinds_of_slips(word: str) -> Iterator[set[str]]:
    """Yield the words that would be mistaken for this one, by the likeliest slips first."""
    plain = _swapped(word) | _lost(word) | _doubled(word)
    yield {one for one in plain if len(one) > 1}
    if len(word) >= _TWO_PLAIN:
        yield {twice for one in plain for twice in _swapped(one) | _lost(one) | _doubled(one)}
    if len(word) < _ANY_SLIP:
        return
    once = plain | _other(word) | _extra(word)
    yield once
    if len(word) >= _TWO_SLIPS:
        yield {
            twice for one in once for twice in _swapped(one) | _lost(one) | _doubled(one) | _extra(one) | _other(one)
        }


def _swapped(word: str) -> set[str]:
    return {word[:k] + word[k + 1] + word[k] + word[k + 2 :] for k in range(len(word) - 1)}


def _lost(word: str) -> set[str]:
    """Return the words of which one letter was lost; not the first, nor an s at the end."""
    found = {word[:k] + letter + word[k:] for k in range(1, len(word) + 1) for letter in _LETTERS}
    return found - {word + "s"}


def _doubled(word: str) -> set[str]:
    """Return the words of which a letter was doubled."""
    return {word[:k] + word[k + 1 :] for k in range(1, len(word)) if word[k] == word[k - 1]}


def _extra(word: str) -> set[str]:
    return {word[:k] + word[k + 1 :] for k in range(1, len(word))}


def _other(word: str) -> set[str]:
    return {word[:k] + letter + word[k + 1 :] for k in range(1, len(word)) for letter in _LETTERS}
