"""What one clip was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SYNTHETIC_EPOCH_US = 1_767_225_600_000_000
"""2026-01-01T00:00:00Z: invented scenes start here, 1000 s apart, so that their times never touch."""


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """One clip asked for: words, a seed, the values its placeholders took, and how long it shall be.

    index: its place in the recipe, from 0.  text: may be empty where the scene source needs no words.
    """

    id: str
    index: int
    text: str
    seed: int
    duration_s: float
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def start_us(self) -> int:
        """When an invented scene for this prompt begins."""
        return SYNTHETIC_EPOCH_US + self.index * 1_000_000_000
