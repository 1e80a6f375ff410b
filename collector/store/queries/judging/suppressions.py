"""Days of schools that are not judged because something happened there that is no fault of the line's speed."""

import json
from collections.abc import Collection

from sqlalchemy import or_, select

from collector.domain.words import LIVE_OUTAGES, OutageLabel, OutageState, Suppression
from collector.store.queries.pieces import in_pieces
from collector.store.tables.outages import OUTAGE_SCHOOLS, OUTAGES
from collector.store.unit import Snapshot

_COUNTS = (*LIVE_OUTAGES, OutageState.CLOSED.value)


def suppressed_days(
    snapshot: Snapshot, schools: Collection[str] | None, from_day: str, to_day: str
) -> dict[str, dict[str, str]]:
    """Return the days that are not judged, with the reason, by school and local day.

    Args:
        snapshot: The database.
        schools: Codes; None for all.
        from_day: ISO date.
        to_day: ISO date, included.
    """
    query = (
        select(OUTAGE_SCHOOLS.c.school, OUTAGE_SCHOOLS.c.days)
        .join(OUTAGES, OUTAGES.c.outage_id == OUTAGE_SCHOOLS.c.outage_id)
        .where(OUTAGES.c.state.in_(_COUNTS), OUTAGES.c.label != OutageLabel.COLLECTOR.value)
        .where(OUTAGE_SCHOOLS.c.days != "[]")
    )
    pieces = [query] if schools is None else [query.where(OUTAGE_SCHOOLS.c.school.in_(p)) for p in in_pieces(schools)]
    found: dict[str, dict[str, str]] = {}
    for piece in pieces:
        for school, days in snapshot.connection.execute(piece):
            for day in json.loads(days):
                if from_day <= day <= to_day:
                    found.setdefault(school, {})[day] = Suppression.OUTAGE.value
    return found


def on_hold(snapshot: Snapshot) -> set[str]:
    """Return the schools that an outage has now: their flags wait, and nobody is told of them one by one."""
    query = (
        select(OUTAGE_SCHOOLS.c.school)
        .join(OUTAGES, OUTAGES.c.outage_id == OUTAGE_SCHOOLS.c.outage_id)
        .where(OUTAGES.c.state.in_(LIVE_OUTAGES), OUTAGE_SCHOOLS.c.said != "off")
        .where(or_(OUTAGE_SCHOOLS.c.back_ms.is_(None), OUTAGES.c.closed_ms.is_(None)))
    )
    return set(snapshot.connection.scalars(query))
