"""What pages may remember, and until when: texts that differ whenever what was read differs.

Both are read in the snapshot that is shown, so that what is remembered under them is what that snapshot holds.
"""

from typing import NamedTuple

from sqlalchemy import func, select

from collector.store.queries import facts
from collector.store.tables.people import FACTS
from collector.store.tables.registry import SCHOOLS
from collector.store.unit import Snapshot, UnitOfWork


class Newness(NamedTuple):
    """How new the registry and the verdicts of a snapshot are."""

    schools: int
    updated_ms: str  # newest change of a school, and the sum of all: a clock that was put back is noticed too
    verdicts: str  # how often they were written


class Standings(NamedTuple):
    """How new the registry and what schools last did with sites and networks are."""

    schools: int
    updated_ms: str
    written: str


_REGISTRY = select(func.count(), func.max(SCHOOLS.c.updated_ms), func.sum(SCHOOLS.c.updated_ms))


def raise_verdicts(unit: UnitOfWork) -> None:
    """Say in the transaction that writes newest verdicts or votes that they are others now."""
    facts.raise_counter(unit, facts.VERDICTS_VERSION)


def raise_standings(unit: UnitOfWork) -> None:
    """Say in the transaction that writes them that standings of learning sites or networks are others now."""
    facts.raise_counter(unit, facts.STANDINGS_VERSION)


def registry(snapshot: Snapshot) -> tuple[int, str]:
    """Return what differs whenever a school that the reader sees does; an index has all of it."""
    count, newest, total = snapshot.connection.execute(_REGISTRY).one()
    return int(count), f"{newest} {total}"


def newness(snapshot: Snapshot) -> Newness:
    """Return what differs whenever a school that the reader sees, a newest verdict or a vote does."""
    return Newness(*_with_counter(snapshot, facts.VERDICTS_VERSION))


def standings(snapshot: Snapshot) -> Standings:
    """Return what differs whenever a school that the reader sees, or a standing of a site or network, does."""
    return Standings(*_with_counter(snapshot, facts.STANDINGS_VERSION))


def _with_counter(snapshot: Snapshot, name: str) -> tuple[int, str, str]:
    written = select(FACTS.c.value).where(FACTS.c.name == name).scalar_subquery()
    count, newest, total, counted = snapshot.connection.execute(_REGISTRY.add_columns(written)).one()
    return int(count), f"{newest} {total}", counted or ""
