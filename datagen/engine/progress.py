"""What a person sees of a run: a bar on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import sys
import time

from tqdm import tqdm

from datagen.engine.status import duration

LINE_SECONDS = 15.0
ENOUGH_FOR_A_RATE = 3


class Progress:
    """Counts items as they are settled.

    total: how many there are, or None if nobody knows.  show: False for silence.
    """

    def __init__(self, *, total: int | None, show: bool) -> None:
        self.total = total
        self._said = time.monotonic()
        self._first = 0.0
        self._settled = self._skipped = self._dropped = self._failed = 0
        self._show = show
        self._bar: tqdm | None = None
        if show and sys.stderr.isatty():
            layout = "{percentage:3.0f}%|{bar:30}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]" if total else None
            self._bar = tqdm(total=total, bar_format=layout, unit="clip", dynamic_ncols=True)

    def skipped(self) -> None:
        """Count an item that an earlier run settled."""
        self._skipped += 1
        self._step()

    def settled(self, *, state: str) -> None:
        """Count an item that this run settled."""
        self._settled += 1
        self._first = self._first or time.monotonic()
        self._dropped += state == "dropped"
        self._failed += state == "failed"
        self._step()

    def say(self, words: str) -> None:
        """Print a line that stays."""
        if self._show:
            tqdm.write(words, file=sys.stderr)

    def close(self) -> None:
        """Print how it ended."""
        if self._bar is not None:
            self._bar.close()
        elif self._settled:
            self.say(self._line())

    def _step(self) -> None:
        if self._bar is not None:
            self._bar.set_postfix_str(self._pace(), refresh=False)
            self._bar.update(1)
        elif time.monotonic() - self._said > LINE_SECONDS:
            self._said = time.monotonic()
            self.say(self._line())

    def _line(self) -> str:
        return f"{self._settled + self._skipped}/{'?' if self.total is None else self.total} clips, {self._pace()}"

    def _pace(self) -> str:
        """Say how fast it goes and what became of the clips. The way to the first clip is no measure of speed."""
        words = [f"{self._dropped} dropped", f"{self._failed} failed"]
        if self._settled >= ENOUGH_FOR_A_RATE:
            per_min = 60 * (self._settled - 1) / max(time.monotonic() - self._first, 1e-9)
            left = (self.total or 0) - self._settled - self._skipped
            words = [
                f"{per_min:.1f} clips/min",
                *([f"{duration(60 * left / per_min)} left"] if left > 0 else []),
                *words,
            ]
        return ", ".join(words)
