"""Read models of one hazard: every school in it with what is stored of it, in one statement each."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import and_, func, select

from collector.domain.words import OPEN_STATES
from collector.store.queries.pieces import in_pieces
from collector.store.tables.hazards import HAZARD_CALLS, HAZARD_SCHOOLS
from collector.store.tables.judgement import FLAGS
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot


class Member(NamedTuple):
    """One school in a hazard."""

    code: str
    name: str | None  # None: it is no longer in the registry
    area: str | None
    provider: str | None
    pupils: int | None
    shelter: bool | None
    has_phone: bool
    latitude: float | None
    longitude: float | None
    timezone: str | None
    usual_contact_ms: int | None
    usual_verdict: str | None
    usual_bps: int | None
    usual_devices: int
    first_heard_ms: int | None
    last_contact_ms: int | None
    word: str | None
    newest_bps: int | None


_OF_MEMBER = (
    *("usual_contact_ms", "usual_verdict", "usual_bps", "usual_devices"),
    *("first_heard_ms", "last_contact_ms", "word", "newest_bps"),
)
_COLUMNS = [
    HAZARD_SCHOOLS.c.school,
    *(SCHOOLS.c[name] for name in ("name", "area", "provider")),
    func.coalesce(SCHOOLS.c.students_total, SCHOOLS.c.students_peak_shift),
    SCHOOLS.c.shelter,
    and_(SCHOOLS.c.phone.is_not(None), SCHOOLS.c.phone != ""),
    *(SCHOOLS.c[name] for name in ("latitude", "longitude", "timezone")),
    *(HAZARD_SCHOOLS.c[name] for name in _OF_MEMBER),
]
_FROM = HAZARD_SCHOOLS.join(SCHOOLS, SCHOOLS.c.code == HAZARD_SCHOOLS.c.school)


def members(snapshot: Snapshot, hazard_id: str) -> list[Member]:
    """Return the schools of a hazard in the order of a call list: shelters, then the most pupils."""
    pupils = func.coalesce(SCHOOLS.c.students_total, SCHOOLS.c.students_peak_shift, -1)
    is_shelter = func.coalesce(SCHOOLS.c.shelter, False)
    query = (
        select(*_COLUMNS)
        .select_from(_FROM)
        .where(HAZARD_SCHOOLS.c.hazard_id == hazard_id)
        .order_by(is_shelter.desc(), pupils.desc(), HAZARD_SCHOOLS.c.school)
    )
    return [Member._make(row) for row in snapshot.connection.execute(query)]


def schools_seen(snapshot: Snapshot, hazard_ids: Iterable[str]) -> dict[str, int]:
    """Return how many schools of each hazard the reader sees: as many as its call list has."""
    found: dict[str, int] = {}
    for some in in_pieces(list(hazard_ids)):
        query = select(HAZARD_SCHOOLS.c.hazard_id, func.count()).select_from(_FROM)
        query = query.where(HAZARD_SCHOOLS.c.hazard_id.in_(some)).group_by(HAZARD_SCHOOLS.c.hazard_id)
        found |= {row[0]: row[1] for row in snapshot.connection.execute(query)}
    return found


def newest_call(snapshot: Snapshot, hazard_id: str) -> tuple[int, int | None]:
    """Return what differs whenever a record has a new line: how many lines there are, and when the newest came."""
    query = select(func.count(), func.max(HAZARD_CALLS.c.at_ms)).where(HAZARD_CALLS.c.hazard_id == hazard_id)
    count, newest_ms = snapshot.connection.execute(query).one()
    return int(count), newest_ms


def held_flags(snapshot: Snapshot, hazard_id: str) -> int:
    """Return how many open flags the schools of a hazard have."""
    of_it = select(HAZARD_SCHOOLS.c.school).where(HAZARD_SCHOOLS.c.hazard_id == hazard_id)
    query = select(func.count()).select_from(FLAGS).where(FLAGS.c.school.in_(of_it), FLAGS.c.state.in_(OPEN_STATES))
    return int(snapshot.connection.execute(query).scalar_one())
