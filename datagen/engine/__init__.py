"""How work runs: stages over items, on Ray or in this process; it knows nothing of driving."""

from datagen.engine.jobs import Totals
from datagen.engine.ledger import Row, read
from datagen.engine.place import Place, is_remote, local_copy
from datagen.engine.run import execute
from datagen.engine.status import Summary, lines, summary
from datagen.engine.store import Store

__all__ = [
    "Place",
    "Row",
    "Store",
    "Summary",
    "Totals",
    "execute",
    "is_remote",
    "lines",
    "local_copy",
    "read",
    "summary",
]
