"""A post: one stage at work in one process, settling what ends there. The same in this process and in a Ray actor.

A ticket travels with each item and says what the row will need, as the item itself knows nothing of the engine.
Where the run's folder is on no file system that the nodes share, the item's scratch travels through it, too:

```
node A   film ── scratch on A's disk ──upload──▶ the run's folder: work/<session>/<scratch>/
node B                                             └──download──▶ scratch on B's disk ── label
```
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from datagen.engine.ledger import Row, State
from datagen.engine.place import empty_folder
from datagen.engine.stage import Describe, Failure, Report, attend, enter
from datagen.engine.store import Clerk
from datagen.ports import Dropped, Stage


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """What the driver knows of an item's attempt.

    seconds: of the stages so far.  node: where its scratch is up to date; "" before the first stage.
    """

    index: int
    attempts: int
    started: datetime
    seconds: Mapping[str, float] = field(default_factory=dict)
    node: str = ""

    def row(self, item: Any, *, state: State, stage: str, report: Report, facts: Mapping[str, str]) -> Row:
        """Return the ledger row of an item that ends now, without its reason or error."""
        return Row(
            id=item.id,
            index=self.index,
            state=state,
            stage=stage,
            attempts=self.attempts,
            seconds={**self.seconds, stage: report.seconds},
            worker=report.worker,
            started=self.started,
            finished=datetime.now(UTC),
            facts={**facts, **report.facts},
        )


class Post:
    """A stage in its process.

    node: this node's id.  roams: whether an item's next stage may be on a node that does not see this one's scratch.
    """

    def __init__(
        self,
        stage: Stage,
        *,
        clerk: Clerk,
        last: bool,
        describe: Describe,
        facts: Mapping[str, str],
        time_limit_s: float,
        node: str = "here",
        roams: bool = False,
    ) -> None:
        self.stage, self.clerk, self.last = stage, clerk, last
        self.describe, self.facts, self.time_limit_s = describe, facts, time_limit_s
        self.node, self.roams = node, roams

    def open(self) -> None:
        """Open the stage. Raises DatagenError."""
        enter(self.stage)

    def work(self, tickets: Sequence[Ticket], items: Sequence[Any]) -> tuple[list[Report], list[Any]]:
        """Take a batch through the stage, and settle the items that end here."""
        for ticket, item in zip(tickets, items, strict=True):
            self._prepare(ticket, item.workdir)
        before = [_contents(item.workdir) for item in items] if self.roams else []
        reports, items = attend(self.stage, items, describe=self.describe, time_limit_s=self.time_limit_s)
        reports = [self._ended(*each) for each in zip(tickets, reports, items, strict=True)]
        for report, item, files in zip(reports, items, before):
            if report.ended is None and not report.settled:
                changed = dict(_contents(item.workdir).items() - files.items())
                self.clerk.place.upload(item.workdir, self.clerk.away(item.workdir), files=changed)
        return reports, items

    def forget(self, scratches: Sequence[Path]) -> None:
        """Remove what went on elsewhere from this node's disk."""
        for scratch in scratches:
            shutil.rmtree(scratch, ignore_errors=True)

    def close(self) -> None:
        """Close the stage, and write the rows that wait."""
        self.stage.close()
        self.clerk.flush()

    def _prepare(self, ticket: Ticket, scratch: Path) -> None:
        """See to it that an item's scratch is here: empty for a new attempt, with all that is in it for an old one."""
        if not ticket.node:
            empty_folder(scratch)
        elif self.roams and ticket.node != self.node:
            empty_folder(scratch)
            if self.clerk.place.has(self.clerk.away(scratch)):
                self.clerk.place.download(self.clerk.away(scratch), scratch)

    def _ended(self, ticket: Ticket, report: Report, item: Any) -> Report:
        """Settle an item that was dropped or has passed the last stage; being unable to is a failure of its own."""
        state: State
        if isinstance(report.ended, Dropped):
            state, reason = "dropped", report.ended.reason
        elif report.ended is None and self.last:
            state, reason = "done", ""
        else:
            return report
        row = ticket.row(item, state=state, stage=self.stage.name, report=report, facts=self.facts)
        try:
            self.clerk.settle(replace(row, reason=reason), scratch=item.workdir)
        except OSError as error:
            return replace(report, ended=Failure.of(error))
        return replace(report, settled=True)


def _contents(folder: Path) -> dict[str, tuple[int, int]]:
    """Return what would have to travel: path → (size, time of change)."""
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            stat = (Path(place) / name).stat()
            found[str(Path(place, name).relative_to(folder))] = (stat.st_size, stat.st_mtime_ns)
    return found
