"""The executor on Ray: each stage a pool of actors, items streaming through them, on one laptop or many nodes.

```
driver    items ─▶ waiting₀ ─▶ waiting₁ ─▶ … ─▶ counted      knows jobs, refs, reports: small things (floor.py)
                      │   ▲       │   ▲
actors             stage₀ ·    stage₁ ·                      an item goes from actor to actor as an ObjectRef,
                                                             pixels as files in its workdir (pool.py)
```

- Later stages are served first and every queue is short, so what is begun gets finished before more is begun.
- At most `workers` actors compute at one time. A pool grows when its queue has been full beside idle cores for
  as long, in all, as opening one more worker takes: the rent-or-buy rule, at most twice the cost of foresight.
- Errors are caught in the actor (stage.py). What takes a whole actor down (a kill, memory, a stage that cannot be
  interrupted) is caught in the driver: the actor is replaced, and its jobs begin again; a batch is split first, as only
  one of it is to blame. A node that goes is nobody's fault: no attempt is counted.
- Nodes that join a running cluster are used, unless the number of workers was given.

Ray is imported in this package only. Its own restarts and retries are off: there is one retry policy, in jobs.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from datagen.engine.cluster.connection import connected, nodes, there
from datagen.engine.cluster.floor import Floor
from datagen.engine.cluster.pool import Pool
from datagen.engine.jobs import Books
from datagen.engine.limits import terminable
from datagen.engine.placement import lanes, placement
from datagen.ports import Stage

__all__ = ["connected", "nodes", "run", "there"]


def run(
    items: Iterable[Any],
    stages: Sequence[Stage],
    *,
    books: Books,
    address: str | None,
    workers: int | None,
) -> None:
    """Work on all items. Raises what a stage's `open` raises, and InputError for a cluster that cannot be reached."""
    with connected(address), terminable():  # Ray has its own idea of SIGTERM
        machines = nodes()
        needs = [stage.resources for stage in stages]
        lane_count = workers or lanes(needs, nodes=machines)
        shares = placement(needs, nodes=machines, workers=lane_count)
        roams = books.clerk.place.local is None and (len(machines) > 1 or address is not None)
        pools = [
            Pool(stage, share, books=books, last=stage is stages[-1], roams=roams)
            for stage, share in zip(stages, shares, strict=True)
        ]
        floor = Floor(pools, books=books, workers=lane_count, fixed=workers is not None, roams=roams)
        books.watch(floor.state)
        try:
            floor.work(books.jobs(items))
        finally:
            floor.close()
