"""A run at a glance: the ledger summed up, and what the driver says of itself. Under a second for a million rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from datagen.engine.ledger import SCHEMA, read
from datagen.engine.place import Place
from datagen.engine.session import Session, read_session

RATE_WINDOW = timedelta(minutes=10)
LATEST = 10


@dataclass(frozen=True, kw_only=True)
class Summary:
    """How far a run is.

    drops: reason → how many, the most frequent first.  failures: (id, stage, error) of the latest ten.
    clips_per_min: over the last ten minutes in which anything was finished.  session: the last one, None if unknown.
    """

    done: int
    dropped: int
    failed: int
    drops: Mapping[str, int]
    failures: tuple[tuple[str, str, str], ...]
    clips_per_min: float
    finished: datetime | None
    session: Session | None = None

    @property
    def left(self) -> int | None:
        """Clips that are neither done nor dropped nor failed yet, None if nobody knows how many there are."""
        if self.session is None or self.session.total is None:
            return None
        return max(0, self.session.total - self.done - self.dropped - self.failed)

    @property
    def time_left(self) -> timedelta | None:
        """How long it takes at this pace, None if nobody works or there is no pace yet."""
        if not self.left or not self.clips_per_min or not (self.session and self.session.is_alive):
            return None
        return timedelta(minutes=self.left / self.clips_per_min)


def summary(run: Path | Place) -> Summary:
    """Sum up a run, finished or growing."""
    place = run if isinstance(run, Place) else Place(run)
    table = read(place, ["id", "state", "stage", "reason", "error", "finished"])
    states = _counts(table["state"])
    failed = table.filter(pc.equal(table["state"], "failed")).sort_by([("finished", "descending")]).slice(0, LATEST)
    latest = pc.max(table["finished"]).as_py()
    return Summary(
        done=states.get("done", 0),
        dropped=states.get("dropped", 0),
        failed=states.get("failed", 0),
        drops=_counts(table.filter(pc.equal(table["state"], "dropped"))["reason"]),
        failures=tuple((row["id"], row["stage"], row["error"]) for row in failed.to_pylist()),
        clips_per_min=_rate(table["finished"], latest),
        finished=latest.astimezone(UTC) if latest else None,
        session=read_session(place),
    )


def lines(now: Summary) -> list[str]:
    """Put a summary into lines for people."""
    total = now.session.total if now.session else None
    counts = f"{now.done} done, {now.dropped} dropped, {now.failed} failed"
    left = now.time_left
    pace = f"{now.clips_per_min:.1f} clips/min" + (f", {duration(left.total_seconds())} left" if left else "")
    of = f" of {total}" if total is not None else ""
    return [
        f"clips    {counts}{of}; {pace}",
        *_session_lines(now.session),
        *endings(now),
    ]


def endings(now: Summary) -> list[str]:
    """Say why clips were dropped, and which failed last."""
    return [
        *(f"  dropped  {count} × {reason}" for reason, count in now.drops.items()),
        *(f"  failed   {identity} in {stage}: {error}" for identity, stage, error in now.failures),
    ]


def duration(seconds: float) -> str:
    """Return 45 s, 12 min, 3 h 20 min or 4 d 2 h."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    if minutes < 90:
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h {minutes % 60} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def _session_lines(session: Session | None) -> list[str]:
    if session is None:
        return []
    how = session.ended or ("at work" if session.is_alive else "not heard of any more: run again to go on")
    seen = duration((datetime.now(UTC) - session.beat).total_seconds())
    nodes = f", {session.nodes} nodes" if session.nodes > 1 else ""
    return [
        f"session  {session.number} on {session.driver}{nodes}: {how} (heard of {seen} ago)",
        *(
            f"  stage    {pool.name:<10} {pool.workers} of {pool.most} workers, "
            f"{100 * pool.busy_s / max(pool.alive_s, 1e-9):3.0f} % busy, {pool.waiting} waiting"
            for pool in session.stages
        ),
    ]


def _counts(column: pa.ChunkedArray) -> dict[str, int]:
    counts = {each["values"]: each["counts"] for each in pc.value_counts(column).to_pylist()}
    return dict(sorted(counts.items(), key=lambda pair: -pair[1]))


def _rate(finished: pa.ChunkedArray, latest: datetime | None) -> float:
    """Items a minute among those finished within the window before the latest."""
    if latest is None:
        return 0.0
    recent = finished.filter(pc.greater(finished, pa.scalar(latest - RATE_WINDOW, SCHEMA.field("finished").type)))
    minutes = (latest - pc.min(recent).as_py()).total_seconds() / 60
    return (len(recent) - 1) / minutes if minutes > 0 else 0.0
