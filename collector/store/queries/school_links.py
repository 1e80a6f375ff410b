"""Links that show one school without signing in: made, found, revoked; none is ever deleted."""

from dataclasses import dataclass

from sqlalchemy import insert, select, update

from collector.store.tables.links import SCHOOL_LINKS
from collector.store.unit import Snapshot, UnitOfWork


@dataclass(frozen=True)
class SchoolLink:
    """One link."""

    link_id: str
    school: str
    made_ms: int
    made_by: str
    expires_ms: int
    revoked_ms: int | None = None
    revoked_by: str | None = None

    def is_good(self, now_ms: int) -> bool:
        """Return whether it still opens its page."""
        return self.revoked_ms is None and now_ms < self.expires_ms


_COLUMNS = [SCHOOL_LINKS.c[name] for name in SchoolLink.__dataclass_fields__]


def add(unit: UnitOfWork, link: SchoolLink) -> None:
    """Store a link."""
    unit.connection.execute(insert(SCHOOL_LINKS).values(**link.__dict__))


def find(snapshot: Snapshot, link_id: str) -> SchoolLink | None:
    """Return a link, good or not."""
    row = snapshot.connection.execute(select(*_COLUMNS).where(SCHOOL_LINKS.c.link_id == link_id)).first()
    return SchoolLink(*row) if row else None


def good_of(snapshot: Snapshot, school: str, now_ms: int) -> list[SchoolLink]:
    """Return the links of a school that still open its page, the newest first."""
    query = (
        select(*_COLUMNS)
        .where(SCHOOL_LINKS.c.school == school, SCHOOL_LINKS.c.revoked_ms.is_(None))
        .where(SCHOOL_LINKS.c.expires_ms > now_ms)
        .order_by(SCHOOL_LINKS.c.made_ms.desc(), SCHOOL_LINKS.c.link_id)
    )
    return [SchoolLink(*row) for row in snapshot.connection.execute(query)]


def revoke(unit: UnitOfWork, school: str, link_id: str, now_ms: int, by: str) -> bool:
    """End a link of a school, and return whether this did it."""
    this = (SCHOOL_LINKS.c.school == school) & (SCHOOL_LINKS.c.link_id == link_id) & SCHOOL_LINKS.c.revoked_ms.is_(None)
    done = unit.connection.execute(
        update(SCHOOL_LINKS).where(this).values(revoked_ms=now_ms, revoked_by=by).returning(SCHOOL_LINKS.c.link_id)
    )
    return done.first() is not None
