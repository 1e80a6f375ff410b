"""Looks at learning sites, as the diary has them, and what the evaluation makes of them. Nothing here commits."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Integer, and_, cast, delete, func, insert, select

from collector.domain.sites import SiteDay, SiteWord
from collector.store.many import insert_new
from collector.store.queries import newness
from collector.store.queries.pieces import plain_rows
from collector.store.tables.measurements import DIARY
from collector.store.tables.registry import SCHOOLS
from collector.store.tables.sites import SITE_DAYS, SITE_STANDINGS, SITE_TOTALS
from collector.store.unit import Snapshot, UnitOfWork


class _Told(msgspec.Struct):
    """One site in the JSON of a run."""

    name: str
    state: str
    ms: float | None = None


_TOLD = msgspec.json.Decoder(list[_Told])


@dataclass(frozen=True)
class Run:
    """One run of the diary that tells of sites."""

    school: str
    from_ms: int
    received_ms: int
    state: str  # of the diary
    told: tuple[tuple[str, SiteWord, float | None], ...]  # site, word, ms


@dataclass(frozen=True)
class Touched:
    """What of a school is to be worked out again."""

    from_ms: int  # beginning of the earliest run
    to_ms: int  # of the latest one


def newest_receipt_ms(snapshot: Snapshot) -> int | None:
    """Return when the newest run that tells of sites was received; None: none ever was."""
    query = select(func.max(DIARY.c.received_ms)).where(DIARY.c.probes.is_not(None))
    newest: int | None = snapshot.connection.scalar(query)
    return newest


def touched(snapshot: Snapshot, since_ms: int) -> dict[str, Touched]:
    """Return the schools with runs received since a moment that tell of sites."""
    query = (
        select(DIARY.c.school, func.min(DIARY.c.from_ms), func.max(DIARY.c.from_ms))
        .where(DIARY.c.probes.is_not(None), DIARY.c.received_ms >= since_ms, DIARY.c.school.is_not(None))
        .group_by(DIARY.c.school)
    )
    return {school: Touched(first, last) for school, first, last in snapshot.connection.execute(query)}


def changed_schools(snapshot: Snapshot, since_ms: int) -> list[str]:
    """Return the schools of which the registry has changed something since a moment: their zone, perhaps."""
    return list(snapshot.connection.scalars(select(SCHOOLS.c.code).where(SCHOOLS.c.updated_ms >= since_ms)))


def runs(snapshot: Snapshot, schools: Collection[str], from_ms: int, to_ms: int) -> list[Run]:
    """Return the runs of some schools that tell of sites and begin within a time; its end is outside."""
    d = DIARY.c
    query = select(d.school, d.from_ms, d.received_ms, d.state, d.probes).where(
        d.school.in_(schools), d.from_ms >= from_ms, d.from_ms < to_ms, d.probes.is_not(None)
    )
    return [Run(*row[:4], _told(row[4])) for row in snapshot.connection.execute(query)]


def _told(text: str) -> tuple[tuple[str, SiteWord, float | None], ...]:
    return tuple((one.name, SiteWord(one.state), one.ms) for one in _TOLD.decode(text))


class WorkedOut(NamedTuple):
    """What the local days of a school from one to another came to; one without looks has nothing."""

    school: str
    first: str
    last: str
    found: Sequence[tuple[str, SiteDay, int]]  # day, what it came to, receipt of its newest look


def write_days(unit: UnitOfWork, some: Sequence[WorkedOut]) -> None:
    """Write what days of some schools came to, over what was there."""
    by_span: dict[tuple[str, str], list[str]] = {}
    for one in some:
        by_span.setdefault((one.first, one.last), []).append(one.school)
    for (first, last), schools in by_span.items():  # most have the same
        is_of = SITE_DAYS.c.school.in_(schools) & SITE_DAYS.c.day.between(first, last)
        unit.connection.execute(delete(SITE_DAYS).where(is_of))
    insert_new(unit, SITE_DAYS, [_row(one.school, day, of, learnt) for one in some for day, of, learnt in one.found])


def _row(school: str, day: str, found: SiteDay, learnt_ms: int) -> dict[str, Any]:
    row = dict(found.__dict__)
    row |= {"school": school, "day": day, "learnt_ms": learnt_ms, "word": found.word.value}
    looks = row.pop("looks")
    return row | {word.value: looks.get(word, 0) for word in SiteWord}


def renew_standings(unit: UnitOfWork, schools: Collection[str], from_day: str) -> None:
    """Write the newest day of each site at some schools, as long as it is not older than a day."""
    days, newest = SITE_DAYS.c, SITE_DAYS.alias("newest").c
    unit.connection.execute(delete(SITE_STANDINGS).where(SITE_STANDINGS.c.school.in_(schools)))
    last = (
        select(newest.school, newest.site, func.max(newest.day).label("day"))
        .where(newest.school.in_(schools), newest.day >= from_day)
        .group_by(newest.school, newest.site)
        .subquery()
    )
    is_last = and_(days.school == last.c.school, days.site == last.c.site, days.day == last.c.day)
    query = select(days.school, days.site, days.day, days.word).select_from(SITE_DAYS.join(last, is_last))
    unit.connection.execute(insert(SITE_STANDINGS).from_select(["school", "site", "day", "word"], query))
    newness.raise_standings(unit)


def wrong_standings(snapshot: Snapshot, from_day: str) -> list[str]:
    """Return the schools of which another newest day of a site stands there than they have since a day."""
    days, s = SITE_DAYS.c, SITE_STANDINGS.c
    rows = select(days.school, days.site, days.day, days.word).where(days.day >= from_day).order_by(days.day)
    newest = {(school, site): (day, word) for school, site, day, word in plain_rows(snapshot, rows)}
    there = select(s.school, s.site, s.day, s.word)
    found = {(school, site): (day, word) for school, site, day, word in plain_rows(snapshot, there)}
    return sorted({at[0] for at, _what in newest.items() ^ found.items()})


def forget_standings(unit: UnitOfWork, before_day: str) -> None:
    """Drop standings of days before one: nobody has looked since."""
    gone = unit.connection.execute(delete(SITE_STANDINGS).where(SITE_STANDINGS.c.day < before_day))
    if gone.rowcount:
        newness.raise_standings(unit)


@dataclass(frozen=True)
class StoredDay:
    """What the flag needs of one stored day."""

    school: str
    site: str
    day: str
    word: SiteWord
    line_hours: int
    line_opened: int


def days_of(snapshot: Snapshot, schools: Collection[str], from_day: str) -> list[StoredDay]:
    """Return the stored days of some schools from a local day on, in order."""
    d = SITE_DAYS.c
    query = (
        select(d.school, d.site, d.day, d.word, d.line_hours, d.line_opened)
        .where(d.school.in_(schools), d.day >= from_day)
        .order_by(d.school, d.site, d.day)
    )
    return [StoredDay(*row[:3], SiteWord(row[3]), *row[4:]) for row in snapshot.connection.execute(query)]


def closed_at(snapshot: Snapshot, from_day: str) -> dict[str, set[str]]:
    """Return the schools that on some day since one opened a site in no hour, and which sites."""
    d = SITE_DAYS.c
    query = select(d.school, d.site).where(d.day >= from_day, d.line_opened == 0).distinct()
    found: dict[str, set[str]] = {}
    for school, site in snapshot.connection.execute(query):
        found.setdefault(school, set()).add(site)
    return found


def renew_totals(unit: UnitOfWork, days: Collection[str], fewest_hours: int) -> None:
    """Count of some local days at how many schools each site was looked at over a good line, and opened."""
    d = SITE_DAYS.c
    unit.connection.execute(delete(SITE_TOTALS).where(SITE_TOTALS.c.day.in_(days)))
    opened = func.sum(cast(2 * d.line_opened >= d.line_hours, Integer))
    query = (
        select(d.day, d.site, func.count(), opened)
        .where(d.day.in_(days), d.line_hours >= fewest_hours)
        .group_by(d.day, d.site)
    )
    unit.connection.execute(insert(SITE_TOTALS).from_select(["day", "site", "schools", "opened"], query))


def totals(snapshot: Snapshot, from_day: str) -> dict[tuple[str, str], tuple[int, int]]:
    """Return by site and day what `renew_totals` counted."""
    t = SITE_TOTALS.c
    query = select(t.site, t.day, t.schools, t.opened).where(t.day >= from_day)
    return {(site, day): (schools, opened) for site, day, schools, opened in snapshot.connection.execute(query)}
