"""What any planner is given of a prompt's text: bounded, one line, without control characters."""

from __future__ import annotations

import unicodedata

MOST_CHARACTERS = 2000
"""Whatever lies beyond is left out (and said to be)."""


def bounded(text: str, *, most: int = MOST_CHARACTERS) -> tuple[str, tuple[str, ...]]:
    """Return the text in compatibility form (NFKC) without control characters, and what had to be left out of it."""
    folded = unicodedata.normalize("NFKC", text[:most]).replace("’", "'")
    kept = "".join(" " if unicodedata.category(c)[0] == "C" and c != "\n" else c for c in folded)[: 2 * most]
    return kept, (f"the text beyond its first {most} characters",) if len(text) > most else ()
