"""Read models of availability: the days of one school, what they were worked out from, and the last days of many."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from sqlalchemy import select

from collector.store.queries.judging.availability import DayRow, NowRow, OutageRow
from collector.store.tables.availability import AVAILABILITY_DAYS, AVAILABILITY_NOW, LOCAL_OUTAGES
from collector.store.tables.measurements import DIARY
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot

_DAY: Final = AVAILABILITY_DAYS.c
_MANY: Final = 2_000  # runs of one day shown


@dataclass(frozen=True)
class RunRow:
    """One run of the diary as the table of a day shows it."""

    device: str
    rid: str
    from_ms: int
    to_ms: int
    state: str
    time_quality: str
    clock_off_ms: int | None
    received_ms: int


class Slots(NamedTuple):
    """What was seen of the lines of some schools in their last school days, in slots of five minutes."""

    good: int
    down: int

    @property
    def share(self) -> float | None:
        """How much of it they were up; None where nobody saw anything."""
        seen = self.good + self.down
        return self.good / seen if seen else None


def now(snapshot: Snapshot, code: str) -> NowRow | None:
    """Return the last school days of a school in one row; None: nobody was heard of it."""
    columns = [AVAILABILITY_NOW.c[name] for name in NowRow.__dataclass_fields__]
    row = snapshot.connection.execute(select(*columns).where(AVAILABILITY_NOW.c.school == code)).first()
    return NowRow(*row) if row else None


def days(snapshot: Snapshot, code: str, count: int, before: str | None = None) -> list[DayRow]:
    """Return the newest days of a school, oldest first.

    Args:
        snapshot: The database.
        code: Of the school.
        count: So many at most.
        before: Only days before this local one; None: all.
    """
    query = select(*[_DAY[name] for name in DayRow.__dataclass_fields__]).where(_DAY.school == code)
    if before is not None:
        query = query.where(_DAY.day < before)
    return [DayRow(*row) for row in snapshot.connection.execute(query.order_by(_DAY.day.desc()).limit(count))][::-1]


def outages(snapshot: Snapshot, code: str, since_ms: int, limit: int = 50) -> list[OutageRow]:
    """Return the outages of a school that were seen since a moment, the newest first."""
    row = LOCAL_OUTAGES.c
    query = select(*[row[name] for name in OutageRow.__dataclass_fields__])
    query = query.where(row.school == code, row.seen_ms > since_ms).order_by(row.from_ms.desc()).limit(limit)
    return [OutageRow(*one) for one in snapshot.connection.execute(query)]


class LocalRow(NamedTuple):
    """One outage of one school, among those of all."""

    code: str
    name: str
    timezone: str | None
    from_ms: int
    seen_ms: int
    to_ms: int | None
    down_slots: int
    word: str
    learnt_ms: int | None


def newest_outages(snapshot: Snapshot, most: int) -> list[LocalRow]:
    """Return the newest outages of one school each, whatever the school."""
    row, school = LOCAL_OUTAGES.c, SCHOOLS.c
    columns = (row.from_ms, row.seen_ms, row.to_ms, row.down_slots, row.word, row.learnt_ms)
    query = (
        select(school.code, school.name, school.timezone, *columns)
        .join(LOCAL_OUTAGES, row.school == school.code)
        .order_by(row.from_ms.desc(), row.school)
        .limit(most)
    )
    return [LocalRow._make(one) for one in snapshot.connection.execute(query).all()]


def runs(snapshot: Snapshot, code: str, from_ms: int, until_ms: int, reach_ms: int) -> list[RunRow]:
    """Return the runs of a school that lie in a time, in order; those that began more than `reach_ms` before do not."""
    row = DIARY.c
    query = (
        select(*[row[name] for name in RunRow.__dataclass_fields__])
        .where(row.school == code, row.from_ms > from_ms - reach_ms, row.from_ms < until_ms, row.to_ms > from_ms)
        .order_by(row.from_ms, row.device, row.rid)
        .limit(_MANY)
    )
    return [RunRow(*one) for one in snapshot.connection.execute(query)]


def of_schools(snapshot: Snapshot, codes: Sequence[str]) -> dict[str, NowRow]:
    """Return the last school days of some schools, by code."""
    columns = [AVAILABILITY_NOW.c[name] for name in NowRow.__dataclass_fields__]
    query = select(*columns).where(AVAILABILITY_NOW.c.school.in_(codes))
    return {row[0]: NowRow(*row) for row in snapshot.connection.execute(query)}
