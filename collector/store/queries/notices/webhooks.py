"""Webhooks: who else is told, where, and with which secret it is signed; none is ever deleted."""

import json
from dataclasses import dataclass, field

from sqlalchemy import Row, insert, select, update

from collector.store.tables.notices import WEBHOOKS
from collector.store.unit import Snapshot, UnitOfWork


@dataclass(frozen=True)
class Webhook:
    """One webhook."""

    webhook_id: str
    name: str
    url: str
    secret: str = field(repr=False)
    topics: tuple[str, ...]
    made_ms: int
    made_by: str
    ended_ms: int | None = None
    ended_by: str | None = None


_COLUMNS = [WEBHOOKS.c[name] for name in Webhook.__dataclass_fields__]


def add(unit: UnitOfWork, webhook: Webhook) -> None:
    """Store a webhook."""
    values = {**webhook.__dict__, "topics": json.dumps(webhook.topics)}
    unit.connection.execute(insert(WEBHOOKS).values(**values))


def list_good(snapshot: Snapshot) -> list[Webhook]:
    """Return the webhooks that were not ended, by name."""
    query = select(*_COLUMNS).where(WEBHOOKS.c.ended_ms.is_(None)).order_by(WEBHOOKS.c.name, WEBHOOKS.c.webhook_id)
    return [_webhook(row) for row in snapshot.connection.execute(query)]


def list_all(snapshot: Snapshot) -> list[Webhook]:
    """Return all webhooks, the ended ones too."""
    return [_webhook(row) for row in snapshot.connection.execute(select(*_COLUMNS).order_by(WEBHOOKS.c.name))]


def find(snapshot: Snapshot, webhook_id: str) -> Webhook | None:
    """Return a webhook, ended or not."""
    row = snapshot.connection.execute(select(*_COLUMNS).where(WEBHOOKS.c.webhook_id == webhook_id)).first()
    return _webhook(row) if row else None


def end(unit: UnitOfWork, webhook_id: str, now_ms: int, by: str) -> bool:
    """End a webhook, and return whether this did it."""
    this = (WEBHOOKS.c.webhook_id == webhook_id) & WEBHOOKS.c.ended_ms.is_(None)
    done = unit.connection.execute(
        update(WEBHOOKS).where(this).values(ended_ms=now_ms, ended_by=by).returning(WEBHOOKS.c.webhook_id)
    )
    return done.first() is not None


def _webhook(row: Row[tuple[object, ...]]) -> Webhook:
    values = dict(row._mapping)
    values["topics"] = tuple(json.loads(str(values["topics"])))
    return Webhook(**values)
