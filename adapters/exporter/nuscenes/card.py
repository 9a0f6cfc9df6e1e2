"""The dataset card: `README.md` in the dataset's folder, in the form the Hugging Face hub reads.

What it says is counted (`census`), read from the clips' provenance, or told by whoever ran the recipe (`about`);
it holds no date and no path of the machine, so the same dataset has the same card.
Source of the form: huggingface.co/docs/hub/datasets-cards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import jinja2

from adapters.exporter.nuscenes.census import Census
from adapters.exporter.nuscenes.tables import Row

MOST_PROMPTS = 50
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


@dataclass(kw_only=True)
class Prompts:
    """What the scenes were made of, counted while fragments go by. Both are counters."""

    texts: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)

    def add(self, provenance: Row) -> None:
        """Count one scene."""
        self.texts[provenance["text"]] += 1
        self.sources[provenance["source"].get("source", "")] += 1


def write_card(
    dataset: Path,
    *,
    version: str,
    census: Census,
    prompts: Prompts,
    splits: Mapping[str, Iterable[str]],
    about: Mapping[str, str],
) -> None:
    """Write a dataset's card.

    splits: name → scenes.  about: what the run tells, all of it optional: `name`, `recipe` (YAML), `film`,
    `weights` (hash of those it was filmed with), `code_version`.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("adapters.exporter.nuscenes", "."), trim_blocks=True, lstrip_blocks=True
    )
    text = environment.get_template("card.md.jinja").render(
        version=version,
        census=census,
        hours=census.seconds / 3600,
        size=next((word for most, word in _SIZES if census.samples < most), "n>1M"),
        categories=sorted(census.categories.items(), key=lambda pair: (-pair[1], pair[0])),
        splits={name: len(list(scenes)) for name, scenes in splits.items()},
        texts=[(_cell(text), count) for text, count in prompts.texts.most_common(MOST_PROMPTS) if text.strip()],
        others=max(0, len(prompts.texts) - MOST_PROMPTS),
        from_log="nuscenes" in prompts.sources,
        about=about,
    )
    (dataset / "README.md").write_text(text, encoding="utf-8")


def _cell(text: str) -> str:
    """Return text that stays within one cell of a Markdown table."""
    return " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
