"""Read models of the outages page: those that go on, those that are over, whose schools they took."""

from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, func, or_, select

from collector.domain.words import LIVE_OUTAGES, OutageLabel, OutageState
from collector.store.queries.judging.outages import REGIONAL
from collector.store.queries.pieces import in_pieces
from collector.store.tables.outages import OUTAGE_SCHOOLS, OUTAGES
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot


class OutageRow(NamedTuple):
    """One regional outage."""

    outage_id: str
    label: str
    state: str
    area: str
    provider: str
    opened_ms: int
    from_ms: int
    to_ms: int | None
    closed_ms: int | None
    online: int
    silent: int
    chance: float
    near_online: int
    near_silent: int
    confirmed: int
    pupils: int | None
    pupil_hours: float | None
    timeline: str
    learnt_ms: int | None
    seen_live: bool
    live_label: str

    @property
    def is_live(self) -> bool:
        """Whether it goes on."""
        return self.state in LIVE_OUTAGES


class MemberRow(NamedTuple):
    """One school of an outage."""

    code: str
    name: str
    area: str | None
    provider: str | None
    pupils: int | None
    is_shelter: bool | None
    heard_ms: int
    back_ms: int | None
    said: str


class OfProvider(NamedTuple):
    """Which outages are put down to a provider; an empty text means any."""

    since_ms: int  # begun then or later, or they go on
    provider: str = ""
    area: str = ""  # of a school that it took
    technology: str = ""


class SmallGroup(NamedTuple):
    """A provider in an area with too few schools to tell an outage from an accident."""

    area: str
    provider: str
    schools: int


_COLUMNS = [OUTAGES.c[name] for name in OutageRow._fields]
_SHOWN = (OUTAGES.c.kind == REGIONAL) & OUTAGES.c.opened_ms.is_not(None)
IS_LIVE = _SHOWN & OUTAGES.c.state.in_(LIVE_OUTAGES)
_OVER = _SHOWN & OUTAGES.c.state.in_((OutageState.CLOSED.value, OutageState.RETRACTED.value))
_PUPILS: ColumnElement[Any] = func.coalesce(SCHOOLS.c.students_peak_shift, SCHOOLS.c.students_total)


def count_live(snapshot: Snapshot) -> int:
    """Return how many outages go on."""
    return int(snapshot.connection.scalar(select(func.count()).select_from(OUTAGES).where(IS_LIVE)) or 0)


def list_live(snapshot: Snapshot) -> list[OutageRow]:
    """Return the outages that go on, the one with the most pupils first."""
    order = func.coalesce(OUTAGES.c.pupils, 0).desc(), OUTAGES.c.outage_id
    return _rows(snapshot, select(*_COLUMNS).where(IS_LIVE).order_by(*order))


def list_over(snapshot: Snapshot, most: int) -> list[OutageRow]:
    """Return the outages that are over, the newest first."""
    order = OUTAGES.c.from_ms.desc(), OUTAGES.c.outage_id
    return _rows(snapshot, select(*_COLUMNS).where(_OVER).order_by(*order).limit(most))


def list_of_providers(snapshot: Snapshot, wanted: OfProvider) -> list[OutageRow]:
    """Return the outages that are put down to a provider, the newest first.

    What took a whole area, or may have been its power, is not put down to one; what was taken back was no outage.
    """
    query = select(*_COLUMNS).where(_SHOWN, OUTAGES.c.label == OutageLabel.PROVIDER.value, OUTAGES.c.provider != "")
    query = query.where(OUTAGES.c.state != OutageState.RETRACTED.value)
    query = query.where(or_(OUTAGES.c.from_ms >= wanted.since_ms, IS_LIVE))
    if wanted.provider:
        query = query.where(OUTAGES.c.provider == wanted.provider)
    places = {name: value for name in ("area", "technology") if (value := getattr(wanted, name))}
    if places:
        took = select(OUTAGE_SCHOOLS.c.outage_id).join(SCHOOLS, SCHOOLS.c.code == OUTAGE_SCHOOLS.c.school)
        took = took.where(*(SCHOOLS.c[name] == value for name, value in places.items()))
        query = query.where(OUTAGES.c.outage_id.in_(took))
    return _rows(snapshot, query.order_by(OUTAGES.c.from_ms.desc(), OUTAGES.c.outage_id))


def count_over(snapshot: Snapshot) -> int:
    """Return how many outages are over."""
    return int(snapshot.connection.scalar(select(func.count()).select_from(OUTAGES).where(_OVER)) or 0)


def find(snapshot: Snapshot, outage_id: str) -> OutageRow | None:
    """Return one outage."""
    found = _rows(snapshot, select(*_COLUMNS).where(_SHOWN, OUTAGES.c.outage_id == outage_id))
    return found[0] if found else None


def members(snapshot: Snapshot, outage_id: str, most: int | None = None) -> list[MemberRow]:
    """Return the schools of an outage: those still silent first, of them shelters, then those with the most pupils."""
    of_it = OUTAGE_SCHOOLS.c.outage_id == outage_id
    query = (
        select(
            SCHOOLS.c.code,
            SCHOOLS.c.name,
            SCHOOLS.c.area,
            SCHOOLS.c.provider,
            _PUPILS.label("pupils"),
            SCHOOLS.c.shelter,
            OUTAGE_SCHOOLS.c.heard_ms,
            OUTAGE_SCHOOLS.c.back_ms,
            OUTAGE_SCHOOLS.c.said,
        )
        .join(OUTAGE_SCHOOLS, OUTAGE_SCHOOLS.c.school == SCHOOLS.c.code)
        .where(of_it)
        .order_by(
            OUTAGE_SCHOOLS.c.back_ms.is_not(None),
            func.coalesce(SCHOOLS.c.shelter, False).desc(),
            func.coalesce(_PUPILS, 0).desc(),
            SCHOOLS.c.code,
        )
        .limit(most)
    )
    return [MemberRow(*row) for row in snapshot.connection.execute(query).all()]


def silent_now(snapshot: Snapshot, codes: Collection[str] | None = None) -> dict[str, str]:
    """Return the outage that goes on at each of some schools (None: of all) and from which it has not come back.

    What is our own failure is no outage of schools, and a school whose computers were switched off is in none.
    """
    mine = OUTAGE_SCHOOLS.c
    query = select(mine.school, OUTAGES.c.outage_id).join(OUTAGES, OUTAGES.c.outage_id == mine.outage_id)
    query = query.where(IS_LIVE, OUTAGES.c.label != OutageLabel.COLLECTOR.value)
    query = query.where(mine.back_ms.is_(None), mine.said != "off").order_by(OUTAGES.c.from_ms)
    pieces = [query] if codes is None else [query.where(mine.school.in_(some)) for some in in_pieces(codes)]
    return {row[0]: row[1] for piece in pieces for row in snapshot.connection.execute(piece).all()}


def count_members(snapshot: Snapshot, outage_id: str) -> tuple[int, int]:
    """Return how many schools an outage has, and how many of them have not been heard again."""
    silent = func.sum(OUTAGE_SCHOOLS.c.back_ms.is_(None).cast(OUTAGES.c.online.type))
    query = select(func.count(), silent).where(OUTAGE_SCHOOLS.c.outage_id == outage_id)
    row = snapshot.connection.execute(query).one()
    return int(row[0]), int(row[1] or 0)


def small_groups(snapshot: Snapshot, fewest: int) -> list[SmallGroup]:
    """Return the providers in areas that have fewer schools than it takes, the smallest first."""
    schools = func.count().label("schools")
    named = or_(SCHOOLS.c.area.is_not(None), SCHOOLS.c.provider.is_not(None))
    query = (
        select(func.coalesce(SCHOOLS.c.area, ""), func.coalesce(SCHOOLS.c.provider, ""), schools)
        .where(named)
        .group_by(SCHOOLS.c.area, SCHOOLS.c.provider)
        .having(func.count() < fewest)
        .order_by(schools, SCHOOLS.c.area, SCHOOLS.c.provider)
    )
    return [SmallGroup(*row) for row in snapshot.connection.execute(query).all()]


def _rows(snapshot: Snapshot, query: Select[Any]) -> list[OutageRow]:
    found: list[Row[Any]] = list(snapshot.connection.execute(query).all())
    return [OutageRow._make(row) for row in found]
