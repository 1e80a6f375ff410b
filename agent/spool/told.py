"""What the spool says of itself, for `status` and for `status.json`."""

from typing import Any

from agent.spool.reader import SpoolReader
from agent.spool.store import Spool
from agent.wire import forms


def spool_facts(spool: SpoolReader | Spool) -> dict[str, Any]:
    """Return what the spool says of itself, in the words of `status`."""
    summary, ledger = spool.summary(), spool.ledger()
    return {
        "waiting": summary.waiting,
        "oldest_waiting_at": forms.format_time(summary.oldest_ms) if summary.oldest_ms is not None else None,
        "deferred": summary.deferred,
        "dead": summary.dead,
        "dropped": summary.dropped,
        "repaired": summary.repaired,
        "spool_bytes": summary.size_bytes,
        "ledger": {
            "lineage": ledger.lineage,
            "created": ledger.created,
            "acked": ledger.acked,
            "ready": ledger.ready,
            "dead": ledger.dead,
            "dropped": ledger.dropped,
        },
    }
