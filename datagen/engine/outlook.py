"""What a run would do on a machine or cluster, before it does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from datagen.engine.placement import Node, Share, lanes, placement
from datagen.ports import Stage


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """Who would work where.  at_once: items worked on at one time.  shares: of each stage, by its name."""

    nodes: tuple[Node, ...]
    at_once: int
    shares: dict[str, Share]

    def lines(self) -> list[str]:
        """Put it into lines for people."""
        cpus, gpus = sum(node.cpus for node in self.nodes), sum(node.gpus for node in self.nodes)
        nodes = f" on {len(self.nodes)} nodes" if len(self.nodes) > 1 else ""
        table = [("stage", "workers", "cpus", "gpus", "threads")]
        for name, share in self.shares.items():
            most = f"1 to {share.most}" if share.most > 1 else "1"
            gpu = f"{share.gpus:g}" if share.gpus else "-"
            table.append((name, most, f"{share.cpus:g}", gpu, str(share.threads)))
        widths = [max(len(row[column]) for row in table) for column in range(5)]
        rows = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
        return [f"on       {cpus:g} cores, {gpus:g} GPUs{nodes}: {self.at_once} clips at a time", *rows]


def outlook(
    stages: Sequence[Stage], *, executor: Literal["ray", "local"], address: str | None, workers: int | None
) -> Outlook:
    """Look at this machine, or connect to the cluster at `address` and look there. Raises InputError."""
    from datagen.engine import cluster

    needs = [stage.resources for stage in stages]
    nodes = cluster.there(address)
    at_once = 1 if executor == "local" else workers or lanes(needs, nodes=nodes)
    shares = placement(needs, nodes=nodes, workers=at_once)
    return Outlook(
        nodes=tuple(nodes),
        at_once=at_once,
        shares={stage.name: share for stage, share in zip(stages, shares, strict=True)},
    )
