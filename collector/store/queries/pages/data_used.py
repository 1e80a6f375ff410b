"""Read models of the data that tests use: of each school's month, from the sums that the evaluation keeps."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Select, func, select

from agent.wire.vocabulary import DeviceState
from collector.store.queries.pieces import in_pieces
from collector.store.tables.devices import DEVICES
from collector.store.tables.judgement import SCHOOL_MONTHS
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot


class Month(NamedTuple):
    """What the tests of one school, or of several, have moved in a month."""

    used_bytes: int  # both directions, headers included
    measurements: int
    uncounted_days: int  # days with tests whose bytes are not known

    @property
    def is_known(self) -> bool:
        """Whether what is used is known, at least in part."""
        return self.used_bytes > 0 or not self.uncounted_days


class Named(NamedTuple):
    """A school as lists name it."""

    name: str
    area: str | None


NOTHING = Month(0, 0, 0)


def months(snapshot: Snapshot, first_day: str) -> dict[str, Month]:
    """Return what was moved in the month that begins on a day, by school; of those that have tested in it."""
    made = SCHOOL_MONTHS.c
    query = select(made.school, made.used_bytes, made.measurements, made.uncounted_days)
    query = query.where(made.first_day == first_day, made.measurements > 0)
    return {school: Month(*numbers) for school, *numbers in snapshot.connection.execute(query).all()}


def untested(snapshot: Snapshot, first_day: str) -> list[str]:
    """Return the schools that have a PC which may test and have not tested in a month: few, but for its first days."""
    return [*snapshot.connection.scalars(_untested(first_day).distinct())]


def untested_among(snapshot: Snapshot, first_day: str, codes: Iterable[str]) -> set[str]:
    """Return those of some schools that have a PC which may test and have not tested in a month."""
    found: set[str] = set()
    for some in in_pieces(codes):
        query = _untested(first_day).where(DEVICES.c.school.in_(some))
        found.update(snapshot.connection.scalars(query))
    return found


def count_untested(snapshot: Snapshot, first_day: str) -> int:
    """Return how many schools have a PC which may test and have not tested in a month."""
    codes = _untested(first_day).distinct().subquery()
    return int(snapshot.connection.execute(select(func.count()).select_from(codes)).scalar_one())


def _untested(first_day: str) -> Select[tuple[str]]:
    made = SCHOOL_MONTHS.c
    tested = select(made.school).where(made.first_day == first_day, made.measurements > 0)  # read once, not per PC
    return select(DEVICES.c.school).where(DEVICES.c.state == DeviceState.ACTIVE, DEVICES.c.school.not_in(tested))


def named(snapshot: Snapshot, codes: Iterable[str]) -> dict[str, Named]:
    """Return what some schools are called, by code; those that the registry no longer has are left out."""
    found: dict[str, Named] = {}
    for some in in_pieces(codes):
        query = select(SCHOOLS.c.code, SCHOOLS.c.name, SCHOOLS.c.area)
        for code, *row in snapshot.connection.execute(query.where(SCHOOLS.c.code.in_(some))):
            found[code] = Named(*row)
    return found
