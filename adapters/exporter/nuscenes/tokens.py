"""Tokens: the 32 hex digits nuScenes names every row by, here a hash of what the row is, so that they never change."""

from __future__ import annotations

import hashlib


def token_of(table: str, *parts: object) -> str:
    """Return the token of the row of `table` that `parts` identify: the same for ever, and 32 hex digits.

    parts: strings and numbers; floats count with all their digits. Parts are kept apart, ("ab", "c") ≠ ("a", "bc").
    """
    digest = hashlib.blake2b(digest_size=16)
    for part in (table, *parts):
        text = repr(part).encode()
        digest.update(f"{len(text)}:".encode() + text)
    return digest.hexdigest()


def sample_token(clip_id: str, frame: int) -> str:
    """Return the token of the sample at a clip's key frame."""
    return token_of("sample", clip_id, frame)
