"""Read models of the page of PCs heard on one day: schools a few at a time, in the order of their codes."""

from typing import NamedTuple

from sqlalchemy import select

from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot


class SchoolRow(NamedTuple):
    """One school of the list."""

    code: str
    name: str
    area: str | None
    timezone: str | None


def schools_after(snapshot: Snapshot, after: str, limit: int) -> list[SchoolRow]:
    """Return the schools whose codes come after another one.

    Args:
        snapshot: The database.
        after: A code; empty: from the first.
        limit: So many at most.
    """
    columns = [SCHOOLS.c[name] for name in SchoolRow._fields]
    query = select(*columns).where(SCHOOLS.c.code > after).order_by(SCHOOLS.c.code).limit(limit)
    return [SchoolRow(*row) for row in snapshot.connection.execute(query)]
