"""Days of schools that are not judged because something happened there that is no fault of the line's speed."""

import json

from sqlalchemy import or_, select

from collector.domain.suppressed import Suppressed
from collector.domain.words import LIVE_OUTAGES, OutageLabel, OutageState
from collector.store.queries.judging import hazard_days
from collector.store.tables.outages import OUTAGE_SCHOOLS, OUTAGES
from collector.store.unit import Snapshot

_COUNTS = (*LIVE_OUTAGES, OutageState.CLOSED.value)


def suppressed(snapshot: Snapshot) -> dict[str, Suppressed]:
    """Return what keeps days from being judged, by school, beside the calendar: outages and hazards.

    Schools at which nothing happened are not in it.
    """
    outages, hazards = outage_days(snapshot), hazard_days.hazards_of_schools(snapshot)
    return {
        school: Suppressed(frozenset(outages.get(school, ())), tuple(hazards.get(school, ())))
        for school in outages.keys() | hazards.keys()
    }


def outage_days(snapshot: Snapshot) -> dict[str, set[str]]:
    """Return the local days that outages took from schools; what is our own failure, or was none, takes none."""
    query = (
        select(OUTAGE_SCHOOLS.c.school, OUTAGE_SCHOOLS.c.days)
        .join(OUTAGES, OUTAGES.c.outage_id == OUTAGE_SCHOOLS.c.outage_id)
        .where(OUTAGES.c.state.in_(_COUNTS), OUTAGES.c.label != OutageLabel.COLLECTOR.value)
        .where(OUTAGE_SCHOOLS.c.days != "[]")
    )
    found: dict[str, set[str]] = {}
    for school, days in snapshot.connection.execute(query):
        found.setdefault(school, set()).update(json.loads(days))
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
