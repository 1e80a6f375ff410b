"""The minutes in which schools were heard: written with every batch, one row a school and hour."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import bindparam, select

from collector.store.queries.pieces import in_pieces
from collector.store.tables.outages import CONTACTS
from collector.store.unit import Snapshot, UnitOfWork
from collector.store.upsert import insert

MINUTE_MS = 60_000
MINUTES = 60

_NOTE: dict[str, Any] = {}  # by dialect: put together once, because that takes longer than asking


def note(unit: UnitOfWork, school: str, moment_ms: int) -> None:
    """Write down that a school was heard in the minute of a moment."""
    dialect = unit.connection.dialect.name
    if dialect not in _NOTE:
        statement = insert(unit, CONTACTS).values(
            hour=bindparam("hour"), school=bindparam("school"), minutes=bindparam("minutes")
        )
        both = CONTACTS.c.minutes.op("|")(statement.excluded.minutes)
        _NOTE[dialect] = statement.on_conflict_do_update(index_elements=["hour", "school"], set_={"minutes": both})
    hour, minute = divmod(moment_ms // MINUTE_MS, MINUTES)
    unit.connection.execute(_NOTE[dialect], {"hour": hour, "school": school, "minutes": 1 << minute})


def rows_between(
    snapshot: Snapshot, from_minute: int, to_minute: int, schools: Iterable[str] | None = None
) -> dict[str, list[tuple[int, int]]]:
    """Return the hours that touch a time, each with the bits of its minutes, by school.

    Args:
        snapshot: The database.
        from_minute: Of Unix time.
        to_minute: The last one.
        schools: Codes; None: all.
    """
    columns = (CONTACTS.c.school, CONTACTS.c.hour, CONTACTS.c.minutes)
    hours = CONTACTS.c.hour.between(from_minute // MINUTES, to_minute // MINUTES)
    query = select(*columns).where(hours).order_by(CONTACTS.c.hour)
    pieces = [query] if schools is None else [query.where(CONTACTS.c.school.in_(some)) for some in in_pieces(schools)]
    found: dict[str, list[tuple[int, int]]] = {}
    for piece in pieces:
        for school, hour, bits in snapshot.connection.execute(piece):
            found.setdefault(school, []).append((hour, bits))
    return found
