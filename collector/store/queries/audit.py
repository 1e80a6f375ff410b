"""What people and commands did, for ever."""

from dataclasses import dataclass

from sqlalchemy import insert, select

from collector.store.tables.people import AUDIT
from collector.store.unit import Snapshot, UnitOfWork

COMMAND_LINE = "command line"


@dataclass(frozen=True)
class AuditEntry:
    """One deed."""

    audit_id: str
    at_ms: int
    actor: str
    action: str
    subject: str
    detail: str | None


def add_entry(unit: UnitOfWork, entry: AuditEntry) -> None:
    """Write the deed down, in the transaction that does it."""
    unit.connection.execute(
        insert(AUDIT).values(
            audit_id=entry.audit_id,
            at_ms=entry.at_ms,
            actor=entry.actor,
            action=entry.action,
            subject=entry.subject,
            detail=entry.detail,
        )
    )


def list_entries(snapshot: Snapshot, limit: int = 100) -> list[AuditEntry]:
    """Return the newest deeds first."""
    rows = snapshot.connection.execute(
        select(AUDIT).order_by(AUDIT.c.at_ms.desc(), AUDIT.c.audit_id.desc()).limit(limit)
    )
    return [AuditEntry(**row._mapping) for row in rows]
