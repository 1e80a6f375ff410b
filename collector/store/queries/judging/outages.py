"""Regional outages and their schools, and what was usual: reading and writing for the watch. Nothing here commits."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import delete, func, insert, or_, select

from collector.domain.outages.groups import Group
from collector.domain.words import OutageLabel, OutageState
from collector.store.queries.pieces import in_pieces
from collector.store.tables.measurements import DIARY
from collector.store.tables.outages import OUTAGE_SCHOOLS, OUTAGE_USUAL, OUTAGES
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot, UnitOfWork
from collector.store.upsert import insert_or_update

REGIONAL = "regional"
DIARY_ID = "diary-"
"""How the identity of an outage begins that only diaries tell of."""

_LEARNT = OUTAGES.c.outage_id.startswith(DIARY_ID, autoescape=True)

Row = dict[str, Any]


class Watched(NamedTuple):
    """A school as far as the watch needs it."""

    code: str
    area: str | None
    provider: str | None
    timezone: str | None
    opening: str | None


class DiaryRun(NamedTuple):
    """A stretch of a computer's diary."""

    school: str
    from_ms: int
    to_ms: int
    state: str
    received_ms: int
    time_quality: str
    clock_off_ms: int | None


def watched_schools(snapshot: Snapshot) -> list[Watched]:
    """Return every school, in order of codes."""
    columns = [SCHOOLS.c[name] for name in Watched._fields]
    return [Watched(*row) for row in snapshot.connection.execute(select(*columns).order_by(SCHOOLS.c.code)).all()]


def count_groups(snapshot: Snapshot) -> int:
    """Return about how many groups are looked at: that decides how many schools one needs."""
    pairs = select(SCHOOLS.c.area, SCHOOLS.c.provider).distinct().subquery()
    apart = [select(func.count(func.distinct(SCHOOLS.c[name]))) for name in ("area", "provider")]
    both = snapshot.connection.scalar(select(func.count()).select_from(pairs)) or 0
    return int(both) + sum(int(snapshot.connection.scalar(query) or 0) for query in apart) + 1


def list_rows(snapshot: Snapshot, ids: Iterable[str] | None = None) -> list[Row]:
    """Return regional outages: those that the watch still follows, or those with these identities."""
    if ids is None:
        followed = or_(OUTAGES.c.state == OutageState.SUSPECTED.value, OUTAGES.c.closed_ms.is_(None))
        return _rows(snapshot, followed & OUTAGES.c.seen_live)
    return [row for some in in_pieces(ids) for row in _rows(snapshot, OUTAGES.c.outage_id.in_(some))]


def _rows(snapshot: Snapshot, condition: Any) -> list[Row]:
    query = select(OUTAGES).where(OUTAGES.c.kind == REGIONAL, condition).order_by(OUTAGES.c.suspected_ms)
    return [dict(row._mapping) for row in snapshot.connection.execute(query)]


def school_rows(snapshot: Snapshot, outage_id: str) -> list[Row]:
    """Return the schools of an outage."""
    query = select(OUTAGE_SCHOOLS).where(OUTAGE_SCHOOLS.c.outage_id == outage_id).order_by(OUTAGE_SCHOOLS.c.school)
    return [dict(row._mapping) for row in snapshot.connection.execute(query)]


def stands(snapshot: Snapshot, row: Row, schools: Sequence[Row]) -> bool:
    """Return whether an outage and its schools are stored exactly so."""
    # Sorted here: a database sorts texts by a language.
    before, now = (sorted(some, key=_school) for some in (school_rows(snapshot, row["outage_id"]), schools))
    if before != now:
        return False
    return list_rows(snapshot, [row["outage_id"]]) == [row]


def _school(row: Row) -> str:
    return str(row["school"])


def said_of(snapshot: Snapshot, ids: Iterable[str]) -> dict[str, dict[str, int]]:
    """Return of outages how many of their schools have a diary that says what, by outage and word."""
    found: dict[str, dict[str, int]] = {}
    mine = OUTAGE_SCHOOLS.c
    for some in in_pieces(ids):
        query = select(mine.outage_id, mine.said, func.count()).where(mine.outage_id.in_(some), mine.said != "")
        for outage_id, said, count in snapshot.connection.execute(query.group_by(mine.outage_id, mine.said)).all():
            found.setdefault(outage_id, {})[said] = count
    return found


def write(unit: UnitOfWork, row: Row, schools: Sequence[Row]) -> bool:
    """Write an outage and its schools over what was there; return whether anything differs from that."""
    if stands(unit, row, schools):
        return False
    insert_or_update(unit, OUTAGES, row)
    unit.connection.execute(delete(OUTAGE_SCHOOLS).where(OUTAGE_SCHOOLS.c.outage_id == row["outage_id"]))
    if schools:
        unit.connection.execute(insert(OUTAGE_SCHOOLS), list(schools))
    return True


def remove(unit: UnitOfWork, ids: Iterable[str]) -> None:
    """Forget outages that never were."""
    for some in in_pieces(ids):
        unit.connection.execute(delete(OUTAGE_SCHOOLS).where(OUTAGE_SCHOOLS.c.outage_id.in_(some)))
        unit.connection.execute(delete(OUTAGES).where(OUTAGES.c.outage_id.in_(some)))


def learnt_ids(snapshot: Snapshot, from_ms: int) -> list[str]:
    """Return the outages that only diaries tell of and that began at a moment or later."""
    query = select(OUTAGES.c.outage_id).where(_LEARNT, OUTAGES.c.from_ms >= from_ms)
    return list(snapshot.connection.scalars(query))


def seen_since(snapshot: Snapshot, moment_ms: int) -> list[str]:
    """Return the regional outages seen live that opened and were first suspected since a moment, by identity."""
    seen = OUTAGES.c.seen_live & OUTAGES.c.opened_ms.is_not(None) & (OUTAGES.c.suspected_ms >= moment_ms)
    query = select(OUTAGES.c.outage_id).where(seen, OUTAGES.c.kind == REGIONAL)
    return sorted(snapshot.connection.scalars(query))


def seen_around(snapshot: Snapshot, from_ms: int, to_ms: int) -> set[str]:
    """Return the schools of outages that were seen at the time, or found beside one, and touch a time."""
    mine = OUTAGE_SCHOOLS.c
    touches = (OUTAGES.c.from_ms < to_ms) & or_(OUTAGES.c.closed_ms.is_(None), OUTAGES.c.closed_ms > from_ms)
    query = select(mine.school).join(OUTAGES, OUTAGES.c.outage_id == mine.outage_id)
    ours = OUTAGES.c.label == OutageLabel.COLLECTOR.value  # says nothing of their lines
    query = query.where(touches, ~_LEARNT, ~ours, OUTAGES.c.kind == REGIONAL, OUTAGES.c.opened_ms.is_not(None))
    return set(snapshot.connection.scalars(query))


def parts_of(snapshot: Snapshot, outage_id: str) -> list[str]:
    """Return the outages that late diaries made of one."""
    starts = OUTAGES.c.outage_id.startswith(f"{outage_id}-", autoescape=True)
    return list(snapshot.connection.scalars(select(OUTAGES.c.outage_id).where(starts)))


def touched_by(snapshot: Snapshot, after_ms: int, until_ms: int, around_ms: int) -> list[str]:
    """Return the outages that diaries which came in some time have something to say of.

    Args:
        snapshot: The database.
        after_ms: Receipt; not included.
        until_ms: Receipt; included.
        around_ms: How far before its beginning and after its end a diary still concerns an outage.
    """
    newest = DIARY.c.received_ms > after_ms, DIARY.c.received_ms <= until_ms
    touches = (DIARY.c.to_ms >= OUTAGES.c.suspected_ms - around_ms) & or_(
        OUTAGES.c.closed_ms.is_(None), DIARY.c.from_ms <= OUTAGES.c.closed_ms + around_ms
    )
    query = (
        select(OUTAGES.c.outage_id)
        .select_from(
            DIARY.join(OUTAGE_SCHOOLS, OUTAGE_SCHOOLS.c.school == DIARY.c.school).join(
                OUTAGES, OUTAGES.c.outage_id == OUTAGE_SCHOOLS.c.outage_id
            )
        )
        .where(*newest, touches, OUTAGES.c.seen_live, OUTAGES.c.opened_ms.is_not(None), OUTAGES.c.kind == REGIONAL)
        .distinct()
    )
    return sorted(snapshot.connection.scalars(query))


def diaries(snapshot: Snapshot, schools: Iterable[str], from_ms: int, to_ms: int) -> list[DiaryRun]:
    """Return the runs of the diaries of schools that touch a time."""
    found: list[DiaryRun] = []
    columns = [DIARY.c[name] for name in DiaryRun._fields]
    for some in in_pieces(schools):
        # A run may be as long as a computer was off; of the indexed beginning only the end of the time can be asked.
        touches = (DIARY.c.from_ms < to_ms) & (DIARY.c.to_ms > from_ms)
        query = select(*columns).where(DIARY.c.school.in_(some), touches)
        found += [DiaryRun(*row) for row in snapshot.connection.execute(query).all()]
    return found


# --- what was usual ---------------------------------------------------------------------------------------------------


def known_days(snapshot: Snapshot, before_day: str) -> list[str]:
    """Return the days before one of which it is known what was usual, newest first."""
    query = select(OUTAGE_USUAL.c.day).where(OUTAGE_USUAL.c.day < before_day, OUTAGE_USUAL.c.area == "")
    mine = query.where(OUTAGE_USUAL.c.provider == "").order_by(OUTAGE_USUAL.c.day.desc())
    return list(snapshot.connection.scalars(mine))


def ticks_of(snapshot: Snapshot, days: Sequence[str], group: Group | None = None) -> dict[str, dict[Group, Any]]:
    """Return what was counted on some days, by day and group: minute of the day -> numbers."""
    query = select(OUTAGE_USUAL).where(OUTAGE_USUAL.c.day.in_(list(days)))
    if group is not None:
        query = query.where(OUTAGE_USUAL.c.area == group.area, OUTAGE_USUAL.c.provider == group.provider)
    found: dict[str, dict[Group, Any]] = {}
    for row in snapshot.connection.execute(query):
        ticks = {int(minute): numbers for minute, numbers in json.loads(row.ticks).items()}
        found.setdefault(row.day, {})[Group(row.area, row.provider)] = ticks
    return found


def add_ticks(unit: UnitOfWork, day: str, counted: Mapping[Group, Mapping[int, Sequence[int]]]) -> None:
    """Write what was counted of groups on a day, over what was there for the same minutes."""
    before = ticks_of(unit, [day]).get(day, {})
    rows = [
        {
            "day": day,
            "area": group.area,
            "provider": group.provider,
            "ticks": json.dumps({**before.get(group, {}), **ticks}, sort_keys=True),
        }
        for group, ticks in counted.items()
    ]
    keys = [(row["area"], row["provider"]) for row in rows]
    of_day = OUTAGE_USUAL.c.day == day
    for area, provider in keys:
        same = of_day & (OUTAGE_USUAL.c.area == area) & (OUTAGE_USUAL.c.provider == provider)
        if Group(area, provider) in before:
            unit.connection.execute(delete(OUTAGE_USUAL).where(same))
    if rows:
        unit.connection.execute(insert(OUTAGE_USUAL), rows)


def forget_usual(unit: UnitOfWork, before_day: str) -> None:
    """Delete what was usual long ago."""
    unit.connection.execute(delete(OUTAGE_USUAL).where(OUTAGE_USUAL.c.day < before_day))
