"""Where the schools of outages are, for exports that show places."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import select

from collector.store.tables.outages import OUTAGE_SCHOOLS
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot


def places_of_outages(snapshot: Snapshot, outage_ids: Sequence[str]) -> dict[str, list[tuple[float, float]]]:
    """Return (longitude, latitude) in degrees of the schools of each outage whose place is known, by code.

    Args:
        snapshot: Where to look; who sees one area gets the schools of that area.
        outage_ids: Of which outages.
    """
    query = (
        select(OUTAGE_SCHOOLS.c.outage_id, SCHOOLS.c.longitude, SCHOOLS.c.latitude)
        .join(SCHOOLS, SCHOOLS.c.code == OUTAGE_SCHOOLS.c.school)
        .where(OUTAGE_SCHOOLS.c.outage_id.in_(outage_ids))
        .where(SCHOOLS.c.longitude.is_not(None), SCHOOLS.c.latitude.is_not(None))
        .order_by(OUTAGE_SCHOOLS.c.outage_id, SCHOOLS.c.code)
    )
    places: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for outage_id, longitude, latitude in snapshot.connection.execute(query):
        places[outage_id].append((longitude, latitude))
    return dict(places)
