"""How work runs: stages over items, on Ray or in this process; it knows nothing of driving."""

from datagen.engine.jobs import Totals
from datagen.engine.ledger import Row, Summary, read, summary
from datagen.engine.run import execute
from datagen.engine.store import Store

__all__ = ["Row", "Store", "Summary", "Totals", "execute", "read", "summary"]
