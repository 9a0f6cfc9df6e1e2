"""Slips of the pen: a word nobody knows becomes the one it was probably meant to be.

The shorter a word, the fewer slips it may have, and a letter in another's place counts for longer words only, where it
seldom makes another word: "frm", "inn" and "teh" are mended, "crate" is no "crane".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Set
from functools import lru_cache
from itertools import groupby

from adapters.planner.rules.lexicon import PHRASES
from adapters.planner.rules.place_words import FILL

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_SHORTEST, _TWO_PLAIN, _ANY_SLIP, _TWO_SLIPS, _LONGEST = 3, 5, 7, 7, 20
_USES = Counter(word for words in PHRASES for word in words)
_KNOWN = frozenset(_USES) | FILL
_BY_FIRST = {letter: tuple(words) for letter, words in groupby(sorted(_KNOWN), key=lambda word: word[0])}


_SHORT_FOR = {
    "thru": "through", "n": "and", "w": "with", "wo": "without", "bc": "because", "infornt": "infront",
    "rite": "right", "lft": "left", "rgt": "right",
}  # fmt: skip


@lru_cache(maxsize=4096)
def spelt_right(word: str) -> str:
    """Return the known word that a word is a slip of, or the word itself."""
    word = _SHORT_FOR.get(word, word)
    if word in _KNOWN or not _SHORTEST <= len(word) <= _LONGEST or not word.isascii():
        return word
    plain = _swapped(word) | _lost(word) | _doubled(word)
    meant = _likeliest({one for one in plain if len(one) > 1} & _KNOWN, word)
    if meant is not None or len(word) < _TWO_PLAIN:
        return meant or word
    often = {other for one in plain for other in _swapped(one) | _doubled(one)} & _KNOWN
    twice = {one for one in often if one[:2] == word[:2]}
    most = 2 if len(word) >= _TWO_SLIPS else 1 if len(word) >= _ANY_SLIP else 0
    near = (
        {one for one in _BY_FIRST.get(word[0], ()) if _slips(word, one, most=slips) <= slips}
        for slips in range(1, most + 1)
    )
    return next(filter(None, (_likeliest(found, word) for found in (twice, *near))), word)


def _likeliest(found: Set[str], word: str) -> str | None:
    """Return the word that is used most of those found, by preference with the same first letter."""
    return min(found, key=lambda one: (one[0] != word[0], -_USES[one], one), default=None)


def _swapped(word: str) -> set[str]:
    return {word[:k] + word[k + 1] + word[k] + word[k + 2 :] for k in range(len(word) - 1)}


def _lost(word: str) -> set[str]:
    """Return the words of which one letter was lost; not the first, nor an s at the end."""
    found = {word[:k] + letter + word[k:] for k in range(1, len(word) + 1) for letter in _LETTERS}
    return found - {word + "s"}


def _doubled(word: str) -> set[str]:
    """Return the words of which a letter was doubled."""
    return {word[:k] + word[k + 1 :] for k in range(1, len(word)) if word[k] == word[k - 1]}


def _slips(one: str, other: str, *, most: int) -> int:
    """Return the optimal string alignment distance (Damerau 1964), or more than `most` where it is more than that."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    above = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            best = min(above[j] + 1, row[-1] + 1, above[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                best = min(best, before[j - 2] + 1)
            row.append(best)
        if min(row) > most:
            return most + 1
        before, above = above, row
    return above[-1]
