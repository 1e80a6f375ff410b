"""Read models of schools near by: where one stands, and where all of them do."""

from dataclasses import dataclass

from sqlalchemy import func, select

from collector.store.queries.pages.schools import is_placeless
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot


@dataclass(frozen=True)
class Standing:
    """Where one school stands, and how new the places of all are."""

    latitude: float | None
    longitude: float | None
    newest_ms: int | None  # newest change of any school that the reader sees: the last entry of an index


def standing(snapshot: Snapshot, code: str) -> Standing:
    """Return where a school stands."""
    every = SCHOOLS.alias("every")
    newest = select(func.max(every.c.updated_ms)).scalar_subquery()
    row = snapshot.connection.execute(
        select(SCHOOLS.c.latitude, SCHOOLS.c.longitude, newest).where(SCHOOLS.c.code == code)
    ).first()
    return Standing(*row) if row is not None else Standing(None, None, None)


def places(snapshot: Snapshot) -> list[tuple[str, float, float]]:
    """Return (code, latitude, longitude) of every school whose place is known, by code."""
    query = select(SCHOOLS.c.code, SCHOOLS.c.latitude, SCHOOLS.c.longitude).where(~is_placeless())
    return [(code, latitude, longitude) for code, latitude, longitude in snapshot.connection.execute(query.order_by(SCHOOLS.c.code))]
