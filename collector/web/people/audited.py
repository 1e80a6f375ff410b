"""What a person does on a page, written into the audit log; `collector.operate.note` does it for the command line."""

from agent.wire.forms import uuid7
from collector.store.queries import audit
from collector.store.queries.audit import AuditEntry
from collector.store.unit import UnitOfWork
from collector.web.desk import desk
from collector.web.people import access


def new_id() -> str:
    """Return a new identity, in the order of time."""
    parts = desk()
    return uuid7(parts.now_ms, parts.ports.randomness.token_bytes(10))


def note(unit: UnitOfWork, action: str, subject: str, detail: str | None = None) -> None:
    """Write down that the person of this request did something, in the transaction in which it is done."""
    person = access.person()
    actor = person.name if person is not None else ""
    audit.add_entry(unit, AuditEntry(new_id(), desk().now_ms, actor, action, subject, detail))
