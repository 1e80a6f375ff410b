"""The days of schools that are not judged because a hazard is declared there."""

from sqlalchemy import select

from collector.store.tables.hazards import HAZARD_SCHOOLS, HAZARDS
from collector.store.unit import Snapshot

Days = tuple[str, str | None]  # the first local day and the last one; None: it goes on


def hazards_of_schools(snapshot: Snapshot) -> dict[str, list[Days]]:
    """Return when each school lay in a hazard, the earliest first; schools that never did are not in it.

    Drills suppress nothing.
    """
    members, found = HAZARD_SCHOOLS.c, dict[str, list[Days]]()
    query = (
        select(members.school, members.from_day, members.to_day)
        .join(HAZARDS, HAZARDS.c.hazard_id == members.hazard_id)
        .where(HAZARDS.c.is_drill.is_(False))
        .order_by(members.school, members.from_day, members.hazard_id)
    )
    for school, first, last in snapshot.connection.execute(query):
        found.setdefault(school, []).append((first, last))
    return found
