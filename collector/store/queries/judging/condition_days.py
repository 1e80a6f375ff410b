"""Daily conditions and their flags as they are stored: read and written for many schools at once. Nothing commits."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import delete, insert, select, tuple_

from collector.store.queries.judging.fold import Flag
from collector.store.queries.judging.judgement import CLOSED
from collector.store.queries.pieces import in_pieces, plain_rows
from collector.store.tables.judgement import CONDITION_DAYS, FLAG_ACTIONS, FLAG_EVENTS, FLAGS
from collector.store.unit import Snapshot, UnitOfWork


class Series(NamedTuple):
    """Of what a condition is: a school, and what of it; mostly the school as a whole, and then empty."""

    school: str
    subject: str = ""


class StoredDay(NamedTuple):
    """What a school-day says of a condition."""

    day: str
    state: str
    numbers: str  # JSON


class StoredEvent(NamedTuple):
    """Something that happened to a flag."""

    day: str
    event: str
    numbers: str  # JSON


_DAYS = CONDITION_DAYS.c
_FLAG = [FLAGS.c[name] for name in Flag.__dataclass_fields__]


def days(
    snapshot: Snapshot, kind: str, schools: Sequence[str], first: str = "", last: str = "9999"
) -> dict[Series, list[StoredDay]]:
    """Return the days of a condition by series, in order, from a local day on up to another."""
    found: dict[Series, list[StoredDay]] = {}
    for some in in_pieces(schools):
        of_them = _DAYS.school.in_(some) & (_DAYS.kind == kind) & _DAYS.day.between(first, last)
        query = select(_DAYS.school, _DAYS.subject, _DAYS.day, _DAYS.state, _DAYS.numbers).where(of_them)
        rows = plain_rows(snapshot, query.order_by(_DAYS.school, _DAYS.subject, _DAYS.day))
        for series, of_series in groupby(rows, key=itemgetter(0, 1)):
            found[Series._make(series)] = [StoredDay._make(row[2:]) for row in of_series]
    return found


def replace_days(
    unit: UnitOfWork, kind: str, gone: Sequence[tuple[Series, str]], new: Sequence[tuple[Series, StoredDay]]
) -> None:
    """Delete days of a condition, then write others; what is written over is among those that go.

    Args:
        unit: The transaction to write in.
        kind: A `ConditionKind`.
        gone: Series and local day.
        new: Series and what is stored of a day.
    """
    key = tuple_(_DAYS.school, _DAYS.subject, _DAYS.day)
    for some in in_pieces(gone, 200):
        keys = [(series.school, series.subject, day) for series, day in some]
        unit.connection.execute(delete(CONDITION_DAYS).where(_DAYS.kind == kind, key.in_(keys)))
    rows = [{"kind": kind, **series._asdict(), **day._asdict()} for series, day in new]
    if rows:
        unit.connection.execute(insert(CONDITION_DAYS), rows)


def known_series(snapshot: Snapshot, kind: str, first: str) -> tuple[set[Series], set[Series]]:
    """Return of which series a condition has stored days from a local day on, and which ever had a flag of it.

    The first must say what is so, or go; the second needs all of its days: they say when the flag opened and closed.
    """
    stored = select(_DAYS.school, _DAYS.subject).where(_DAYS.kind == kind, _DAYS.day >= first).distinct()
    flagged = select(FLAGS.c.school, FLAGS.c.metric).where(FLAGS.c.kind == kind).distinct()
    return tuple({Series(*row) for row in snapshot.connection.execute(query)} for query in (stored, flagged))  # type: ignore[return-value]


def schools_with_bad(snapshot: Snapshot, kind: str, schools: Sequence[str], before: str) -> set[str]:
    """Return those of a few schools that have a bad day of a kind before a local day."""
    bad = (_DAYS.kind == kind) & _DAYS.school.in_(schools) & (_DAYS.state == "bad") & (_DAYS.day < before)
    return set(snapshot.connection.scalars(select(_DAYS.school).where(bad).distinct()))


def schools_to_fold(snapshot: Snapshot, kind: str) -> list[str]:
    """Return the schools with a bad day or a flag of a kind: those of which the fold can say something."""
    bad = select(_DAYS.school).where(_DAYS.kind == kind, _DAYS.state == "bad")
    flagged = select(FLAGS.c.school).where(FLAGS.c.kind == kind)
    return sorted(snapshot.connection.scalars(bad.union(flagged)))


def flags(snapshot: Snapshot, kind: str, schools: Sequence[str]) -> dict[Series, list[Flag]]:
    """Return every flag of a kind by series, oldest first."""
    found: dict[Series, list[Flag]] = {}
    for some in in_pieces(schools):
        query = select(*_FLAG).where(FLAGS.c.school.in_(some), FLAGS.c.kind == kind)
        for row in snapshot.connection.execute(query.order_by(FLAGS.c.opened_on, FLAGS.c.flag_id)):
            flag = Flag(*row)
            found.setdefault(Series(flag.school, flag.metric), []).append(replace(flag, is_stale=bool(flag.is_stale)))
    return found


def events(snapshot: Snapshot, flag_ids: Iterable[str]) -> dict[str, list[StoredEvent]]:
    """Return what happened to some flags, in order."""
    found: dict[str, list[StoredEvent]] = {}
    row = FLAG_EVENTS.c
    for some in in_pieces(flag_ids):
        query = select(row.flag_id, row.day, row.event, row.numbers).where(row.flag_id.in_(some))
        for flag_id, *event in snapshot.connection.execute(query.order_by(row.flag_id, row.seq)):
            found.setdefault(flag_id, []).append(StoredEvent(*event))
    return found


def closings(snapshot: Snapshot, kind: str, schools: Sequence[str]) -> dict[Series, list[str]]:
    """Return the local days on which people closed flags of a kind, in order, by series.

    A flag may be gone meanwhile; closings that were taken back are not among them.
    """
    found: dict[Series, list[str]] = {}
    acts = FLAG_ACTIONS.c
    for some in in_pieces(schools):
        query = select(acts.school, acts.metric, acts.day).where(CLOSED, acts.school.in_(some), acts.kind == kind)
        for school, subject, day in snapshot.connection.execute(query.order_by(acts.day)):
            found.setdefault(Series(school, subject), []).append(day)
    return found


def write_flags(unit: UnitOfWork, new: Sequence[Flag], happened: Mapping[str, Sequence[StoredEvent]]) -> None:
    """Write flags over what is there.

    Args:
        unit: The transaction to write in.
        new: Flags as they stand.
        happened: By flag, all of its events; those of other flags stay as they are.
    """
    for some in in_pieces(flag.flag_id for flag in new):
        unit.connection.execute(delete(FLAGS).where(FLAGS.c.flag_id.in_(some)))
    if new:
        unit.connection.execute(insert(FLAGS), [dict(flag.__dict__) for flag in new])
    for some in in_pieces(happened):
        unit.connection.execute(delete(FLAG_EVENTS).where(FLAG_EVENTS.c.flag_id.in_(some)))
    rows: list[dict[str, Any]] = [
        {"flag_id": flag_id, "seq": seq, **event._asdict()}
        for flag_id, those in happened.items()
        for seq, event in enumerate(those, 1)
    ]
    if rows:
        unit.connection.execute(insert(FLAG_EVENTS), rows)
