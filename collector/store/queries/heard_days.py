"""How many PCs were heard on each day: counted once a day is over, in facts by local day and area.

A PC is heard on a day when a run of its diary or a test came on it that had begun not more than a day before. What
comes later counts on the day on which it comes, so that the count of a day that is over does not change. Who has it
counted is `evaluate.heard`.
"""

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Select, delete, func, literal, select, union_all

from collector.store.queries.pieces import in_pieces
from collector.store.tables.devices import DEVICES
from collector.store.tables.measurements import DIARY, MEASUREMENTS
from collector.store.tables.people import FACTS
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot, UnitOfWork
from collector.store.upsert import insert_or_update

DAY_MS: Final = 86_400_000
_NAME: Final = "heard:"  # and a local day of the deployment


@dataclass(frozen=True)
class Counted:
    """The count of one day, and what it was made from beside the rows of that day."""

    basis: str  # other when the registry is, or the zone of the deployment
    by_area: Mapping[str, int]  # "": of schools without an area
    is_sealed: bool = True  # False: it is not what was written, but what somebody made of it


class HeardRow(NamedTuple):
    """One PC that was heard on a day, with the school that it belonged to then."""

    school: str
    device: str
    first_ms: int  # receipt of the first message of that day
    last_ms: int
    runs: int  # of its diary
    tests: int


def counted(snapshot: Snapshot, first_day: str, last_day: str) -> dict[str, Counted]:
    """Return what is counted of the days from one to another, by day."""
    is_of = FACTS.c.name.between(f"{_NAME}{first_day}", f"{_NAME}{last_day}")
    query = select(FACTS.c.name, FACTS.c.value).where(is_of).order_by(FACTS.c.name)
    found = ((name[len(_NAME) :], json.loads(value)) for name, value in snapshot.connection.execute(query))
    return {day: Counted(value["basis"], value["areas"], value.get("seal") == _seal(value)) for day, value in found}


def _seal(value: Mapping[str, Any]) -> int:
    """Return the checksum of a count, as for days of availability (decision 0154)."""
    return zlib.crc32(repr((value["basis"], sorted(value["areas"].items()))).encode())


def heard(snapshot: Snapshot, first_day: str, last_day: str) -> dict[str, int]:
    """Return how many PCs of what the reader sees were heard on each day that is counted."""
    days, covers = counted(snapshot, first_day, last_day), snapshot.scope.covers
    if snapshot.scope.is_whole:
        return {day: sum(one.by_area.values()) for day, one in days.items()}
    return {day: sum(count for area, count in one.by_area.items() if covers(area or None)) for day, one in days.items()}


def set_counted(unit: UnitOfWork, day: str, one: Counted) -> None:
    """Write the count of a day over what was there."""
    value: dict[str, Any] = {"basis": one.basis, "areas": dict(sorted(one.by_area.items()))}
    text = json.dumps({**value, "seal": _seal(value)}, ensure_ascii=False)
    insert_or_update(unit, FACTS, {"name": f"{_NAME}{day}", "value": text})


def forget(unit: UnitOfWork, before_day: str) -> None:
    """Drop the counts of days that no page shows any more; they can be made again from the rows."""
    # Not by an order of names alone: a PostgreSQL of most languages passes over punctuation when it sorts.
    is_old = FACTS.c.name.startswith(_NAME) & (FACTS.c.name < f"{_NAME}{before_day}")
    unit.connection.execute(delete(FACTS).where(is_old))


def first_enrolled_ms(snapshot: Snapshot) -> int | None:
    """Return when the first PC was enrolled; None: none is."""
    found: int | None = snapshot.connection.scalar(select(func.min(DEVICES.c.enrolled_ms)))
    return found


def count(snapshot: Snapshot, from_ms: int, until_ms: int) -> dict[str, int]:
    """Return by area how many PCs were heard in a time of one day, its end outside, UTC milliseconds."""
    said = union_all(*_said(from_ms, until_ms, None)).subquery()
    each = select(said.c.school, said.c.device).distinct().subquery()
    area = func.coalesce(SCHOOLS.c.area, "")
    query = select(area, func.count()).select_from(each.join(SCHOOLS, SCHOOLS.c.code == each.c.school)).group_by(area)
    return {row[0]: int(row[1]) for row in snapshot.connection.execute(query)}


def rows(snapshot: Snapshot, schools: Iterable[str], from_ms: int, until_ms: int) -> dict[str, list[HeardRow]]:
    """Return the PCs of some schools that were heard in a time of one day, by school."""
    found: dict[str, list[HeardRow]] = {}
    for some in in_pieces(schools):
        said = union_all(*_said(from_ms, until_ms, some)).subquery()
        columns = (said.c.school, said.c.device, func.min(said.c.received_ms), func.max(said.c.received_ms))
        numbers = (func.sum(said.c.runs), func.sum(said.c.tests))
        query = select(*columns, *numbers).group_by(said.c.school, said.c.device)
        for row in snapshot.connection.execute(query.order_by(said.c.school, said.c.device)):
            found.setdefault(row[0], []).append(HeardRow(*row[:4], int(row[4]), int(row[5])))
    return found


def _said(from_ms: int, until_ms: int, schools: Sequence[str] | None) -> list[Select[Any]]:
    """Return what came in a time: of all by when it came, of some schools by when it began, as the indexes have it."""
    found = []
    for table, began, runs, tests in (
        (DIARY, DIARY.c.from_ms, 1, 0),
        (MEASUREMENTS, MEASUREMENTS.c.started_ms, 0, 1),
    ):
        received: ColumnElement[Any] = table.c.received_ms
        columns = (table.c.school, table.c.device, received.label("received_ms"))
        query = select(*columns, literal(runs).label("runs"), literal(tests).label("tests"))
        query = query.where(received >= from_ms, received < until_ms, began > from_ms - DAY_MS)
        # Nothing begins long after it came; a clock that was corrected wrongly is no reason to look at all rows.
        query = query.where(began < until_ms + DAY_MS)
        is_of = table.c.school.in_(schools) if schools is not None else table.c.school.is_not(None)
        found.append(query.where(is_of))
    return found
