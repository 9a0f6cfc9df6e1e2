"""Every error this program raises on purpose, and who is to blame for it.

```
DatagenError                what a caller may catch to catch us all
├── InputError              what the user gave is wrong: nothing was written, exit code 2
│   ├── RecipeError         a recipe: all its mistakes at once, each with file:line
│   ├── LogError            a drive log (nuScenes-format dataset) that was to be read
│   └── DatasetError        a dataset of ours that was to be validated, merged or viewed
├── ClipError               one clip cannot be made; its neighbours can (retried, then in the ledger)
└── DependencyError         an optional package or binary is missing; the message says how to get it
```

A message says where, what was found, what there is, and what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class DatagenError(Exception):
    """Base of every error raised on purpose."""


class InputError(DatagenError):
    """What the user gave is wrong; nothing was written (exit code 2)."""


class RecipeError(InputError):
    """A recipe has mistakes; the message lists all of them, one a line."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))

    def __reduce__(self) -> tuple[type[RecipeError], tuple[tuple[str, ...]]]:
        return type(self), (self.problems,)


class LogError(InputError):
    """A drive log that was to be read is missing, broken or not what it claims to be."""


class DatasetError(InputError):
    """A dataset that was to be validated, merged or viewed breaks a rule."""


class ClipError(DatagenError):
    """One clip cannot be made; the run goes on without it."""


class DependencyError(DatagenError):
    """An optional package or binary is missing."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the known word closest to `word`, or an empty string."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" Did you mean '{close[0]}'?" if close else ""
