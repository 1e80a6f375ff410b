"""Versions of targets: which one holds where and since when. Rows are added and marked, never changed or deleted."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import insert, select, update

from collector.domain.in_force import Reach, Version
from collector.store.tables.registry import SCHOOLS, TARGET_VERSIONS
from collector.store.unit import Snapshot, UnitOfWork


@dataclass(frozen=True)
class Decision:
    """One version with who decided it and when, and who took it back."""

    version_id: str
    reach: str
    place: str
    valid_from: str
    profile: str | None
    rule: str | None
    note: str | None
    created_ms: int
    created_by: str
    undone_ms: int | None = None
    undone_by: str | None = None

    @property
    def version(self) -> Version:
        """What the judgement needs of it."""
        return Version(
            self.version_id, Reach(self.reach), self.place, date.fromisoformat(self.valid_from), self.profile, self.rule
        )


_COLUMNS = [TARGET_VERSIONS.c[name] for name in Decision.__dataclass_fields__]


def in_force(snapshot: Snapshot) -> list[Version]:
    """Return every version that was not undone, those to come among them."""
    query = select(*_COLUMNS).where(TARGET_VERSIONS.c.undone_ms.is_(None))
    return [Decision(*row).version for row in snapshot.connection.execute(query)]


def decisions(snapshot: Snapshot) -> list[Decision]:
    """Return every version, undone or not, the one that begins last first."""
    order = (TARGET_VERSIONS.c.valid_from.desc(), TARGET_VERSIONS.c.version_id.desc())
    return [Decision(*row) for row in snapshot.connection.execute(select(*_COLUMNS).order_by(*order))]


def find(snapshot: Snapshot, version_id: str) -> Decision | None:
    """Return one version; None where there is none."""
    row = snapshot.connection.execute(select(*_COLUMNS).where(TARGET_VERSIONS.c.version_id == version_id)).first()
    return Decision(*row) if row else None


def add(unit: UnitOfWork, decision: Decision) -> None:
    """Store a version; the caller has checked that it begins on a day to come."""
    unit.connection.execute(insert(TARGET_VERSIONS).values(**decision.__dict__))


def undo(unit: UnitOfWork, version_id: str, now_ms: int, by: str) -> bool:
    """Take a version back that has not begun; return whether it was still there."""
    mine = (TARGET_VERSIONS.c.version_id == version_id) & TARGET_VERSIONS.c.undone_ms.is_(None)
    done = unit.connection.execute(update(TARGET_VERSIONS).where(mine).values(undone_ms=now_ms, undone_by=by))
    return done.rowcount == 1


def timezones(snapshot: Snapshot) -> list[str]:
    """Return the zones that schools name."""
    query = select(SCHOOLS.c.timezone).where(SCHOOLS.c.timezone.is_not(None)).distinct()
    return [row[0] for row in snapshot.connection.execute(query)]
