"""What pages may remember, and until when: texts that differ whenever what was read differs.

Both are read in the snapshot that is shown, so that what is remembered under them is what that snapshot holds. A
version is drawn by the database in the transaction that writes and never counted: after a restore under a running
`serve` a counter would come by numbers again under which pages remember another state.
"""

from typing import Any, NamedTuple

from sqlalchemy import func, select

from collector.store.queries import facts
from collector.store.tables.people import FACTS
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot, UnitOfWork


class Newness(NamedTuple):
    """How new the registry and the verdicts of a snapshot are."""

    schools: int
    updated_ms: str  # newest change of a school, the sum of all (a clock that was put back is noticed), and the epoch
    verdicts: str  # drawn when they were written last: no other state has the same
    set_aside: str  # the same of tests that the evaluation set aside
    availability: str  # the same of how much lines were up; no verdict follows from it


class Standings(NamedTuple):
    """How new the registry and what schools last did with sites and networks are."""

    schools: int
    updated_ms: str
    written: str  # drawn when they were written last


_REGISTRY = select(func.count(), func.max(SCHOOLS.c.updated_ms), func.sum(SCHOOLS.c.updated_ms))


def raise_verdicts(unit: UnitOfWork) -> None:
    """Say in the transaction that writes newest verdicts or votes that they are others now."""
    facts.draw_version(unit, facts.VERDICTS_VERSION)


def raise_set_aside(unit: UnitOfWork) -> None:
    """Say in the transaction in which the evaluation sets tests aside that votes are others now.

    A row of its own: nobody who approves devices waits for it while others' rows are waited for.
    """
    facts.draw_version(unit, facts.SET_ASIDE_VERSION)


def raise_standings(unit: UnitOfWork) -> None:
    """Say in the transaction that writes them that standings of learning sites or networks are others now."""
    facts.draw_version(unit, facts.STANDINGS_VERSION)


def raise_availability(unit: UnitOfWork) -> None:
    """Say in the transaction that writes them that the last school days of lines are others now."""
    facts.draw_version(unit, facts.AVAILABILITY_VERSION)


def registry(snapshot: Snapshot) -> tuple[int, str]:
    """Return what differs whenever a school that the reader sees does, or the database is another's backup."""
    count, updated = _with_versions(snapshot)
    return count, updated


def newness(snapshot: Snapshot) -> Newness:
    """Return what differs whenever a school that the reader sees, a newest verdict, a vote or a line's days do."""
    asked = (facts.VERDICTS_VERSION, facts.SET_ASIDE_VERSION, facts.AVAILABILITY_VERSION)
    return Newness(*_with_versions(snapshot, *asked))


def standings(snapshot: Snapshot) -> Standings:
    """Return what differs whenever a school that the reader sees, or a standing of a site or network, does."""
    return Standings(*_with_versions(snapshot, facts.STANDINGS_VERSION))


def _with_versions(snapshot: Snapshot, *names: str) -> tuple[Any, ...]:
    """Return the number of schools, what their rows and the database are known by, and the versions of these names."""
    asked = (facts.STORE_EPOCH, *names)
    written = [select(FACTS.c.value).where(FACTS.c.name == name).scalar_subquery() for name in asked]
    count, newest, total, epoch, *versions = snapshot.connection.execute(_REGISTRY.add_columns(*written)).one()
    return int(count), f"{newest} {total} {epoch or ''}", *(one or "" for one in versions)
