"""Read models of schools near by: where one stands, and where all of them do."""

from dataclasses import dataclass

from sqlalchemy import select

from collector.store.queries.pages.schools import Measure, SchoolRow, is_placeless, rows_with
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot


@dataclass(frozen=True)
class PlacedSchool:
    """One school with where it stands: degrees, None where nobody knows."""

    row: SchoolRow
    latitude: float | None
    longitude: float | None


def placed_school(snapshot: Snapshot, measure: Measure, code: str) -> PlacedSchool | None:
    """Return one school, None if no school has this code."""
    found = rows_with(snapshot, measure, [code], SCHOOLS.c.latitude, SCHOOLS.c.longitude)
    return PlacedSchool(found[0][0], *found[0][1]) if found else None


def places(snapshot: Snapshot) -> list[tuple[str, float, float]]:
    """Return (code, latitude, longitude in degrees) of every school whose place is known, by code."""
    columns = [SCHOOLS.c[name] for name in ("code", "latitude", "longitude")]
    query = select(*columns).where(~is_placeless()).order_by(SCHOOLS.c.code)
    return [(code, latitude, longitude) for code, latitude, longitude in snapshot.connection.execute(query)]
