"""Limits of what a line is good for, as people have decided them: rows are added, never changed; the newest holds."""

from dataclasses import dataclass

from sqlalchemy import insert, select

from collector.store import locks
from collector.store.tables.registry import USE_LIMITS
from collector.store.unit import Snapshot, UnitOfWork


@dataclass(frozen=True)
class LimitsDecision:
    """One decision with who made it and when."""

    number: int  # from 1 on
    limits: str | None  # JSON; None: as published
    note: str
    created_ms: int
    created_by: str


_COLUMNS = [USE_LIMITS.c[name] for name in LimitsDecision.__dataclass_fields__]


def decisions(snapshot: Snapshot, limit: int = 50) -> list[LimitsDecision]:
    """Return the newest decisions, the newest first: that one holds."""
    query = select(*_COLUMNS).order_by(USE_LIMITS.c.number.desc()).limit(limit)
    return [LimitsDecision(*row) for row in snapshot.connection.execute(query)]


def history(snapshot: Snapshot) -> list[tuple[int, str | None]]:
    """Return when each decision was made, UTC milliseconds, and what it says, oldest first."""
    query = select(USE_LIMITS.c.created_ms, USE_LIMITS.c.limits).order_by(USE_LIMITS.c.number)
    return [(row[0], row[1]) for row in snapshot.connection.execute(query)]


def in_force(snapshot: Snapshot) -> LimitsDecision | None:
    """Return the decision that holds; None: nobody has decided anything."""
    return next(iter(decisions(snapshot, 1)), None)


def hold(unit: UnitOfWork) -> None:
    """Let nobody else decide until the transaction ends: a decision's number follows the newest one's."""
    locks.hold(unit, ("use limits",))


def add(unit: UnitOfWork, decision: LimitsDecision) -> None:
    """Store a decision."""
    unit.connection.execute(insert(USE_LIMITS).values(**decision.__dict__))
