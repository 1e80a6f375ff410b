"""Which schools' availability is to be worked out again, and of which time. Nothing here commits.

A mark is written in the transaction that brings a run or changes an input, and taken in the one that writes what
follows from it: whatever comes meanwhile leaves a new one, so that nothing is ever passed over.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple

from sqlalchemy import case, delete, literal, or_, select

from collector.store import locks
from collector.store.queries import facts
from collector.store.queries.pieces import in_pieces
from collector.store.tables.availability import AVAILABILITY_MARKS
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot, UnitOfWork
from collector.store.upsert import AnyInsert, insert

INPUTS = "inputs"  # the name that is held
_EAST_MS = 14 * 3_600_000  # no zone is further ahead of UTC


class Mark(NamedTuple):
    """A time of a school in which something is new."""

    school: str
    from_ms: int
    to_ms: int | None  # None: up to the newest day


def mark_runs(unit: UnitOfWork, rows: Iterable[Mapping[str, Any]]) -> None:
    """Say that runs of the diary came; those of no school wait until their device has one.

    Args:
        unit: The transaction that stores them.
        rows: As they are stored.
    """
    spans: dict[str, tuple[int, int]] = {}
    for row in rows:
        if (school := row["school"]) is not None:
            first, last = spans.get(school, (row["from_ms"], row["to_ms"]))
            spans[school] = min(first, row["from_ms"]), max(last, row["to_ms"])
    for school, (first, last) in sorted(spans.items()):  # in one order, so that nobody waits for who waits for them
        mark_span(unit, school, first, last)


def mark_span(unit: UnitOfWork, school: str, from_ms: int, to_ms: int | None) -> None:
    """Say that something is new in a time of a school; without an end: up to now."""
    row = {"school": school, "from_ms": from_ms, "to_ms": to_ms}
    dialect = unit.connection.dialect.name
    if dialect not in _MARK:
        _MARK[dialect] = _or_wider(insert(unit, AVAILABILITY_MARKS))
    unit.connection.execute(_MARK[dialect], row)


_MARK: dict[str, AnyInsert] = {}  # by dialect: put together once, because that takes longer than writing


def mark_days(unit: UnitOfWork, from_day: str, codes: Sequence[str] | None = None) -> None:
    """Say that an input changed of every day from a local one on.

    Who changes inputs waits for who does so already: two that took the rows of many schools in different orders would
    wait for each other. And the inputs have another version, by which a run that has read those of before knows it.

    Args:
        unit: The transaction that changes it.
        from_day: The first day concerned, ISO.
        codes: The schools concerned; None for all.
    """
    locks.hold(unit, (INPUTS,))
    facts.draw_version(unit, facts.INPUTS_VERSION)
    work_out_again(unit, from_day, codes)


def inputs_are(unit: UnitOfWork, version: str | None) -> bool:
    """Return whether the inputs of days are those that a run has read; on PostgreSQL they stay so until it commits."""
    locks.hold_shared(unit, INPUTS)
    return facts.find_fact(unit, facts.INPUTS_VERSION) == version


def work_out_again(unit: UnitOfWork, from_day: str, codes: Sequence[str] | None = None) -> None:
    """Let every day from a local one on be worked out again, of some schools or of all, though no input changed."""
    moment = datetime.combine(date.fromisoformat(from_day), time(), UTC)
    from_ms = max(0, round(moment.timestamp() * 1000) - _EAST_MS)
    given = select(SCHOOLS.c.code, literal(from_ms), literal(None, AVAILABILITY_MARKS.c.to_ms.type))
    chosen = [given.where(SCHOOLS.c.code.is_not(None))] if codes is None else []
    chosen += [given.where(SCHOOLS.c.code.in_(some)) for some in in_pieces(codes or ())]
    for some in chosen:
        whole = insert(unit, AVAILABILITY_MARKS).from_select(["school", "from_ms", "to_ms"], some)
        unit.connection.execute(_or_wider(whole))


def _or_wider(statement: AnyInsert) -> AnyInsert:
    """Return the insert that widens a mark that is there."""
    old, new = AVAILABILITY_MARKS.c, statement.excluded
    wider = {
        "from_ms": case((new.from_ms < old.from_ms, new.from_ms), else_=old.from_ms),
        "to_ms": case((or_(new.to_ms.is_(None), new.to_ms > old.to_ms), new.to_ms), else_=old.to_ms),
    }
    return statement.on_conflict_do_update(index_elements=["school"], set_=wider)


def marks(snapshot: Snapshot) -> list[Mark]:
    """Return every mark."""
    row = AVAILABILITY_MARKS.c
    return [Mark(*one) for one in snapshot.connection.execute(select(row.school, row.from_ms, row.to_ms))]


def take(unit: UnitOfWork, schools: Sequence[str]) -> dict[str, Mark]:
    """Take the marks of some schools away and return them as they are now; read the runs after that."""
    row = AVAILABILITY_MARKS.c
    taken = delete(AVAILABILITY_MARKS).where(row.school.in_(schools)).returning(row.school, row.from_ms, row.to_ms)
    return {one[0]: Mark(*one) for one in unit.connection.execute(taken)}


def put_back(unit: UnitOfWork, marks_taken: Iterable[Mark]) -> None:
    """Leave marks for the next run that were taken and not worked off."""
    for mark in sorted(marks_taken):
        mark_span(unit, *mark)
