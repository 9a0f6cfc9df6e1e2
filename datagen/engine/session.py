"""The session: one call of `execute` at work, as anybody may see it in `<run>/session.json`.

The driver replaces the file every few seconds, so it says whether somebody is at work, how much there is to do, and how
busy each stage is; everything else that `datagen status` tells comes from the ledger. On file systems without
locks it is also what keeps two drivers apart.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from datagen.engine.place import Place

FILE = "session.json"
SILENCE = timedelta(seconds=60)
"""A driver that was not heard of for so long is taken for dead."""


@dataclass(frozen=True, kw_only=True)
class PoolState:
    """One stage's workers.

    workers: alive now.  most: as many as there may be.  cpus, gpus: held by each.  threads: of each.
    busy_s, alive_s: summed over all workers since the session began; busy / alive is the pool's utilisation.
    waiting: items that wait for this stage.
    """

    name: str
    workers: int
    most: int
    cpus: float
    gpus: float
    threads: int
    busy_s: float = 0.0
    alive_s: float = 0.0
    waiting: int = 0


@dataclass(frozen=True, kw_only=True)
class Session:
    """What the driver says of itself.

    total: clips asked for, or None if nobody knows.  ended: "" while it works, else how it ended.
    """

    number: int
    id: str
    driver: str
    total: int | None
    started: datetime
    beat: datetime
    ended: str = ""
    nodes: int = 1
    stages: tuple[PoolState, ...] = field(default_factory=tuple)

    @property
    def is_alive(self) -> bool:
        """Whether its driver works, as far as one can tell from afar."""
        return not self.ended and datetime.now(UTC) - self.beat < SILENCE

    def write(self, place: Place) -> None:
        """Say it. Raises OSError."""
        times = {"started": self.started.isoformat(), "beat": self.beat.isoformat()}
        place.write(FILE, json.dumps(asdict(self) | times, indent=1).encode())


def read_session(place: Place) -> Session | None:
    """Return what the last driver said, or None if none has said anything that can be read."""
    try:
        values = json.loads(place.read(FILE))
        return Session(**(values | _parsed(values)))
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None


def _parsed(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "started": datetime.fromisoformat(values["started"]),
        "beat": datetime.fromisoformat(values["beat"]),
        "stages": tuple(PoolState(**stage) for stage in values["stages"]),
    }
