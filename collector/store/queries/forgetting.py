"""What need not be kept for ever. Nothing that counts is forgotten: no measurement, no verdict, no deed of a person.

A computer sends what it measured for as long as it keeps it, 400 days: for as long the clocks of its boots are known,
the newest always, because it says when the computer was heard of. Copies that are kept apart are there to be looked at;
a computer that makes more of them than anybody looks at keeps its newest ones.
"""

from sqlalchemy import Column, Table, delete, func, select, tuple_

from collector.store.tables.devices import BOOTS
from collector.store.tables.measurements import CONFLICTS, QUARANTINE
from collector.store.tables.notices import NOTICE_ATTEMPTS, NOTICES
from collector.store.tables.outages import CONTACTS
from collector.store.unit import UnitOfWork

KEPT_MS = 400 * 86_400_000
HEARD_KEPT_MS = 45 * 86_400_000  # the minutes in which schools were heard: for the hours before an outage, and replay
KEPT_APART = 1_000  # of one device and kind


def forget(unit: UnitOfWork, now_ms: int) -> None:
    """Delete clocks of boots and copies kept apart that are too old or too many.

    Args:
        unit: The transaction to write in; the caller commits.
        now_ms: Of the collector's clock.
    """
    later = BOOTS.alias()
    has_later = select(later.c.boot_id).where(later.c.device == BOOTS.c.device, later.c.seen_ms > BOOTS.c.seen_ms)
    unit.connection.execute(delete(BOOTS).where(BOOTS.c.seen_ms < now_ms - KEPT_MS, has_later.exists()))
    _forget_notices(unit, now_ms - KEPT_MS)
    unit.connection.execute(delete(CONTACTS).where(CONTACTS.c.hour < (now_ms - HEARD_KEPT_MS) // 3_600_000))
    for table, key in ((CONFLICTS, CONFLICTS.c.rid), (QUARANTINE, QUARANTINE.c.body_hash)):
        _forget_copies(unit, table, key, now_ms - KEPT_MS)


def _forget_notices(unit: UnitOfWork, before_ms: int) -> None:
    """Delete messages that were dealt with long ago, with their log; what was told stays told."""
    dealt_with = (NOTICES.c.made_ms < before_ms) & NOTICES.c.state.in_(("sent", "dropped", "taken_back"))
    old = select(NOTICES.c.notice_id).where(dealt_with)
    unit.connection.execute(delete(NOTICE_ATTEMPTS).where(NOTICE_ATTEMPTS.c.notice_id.in_(old)))
    unit.connection.execute(delete(NOTICES).where(dealt_with))


def _forget_copies(unit: UnitOfWork, table: Table, key: Column[str], before_ms: int) -> None:
    unit.connection.execute(delete(table).where(table.c.received_ms < before_ms))
    many = select(table.c.device).group_by(table.c.device).having(func.count() > KEPT_APART)
    place = func.row_number().over(partition_by=table.c.device, order_by=(table.c.received_ms.desc(), key))
    ranked = select(table.c.device, key, place.label("place")).where(table.c.device.in_(many)).subquery()
    too_many = select(ranked.c.device, ranked.c[key.name]).where(ranked.c.place > KEPT_APART)
    unit.connection.execute(delete(table).where(tuple_(table.c.device, key).in_(too_many)))
