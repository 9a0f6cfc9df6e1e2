"""How work runs: stages over items, on Ray or in this process; it knows nothing of driving."""

from datagen.engine.jobs import Totals
from datagen.engine.ledger import Row, read
from datagen.engine.outlook import Outlook, outlook
from datagen.engine.place import Place, is_remote
from datagen.engine.run import execute
from datagen.engine.status import Summary, endings, lines, summary
from datagen.engine.store import Store

__all__ = [
    "Outlook",
    "Place",
    "Row",
    "Store",
    "Summary",
    "Totals",
    "endings",
    "execute",
    "is_remote",
    "lines",
    "outlook",
    "read",
    "summary",
]
