"""The days of schools that are not judged because a hazard is declared there."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final

from sqlalchemy import or_, select

from collector.store.queries.pieces import in_pieces
from collector.store.tables.hazards import HAZARD_SCHOOLS, HAZARDS
from collector.store.unit import Snapshot

HAZARD: Final = "hazard"


def suppressed_days(
    snapshot: Snapshot, schools: Iterable[str], from_day: date, to_day: date
) -> dict[str, dict[date, str]]:
    """Return the local days on which schools lay in a hazard; drills suppress nothing.

    Args:
        snapshot: The database.
        schools: Codes.
        from_day: The first day asked for.
        to_day: The last one.

    Returns:
        Day -> `hazard`, by school; schools without such a day are not in it.
    """
    members, found = HAZARD_SCHOOLS.c, dict[str, dict[date, str]]()
    for some in in_pieces(schools):
        query = (
            select(members.school, members.from_day, members.to_day)
            .join(HAZARDS, HAZARDS.c.hazard_id == members.hazard_id)
            .where(members.school.in_(some), HAZARDS.c.is_drill.is_(False))
            .where(members.from_day <= to_day.isoformat())
            .where(or_(members.to_day.is_(None), members.to_day >= from_day.isoformat()))
        )
        for school, first, last in snapshot.connection.execute(query):
            day = max(from_day, date.fromisoformat(first))
            until = to_day if last is None else min(to_day, date.fromisoformat(last))
            while day <= until:
                found.setdefault(school, {})[day] = HAZARD
                day += timedelta(days=1)
    return found
